//! What is in memory only when the server ends: a planned stop keeps it, and after any other end nobody who may miss some
//! of it goes on as if nothing had happened.

use std::time::Duration;

use bytes::Bytes;

use crate::bayeux::{Channel, Pattern};
use crate::broker::tests::kit::{
    Desk, End, agent, connect, connect_ack, nobody, peer, publish, replay, settings, subscribe,
};
use crate::broker::{ReplayId, Rule, Rules, Settings, Store, Who};
use crate::ids::{ClientId, Position, RecordId, WallTime};
use crate::log::{Log, Retain};
use crate::records::{ChannelPublished, Direct, Keep};

/// Publishes to a channel that is not durable; nobody hears of it before [`Desk::pump`].
fn publish_volatile(desk: &Desk, channel: &str, data: &str) -> Position {
    let published = ChannelPublished {
        channel: Channel::parse(channel).unwrap(),
        data: Bytes::copy_from_slice(data.as_bytes()),
        binary: None,
        publisher: None,
        key: None,
    };
    desk.append(published.record(RecordId::draw(), WallTime::default(), Keep::Volatile))
}

fn rules() -> Rules {
    let volatile = |pattern: &str, subscribe: Who| Rule {
        pattern: Pattern::parse(pattern).unwrap(),
        subscribe,
        publish: Who::Agents,
        create: Who::Agents,
        store: Store::Volatile,
        upstream: None,
        lazy: None,
        broadcast_to_publisher: None,
    };
    let retain = Retain { age: Duration::MAX, records: 100 };
    let store = Store::Durable { retain, replay_id: ReplayId::InExt };
    let only = Who::Named([agent("15009")].into());
    Rules::new(vec![
        Rule { store, ..volatile("/kept/**", Who::Agents) },
        volatile("/secret/*", only),
        Rule { store, ..volatile("/mixed/kept", Who::Agents) },
        volatile("/mixed/*", Who::Agents),
        volatile("/kept/**", Who::Agents),
        volatile("/demo/**", Who::Agents),
    ])
}

fn desk() -> Desk {
    Desk::on_disk(Settings { rules: rules(), queue_messages: 100, ..settings() }, 65_536)
}

