//! The actor that owns every agent's voice state: one change of an agent at a time, each a record before anybody hears
//! of it. Agents do not wait for each other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, SpawnHandle, WrapFuture};
use tokio::sync::oneshot;

use crate::agents::{Direction, Failure, Operation, Phone, Refused, Voice};
use crate::clock;
use crate::directory::Directory;
use crate::exchange::agents::phone;
use crate::exchange::handle::CommandError;
use crate::exchange::settings::Settings;
use crate::gws::failure_text;
use crate::ids::{AgentId, Position, RecordId, WallTime};
use crate::log::{Expected, Log, Outcome, Record};
use crate::metrics::Waiting;
use crate::records;
use crate::records::{AgentCause, AgentChanged, CommandKey, Payload};
use crate::switch::Setup;

/// How many changes may wait for the roster. A command beyond that is refused as busy; what becomes of calls waits at
/// the ingress.
const MAILBOX: usize = 4096;

/// How many changes may wait for one agent. A command beyond that is refused as busy.
const LANE: usize = 64;

/// How often a change that lost a race is decided again.
const TRIES: u8 = 8;

/// How long a change that nobody asked for waits for a log that takes no writes.
const RETRY: Duration = Duration::from_secs(1);

/// Owns every agent's voice state.
pub(super) struct RosterActor {
    log: Arc<dyn Log>,
    directory: Directory,
    settings: Arc<Settings>,
    setup: Arc<Setup>,
    lanes: BTreeMap<AgentId, Lane>,
    /// Whose time is up when.
    due: BTreeSet<(WallTime, AgentId)>,
    timer: Option<(WallTime, SpawnHandle)>,
}

/// One agent's state, and what waits to change it.
struct Lane {
    voice: Voice,
    /// The agent's newest record; `None` before the first.
    version: Option<Position>,
    waiting: VecDeque<AgentChange>,
    under_way: bool,
    /// When it stands in the roster's list.
    due: Option<WallTime>,
}

/// Told where a change was written down, or why it was not. `None` for `Ok` means that nothing needed to be.
pub(super) type TellPosition = oneshot::Sender<Result<Option<Position>, CommandError>>;

/// Something that may change an agent's state.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct AgentChange {
    /// Whose.
    pub agent: AgentId,
    /// The agent's device, as the directory has it.
    pub phone: Phone,
    /// What.
    pub input: AgentInput,
    /// Who waits for its outcome.
    pub tell: Option<TellPosition>,
    /// How often it may still lose a race.
    tries: u8,
    /// The id of its record, whichever try it is.
    id: RecordId,
    /// Counts a command while it waits.
    waiting: Option<Waiting>,
}

/// What may change an agent's state.
#[derive(Clone, Debug)]
pub(super) enum AgentInput {
    /// The agent's last call ended, in the record at this position.
    CallEnded {
        /// Where.
        at: Position,
        /// Who made it.
        direction: Direction,
    },
    /// A call of a queue was not answered, in the record at this position.
    NotAnswered(Position),
    /// The agent wants something else of a device that the switch does not know.
    NotRegistered {
        /// Its name on the wire.
        name: Arc<str>,
    },
    /// The agent wants something.
    Operation {
        /// What.
        operation: Operation,
        /// Its name on the wire.
        name: Arc<str>,
        /// The key by which a retry is noticed.
        key: Option<CommandKey>,
    },
    /// Time passed.
    TimeOver,
    /// The agent left a call that it was brought into as a supervisor, in the record at this position.
    Watched(Position),
}

/// A change that is to be written down, and what its asker is told then.
struct Decision {
    changed: AgentChanged,
    answer: Result<(), CommandError>,
}

impl Decision {
    /// What was wanted of a device that the switch does not know fails there, and its agent is told so. A retry is to fail
    /// again, so no key is kept.
    fn not_registered(mut voice: Voice, name: &Arc<str>) -> Self {
        voice.handle_failure(Failure::NotRegistered);
        let answer = Err(CommandError::SwitchRefused(failure_text(&voice, Failure::NotRegistered)));
        let cause = AgentCause::Operation { name: Arc::clone(name), key: None };
        Self { changed: AgentChanged::new(cause, voice), answer }
    }
}

impl AgentChange {
    /// A change whose outcome somebody waits for.
    pub(super) fn told(agent: AgentId, phone: Phone, input: AgentInput, tell: TellPosition, waiting: Waiting) -> Self {
        let (tell, waiting) = (Some(tell), Some(waiting));
        Self { agent, phone, input, tell, tries: TRIES, id: RecordId::draw(), waiting }
    }

    /// A change that nobody waits for.
    pub(super) fn untold(agent: AgentId, phone: Phone, input: AgentInput) -> Self {
        Self { agent, phone, input, tell: None, tries: TRIES, id: RecordId::draw(), waiting: None }
    }

