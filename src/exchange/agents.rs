//! Agents at the ingress: their states as the log has them, what they want of them, and which of their logins are over.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use actix::{Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, Message, WrapFuture};
use tokio::sync::oneshot;

use crate::agents::{Direction, Operation, Phone, Refused, Registration, Right, Voice, WorkMode};
use crate::calls::{Call, CallType, Event, EventKind, Family, Party, PartyState};
use crate::clock;
use crate::directory::{Directory, EndedLogins, Feature};
use crate::exchange::handle::CommandError;
use crate::exchange::ingress::{CommandIngress, Finished, Tell};
use crate::exchange::roster::{AgentChange, AgentInput, RosterActor};
use crate::exchange::supervision::{Wanted, left_off};
use crate::ids::{AgentId, DeviceId, Fingerprint, IdempotencyKey, LoginId, Number, Position, RecordId, WallTime};
use crate::log::{Outcome, Record};
use crate::metrics;
use crate::metrics::{Metrics, Waiting};
use crate::records::{AgentChanged, CallChanged, CommandKey, LoginEnded};
use crate::switch::Setup;

/// How many logins are forgotten at a time.
const FORGOTTEN: usize = 64;

/// How often the end of a login is written when nobody knows whether it was.
const TRIES: u8 = 8;

/// The agents' states as far as the log has been applied, and the way to their owner.
pub(super) struct Roster {
    voices: BTreeMap<AgentId, Arc<Voice>>,
    owner: Option<Addr<RosterActor>>,
    /// What became of calls and has not been handed to the owner yet.
    to_hand: VecDeque<(AgentId, AgentInput)>,
    ended: EndedLogins,
    /// When which ended login is worth nothing anyhow.
    fading: BTreeSet<(WallTime, LoginId)>,
    /// Whose they were.
    owners: BTreeMap<LoginId, AgentId>,
}

/// What an agent wants of its voice channel or device.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AgentRequest {
    /// What.
    pub operation: Operation,
    /// The device that it names, if it names one.
    pub device: Option<DeviceId>,
}

/// An agent's command about itself.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct AgentCommanded {
    /// Counts it while it waits.
    pub waiting: Waiting,
    /// Who.
    pub agent: AgentId,
    /// What.
    pub request: Wanted,
    /// The key by which a retry is noticed.
    pub key: Option<IdempotencyKey>,
    /// Told how it ended.
    pub tell: Tell,
}

/// An agent's device is to take what changes nothing here: the switch must know it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Reached {
    /// Whose.
    pub agent: AgentId,
    /// The operation's name on the wire.
    pub name: &'static str,
    /// Told how it ended.
    pub tell: Tell,
}

/// A login is to be over.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct EndLogin {
    /// Whose and which, and until when it must be known.
    pub ended: LoginEnded,
    /// Told once nobody can use it any more.
    pub tell: Tell,
}

impl Roster {
    /// A roster that has read nothing yet.
    pub(super) fn new(ended: EndedLogins) -> Self {
        Self {
            voices: BTreeMap::new(),
            owner: None,
            to_hand: VecDeque::new(),
            ended,
            fading: BTreeSet::new(),
            owners: BTreeMap::new(),
        }
    }

    /// The agent's state, if it ever logged in. Routing asks it [`Voice::is_ready`], `do_not_disturb` and `forward_to`.
    pub(super) fn voice(&self, agent: &AgentId) -> Option<&Arc<Voice>> {
        self.voices.get(agent)
    }

    /// Takes an agent's record in.
    pub(super) fn apply(&mut self, changed: &AgentChanged) {
        self.voices.insert(changed.voice.agent.clone(), Arc::new(changed.voice.clone()));
    }

    /// Takes the end of a login in, or that it need not be known any more.
    pub(super) fn apply_login(&mut self, record: &Record, ended: &LoginEnded) {
        let entry = (ended.until, ended.login.clone());
        if record.ends {
            self.ended.forget(&ended.login);
            self.owners.remove(&ended.login);
            self.fading.remove(&entry);
        } else {
            self.ended.insert(ended.login.clone());
            self.owners.insert(ended.login.clone(), ended.agent.clone());
            self.fading.insert(entry);
        }
    }

