//! History over the real server: pages from the disk, with kills in the middle; where it begins, and what is refused.

use std::collections::BTreeSet;

use partyline::clock;
use serde_json::{Value, json};

use crate::harness::{Desk, PATIENCE, Server};

/// Small pages, a small ring and small files, so that all of them turn.
fn server() -> Server {
    let rule = "[{pattern='/kept/**',subscribe='agents',publish='agents',create='agents',durable=true,\
                replay_id_in_data=true},{pattern='/demo/**',subscribe='agents',publish='agents',create='agents'}]";
    Server::with(&[
        ("CHANNEL", rule),
        ("BAYEUX__QUEUE_MESSAGES", "40"),
        ("BAYEUX__PUBLISH_RATE", "100000"),
        ("LOG__RING_RECORDS", "100"),
        ("LOG__SEGMENT_SIZE", "16KiB"),
    ])
}

fn publish(desk: &mut Desk, numbers: std::ops::Range<u64>) {
    for number in numbers {
        let channel = if number % 3 == 0 { "/kept/b/c" } else { "/kept/a" };
        let answer = desk.send(&json!({"channel": channel, "data": {"number": number, "event": {}}}));
        assert_eq!(answer.json().as_array().unwrap().last().unwrap()["successful"], true, "{answer:?}");
    }
}

fn subscribe(desk: &mut Desk, pattern: &str, from: &Value) -> Value {
    let ext = json!({"replay": {pattern: from, "/some/other": -2}});
    desk.send(&json!({"channel": "/meta/subscribe", "subscription": pattern, "ext": ext})).json()[0].clone()
}

/// Connects until `count` numbers came. `lose` says which answers are lost on the way.
fn read(desk: &mut Desk, count: usize, mut lose: impl FnMut(usize) -> bool) -> Vec<(u64, u64)> {
    let mut told = Vec::new();
    let mut turn = 0;
    while told.len() < count {
        let before = desk.ack;
        let (messages, reply) = desk.connect(Some(200));
        assert_eq!(reply["successful"], true, "{reply}");
        turn += 1;
        if lose(turn) {
            desk.ack = before;
            continue;
        }
        for message in messages {
            let replay = message["ext"]["replay"].as_u64().unwrap();
            assert_eq!(message["data"]["event"]["replayId"].as_u64(), Some(replay), "{message}");
            told.push((message["data"]["number"].as_u64().unwrap(), replay));
        }
    }
    told
}

