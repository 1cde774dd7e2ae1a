//! Tabs of one browser.

use std::time::Duration;

use expect_test::expect;

use crate::bayeux::ConnectKey;
use crate::broker::tests::kit::{Desk, connect, peer, settings};
use crate::broker::{SessionRules, Settings};

const BYE: &str = "[{'channel':'/meta/disconnect','id':'d','clientId':'one'}]";

/// Two tabs, of which the first holds its connect.
fn tabs(session_rules: SessionRules) -> (Desk, u64) {
    let mut desk = Desk::with(Settings { session_rules, ..settings() });
    for client in ["one", "two"] {
        desk.shake(&peer("15000"), client, "");
        desk.subscribe(&peer("15000"), client, "/demo/*");
    }
    desk.ask(&peer("15000"), &connect("one"));
    let parked = desk.send(&peer("15000"), &connect("one"));
    (desk, parked)
}

#[test]
fn the_second_tab_is_answered_at_once_and_told_to_be_slow() {
    let (mut desk, _) = tabs(SessionRules::default());
    expect![[r#"[{"channel":"/meta/connect","id":"c","successful":true,"advice":{"reconnect":"retry","interval":2000,"multiple-clients":true}}]"#]].assert_eq(&desk.ask(&peer("15000"), &connect("two")));
    desk.publish("/demo/a", "1");
    expect![[r#"[{"data":1,"channel":"/demo/a"},{"channel":"/meta/connect","id":"c","successful":true,"advice":{"reconnect":"retry","interval":2000,"multiple-clients":true}}]"#]].assert_eq(&desk.ask(&peer("15000"), &connect("two")));
    let page = desk.metrics.render();
    assert!(
        page.contains("partyline_rejected_total{limit=\"sessions_per_browser\"} 1\n"),
        "once, not with each connect"
    );
}

#[test]
fn the_first_tab_keeps_its_place_between_two_connects() {
    let (mut desk, parked) = tabs(SessionRules::default());
    desk.publish("/demo/a", "1");
    assert!(desk.answer(parked).is_some());
    desk.written(parked);
    assert!(desk.ask(&peer("15000"), &connect("two")).contains("multiple-clients"));
    let parked = desk.send(&peer("15000"), &connect("one"));
    assert_eq!(desk.answer(parked), None, "it is held");
}

#[test]
fn when_the_first_tab_goes_the_second_is_told_that_it_need_not_be_slow() {
    type Go = fn(&mut Desk, u64);
    let ways: [(&str, Go); 3] = [
        ("says goodbye", |desk, _| assert!(desk.ask(&peer("15000"), BYE).contains("true"))),
        ("is closed", |desk, parked| desk.sessions.handle_gone(desk.now, ConnectKey(parked))),
        ("is late", |desk, parked| {
            for _ in 0..15 {
                desk.pass(Duration::from_secs(2));
                assert!(desk.ask(&peer("15000"), &connect("two")).contains("multiple-clients"));
            }
            assert!(desk.answer(parked).is_some());
        }),
    ];
    for (way, go) in ways {
        let (mut desk, parked) = tabs(SessionRules::default());
        assert!(desk.ask(&peer("15000"), &connect("two")).contains("multiple-clients"));
        go(&mut desk, parked);
        desk.pass(Duration::from_secs(2));
        let held = desk.send(&peer("15000"), &connect("two"));
        assert_eq!(desk.answer(held), None, "{way}");
        desk.publish("/demo/a", "1");
        let answer = desk.answer(held).unwrap();
        let told = r#""successful":true,"advice":{"reconnect":"retry","interval":0,"timeout":30000}}]"#;
        assert!(answer.ends_with(told), "{way}: {answer}");
        desk.written(held);
        let parked = desk.send(&peer("15000"), &connect("two"));
        desk.publish("/demo/a", "2");
        let answer = desk.answer(parked).unwrap();
        assert!(answer.ends_with(r#""successful":true}]"#), "{way}: once is enough: {answer}");
    }
}

#[test]
fn a_tab_of_another_browser_is_no_matter() {
    let (mut desk, _) = tabs(SessionRules::default());
    desk.shake(&peer("15001"), "three", "");
    assert!(!desk.ask(&peer("15001"), &connect("three")).contains("multiple-clients"));
}

#[test]
fn there_may_be_more_room_or_no_limit() {
    for sessions_per_browser in [Some(2), None] {
        let (mut desk, _) = tabs(SessionRules { sessions_per_browser, ..SessionRules::default() });
        desk.ask(&peer("15000"), &connect("two"));
        let parked = desk.send(&peer("15000"), &connect("two"));
        assert_eq!(desk.answer(parked), None);
    }
}

#[test]
fn without_a_pause_the_second_tab_is_sent_away() {
    let (mut desk, _) = tabs(SessionRules { multi_session_interval: Duration::ZERO, ..SessionRules::default() });
    expect![[r#"[{"channel":"/meta/connect","id":"c","successful":false,"error":"429::limit:sessions_per_browser","advice":{"reconnect":"none","multiple-clients":true}}]"#]].assert_eq(&desk.ask(&peer("15000"), &connect("two")));
}
