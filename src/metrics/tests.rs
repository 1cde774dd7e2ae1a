//! What the page says.

use expect_test::expect_file;

use super::{Actor, CommandOutcome, Label, Metrics, OperationName, Route, Status, Transport, Waiting};

#[test]
fn the_page_has_these_names_and_labels() {
    let metrics = Metrics::new();
    metrics.commands_total.of(OperationName::Dial, CommandOutcome::Accepted).inc();
    metrics.http_requests_total.of(Route::Me, Status::from_code(403)).inc();
    metrics.log_appends_total.of(super::LogKind::CallChanged, super::LogOutcome::Appended).inc();
    metrics.follower_lag_records(0).set(3);
    let blanked: String = metrics.render().lines().map(|line| format!("{}\n", blank(line))).collect();
    expect_file!["../../tests/data/metrics.txt"].assert_eq(&blanked);
}

#[test]
fn clones_count_together() {
    let metrics = Metrics::new();
    let clone = metrics.clone();
    clone.deliveries_total.of(Transport::LongPolling).inc();
    metrics.deliveries_total.of(Transport::LongPolling).inc();
    assert!(metrics.render().contains("partyline_deliveries_total{transport=\"long-polling\"} 2\n"));
}

#[test]
fn each_label_value_has_its_own_place() {
    for (place, route) in Route::ALL.iter().enumerate() {
        assert_eq!(route.index(), place);
    }
    let metrics = Metrics::new();
    for operation in OperationName::ALL {
        for outcome in CommandOutcome::ALL {
            metrics.commands_total.of(*operation, *outcome).inc();
        }
    }
    let page = metrics.render();
    let lines: Vec<&str> = page.lines().filter(|line| line.starts_with("partyline_commands_total{")).collect();
    assert_eq!(lines.len(), OperationName::ALL.len() * CommandOutcome::ALL.len());
    assert!(lines.iter().all(|line| line.ends_with(" 1")), "{lines:?}");
}

/// Without its value, and without what differs from build to build.
fn blank(line: &str) -> String {
    if line.starts_with('#') {
        return line.into();
    }
    let (series, _) = line.rsplit_once(' ').unwrap_or((line, ""));
    match series.split_once("build_info{") {
        Some((prefix, _)) => format!("{prefix}build_info{{revision=…,version=…}} …"),
        None => format!("{series} …"),
    }
}

#[test]
fn a_message_is_counted_for_as_long_as_it_waits() {
    let metrics = Metrics::new();
    let depth = metrics.mailbox_depth.of(Actor::Agents);
    let (one, two) = (Waiting::new(depth), Waiting::new(depth));
    assert_eq!(depth.get(), 2);
    drop(one);
    assert_eq!(depth.get(), 1);
    drop(two);
    assert_eq!(depth.get(), 0);
}
