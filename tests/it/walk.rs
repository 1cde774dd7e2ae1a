//! The life of one position: a conference is asked for, answered, told, lost on the way, and told again by another
//! life of the server, byte by byte. Real log on disk, real actors, and a switch that does what the test says.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix::Arbiter;
use partyline::broker::Broker;
use partyline::calls::{
    Ask, AskKind, ClearRule, Heard, LegId, MuteRule, Operation, PartyState, Report, ReportKind, Rules, Term, UserData,
};
use partyline::directory::{Directory, DirectoryConfig, demo_agents};
use partyline::exchange;
use partyline::exchange::Exchange;
use partyline::gws::{Command, Destination};
use partyline::ids::{AgentId, CallId, IdempotencyKey, Number, Position};
use partyline::log::{EmbeddedConfig, EmbeddedLog, Left, Log};
use partyline::metrics::Metrics;
use partyline::records::{self, CallChanged, Payload};
use partyline::switch::{Leg, Line, News, Setup, Switch};
use tokio::sync::mpsc;

use crate::kit;

/// A switch that tells the test what it is asked.
struct Scripted {
    asks: mpsc::UnboundedSender<Ask>,
    legs: mpsc::UnboundedSender<Vec<Leg>>,
}

impl Switch for Scripted {
    fn setup(&self) -> Setup {
        Setup::default()
    }

    fn carry_out(&self, ask: Ask) {
        self.asks.send(ask).unwrap();
    }

    fn restore(&self, legs: Vec<Leg>) {
        self.legs.send(legs).unwrap();
    }

    fn set_line(&self, _: Number, _: Line) {}

    fn is_up(&self) -> bool {
        true
    }
}

/// One life of the server.
struct Life {
    log: Arc<dyn Log>,
    broker: Broker,
    exchange: Exchange,
    asks: mpsc::UnboundedReceiver<Ask>,
    legs: mpsc::UnboundedReceiver<Vec<Leg>>,
    reports: mpsc::Sender<News>,
    term: u64,
    sequence: u64,
}

impl Life {
    async fn begin(directory: &Path, left: Left, term: u64) -> Self {
        let config = EmbeddedConfig { directory: directory.to_owned(), ..EmbeddedConfig::default() };
        let log = EmbeddedLog::open(config, Arc::new(())).unwrap();
        assert_eq!(log.recovery().left, left);
        let log: Arc<dyn Log> = Arc::new(log);
        let (metrics, accounts) = (Metrics::new(), Directory::new(DirectoryConfig { agents: demo_agents() }).unwrap());
        let (asked, asks) = mpsc::unbounded_channel();
        let (restored, legs) = mpsc::unbounded_channel();
        let (reports, reported) = mpsc::channel(16);
        let arbiter = Arbiter::current();
        let broker = Broker::new(kit::sessions(kit::rendering(RULES)), metrics.clone(), Arc::clone(&log));
        broker.open_here();
        let switch = Arc::new(Scripted { asks: asked, legs: restored });
        let calm = exchange::Settings::new(Duration::from_secs(3600));
        let exchange = Exchange::start(&arbiter, Arc::clone(&log), accounts, switch, reported, metrics, calm);
        while !(broker.is_ready().await && exchange.is_ready().await) {
            tokio::task::yield_now().await;
        }
        Self { log, broker, exchange, asks, legs, reports, term, sequence: 0 }
    }

    /// What a client gets for a request, as text.
    async fn take(&self, body: &str) -> String {
        let (answer, receipt) = kit::ask(&self.broker, &agent("15000"), "browser", body).await;
        assert!(receipt.is_none(), "what is acknowledged needs no receipt");
        String::from_utf8(answer).unwrap()
    }

    async fn connect(&self, client: &str, ack: u64, timeout: u64) -> String {
        self.take(&format!(
            r#"[{{"channel":"/meta/connect","clientId":"{client}","ext":{{"ack":{ack}}},"advice":{{"timeout":{timeout}}}}}]"#
        ))
        .await
    }

    async fn report(&mut self, call: &CallId, leg: LegId, kind: ReportKind) {
        self.sequence += 1;
        let heard = Heard { term: Term(self.term), sequence: self.sequence };
        self.reports.send(News::Reported(Report { call: call.clone(), leg, heard, kind })).await.unwrap();
    }

    async fn asked(&mut self) -> Ask {
        self.asks.recv().await.unwrap()
    }

    /// The newest record of the call.
    fn newest(&self, call: &CallId) -> (Position, CallChanged) {
        let record = self.log.newest(&CallChanged::subject(call)).unwrap().unwrap();
        let Payload::CallChanged(changed) = records::decode(&record).unwrap() else { panic!("no call: {record:?}") };
        (record.position, changed)
    }

    /// 15000 and 15001 talk.
    async fn establish(&mut self) -> CallId {
        let dial = Command::Dial(destination("15001"));
        self.exchange.dial(&agent("15000"), dial, None).await.unwrap();
        let call = self.exchange.calls(&agent("15000")).await.unwrap().calls[0].call.id.clone();
        let (connect, dial) = (self.asked().await, self.asked().await);
        self.report(&call, connect.id, ReportKind::Answered).await;
        self.report(&call, dial.id, ReportKind::Ringing).await;
        while self.exchange.calls(&agent("15001")).await.unwrap().calls.is_empty() {
            tokio::task::yield_now().await;
        }
        self.exchange
            .operate(&agent("15001"), call.clone(), Command::Operation(Operation::Answer), None)
            .await
            .unwrap();
        assert_eq!(self.asked().await.kind, AskKind::Answer(dial.id));
        self.report(&call, dial.id, ReportKind::Answered).await;
        let talks = |view: &exchange::CallView| view.party.state == PartyState::Established;
        while !self.exchange.calls(&agent("15000")).await.unwrap().calls.iter().any(talks) {
            tokio::task::yield_now().await;
        }
        call
    }

