//! Who gets a session, and who may speak for one.

use expect_test::expect;

use crate::broker::tests::kit::{Desk, agent, connect, nobody, peer, publish, settings, subscribe};
use crate::broker::{Anonymous, Peer, Settings};
use crate::ids::BrowserCookie;
use crate::log::Outcome;

#[test]
fn a_handshake_is_a_record_before_it_is_answered() {
    let mut desk = Desk::new();
    let key = desk.send(&peer("15000"), "[{'channel':'/meta/handshake','id':'1','ext':{'ack':true}}]");
    assert_eq!((desk.known(), desk.answer(key)), (1, None));
    desk.pump();
    expect![[r#"[{"channel":"/meta/handshake","id":"1","successful":true,"clientId":"fresh0","version":"1.0","minimumVersion":"1.0","supportedConnectionTypes":["websocket","long-polling"],"advice":{"reconnect":"retry","interval":0,"timeout":30000},"ext":{"ack":true}}]"#]]
        .assert_eq(&desk.answer(key).unwrap());
    desk.assert_idle();
}

#[test]
fn a_session_is_unknown_to_everyone_but_its_agent_at_its_browser() {
    let mut desk = Desk::new();
    desk.shake(&peer("15000"), "one", "");
    let strange = Peer { cookie: BrowserCookie::presented("another"), ..peer("15000") };
    let other = Peer { agent: Some(agent("15001")), ..peer("15000") };
    let logged_out = Peer { agent: None, ..peer("15000") };
    for who in [&strange, &other, &logged_out] {
        for body in [connect("one"), publish("one", "/demo/a", "1"), subscribe("one", "/demo/a")] {
            let answer = desk.ask(who, &body);
            assert!(answer.contains(r#""successful":false,"error":"402::session_unknown""#), "{answer}");
        }
    }
    expect![[r#"[{"channel":"/meta/connect","id":"c","successful":false,"error":"402::session_unknown","advice":{"reconnect":"handshake","interval":0}}]"#]]
        .assert_eq(&desk.ask(&peer("15000"), &connect("two")));
    let desktop = Peer { desktop: true, ..peer("15000") };
    expect![[r#"[{"channel":"/meta/connect","id":"c","successful":false,"error":"402::Unknown client","advice":{"reconnect":"handshake","interval":0}}]"#]]
        .assert_eq(&desk.ask(&desktop, &connect("two")));
    assert!(desk.ask(&peer("15000"), &connect("one")).contains(r#""successful":true"#));
}

#[test]
fn nobody_handshakes_unless_that_is_allowed_and_then_hears_only_what_is_for_anyone() {
    let mut desk = Desk::new();
    expect![[r#"[{"channel":"/meta/handshake","id":"1","successful":false,"error":"403::handshake_denied","advice":{"reconnect":"none"}}]"#]]
        .assert_eq(&desk.shake(&nobody(), "one", ""));
    let mut desk = Desk::with(Settings { anonymous: Anonymous::Allow, ..settings() });
    desk.shake(&nobody(), "one", "");
    for (pattern, allowed) in
        [("/open/a", true), ("/**", true), ("/demo/a", false), ("/v2/me/**", false), ("/v2/me/calls", false)]
    {
        let answer = desk.subscribe(&nobody(), "one", pattern);
        assert_eq!(answer.contains(r#""successful":true"#), allowed, "{answer}");
    }
    assert!(desk.ask(&nobody(), &publish("one", "/demo/a", "1")).contains("403"));
    desk.ask(&nobody(), &connect("one"));
    desk.publish("/demo/a", "1");
    desk.dial("15000", "private");
    let parked = desk.send(&nobody(), &connect("one"));
    assert_eq!(desk.answer(parked), None, "nothing of that is for it");
    desk.publish("/open/a", "2");
    expect![[r#"[{"data":2,"channel":"/open/a"},{"channel":"/meta/connect","id":"c","successful":true}]"#]]
        .assert_eq(&desk.answer(parked).unwrap());
}

#[test]
fn handshakes_under_way_count_towards_the_limits() {
    let mut desk = Desk::with(Settings { sessions_per_agent: 2, sessions: 3, ..settings() });
    let shake = "[{'channel':'/meta/handshake','id':'1'}]";
    let keys: Vec<u64> = ["15000", "15000", "15000", "15001", "15002"]
        .iter()
        .map(|name| desk.send(&Peer { cookie: BrowserCookie::draw(), ..peer(name) }, shake))
        .collect();
    desk.pump();
    let answers: Vec<String> = keys.into_iter().map(|key| desk.answer(key).unwrap()).collect();
    let errors: Vec<&str> = answers
        .iter()
        .map(|answer| answer.split(r#""error":""#).nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("-"))
        .collect();
    assert_eq!(errors[2..], ["429::limit:sessions_per_agent", "-", "429::limit:sessions"]);
    assert_eq!(desk.sessions.shaking.len(), 0);
}

#[test]
fn a_handshake_that_cannot_be_written_down_is_refused_and_counts_no_more() {
    let mut desk = Desk::new();
    desk.faults = vec![Outcome::Full];
    expect![[r#"[{"channel":"/meta/handshake","id":"1","successful":false,"error":"503::log_unavailable","advice":{"reconnect":"handshake","interval":10000}}]"#]]
        .assert_eq(&desk.shake(&peer("15000"), "one", ""));
    desk.assert_idle();
}

#[test]
fn a_session_whose_client_is_not_there_makes_room_for_a_new_one() {
    let mut desk = Desk::with(Settings { sessions_per_agent: 2, ..settings() });
    for client in ["one", "two"] {
        assert!(desk.shake(&peer("15000"), client, "ack").contains(r#""successful":true"#));
    }
    let refused = desk.shake(&peer("15000"), "three", "");
    assert!(
        refused.contains(r#""error":"429::limit:sessions_per_agent","advice":{"reconnect":"handshake""#),
        "{refused}"
    );
    desk.pass(settings().interval + settings().max_interval);
    assert!(desk.shake(&peer("15000"), "three", "").contains(r#""successful":true"#));
    assert_eq!(desk.known(), 2, "one of those that were away gave way");
}
