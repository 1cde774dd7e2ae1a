//! The parts, one by one.

use std::time::Duration;

use clap::Parser;
use expect_test::expect;

use crate::loadtest::args::{Args, BadUsage, Fanout, Plan};
use crate::loadtest::report::{Clients, Generator, Http, Latency, Messages, Report, Server, rfc3339};
use crate::loadtest::sequence::{Arrival, Sequence};
use crate::loadtest::{desk, proc};

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: Args,
}

pub(super) fn plan(arguments: &[&str]) -> Fanout {
    let words = ["loadtest", "fanout"].iter().chain(arguments);
    let Plan::Fanout(plan) = Command::try_parse_from(words).unwrap().args.plan;
    plan
}

#[test]
fn the_defaults_are_within_bounds() {
    let plan = plan(&[]);
    assert_eq!(plan.check(), Ok(()));
    assert_eq!((plan.clients, plan.messages, plan.size, plan.rate), (9, 1000, 350, None));
    assert_eq!(plan.duration, Duration::from_secs(60));
    assert_eq!(plan.login(), Some(("15000", "15000")));
}

#[test]
fn each_argument_has_its_bounds() {
    let cases: [(&[&str], BadUsage); 13] = [
        (&["--clients", "0"], BadUsage::Clients),
        (&["--clients", "20001"], BadUsage::Clients),
        (&["--messages", "0"], BadUsage::Messages),
        (&["--messages", "1000001"], BadUsage::Messages),
        (&["--rate", "0"], BadUsage::Rate),
        (&["--rate", "100001"], BadUsage::Rate),
        (&["--size", "63"], BadUsage::Size),
        (&["--size", "49153"], BadUsage::Size),
        (&["--channel", "demo"], BadUsage::Channel),
        (&["--channel", "/meta/connect"], BadUsage::Channel),
        (&["--duration", "0s"], BadUsage::Duration),
        (&["--duration", "11m"], BadUsage::Duration),
        (&["--max-p99", "NaN"], BadUsage::Percentile),
    ];
    for (arguments, expected) in cases {
        assert_eq!(plan(arguments).check(), Err(expected), "{arguments:?}");
    }
    assert_eq!(plan(&["--clients", "20000", "--messages", "1000000", "--duration", "10m"]).check(), Ok(()));
    assert!(plan(&["--anonymous"]).login().is_none());
    assert_eq!(plan(&["--user", "a", "--password", "b"]).login(), Some(("a", "b")));
}

#[test]
fn a_duration_has_a_unit() {
    assert_eq!(plan(&["--duration", "1500ms"]).duration, Duration::from_millis(1500));
    assert_eq!(plan(&["--duration", "2m"]).duration, Duration::from_secs(120));
    for bad in ["", "s", "-1s", "1h", "1.5s"] {
        assert!(Command::try_parse_from(["loadtest", "fanout", "--duration", bad]).is_err(), "{bad}");
    }
}

/// Plays numbers: what became of each, then received, duplicated, reordered, and lost up to `last`.
fn sequence(numbers: &[u64], last: u64) -> (Vec<Arrival>, [u64; 4]) {
    let mut sequence = Sequence::default();
    let arrivals = numbers.iter().map(|number| sequence.handle(*number)).collect();
    let counts = [sequence.received(), sequence.duplicated(), sequence.reordered(), sequence.lost(last)];
    (arrivals, counts)
}

#[test]
fn a_sequence_in_order_has_no_fault() {
    assert_eq!(sequence(&[1, 2, 3], 3), (vec![Arrival::InOrder; 3], [3, 0, 0, 0]));
}

#[test]
fn a_gap_that_is_never_filled_is_lost_also_at_the_ends() {
    assert_eq!(sequence(&[2, 4], 6).1, [2, 0, 0, 4]);
    assert_eq!(sequence(&[], 3).1, [0, 0, 0, 3]);
}

#[test]
fn a_gap_that_is_filled_late_is_out_of_order_and_not_lost() {
    let (arrivals, counts) = sequence(&[1, 3, 2, 4], 4);
    assert_eq!(arrivals, [Arrival::InOrder, Arrival::InOrder, Arrival::Late, Arrival::InOrder]);
    assert_eq!(counts, [4, 0, 1, 0]);
}

#[test]
fn a_number_that_comes_again_is_doubled_and_does_not_hide_a_loss() {
    let (arrivals, counts) = sequence(&[1, 1, 3, 3, 1], 3);
    assert_eq!(arrivals.iter().filter(|arrival| **arrival == Arrival::Duplicated).count(), 3);
    assert_eq!(counts, [2, 3, 0, 1]);
}

#[test]
fn a_message_has_the_size_that_was_asked_for() {
    for size in [64, 350, 48 * 1024] {
        let message = desk::message(1_000_000, 600_000_000, size);
        assert_eq!(message.len(), size);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&message).unwrap()["seq"], 1_000_000);
    }
}

#[test]
fn a_process_can_read_about_itself() {
    let own = std::process::id();
    assert!(proc::cpu(own).is_some() && proc::rss(own).is_some_and(|bytes| bytes > 100_000));
    assert!(proc::open_files().is_some_and(|limit| limit > 0));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    assert_eq!(proc::listener(listener.local_addr().unwrap()), Some(own));
}

#[test]
fn a_moment_is_written_as_in_rfc_3339() {
    assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
    assert_eq!(rfc3339(951_782_400_123), "2000-02-29T00:00:00.123Z");
    assert_eq!(rfc3339(1_772_323_199_999), "2026-02-28T23:59:59.999Z");
    assert_eq!(rfc3339(4_107_542_399_000), "2100-02-28T23:59:59.000Z");
}

#[test]
fn the_json_object_has_the_promised_names_in_order() {
    let report = Report {
        version: "0.0.0",
        plan: "fanout",
        target: "http://127.0.0.1:1/cometd".to_owned(),
        transport: "long-polling",
        started: rfc3339(0),
        duration_s: 1.5,
        clients: Clients { asked: 2, connected: 2, ..Clients::default() },
        messages: Messages { published: 1, expected: 2, received: 2, ..Messages::default() },
        latency_ms: Latency::default(),
        deliveries_per_s: 2.0,
        server: Server::default(),
        generator: Generator::default(),
        http: Http::default(),
        passed: true,
        failures: Vec::new(),
    };
    expect![[r#"
        {"version":"0.0.0","plan":"fanout","target":"http://127.0.0.1:1/cometd","transport":"long-polling","started":"1970-01-01T00:00:00.000Z","duration_s":1.5,"clients":{"asked":2,"connected":2,"failed":0,"rehandshakes":0},
        "messages":{"published":1,"refused":0,"expected":2,"received":2,"lost":0,"duplicated":0,"reordered":0},
        "latency_ms":{"p50":0.0,"p90":0.0,"p99":0.0,"p999":0.0,"max":0.0,"corrected":false},
        "deliveries_per_s":2.0,"server":{"cpu_us_per_delivery":null,"rss_bytes":null,"rss_bytes_per_session":null},
        "generator":{"cpu_us_per_delivery":null,"limited":false},
        "http":{"requests":0,"errors":0},
        "passed":true,"failures":[]}"#]].assert_eq(&report.to_json().unwrap().replace("},", "},\n"));
    assert!(report.to_table().to_string().contains("not known"));
}
