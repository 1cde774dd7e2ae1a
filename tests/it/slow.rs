//! Clients that never read: the server's memory stays within its settings, and who comes back is not left in the dark.

use serde_json::{Value, json};

use crate::harness::{Desk, Server};

const SLEEPERS: u64 = 60;
const QUEUE: u64 = 132 * 1024;
const BATCH: u64 = 32;
const BATCHES: u64 = 120;

fn server(slow_consumer: &str) -> Server {
    Server::with(&[
        ("BAYEUX__SLOW_CONSUMER", slow_consumer),
        ("BAYEUX__QUEUE_BYTES", "132KiB"),
        ("BAYEUX__SESSIONS_PER_AGENT", "100"),
        ("BAYEUX__PUBLISH_RATE", "0"),
        ("BAYEUX__MAX_INTERVAL", "5m"),
        ("LOG__DURABILITY", "memory"),
        ("LOG__RING_BYTES", "1MiB"),
    ])
}

/// Sessions that connected, and never look at the answer.
fn sleepers(server: &Server) -> Vec<Desk> {
    let sleeper = |_| {
        let mut desk = Desk::open(server.agent("15000"), false, &["/demo/flood"]);
        desk.connect(None);
        desk
    };
    (0..SLEEPERS).map(sleeper).collect()
}

/// Publishes until all is published, or some of it is refused; says how many were taken, and the last error.
fn flood(publisher: &Desk) -> (u64, Option<Value>) {
    let mut taken = 0;
    for _ in 0..BATCHES {
        let message = |n: u64| {
            json!({"channel": "/demo/flood", "clientId": publisher.client, "id": n.to_string(),
                "data": {"n": taken + n, "fill": "x".repeat(600)}})
        };
        let batch: Vec<Value> = (1..=BATCH).map(message).collect();
        let replies = publisher.send_all(&json!(batch)).json();
        for reply in replies.as_array().unwrap() {
            match reply["successful"].as_bool() {
                Some(true) => taken += 1,
                Some(false) | None => return (taken, Some(reply["error"].clone())),
            }
        }
    }
    (taken, None)
}

#[test]
fn memory_is_bounded_and_the_client_that_comes_back_is_told_what_it_missed() {
    let server = server("drop-oldest");
    let mut sleepers = sleepers(&server);
    let publisher = Desk::open(server.agent("15001"), false, &[]);
    let before = server.resident();
    let (taken, error) = flood(&publisher);
    assert_eq!((taken, error), (BATCH * BATCHES, None));
    let grown = server.resident().saturating_sub(before);
    // What is owed, a ring, and what an allocator keeps. Unbounded it would be 60 times two megabytes.
    assert!(grown < SLEEPERS * QUEUE + (24 << 20), "{grown} bytes more");
    assert!(server.metric("partyline_rejected_total{limit=\"queue_bytes\"}") > SLEEPERS * 1_000);
    for desk in &mut sleepers {
        // A response carries half of what may be owed.
        let told = desk.until(|told| told["data"]["n"] == json!(taken));
        assert_eq!(told[0]["channel"], "/service/partyline/gap");
        let dropped = told[0]["data"]["dropped"].as_u64().unwrap();
        let numbers: Vec<u64> = told[1..].iter().map(|event| event["data"]["n"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (dropped + 1..=taken).collect::<Vec<_>>(), "nothing is missing but what was said to be");
    }
}

#[test]
fn a_publisher_is_told_to_wait_for_slow_clients_if_that_is_wanted() {
    let server = server("refuse-new");
    let mut sleepers = sleepers(&server);
    let publisher = Desk::open(server.agent("15001"), false, &[]);
    let (taken, error) = flood(&publisher);
    assert_eq!(error, Some(json!("429::limit:slow_consumer")));
    let mut next = 1;
    for desk in &mut sleepers {
        let (told, reply) = desk.connect(Some(0));
        assert_eq!(reply["successful"], true, "nobody had to go: {reply}");
        next = 1;
        for message in told {
            assert_eq!(message["data"]["n"], json!(next));
            next += 1;
        }
    }
    assert_eq!(next - 1, taken, "nobody missed anything");
}