/// A session `c` of 15000 that has acknowledged all, or been given all.
fn joined(desk: &mut Desk, ack: &str, patterns: &[&str]) -> u64 {
    let me = peer("15000");
    desk.shake(&me, "c", ack);
    for pattern in patterns {
        let reply = desk.subscribe(&me, "c", pattern);
        assert!(reply.contains(r#""successful":true"#), "{reply}");
    }
    desk.ask(&me, &connect_ack("c", 0));
    desk.log.head().get()
}

/// Comes back with what it acknowledged last.
fn back(desk: &mut Desk, ack: u64) -> String {
    let body = connect_ack("c", ack).replace("'ext'", "'advice':{'timeout':0},'ext'");
    let key = desk.send(&peer("15000"), &body);
    desk.pump();
    desk.raw_answer(key).expect("an answer")
}

/// The data of the events in a body.
fn heard(body: &str) -> Vec<String> {
    let messages: Vec<serde_json::Value> = serde_json::from_str(body).unwrap();
    messages.iter().filter_map(|message| message.get("data")).map(ToString::to_string).collect()
}

fn is_told_to_handshake(body: &str) -> bool {
    let told = body.contains(r#""error":"402::session_unknown""#) && body.contains(r#""reconnect":"handshake""#);
    assert!(told || body.contains(r#""channel":"/meta/connect","id":"c","successful":true"#), "{body}");
    assert!(!told || heard(body).is_empty(), "{body}");
    told
}

#[test]
fn a_planned_stop_loses_and_repeats_nothing_of_what_is_volatile() {
    for ack in ["ack", ""] {
        let mut desk = desk();
        let given = joined(&mut desk, ack, &["/demo/*", "/kept/*"]);
        publish_volatile(&desk, "/demo/a", "1");
        desk.pump();
        let first = back(&mut desk, given);
        assert_eq!(heard(&first), ["1"]);
        if ack.is_empty() {
            desk.written(desk.newest());
        }
        let acknowledged = desk.log.head().get();
        publish_volatile(&desk, "/demo/a", "2");
        desk.append_publication("/kept/a", "3");
        let last = publish_volatile(&desk, "/demo/b", "4");
        desk.pump();
        desk.restart(End::Stopped);
        publish_volatile(&desk, "/demo/b", "5");
        desk.pump();
        assert_eq!(heard(&back(&mut desk, acknowledged)), ["2", "3", "4", "5"], "{ack}");
        assert_eq!(desk.log.recall(last).unwrap().position, last, "no position changes");
        // Another stop right after it.
        if ack == "ack" {
            desk.restart(End::Stopped);
            assert_eq!(heard(&back(&mut desk, acknowledged)), ["2", "3", "4", "5"]);
        }
    }
}

#[test]
fn a_planned_stop_keeps_what_is_owed_to_one_session_alone() {
    for ack in ["ack", ""] {
        let mut desk = desk();
        let given = joined(&mut desk, ack, &[]);
        let echo = publish("c", "/service/echo", "'hello'");
        let reply = if ack.is_empty() { desk.send(&peer("15000"), &echo) } else { 0 };
        if ack == "ack" {
            desk.ask(&peer("15000"), &echo);
        } else {
            // The answer rides along with the reply, whose connection breaks.
            desk.pump();
            assert_eq!(heard(&desk.raw_answer(reply).unwrap()), [r#""hello""#]);
            desk.lost(reply);
        }
        desk.restart(End::Stopped);
        assert_eq!(heard(&back(&mut desk, given)), [r#""hello""#], "{ack}");
    }
}

#[test]
fn after_a_kill_a_session_that_may_miss_something_is_told_to_handshake() {
    for (patterns, missing) in [
        (vec!["/demo/*"], true),
        (vec!["/v2/me/*", "/demo/a"], true),
        (vec!["/mixed/*"], true),
        (vec!["/**"], true),
        (vec![], false),
        (vec!["/v2/me/**"], false),
        (vec!["/kept/a", "/kept/*", "/kept/**"], false),
        (vec!["/mixed/kept"], false),
        (vec!["/notifications/services"], false),
        (vec!["/service/echo"], false),
    ] {
        for published in [true, false] {
            let mut desk = desk();
            let given = joined(&mut desk, "ack", &patterns);
            if published {
                publish_volatile(&desk, "/demo/a", "1");
                publish_volatile(&desk, "/mixed/x", "2");
            }
            desk.append_publication("/kept/a", "3");
            desk.dial("15000", "4");
            desk.pump();
            desk.restart(End::Killed);
            let answer = back(&mut desk, given);
            assert_eq!(is_told_to_handshake(&answer), missing, "{patterns:?}: {answer}");
            let ended = format!("partyline_sessions_ended_total{{reason=\"lost\"}} {}\n", u8::from(missing));
            assert!(desk.metrics.render().contains(&ended));
            let (kept, own) = (patterns.contains(&"/kept/*"), patterns.contains(&"/v2/me/**"));
            assert_eq!(heard(&answer).len(), usize::from(kept) + usize::from(own), "{patterns:?}: {answer}");
            assert_eq!(desk.known(), usize::from(!missing));
            desk.assert_idle();
        }
    }
}

#[test]
fn who_may_not_hear_what_is_volatile_misses_nothing_of_it() {
    for (user, missing) in [("15000", false), ("15009", true)] {
        let mut desk = desk();
        let me = peer(user);
        desk.shake(&me, "c", "ack");
        let subscribed = desk.subscribe(&me, "c", "/secret/*");
        if !missing {
            assert!(subscribed.contains("subscribe_denied"), "{subscribed}");
        }
        desk.ask(&me, &connect_ack("c", 0));
        let given = desk.log.head().get();
        desk.restart(End::Killed);
        let key = desk.send(&me, &connect_ack("c", given).replace("'ext'", "'advice':{'timeout':0},'ext'"));
        desk.pump();
        assert_eq!(is_told_to_handshake(&desk.raw_answer(key).unwrap()), missing, "{user}");
    }
}

#[test]
fn after_a_kill_what_is_owed_to_one_session_alone_is_there_if_it_acknowledges() {
    let mut desk = desk();
    let given = joined(&mut desk, "ack", &["/v2/me/*"]);
    desk.ask(&peer("15000"), &publish("c", "/service/echo", "'hello'"));
    desk.restart(End::Killed);
    let answer = back(&mut desk, given);
    assert_eq!(heard(&answer), [r#""hello""#]);
    let acknowledged = desk.log.head().get();
    desk.restart(End::Killed);
    assert!(heard(&back(&mut desk, acknowledged)).is_empty());
}

#[test]
fn what_a_session_subscribes_to_after_a_kill_it_cannot_have_missed() {
    let mut desk = desk();
    let given = joined(&mut desk, "ack", &["/v2/me/*"]);
    desk.restart(End::Killed);
    assert!(!is_told_to_handshake(&back(&mut desk, given)));
    desk.ask(&peer("15000"), &subscribe("c", "/demo/*"));
    publish_volatile(&desk, "/demo/a", "1");
    desk.pump();
    // Its home ends and the log does not, so it is served from the ring.
    desk.pass(Duration::from_secs(11));
    assert_eq!(heard(&back(&mut desk, given)), ["1"], "it had not acknowledged the answer before");
    // Planned, the next end takes nothing either; but the one after that does.
    desk.restart(End::Stopped);
    assert_eq!(heard(&back(&mut desk, given)), ["1"]);
    desk.restart(End::Killed);
    assert!(is_told_to_handshake(&back(&mut desk, given)));
}

#[test]
fn a_session_without_acknowledgement_that_did_not_come_back_between_a_stop_and_a_kill_is_told() {
    let mut desk = desk();
    let given = joined(&mut desk, "", &["/v2/me/*"]);
    desk.restart(End::Stopped);
    desk.restart(End::Killed);
    assert!(is_told_to_handshake(&back(&mut desk, given)));
}

#[test]
fn if_a_planned_stop_could_not_keep_it_all_who_may_miss_some_is_told() {
    for (ack, patterns, missing) in [
        ("ack", ["/demo/*"], true),
        ("ack", ["/kept/*"], false),
        ("", ["/demo/*"], true),
        // It may have been owed an answer.
        ("", ["/kept/*"], true),
    ] {
        let mut desk = desk();
        let given = joined(&mut desk, ack, &patterns);
        publish_volatile(&desk, "/demo/a", "1");
        desk.append_publication("/kept/a", "2");
        desk.pump();
        desk.obstruct();
        desk.restart(End::Stopped);
        let answer = back(&mut desk, given);
        assert_eq!(is_told_to_handshake(&answer), missing, "{ack} {patterns:?}: {answer}");
        assert_eq!(heard(&answer), if missing { vec![] } else { vec!["2".to_owned()] });
    }
}

#[test]
fn what_is_kept_of_one_session_is_told_to_no_other() {
    let mut desk = desk();
    joined(&mut desk, "ack", &["/demo/*"]);
    let other = peer("15001");
    desk.shake(&other, "d", "ack");
    desk.ask(&other, &connect_ack("d", 0));
    let given = desk.log.head().get();
    let session = ClientId::presented("c").session();
    let direct = Direct {
        session,
        channel: Channel::parse("/service/x").unwrap(),
        data: Bytes::from_static(b"1"),
        id: None,
        error: None,
    };
    for keep in [Keep::Stored, Keep::Volatile] {
        desk.append(direct.record(RecordId::draw(), WallTime::default(), keep));
    }
    desk.pump();
    desk.restart(End::Stopped);
    let key = desk.send(&other, &connect_ack("d", given).replace("'ext'", "'advice':{'timeout':0},'ext'"));
    desk.pump();
    assert!(heard(&desk.raw_answer(key).unwrap()).is_empty());
    assert_eq!(heard(&back(&mut desk, given)), ["1", "1"]);
    assert!(desk.ask(&nobody(), &connect("c")).contains("402::session_unknown"));
}

#[test]
fn history_goes_on_over_a_kill_beside_own_feeds() {
    let mut desk = desk();
    for n in 0..30 {
        desk.append_publication("/kept/a", &n.to_string());
    }
    desk.pump();
    let given = joined(&mut desk, "ack", &["/v2/me/*"]);
    let me = peer("15000");
    desk.ask(&me, &replay("c", "'/kept/*'", "{'/kept/*':-2}"));
    desk.restart(End::Killed);
    let mut all = Vec::new();
    let mut acknowledged = given;
    for _ in 0..10 {
        let answer = back(&mut desk, acknowledged);
        assert!(!is_told_to_handshake(&answer), "{answer}");
        all.extend(heard(&answer));
        let messages: Vec<serde_json::Value> = serde_json::from_str(&answer).unwrap();
        acknowledged = messages.last().unwrap()["ext"]["ack"].as_u64().unwrap();
    }
    assert_eq!(all, (0..30).map(|n| n.to_string()).collect::<Vec<_>>());
}
