//! The actor that takes every operation: it knows the living calls, notices retries, admits, and routes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix::{
    Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, Message, ResponseActFuture, StreamHandler, WrapFuture,
};
use tokio::sync::oneshot;

use crate::calls::{CallType, Dial, Endpoint, Family, Operation, Refused, Report};
use crate::clock;
use crate::directory::Directory;
use crate::exchange::call::{CallActor, Change, Input};
use crate::exchange::handle::{CommandError, Snapshot, batches};
use crate::exchange::keys::fingerprint;
use crate::exchange::ledger::{Known, Ledger};
use crate::gws::Command;
use crate::ids::{AgentId, CallId, ConnId, Fingerprint, IdempotencyKey, Number, Position};
use crate::log::{Lagged, Log, ReadError, Record};
use crate::metrics;
use crate::metrics::{Limit, Metrics, Waiting};
use crate::records;
use crate::records::{Cause, CommandKey, Payload};

/// How many commands and reads may wait. One more is refused as busy.
const MAILBOX: usize = 4096;

/// How many commands may be on their way to the log. One more is refused as busy.
const UNDER_WAY: usize = 8192;

/// How many records are read at a time to catch up with the log.
const PAGE: usize = 1024;

/// How often the gauges are brought up to date.
const GAUGES: Duration = Duration::from_secs(1);

/// Told how a command ended.
pub(super) type Tell = oneshot::Sender<Result<(), CommandError>>;

/// Takes every operation.
pub(super) struct CommandIngress {
    log: Arc<dyn Log>,
    directory: Directory,
    metrics: Metrics,
    ask_timeout: Duration,
    ledger: Ledger,
    /// The owners of families that something was asked of; their addresses only.
    owners: BTreeMap<CallId, Addr<CallActor>>,
    /// Commands with a key that are on their way, and who else waits for their answer.
    keyed: BTreeMap<(AgentId, IdempotencyKey), Keyed>,
    /// Answers that leave once the ledger has applied their position, so that a read after them shows it.
    answers: BTreeMap<Position, Vec<Finished>>,
    under_way: usize,
    ready_at: Position,
}

#[derive(Debug)]
struct Keyed {
    command: Fingerprint,
    others: Vec<Tell>,
}

/// A command that was decided.
struct Finished {
    tell: Tell,
    /// Until it is answered, a retry waits for it: only then the ledger knows its key.
    keyed: Option<(AgentId, IdempotencyKey)>,
}

/// An agent's command.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Commanded {
    /// Counts it while it waits.
    pub waiting: Waiting,
    /// Who.
    pub agent: AgentId,
    /// On which call; `None` makes one.
    pub call: Option<CallId>,
    /// What.
    pub command: Command,
    /// The key by which a retry is noticed.
    pub key: Option<IdempotencyKey>,
    /// Told how it ended.
    pub tell: Tell,
}

/// A report of the switch. `false` if it was not taken, and may be if it is brought again.
#[derive(Debug, Message)]
#[rtype(result = "bool")]
pub(super) struct Reported(pub Report);

/// An agent wants to read its calls.
#[derive(Debug, Message)]
#[rtype(result = "Snapshot")]
pub(super) struct Read(pub AgentId);

/// Whether everything that was in the log at the start has been applied.
#[derive(Debug, Message)]
#[rtype(result = "bool")]
pub(super) struct IsReady;

/// Resolves once no command is on its way.
#[derive(Debug, Message)]
#[rtype(result = "usize")]
pub(super) struct UnderWay;

impl CommandIngress {
    /// An ingress that begins with the calls that the log knows.
    pub(super) fn new(log: Arc<dyn Log>, directory: Directory, metrics: Metrics, ask_timeout: Duration) -> Self {
        Self {
            ready_at: log.head(),
            log,
            directory,
            metrics,
            ask_timeout,
            ledger: Ledger::default(),
            owners: BTreeMap::new(),
            keyed: BTreeMap::new(),
            answers: BTreeMap::new(),
            under_way: 0,
        }
    }