#[test]
fn history_comes_whole_and_in_order_over_kills_and_lost_answers_and_goes_over_to_what_is_new() {
    let mut server = server();
    let mut publisher = Desk::open(server.agent("15001"), false, &[]);
    publish(&mut publisher, 0..300);
    let mut desk = Desk::open(server.agent("15000"), true, &[]);
    assert_eq!(subscribe(&mut desk, "/kept/**", &json!(-2))["successful"], true);
    let mut told = Vec::new();
    for round in 0..4 {
        told.extend(read(&mut desk, 50, |turn| turn % 3 == 2));
        // Something is under way or owed when the power goes.
        let before = desk.ack;
        desk.connect(Some(0));
        desk.ack = before;
        server.kill();
        server.restart();
        let mut publisher = Desk::open(server.agent("15001"), false, &[]);
        publish(&mut publisher, 300 + 10 * round..310 + 10 * round);
    }
    let rest = 340 - told.len();
    told.extend(read(&mut desk, rest, |turn| turn % 5 == 4));
    let mut publisher = Desk::open(server.agent("15001"), false, &[]);
    publish(&mut publisher, 340..350);
    told.extend(read(&mut desk, 10, |_| false));
    assert_eq!(told.iter().map(|(number, _)| *number).collect::<Vec<_>>(), (0..350).collect::<Vec<_>>());
    assert!(told.is_sorted_by_key(|(_, replay)| *replay));

    // From a position that was told, as a number or as a text; another pattern brings its own share.
    for (pattern, from) in [("/kept/**", json!(told[199].1)), ("/kept/a", json!(told[199].1.to_string()))] {
        let mut late = Desk::open(server.agent("15002"), true, &[]);
        assert_eq!(subscribe(&mut late, pattern, &from)["successful"], true);
        let wanted: BTreeSet<u64> = (200..350).filter(|number| pattern == "/kept/**" || number % 3 != 0).collect();
        let got = read(&mut late, wanted.len(), |_| false);
        assert_eq!(got.iter().map(|(number, _)| *number).collect::<Vec<_>>(), wanted.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn a_wildcards_history_comes_whole_though_it_begins_later_for_one_channel_after_a_compaction_and_a_restart() {
    let rule = "[{pattern='/kept/**',subscribe='agents',publish='agents',durable=true,replay_id_in_data=true},\
                {pattern='/junk/**',subscribe='agents',publish='agents',durable=true,retain_messages=1}]";
    let mut server = Server::with(&[
        ("CHANNEL", rule),
        ("BAYEUX__QUEUE_MESSAGES", "40"),
        ("BAYEUX__PUBLISH_RATE", "100000"),
        ("LOG__SEGMENT_SIZE", "16KiB"),
        ("LOG__RETAIN_AGE", "1ms"),
    ]);
    let mut desk = Desk::open(server.agent("15001"), false, &[]);
    let say = |desk: &mut Desk, channel: &str, data: &Value| {
        let answer = desk.send(&json!({"channel": channel, "data": data}));
        assert_eq!(answer.json().as_array().unwrap().last().unwrap()["successful"], true, "{answer:?}");
    };
    let junk = |desk: &mut Desk| (0..20).for_each(|_| say(desk, "/junk/x", &json!("x".repeat(1000))));
    for number in 0..20 {
        say(&mut desk, if number < 15 { "/kept/a" } else { "/kept/b" }, &json!({"number": number, "event": {}}));
        if number == 14 {
            junk(&mut desk);
        }
    }
    // The first file is compacted once it is closed: it has only the beginning of this then.
    let files = || -> BTreeSet<_> {
        let paths = server.data.path().read_dir().unwrap().map(|entry| entry.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|end| end == "log")).collect()
    };
    let deadline = clock::now() + PATIENCE;
    while files().len() < 2 || files().first().unwrap().metadata().unwrap().len() > 12 << 10 {
        assert!(clock::now() < deadline, "it was not compacted");
        junk(&mut desk);
    }
    assert_eq!(server.terminate(), Some(0));
    server.restart();
    let mut late = Desk::open(server.agent("15000"), true, &[]);
    assert_eq!(subscribe(&mut late, "/kept/**", &json!(-2))["successful"], true);
    let told = read(&mut late, 20, |_| false);
    assert_eq!(told.iter().map(|(number, _)| *number).collect::<Vec<_>>(), (0..20).collect::<Vec<_>>());
}

#[test]
fn a_position_that_cannot_be_served_from_is_refused_and_says_so() {
    let server = server();
    let mut desk = Desk::open(server.agent("15000"), true, &[]);
    publish(&mut desk, 0..3);
    for (pattern, from) in [("/kept/a", json!(1_u64 << 52)), ("/kept/**", json!("x")), ("/demo/a", json!(7))] {
        let reply = subscribe(&mut desk, pattern, &from);
        assert_eq!(reply["successful"], false, "{reply}");
        assert_eq!(reply["error"], format!("400:{pattern}:replay_id_invalid"), "{reply}");
    }
    for (pattern, from) in [("/kept/a", json!("-1")), ("/kept/**", json!(-2)), ("/demo/a", json!(-2))] {
        assert_eq!(subscribe(&mut desk, pattern, &from)["successful"], true);
    }
    assert_eq!(read(&mut desk, 3, |_| false).len(), 3);
}