    /// The session gets and acknowledges all there is. Says what it acknowledged.
    async fn settle(&self, client: &str) -> u64 {
        let head = self.log.head().get();
        let mut ack = 0;
        while ack < head {
            ack = number_of(&self.connect(client, ack, 0).await);
        }
        let body = self.connect(client, ack, 0).await;
        assert_eq!(events_of(&body), "[");
        ack
    }
}

fn agent(name: &str) -> AgentId {
    AgentId::parse(name).unwrap()
}

fn number(text: &str) -> Number {
    Number::parse(text).unwrap()
}

/// The number that a connect's reply, the last of a body, asks to be acknowledged.
fn number_of(body: &str) -> u64 {
    let (_, rest) = body.rsplit_once(r#""ack":"#).unwrap_or_else(|| panic!("no number in {body}"));
    rest.trim_end_matches(|c: char| !c.is_ascii_digit()).parse().unwrap()
}

/// A body up to the connect's reply.
fn events_of(body: &str) -> &str {
    body.rsplit_once(r#"{"channel":"/meta/connect""#).unwrap().0
}

fn conference() -> Command {
    Command::SingleStepConference(destination("15002"))
}

fn destination(to: &str) -> Destination {
    Destination { number: number(to), location: None, user_data: UserData::default() }
}

const RULES: Rules = Rules { mute: MuteRule::Conference, clear: ClearRule::Conference };

/// What the client remembers from one life of the server to the next.
struct Memory {
    client: String,
    call: CallId,
    acknowledged: u64,
    told: String,
    leg: LegId,
    head: Position,
}

fn key() -> IdempotencyKey {
    IdempotencyKey::parse("k").unwrap()
}

async fn first_life(directory: &Path) -> Memory {
    let mut life = Life::begin(directory, Left::Nowhere, 3).await;
    let shake = r#"[{"channel":"/meta/handshake","version":"1.0","ext":{"ack":true}}]"#;
    let shaken = life.take(shake).await;
    let client = shaken.split(r#""clientId":""#).nth(1).unwrap().split('"').next().unwrap().to_owned();
    life.take(&format!(r#"[{{"channel":"/meta/subscribe","clientId":"{client}","subscription":"/v2/me/*"}}]"#)).await;
    let call = life.establish().await;
    let acknowledged = life.settle(&client).await;
    let (before, _) = life.newest(&call);

    // (1) to (5): written down, then answered.
    life.exchange.operate(&agent("15000"), call.clone(), conference(), Some(key())).await.unwrap();
    let (asked_at, asked) = life.newest(&call);
    assert!(asked_at > before && asked_at.get() > acknowledged);
    assert_eq!(asked.family.asks.len(), 1);
    // (6): the ask is named after its record.
    let ask = life.asked().await;
    assert_eq!(ask.id.to_string(), format!("{asked_at}-0"));
    assert!(matches!(&ask.kind, AskKind::Dial { number, .. } if number.as_str() == "15002"));
    life.exchange.operate(&agent("15000"), call.clone(), conference(), Some(key())).await.unwrap();
    assert_eq!(life.newest(&call).0, asked_at, "a retry does nothing");

    // (7) to (9): one record, two events, one response.
    life.report(&call, ask.id, ReportKind::Answered).await;
    let told = life.connect(&client, acknowledged, 3_600_000).await;
    let (told_at, changed) = life.newest(&call);
    assert!(told_at > asked_at && changed.family.asks.is_empty());
    let data = told.find(r#""notificationType":"AttachedDataChanged""#).unwrap();
    let parties = told.find(r#""notificationType":"ParticipantsUpdated""#).unwrap();
    assert!(data < parties);
    assert_eq!(told.matches(r#""notificationType""#).count(), 2);
    assert_eq!(number_of(&told), told_at.get(), "both under one position");
    assert!(life.asks.try_recv().is_err(), "nothing was asked twice");
    Memory { client, call, acknowledged, told, leg: ask.id, head: life.log.head() }
}

async fn second_life(directory: &Path, memory: Memory) {
    let Memory { client, call, acknowledged, told, leg, head } = memory;
    // (10), (11): positions go on far beyond, and the calls are as they were.
    let mut life = Life::begin(directory, Left::Open, 4).await;
    assert!(life.log.head() > head);
    let legs = life.legs.recv().await.unwrap();
    assert!(legs.iter().any(|restored| restored.id == leg && restored.state == PartyState::Established));
    assert_eq!(legs.len(), 3);
    assert!(life.asks.try_recv().is_err(), "nothing is open");

    // (12) to (14): the response that was lost comes again.
    let again = life.connect(&client, acknowledged, 3_600_000).await;
    assert_eq!(events_of(&again), events_of(&told), "the same bytes");
    assert!(number_of(&again) > head.get());
    // (15): acknowledged, it is owed no more.
    let body = life.connect(&client, number_of(&again), 0).await;
    assert_eq!(events_of(&body), "[");

    // The key stands in the record: also this life knows that it was done.
    let before = life.newest(&call).0;
    life.exchange.operate(&agent("15000"), call.clone(), conference(), Some(key())).await.unwrap();
    assert_eq!(life.newest(&call).0, before);
}

#[test]
fn a_conference_survives_its_server_and_is_told_again_with_the_same_bytes() {
    let directory = tempfile::tempdir().unwrap();
    // The actors die with their system, in the middle of everything, and the log with the last of them, unclosed.
    let memory = actix::System::new().block_on(first_life(directory.path()));
    actix::System::new().block_on(second_life(directory.path(), memory));
}
