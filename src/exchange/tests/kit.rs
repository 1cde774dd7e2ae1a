//! An exchange, its log and its switch, in the test's own arbiter.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use actix::Arbiter;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::calls::{
    Ask, ClearRule, Heard, LegId, MuteRule, Operation, PartyState, Preview, Report, ReportKind, Rules, Term, UserData,
};
use crate::directory::{Agent, Directory, DirectoryConfig, demo_agents};
use crate::exchange::{CommandError, Exchange, Settings};
use crate::gws::{Command, Destination};
use crate::ids::{AgentId, CallId, Epoch, IdempotencyKey, Number, Position};
use crate::log::{
    Appending, Durability, EmbeddedConfig, EmbeddedLog, Follower, Health, Log, NewRecord, Outcome, Past, ReadError,
    Record, Stretch, Subject,
};
use crate::metrics::Metrics;
use crate::records;
use crate::records::{CallChanged, Payload};
use crate::switch::{Leg, Line, News, Setup, Switch};

/// A log that can be told to refuse, and to let somebody else write first.
#[derive(Debug)]
pub(super) struct Fickle {
    pub(super) inner: EmbeddedLog,
    /// What becomes of the next appends, instead of their being taken.
    pub(super) faults: Mutex<VecDeque<Outcome>>,
    /// Appended right before the next append.
    pub(super) rival: Mutex<Option<NewRecord>>,
    /// Whoever begins to follow it now is never woken.
    pub(super) is_silent: Mutex<bool>,
}

impl Fickle {
    pub(super) fn new() -> Arc<Self> {
        let config = EmbeddedConfig { durability: Durability::Memory, ..EmbeddedConfig::default() };
        let inner = EmbeddedLog::open(config, Arc::new(())).unwrap();
        Arc::new(Self { inner, faults: Mutex::default(), rival: Mutex::default(), is_silent: Mutex::default() })
    }

    /// The records of calls so far.
    pub(super) fn changes(&self) -> Vec<CallChanged> {
        let all = self.inner.read(Position::ZERO, 10_000).unwrap();
        let payloads = all.iter().map(|record| records::decode(record).unwrap());
        payloads
            .filter_map(|payload| if let Payload::CallChanged(changed) = payload { Some(changed) } else { None })
            .collect()
    }
}

impl Log for Fickle {
    fn append(&self, record: NewRecord) -> Appending {
        if let Some(outcome) = self.faults.lock().pop_front() {
            let (tell, appending) = Appending::new();
            tell.send(outcome).unwrap();
            return appending;
        }
        if let Some(rival) = self.rival.lock().take() {
            drop(self.inner.append(rival));
        }
        self.inner.append(record)
    }

    fn newest(&self, subject: &Subject) -> Result<Option<Arc<Record>>, ReadError> {
        self.inner.newest(subject)
    }

    fn lives(&self, subject: &Subject) -> bool {
        self.inner.lives(subject)
    }

    fn histories(&self) -> usize {
        self.inner.histories()
    }

    fn subjects(&self, prefix: &str) -> Vec<Subject> {
        self.inner.subjects(prefix)
    }

    fn read(&self, after: Position, limit: usize) -> Result<Vec<Arc<Record>>, ReadError> {
        self.inner.read(after, limit)
    }

    fn history(&self, past: &Past<'_>) -> Result<Stretch, ReadError> {
        self.inner.history(past)
    }

    fn select(&self, positions: &[Position]) -> Result<Vec<Arc<Record>>, ReadError> {
        self.inner.select(positions)
    }

    fn recall(&self, position: Position) -> Option<Arc<Record>> {
        self.inner.recall(position)
    }

    fn follow(&self, after: Position) -> Follower {
        let from = if *self.is_silent.lock() { Position::new(u64::MAX) } else { after };
        self.inner.follow(from)
    }

    fn head(&self) -> Position {
        self.inner.head()
    }

    fn floor(&self) -> Position {
        self.inner.floor()
    }

    fn forgotten(&self) -> Position {
        self.inner.forgotten()
    }

    fn epoch(&self) -> Epoch {
        self.inner.epoch()
    }

    fn health(&self) -> Health {
        self.inner.health()
    }

    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.inner.close()
    }
}

/// A switch that tells the test what it is asked. It can be told to panic at the next ask.
pub(super) struct Scripted {
    asks: mpsc::UnboundedSender<Ask>,
    pub(super) panics: Mutex<usize>,
    setup: Setup,
    /// What agents' devices are set to.
    pub(super) lines: Mutex<BTreeMap<Number, Line>>,
}

impl Switch for Scripted {
    fn setup(&self) -> Setup {
        self.setup.clone()
    }

    fn carry_out(&self, ask: Ask) {
        let mut panics = self.panics.lock();
        if *panics > 0 {
            *panics -= 1;
            drop(panics);
            panic!("the link dies, as the test wants it to");
        }
        drop(panics);
        // A test that is over listens no more.
        let _ = self.asks.send(ask);
    }

    fn restore(&self, _: Vec<Leg>) {}

    fn set_line(&self, number: Number, line: Line) {
        self.lines.lock().insert(number, line);
    }

    fn is_up(&self) -> bool {
        true
    }
}

