//! The way in for everybody else.

use std::sync::Arc;

use actix::ArbiterHandle;
use tokio::sync::{Mutex, oneshot};

use crate::agents;
use crate::agents::{Kind, Voice};
use crate::calls::{Call, Family, Party, Refused, Seen};
use crate::clock;
use crate::directory::{Directory, EndedLogins};
use crate::exchange::agents::{AgentCommanded, AgentRequest, EndLogin, Reached};
use crate::exchange::ingress::{Commanded, IsReady, Read, UnderWay};
use crate::exchange::settings::Settings;
use crate::exchange::supervision::Wanted;
use crate::exchange::watch::{Door, Keeper};
use crate::gws::{Command, MonitorRequest};
use crate::ids::{AgentId, CallId, IdempotencyKey, LoginId, Position, WallTime};
use crate::log::{Follower, Lagged, Log, Record};
use crate::metrics;
use crate::metrics::{CommandOutcome, Label, Metrics, OperationName, Waiting};
use crate::records::LoginEnded;
use crate::switch::{Reports, Switch};

/// Why a command was not accepted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CommandError {
    /// Too much is waiting; nothing was done.
    #[error("the server is busy")]
    Busy,
    /// The key was used for another command.
    #[error("the idempotency key was used for another command")]
    KeyReused,
    /// The log takes no writes; nothing was done.
    #[error("the log takes no writes")]
    LogFull,
    /// The call says no.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The agent's own state says no.
    #[error(transparent)]
    RefusedAgent(#[from] agents::Refused),
    /// The switch cannot do it; the agent is told so on its devices as well.
    #[error("{0}")]
    SwitchRefused(String),
}

/// A call as one agent is part of it.
#[derive(Clone, Debug)]
pub struct CallView {
    /// The family it belongs to.
    pub family: Arc<Family>,
    /// The call.
    pub call: Call,
    /// The agent's part in it.
    pub party: Party,
}

impl CallView {
    /// The call as the agent sees it.
    pub fn seen(&self) -> Seen<'_> {
        Seen { family: &self.family, call: &self.call, party: &self.party }
    }
}

/// An agent's calls and state, and how far the log had been applied.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The calls, oldest first.
    pub calls: Vec<CallView>,
    /// The agent's voice channel and device.
    pub voice: Arc<Voice>,
    /// The position of the reading.
    pub position: Position,
}

/// Commands and calls. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Exchange {
    door: Door,
    metrics: Metrics,
    ended: EndedLogins,
}

/// How many records are taken in before commands get their turn.
const RECORDS: usize = 64;

impl Exchange {
    /// Starts the exchange on an arbiter, with its link to the switch. What dies of it is started again.
    pub fn start(
        arbiter: &ArbiterHandle,
        log: Arc<dyn Log>,
        directory: Directory,
        switch: Arc<dyn Switch>,
        reports: Reports,
        metrics: Metrics,
        settings: Settings,
    ) -> Self {
        let ended = EndedLogins::default();
        let keeper = Keeper {
            arbiter: arbiter.clone(),
            log,
            directory,
            setup: Arc::new(switch.setup()),
            switch,
            reports: Arc::new(Mutex::new(reports)),
            metrics: metrics.clone(),
            settings: Arc::new(settings),
            ended: ended.clone(),
        };
        Self { door: keeper.start(), metrics, ended }
    }

    /// Where the ingress is.
    #[cfg(test)]
    pub(super) fn door(&self) -> &Door {
        &self.door
    }

    /// Makes a call from the agent's device. Resolves once that is written down.
    ///
    /// # Errors
    /// [`CommandError`] if it was not accepted.
    pub async fn dial(
        &self,
        agent: &AgentId,
        command: Command,
        key: Option<IdempotencyKey>,
    ) -> Result<(), CommandError> {
        self.command(agent, None, command, key).await
    }

    /// Does something to one of the agent's calls. Resolves once that is written down.
    ///
    /// # Errors
    /// [`CommandError`] if it was not accepted.
    pub async fn operate(
        &self,
        agent: &AgentId,
        call: CallId,
        command: Command,
        key: Option<IdempotencyKey>,
    ) -> Result<(), CommandError> {
        self.command(agent, Some(call), command, key).await
    }

    async fn command(
        &self,
        agent: &AgentId,
        call: Option<CallId>,
        command: Command,
        key: Option<IdempotencyKey>,
    ) -> Result<(), CommandError> {
        let name = operation(&command);
        let (tell, told) = oneshot::channel();
        let waiting = Waiting::new(self.metrics.mailbox_depth.of(metrics::Actor::Ingress));
        let commanded = Commanded { waiting, agent: agent.clone(), call, command, key, tell };
        let sent = self.door.address().try_send(commanded).is_ok();
        self.answer(name, sent, told).await
    }

    /// Changes the agent's own state, or a setting of its device. Resolves once that is written down.
    ///
    /// # Errors
    /// [`CommandError`] if it was not accepted.
    pub async fn change(
        &self,
        agent: &AgentId,
        request: AgentRequest,
        key: Option<IdempotencyKey>,
    ) -> Result<(), CommandError> {
        let name = agent_operation(request.operation.kind());
        self.want(agent, name, Wanted::Change(request), key).await
    }

    /// Has the agent, a supervisor, brought into the calls of another. Resolves once that is written down.
    ///
    /// # Errors
    /// [`CommandError`] if it was not accepted.
    pub async fn monitor(
        &self,
        agent: &AgentId,
        request: MonitorRequest,
        key: Option<IdempotencyKey>,
    ) -> Result<(), CommandError> {
        let name = agent_operation(request.kind.operation());
        self.want(agent, name, Wanted::Monitor(request), key).await
    }

