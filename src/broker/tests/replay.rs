//! History for those who ask: from where, in which order, what is refused, and what comes again.

use std::time::Duration;

use expect_test::expect;

use crate::broker::tests::kit;
use crate::broker::tests::kit::{Desk, End, agent, connect, connect_ack, peer, publish, replay};
use crate::broker::{ReplayId, Rule, Rules, Settings, Store, Who};
use crate::log::{Log, Outcome, Retain};

fn settings() -> Settings {
    let rules = Rules::new(vec![kept("/kept/**", Who::Agents, 1000)]);
    Settings { queue_messages: 8, rules, ..kit::settings() }
}

/// A desk with four publications on `/kept/a` and `/kept/b`, and the sessions `ack` and `plain`.
fn desk() -> Desk {
    with(settings())
}

fn with(settings: Settings) -> Desk {
    let mut desk = Desk::with(settings);
    desk.publish("/kept/a", "1");
    desk.publish("/kept/b", "2");
    desk.publish("/kept/a", "3");
    desk.publish("/kept/b", "4");
    desk.shake(&peer("15000"), "ack", "ack");
    desk.shake(&peer("15001"), "plain", "");
    desk
}

/// Connects until nothing more comes, acknowledging what came; what was told.
fn read_ack(desk: &mut Desk, client: &str, ack: &mut u64) -> Vec<String> {
    let mut told = Vec::new();
    let mut silence = 0;
    while silence < 2 {
        let body = connect_ack(client, *ack).replace("'ext'", "'advice':{'timeout':0},'ext'");
        let key = desk.send(&peer("15000"), &body);
        desk.pump();
        let answer = desk.raw_answer(key).expect("an answer");
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        let messages = answer.as_array().unwrap();
        let reply = messages.last().unwrap();
        assert_eq!(reply["successful"], true, "{answer}");
        *ack = reply["ext"]["ack"].as_u64().unwrap();
        silence = if messages.len() == 1 { silence + 1 } else { 0 };
        told.extend(messages[..messages.len() - 1].iter().map(|event| event["data"].to_string()));
    }
    told
}

