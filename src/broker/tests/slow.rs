//! Clients that do not take what they are owed: memory is bounded, and nobody is left in the dark.

use std::time::Duration;

use expect_test::expect;

use crate::bayeux::SlowConsumer;
use crate::broker::receipt::{Fate, Known};
use crate::broker::tests::kit::{Desk, connect, connect_ack, nobody, peer, publish, settings};
use crate::broker::{Anonymous, Peer, SessionRules, Settings};
use crate::ids::BrowserCookie;

fn desk(slow_consumer: SlowConsumer) -> Desk {
    let session_rules = SessionRules { slow_consumer, publish_rate: None, ..SessionRules::default() };
    let settings = Settings { session_rules, queue_messages: 8, anonymous: Anonymous::Allow, ..settings() };
    Desk::with(settings)
}

/// A session that listens, and has not come back since its first connect.
fn listener(desk: &mut Desk, who: &Peer, client: &str, ack: &str) {
    desk.shake(who, client, ack);
    desk.subscribe(who, client, "/demo/*");
    desk.ask(who, &connect(client));
}

/// What a publisher is told, message for message: its error or a dot.
fn publications(desk: &mut Desk, count: usize) -> String {
    let publisher = peer("15001");
    if desk.ask(&publisher, &publish("publisher", "/demo/a", "0")).contains("402") {
        desk.shake(&publisher, "publisher", "");
    }
    let told = |desk: &mut Desk, n: usize| {
        let answer = desk.ask(&publisher, &publish("publisher", "/demo/a", &n.to_string()));
        answer
            .split(r#""error":""#)
            .nth(1)
            .map_or_else(|| ".".to_owned(), |rest| rest.split('"').next().unwrap().to_owned())
    };
    (1..=count).map(|n| told(desk, n)).collect::<Vec<_>>().join(" ")
}

fn metric(desk: &Desk, line: &str) -> u64 {
    let page = desk.metrics.render();
    page.lines().find_map(|found| found.strip_prefix(line)).unwrap().trim().parse().unwrap()
}

#[test]
fn the_oldest_are_dropped_and_counted_and_told() {
    let mut desk = desk(SlowConsumer::DropOldest);
    listener(&mut desk, &peer("15000"), "one", "");
    assert_eq!(publications(&mut desk, 12), ". . . . . . . . . . . .");
    expect![[r#"[{"data":{"dropped":5},"channel":"/service/partyline/gap"},{"data":6,"channel":"/demo/a"},{"data":7,"channel":"/demo/a"},{"data":8,"channel":"/demo/a"},{"channel":"/meta/connect","id":"c","successful":true}]"#]].assert_eq(&desk.ask(&peer("15000"), &connect("one")));
    desk.written(desk.newest());
    let rest = r#"[{"data":9,"channel":"/demo/a"},{"data":10,"channel":"/demo/a"},{"data":11,"channel":"/demo/a"},{"data":12,"channel":"/demo/a"},{"channel":"/meta/connect","id":"c","successful":true}]"#;
    assert_eq!(desk.ask(&peer("15000"), &connect("one")), rest);
    assert_eq!(metric(&desk, "partyline_rejected_total{limit=\"queue_messages\"}"), 5);
    assert_eq!(metric(&desk, "partyline_sessions_ended_total{reason=\"overrun\"}"), 0);
}

#[test]
fn what_has_no_room_beside_a_response_that_is_on_its_way_comes_as_soon_as_that_is_written() {
    let (mut desk, me) = (desk(SlowConsumer::DropOldest), peer("15000"));
    listener(&mut desk, &me, "one", "");
    for (before, after) in [(7, 0), (4, 1)] {
        let told: String = (4..before + after).map(|n| format!(r#"{{"data":{n},"channel":"/demo/a"}},"#)).collect();
        let told = format!(r#"[{told}{{"channel":"/meta/connect","id":"c","successful":true}}]"#);
        for n in 0..before {
            desk.publish("/demo/a", &n.to_string());
        }
        let ride = desk.send(&me, &publish("one", "/demo/deep/er", "0"));
        desk.pump();
        assert_eq!(
            desk.answer(ride).map(|answer| answer.matches("/demo/a").count()),
            Some(4),
            "half of what may be owed"
        );
        let parked = desk.send(&me, &connect("one"));
        for n in before..before + after {
            desk.publish("/demo/a", &n.to_string());
        }
        desk.pass(Duration::from_secs(2));
        assert_eq!(desk.answer(parked), None);
        desk.written_with_word(ride);
        assert_eq!(desk.answer(parked).as_deref(), Some(told.as_str()));
        desk.written(parked);
    }
}

#[test]
fn word_of_a_response_comes_to_who_asked_for_it_in_time_and_who_is_late_finds_it_there() {
    let (early, late, lost) = (Fate::default(), Fate::default(), Fate::default());
    assert_eq!(early.await_word(), Known::Nothing);
    assert_eq!((early.written(), late.written(), lost.dropped()), (true, false, true));
    assert_eq!((late.await_word(), lost.await_word()), (Known::Written, Known::Lost));
    for (fate, known) in [(&early, Known::Written), (&late, Known::Written), (&lost, Known::Lost)] {
        assert_eq!((fate.dropped(), fate.known()), (false, known), "it is told once");
    }
}

#[test]
fn who_was_owed_too_much_is_told_so_and_to_handshake_also_when_it_comes_back_later() {
    let mut desk = desk(SlowConsumer::Expire);
    listener(&mut desk, &peer("15000"), "one", "");
    publications(&mut desk, 9);
    let too_many = r#"[{"channel":"/meta/connect","id":"c","successful":false,"error":"429::limit:queue_messages","advice":{"reconnect":"handshake","interval":0}}]"#;
    assert_eq!(desk.ask(&peer("15000"), &connect("one")), too_many);
    assert!(desk.ask(&peer("15002"), &connect("one")).contains("402::session_unknown"), "it is somebody else's");
    let told = desk.ask(&peer("15000"), &publish("one", "/demo/a", "1"));
    assert!(told.contains("402::session_unknown"), "{told}");
    desk.pass(Duration::from_secs(10));
    assert!(desk.ask(&peer("15000"), &connect("one")).contains("402::session_unknown"), "nobody remembers it");

    // Desktops compare the text of what they are told then.
    let desktop = Peer { desktop: true, ..peer("15000") };
    listener(&mut desk, &desktop, "two", "");
    publications(&mut desk, 9);
    assert!(desk.ask(&desktop, &connect("two")).contains("402::Unknown client"));

    // A connect that is held for word of what is on its way.
    let settings = Settings { queue_bytes: 100, queue_messages: 8, ..settings() };
    let mut desk = Desk::with(settings);
    listener(&mut desk, &peer("15000"), "one", "");
    desk.publish("/demo/a", "1");
    let lost = desk.send(&peer("15000"), &publish("one", "/demo/deep/er", "0"));
    desk.pump();
    assert!(desk.answer(lost).is_some_and(|answer| answer.contains("\"data\":1")));
    let parked = desk.send(&peer("15000"), &connect("one"));
    desk.publish("/demo/a", &format!("\"{:0>60}\"", 2));
    let too_large = too_many.replace("queue_messages", "queue_bytes");
    assert_eq!(desk.answer(parked).unwrap(), too_large);
    assert_eq!(metric(&desk, "partyline_rejected_total{limit=\"queue_bytes\"}"), 1);
}

#[test]
fn what_is_dropped_for_its_size_is_counted_as_that() {
    let session_rules = SessionRules { slow_consumer: SlowConsumer::DropOldest, ..SessionRules::default() };
    let mut desk = Desk::with(Settings { session_rules, queue_bytes: 400, queue_messages: 100, ..settings() });
    listener(&mut desk, &peer("15000"), "one", "");
    for n in 0..9 {
        desk.publish("/demo/a", &format!("\"{n:0>60}\""));
    }
    assert!(metric(&desk, "partyline_rejected_total{limit=\"queue_bytes\"}") > 4);
    assert_eq!(metric(&desk, "partyline_rejected_total{limit=\"queue_messages\"}"), 0);
}

#[test]
fn who_acknowledges_misses_nothing_under_any_policy() {
    for policy in [SlowConsumer::DropOldest, SlowConsumer::Expire, SlowConsumer::RefuseNew] {
        let mut desk = desk(policy);
        listener(&mut desk, &peer("15000"), "one", "ack");
        assert_eq!(publications(&mut desk, 7), ". . . . . . .", "{policy:?}");
        let since = desk.ask(&peer("15000"), &connect_ack("one", 0));
        assert!(since.contains(r#"{"data":7,"#), "{policy:?}: {since}");
        assert_eq!(publications(&mut desk, 7), ". . . . . . .", "{policy:?}");
        assert_eq!(desk.known(), 2);
    }
}

#[test]
fn publishers_are_refused_until_the_slow_client_has_taken_some() {
    let mut desk = desk(SlowConsumer::RefuseNew);
    listener(&mut desk, &peer("15000"), "one", "");
    let limit = "429::limit:slow_consumer";
    assert_eq!(publications(&mut desk, 9), format!(". . . . . {limit} {limit} {limit} {limit}"));
    assert_eq!(metric(&desk, "partyline_rejected_total{limit=\"slow_consumer\"}"), 4);
    let elsewhere = desk.ask(&peer("15001"), &publish("publisher", "/demo/a/b", "0"));
    assert!(elsewhere.contains(r#""successful":true"#), "nobody slow hears that: {elsewhere}");
    let taken = desk.send(&peer("15000"), &connect("one"));
    assert!(desk.answer(taken).is_some());
    desk.written(taken);
    desk.ask(&peer("15000"), "[{'channel':'/meta/connect','id':'c','clientId':'one','advice':{'timeout':0}}]");
    assert_eq!(publications(&mut desk, 3), ". . .");
}

#[test]
fn publishers_wait_no_longer_than_until_a_response_is_written() {
    let mut desk = desk(SlowConsumer::RefuseNew);
    listener(&mut desk, &peer("15000"), "one", "");
    let limit = "429::limit:slow_consumer";
    assert_eq!(publications(&mut desk, 6), format!(". . . . . {limit}"));
    let taken = desk.send(&peer("15000"), &connect("one"));
    assert_eq!(desk.answer(taken).map(|answer| answer.matches("/demo/a").count()), Some(5));
    assert_eq!(publications(&mut desk, 1), limit, "it is on its way");
    desk.written_with_word(taken);
    assert_eq!(publications(&mut desk, 3), ". . .", "its client took all, and need not come back first");
    // It is slow only by what comes while a response is on its way.
    let taken = desk.send(&peer("15000"), &connect("one"));
    assert_eq!(publications(&mut desk, 1), limit, "four are on their way, and one came before this");
    desk.written_with_word(taken);
    assert_eq!(publications(&mut desk, 2), ". .");
}

#[test]
fn more_than_half_of_what_may_be_owed_is_too_much() {
    for (most, accepted) in [(6, 4), (7, 4), (8, 5), (9, 5)] {
        let session_rules =
            SessionRules { slow_consumer: SlowConsumer::RefuseNew, publish_rate: None, ..SessionRules::default() };
        let mut desk = Desk::with(Settings { session_rules, queue_messages: most, ..settings() });
        listener(&mut desk, &peer("15000"), "one", "");
        let told = publications(&mut desk, 8);
        assert_eq!(told.matches(". ").count(), accepted, "{most}: {told}");
    }
}

#[test]
fn publishers_do_not_wait_for_who_is_gone() {
    let mut desk = desk(SlowConsumer::RefuseNew);
    listener(&mut desk, &peer("15000"), "one", "");
    assert!(publications(&mut desk, 9).ends_with("429::limit:slow_consumer"));
    desk.pass(Duration::from_secs(9));
    publications(&mut desk, 1);
    desk.pass(Duration::from_secs(1));
    assert_eq!(publications(&mut desk, 3), ". . .");
}

#[test]
fn publishers_do_not_wait_for_who_may_not_hear_them() {
    let mut desk = desk(SlowConsumer::RefuseNew);
    let anybody = nobody();
    desk.shake(&anybody, "spy", "");
    desk.subscribe(&anybody, "spy", "/**");
    for n in 0..7 {
        desk.publish("/open/a", &n.to_string());
    }
    assert_eq!(publications(&mut desk, 3), ". . .", "it is full, but not of that");
}

#[test]
fn what_a_thousand_clients_that_never_read_are_owed_is_bounded() {
    for policy in [SlowConsumer::DropOldest, SlowConsumer::Expire, SlowConsumer::RefuseNew] {
        let session_rules = SessionRules { slow_consumer: policy, publish_rate: None, ..SessionRules::default() };
        let most = Settings {
            session_rules,
            sessions: 2_000,
            queue_messages: 100,
            queue_bytes: 4_096,
            anonymous: Anonymous::Allow,
            ..settings()
        };
        let mut desk = Desk::with(most);
        for n in 0..1_000 {
            let cookie = BrowserCookie::presented(&n.to_string());
            desk.shake(
                &Peer { cookie: cookie.clone(), ..nobody() },
                &format!("c{n}"),
                if n % 2 == 0 { "ack" } else { "" },
            );
            desk.subscribe(&Peer { cookie, ..nobody() }, &format!("c{n}"), "/open/*");
        }
        assert_eq!(desk.known(), 1_000);
        let mut worst = 0;
        for n in 0..2_000 {
            // From elsewhere, so that nobody can be refused.
            desk.publish("/open/a", &format!("\"{n:0>64}\""));
            if n % 10 == 0 {
                let [_, _, _, _, messages, bytes, _, _] = desk.sessions.count();
                assert!(messages <= 1_000 * 100 && bytes <= 1_000 * 4_096, "{policy:?}: {messages} {bytes}");
                worst = worst.max(bytes);
            }
        }
        let [sessions, _, _, _, _, bytes, _, _] = desk.sessions.count();
        match policy {
            SlowConsumer::DropOldest => assert!(sessions == 1_000 && bytes > 500 * 3_500, "{sessions} {bytes}"),
            SlowConsumer::Expire | SlowConsumer::RefuseNew => assert_eq!((sessions, bytes), (500, 0), "the rest ended"),
        }
        assert!(worst > 1_000_000, "{policy:?}: {worst}");
        assert_eq!(desk.sessions.awaited.len(), 0);
    }
}
