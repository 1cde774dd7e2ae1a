//! What the office knows of sessions from before it began, and what its successor does if it dies.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Handler, Message};
use tokio::sync::watch;

use crate::bayeux::{Channel, Pattern};
use crate::broker::office::{Grown, Notified, OfficeActor, ReadThrough};
use crate::broker::tests::kit::{agent, settings};
use crate::broker::{Admin, Broker, Closed, Happened, Publication};
use crate::ids::{IdempotencyKey, Position, RecordId, SessionId, WallTime};
use crate::log::{Durability, EmbeddedConfig, EmbeddedLog, Expected, Log, NewRecord, Outcome};
use crate::metrics::Metrics;
use crate::records::{OwedPage, Rest, SessionEnded, SessionState, Start};

const SESSION: SessionId = SessionId::new([7; 16]);

async fn append(log: &EmbeddedLog, record: NewRecord) -> Position {
    match log.append(record).await {
        Outcome::Appended(position) => position,
        other @ (Outcome::Conflict | Outcome::Full | Outcome::Unknown) => panic!("not appended: {other:?}"),
    }
}

fn state(pattern: &str) -> SessionState {
    SessionState {
        session: SESSION,
        agent: Some(agent("15000")),
        login: None,
        cookie: None,
        desktop: false,
        ack: true,
        since: Start::Here,
        home: "local".into(),
        patterns: [(Pattern::parse(pattern).unwrap(), Start::Here)].into(),
        replays: Vec::new(),
        begun: None,
        catch_up: Vec::new(),
        cursor: None,
    }
}

#[actix_web::test]
async fn the_end_of_a_session_whose_newest_record_is_a_page_is_told() {
    let config = EmbeddedConfig { durability: Durability::Memory, ring_records: 1, ..EmbeddedConfig::default() };
    let log = Arc::new(EmbeddedLog::open(config, Arc::new(())).unwrap());
    let (id, time) = (RecordId::draw, WallTime::default());
    let begun = append(&log, state("/kept/a").record(id(), time, Expected::Nothing)).await;
    let settled = SessionState {
        since: Start::At(begun),
        patterns: [(Pattern::parse("/kept/a").unwrap(), Start::At(begun))].into(),
        ..state("/kept/a")
    };
    let positions = Vec::new();
    let page = OwedPage { state: settled, after: begun, through: begun, rest: Rest::Nothing, positions };
    let paged = append(&log, page.record(id(), time, Expected::At(begun))).await;
    let other = SessionEnded { session: SessionId::new([8; 16]), reason: "expired".into() };
    append(&log, other.record(id(), time, Expected::Nothing)).await;
    assert!(paged <= log.floor(), "the page has left the ring");

    let (tell, _told) = watch::channel(Grown::To(Position::ZERO));
    let office = OfficeActor::new(Arc::<EmbeddedLog>::clone(&log), tell).start();
    assert!(office.send(ReadThrough).await.unwrap() > paged, "it has caught up");
    let ended = SessionEnded { session: SESSION, reason: "expired".into() };
    let end = append(&log, ended.record(id(), time, Expected::At(paged))).await;
    while office.send(ReadThrough).await.unwrap() < end {
        tokio::task::yield_now().await;
    }
    let told = office.send(Notified { after: paged.next(), limit: 10 }).await.unwrap().unwrap();
    let [notice, emptied] = told.notices.as_slice() else { panic!("two notices: {told:?}") };
    assert_eq!((notice.at, notice.agent.clone()), (end, Some(agent("15000"))));
    assert!(matches!(notice.what, Happened::Removed { .. }));
    assert!(matches!(emptied.what, Happened::ChannelRemoved(_)), "nobody else was subscribed: {emptied:?}");
}

/// Has the office panic.
#[derive(Message)]
#[rtype(result = "()")]
struct Die;

impl Handler<Die> for OfficeActor {
    type Result = ();

    fn handle(&mut self, Die: Die, _: &mut Self::Context) {
        panic!("a test wants it so");
    }
}

#[actix_web::test]
async fn another_office_knows_the_keys_and_the_notices_and_whoever_waits_is_told_by_it() {
    let config = EmbeddedConfig { durability: Durability::Memory, ..EmbeddedConfig::default() };
    let log = Arc::new(EmbeddedLog::open(config, Arc::new(())).unwrap());
    let metrics = Metrics::new();
    let broker = Broker::new(settings(), metrics.clone(), Arc::<EmbeddedLog>::clone(&log));
    let mut admin = Admin::start(&broker);
    let publication = || {
        let (channel, key) = (Channel::parse("/demo/a").unwrap(), IdempotencyKey::parse("k").unwrap());
        vec![Publication { channel, data: "1".into(), key: Some(key) }]
    };
    let first = admin.publish(publication()).await.unwrap();
    let before = first[0].unwrap();
    let begun = append(&log, state("/demo/a").record(RecordId::draw(), WallTime::default(), Expected::Nothing)).await;
    assert_eq!(admin.grown(before, PATIENCE).await, Ok(true));

    let mut waiting = admin.clone();
    let waiting = actix::spawn(async move { waiting.grown(begun, PATIENCE).await });
    admin.office().send(Die).await.unwrap_err();
    while !admin.office().connected() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(admin.publish(publication()).await.unwrap(), first, "it is a retry");
    let told = admin.notices(before, 10).await.unwrap().unwrap();
    assert_eq!(told.notices.first().map(|notice| (notice.at, &notice.what)), Some((begun, &Happened::Added)));
    let ended = SessionEnded { session: SESSION, reason: "expired".into() };
    append(&log, ended.record(RecordId::draw(), WallTime::default(), Expected::At(begun))).await;
    assert_eq!(waiting.await.unwrap(), Ok(true));
    assert!(metrics.render().contains("partyline_actor_restarts_total{actor=\"office\"} 1\n"));

    admin.close().await;
    assert_eq!(admin.grown(begun, PATIENCE).await, Err(Closed));
    admin.office().send(Die).await.unwrap_err();
    tokio::time::pause();
    tokio::time::sleep(PATIENCE).await;
    assert!(!admin.office().connected(), "no other one takes over once it is closed");
}

const PATIENCE: Duration = Duration::from_secs(30);