    fn restore(&mut self) {
        for subject in self.log.subjects("call/") {
            match self.log.newest(&subject) {
                Ok(Some(record)) => self.apply(&record),
                Ok(None) => {}
                Err(error) => tracing::error!(%error, %subject, "a call cannot be restored"),
            }
        }
    }

    /// Takes in what the log holds, so that no command, report or read ever sees less than all of it.
    fn catch_up(&mut self) {
        self.restore();
        self.ledger.reach(self.log.floor());
        if let Err(error) = self.read_until(self.ready_at) {
            tracing::error!(%error, "the log cannot be read; the calls are known, old idempotency keys are not");
        }
        self.ledger.reach(self.ready_at);
        // Their owners see to it that what the switch does not answer is given up.
        for known in self.ledger.asking() {
            self.owner(&known);
        }
    }

    fn read_until(&mut self, position: Position) -> Result<(), ReadError> {
        while self.ledger.applied() < position {
            let page = self.log.read(self.ledger.applied(), PAGE)?;
            if page.is_empty() {
                break;
            }
            page.iter().for_each(|record| self.take(record));
        }
        Ok(())
    }

    /// Takes in all that others may have seen already: who has been told of a call finds it, and can act on it.
    fn keep_up(&mut self) {
        if self.ledger.applied() < self.log.floor() {
            // The follower will find that it fell behind, and read the calls again.
            return;
        }
        if let Err(error) = self.read_until(self.log.head()) {
            tracing::error!(%error, "the log cannot be read");
        }
        self.release();
    }

    fn take(&mut self, record: &Record) {
        self.apply(record);
        self.ledger.reach(record.position);
    }

    fn apply(&mut self, record: &Record) {
        match records::decode(record) {
            Ok(Payload::CallChanged(changed)) => {
                self.ledger.apply(record.position, &changed);
                if changed.family.is_over() {
                    self.owners.remove(&changed.family.root);
                }
            }
            Ok(
                Payload::ChannelPublished(_)
                | Payload::Direct(_)
                | Payload::LogOpened
                | Payload::Page(_)
                | Payload::SessionEnded(_)
                | Payload::SessionState(_),
            ) => {}
            Err(error) => tracing::error!(%error, "a record cannot be read"),
        }
    }

    fn gauge(&mut self) {
        // Owners whose call never came to be, or is over.
        self.owners.retain(|_, owner| owner.connected());
        for (state, count) in self.ledger.count() {
            self.metrics.calls.of(state).set(count);
        }
    }

    /// The owner of a family, started if it has none.
    fn owner(&mut self, known: &Known) -> Addr<CallActor> {
        let root = &known.family.root;
        if let Some(owner) = self.owners.get(root).filter(|owner| owner.connected()) {
            return owner.clone();
        }
        self.start(known.family.as_ref().clone(), Some(known.version))
    }

    fn start(&mut self, family: Family, version: Option<Position>) -> Addr<CallActor> {
        let root = family.root.clone();
        let owner =
            CallActor::new(Arc::clone(&self.log), self.metrics.clone(), family, version, self.ask_timeout).start();
        self.owners.insert(root, owner.clone());
        owner
    }

    fn endpoint(&self, number: &Number) -> Endpoint {
        Endpoint { number: number.clone(), home: self.directory.home(number) }
    }

