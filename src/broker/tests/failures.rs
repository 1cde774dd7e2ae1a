//! What clients are told when the log does not take their records, or the home falls behind it.

use std::time::Duration;

use expect_test::expect;

use crate::broker::tests::kit::{Desk, End, connect, peer, publish, settings, subscribe};
use crate::log::Outcome;

#[test]
fn an_append_that_fails_is_answered_with_an_error_and_the_session_goes_on() {
    let mut desk = Desk::new();
    let me = peer("15000");
    desk.shake(&me, "one", "");
    desk.faults = vec![Outcome::Full];
    expect![[r#"[{"channel":"/demo/a","id":"p","successful":false,"error":"503::log_unavailable"}]"#]]
        .assert_eq(&desk.ask(&me, &publish("one", "/demo/a", "1")));
    desk.faults = vec![Outcome::Full];
    expect![[r#"[{"channel":"/meta/subscribe","id":"s","subscription":"/demo/a","successful":false,"error":"503::log_unavailable"}]"#]]
        .assert_eq(&desk.ask(&me, &subscribe("one", "/demo/a")));
    desk.faults = vec![Outcome::Conflict];
    expect![[r#"[{"channel":"/meta/subscribe","id":"s","subscription":"/demo/a","successful":false,"error":"402::session_unknown"}]"#]]
        .assert_eq(&desk.ask(&me, &subscribe("one", "/demo/a")));
    desk.faults = vec![Outcome::Unknown];
    expect![[r#"[{"channel":"/meta/disconnect","id":"d","successful":false,"error":"503::log_unavailable"}]"#]]
        .assert_eq(&desk.ask(&me, "[{'channel':'/meta/disconnect','id':'d','clientId':'one'}]"));
    assert!(desk.subscribe(&me, "one", "/demo/a").contains(r#""successful":true"#));
    desk.assert_idle();
}

#[test]
fn a_change_that_waited_behind_a_failed_one_is_carried_out() {
    let mut desk = Desk::new();
    let me = peer("15000");
    desk.shake(&me, "one", "");
    let first = desk.send(&me, &subscribe("one", "/demo/a"));
    let second = desk.send(&me, &subscribe("one", "/demo/b"));
    desk.faults = vec![Outcome::Full];
    desk.pump();
    assert!(desk.answer(first).unwrap().contains(r#""successful":true"#));
    assert!(desk.answer(second).unwrap().contains("503::log_unavailable"));
    assert!(desk.subscribe(&me, "one", "/demo/c").contains(r#""successful":true"#));
    desk.assert_idle();
}

#[test]
fn a_session_that_ended_while_its_change_was_on_its_way_leaves_nothing_in_the_log() {
    let mut desk = Desk::new();
    let me = peer("15000");
    desk.shake(&me, "one", "");
    let key = desk.send(&me, &subscribe("one", "/demo/a"));
    desk.now += Duration::from_secs(11);
    desk.sessions.handle_timeout(desk.now);
    desk.pump();
    assert!(desk.answer(key).is_some());
    assert_eq!(desk.known(), 0);
    desk.assert_idle();
}

#[test]
fn when_the_home_falls_behind_every_session_ends_and_nobody_waits_for_ever() {
    let mut desk = Desk::over(settings(), 8);
    let me = peer("15000");
    desk.shake(&me, "one", "");
    desk.shake(&peer("15001"), "two", "ack");
    desk.ask(&me, &connect("one"));
    let parked = desk.send(&me, &connect("one"));
    let change = desk.send(&me, &subscribe("one", "/demo/a"));
    let waits = desk.send(&me, &subscribe("one", "/demo/b"));
    let published = desk.send(&peer("15001"), &publish("two", "/demo/a", "1"));
    let shake = desk.send(&peer("15002"), "[{'channel':'/meta/handshake','id':'1'}]");
    fill(&desk, 20);
    desk.pump();
    expect![[r#"[{"channel":"/meta/connect","id":"c","successful":false,"error":"402::session_unknown","advice":{"reconnect":"handshake","interval":0}}]"#]]
        .assert_eq(&desk.answer(parked).unwrap());
    assert!(desk.answer(change).unwrap().contains("503::log_unavailable"));
    expect![[r#"[{"channel":"/meta/subscribe","id":"s","subscription":"/demo/b","successful":false,"error":"402::session_unknown"}]"#]]
        .assert_eq(&desk.answer(waits).unwrap());
    assert!(desk.answer(published).unwrap().contains("503::log_unavailable"));
    assert!(desk.answer(shake).unwrap().contains("503::log_unavailable"));
    assert_eq!(desk.sessions.live.len(), 0);
    assert_eq!(desk.sessions.conversations.len(), 0);
    desk.assert_idle();
    assert!(desk.shake(&me, "three", "").contains(r#""successful":true"#));
}

#[test]
fn a_home_that_falls_behind_before_it_has_read_what_was_there_at_its_start_loses_no_session() {
    let mut desk = Desk::over(settings(), 8);
    let me = peer("15000");
    desk.shake(&me, "one", "ack");
    desk.subscribe(&me, "one", "/demo/a");
    fill(&desk, 8);
    desk.pump();
    desk.rise(End::Killed);
    fill(&desk, 3);
    desk.pump();
    assert_eq!((desk.known(), desk.sessions.live.len()), (1, 1));
    assert!(desk.subscribe(&me, "one", "/demo/b").contains(r#""successful":true"#));
    desk.assert_idle();
}

/// Records that concern nobody.
fn fill(desk: &Desk, count: usize) {
    for _ in 0..count {
        let record = crate::records::SessionEnded { session: crate::ids::SessionId::new([1; 16]), reason: "x".into() };
        let record = record.record(crate::ids::RecordId::draw(), crate::clock::wall(), crate::log::Expected::Any);
        desk.append(record);
    }
}
