//! Queues in which calls wait for agents.

use std::time::Duration;

use crate::calls::{Ask, AskKind, Endpoint, Failure, Purpose, ReportKind};
use crate::ids::{CallId, Number};
use crate::switch::tests::kit::{ask, dial, id, next, number, simulated};
use crate::switch::{Line, News};

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_dialled_rings_whoever_is_ready_and_has_no_call() {
    let (switch, mut reports) = simulated();
    let ready = |text: &str| switch.set_line(number(text), Line { ready: true, ..Line::default() });
    switch.carry_out(ask(0, AskKind::Connect(number("15001"))));
    assert_eq!(next(&mut reports).await, (id(0), ReportKind::Answered));
    ready("15001");
    switch.carry_out(dial(1, "6500"));
    assert_eq!(next(&mut reports).await, (id(1), ReportKind::Queued(number("6500"))));
    assert!(tokio::time::timeout(Duration::from_secs(600), reports.recv()).await.is_err(), "who calls is not free");
    ready("15002");
    assert_eq!(next(&mut reports).await, (id(1), ReportKind::Routed(Endpoint::new(number("15002"), None))));
    assert_eq!(next(&mut reports).await, (id(1), ReportKind::Ringing));
    switch.carry_out(ask(2, AskKind::Release(id(1))));
    assert_eq!(next(&mut reports).await, (id(1), ReportKind::Ended(Failure::None)));
    // Who did not take it is not asked again at once; and what waits can be given up.
    switch.carry_out(ask(3, AskKind::Route { queue: number("6500"), tried: Some(number("15002")) }));
    switch.carry_out(ask(4, AskKind::Release(id(3))));
    assert_eq!(next(&mut reports).await, (id(3), ReportKind::Ended(Failure::None)));
    assert!(tokio::time::timeout(Duration::from_secs(600), reports.recv()).await.is_err(), "nothing waits");
}

#[tokio::test(start_paused = true)]
async fn an_agent_serves_the_queue_that_it_named_or_else_all() {
    let (switch, mut reports) = simulated();
    let log_in = |text: &str, queue: &str| {
        let queue = Number::parse(queue).ok();
        switch.set_line(number(text), Line { ready: true, queue, ..Line::default() });
    };
    log_in("15001", "6500");
    switch.carry_out(dial(0, "6600"));
    assert_eq!(next(&mut reports).await, (id(0), ReportKind::Queued(number("6501"))));
    assert!(tokio::time::timeout(Duration::from_secs(600), reports.recv()).await.is_err(), "nobody serves it");
    let routed = |text: &str| ReportKind::Routed(Endpoint::new(number(text), None));
    let mut serve = async |leg, text| {
        assert_eq!(next(&mut reports).await, (id(leg), routed(text)));
        assert_eq!(next(&mut reports).await, (id(leg), ReportKind::Ringing));
    };
    log_in("15002", "6501");
    serve(0, "15002").await;
    // A later call is not kept waiting by one that nobody can take.
    switch.carry_out(ask(1, AskKind::Route { queue: number("6501"), tried: None }));
    switch.carry_out(ask(2, AskKind::Route { queue: number("6500"), tried: None }));
    serve(2, "15001").await;
    // Who named no queue, or none of ours, serves all.
    log_in("15003", "8001@Elsewhere");
    serve(1, "15003").await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_goes_with_the_call_that_it_becomes_part_of() {
    let (switch, mut reports) = simulated();
    let on = |call: &str, ask: Ask| Ask { call: CallId::parse(call).unwrap(), ..ask };
    switch.carry_out(on("MAIN", ask(0, AskKind::Connect(number("7001")))));
    switch.carry_out(on("MAIN", ask(1, AskKind::Connect(number("15001")))));
    switch.carry_out(on("SIDE", ask(2, AskKind::Connect(number("15001")))));
    switch.carry_out(on("SIDE", dial(3, "6500")));
    let (consult, purpose) = (CallId::parse("SIDE").unwrap(), Purpose::Transfer);
    switch.carry_out(on("MAIN", ask(4, AskKind::Merge { consult, main: id(1), side: id(2), purpose })));
    while next(&mut reports).await != (id(4), ReportKind::Merged) {}
    switch.set_line(number("15002"), Line { ready: true, ..Line::default() });
    let News::Reported(report) = reports.recv().await.unwrap() else { panic!("a call came in") };
    assert_eq!((report.call.as_str(), report.leg), ("MAIN", id(3)));
    assert_eq!(report.kind, ReportKind::Routed(Endpoint::new(number("15002"), None)));
}