    /// Routes a command to the owner of its call. The owner's answer comes by the returned receiver.
    fn route(
        &mut self,
        agent: &AgentId,
        call: Option<CallId>,
        command: Command,
        key: Option<CommandKey>,
    ) -> Result<oneshot::Receiver<Result<Option<Position>, CommandError>>, CommandError> {
        let name = command.name();
        let (tell, told) = oneshot::channel();
        let (owner, input) = match (command, call) {
            (Command::Dial { destination, location, user_data }, _) => {
                let caller = self.directory.agent(agent).ok_or(Refused::NotFound)?.number.clone();
                let target = self.endpoint(&destination);
                let kind = if target.home.is_some() { CallType::Internal } else { CallType::Outbound };
                let dial = Dial {
                    root: CallId::draw(),
                    conn: ConnId::draw(),
                    caller: self.endpoint(&caller),
                    target,
                    kind,
                    location,
                    user_data,
                };
                let family = Family::dial(clock::wall(), dial)?;
                let cause = Cause::Operation { name: name.into(), agent: agent.clone(), key };
                (self.start(family, None), Input::Created(cause))
            }
            (command, Some(call)) => {
                let operation = self.operation(command)?;
                let known = self.ledger.family_of(&call).cloned().ok_or(Refused::NotFound)?;
                (self.owner(&known), Input::Operation { agent: agent.clone(), call, operation, name, key })
            }
            (_, None) => return Err(Refused::NotFound.into()),
        };
        let waiting = Waiting::new(self.metrics.mailbox_depth.of(metrics::Actor::Call));
        owner.try_send(Change::told(input, tell, waiting)).map_err(|_| {
            self.metrics.mailbox_full_total.of(metrics::Actor::Call).inc();
            CommandError::Busy
        })?;
        Ok(told)
    }

    fn operation(&self, command: Command) -> Result<Operation, CommandError> {
        Ok(match command {
            Command::Answer => Operation::Answer,
            Command::Dial { .. } => return Err(Refused::NotFound.into()),
            Command::Hangup => Operation::Hangup,
            Command::Hold => Operation::Hold,
            Command::Retrieve => Operation::Retrieve,
            Command::SingleStepConference { destination, location, user_data } => {
                Operation::SingleStepConference { target: self.endpoint(&destination), location, user_data }
            }
        })
    }

    /// A command's end: its answer leaves once the ledger shows what it did.
    fn finish(&mut self, outcome: Result<Option<Position>, CommandError>, finished: Finished) {
        match outcome {
            Ok(Some(position)) if position > self.ledger.applied() => {
                self.answers.entry(position).or_default().push(finished);
            }
            Ok(_) => self.answer(finished, &Ok(())),
            Err(error) => self.answer(finished, &Err(error)),
        }
    }

    /// Answers a command, and those of its retries that came meanwhile.
    fn answer(&mut self, Finished { tell, keyed }: Finished, outcome: &Result<(), CommandError>) {
        let keyed = keyed.and_then(|keyed| self.keyed.remove(&keyed));
        let others = keyed.into_iter().flat_map(|keyed| keyed.others);
        tell_all(std::iter::once(tell).chain(others), outcome);
    }

    fn release(&mut self) {
        while let Some(entry) = self.answers.first_entry() {
            if *entry.key() > self.ledger.applied() {
                break;
            }
            for finished in entry.remove() {
                self.answer(finished, &Ok(()));
            }
        }
    }

    /// Whether a command is a retry: then it is answered, or waits for the first one's answer.
    fn is_retry(&mut self, commanded: Commanded) -> Option<Commanded> {
        let Some(key) = commanded.key.clone() else { return Some(commanded) };
        let command = fingerprint(commanded.call.as_ref(), &commanded.command);
        if let Some(done) = self.ledger.done(&commanded.agent, &key) {
            let outcome = if done == command { Ok(()) } else { Err(CommandError::KeyReused) };
            tell_all([commanded.tell], &outcome);
            return None;
        }
        match self.keyed.get_mut(&(commanded.agent.clone(), key)) {
            Some(keyed) if keyed.command == command => keyed.others.push(commanded.tell),
            Some(_) => tell_all([commanded.tell], &Err(CommandError::KeyReused)),
            None => return Some(commanded),
        }
        None
    }
}

fn tell_all(tells: impl IntoIterator<Item = Tell>, outcome: &Result<(), CommandError>) {
    for tell in tells {
        // Whoever asked may have gone away; what was done is done.
        let _ = tell.send(outcome.clone());
    }
}