#[test]
fn all_that_is_kept_comes_first_and_then_what_is_new() {
    let mut desk = desk();
    let me = peer("15000");
    expect![[r#"[{"channel":"/meta/subscribe","id":"s","subscription":"/kept/a","successful":true}]"#]]
        .assert_eq(&desk.ask(&me, &replay("ack", "'/kept/a'", "{'/kept/a':-2}")));
    desk.publish("/kept/a", "5");
    expect![[r#"[{"data":1,"channel":"/kept/a","ext":{"replay":+1}},{"data":3,"channel":"/kept/a","ext":{"replay":+3}},{"data":5,"channel":"/kept/a","ext":{"replay":+9}},{"channel":"/meta/connect","id":"c","successful":true,"ext":{"ack":+9}}]"#]]
        .assert_eq(&desk.ask(&me, &connect_ack("ack", 0)));
    desk.assert_idle();
}

#[test]
fn a_session_is_told_every_page_and_nothing_twice_over_wildcards() {
    let mut desk = desk();
    let me = peer("15000");
    desk.ask(&me, &replay("ack", "['/kept/**','/kept/a']", "{'/kept/**':-2,'/kept/a':-2}"));
    let mut ack = 0;
    assert_eq!(read_ack(&mut desk, "ack", &mut ack), ["1", "2", "3", "4"]);
    desk.publish("/kept/a", "5");
    desk.publish("/kept/b", "6");
    assert_eq!(read_ack(&mut desk, "ack", &mut ack), ["5", "6"]);
    desk.assert_idle();
}

/// Every publication as `a1`, of channels below `/kept`, of which the newest three are kept.
fn trimmed() -> Desk {
    let rules = Rules::new(vec![kept("/kept/**", Who::Agents, 3)]);
    let mut desk = Desk::with(Settings { rules, ..settings() });
    desk.shake(&peer("15000"), "ack", "ack");
    say(&mut desk, "a", 1..4);
    desk
}

fn say(desk: &mut Desk, name: &str, numbers: std::ops::Range<u32>) {
    for n in numbers {
        desk.publish(&format!("/kept/{name}"), &format!("\"{name}{n}\""));
    }
}

/// Acknowledges a page, and takes the next one, of two.
fn read_page(desk: &mut Desk, ack: &mut u64) -> String {
    // The next one is read when the one before is acknowledged.
    (0..3).map(|_| read_once(desk, ack)).find(|told| !told.is_empty()).unwrap_or_default()
}

fn read_once(desk: &mut Desk, ack: &mut u64) -> String {
    let key = desk.send(&peer("15000"), &connect_ack("ack", *ack).replace("'ext'", "'advice':{'timeout':0},'ext'"));
    desk.pump();
    let answer = desk.raw_answer(key).expect("an answer");
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    let reply = answer.as_array().unwrap().last().unwrap();
    *ack = reply["ext"]["ack"].as_u64().unwrap_or_default();
    let told = answer
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|event| event["data"].as_str().or_else(|| event["error"].as_str()));
    told.collect::<Vec<_>>().join(" ")
}

#[test]
fn what_was_gone_before_it_was_asked_for_is_no_gap() {
    let mut desk = trimmed();
    say(&mut desk, "b", 1..9);
    desk.ask(&peer("15000"), &replay("ack", "'/kept/**'", "{'/kept/**':-2}"));
    assert_eq!(
        read_ack(&mut desk, "ack", &mut 0),
        ["a1", "a2", "a3", "b6", "b7", "b8"].map(|name| format!("{name:?}"))
    );
    desk.assert_idle();
}

/// Whether the server goes on, or in which way it ends and is started again, in the middle of a history.
const LIVES: [Option<End>; 3] = [None, Some(End::Killed), Some(End::Stopped)];

#[test]
fn what_goes_while_others_are_told_is_a_gap_only_of_what_has_begun() {
    for end in LIVES {
        what_has_begun(end);
    }
}

fn what_has_begun(end: Option<End>) {
    let restart = |desk: &mut Desk| end.into_iter().for_each(|end| desk.restart(end));
    let mut desk = trimmed();
    say(&mut desk, "b", 1..4);
    desk.ask(&peer("15000"), &replay("ack", "'/kept/**'", "{'/kept/**':-2}"));
    let mut ack = 0;
    assert_eq!(read_page(&mut desk, &mut ack), "a1 a2");
    restart(&mut desk);
    // Nothing of it was told yet: it begins later.
    say(&mut desk, "b", 4..6);
    assert_eq!(read_page(&mut desk, &mut ack), "a3 b3");
    restart(&mut desk);
    assert_eq!(read_page(&mut desk, &mut ack), "b4 b5");
    assert_eq!(read_page(&mut desk, &mut ack), "");
    say(&mut desk, "c", 1..2);
    assert_eq!(read_page(&mut desk, &mut ack), "c1", "it is at the end");

    let mut desk = trimmed();
    say(&mut desk, "b", 1..4);
    desk.ask(&peer("15000"), &replay("ack", "'/kept/**'", "{'/kept/**':-2}"));
    let mut ack = 0;
    assert_eq!(read_page(&mut desk, &mut ack), "a1 a2");
    restart(&mut desk);
    // Its third is gone before it was told.
    say(&mut desk, "a", 4..8);
    assert_eq!(read_page(&mut desk, &mut ack), "402::session_unknown");
    let page = desk.metrics.render();
    assert!(page.contains("partyline_sessions_ended_total{reason=\"history_lost\"} 1\n"), "{end:?}\n{page}");
    desk.assert_idle();
}

#[test]
fn who_asked_from_a_position_on_has_a_gap_whatever_goes_after_it() {
    let mut desk = trimmed();
    say(&mut desk, "b", 1..4);
    let first = desk.log.head().get() - 5;
    desk.ask(&peer("15000"), &replay("ack", "'/kept/**'", &format!("{{'/kept/**':{first}}}")));
    let mut ack = 0;
    assert_eq!(read_page(&mut desk, &mut ack), "a2 a3");
    say(&mut desk, "b", 4..6);
    assert_eq!(read_page(&mut desk, &mut ack), "402::session_unknown");
}

#[test]
fn it_begins_after_the_position_that_is_asked_for_as_a_number_or_a_text() {
    for quote in ["", "'"] {
        let mut desk = Desk::with(settings());
        let at = desk.publish("/kept/a", "1").get();
        desk.publish("/kept/a", "2");
        desk.shake(&peer("15000"), "ack", "ack");
        let map = format!("{{'/other':'rubbish','/kept/a':{quote}{at}{quote}}}");
        assert!(desk.ask(&peer("15000"), &replay("ack", "'/kept/a'", &map)).contains(r#""successful":true"#));
        assert_eq!(read_ack(&mut desk, "ack", &mut 0), ["2"]);
    }
}

#[test]
fn only_what_is_new_is_told_to_who_asks_for_that_or_for_nothing() {
    let mut desk = desk();
    let me = peer("15000");
    desk.ask(&me, &replay("ack", "'/kept/a'", "{'/kept/a':-1}"));
    desk.ask(&me, &replay("ack", "'/kept/b'", "true"));
    desk.publish("/kept/a", "5");
    desk.publish("/kept/b", "6");
    assert_eq!(read_ack(&mut desk, "ack", &mut 0), ["5", "6"]);
}

#[test]
fn a_position_that_cannot_be_served_from_is_refused() {
    let mut desk = with(Settings {
        rules: Rules::new(vec![kept("/kept/**", Who::Agents, 1), volatile("/demo/**")]),
        ..settings()
    });
    let me = peer("15000");
    let head = desk.log.head().get();
    let mut answers = Vec::new();
    for (pattern, id) in [
        ("/kept/a", "0".to_owned()),
        ("/kept/**", "'17'".to_owned()),
        ("/kept/a", (head + 1).to_string()),
        ("/kept/a", "-3".to_owned()),
        ("/kept/a", "'x'".to_owned()),
        ("/kept/a", "1.5".to_owned()),
        ("/demo/a", head.to_string()),
        ("/demo/a", "-2".to_owned()),
        ("/kept/a", head.to_string()),
    ] {
        let answer = desk.ask(&me, &replay("ack", &format!("'{pattern}'"), &format!("{{'{pattern}':{id}}}")));
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        answers.push(format!(
            "{} {}",
            id.replace(&head.to_string(), "head"),
            answer[0].get("error").unwrap_or_else(|| &answer[0]["successful"])
        ));
    }
    let answers = answers.join("\n");
    assert_eq!(answers.matches("replay_id_invalid").count(), 7, "{answers}");
    assert_eq!(answers.matches("true").count(), 2, "{answers}");
}

#[test]
fn an_unacknowledged_page_comes_again_whatever_happens_and_the_next_one_waits_for_it() {
    for end in [None, Some(End::Killed), Some(End::Stopped)] {
        let mut desk = desk();
        let me = peer("15000");
        desk.ask(&me, &replay("ack", "'/kept/**'", "{'/kept/**':-2}"));
        let first = desk.ask(&me, &connect_ack("ack", 0));
        assert!(first.contains(r#""data":1"#) && first.contains(r#""data":2"#) && !first.contains(r#""data":3"#));
        if let Some(end) = end {
            desk.restart(end);
        }
        desk.publish("/kept/a", "5");
        let again = desk.ask(&me, &connect_ack("ack", 0));
        let events = |text: &str| text.split(r#"{"channel":"/meta/connect""#).next().unwrap().to_owned();
        assert_eq!(events(&again), events(&first), "the same bytes");
        let mut ack = 0;
        assert_eq!(read_ack(&mut desk, "ack", &mut ack), ["1", "2", "3", "4", "5"]);
        desk.publish("/kept/b", "6");
        assert_eq!(read_ack(&mut desk, "ack", &mut ack), ["6"]);
        desk.assert_idle();
    }
}

#[test]
fn without_acknowledgement_the_next_page_comes_once_the_one_before_was_written() {
    let mut desk = desk();
    let me = peer("15001");
    let subscribed = desk.send(&me, &replay("plain", "'/kept/**'", "{'/kept/**':-2}"));
    desk.pump();
    assert!(desk.answer(subscribed).unwrap().contains(r#""successful":true"#));
    let first = desk.send(&me, &connect("plain"));
    assert!(desk.answer(first).unwrap().contains(r#""data":1"#));
    desk.lost(first);
    let again = desk.send(&me, &connect("plain"));
    desk.pump();
    let body = desk.answer(again).unwrap();
    assert!(body.contains(r#""data":1"#) && body.contains(r#""data":2"#) && !body.contains(r#""data":3"#), "{body}");
    desk.written(again);
    let second = desk.send(&me, &connect("plain"));
    desk.pump();
    let body = desk.answer(second).unwrap();
    assert!(body.contains(r#""data":3"#) && body.contains(r#""data":4"#), "{body}");
    desk.written(second);
    let live = desk.send(&me, &connect("plain"));
    desk.pump();
    assert_eq!(desk.answer(live), None);
    desk.publish("/kept/a", "5");
    assert!(desk.answer(live).unwrap().contains(r#""data":5"#));
}

#[test]
fn a_wildcard_hears_what_is_not_kept_at_once_and_what_is_kept_in_its_order() {
    let rules = Rules::new(vec![kept("/mixed/kept", Who::Agents, 100), volatile("/mixed/**")]);
    let mut desk = Desk::with(Settings { rules, ..settings() });
    for n in 0..6 {
        desk.publish("/mixed/kept", &n.to_string());
    }
    let me = peer("15000");
    desk.shake(&me, "ack", "ack");
    desk.ask(&me, &replay("ack", "'/mixed/*'", "{'/mixed/*':-2}"));
    desk.ask(&me, &publish("ack", "/mixed/kept", "6"));
    desk.ask(&me, &publish("ack", "/mixed/other", "'new'"));
    desk.restart(End::Killed);
    let told = read_ack(&mut desk, "ack", &mut 0);
    let kept: Vec<&String> = told.iter().filter(|data| *data != "\"new\"").collect();
    assert_eq!(kept, ["0", "1", "2", "3", "4", "5", "6"]);
    assert_eq!(told.len(), 8);
}

#[test]
fn what_is_written_down_for_its_key_alone_is_heard_at_once_and_once() {
    for end in [None, Some(End::Killed), Some(End::Stopped)] {
        let rules = Rules::new(vec![kept("/mixed/kept", Who::Agents, 100), volatile("/mixed/**")]);
        let mut desk = Desk::with(Settings { rules, ..settings() });
        for n in 0..6 {
            desk.publish("/mixed/kept", &n.to_string());
        }
        let me = peer("15000");
        desk.shake(&me, "ack", "ack");
        desk.ask(&me, &replay("ack", "'/mixed/*'", "{'/mixed/*':-2}"));
        // Stored, as the office stores all that has a key.
        desk.publish("/mixed/other", "6");
        if let Some(end) = end {
            desk.restart(end);
        }
        let mut told = read_ack(&mut desk, "ack", &mut 0);
        told.sort();
        assert_eq!(told, ["0", "1", "2", "3", "4", "5", "6"], "{end:?}");
    }
}

#[test]
fn history_is_told_only_to_those_who_may_hear_its_channel() {
    let only = Who::Named([agent("15001")].into());
    let rules =
        Rules::new(vec![kept("/kept/secret", only, 100), kept("/kept/**", Who::Agents, 100), volatile("/open/**")]);
    let mut desk = Desk::with(Settings { queue_messages: 100, rules, ..settings() });
    for n in 0..3 {
        desk.publish("/kept/secret", "'secret'");
        desk.publish("/kept/a", &n.to_string());
    }
    let me = peer("15000");
    desk.shake(&me, "ack", "ack");
    let refused = desk.ask(&me, &replay("ack", "'/kept/secret'", "{'/kept/secret':-2}"));
    assert!(refused.contains("403:/kept/secret:subscribe_denied"), "{refused}");
    for pattern in ["/kept/*", "/kept/**", "/**"] {
        desk.ask(&me, &replay("ack", &format!("'{pattern}'"), &format!("{{'{pattern}':-2}}")));
    }
    let mut ack = 0;
    desk.publish("/kept/secret", "'secret'");
    // Killed with a page owed, so that it is read again.
    desk.ask(&me, &connect_ack("ack", 0));
    desk.restart(End::Killed);
    assert_eq!(read_ack(&mut desk, "ack", &mut ack), ["0", "1", "2"]);
    desk.publish("/kept/secret", "'secret'");
    desk.publish("/kept/a", "3");
    assert_eq!(read_ack(&mut desk, "ack", &mut ack), ["3"]);
}

#[test]
fn who_asks_again_is_told_again() {
    let mut desk = desk();
    let me = peer("15000");
    desk.subscribe(&me, "ack", "/kept/a");
    let at = desk.publish("/kept/a", "5").get();
    let mut ack = 0;
    assert_eq!(read_ack(&mut desk, "ack", &mut ack), ["5"]);
    desk.ask(&me, &replay("ack", "'/kept/a'", &format!("{{'/kept/a':{at}}}")));
    desk.publish("/kept/a", "6");
    assert_eq!(read_ack(&mut desk, "ack", &mut ack), ["6"]);
    desk.ask(&me, &replay("ack", "'/kept/a'", "{'/kept/a':-2}"));
    assert_eq!(read_ack(&mut desk, "ack", &mut ack), ["1", "3", "5", "6"]);
    // A wider pattern brings what the narrow one has not.
    desk.ask(&me, &replay("ack", "'/kept/*'", "{'/kept/*':-2}"));
    assert_eq!(read_ack(&mut desk, "ack", &mut ack), ["2", "4"]);
}

#[test]
fn history_that_leaves_before_it_was_told_ends_the_session_and_its_client_is_told_so() {
    let rules = Rules::new(vec![kept("/kept/**", Who::Agents, 4)]);
    let mut desk = with(Settings { rules, ..settings() });
    let me = peer("15000");
    desk.ask(&me, &replay("ack", "'/kept/*'", "{'/kept/*':-2}"));
    for n in 5..15 {
        desk.publish("/kept/a", &n.to_string());
    }
    let first = desk.send(&me, &connect_ack("ack", 0));
    let body = desk.raw_answer(first).unwrap();
    let ack = body.rsplit("\"ack\":").next().unwrap().split('}').next().unwrap().parse().unwrap();
    let refused = desk.ask(&me, &connect_ack("ack", ack));
    assert!(refused.contains("402::session_unknown") && refused.contains(r#""reconnect":"handshake""#), "{refused}");
    assert!(desk.metrics.render().contains("partyline_sessions_ended_total{reason=\"history_lost\"} 1\n"));
    desk.assert_idle();
}

#[test]
fn a_page_that_cannot_be_written_down_is_tried_again() {
    let mut desk = desk();
    let me = peer("15000");
    let key = desk.send(&me, &replay("ack", "'/kept/a'", "{'/kept/a':-2}"));
    desk.faults = vec![Outcome::Full];
    desk.pump();
    assert!(desk.answer(key).unwrap().contains(r#""successful":true"#));
    assert_eq!(read_ack(&mut desk, "ack", &mut 0), ["1", "3"]);
    desk.assert_idle();
}

#[test]
fn a_session_that_missed_more_than_it_may_be_owed_is_served_in_parts() {
    let mut desk = desk();
    let me = peer("15000");
    desk.subscribe(&me, "ack", "/kept/**");
    desk.ask(&me, &connect_ack("ack", 0));
    for n in 0..50 {
        desk.publish("/kept/a", &n.to_string());
    }
    desk.dial("15000", "mark");
    let mut ack = 0;
    let expected: Vec<String> = (0..50).map(|n: u32| n.to_string()).collect();
    assert_eq!(read_ack(&mut desk, "ack", &mut ack), expected);
    desk.pass(Duration::from_secs(41));
    desk.publish("/kept/a", "50");
    assert_eq!(read_ack(&mut desk, "ack", &mut ack), ["50"]);
    assert_eq!(desk.known(), 2 - 1, "the other one was never there");
}

#[test]
fn pages_that_left_the_ring_are_read_again() {
    let mut desk = Desk::over(settings(), 12);
    for n in 0..20 {
        desk.publish("/kept/a", &n.to_string());
    }
    let me = peer("15000");
    desk.shake(&me, "ack", "ack");
    desk.ask(&me, &replay("ack", "'/kept/a'", "{'/kept/a':-2}"));
    let mut told: Vec<String> = Vec::new();
    let mut ack = 0;
    for _ in 0..12 {
        let lost = desk.ask(&me, &connect_ack("ack", ack));
        desk.restart(End::Killed);
        let key = desk.send(&me, &connect_ack("ack", ack));
        desk.pump();
        let body = desk.raw_answer(key).unwrap_or_default();
        if body.is_empty() {
            break;
        }
        assert!(lost.contains("\"data\"") == body.contains("\"data\""), "{lost} {body}");
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        let messages = body.as_array().unwrap();
        ack = messages.last().unwrap()["ext"]["ack"].as_u64().unwrap();
        told.extend(messages[..messages.len() - 1].iter().map(|event| event["data"].to_string()));
        if told.len() >= 20 {
            break;
        }
    }
    assert_eq!(told, (0..20).map(|n: u32| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn where_a_rule_says_so_the_position_stands_in_the_data_too() {
    let rule = Rule {
        store: Store::Durable { retain: FOR_EVER, replay_id: ReplayId::InData },
        ..kept("/event/*", Who::Agents, 9)
    };
    let mut desk = Desk::with(Settings { rules: Rules::new(vec![rule]), ..settings() });
    let me = peer("15000");
    desk.shake(&me, "ack", "ack");
    desk.subscribe(&me, "ack", "/event/X__e");
    desk.publish("/event/X__e", r#"{ "payload": 1, "event": { } }"#);
    desk.publish("/event/X__e", r#"{"event":{"replayId":7,"a":1}}"#);
    expect![[r#"[{"data":{ "payload": 1, "event": {"replayId":+3 } },"channel":"/event/X__e","ext":{"replay":+3}},{"data":{"event":{"replayId":+4,"a":1}},"channel":"/event/X__e","ext":{"replay":+4}},{"channel":"/meta/connect","id":"c","successful":true,"ext":{"ack":+4}}]"#]]
        .assert_eq(&desk.ask(&me, &connect_ack("ack", 0)));
    let shaken = desk.shake(&me, "other", "");
    assert!(shaken.contains(r#""ext":{"replay":true}"#), "{shaken}");
    let nothing =
        Desk::with(Settings { rules: Rules::new(vec![volatile("/demo/**")]), ..settings() }).shake(&me, "x", "ack");
    assert!(nothing.contains(r#""ext":{"ack":true}"#), "{nothing}");
}

const FOR_EVER: Retain = Retain { age: Duration::MAX, records: 1000 };

fn kept(pattern: &str, who: Who, records: usize) -> Rule {
    let retain = Retain { records, ..FOR_EVER };
    Rule { subscribe: who, store: Store::Durable { retain, replay_id: ReplayId::InExt }, ..volatile(pattern) }
}

fn volatile(pattern: &str) -> Rule {
    Rule {
        pattern: crate::bayeux::Pattern::parse(pattern).unwrap(),
        subscribe: Who::Agents,
        publish: Who::Agents,
        create: Who::Agents,
        store: Store::Volatile,
        lazy: None,
        upstream: None,
        broadcast_to_publisher: None,
    }
}
