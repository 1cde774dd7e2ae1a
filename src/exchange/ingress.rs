//! The actor that takes every operation: it knows the living calls, notices retries, admits, and routes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, Message, StreamHandler, WrapFuture};
use tokio::sync::oneshot;

use crate::calls::Family;
use crate::directory::{Directory, EndedLogins};
use crate::exchange::agents::Roster;
use crate::exchange::call::{CallActor, Conduct};
use crate::exchange::handle::{CommandError, Snapshot, batches};
use crate::exchange::keys::{Keyed, fingerprint};
use crate::exchange::ledger::{Known, Ledger};
use crate::exchange::settings::Settings;
use crate::exchange::supervision::Supervision;
use crate::gws::Command;
use crate::ids::{AgentId, CallId, Fingerprint, IdempotencyKey, Position};
use crate::log::{Lagged, Log, ReadError, Record};
use crate::metrics::{Limit, Metrics, Waiting};
use crate::records;
use crate::records::{AgentChanged, CommandKey, LoginEnded, Payload};
use crate::switch::Setup;

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
    pub(super) log: Arc<dyn Log>,
    pub(super) directory: Directory,
    pub(super) metrics: Metrics,
    pub(super) settings: Arc<Settings>,
    /// What is settled of the switch.
    pub(super) setup: Arc<Setup>,
    pub(super) ledger: Ledger,
    /// The agents' states.
    pub(super) roster: Roster,
    /// Who watches whom.
    pub(super) supervision: Supervision,
    /// The owners of families that something was asked of; their addresses only.
    pub(super) owners: BTreeMap<CallId, Addr<CallActor>>,
    /// Commands with a key that are on their way, and who else waits for their answer.
    pub(super) keyed: BTreeMap<(AgentId, IdempotencyKey), Keyed>,
    /// Answers that leave once the ledger has applied their position, so that a read after them shows it.
    answers: BTreeMap<Position, Vec<Finished>>,
    pub(super) under_way: usize,
    ready_at: Position,
}

/// A command that was decided.
pub(super) struct Finished {
    /// Who is told.
    pub tell: Tell,
    /// Until it is answered, a retry waits for it: only then the ledger knows its key.
    pub keyed: Option<(AgentId, IdempotencyKey)>,
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

/// An agent wants to read its calls and its state. `None` if there is no such agent.
#[derive(Debug, Message)]
#[rtype(result = "Option<Snapshot>")]
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
    pub(super) fn new(
        log: Arc<dyn Log>,
        directory: Directory,
        metrics: Metrics,
        settings: Arc<Settings>,
        setup: Arc<Setup>,
        ended: EndedLogins,
    ) -> Self {
        Self {
            ready_at: log.head(),
            log,
            directory,
            metrics,
            settings,
            setup,
            ledger: Ledger::default(),
            roster: Roster::new(ended),
            supervision: Supervision::default(),
            owners: BTreeMap::new(),
            keyed: BTreeMap::new(),
            answers: BTreeMap::new(),
            under_way: 0,
        }
    }