    fn tell(self, outcome: Result<Option<Position>, CommandError>) {
        drop(self.waiting);
        if let Some(tell) = self.tell {
            // Whoever asked may have gone away; what was done is done.
            let _ = tell.send(outcome);
        }
    }
}

impl RosterActor {
    /// The owner of all that the log knows of agents.
    pub(super) fn new(log: Arc<dyn Log>, directory: Directory, settings: Arc<Settings>, setup: Arc<Setup>) -> Self {
        Self { log, directory, settings, setup, lanes: BTreeMap::new(), due: BTreeSet::new(), timer: None }
    }

    fn restore(&mut self) {
        for subject in self.log.subjects(AgentChanged::SUBJECTS) {
            match self.log.newest(&subject) {
                Ok(Some(record)) => {
                    if let Some(voice) = voice_of(&record) {
                        let agent = voice.agent.clone();
                        self.lanes.insert(agent.clone(), Lane::new(voice, Some(record.position)));
                        self.watch(&agent);
                    }
                }
                Ok(None) => {}
                Err(error) => tracing::error!(%error, %subject, "an agent's state cannot be restored"),
            }
        }
    }

    fn next(&mut self, agent: &AgentId, ctx: &mut Context<Self>) {
        while let Some(lane) = self.lanes.get_mut(agent)
            && !lane.under_way
            && let Some(change) = lane.waiting.pop_front()
        {
            self.decide(change, ctx);
        }
        self.watch(agent);
        self.arm(ctx);
    }

    /// Decides a change on the state as it is, and has it written down.
    fn decide(&mut self, change: AgentChange, ctx: &mut Context<Self>) {
        let Some(lane) = self.lanes.get_mut(&change.agent) else { return };
        let decision = match decide(lane, &change, &self.settings) {
            Ok(Some(decision)) => decision,
            Ok(None) => return change.tell(Ok(None)),
            Err(error) => return change.tell(Err(error)),
        };
        let expected = lane.version.map_or(Expected::Nothing, Expected::At);
        lane.under_way = true;
        let appending = self.log.append(decision.changed.record(change.id, clock::wall(), expected));
        ctx.spawn(appending.into_actor(self).map(move |outcome, actor, ctx| {
            let agent = change.agent.clone();
            if let Some(lane) = actor.lanes.get_mut(&agent) {
                lane.under_way = false;
            }
            actor.written(change, decision, outcome, ctx);
            actor.next(&agent, ctx);
        }));
    }

    fn written(&mut self, change: AgentChange, decision: Decision, outcome: Outcome, ctx: &mut Context<Self>) {
        match outcome {
            Outcome::Appended(position) => self.settle(change, decision, position),
            Outcome::Conflict | Outcome::Unknown => self.lost(change, decision, ctx),
            Outcome::Full => self.put_off(change, CommandError::LogFull, ctx),
        }
    }

    fn settle(&mut self, change: AgentChange, decision: Decision, position: Position) {
        if let Some(lane) = self.lanes.get_mut(&change.agent) {
            lane.voice = decision.changed.voice;
            lane.version = Some(position);
        }
        change.tell(decision.answer.map(|()| Some(position)));
    }

    /// Another writer was first, or nobody knows: read the newest record, and decide again.
    fn lost(&mut self, change: AgentChange, decision: Decision, ctx: &mut Context<Self>) {
        let newest = self.log.newest(&AgentChanged::subject(&change.agent)).ok().flatten();
        if let Some(record) = newest {
            if record.id == change.id {
                return self.settle(change, decision, record.position);
            }
            if let (Some(voice), Some(lane)) = (voice_of(&record), self.lanes.get_mut(&change.agent)) {
                lane.voice = voice;
                lane.version = Some(record.position);
            }
        }
        if change.tries == 0 {
            return self.put_off(change, CommandError::Busy, ctx);
        }
        self.repeat(AgentChange { tries: change.tries - 1, ..change });
    }

    /// A command is answered with why it could not be written down; what happened by itself must not get lost.
    fn put_off(&mut self, change: AgentChange, error: CommandError, ctx: &mut Context<Self>) {
        match change.input {
            AgentInput::NotRegistered { .. } | AgentInput::Operation { .. } => change.tell(Err(error)),
            AgentInput::CallEnded { .. }
            | AgentInput::NotAnswered(_)
            | AgentInput::TimeOver
            | AgentInput::Watched(_) => {
                let agent = change.agent.clone();
                self.repeat(AgentChange { tries: TRIES, ..change });
                let Some(lane) = self.lanes.get_mut(&agent) else { return };
                lane.under_way = true;
                ctx.run_later(RETRY, move |actor, ctx| {
                    if let Some(lane) = actor.lanes.get_mut(&agent) {
                        lane.under_way = false;
                    }
                    actor.next(&agent, ctx);
                });
            }
        }
    }

