//! What one session, one address and all together may do.

use std::time::Duration;

use crate::bayeux::Pattern;
use crate::broker::rules::{ReplayId, Rule, Rules, Store, Who};
use crate::broker::tests::kit::{Desk, agent, connect, nobody, peer, publish, settings};
use crate::broker::{Anonymous, Peer, Remote, SessionRules, Settings};
use crate::ids::BrowserCookie;
use crate::log::{Log, Outcome, Retain};

fn desk(session_rules: SessionRules) -> Desk {
    Desk::with(Settings { session_rules, ..settings() })
}

fn is_refused(answer: &str, limit: &str) -> bool {
    answer.contains(&format!(r#""successful":false,"error":"429::limit:{limit}""#))
}

#[test]
fn a_session_publishes_at_its_rate_and_a_burst_at_once() {
    let mut desk = desk(SessionRules { publish_rate: Some(5), ..SessionRules::default() });
    let me = peer("15000");
    desk.shake(&me, "one", "");
    let publishes = |desk: &mut Desk| {
        (0..200).take_while(|_| !is_refused(&desk.ask(&me, &publish("one", "/demo/a", "1")), "publish_rate")).count()
    };
    assert_eq!(publishes(&mut desk), 50);
    desk.pass(Duration::from_secs(1));
    assert_eq!(publishes(&mut desk), 5);
    desk.pass(Duration::from_millis(199));
    assert_eq!(publishes(&mut desk), 0);
    desk.pass(Duration::from_millis(1));
    assert_eq!(publishes(&mut desk), 1);
    assert!(
        is_refused(&desk.ask(&me, &publish("one", "/service/echo", "1")), "publish_rate"),
        "a question counts, too"
    );
    assert!(is_refused(&desk.subscribe(&me, "one", "/demo/b"), "publish_rate"), "a change of its record, too");
    desk.shake(&me, "two", "");
    assert!(desk.ask(&me, &publish("two", "/demo/a", "1")).contains(r#""successful":true"#), "each has its own");
    assert!(desk.metrics.render().contains("partyline_rejected_total{limit=\"publish_rate\"} 6\n"));
}

#[test]
fn an_agent_handshakes_at_its_rate_and_a_burst_at_once_whatever_it_ends_in_between() {
    let mut desk = desk(SessionRules { handshake_rate: Some(2), ..SessionRules::default() });
    let me = peer("15000");
    let rounds = |desk: &mut Desk| {
        let round = |_: &i32| {
            let refused = is_refused(&desk.shake(&me, "one", ""), "handshake_rate");
            desk.ask(&me, "[{'channel':'/meta/disconnect','id':'d','clientId':'one'}]");
            !refused
        };
        (0..100).take_while(round).count()
    };
    assert_eq!(rounds(&mut desk), 20);
    let before = desk.log.head();
    assert_eq!(rounds(&mut desk), 0);
    assert_eq!(desk.log.head(), before, "who is refused has nothing written");
    desk.pass(Duration::from_secs(3));
    assert_eq!(rounds(&mut desk), 6);
    assert!(!is_refused(&desk.shake(&peer("15001"), "two", ""), "handshake_rate"), "each has its own");
    assert!(desk.metrics.render().contains("partyline_rejected_total{limit=\"handshake_rate\"} 3\n"));
    let refused = desk.shake(&me, "three", "");
    assert!(refused.contains(r#""advice":{"reconnect":"handshake","interval":10000}"#), "{refused}");
}

#[test]
fn an_agent_may_come_back_at_once_with_as_many_sessions_as_it_may_have() {
    let session_rules = SessionRules { handshake_rate: Some(1), ..SessionRules::default() };
    let mut desk = Desk::with(Settings { session_rules, sessions_per_agent: 30, ..settings() });
    let accepted = (0..60).take_while(|n| desk.shake(&peer("15000"), &n.to_string(), "").contains("clientId")).count();
    assert_eq!(accepted, 30);
    assert!(is_refused(&desk.shake(&peer("15000"), "more", ""), "handshake_rate"));
}

#[test]
fn a_handshake_beyond_the_rate_ends_no_session_that_waits_for_its_client() {
    let session_rules = SessionRules { handshake_rate: Some(1), ..SessionRules::default() };
    let mut desk = Desk::with(Settings { session_rules, sessions_per_agent: 1, ..settings() });
    let me = peer("15000");
    for _ in 0..9 {
        desk.shake(&me, "next", "ack");
        desk.ask(&me, "[{'channel':'/meta/disconnect','id':'d','clientId':'next'}]");
    }
    desk.shake(&me, "away", "ack");
    let seat = desk.sessions.agents[&agent("15000")].first().copied().unwrap();
    desk.sessions.fall_behind(desk.now, seat);
    desk.pump();
    let known = desk.log.subjects("session/");
    assert!(is_refused(&desk.shake(&me, "more", "ack"), "handshake_rate"));
    assert_eq!(desk.log.subjects("session/"), known, "the one that was away may still come back");
}

#[test]
fn those_who_are_nobody_handshake_at_the_rate_of_their_address_at_all_homes_together() {
    let session_rules = SessionRules {
        handshake_rate: Some(1),
        handshake_rate_per_address: Some(3),
        sessions_per_address: Some(40),
        ..SessionRules::default()
    };
    let mut desk = Desk::with(Settings { session_rules, anonymous: Anonymous::Allow, sessions: 1000, ..settings() });
    let rounds = |desk: &mut Desk, address: Option<&str>| {
        let peer = Peer {
            remote: Remote { address: address.map(|text| text.parse().unwrap()), user_agent: None },
            ..nobody()
        };
        let round = |_: &i32| {
            let refused = is_refused(&desk.shake(&peer, "one", ""), "handshake_rate_per_address");
            desk.ask(&peer, "[{'channel':'/meta/disconnect','id':'d','clientId':'one'}]");
            !refused
        };
        (0..100).take_while(round).count()
    };
    assert_eq!(rounds(&mut desk, Some("192.0.2.1")), 40, "as many as may have sessions at once");
    assert_eq!(rounds(&mut desk, Some("192.0.2.2")), 40);
    assert_eq!(rounds(&mut desk, Some("127.0.0.1")), 100, "from this machine");
    assert_eq!(rounds(&mut desk, Some("2001:db8::1")), 40);
    assert_eq!(rounds(&mut desk, Some("2001:db8::ffff")), 0, "a customer has a whole network");
    desk.pass(Duration::from_secs(1));
    assert_eq!(rounds(&mut desk, Some("::ffff:192.0.2.1")), 3);
}

#[test]
fn so_many_sessions_may_come_from_one_address_and_a_place_comes_free_when_one_ends() {
    let mut desk = desk(SessionRules { sessions_per_address: Some(2), ..SessionRules::default() });
    let at = |agent: &str, address: &str| Peer {
        remote: Remote { address: Some(address.parse().unwrap()), user_agent: None },
        cookie: BrowserCookie::presented(agent),
        ..peer(agent)
    };
    let refused = |answer: String| is_refused(&answer, "sessions_per_address");
    assert!(!refused(desk.shake(&at("15000", "192.0.2.1"), "one", "")));
    desk.faults = vec![Outcome::Full];
    assert!(desk.shake(&at("15001", "192.0.2.1"), "lost", "").contains("503"));
    assert!(!refused(desk.shake(&at("15001", "192.0.2.1"), "two", "")), "what failed does not count");
    assert!(refused(desk.shake(&at("15002", "::ffff:192.0.2.1"), "three", "")), "that is the same address");
    assert!(!refused(desk.shake(&at("15002", "192.0.2.2"), "three", "")));
    assert!(!refused(desk.shake(&peer("15003"), "four", "")), "from nowhere in particular");
    for n in 0..2 {
        assert!(!refused(desk.shake(&at("15004", &format!("2001:db8::{n}")), &format!("six{n}"), "")));
    }
    assert!(refused(desk.shake(&at("15005", "2001:db8::ffff"), "six", "")), "a customer has a whole network");
    assert!(!refused(desk.shake(&at("15005", "2001:db8:0:1::"), "six", "")));
    desk.ask(&at("15001", "192.0.2.1"), "[{'channel':'/meta/disconnect','id':'d','clientId':'two'}]");
    assert!(!refused(desk.shake(&at("15006", "192.0.2.1"), "seven", "")), "one has gone");
    desk.sessions.forget();
    assert!(desk.sessions.total.addresses.enter("192.0.2.1".parse().unwrap(), 1), "none is left");
}

#[test]
fn of_so_many_durable_channels_something_may_be_kept() {
    let volatile = Rule {
        pattern: Pattern::parse("/demo/**").unwrap(),
        subscribe: Who::Agents,
        publish: Who::Agents,
        create: Who::Agents,
        store: Store::Volatile,
        lazy: None,
        upstream: None,
        broadcast_to_publisher: None,
    };
    let retain = Retain { age: Duration::MAX, records: 10 };
    let durable = Rule {
        pattern: Pattern::parse("/kept/**").unwrap(),
        store: Store::Durable { retain, replay_id: ReplayId::InExt },
        ..volatile.clone()
    };
    let session_rules = SessionRules { durable_channels: 2, ..SessionRules::default() };
    let mut desk = Desk::with(Settings { session_rules, rules: Rules::new(vec![volatile, durable]), ..settings() });
    let me = peer("15000");
    desk.shake(&me, "one", "");
    let publish = |desk: &mut Desk, channel: &str| desk.ask(&me, &publish("one", channel, "1"));
    for channel in ["/kept/a", "/kept/b", "/kept/a", "/demo/a"] {
        let answer = publish(&mut desk, channel);
        assert!(answer.contains(r#""successful":true"#), "{channel}: {answer}");
    }
    let before = desk.log.head();
    assert!(is_refused(&publish(&mut desk, "/kept/c"), "durable_channels"));
    assert_eq!(desk.log.head(), before, "what is refused is not written down");
    assert!(publish(&mut desk, "/demo/b").contains(r#""successful":true"#), "nothing is kept of that");
    assert!(publish(&mut desk, "/kept/b").contains(r#""successful":true"#), "it is there");
    assert!(desk.metrics.render().contains("partyline_rejected_total{limit=\"durable_channels\"} 1\n"));
}

#[test]
fn so_many_channels_there_may_be_and_those_that_are_there_may_be_used() {
    let mut desk = desk(SessionRules { channels: 3, ..SessionRules::default() });
    let me = peer("15000");
    desk.shake(&me, "one", "");
    for pattern in ["/demo/a", "/demo/b", "/demo/*"] {
        assert!(desk.subscribe(&me, "one", pattern).contains(r#""successful":true"#));
    }
    assert!(is_refused(&desk.subscribe(&me, "one", "/demo/c"), "channels"));
    desk.shake(&peer("15001"), "two", "");
    assert!(desk.subscribe(&peer("15001"), "two", "/demo/a").contains(r#""successful":true"#), "it is there");
    for channel in ["/demo/x", "/demo/y", "/demo/z", "/demo/x"] {
        let answer = desk.ask(&peer("15001"), &publish("two", channel, "1"));
        assert!(answer.contains(r#""successful":true"#), "{answer}");
    }
    assert!(is_refused(&desk.ask(&peer("15001"), &publish("two", "/demo/more", "1")), "channels"));
    assert!(desk.metrics.render().contains("partyline_rejected_total{limit=\"channels\"} 2\n"));
    desk.ask(&me, "[{'channel':'/meta/unsubscribe','id':'u','clientId':'one','subscription':'/demo/b'}]");
    assert!(desk.subscribe(&me, "one", "/demo/c").contains(r#""successful":true"#), "one has gone");
    desk.ask(&me, &connect("one"));
}
