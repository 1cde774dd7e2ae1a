//! The actor that owns one call family: one change at a time, each a record before anybody hears of it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, SpawnHandle, WrapFuture};
use tokio::sync::oneshot;

use crate::agents::Kind;
use crate::calls::{
    Accepted, Ask, AskId, Asker, Endpoint, Failure, Family, LegId, Monitor, Operation, Refused, Report, ReportKind,
    Rules,
};
use crate::clock;
use crate::exchange::handle::CommandError;
use crate::ids::{AgentId, CallId, Number, Position, RecordId};
use crate::log::{Expected, Log, Outcome};
use crate::metrics::{AskOutcome, Metrics, Waiting};
use crate::records;
use crate::records::{CallChanged, Cause, CommandKey, Payload};

/// How many changes may wait for one call. A command beyond that is refused as busy. What the switch reports is
/// always taken: there is no more of it than what was asked for.
const MAILBOX: usize = 64;

/// How often a change that lost a race is decided again.
const TRIES: u8 = 8;

/// How long a report waits for a log that takes no writes.
const RETRY: Duration = Duration::from_secs(1);

/// How calls are conducted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conduct {
    /// How long the switch may take to answer an ask.
    pub ask_timeout: Duration,
    /// How long the switch lets a call wait in a queue for which an agent asked. `None`: as long as it likes.
    pub queue_timeout: Option<Duration>,
    /// How long an agent may look at a call before it makes it. `None`: as long as it likes.
    pub preview_timeout: Option<Duration>,
    /// What agents may do.
    pub rules: Rules,
}

/// Owns one call family.
#[derive(Debug)]
pub(super) struct CallActor {
    log: Arc<dyn Log>,
    metrics: Metrics,
    family: Family,
    /// The family's newest record; `None` before the first.
    version: Option<Position>,
    conduct: Conduct,
    /// Changes that wait for the one under way.
    waiting: VecDeque<Change>,
    under_way: bool,
    timer: Option<SpawnHandle>,
}

/// Something that may change the family.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Change {
    /// What.
    pub input: Input,
    /// Told where it was written down, or why it was not. `None` for `Ok` means that nothing needed to be.
    pub tell: Option<oneshot::Sender<Result<Option<Position>, CommandError>>>,
    /// How often it may still lose a race.
    pub tries: u8,
    /// The id of its record, whichever try it is: so that one is recognised that was written all the same.
    pub id: RecordId,
    /// Counts a command while it waits, here or in the mailbox.
    pub waiting: Option<Waiting>,
}

/// What may change a family.
#[derive(Clone, Debug)]
pub(super) enum Input {
    /// The family is new: what its first record says of why.
    Created(Cause),
    /// A supervisor is to be brought into a call.
    Monitor {
        /// Who.
        supervisor: Endpoint,
        /// Into which call.
        call: CallId,
        /// Whom it watches, and how.
        monitor: Monitor,
        /// Its operation's name on the wire.
        name: &'static str,
        /// Whether that is so if it has left the call already.
        again: Again,
    },
    /// An agent has looked for too long at a call that it may make, by this leg.
    NotMade(LegId),
    /// The switch lets the call wait for too long in the queue of this ask.
    NotServed(AskId),
    /// An agent wants something of a call.
    Operation {
        /// Who.
        asker: Asker,
        /// Which call.
        call: CallId,
        /// What.
        operation: Operation,
        /// Its name on the wire.
        name: &'static str,
        /// The key by which a retry is noticed.
        key: Option<CommandKey>,
    },
    /// The switch saw something.
    Report(Report),
    /// The switch did not answer in time.
    Timeout(AskId),
    /// A supervisor is to be taken off the calls.
    Unmonitor {
        /// Who.
        supervisor: AgentId,
        /// But for those on which it watches this number.
        but: Option<Number>,
    },
}