    fn restore(&mut self) {
        for prefix in ["call/", AgentChanged::SUBJECTS, LoginEnded::SUBJECTS] {
            for subject in self.log.subjects(prefix) {
                match self.log.newest(&subject) {
                    Ok(Some(record)) => self.apply(&record),
                    Ok(None) => {}
                    Err(error) => tracing::error!(%error, %subject, "a state cannot be restored"),
                }
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
        // Their owners see to it that what the switch does not answer is given up, and what an agent does not make.
        for known in self.ledger.waiting() {
            self.owner(&known);
        }
        self.supervision.look_at_all();
        self.keep_roster();
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
            Ok(Payload::AgentChanged(changed)) => {
                self.ledger.apply_agent(&changed);
                let before = self.roster.voice(&changed.voice.agent);
                self.supervision.apply_agent(before.map(Arc::as_ref), &changed);
                self.roster.apply(&changed);
            }
            Ok(Payload::CallChanged(changed)) => {
                let before = self.ledger.family_at(&changed.family.root);
                self.roster.apply_call(record.position, before, &changed);
                self.ledger.apply(record.position, &changed);
                self.supervision.apply_call(&changed.family);
                if changed.family.is_over() {
                    self.owners.remove(&changed.family.root);
                }
            }
            Ok(Payload::LoginEnded(ended)) => self.roster.apply_login(record, &ended),
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
        self.keep_roster();
        self.supervise();
    }

    /// The owner of a family, started if it has none.
    pub(super) fn owner(&mut self, known: &Known) -> Addr<CallActor> {
        let root = &known.family.root;
        if let Some(owner) = self.owners.get(root).filter(|owner| owner.connected()) {
            return owner.clone();
        }
        self.start(known.family.as_ref().clone(), Some(known.version))
    }

    pub(super) fn start(&mut self, family: Family, version: Option<Position>) -> Addr<CallActor> {
        let root = family.root.clone();
        let conduct = Conduct {
            ask_timeout: self.settings.ask_timeout,
            queue_timeout: self.setup.queue_timeout,
            preview_timeout: self.setup.preview_timeout,
            rules: self.settings.call_rules,
        };
        let owner = CallActor::new(Arc::clone(&self.log), self.metrics.clone(), family, version, conduct).start();
        self.owners.insert(root, owner.clone());
        owner
    }

    /// A command's end: its answer leaves once the ledger shows what it did.
    pub(super) fn finish(&mut self, outcome: Result<Option<Position>, CommandError>, finished: Finished) {
        match outcome {
            Ok(Some(position)) if position > self.ledger.applied() => {
                self.answers.entry(position).or_default().push(finished);
            }
            Ok(position) => {
                if position.is_none() {
                    self.remember(&finished);
                }
                self.answer(finished, &Ok(()));
            }
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
        self.hand_over();
        self.supervise();
        while let Some(entry) = self.answers.first_entry() {
            if *entry.key() > self.ledger.applied() {
                break;
            }
            for finished in entry.remove() {
                self.answer(finished, &Ok(()));
            }
        }
    }

    /// Whether a command is to be carried out: a retry is answered, or waits for the first one's answer.
    pub(super) fn admit(
        &mut self,
        agent: &AgentId,
        key: Option<IdempotencyKey>,
        command: Fingerprint,
        tell: Tell,
    ) -> Option<(Tell, Option<CommandKey>)> {
        self.keep_up();
        let tell = match &key {
            Some(key) => self.is_first(agent, key, command, tell)?,
            None => tell,
        };
        if self.under_way >= UNDER_WAY {
            self.metrics.rejected_total.of(Limit::Commands).inc();
            tell_all([tell], &Err(CommandError::Busy));
            return None;
        }
        Some((tell, key.map(|key| CommandKey { key, command })))
    }

    /// Waits for the owner of what a command changes, and answers the command.
    pub(super) fn await_owner(
        &mut self,
        told: oneshot::Receiver<Result<Option<Position>, CommandError>>,
        agent: AgentId,
        key: Option<CommandKey>,
        tell: Tell,
        ctx: &mut Context<Self>,
    ) {
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

/// Tells everybody how a command ended.
pub(super) fn tell_all(tells: impl IntoIterator<Item = Tell>, outcome: &Result<(), CommandError>) {
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
                self.supervision.look_at_all();
                self.ledger.reach(resume);
            }
        }
        self.release();
    }
}

impl Handler<Commanded> for CommandIngress {
    type Result = ();

    fn handle(&mut self, commanded: Commanded, ctx: &mut Self::Context) {
        let Commanded { waiting, agent, call, command, key, tell } = commanded;
        drop(waiting);
        let print = fingerprint(call.as_ref(), &command);
        let Some((tell, key)) = self.admit(&agent, key, print, tell) else { return };
        match self.route(&agent, call, command, key.clone()) {
            Ok(told) => self.await_owner(told, agent, key, tell, ctx),
            Err(error) => tell_all([tell], &Err(error)),
        }
    }
}

impl Handler<Read> for CommandIngress {
    type Result = actix::MessageResult<Read>;

    fn handle(&mut self, Read(agent): Read, _: &mut Self::Context) -> Self::Result {
        self.keep_up();
        let (calls, position) = self.ledger.snapshot(&agent);
        actix::MessageResult(self.voice_of(&agent).map(|voice| Snapshot { calls, voice, position }))
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
