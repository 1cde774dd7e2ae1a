//! What the office knows of sessions from before it began.

use std::sync::Arc;

use actix::Actor;
use tokio::sync::watch;

use crate::bayeux::Pattern;
use crate::broker::Happened;
use crate::broker::office::{Notified, OfficeActor, ReadThrough};
use crate::broker::tests::kit::agent;
use crate::ids::{Position, RecordId, SessionId, WallTime};
use crate::log::{Durability, EmbeddedConfig, EmbeddedLog, Expected, Log, NewRecord, Outcome};
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

    let (tell, _told) = watch::channel(Position::ZERO);
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
