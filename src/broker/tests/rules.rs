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
    // To wait for a channel brings nothing into being, for whoever may do that.
    assert!(desk.subscribe(&peer("15001"), "15001", "/a/new").contains(r#""successful":true"#));
    assert!(desk.ask(&peer("15000"), &publish("15000", "/a/new", "1")).contains("channel_create_denied"));
    assert!(desk.ask(&peer("15001"), &publish("15001", "/a/new", "1")).contains(r#""successful":true"#));
    assert!(desk.ask(&peer("15000"), &publish("15000", "/a/new", "2")).contains(r#""successful":true"#));
    let may = |name: &str| rules().may_create(Some(&agent(name)), &Channel::parse("/nowhere").unwrap());
    assert!(!may("15000") && !may("15001"));
}

#[test]
fn a_subscription_asks_who_may_bring_its_channel_into_being() {
    let mut desk = Desk::with(Settings {
        rules: rules(),
        anonymous: Anonymous::Allow,
        subscriptions_per_session: 16,
        ..settings()
    });
    let (me, maker) = (peer("15000"), peer("15001"));
    desk.shake(&me, "me", "ack");
    desk.shake(&maker, "maker", "");
    let denied = r#""subscription":"/a/new","successful":false,"error":"403:/a/new:create_denied""#;
    let told = desk.subscribe(&me, "me", "/a/new");
    assert!(told.contains(denied), "{told}");
    let told = desk.ask(&me, &replay("me", "'/a/new'", "{'/a/new':-2}"));
    assert!(told.contains(denied), "{told}");
    let told = desk.ask(&me, "[{'channel':'/meta/subscribe','clientId':'me','subscription':['/open/x','/a/new']}]");
    assert!(told.contains("403:/a/new:create_denied"), "all or none: {told}");
    let told = desk.subscribe(&me, "me", "/a/b");
    assert!(told.contains("403:/a/b:subscribe_denied"), "whether it is there is not for everybody: {told}");
    for pattern in
        ["/a/*", "/a/**", "/a/new/*", "/**", "/v2/me/*", "/v2/me/new", "/notifications/services", "/service/new"]
    {
        let told = desk.subscribe(&me, "me", pattern);
        assert!(told.contains(r#""successful":true"#), "{pattern}: {told}");
    }
    desk.ask(&maker, &publish("maker", "/a/new", "1"));
    assert!(desk.subscribe(&me, "me", "/a/new").contains(r#""successful":true"#), "now it is there");
    desk.shake(&nobody(), "nobody", "");
    let told = desk.subscribe(&nobody(), "nobody", "/open/new");
    assert!(told.contains("403:/open/new:create_denied"), "{told}");
}

#[test]
fn who_subscribed_already_is_not_asked_again_when_a_channel_is_no_longer_there() {
    let volatile = Rule { store: Store::Volatile, ..rule("/a/**", Who::Agents, only("15001")) };
    let mut desk = Desk::over(Settings { rules: Rules::new(vec![volatile]), ..settings() }, 8);
    let me = peer("15000");
    desk.shake(&me, "me", "ack");
    desk.shake(&peer("15001"), "maker", "");
    desk.ask(&peer("15001"), &publish("maker", "/a/new", "1"));
    assert!(desk.subscribe(&me, "me", "/a/new").contains(r#""successful":true"#));
    for n in 0..16 {
        desk.ask(&peer("15001"), &publish("maker", "/a/other", &n.to_string()));
    }
    assert!(desk.subscribe(&me, "me", "/a/new").contains(r#""successful":true"#));
    desk.shake(&me, "other", "ack");
    assert!(desk.subscribe(&me, "other", "/a/new").contains("create_denied"));
}