impl Actor for CommandIngress {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        self.catch_up();
        ctx.add_stream(batches(self.log.follow(self.ledger.applied())));
        ctx.run_interval(GAUGES, |actor, _| actor.gauge());
    }
}

impl StreamHandler<Result<Vec<Arc<Record>>, Lagged>> for CommandIngress {
    fn handle(&mut self, batch: Result<Vec<Arc<Record>>, Lagged>, _: &mut Self::Context) {
        match batch {
            Ok(records) => {
                // What was read ahead must not be taken again: a call that is over by now would come back to life.
                let seen = self.ledger.applied();
                records.iter().filter(|record| record.position > seen).for_each(|record| self.take(record));
            }
            Err(Lagged { resume }) => {
                tracing::warn!("the exchange fell behind the log: it reads the calls again");
                self.restore();
                self.ledger.reach(resume);
            }
        }
        self.release();
    }
}

impl Handler<Commanded> for CommandIngress {
    type Result = ();

    fn handle(&mut self, commanded: Commanded, ctx: &mut Self::Context) {
        self.keep_up();
        let Some(commanded) = self.is_retry(commanded) else { return };
        let Commanded { waiting, agent, call, command, key, tell } = commanded;
        drop(waiting);
        if self.under_way >= UNDER_WAY {
            self.metrics.rejected_total.of(Limit::Commands).inc();
            return tell_all([tell], &Err(CommandError::Busy));
        }
        let key = key.map(|key| CommandKey { key, command: fingerprint(call.as_ref(), &command) });
        let told = match self.route(&agent, call, command, key.clone()) {
            Ok(told) => told,
            Err(error) => return tell_all([tell], &Err(error)),
        };
        self.under_way += 1;
        let keyed = key.map(|CommandKey { key, command }| {
            let keyed = (agent, key);
            self.keyed.insert(keyed.clone(), Keyed { command, others: Vec::new() });
            keyed
        });
        ctx.spawn(told.into_actor(self).map(move |told, actor, _| {
            actor.under_way -= 1;
            actor.finish(told.unwrap_or(Err(CommandError::Busy)), Finished { tell, keyed });
        }));
    }
}

impl Handler<Reported> for CommandIngress {
    type Result = ResponseActFuture<Self, bool>;

    fn handle(&mut self, Reported(report): Reported, _: &mut Self::Context) -> Self::Result {
        // A call that is newer than what the ledger has applied has an owner already.
        let owner = match self.ledger.family_of(&report.call).cloned() {
            Some(known) => Some(self.owner(&known)),
            None => self.owners.get(&report.call).filter(|owner| owner.connected()).cloned(),
        };
        let Some(owner) = owner else {
            tracing::debug!(leg = %report.leg, "a report for a call that is over");
            return Box::pin(actix::fut::ready(true));
        };
        // The owner may have ended just now. Another one is there when the report is brought again.
        let sent = owner.send(Change::untold(Input::Report(report)));
        Box::pin(sent.into_actor(self).map(|taken, _, _| taken.is_ok()))
    }
}

impl Handler<Read> for CommandIngress {
    type Result = actix::MessageResult<Read>;

    fn handle(&mut self, Read(agent): Read, _: &mut Self::Context) -> Self::Result {
        self.keep_up();
        actix::MessageResult(self.ledger.snapshot(&agent))
    }
}

impl Handler<IsReady> for CommandIngress {
    type Result = bool;

    fn handle(&mut self, IsReady: IsReady, _: &mut Self::Context) -> bool {
        self.ledger.applied() >= self.ready_at
    }
}

impl Handler<UnderWay> for CommandIngress {
    type Result = usize;

    fn handle(&mut self, UnderWay: UnderWay, _: &mut Self::Context) -> usize {
        self.under_way + self.answers.len()
    }
}