    async fn want(
        &self,
        agent: &AgentId,
        name: OperationName,
        request: Wanted,
        key: Option<IdempotencyKey>,
    ) -> Result<(), CommandError> {
        let (tell, told) = oneshot::channel();
        let waiting = Waiting::new(self.metrics.mailbox_depth.of(metrics::Actor::Ingress));
        let commanded = AgentCommanded { waiting, agent: agent.clone(), request, key, tell };
        let sent = self.door.address().try_send(commanded).is_ok();
        self.answer(name, sent, told).await
    }

    /// Has the agent's device take what changes nothing here, by its name on the wire.
    ///
    /// # Errors
    /// [`CommandError::SwitchRefused`] if the switch does not know the device: then the agent is told so as well.
    pub async fn reach(&self, agent: &AgentId, name: &'static str) -> Result<(), CommandError> {
        let (tell, told) = oneshot::channel();
        let reached = Reached { agent: agent.clone(), name, tell };
        self.door.address().try_send(reached).map_err(|_| CommandError::Busy)?;
        told.await.unwrap_or(Err(CommandError::Busy))
    }

    /// Ends a login. Resolves once nobody can use it any more, also after a restart. It is known until `until`, when
    /// its cookie is too old anyhow.
    ///
    /// # Errors
    /// [`CommandError`] if that could not be written down.
    pub async fn end_login(&self, agent: &AgentId, login: LoginId, until: WallTime) -> Result<(), CommandError> {
        let (tell, told) = oneshot::channel();
        let ended = LoginEnded { login, agent: agent.clone(), until };
        self.door.address().try_send(EndLogin { ended, tell }).map_err(|_| CommandError::Busy)?;
        told.await.unwrap_or(Err(CommandError::Busy))
    }

    /// Logins that ended before their time.
    pub fn ended_logins(&self) -> &EndedLogins {
        &self.ended
    }

    async fn answer(
        &self,
        name: OperationName,
        sent: bool,
        told: oneshot::Receiver<Result<(), CommandError>>,
    ) -> Result<(), CommandError> {
        let began = clock::now();
        let outcome = if sent {
            told.await.unwrap_or(Err(CommandError::Busy))
        } else {
            self.metrics.mailbox_full_total.of(metrics::Actor::Ingress).inc();
            Err(CommandError::Busy)
        };
        let took = clock::now().saturating_duration_since(began);
        self.metrics.command_seconds.of(name).observe(took.as_secs_f64());
        self.metrics.commands_total.of(name, label(&outcome)).inc();
        outcome
    }

    /// The agent's calls and state, as of everything that was answered before.
    ///
    /// # Errors
    /// [`CommandError::Busy`]; [`agents::Refused::NotFound`] if there is no such agent.
    pub async fn calls(&self, agent: &AgentId) -> Result<Snapshot, CommandError> {
        let snapshot = self.door.address().send(Read(agent.clone())).await.map_err(|_| CommandError::Busy)?;
        snapshot.ok_or_else(|| agents::Refused::NotFound.into())
    }

    /// Whether everything that was in the log at the start has been applied.
    pub async fn is_ready(&self) -> bool {
        self.door.address().send(IsReady).await.unwrap_or(false)
    }

    /// How many commands are on their way.
    pub async fn under_way(&self) -> usize {
        self.door.address().send(UnderWay).await.unwrap_or(0)
    }
}

/// How a command ended, for its label.
fn label(outcome: &Result<(), CommandError>) -> CommandOutcome {
    match outcome {
        Ok(()) => CommandOutcome::Accepted,
        Err(CommandError::Busy) => CommandOutcome::Busy,
        Err(CommandError::LogFull | CommandError::SwitchRefused(_)) => CommandOutcome::Failed,
        Err(CommandError::KeyReused | CommandError::Refused(_) | CommandError::RefusedAgent(_)) => {
            CommandOutcome::Refused
        }
    }
}

/// Which operation it was, for its label.
fn operation(command: &Command) -> OperationName {
    let is_it = |name: &&OperationName| name.as_str() == command.name();
    OperationName::ALL.iter().find(is_it).copied().unwrap_or(OperationName::Other)
}

/// Which operation on an agent's own state it was, for its label.
const fn agent_operation(kind: Kind) -> OperationName {
    match kind {
        Kind::AfterCallWork => OperationName::AfterCallWork,
        Kind::AuxWork => OperationName::AuxWork,
        Kind::BargeIn => OperationName::BargeIn,
        Kind::CancelSupervisorMonitoring => OperationName::CancelSupervisorMonitoring,
        Kind::Coach => OperationName::Coach,
        Kind::Custom => OperationName::CustomState,
        Kind::DoNotDisturbOff => OperationName::DoNotDisturbOff,
        Kind::DoNotDisturbOn => OperationName::DoNotDisturbOn,
        Kind::EndContactCenterSession => OperationName::EndContactCenterSession,
        Kind::ForwardCallsOff => OperationName::ForwardCallsOff,
        Kind::ForwardCallsOn => OperationName::ForwardCallsOn,
        Kind::ListenIn => OperationName::ListenIn,
        Kind::NotReady => OperationName::NotReady,
        Kind::Offline => OperationName::Offline,
        Kind::Ready => OperationName::Ready,
        Kind::StartContactCenterSession => OperationName::StartContactCenterSession,
    }
}

/// The batches of a follower, without end.
pub(super) fn batches(follower: Follower) -> impl futures_util::Stream<Item = Result<Vec<Arc<Record>>, Lagged>> {
    futures_util::stream::unfold(follower, |mut follower| async move {
        let batch = follower.next(RECORDS).await;
        Some((batch, follower))
    })
}