/// Whether a supervisor is brought into a call that it was on before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Again {
    /// It is: it asked for that just now.
    BroughtIn,
    /// It is not: it left, or did not answer.
    LeftAlone,
}

impl Change {
    /// A change whose outcome somebody waits for.
    pub(super) fn told(
        input: Input,
        tell: oneshot::Sender<Result<Option<Position>, CommandError>>,
        waiting: Waiting,
    ) -> Self {
        Self { input, tell: Some(tell), tries: TRIES, id: RecordId::draw(), waiting: Some(waiting) }
    }

    /// A change that nobody waits for, of which it is to be known how it ended.
    pub(super) fn noted(input: Input) -> (Self, oneshot::Receiver<Result<Option<Position>, CommandError>>) {
        let (tell, told) = oneshot::channel();
        (Self { tell: Some(tell), ..Self::untold(input) }, told)
    }

    /// A change that nobody waits for.
    pub(super) fn untold(input: Input) -> Self {
        Self { input, tell: None, tries: TRIES, id: RecordId::draw(), waiting: None }
    }

    fn tell(self, outcome: Result<Option<Position>, CommandError>) {
        drop(self.waiting);
        if let Some(tell) = self.tell {
            // Whoever asked may have gone away; what was done is done.
            let _ = tell.send(outcome);
        }
    }
}

impl CallActor {
    /// The owner of a family whose newest record is at `version`; `None` for one that has none yet.
    pub(super) fn new(
        log: Arc<dyn Log>,
        metrics: Metrics,
        family: Family,
        version: Option<Position>,
        conduct: Conduct,
    ) -> Self {
        let waiting = VecDeque::new();
        Self { log, metrics, family, version, conduct, waiting, under_way: false, timer: None }
    }

    fn next(&mut self, ctx: &mut Context<Self>) {
        while !self.under_way {
            let Some(change) = self.waiting.pop_front() else { break };
            self.decide(change, ctx);
        }
        // Of a family that was over already nothing more is to come.
        if self.family.is_over() && !self.under_way {
            return self.end(ctx);
        }
        self.arm(ctx);
    }

    /// Decides a change on the family as it is, and has it written down.
    fn decide(&mut self, change: Change, ctx: &mut Context<Self>) {
        let mut after = self.family.clone();
        let cause = match decide(&mut after, self.conduct.rules, &change.input) {
            Ok(Some(cause)) => cause,
            Ok(None) => return change.tell(Ok(None)),
            Err(refused) => return change.tell(Err(refused.into())),
        };
        let changed = CallChanged::new(cause, after);
        let id = change.id;
        let expected = self.version.map_or(Expected::Nothing, Expected::At);
        let appending = self.log.append(changed.record(id, clock::wall(), expected));
        self.under_way = true;
        ctx.spawn(appending.into_actor(self).map(move |outcome, actor, ctx| {
            actor.under_way = false;
            actor.written(change, changed.family, outcome, ctx);
            actor.next(ctx);
        }));
    }

    fn written(&mut self, change: Change, after: Family, outcome: Outcome, ctx: &mut Context<Self>) {
        match outcome {
            Outcome::Appended(position) => {
                self.count(&change.input, &after);
                self.hold(after, position);
                change.tell(Ok(Some(position)));
                if self.family.is_over() {
                    // Its subject ended with that record. What waits is judged as of a call that is over.
                    self.version = None;
                }
            }
            Outcome::Conflict | Outcome::Unknown => self.lost(change, after, ctx),
            Outcome::Full => self.put_off(change, CommandError::LogFull, ctx),
        }
    }

    /// Nobody is left on any of its calls: what still waits comes too late.
    fn end(&mut self, ctx: &mut Context<Self>) {
        for change in std::mem::take(&mut self.waiting) {
            change.tell(Err(Refused::NotFound.into()));
        }
        ctx.stop();
    }