    /// Takes a call's record in: who talked on a call and left it may have work to do. `before` is its family as it was.
    pub(super) fn apply_call(&mut self, at: Position, before: Option<&Family>, changed: &CallChanged) {
        for agent in left_off(before, changed) {
            self.to_hand.push_back((agent, AgentInput::Watched(at)));
        }
        for event in &changed.events {
            if event.kind == EventKind::Missed {
                self.to_hand.push_back((event.to.agent.clone(), AgentInput::NotAnswered(at)));
            }
            if let Some((_, left)) = left(&changed.family, event)
                && left.monitor.is_none()
                && before.is_some_and(|before| talked(before, left))
            {
                let input = AgentInput::CallEnded { at, direction: direction(left) };
                self.to_hand.push_back((event.to.agent.clone(), input));
            }
        }
    }

    fn owner(&mut self, make: impl FnOnce() -> RosterActor, metrics: &Metrics) -> Addr<RosterActor> {
        match &self.owner {
            Some(owner) if owner.connected() => owner.clone(),
            Some(_) => {
                metrics.actor_restarts_total.of(metrics::Actor::Roster).inc();
                tracing::error!("the owner of the agents' states died; another takes over");
                self.owner.insert(make().start()).clone()
            }
            None => self.owner.insert(make().start()).clone(),
        }
    }
}

impl CommandIngress {
    /// The agent's state, also of one that never logged in.
    pub(super) fn voice_of(&self, agent: &AgentId) -> Option<Arc<Voice>> {
        let phone = self.phone(agent)?;
        match self.roster.voice(agent) {
            Some(voice) if voice.phone == phone => Some(Arc::clone(voice)),
            // The directory has given it another device since.
            Some(voice) => Some(Arc::new(Voice { phone, ..voice.as_ref().clone() })),
            None => Some(Arc::new(Voice::new(agent.clone(), phone))),
        }
    }

    fn owner_of_agents(&mut self) -> Addr<RosterActor> {
        let (log, directory, settings, setup) = (&self.log, &self.directory, &self.settings, &self.setup);
        let make = || RosterActor::new(Arc::clone(log), directory.clone(), Arc::clone(settings), Arc::clone(setup));
        self.roster.owner(make, &self.metrics)
    }

    pub(super) fn phone(&self, agent: &AgentId) -> Option<Phone> {
        phone(&self.directory, &self.setup, agent)
    }

    /// Starts the owner of the agents' states, so that what is due by time happens.
    pub(super) fn keep_roster(&mut self) {
        self.owner_of_agents();
        self.hand_over();
        self.fade();
    }

    /// Hands what became of calls to the owner of the agents' states. Who is on another call goes on working.
    pub(super) fn hand_over(&mut self) {
        while let Some((agent, input)) = self.roster.to_hand.pop_front() {
            if matches!(input, AgentInput::CallEnded { .. }) && self.ledger.is_on_a_call(&agent) {
                continue;
            }
            let Some(phone) = self.phone(&agent) else { continue };
            let owner = self.owner_of_agents();
            let change = AgentChange::untold(agent.clone(), phone, input.clone());
            if owner.try_send(change).is_err() {
                // It is looked at again every second.
                return self.roster.to_hand.push_front((agent, input));
            }
        }
    }

    /// Has forgotten which logins ended, of those whose cookies are too old to be used anyhow.
    fn fade(&mut self) {
        let now = clock::wall();
        for _ in 0..FORGOTTEN {
            let Some((until, login)) = self.roster.fading.first().cloned().filter(|(until, _)| *until <= now) else {
                return;
            };
            self.roster.fading.pop_first();
            let Some(agent) = self.roster.owners.remove(&login) else { continue };
            self.roster.ended.forget(&login);
            let forgotten = LoginEnded { login, agent, until }.forgotten(RecordId::draw(), now);
            let appending = self.log.append(forgotten);
            // If the log takes none now, the next start tries again.
            actix::spawn(async move {
                let _outcome = appending.await;
            });
        }
    }

    fn route_agent(
        &mut self,
        agent: &AgentId,
        request: AgentRequest,
        key: Option<CommandKey>,
    ) -> Result<oneshot::Receiver<Result<Option<Position>, CommandError>>, CommandError> {
        let phone = self.phone(agent).ok_or(Refused::NotFound)?;
        // Who may not do it at all learns nothing of devices and places.
        self.voice_of(agent).ok_or(Refused::NotFound)?.permits(request.operation.kind())?;
        self.may_have(agent, &phone, &request)?;
        let AgentRequest { operation, .. } = request;
        let name = operation_name(&operation);
        self.ask_owner(agent, phone, AgentInput::Operation { operation, name, key })
    }