    fn repeat(&mut self, change: AgentChange) {
        if let Some(lane) = self.lanes.get_mut(&change.agent) {
            lane.waiting.push_front(change);
        }
    }

    /// Brings the list of those whose time will be up to date.
    fn watch(&mut self, agent: &AgentId) {
        let Some(lane) = self.lanes.get_mut(agent) else { return };
        // While a change is under way it is not known; it is looked at again after that.
        let due = if lane.under_way { None } else { lane.voice.poll_timeout() };
        if due == lane.due {
            return;
        }
        if let Some(before) = std::mem::replace(&mut lane.due, due) {
            self.due.remove(&(before, agent.clone()));
        }
        if let Some(due) = due {
            self.due.insert((due, agent.clone()));
        }
    }

    /// One timer, for the agent whose time is up first.
    fn arm(&mut self, ctx: &mut Context<Self>) {
        let first = self.due.first().map(|(due, _)| *due);
        if self.timer.is_some_and(|(armed, _)| Some(armed) == first) {
            return;
        }
        if let Some((_, timer)) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        let Some(due) = first else { return };
        let timer = ctx.run_later(due.since(clock::wall()), |actor, ctx| {
            actor.timer = None;
            actor.time_out(ctx);
        });
        self.timer = Some((due, timer));
    }

    fn time_out(&mut self, ctx: &mut Context<Self>) {
        let now = clock::wall();
        while let Some((due, agent)) = self.due.first().cloned()
            && due <= now
        {
            self.due.pop_first();
            if let Some(lane) = self.lanes.get_mut(&agent) {
                lane.due = None;
                let now = phone(&self.directory, &self.setup, &agent);
                let phone = now.unwrap_or_else(|| lane.voice.phone.clone());
                lane.waiting.push_back(AgentChange::untold(agent.clone(), phone, AgentInput::TimeOver));
            }
            self.next(&agent, ctx);
        }
        self.arm(ctx);
    }
}

impl Lane {
    const fn new(voice: Voice, version: Option<Position>) -> Self {
        Self { voice, version, waiting: VecDeque::new(), under_way: false, due: None }
    }

    /// Whether a record after this position has been written already: then the state of then is not that of now.
    fn is_past(&self, at: Position) -> bool {
        self.version.is_some_and(|version| version >= at)
    }
}

/// What a change does to an agent, or `None` if there is nothing to write.
fn decide(lane: &Lane, change: &AgentChange, settings: &Settings) -> Result<Option<Decision>, CommandError> {
    let now = clock::wall();
    let mut voice = Voice { phone: change.phone.clone(), ..lane.voice.clone() };
    let cause = match &change.input {
        AgentInput::CallEnded { at, direction } => {
            let changed = !lane.is_past(*at) && voice.handle_call_ended(now, &settings.rules, *direction);
            changed.then_some(AgentCause::CallEnded(*at))
        }
        AgentInput::NotAnswered(at) => {
            let changed = !lane.is_past(*at) && voice.handle_not_answered(now, &settings.rules);
            changed.then_some(AgentCause::NotAnswered(*at))
        }
        AgentInput::NotRegistered { name } => return Ok(Some(Decision::not_registered(voice, name))),
        AgentInput::Operation { operation, name, key } => match voice.handle_operation(now, operation.clone()) {
            Ok(()) => Some(AgentCause::Operation { name: name.clone(), key: key.clone() }),
            Err(Refused::NotRegistered) => return Ok(Some(Decision::not_registered(voice, name))),
            Err(refused) => return Err(refused.into()),
        },
        AgentInput::TimeOver => voice.handle_timeout(now).then_some(AgentCause::TimeOver),
        AgentInput::Watched(at) => {
            let changed = !lane.is_past(*at) && voice.handle_watched();
            changed.then_some(AgentCause::Watched(*at))
        }
    };
    Ok(cause.map(|cause| Decision { changed: AgentChanged::new(cause, voice), answer: Ok(()) }))
}

fn voice_of(record: &Record) -> Option<Voice> {
    match records::decode(record) {
        Ok(Payload::AgentChanged(changed)) => Some(changed.voice),
        Ok(_) => None,
        Err(error) => {
            tracing::error!(%error, "a record cannot be read");
            None
        }
    }
}

impl Actor for RosterActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        self.restore();
        self.arm(ctx);
    }
}

impl Handler<AgentChange> for RosterActor {
    type Result = ();

    fn handle(&mut self, change: AgentChange, ctx: &mut Self::Context) {
        let agent = change.agent.clone();
        let lane = self
            .lanes
            .entry(agent.clone())
            .or_insert_with(|| Lane::new(Voice::new(change.agent.clone(), change.phone.clone()), None));
        if lane.waiting.len() >= LANE && change.tell.is_some() {
            return change.tell(Err(CommandError::Busy));
        }
        lane.waiting.push_back(change);
        self.next(&agent, ctx);
    }
}
