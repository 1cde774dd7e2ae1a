//! Messages that are in memory only when the server ends: told to stop, it keeps them; killed, it tells who may miss some.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::harness::{Desk, Server, request};

const RULES: &str = "[{pattern='/kept/**',subscribe='agents',publish='agents',create='agents',durable=true}, \
    {pattern='/demo/**',subscribe='agents',publish='agents',create='agents'}]";

fn publish(publisher: &mut Desk, channel: &str, data: u64) {
    let answer = publisher.send(&json!({"channel": channel, "data": data}));
    assert_eq!(answer.json()[0]["successful"], true, "{answer:?}");
}

/// The data of what is owed now. What is acknowledged goes with the next connect.
fn take(desk: &mut Desk) -> Vec<Value> {
    let (messages, reply) = desk.connect(Some(0));
    assert_eq!(reply["successful"], true, "the session carries on: {reply}");
    messages.into_iter().map(|message| message["data"].clone()).collect()
}

/// The same, as if the network had lost the answer.
fn lose(desk: &mut Desk) -> Vec<Value> {
    let before = desk.ack;
    let lost = take(desk);
    desk.ack = before;
    lost
}

fn echo(desk: &mut Desk) {
    let answer = desk.send(&json!({"channel": "/service/echo", "data": "echo"}));
    assert_eq!(answer.json()[0]["successful"], true, "{answer:?}");
}

fn is_told_to_handshake(desk: &mut Desk) -> bool {
    let (messages, reply) = desk.connect(Some(0));
    assert_eq!(messages, Vec::<Value>::new());
    reply["error"] == "402::Unknown client" && reply["advice"]["reconnect"] == "handshake"
}

#[test]
fn told_to_stop_it_loses_and_repeats_nothing() {
    let mut server = Server::with(&[("CHANNEL", RULES)]);
    let mut publisher = Desk::open(server.agent("15002"), false, &[]);
    let mut ack = Desk::open(server.agent("15000"), true, &["/demo/*", "/kept/*"]);
    let mut plain = Desk::open(server.agent("15001"), false, &["/demo/*", "/kept/*"]);
    for desk in [&mut ack, &mut plain] {
        take(desk);
    }
    publish(&mut publisher, "/demo/a", 1);
    publish(&mut publisher, "/kept/a", 2);
    for desk in [&mut ack, &mut plain] {
        assert_eq!(take(desk), [1, 2]);
    }
    for number in [3, 4] {
        publish(&mut publisher, "/demo/a", number);
    }
    assert_eq!(lose(&mut ack), [3, 4]);
    publish(&mut publisher, "/kept/a", 5);
    publish(&mut publisher, "/demo/b", 6);
    echo(&mut ack);

    assert_eq!(server.terminate(), Some(0), "{}", server.log());
    let kept = std::fs::metadata(server.data.path().join("volatile.tail")).unwrap();
    assert_eq!(kept.permissions().mode() & 0o777, 0o600);
    server.restart();
    assert_eq!(lose(&mut ack), [json!(3), json!(4), json!(5), json!(6), json!("echo")]);
    assert_eq!(take(&mut plain), [3, 4, 5, 6]);

    // And again, with what another life of the server left.
    assert_eq!(server.terminate(), Some(0), "{}", server.log());
    server.restart();
    assert_eq!(take(&mut ack), [json!(3), json!(4), json!(5), json!(6), json!("echo")]);
    assert_eq!((take(&mut ack), take(&mut plain)), (vec![], vec![]));
}

#[test]
fn killed_it_tells_who_may_miss_something_and_serves_all_others_on() {
    let mut server = Server::with(&[("CHANNEL", RULES)]);
    let mut publisher = Desk::open(server.agent("15002"), false, &[]);
    let open = |patterns: &[&str]| {
        let mut desk = Desk::open(server.agent("15000"), true, patterns);
        take(&mut desk);
        desk
    };
    let mut volatile = open(&["/demo/*"]);
    let mut both = open(&["/v2/me/*", "/demo/a"]);
    let mut durable = open(&["/kept/*"]);
    let mut own = open(&["/v2/me/**", "/notifications/services"]);
    publish(&mut publisher, "/demo/a", 1);
    publish(&mut publisher, "/kept/a", 2);
    server.agent("15000").dial("15001");
    echo(&mut own);
    let client = own.client.clone();

    server.kill();
    server.restart();
    assert!(is_told_to_handshake(&mut volatile));
    assert!(is_told_to_handshake(&mut both));
    assert_eq!(take(&mut durable), [2]);
    let told = take(&mut own);
    assert_eq!((told.len(), &told[0]["notificationType"], &told[1]), (2, &json!("StatusChange"), &json!("echo")));
    assert_eq!(own.client, client);
    let page = request(server.address, "GET /metrics HTTP/1.1\r\n", &[], b"").body;
    assert!(page.contains("partyline_sessions_ended_total{reason=\"lost\"}"), "{page}");

    // Who handshook again is served again, and over a planned stop.
    let mut volatile = Desk::open(server.agent("15000"), true, &["/demo/*"]);
    take(&mut volatile);
    let mut publisher = Desk::open(server.agent("15002"), false, &[]);
    publish(&mut publisher, "/demo/a", 3);
    assert_eq!(server.terminate(), Some(0), "{}", server.log());
    server.restart();
    assert_eq!(take(&mut volatile), [3]);
    assert_eq!(take(&mut durable), Vec::<Value>::new());
}
