//! Sessions that acknowledge: nothing is lost, whatever breaks.

use std::time::Duration;

use expect_test::expect;

use crate::broker::Settings;
use crate::broker::tests::kit::{Desk, End, connect_ack, peer, settings};
use crate::ids::Position;

const AWAY: Duration = Duration::from_secs(11);

fn desk() -> Desk {
    prepared(Desk::new())
}

fn prepared(mut desk: Desk) -> Desk {
    desk.shake(&peer("15000"), "one", "ack");
    desk.subscribe(&peer("15000"), "one", "/demo/*");
    desk.subscribe(&peer("15000"), "one", "/v2/me/calls");
    desk.ask(&peer("15000"), &connect_ack("one", 0));
    desk
}

/// The number in the last reply of a body.
fn number(body: &str) -> u64 {
    body.rsplit(r#""ack":"#).next().unwrap().trim_end_matches("}}]").parse().unwrap()
}

/// The events of a body, without the reply.
fn events(body: &str) -> &str {
    body.rsplit_once(r#"{"channel":"/meta/connect""#).unwrap().0
}

fn park(desk: &mut Desk, ack: u64) -> u64 {
    desk.send(&peer("15000"), &connect_ack("one", ack))
}

#[test]
fn what_is_not_acknowledged_is_sent_again_and_what_is_not_again() {
    let mut desk = desk();
    let first = park(&mut desk, 0);
    desk.publish("/demo/a", "1");
    let sent = desk.raw_answer(first).unwrap();
    let again = park(&mut desk, 0);
    let sent_again = desk.raw_answer(again).unwrap();
    assert_eq!(sent, sent_again);
    let next = park(&mut desk, number(&sent));
    assert_eq!(desk.answer(next), None);
    desk.publish("/demo/a", "2");
    expect![[
        r#"[{"data":2,"channel":"/demo/a"},{"channel":"/meta/connect","id":"c","successful":true,"ext":{"ack":+5}}]"#
    ]]
    .assert_eq(&desk.answer(next).unwrap());
    let page = desk.metrics.render();
    assert!(page.contains("partyline_redeliveries_total{cause=\"unacknowledged\"} 1\n"), "{page}");
}

#[test]
fn one_that_expired_is_served_from_the_ring_with_the_same_bytes() {
    let mut desk = desk();
    let parked = park(&mut desk, 0);
    desk.dial("15000", "a");
    let sent = desk.raw_answer(parked).unwrap();
    desk.pass(AWAY);
    desk.publish("/demo/a", "2");
    let resumed = park(&mut desk, 0);
    let sent_again = desk.raw_answer(resumed).unwrap();
    let events = events(&sent_again);
    assert!(events.starts_with(sent.rsplit_once(r#",{"channel":"/meta/connect""#).unwrap().0), "{events}");
    assert!(events.ends_with(r#"{"data":2,"channel":"/demo/a"},"#), "{events}");
    let parked = park(&mut desk, number(&sent_again));
    assert_eq!(desk.answer(parked), None);
    desk.assert_idle();
}

#[test]
fn one_that_stays_away_for_too_long_ends() {
    let mut desk = desk();
    desk.pass(AWAY);
    assert_eq!(desk.known(), 1);
    desk.pass(Duration::from_secs(300));
    assert_eq!(desk.known(), 0);
    let late = park(&mut desk, 0);
    assert!(desk.answer(late).unwrap().contains("402::session_unknown"));
    desk.assert_idle();
}

#[test]
fn a_kill_and_a_stop_lose_and_change_nothing() {
    for end in [End::Killed, End::Stopped] {
        let mut desk = desk();
        let parked = park(&mut desk, 0);
        let at = desk.dial("15000", "a");
        let sent = desk.raw_answer(parked).unwrap();
        desk.restart(end);
        let resumed = park(&mut desk, at.get() - 1);
        let sent_again = desk.raw_answer(resumed).unwrap();
        assert_eq!(events(&sent), events(&sent_again), "{end:?}");
        let parked = park(&mut desk, number(&sent_again));
        assert_eq!(desk.answer(parked), None, "nothing is owed any more");
        desk.publish("/demo/a", "2");
        assert!(desk.answer(parked).unwrap().starts_with(r#"[{"data":2"#));
        desk.assert_idle();
    }
}

#[test]
fn a_subscription_begins_at_its_own_record_also_when_it_is_read_back() {
    let mut desk = Desk::new();
    desk.shake(&peer("15000"), "one", "ack");
    desk.publish("/demo/a", "1");
    desk.subscribe(&peer("15000"), "one", "/demo/a");
    desk.publish("/demo/a", "2");
    desk.restart(End::Killed);
    let resumed = park(&mut desk, 0);
    assert!(desk.answer(resumed).unwrap().starts_with(r#"[{"data":2,"#));
}

#[test]
fn a_number_above_the_head_or_below_the_ring_ends_the_session() {
    let refusal = expect![[
        r#"[{"channel":"/meta/connect","id":"c","successful":false,"error":"402::session_unknown","advice":{"reconnect":"handshake","interval":0}}]"#
    ]];
    let mut desk = desk();
    let head = desk.sessions.applied().get();
    let above = park(&mut desk, head + 1);
    refusal.assert_eq(&desk.answer(above).unwrap());
    desk.pump();
    assert_eq!(desk.known(), 0);
    desk.assert_idle();

    let mut desk = prepared(Desk::over(settings(), 8));
    let early = desk.sessions.applied().get();
    desk.pass(AWAY);
    for n in 0..20 {
        desk.publish("/demo/x/y", &n.to_string());
    }
    let below = park(&mut desk, early);
    refusal.assert_eq(&desk.answer(below).unwrap());
    desk.pump();
    assert_eq!(desk.known(), 0);
}

#[test]
fn one_that_is_owed_too_much_falls_behind_and_is_served_in_parts_if_the_rest_is_too_much_as_well() {
    let mut desk = desk();
    for n in 0..6 {
        desk.publish("/demo/a", &n.to_string());
    }
    assert_eq!(desk.known(), 1, "it is read from the ring when it comes back");
    let at = desk.sessions.applied().get();
    let resumed = park(&mut desk, at - 5);
    assert!(desk.raw_answer(resumed).unwrap().starts_with(r#"[{"data":1,"#));

    let mut desk = prepared(Desk::new());
    for n in 0..6 {
        desk.publish("/demo/a", &n.to_string());
    }
    let resumed = park(&mut desk, 0);
    let part = desk.raw_answer(resumed).unwrap();
    assert_eq!(part.matches("\"data\"").count(), 5, "as much as it may be owed: {part}");
    let again = park(&mut desk, 0);
    assert_eq!(desk.raw_answer(again).unwrap(), part, "it was not acknowledged");
    let ack = part.rsplit("\"ack\":").next().unwrap().split('}').next().unwrap().parse().unwrap();
    let rest = park(&mut desk, ack);
    assert!(desk.raw_answer(rest).unwrap().starts_with(r#"[{"data":5,"#));
    assert_eq!(desk.known(), 1);
    desk.assert_idle();
}

#[test]
fn a_parked_connect_is_answered_when_its_session_falls_behind() {
    let mut desk = prepared(Desk::with(Settings { queue_bytes: 64, ..settings() }));
    let parked = park(&mut desk, 0);
    desk.publish("/demo/a", &format!("\"{}\"", "x".repeat(100)));
    let answer = desk.answer(parked).expect("an answer");
    assert!(answer.contains(r#""successful":true"#), "{answer}");
    assert_eq!(desk.sessions.conversations.len(), 0);
}

#[test]
fn positions_of_a_session_that_fell_behind_stay_exact() {
    let mut desk = desk();
    desk.pass(AWAY);
    let first = desk.publish("/demo/a", "1");
    let second = desk.publish("/demo/a", "2");
    assert!(second > first && first > Position::ZERO);
    let resumed = park(&mut desk, first.get());
    assert!(desk.answer(resumed).unwrap().starts_with(r#"[{"data":2,"#));
}
