//! Sessions that the server ends.

use std::time::Duration;

use expect_test::expect;

use crate::broker::Peer;
use crate::broker::line::{LineId, Out, Shown};
use crate::broker::tests::kit::{Desk, connect, connect_ack, peer, publish};
use crate::ids::{BrowserCookie, ClientId, SessionId};
use crate::metrics::EndReason;

fn desk(ack: &str) -> Desk {
    let mut desk = Desk::new();
    desk.shake(&peer("15000"), "one", ack);
    desk.subscribe(&peer("15000"), "one", "/demo/*");
    desk.ask(&peer("15000"), &connect("one"));
    desk
}

fn end(desk: &mut Desk) -> bool {
    let session = ClientId::presented("one").session();
    let found = desk.sessions.handle_end(desk.now, session, EndReason::Ended);
    desk.pump();
    found
}

#[test]
fn the_parked_connect_brings_what_is_owed_then_word_of_the_end() {
    for (ack, body) in [("", connect("one")), ("ack", connect_ack("one", 0))] {
        let mut desk = desk(ack);
        let parked = desk.send(&peer("15000"), &body);
        assert!(end(&mut desk));
        let answer = desk.answer(parked).unwrap();
        let told = r#"[{"channel":"/meta/disconnect","successful":true},{"channel":"/meta/connect","id":"c","successful":true,"advice":{"reconnect":"none"}"#;
        assert!(answer.starts_with(told), "{answer}");
        assert!(desk.metrics.render().contains("partyline_sessions_ended_total{reason=\"ended\"} 1\n"));
        assert!(!end(&mut desk), "it is no more");
        assert_eq!(desk.known(), 0);
        desk.assert_idle();
    }
}

#[test]
fn a_client_that_is_between_two_connects_is_told_by_the_next() {
    let mut desk = desk("");
    assert!(end(&mut desk));
    expect![[r#"[{"channel":"/meta/disconnect","successful":true},{"channel":"/meta/connect","id":"c","successful":true,"advice":{"reconnect":"none"}}]"#]].assert_eq(&desk.ask(&peer("15000"), &connect("one")));
    expect![[r#"[{"channel":"/demo/a","id":"p","successful":false,"error":"402::session_unknown"}]"#]]
        .assert_eq(&desk.ask(&peer("15000"), &publish("one", "/demo/a", "1")));
    let strange = Peer { cookie: BrowserCookie::presented("another"), ..peer("15000") };
    assert!(desk.ask(&strange, &connect("one")).contains("402::session_unknown"));
    desk.pass(Duration::from_secs(10));
    assert!(desk.ask(&peer("15000"), &connect("one")).contains("402::session_unknown"), "that was long ago");
    desk.assert_idle();
}

#[test]
fn an_end_in_the_middle_of_a_change_is_an_end() {
    for ack in ["", "ack"] {
        let mut desk = desk(ack);
        let subscribed = desk.send(&peer("15000"), &crate::broker::tests::kit::subscribe("one", "/demo/a/b"));
        assert!(end(&mut desk));
        expect![[r#"[{"channel":"/meta/subscribe","id":"s","subscription":"/demo/a/b","successful":true}]"#]]
            .assert_eq(&desk.answer(subscribed).unwrap());
        assert_eq!((desk.known(), desk.sessions.live.len()), (0, 0), "{ack}");
        assert!(desk.sessions.departed.ending.is_empty());
        desk.assert_idle();
    }
}

#[test]
fn a_session_that_began_without_a_cookie_is_told_too() {
    let (mut desk, me) = (Desk::new(), peer("15000"));
    let socket = Out::pair(LineId(7), Shown::Nothing);
    desk.plug(Some(&socket.0));
    desk.shake(&me, "one", "");
    desk.plug(None);
    assert!(end(&mut desk));
    let elsewhere = Peer { cookie: BrowserCookie::presented("another"), ..me };
    assert!(desk.ask(&elsewhere, &connect("one")).contains(r#""advice":{"reconnect":"none"}"#));
}

#[test]
fn a_request_speaks_for_one_session() {
    let (mut desk, me) = (Desk::new(), peer("15000"));
    desk.shake(&me, "one", "ack");
    desk.shake(&me, "two", "ack");
    let (one, two) = (connect("one"), connect("two"));
    let answer = desk.ask(&me, &together(&one, &two));
    assert_eq!(answer.matches("402::session_unknown").count(), 1, "{answer}");
    assert!(answer.starts_with(r#"[{"channel":"/meta/connect","id":"c","successful":true"#), "{answer}");
    assert!(desk.ask(&me, &two).contains(r#""successful":true"#), "it lives on");
}

/// Two requests as one.
fn together(one: &str, two: &str) -> String {
    format!("{},{}", one.trim_end_matches(']'), two.trim_start_matches('['))
}

#[test]
fn word_of_an_end_takes_no_place_of_what_another_session_is_owed() {
    for (ack, other) in [("", connect("other")), ("ack", connect_ack("other", 0))] {
        let mut desk = desk("");
        let me = peer("15000");
        desk.shake(&me, "other", ack);
        desk.subscribe(&me, "other", "/demo/*");
        desk.ask(&me, &other);
        assert!(end(&mut desk));
        desk.publish("/demo/a", "1");
        let answer = desk.ask(&me, &together(&other, &connect("one")));
        let event = r#"[{"data":1,"channel":"/demo/a"},{"channel":"/meta/connect","id":"c","successful":true"#;
        assert!(answer.starts_with(event), "{ack}: {answer}");
        assert_eq!(answer.matches("402::session_unknown").count(), 1, "{ack}: {answer}");
        assert!(!answer.contains("/meta/disconnect"), "{ack}: {answer}");
    }
}

#[test]
fn what_another_session_is_owed_takes_the_place_of_word_of_an_end_but_not_of_its_reply() {
    let (mut desk, me) = (desk(""), peer("15000"));
    desk.shake(&me, "other", "");
    desk.subscribe(&me, "other", "/demo/*");
    desk.ask(&me, &connect("other"));
    assert!(end(&mut desk));
    desk.publish("/demo/a", "1");
    let answer = desk.ask(&me, &together(&connect("one"), &connect("other")));
    assert!(answer.starts_with(r#"[{"data":1,"channel":"/demo/a"},"#), "{answer}");
    assert!(answer.contains(r#""successful":true,"advice":{"reconnect":"none"}"#), "{answer}");
}

#[test]
fn beside_a_handshake_nobody_is_told_of_an_end() {
    let (mut desk, me) = (desk(""), peer("15000"));
    assert!(end(&mut desk));
    let handshake = "[{'channel':'/meta/handshake','id':'h','version':'1.0'}]";
    for batch in [together(handshake, &connect("one")), together(&connect("one"), handshake)] {
        let answer = desk.ask(&me, &batch);
        assert!(!answer.contains("/meta/disconnect"), "{answer}");
        assert_eq!(answer.matches("402::session_unknown").count(), 1, "{answer}");
    }
}

#[test]
fn there_may_be_no_such_session() {
    let mut desk = desk("");
    assert!(!desk.sessions.handle_end(desk.now, SessionId::new([7; 16]), EndReason::Ended));
}