    /// Counts the asks that a change closes, by what closed them.
    fn count(&self, input: &Input, after: &Family) {
        let outcome = match input {
            Input::Created(_)
            | Input::Monitor { .. }
            | Input::NotMade(_)
            | Input::Operation { .. }
            | Input::Unmonitor { .. } => return,
            Input::Report(report) => match report.kind {
                ReportKind::Ended(Failure::None)
                | ReportKind::Answered
                | ReportKind::Cleared
                | ReportKind::Done
                | ReportKind::Held
                | ReportKind::Merged
                | ReportKind::Monitoring(_)
                | ReportKind::Muted
                | ReportKind::Queued(_)
                | ReportKind::Recording(_)
                | ReportKind::Redirected(_)
                | ReportKind::Retrieved
                | ReportKind::Ringing
                | ReportKind::Routed(_)
                | ReportKind::Swapped
                | ReportKind::Unmuted => AskOutcome::Done,
                ReportKind::Ended(_) | ReportKind::Refused(_) => AskOutcome::Failed,
            },
            Input::NotServed(_) | Input::Timeout(_) => AskOutcome::TimedOut,
        };
        let is_closed = |ask: &&Ask| !after.asks.iter().any(|open| open.id == ask.id);
        let closed = self.family.asks.iter().filter(is_closed).count();
        self.metrics.switch_asks_total.of(outcome).inc_by(u64::try_from(closed).unwrap_or(u64::MAX));
    }

    fn hold(&mut self, mut family: Family, position: Position) {
        family.settle(position);
        self.family = family;
        self.version = Some(position);
    }

    /// Another writer was first, or nobody knows: read the newest record, and decide again.
    fn lost(&mut self, change: Change, after: Family, ctx: &mut Context<Self>) {
        let newest = self.log.newest(&CallChanged::subject(&self.family.root)).ok().flatten();
        match newest {
            Some(record) if record.id == change.id => {
                self.hold(after, record.position);
                return change.tell(Ok(Some(record.position)));
            }
            Some(record) => {
                if let Ok(Payload::CallChanged(changed)) = records::decode(&record) {
                    self.family = changed.family;
                    self.version = Some(record.position);
                }
            }
            // Its newest record ended it.
            None if self.version.is_some() => {
                change.tell(Err(Refused::NotFound.into()));
                return self.end(ctx);
            }
            None => {}
        }
        if change.tries == 0 {
            return self.put_off(change, CommandError::Busy, ctx);
        }
        self.waiting.push_front(Change { tries: change.tries - 1, ..change });
    }

    /// A command is answered with why it could not be written down; what the switch reported must not get lost.
    fn put_off(&mut self, change: Change, error: CommandError, ctx: &mut Context<Self>) {
        match change.input {
            Input::Created(_) => {
                change.tell(Err(error));
                self.end(ctx);
            }
            Input::Operation { .. } => change.tell(Err(error)),
            Input::Monitor { .. }
            | Input::NotMade(_)
            | Input::NotServed(_)
            | Input::Report(_)
            | Input::Timeout(_)
            | Input::Unmonitor { .. } => {
                self.waiting.push_front(Change { tries: TRIES, ..change });
                self.under_way = true;
                ctx.run_later(RETRY, |actor, ctx| {
                    actor.under_way = false;
                    actor.next(ctx);
                });
            }
        }
    }

    /// One timer, for what is due first: an ask, a preview, or a call in a queue.
    fn arm(&mut self, ctx: &mut Context<Self>) {
        if let Some(timer) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        // While a change is under way what is due stays due; it is looked at again after that.
        if self.under_way {
            return;
        }
        let ask = self.family.next_due(clock::wall(), self.conduct.ask_timeout);
        let others = [self.preview(), self.queue()].into_iter().flatten().map(|(_, left)| left);
        let Some(wait) = ask.into_iter().chain(others).min() else { return };
        self.timer = Some(ctx.run_later(wait, |actor, ctx| {
            actor.timer = None;
            for ask in actor.family.due_asks(clock::wall(), actor.conduct.ask_timeout) {
                actor.waiting.push_back(Change::untold(Input::Timeout(ask)));
            }
            if let Some((leg, Duration::ZERO)) = actor.preview() {
                actor.waiting.push_back(Change::untold(Input::NotMade(leg)));
            }
            if let Some((ask, Duration::ZERO)) = actor.queue() {
                actor.waiting.push_back(Change::untold(Input::NotServed(ask)));
            }
            actor.next(ctx);
        }));
    }

