//! Channel rules: a right on one channel leaks through no pattern, live, in history, or on coming back.

use std::time::Duration;

use crate::bayeux::{Channel, Pattern};
use crate::broker::tests::kit::{Desk, End, agent, connect_ack, nobody, peer, publish, replay, settings, subscribe};
use crate::broker::{Anonymous, ReplayId, Rule, Rules, Settings, Store, Who};
use crate::log::Retain;

fn rule(pattern: &str, subscribe: Who, create: Who) -> Rule {
    let retain = Retain { age: Duration::MAX, records: 100 };
    Rule {
        pattern: Pattern::parse(pattern).unwrap(),
        subscribe,
        publish: Who::Agents,
        create,
        store: Store::Durable { retain, replay_id: ReplayId::InExt },
        lazy: None,
        upstream: None,
        broadcast_to_publisher: None,
    }
}

fn only(name: &str) -> Who {
    Who::Named([agent(name)].into())
}

fn rules() -> Rules {
    Rules::new(vec![
        rule("/a/b", only("15001"), Who::Agents),
        rule("/a/**", Who::Agents, only("15001")),
        rule("/open/*", Who::Anyone, Who::Agents),
        rule("/shut/**", Who::Nobody, Who::Agents),
    ])
}

#[test]
fn a_wildcard_is_refused_to_those_who_could_hear_nothing_by_it() {
    let rules = rules();
    let may = |who: Option<&str>, pattern: &str| {
        rules.may_subscribe(who.map(agent).as_ref(), &Pattern::parse(pattern).unwrap())
    };
    for (who, pattern, expected) in [
        (Some("15000"), "/a/b", false),
        (Some("15001"), "/a/b", true),
        (Some("15000"), "/a/*", true),
        (Some("15000"), "/shut/x", false),
        (Some("15000"), "/shut/*", false),
        (Some("15000"), "/shut/x/**", false),
        (Some("15000"), "/nowhere/**", false),
        (Some("15000"), "/**", true),
        (Some("15000"), "/*", true),
        (Some("15000"), "/v2/*", true),
        (Some("15000"), "/v2/me/*", true),
        (Some("15000"), "/v2/me/calls", true),
        (Some("15000"), "/notifications/*", true),
        (Some("15000"), "/open/x/**", false),
        (None, "/a/*", false),
        (None, "/open/*", true),
        (None, "/open/**", true),
        (None, "/open/x", true),
        (None, "/**", true),
        (None, "/v2/me/*", false),
        (None, "/v2/**", false),
    ] {
        assert_eq!(may(who, pattern), expected, "{who:?} {pattern}");
    }
}

#[test]
fn a_right_on_one_channel_leaks_through_no_pattern_on_no_path() {
    let mut desk =
        Desk::with(Settings { rules: rules(), anonymous: Anonymous::Allow, queue_messages: 100, ..settings() });
    let me = peer("15000");
    desk.shake(&me, "ack", "ack");
    desk.shake(&peer("15001"), "other", "");
    desk.shake(&nobody(), "anonymous", "ack");
    let tell = |desk: &mut Desk| {
        desk.ask(&peer("15001"), &publish("other", "/a/b", "'secret'"));
        desk.ask(&peer("15001"), &publish("other", "/a/c", "'plain'"));
        desk.ask(&peer("15001"), &publish("other", "/open/x", "'open'"));
    };
    tell(&mut desk);
    for pattern in ["/a/*", "/a/**"] {
        desk.ask(&me, &replay("ack", &format!("'{pattern}'"), &format!("{{'{pattern}':-2}}")));
    }
    desk.ask(&me, &subscribe("ack", "/**"));
    desk.ask(&nobody(), &replay("anonymous", "'/**'", "{'/**':-2}"));
    tell(&mut desk);
    let mut seen = [0, 0];
    for end in [None, Some(End::Killed), Some(End::Stopped)] {
        if let Some(end) = end {
            tell(&mut desk);
            desk.restart(end);
        }
        for (place, who, client) in [(0, me.clone(), "ack"), (1, nobody(), "anonymous")] {
            let body = desk.ask(&who, &connect_ack(client, 0));
            assert!(!body.contains("secret"), "{body}");
            assert!(place == 0 || !body.contains("plain"), "{body}");
            seen[place] += body.matches("\"data\"").count();
        }
    }
    assert!(seen[0] > 10 && seen[1] > 5, "{seen:?}");
}

#[test]
fn only_those_whom_a_rule_names_bring_a_channel_into_being() {
    let mut desk = Desk::with(Settings { rules: rules(), ..settings() });
    for name in ["15000", "15001"] {
        desk.shake(&peer(name), name, "");
    }
    let refused = desk.ask(&peer("15000"), &publish("15000", "/a/new", "1"));
    assert!(refused.contains("403:denied_by_rule:channel_create_denied"), "{refused}");
    // To wait for a channel brings nothing into being.
    assert!(desk.subscribe(&peer("15000"), "15000", "/a/new").contains(r#""successful":true"#));
    assert!(desk.ask(&peer("15000"), &publish("15000", "/a/new", "1")).contains("channel_create_denied"));
    assert!(desk.ask(&peer("15001"), &publish("15001", "/a/new", "1")).contains(r#""successful":true"#));
    assert!(desk.ask(&peer("15000"), &publish("15000", "/a/new", "2")).contains(r#""successful":true"#));
    let may = |name: &str| rules().may_create(Some(&agent(name)), &Channel::parse("/nowhere").unwrap());
    assert!(!may("15000") && !may("15001"));
}
