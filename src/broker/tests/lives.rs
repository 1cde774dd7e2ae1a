//! Sessions without acknowledgement over the lives of their server, and the end of a server.

use std::time::Duration;

use expect_test::expect;

use crate::broker::tests::kit::{Desk, End, connect, peer, subscribe};

fn desk() -> Desk {
    let mut desk = Desk::new();
    desk.shake(&peer("15000"), "one", "");
    desk.subscribe(&peer("15000"), "one", "/demo/*");
    desk.ask(&peer("15000"), &connect("one"));
    desk
}

#[test]
fn after_a_kill_they_are_gone_from_the_log_too() {
    let mut desk = desk();
    desk.restart(End::Killed);
    assert!(desk.ask(&peer("15000"), &connect("one")).contains("402::session_unknown"));
    assert_eq!(desk.known(), 0);
    desk.assert_idle();
}

#[test]
fn after_a_stop_nothing_is_lost_or_repeated() {
    let mut desk = desk();
    let me = peer("15000");
    let written = desk.send(&me, &connect("one"));
    desk.publish("/demo/a", "1");
    assert!(desk.answer(written).is_some());
    desk.written(written);
    let dropped = desk.send(&me, &connect("one"));
    desk.publish("/demo/a", "2");
    assert!(desk.answer(dropped).is_some());
    desk.publish("/demo/a", "3");
    desk.restart(End::Stopped);
    desk.publish("/demo/a", "4");
    expect![[r#"[{"data":2,"channel":"/demo/a"},{"data":3,"channel":"/demo/a"},{"data":4,"channel":"/demo/a"},{"channel":"/meta/connect","id":"c","successful":true}]"#]]
        .assert_eq(&desk.ask(&me, &connect("one")));
    desk.assert_idle();
}

#[test]
fn a_subscribe_right_behind_the_first_connect_after_a_stop_is_not_refused() {
    let mut desk = desk();
    let me = peer("15000");
    desk.restart(End::Stopped);
    let parked = desk.send(&me, &connect("one"));
    let subscribed = desk.send(&me, &subscribe("one", "/demo/a/b"));
    desk.pump();
    expect![[r#"[{"channel":"/meta/subscribe","id":"s","subscription":"/demo/a/b","successful":true}]"#]]
        .assert_eq(&desk.answer(subscribed).unwrap());
    desk.publish("/demo/a/b", "1");
    assert!(desk.answer(parked).unwrap().contains(r#"{"data":1,"#));
}

#[test]
fn a_cursor_is_used_once() {
    let mut desk = desk();
    desk.restart(End::Stopped);
    desk.ask(&peer("15000"), "[{'channel':'/meta/connect','id':'c','clientId':'one','advice':{'timeout':0}}]");
    desk.restart(End::Killed);
    assert!(desk.ask(&peer("15000"), &connect("one")).contains("402::session_unknown"));
}

#[test]
fn one_that_does_not_come_in_time_ends() {
    let mut desk = desk();
    desk.pass(Duration::from_secs(11));
    assert_eq!(desk.known(), 0);
    assert!(desk.ask(&peer("15000"), &connect("one")).contains("402::session_unknown"));
    desk.assert_idle();
}

#[test]
fn one_that_is_owed_too_much_ends() {
    let mut desk = desk();
    for n in 0..6 {
        desk.publish("/demo/a", &n.to_string());
    }
    assert_eq!(desk.known(), 0);
    assert!(desk.ask(&peer("15000"), &connect("one")).contains("429::limit:queue_messages"));
    desk.assert_idle();
}

#[test]
fn a_drain_answers_every_parked_connect_and_refuses_handshakes() {
    let mut desk = desk();
    desk.shake(&peer("15001"), "two", "ack");
    desk.ask(&peer("15001"), &connect("two"));
    let parked = [desk.send(&peer("15000"), &connect("one")), desk.send(&peer("15001"), &connect("two"))];
    desk.sessions.handle_drain(desk.now, Duration::from_secs(20));
    desk.pump();
    let answers: Vec<String> = parked.into_iter().map(|key| desk.answer(key).unwrap()).collect();
    expect![[r#"
        [{"channel":"/meta/connect","id":"c","successful":true,"advice":{"reconnect":"retry","interval":0,"timeout":30000}}]
        [{"channel":"/meta/connect","id":"c","successful":true,"advice":{"reconnect":"retry","interval":10000,"timeout":30000},"ext":{"ack":+3}}]"#]]
        .assert_eq(&answers.join("\n"));
    expect![[r#"[{"channel":"/meta/handshake","id":"1","successful":false,"error":"503::draining","advice":{"reconnect":"retry","interval":20000,"timeout":30000}}]"#]]
        .assert_eq(&desk.shake(&peer("15002"), "three", ""));
    expect![[r#"[{"channel":"/meta/connect","id":"c","successful":true,"advice":{"reconnect":"retry","interval":20000,"timeout":30000}}]"#]]
        .assert_eq(&desk.ask(&peer("15000"), &connect("one")));
}
