//! The way in for everybody else.

use std::sync::Arc;
use std::time::Duration;

use actix::ArbiterHandle;
use tokio::sync::{Mutex, oneshot};

use crate::calls::{Call, Party, Refused};
use crate::clock;
use crate::directory::Directory;
use crate::exchange::ingress::{Commanded, IsReady, Read, UnderWay};
use crate::exchange::watch::{Door, Keeper};
use crate::gws::Command;
use crate::ids::{AgentId, CallId, IdempotencyKey, Position};
use crate::log::{Follower, Lagged, Log, Record};
use crate::metrics;
use crate::metrics::{CommandOutcome, Metrics, OperationName, Waiting};
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
}

/// A call as one agent is part of it.
#[derive(Clone, Debug)]
pub struct CallView {
    /// The call.
    pub call: Call,
    /// The agent's part in it.
    pub party: Party,
}

/// An agent's calls, and how far the log had been applied.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The calls, oldest first.
    pub calls: Vec<CallView>,
    /// The position of the reading.
    pub position: Position,
}

/// Commands and calls. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Exchange {
    door: Door,
    metrics: Metrics,
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
        ask_timeout: Duration,
    ) -> Self {
        let keeper = Keeper {
            arbiter: arbiter.clone(),
            log,
            directory,
            switch,
            reports: Arc::new(Mutex::new(reports)),
            metrics: metrics.clone(),
            ask_timeout,
        };
        Self { door: keeper.start(), metrics }
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
        let began = clock::now();
        let name = operation(&command);
        let (tell, told) = oneshot::channel();
        let waiting = Waiting::new(self.metrics.mailbox_depth.of(metrics::Actor::Ingress));
        let commanded = Commanded { waiting, agent: agent.clone(), call, command, key, tell };
        let outcome = if self.door.address().try_send(commanded).is_ok() {
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

    /// The agent's calls, as of everything that was answered before.
    ///
    /// # Errors
    /// [`CommandError::Busy`].
    pub async fn calls(&self, agent: &AgentId) -> Result<Snapshot, CommandError> {
        self.door.address().send(Read(agent.clone())).await.map_err(|_| CommandError::Busy)
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
        Err(CommandError::LogFull) => CommandOutcome::Failed,
        Err(CommandError::KeyReused | CommandError::Refused(_)) => CommandOutcome::Refused,
    }
}

/// Which operation it was, for its label.
fn operation(command: &Command) -> OperationName {
    match command {
        Command::Answer => OperationName::Answer,
        Command::Dial { .. } => OperationName::Dial,
        Command::Hangup => OperationName::Hangup,
        Command::Hold => OperationName::Hold,
        Command::Retrieve => OperationName::Retrieve,
        Command::SingleStepConference { .. } => OperationName::SingleStepConference,
    }
}

/// The batches of a follower, without end.
pub(super) fn batches(follower: Follower) -> impl futures_util::Stream<Item = Result<Vec<Arc<Record>>, Lagged>> {
    futures_util::stream::unfold(follower, |mut follower| async move {
        let batch = follower.next(RECORDS).await;
        Some((batch, follower))
    })
}
