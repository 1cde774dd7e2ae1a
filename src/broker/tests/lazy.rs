//! Lazy channels, and who is served by connects only.

use std::time::Duration;

use expect_test::expect;

use crate::bayeux::{Delivery, Pattern};
use crate::broker::tests::kit::{Desk, connect, peer, publish, settings};
use crate::broker::{Rule, Rules, SessionRules, Settings, Store, Who};

fn desk(lazy: Duration) -> Desk {
    let rule = |pattern: &str, lazy: Option<Duration>| Rule {
        pattern: Pattern::parse(pattern).unwrap(),
        subscribe: Who::Agents,
        publish: Who::Agents,
        create: Who::Agents,
        store: Store::Volatile,
        lazy,
        upstream: None,
        broadcast_to_publisher: None,
    };
    let rules = Rules::new(vec![rule("/lazy/**", Some(lazy)), rule("/**", None)]);
    let mut desk = Desk::with(Settings { rules, ..settings() });
    desk.shake(&peer("15000"), "one", "");
    desk.subscribe(&peer("15000"), "one", "/**");
    desk.ask(&peer("15000"), &connect("one"));
    desk
}

#[test]
fn what_a_lazy_wildcard_rule_matches_waits_for_its_time() {
    let mut desk = desk(Duration::from_millis(800));
    let parked = desk.send(&peer("15000"), &connect("one"));
    desk.publish("/lazy/a/b", "1");
    desk.pass(Duration::from_millis(799));
    assert_eq!(desk.answer(parked), None);
    desk.pass(Duration::from_millis(1));
    expect![[r#"[{"data":1,"channel":"/lazy/a/b"},{"channel":"/meta/connect","id":"c","successful":true}]"#]]
        .assert_eq(&desk.answer(parked).unwrap());
    desk.assert_idle();
}

#[test]
fn no_rule_makes_it_wait_longer_than_the_most_that_is_set() {
    let mut desk = desk(Duration::MAX);
    let parked = desk.send(&peer("15000"), &connect("one"));
    desk.publish("/lazy/a", "1");
    desk.pass(Duration::from_millis(4_999));
    assert_eq!(desk.answer(parked), None);
    desk.pass(Duration::from_millis(1));
    assert!(desk.answer(parked).is_some());
}

#[test]
fn what_is_not_lazy_takes_what_is_along() {
    let mut desk = desk(Duration::MAX);
    let parked = desk.send(&peer("15000"), &connect("one"));
    desk.publish("/lazy/a", "1");
    desk.publish("/eager", "2");
    expect![[r#"[{"data":1,"channel":"/lazy/a"},{"data":2,"channel":"/eager"},{"channel":"/meta/connect","id":"c","successful":true}]"#]].assert_eq(&desk.answer(parked).unwrap());
}

#[test]
fn a_home_whose_client_leaves_a_response_unread_waits_for_what_is_lazy_and_does_not_spin() {
    let (mut desk, me) = (desk(Duration::MAX), peer("15000"));
    let unread = desk.send(&me, &publish("one", "/eager", "1"));
    desk.pump();
    assert!(desk.answer(unread).unwrap().contains(r#""data":1"#) && desk.carries(unread));
    let parked = desk.send(&me, &connect("one"));
    desk.publish("/lazy/a", "2");
    desk.pass(Duration::from_millis(4_999));
    assert_eq!(desk.answer(parked), None);
    desk.pass(Duration::from_millis(1));
    assert!(desk.answer(parked).unwrap().contains(r#""data":2"#));
}

#[test]
fn who_is_served_by_connects_only_gets_nothing_with_other_replies() {
    let session_rules = SessionRules { delivery: Delivery::ConnectOnly, ..SessionRules::default() };
    let mut desk = Desk::with(Settings { session_rules, ..settings() });
    desk.shake(&peer("15000"), "one", "");
    desk.subscribe(&peer("15000"), "one", "/demo/*");
    expect![[r#"[{"channel":"/demo/a","id":"p","successful":true}]"#]]
        .assert_eq(&desk.ask(&peer("15000"), &publish("one", "/demo/a", "1")));
    expect![[r#"[{"data":1,"channel":"/demo/a"},{"channel":"/meta/connect","id":"c","successful":true}]"#]]
        .assert_eq(&desk.ask(&peer("15000"), &connect("one")));
}
