//! Connects that are answered, parked, lost and replaced; requests of several messages.

use std::time::Duration;

use expect_test::expect;

use crate::bayeux::ConnectKey;
use crate::broker::line::{LineId, Out, Shown};
use crate::broker::tests::kit::{Desk, connect, connect_ack, peer, publish, subscribe};
use crate::log::{Log, Outcome};

fn desk() -> Desk {
    let mut desk = Desk::new();
    desk.shake(&peer("15000"), "one", "");
    desk.subscribe(&peer("15000"), "one", "/demo/*");
    desk
}

#[test]
fn the_first_connect_is_answered_at_once_and_the_second_when_something_happens_or_its_time_is_up() {
    let mut desk = desk();
    let me = peer("15000");
    expect![[r#"[{"channel":"/meta/connect","id":"c","successful":true}]"#]].assert_eq(&desk.ask(&me, &connect("one")));
    let parked = desk.send(&me, &connect("one"));
    assert_eq!(desk.answer(parked), None);
    desk.publish("/demo/a", "{\"n\":1}");
    expect![[r#"[{"data":{"n":1},"channel":"/demo/a"},{"channel":"/meta/connect","id":"c","successful":true}]"#]]
        .assert_eq(&desk.answer(parked).unwrap());
    desk.written(parked);
    let parked = desk.send(&me, &connect("one"));
    desk.pass(Duration::from_millis(29_999));
    assert_eq!(desk.answer(parked), None);
    desk.pass(Duration::from_millis(1));
    expect![[r#"[{"channel":"/meta/connect","id":"c","successful":true}]"#]].assert_eq(&desk.answer(parked).unwrap());
    desk.assert_idle();
}

#[test]
fn what_a_lost_response_carried_is_owed_again_before_what_came_after_it() {
    let mut desk = desk();
    let me = peer("15000");
    desk.ask(&me, &connect("one"));
    let first = desk.send(&me, &connect("one"));
    desk.publish("/demo/a", "1");
    assert!(desk.answer(first).is_some());
    let second = desk.send(&me, &connect("one"));
    desk.publish("/demo/a", "2");
    assert_eq!(desk.answer(second), None, "it must not overtake");
    desk.lost(first);
    expect![[r#"[{"data":1,"channel":"/demo/a"},{"data":2,"channel":"/demo/a"},{"channel":"/meta/connect","id":"c","successful":true}]"#]]
        .assert_eq(&desk.answer(second).unwrap());
    let page = desk.metrics.render();
    assert!(page.contains("partyline_redeliveries_total{cause=\"lost\"} 1\n"), "{page}");
}

#[test]
fn events_ride_along_with_any_response() {
    let mut desk = desk();
    let me = peer("15000");
    desk.publish("/demo/a", "1");
    expect![[r#"[{"data":1,"channel":"/demo/a"},{"data":2,"channel":"/demo/b"},{"channel":"/demo/b","id":"p","successful":true}]"#]]
        .assert_eq(&desk.ask(&me, &publish("one", "/demo/b", "2")));
}

#[test]
fn a_newer_connect_takes_the_place_of_the_parked_one() {
    let mut desk = desk();
    let me = peer("15000");
    desk.ask(&me, &connect("one"));
    let older = desk.send(&me, &connect("one"));
    let newer = desk.send(&me, &connect("one"));
    assert_eq!(desk.answer(older).as_deref(), Some("superseded"));
    desk.publish("/demo/a", "1");
    assert!(desk.answer(newer).unwrap().contains("/demo/a"));
}

#[test]
fn a_client_that_went_away_is_kept_its_events() {
    let mut desk = desk();
    let me = peer("15000");
    desk.ask(&me, &connect("one"));
    let parked = desk.send(&me, &connect("one"));
    desk.sessions.handle_gone(desk.now, ConnectKey(parked));
    desk.publish("/demo/a", "1");
    assert_eq!(desk.answer(parked), None);
    assert!(desk.ask(&me, &connect("one")).contains(r#"{"data":1,"#));
}

#[test]
fn a_request_is_taken_in_order_and_its_replies_stand_in_the_order_of_its_messages() {
    let mut desk = Desk::new();
    let me = peer("15000");
    desk.shake(&me, "one", "");
    let body = "[{'channel':'/demo/a','id':'1','clientId':'one','data':1},\
        {'channel':'/meta/subscribe','id':'2','clientId':'one','subscription':'/demo/a'},\
        {'channel':'/demo/a','id':'3','clientId':'one','data':3},\
        {'channel':'/meta/connect','id':'4','clientId':'one'}]";
    expect![[r#"[{"data":3,"channel":"/demo/a"},{"channel":"/demo/a","id":"1","successful":true},{"channel":"/meta/subscribe","id":"2","subscription":"/demo/a","successful":true},{"channel":"/demo/a","id":"3","successful":true},{"channel":"/meta/connect","id":"4","successful":true}]"#]]
        .assert_eq(&desk.ask(&me, body));
    desk.assert_idle();
}

#[test]
fn what_a_request_of_several_messages_brings_about_comes_in_one_response() {
    let batch = (1..4).map(|n| publish("one", "/demo/a", &n.to_string())).collect::<String>().replace("][", ",");
    let numbers = |answer: &str| {
        let events =
            answer.match_indices("{\"data\":").filter_map(|(at, text)| answer[at + text.len()..].chars().next());
        events.collect::<String>()
    };
    let me = peer("15000");
    // Its own reply brings them, though a connect is held.
    let mut desk = desk();
    desk.ask(&me, &connect("one"));
    let held = desk.send(&me, &connect("one"));
    assert_eq!(numbers(&desk.ask(&me, &batch)), "123");
    assert_eq!(desk.answer(held), None);
    // Where events come with connects only, the connect brings all of them.
    let mut desk = Desk::new();
    desk.shake(&me, "one", "ack");
    desk.subscribe(&me, "one", "/demo/*");
    desk.ask(&me, &connect("one"));
    let held = desk.send(&me, &connect("one"));
    assert_eq!(numbers(&desk.ask(&me, &batch)), "");
    assert_eq!(numbers(&desk.answer(held).unwrap()), "123");
    // A client that is gone before its response keeps nobody waiting.
    let held = desk.send(&me, &connect_ack("one", desk.sessions.applied().get()));
    let gone = desk.send(&me, &batch);
    while desk.log.head() > desk.sessions.applied().next() {
        desk.step();
    }
    assert_eq!(desk.answer(held), None, "it waits for the last of them");
    desk.gone(gone);
    assert_eq!(numbers(&desk.answer(held).unwrap()), "12");
    desk.pump();
    desk.assert_idle();
}

#[test]
fn a_connect_brings_what_came_before_it_in_its_request() {
    let me = peer("15000");
    let batch = |ack| [subscribe("one", "/demo/a"), publish("one", "/demo/a", "1"), connect_ack("one", ack)];
    let together = |messages: [String; 3]| messages.concat().replace("][", ",");
    for socket in [None, Some(Out::pair(LineId(7), Shown::Cookie))] {
        let mut desk = Desk::new();
        desk.plug(socket.as_ref().map(|(out, _)| out));
        desk.shake(&me, "one", "ack");
        expect![[r#"[{"data":1,"channel":"/demo/a"},{"channel":"/meta/subscribe","id":"s","subscription":"/demo/a","successful":true},{"channel":"/demo/a","id":"p","successful":true},{"channel":"/meta/connect","id":"c","successful":true,"ext":{"ack":+3}}]"#]]
            .assert_eq(&desk.ask(&me, &together(batch(0))));
        let echo = "[{'channel':'/service/echo','id':'e','clientId':'one','data':2}]".to_owned();
        let messages = [echo, publish("one", "/demo/a", "3"), connect_ack("one", desk.sessions.applied().get())];
        expect![[r#"[{"data":2,"channel":"/service/echo","id":"e","successful":true},{"data":3,"channel":"/demo/a"},{"channel":"/service/echo","id":"e","successful":true},{"channel":"/demo/a","id":"p","successful":true},{"channel":"/meta/connect","id":"c","successful":true,"ext":{"ack":+5}}]"#]]
            .assert_eq(&desk.ask(&me, &together(messages)));
        // One that cannot be written down is refused, and the connect is answered all the same.
        desk.faults.push(Outcome::Full);
        let key = desk.send(&me, &together(batch(desk.sessions.applied().get())));
        desk.pump();
        expect![[r#"[{"channel":"/meta/subscribe","id":"s","subscription":"/demo/a","successful":true},{"channel":"/demo/a","id":"p","successful":false,"error":"503::log_unavailable"},{"channel":"/meta/connect","id":"c","successful":true,"ext":{"ack":+5}}]"#]]
            .assert_eq(&desk.answer(key).unwrap());
        desk.assert_idle();
    }
}

#[test]
fn two_connects_in_one_request_lose_nothing() {
    let mut desk = desk();
    let me = peer("15000");
    desk.ask(&me, &connect("one"));
    desk.publish("/demo/a", "1");
    let body =
        "[{'channel':'/meta/connect','id':'1','clientId':'one'},{'channel':'/meta/connect','id':'2','clientId':'one'}]";
    let key = desk.send(&me, body);
    assert!(desk.answer(key).unwrap().starts_with(r#"[{"data":1,"#));
    desk.lost(key);
    assert!(desk.ask(&me, &connect("one")).contains(r#"{"data":1,"#));
}

#[test]
fn changes_of_one_session_wait_for_each_other_and_none_is_lost() {
    let mut desk = desk();
    let me = peer("15000");
    let keys: Vec<u64> =
        ["/demo/a", "/demo/b", "/demo/c"].iter().map(|p| desk.send(&me, &subscribe("one", p))).collect();
    let over = desk.send(&me, &subscribe("one", "/demo/d"));
    desk.pump();
    for key in keys {
        assert!(desk.answer(key).unwrap().contains(r#""successful":true"#));
    }
    assert!(desk.answer(over).unwrap().contains("429::limit:subscriptions"));
    let seat = *desk.sessions.seats.values().next().unwrap();
    let patterns: Vec<&str> = desk.sessions.live[seat].state.patterns.iter().map(|(p, _)| p.as_str()).collect();
    assert_eq!(patterns, ["/demo/*", "/demo/a", "/demo/b", "/demo/c"]);
    desk.assert_idle();
}

#[test]
fn changes_that_wait_for_a_disconnect_find_no_session() {
    let mut desk = desk();
    let me = peer("15000");
    desk.ask(&me, &connect("one"));
    let parked = desk.send(&me, &connect("one"));
    let bye = desk.send(&me, "[{'channel':'/meta/disconnect','id':'d','clientId':'one'}]");
    let late = desk.send(&me, &subscribe("one", "/demo/a"));
    desk.pump();
    expect![[r#"[{"channel":"/meta/connect","id":"c","successful":true,"advice":{"reconnect":"none"}}]"#]]
        .assert_eq(&desk.answer(parked).unwrap());
    expect![[r#"[{"channel":"/meta/disconnect","id":"d","successful":true}]"#]].assert_eq(&desk.answer(bye).unwrap());
    expect![[r#"[{"channel":"/meta/subscribe","id":"s","subscription":"/demo/a","successful":false,"error":"402::session_unknown"}]"#]]
        .assert_eq(&desk.answer(late).unwrap());
    assert_eq!(desk.known(), 0);
    desk.assert_idle();
}
