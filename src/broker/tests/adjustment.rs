//! What holds for one session, and who hears itself.

use std::time::Duration;

use expect_test::expect;

use crate::bayeux::{Delivery, Pattern};
use crate::broker::tests::kit::{Desk, End, connect, connect_ack, peer, publish, settings};
use crate::broker::{Adjustment, Rule, Rules, SessionRules, Settings, Store, Who};
use crate::ids::{ClientId, SessionId};

fn desk(settings: Settings) -> Desk {
    let mut desk = Desk::with(settings);
    desk.shake(&peer("15000"), "one", "");
    desk.subscribe(&peer("15000"), "one", "/demo/*");
    desk.ask(&peer("15000"), &connect("one"));
    desk
}

fn adjust(desk: &mut Desk, adjustment: Adjustment) {
    let session = ClientId::presented("one").session();
    assert!(desk.sessions.handle_adjust(desk.now, session, adjustment));
    desk.pump();
}

/// Whether the session hears what it publishes itself.
fn hears_itself(desk: &mut Desk) -> bool {
    desk.ask(&peer("15000"), &publish("one", "/demo/a", "1")).contains(r#""data":1"#)
}

#[test]
fn a_session_may_have_times_of_its_own_and_its_client_is_told_so() {
    let mut desk = desk(settings());
    let parked = desk.send(&peer("15000"), &connect("one"));
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let own =
        Adjustment { timeout: seconds(3), interval: seconds(1), max_interval: seconds(2), ..Adjustment::default() };
    adjust(&mut desk, own);
    desk.pass(Duration::from_secs(3));
    expect![[r#"[{"channel":"/meta/connect","id":"c","successful":true,"advice":{"reconnect":"retry","interval":1000,"timeout":3000}}]"#]].assert_eq(&desk.answer(parked).unwrap());
    desk.pass(Duration::from_millis(2_999));
    assert_eq!(desk.known(), 1);
    desk.pass(Duration::from_millis(1));
    assert_eq!(desk.known(), 0, "it expired by its own measure");
    assert!(!desk.sessions.handle_adjust(desk.now, SessionId::new([1; 16]), own));
    desk.assert_idle();
}

#[test]
fn one_session_may_be_served_by_connects_only() {
    let mut desk = desk(settings());
    adjust(&mut desk, Adjustment { delivery: Some(Delivery::ConnectOnly), ..Adjustment::default() });
    assert!(!hears_itself(&mut desk));
    assert!(desk.ask(&peer("15000"), &connect("one")).contains(r#""data":1"#));
}

#[test]
fn whether_a_publisher_hears_itself_is_said_by_its_session_the_rule_or_everywhere_in_that_order() {
    for everywhere in [true, false] {
        for rule in [None, Some(true), Some(false)] {
            for own in [None, Some(true), Some(false)] {
                let session_rules = SessionRules { broadcast_to_publisher: everywhere, ..SessionRules::default() };
                let rules = Rules::new(vec![Rule {
                    pattern: Pattern::parse("/demo/**").unwrap(),
                    subscribe: Who::Agents,
                    publish: Who::Agents,
                    create: Who::Agents,
                    store: Store::Volatile,
                    lazy: None,
                    upstream: None,
                    broadcast_to_publisher: rule,
                }]);
                let mut desk = desk(Settings { session_rules, rules, ..settings() });
                adjust(&mut desk, Adjustment { broadcast_to_publisher: own, ..Adjustment::default() });
                let expected = own.or(rule).unwrap_or(everywhere);
                assert_eq!(hears_itself(&mut desk), expected, "{everywhere} {rule:?} {own:?}");
            }
        }
    }
}

#[test]
fn who_does_not_hear_itself_hears_others_and_not_itself_after_a_restart_either() {
    let session_rules = SessionRules { broadcast_to_publisher: false, ..SessionRules::default() };
    let mut desk = Desk::with(Settings { session_rules, ..settings() });
    desk.shake(&peer("15000"), "one", "ack");
    desk.subscribe(&peer("15000"), "one", "/demo/*");
    desk.ask(&peer("15000"), &connect_ack("one", 0));
    desk.ask(&peer("15000"), &publish("one", "/demo/a", "1"));
    desk.publish("/demo/a", "2");
    desk.restart(End::Killed);
    let answer = desk.ask(&peer("15000"), &connect_ack("one", 0));
    assert!(answer.starts_with(r#"[{"data":2,"#), "{answer}");
}

#[test]
fn no_client_has_its_connect_held_longer_than_the_most_that_is_set() {
    let session_rules = SessionRules { max_processing: Some(Duration::from_secs(60)), ..SessionRules::default() };
    let mut desk = desk(Settings { session_rules, ..settings() });
    let parked = desk
        .send(&peer("15000"), "[{'channel':'/meta/connect','id':'c','clientId':'one','advice':{'timeout':86400000}}]");
    desk.pass(Duration::from_secs(59));
    assert_eq!(desk.answer(parked), None);
    desk.pass(Duration::from_secs(1));
    assert!(desk.answer(parked).is_some());
}

#[test]
fn a_handshake_says_how_many_messages_go_with_it_and_where_acknowledging_begins() {
    let session_rules =
        SessionRules { deliver_in_handshake: true, handshake_reconnect: true, ..SessionRules::default() };
    let mut desk = Desk::with(Settings { session_rules, ..settings() });
    expect![[r#"[{"channel":"/meta/handshake","id":"1","successful":true,"clientId":"one","version":"1.0","minimumVersion":"1.0","supportedConnectionTypes":["websocket","long-polling"],"x-messages":0,"advice":{"reconnect":"retry","interval":0,"timeout":30000,"maxInterval":10000}}]"#]].assert_eq(&desk.shake(&peer("15000"), "one", ""));
    expect![[r#"[{"channel":"/meta/handshake","id":"1","successful":true,"clientId":"two","version":"1.0","minimumVersion":"1.0","supportedConnectionTypes":["websocket","long-polling"],"x-messages":0,"advice":{"reconnect":"retry","interval":0,"timeout":30000,"maxInterval":10000},"ext":{"ack":{"enabled":true,"batch":+2}}}]"#]].assert_eq(&desk.shake(&peer("15000"), "two", "ack"));
}