    /// The leg of an agent that looks at a call, and how long it may go on.
    fn preview(&self) -> Option<(LegId, Duration)> {
        self.conduct.preview_timeout.and_then(|timeout| self.family.preview_due(clock::wall(), timeout))
    }

    /// The ask of a call that waits in a queue, and how long the switch may still say nothing of it.
    fn queue(&self) -> Option<(AskId, Duration)> {
        let Conduct { ask_timeout, queue_timeout, .. } = self.conduct;
        queue_timeout.and_then(|timeout| self.family.queue_due(clock::wall(), timeout, ask_timeout))
    }
}

/// What an input does to a family: why its next record is written, or `None` if there is nothing to write.
fn decide(family: &mut Family, rules: Rules, input: &Input) -> Result<Option<Cause>, Refused> {
    let now = clock::wall();
    Ok(match input {
        Input::Created(cause) => Some(cause.clone()),
        Input::Monitor { supervisor, call, monitor, name, again } => {
            let agent = supervisor.home.as_ref().map(|home| home.agent.clone()).ok_or(Refused::NotFound)?;
            let mut there = family.calls.iter().filter(|each| each.id == *call);
            if *again == Again::LeftAlone && there.any(|each| each.has_had(&agent)) {
                return Ok(None);
            }
            let changed = match family.monitor(now, call, supervisor.clone(), monitor.clone()) {
                Ok(accepted) => accepted == Accepted::Changed,
                // Nobody waits for the answer: the supervisor is told, and that it was is written down.
                Err(Refused::TooMany(_)) => family.turn_away(now, call, supervisor.clone(), monitor.clone()),
                Err(refused) => return Err(refused),
            };
            changed.then(|| Cause::Operation { name: (*name).into(), agent, key: None })
        }
        Input::Operation { asker, call, operation, name, key } => {
            match family.handle_operation(now, rules, asker, call, operation.clone())? {
                Accepted::AlreadyAsked => None,
                Accepted::Changed => {
                    Some(Cause::Operation { name: (*name).into(), agent: asker.agent.clone(), key: key.clone() })
                }
            }
        }
        Input::NotMade(leg) => family.handle_preview_timeout(now, *leg).then_some(Cause::Timeout { ask: *leg }),
        Input::NotServed(ask) => family.handle_queue_timeout(now, *ask).then_some(Cause::Timeout { ask: *ask }),
        Input::Report(report) => {
            family.handle_report(now, report).then_some(Cause::Report { leg: report.leg, heard: report.heard })
        }
        Input::Timeout(ask) => family.handle_ask_timeout(now, *ask).then_some(Cause::Timeout { ask: *ask }),
        Input::Unmonitor { supervisor, but } => match family.unmonitor(now, supervisor, but.as_ref()) {
            Accepted::AlreadyAsked => None,
            Accepted::Changed => {
                let name = Kind::CancelSupervisorMonitoring.name().into();
                Some(Cause::Operation { name, agent: supervisor.clone(), key: None })
            }
        },
    })
}

impl Actor for CallActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        self.arm(ctx);
    }
}

impl Handler<Change> for CallActor {
    type Result = ();

    fn handle(&mut self, change: Change, ctx: &mut Self::Context) {
        if self.waiting.len() >= MAILBOX && change.tell.is_some() {
            return change.tell(Err(CommandError::Busy));
        }
        self.waiting.push_back(change);
        self.next(ctx);
    }
}