pub(super) struct Desk {
    pub(super) log: Arc<Fickle>,
    pub(super) exchange: Exchange,
    pub(super) metrics: Metrics,
    pub(super) switch: Arc<Scripted>,
    asks: mpsc::UnboundedReceiver<Ask>,
    reports: mpsc::Sender<News>,
    sequence: u64,
}

impl Desk {
    pub(super) fn new() -> Self {
        Self::over(Fickle::new(), Duration::from_secs(3600))
    }

    pub(super) fn over(log: Arc<Fickle>, ask_timeout: Duration) -> Self {
        Self::with(log, Settings::new(ask_timeout))
    }

    pub(super) fn with(log: Arc<Fickle>, settings: Settings) -> Self {
        Self::manned(log, settings, demo_agents(), Setup::default())
    }

    /// One for these agents, with a switch like this.
    pub(super) fn manned(log: Arc<Fickle>, settings: Settings, agents: Vec<Agent>, setup: Setup) -> Self {
        let metrics = Metrics::new();
        let directory = Directory::new(DirectoryConfig { agents }).unwrap();
        let (asked, asks) = mpsc::unbounded_channel();
        let (reports, reported) = mpsc::channel(16);
        let switch = Arc::new(Scripted { asks: asked, panics: Mutex::new(0), setup, lines: Mutex::default() });
        let exchange = Exchange::start(
            &Arbiter::current(),
            Arc::<Fickle>::clone(&log),
            directory,
            Arc::<Scripted>::clone(&switch),
            reported,
            metrics.clone(),
            settings,
        );
        Self { log, exchange, metrics, switch, asks, reports, sequence: 0 }
    }

    pub(super) async fn asked(&mut self) -> Ask {
        self.asks.recv().await.unwrap()
    }

    /// Nothing was asked, as of all that is in the log.
    pub(super) async fn assert_nothing_asked(&mut self) {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        assert!(self.asks.try_recv().is_err());
    }

    pub(super) async fn report(&mut self, call: &CallId, leg: LegId, kind: ReportKind) {
        self.sequence += 1;
        let heard = Heard { term: Term(1), sequence: self.sequence };
        self.reports.send(News::Reported(Report { call: call.clone(), leg, heard, kind })).await.unwrap();
    }

    /// The switch offers an agent a call.
    pub(super) async fn offer(&self, name: &str, customer: &str) {
        let [agent, customer] = [name, customer].map(|number| Number::parse(number).unwrap());
        let preview = Preview { agent, customer, user_data: UserData::default() };
        self.reports.send(News::Previewed(preview)).await.unwrap();
    }

    /// An agent calls another: the call, the caller's leg and the other's.
    pub(super) async fn dial(&mut self, from: &str, to: &str) -> (CallId, LegId, LegId) {
        self.exchange.dial(&agent(from), dial(to), None).await.unwrap();
        let calls = self.exchange.calls(&agent(from)).await.unwrap().calls;
        let call = calls.last().unwrap().call.id.clone();
        (call, self.asked().await.id, self.asked().await.id)
    }

    /// 15000 and 15001 talk.
    pub(super) async fn establish(&mut self) -> CallId {
        let (call, caller, called) = self.dial("15000", "15001").await;
        self.report(&call, caller, ReportKind::Answered).await;
        self.report(&call, called, ReportKind::Answered).await;
        self.until("15000", PartyState::Established).await;
        call
    }

    /// Waits until the agent's only call has come so far.
    pub(super) async fn until(&self, name: &str, state: PartyState) {
        while !self.calls(name).await.contains(&state) {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until the agent has no call.
    pub(super) async fn until_over(&self, name: &str) {
        while !self.calls(name).await.is_empty() {
            tokio::task::yield_now().await;
        }
    }

    async fn calls(&self, name: &str) -> Vec<PartyState> {
        let snapshot = loop {
            match self.exchange.calls(&agent(name)).await {
                Ok(snapshot) => break snapshot,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        snapshot.calls.iter().map(|view| view.party.state).collect()
    }

    pub(super) async fn operate(
        &self,
        name: &str,
        call: &CallId,
        command: Command,
        key: Option<&str>,
    ) -> Result<(), CommandError> {
        let key = key.map(|key| IdempotencyKey::parse(key).unwrap());
        self.exchange.operate(&agent(name), call.clone(), command, key).await
    }

    pub(super) fn counts(&self, line: &str) -> bool {
        self.metrics.render().lines().any(|known| known == line)
    }
}

pub(super) fn agent(name: &str) -> AgentId {
    AgentId::parse(name).unwrap()
}

pub(super) fn dial(to: &str) -> Command {
    Command::Dial(destination(to))
}

pub(super) fn conference(to: &str) -> Command {
    Command::SingleStepConference(destination(to))
}

pub(super) fn destination(to: &str) -> Destination {
    Destination { number: Number::parse(to).unwrap(), location: None, user_data: UserData::default() }
}

pub(super) const HOLD: Command = Command::Operation(Operation::Hold);

pub(super) const HANGUP: Command = Command::Operation(Operation::Hangup);

pub(super) const RETRIEVE: Command = Command::Operation(Operation::Retrieve);

pub(super) const RULES: Rules = Rules { mute: MuteRule::Conference, clear: ClearRule::Conference };