    /// Whether the switch does not know the agent's device.
    pub(super) fn is_unregistered(&self, agent: &AgentId) -> bool {
        self.phone(agent).is_some_and(|phone| phone.registration == Registration::Unregistered)
    }

    /// A call from a device that the switch does not know, or an event for it, fails there, and its agent is told so.
    pub(super) fn not_registered(
        &mut self,
        agent: &AgentId,
        name: Arc<str>,
    ) -> Result<oneshot::Receiver<Result<Option<Position>, CommandError>>, CommandError> {
        let phone = self.phone(agent).ok_or(Refused::NotFound)?;
        self.ask_owner(agent, phone, AgentInput::NotRegistered { name })
    }

    fn ask_owner(
        &mut self,
        agent: &AgentId,
        phone: Phone,
        input: AgentInput,
    ) -> Result<oneshot::Receiver<Result<Option<Position>, CommandError>>, CommandError> {
        let (tell, told) = oneshot::channel();
        let waiting = Waiting::new(self.metrics.mailbox_depth.of(metrics::Actor::Roster));
        let owner = self.owner_of_agents();
        owner.try_send(AgentChange::told(agent.clone(), phone, input, tell, waiting)).map_err(|_| {
            self.metrics.mailbox_full_total.of(metrics::Actor::Roster).inc();
            CommandError::Busy
        })?;
        Ok(told)
    }

    /// Whether the agent may have the device and the place that it names, or comes back to: a place that bears the number
    /// of a device is that device's.
    fn may_have(&self, agent: &AgentId, phone: &Phone, request: &AgentRequest) -> Result<(), Refused> {
        if let Some(device) = &request.device
            && *device != phone.device
        {
            let other = self.directory.agent_at(device).ok_or(Refused::NotFound)?;
            return Err(Refused::InUse(other.number.as_str().into()));
        }
        let voice = self.voice_of(agent).ok_or(Refused::NotFound)?;
        let Some(place) = voice.place_by(&request.operation) else { return Ok(()) };
        let home = Number::parse(place).ok().and_then(|number| self.directory.home(&number));
        match home {
            Some(home) if home.agent != *agent => Err(Refused::InUse(Arc::clone(place))),
            Some(_) | None => Ok(()),
        }
    }
}

/// The agent's device, and what its agent may do, by its account as it is now.
pub(super) fn phone(directory: &Directory, setup: &Setup, agent: &AgentId) -> Option<Phone> {
    let account = directory.agent(agent)?;
    let right = |feature| if account.has(feature) { Right::Granted } else { Right::Withheld };
    Some(Phone {
        device: account.device.clone(),
        number: account.number.clone(),
        supervision: right(Feature::Monitoring),
        voice: right(Feature::Voice),
        registration: match setup.unregistered.contains(&account.number) {
            true => Registration::Unregistered,
            false => Registration::Registered,
        },
    })
}

/// What an operation is called on the wire.
pub(super) fn operation_name(operation: &Operation) -> Arc<str> {
    match operation {
        Operation::Custom(custom) => Arc::clone(&custom.operation),
        Operation::AfterCallWork
        | Operation::AuxWork
        | Operation::CancelSupervisorMonitoring
        | Operation::DoNotDisturbOff
        | Operation::DoNotDisturbOn
        | Operation::EndContactCenterSession
        | Operation::ForwardCallsOff
        | Operation::ForwardCallsOn(_)
        | Operation::Monitor(_)
        | Operation::NotReady { .. }
        | Operation::Offline
        | Operation::Ready(_)
        | Operation::StartContactCenterSession(_) => operation.kind().name().into(),
    }
}

/// Two requests have the same fingerprint if they want the same.
fn fingerprint(request: &AgentRequest) -> Fingerprint {
    let name = operation_name(&request.operation);
    let device = request.device.as_ref().map_or("", DeviceId::as_str);
    let or = |text: &Option<Arc<str>>| text.clone().unwrap_or_default();
    let parameters: [Arc<str>; 3] = match &request.operation {
        Operation::ForwardCallsOn(number) => [number.as_str().into(), "".into(), "".into()],
        Operation::NotReady { reason } => [or(reason), "".into(), "".into()],
        Operation::Ready(mode) => {
            let mode = match mode {
                WorkMode::AsConfigured => "",
                WorkMode::AutoIn => "AutoIn",
                WorkMode::ManualIn => "ManualIn",
            };
            [mode.into(), "".into(), "".into()]
        }
        Operation::StartContactCenterSession(start) => [or(&start.place), or(&start.login_code), or(&start.queue)],
        Operation::Monitor(monitoring) => {
            [monitoring.target.number.as_str().into(), monitoring.scope.name().into(), monitoring.calls.name().into()]
        }
        Operation::AfterCallWork
        | Operation::AuxWork
        | Operation::CancelSupervisorMonitoring
        | Operation::Custom(_)
        | Operation::DoNotDisturbOff
        | Operation::DoNotDisturbOn
        | Operation::EndContactCenterSession
        | Operation::ForwardCallsOff
        | Operation::Offline => ["".into(), "".into(), "".into()],
    };
    Fingerprint::of(["agent", &name, device].into_iter().chain(parameters.iter().map(|text| &**text)))
}

/// The part of an agent that left, if the event tells of that.
fn left<'a>(family: &'a Family, event: &Event) -> Option<(&'a Call, &'a Party)> {
    if event.kind != EventKind::StatusChange {
        return None;
    }
    let call = family.calls.iter().find(|call| call.id == event.call)?;
    let party = call.parties.iter().find(|party| {
        party.endpoint.home.as_ref() == Some(&event.to) && matches!(party.state, PartyState::Released(_))
    })?;
    Some((call, party))
}

/// Whether the party talked before it left.
fn talked(before: &Family, left: &Party) -> bool {
    let mut parties = before.calls.iter().flat_map(|call| &call.parties);
    parties.any(|party| party.leg == left.leg && party.state.is_talking())
}

/// Who was called dialled nothing: the number that was dialled is its own, or a queue's that sent it the call.
fn direction(party: &Party) -> Direction {
    match party.kind {
        _ if party.queue.is_some() => Direction::Received,
        CallType::Inbound => Direction::Received,
        CallType::Consult | CallType::Internal | CallType::Outbound => {
            if party.dnis.as_ref() == Some(&party.endpoint.number) { Direction::Received } else { Direction::Made }
        }
    }
}

impl Handler<AgentCommanded> for CommandIngress {
    type Result = ();

    fn handle(&mut self, commanded: AgentCommanded, ctx: &mut Context<Self>) {
        let AgentCommanded { waiting, agent, request, key, tell } = commanded;
        drop(waiting);
        let request = match self.found(&agent, request) {
            Ok(request) => request,
            // Whoever asked may have gone away.
            Err(refused) => return drop(tell.send(Err(refused.into()))),
        };
        let command = fingerprint(&request);
        let Some((tell, key)) = self.admit(&agent, key, command, tell) else { return };
        match self.route_agent(&agent, request, key.clone()) {
            Ok(told) => self.await_owner(told, agent, key, tell, ctx),
            // Whoever asked may have gone away.
            Err(error) => drop(tell.send(Err(error))),
        }
    }
}

impl Handler<Reached> for CommandIngress {
    type Result = ();

    fn handle(&mut self, Reached { agent, name, tell }: Reached, ctx: &mut Context<Self>) {
        let told = if self.is_unregistered(&agent) { Some(self.not_registered(&agent, name.into())) } else { None };
        match told {
            Some(Ok(told)) => self.await_owner(told, agent, None, tell, ctx),
            // Whoever asked may have gone away.
            Some(Err(error)) => drop(tell.send(Err(error))),
            None => drop(tell.send(Ok(()))),
        }
    }
}

impl Handler<EndLogin> for CommandIngress {
    type Result = ();

    fn handle(&mut self, EndLogin { ended, tell }: EndLogin, ctx: &mut Context<Self>) {
        let (log, id) = (Arc::clone(&self.log), RecordId::draw());
        let writing = async move {
            for _ in 0..TRIES {
                match log.append(ended.record(id, clock::wall())).await {
                    Outcome::Appended(position) => return Ok(Some(position)),
                    Outcome::Conflict | Outcome::Unknown => {}
                    Outcome::Full => return Err(CommandError::LogFull),
                }
            }
            Err(CommandError::Busy)
        };
        self.under_way += 1;
        ctx.spawn(writing.into_actor(self).map(|outcome, actor, _| {
            actor.under_way -= 1;
            actor.finish(outcome, Finished { tell, keyed: None });
        }));
    }
}
