//! Queues in which calls wait for agents.

use std::time::Duration;

use crate::calls::{Ask, AskKind, Endpoint, Failure, PartyState, Purpose, ReportKind};
use crate::clock;
use crate::ids::{CallId, Number, WallTime};
use crate::switch::tests::kit::{QUEUE, RING, ask, asked, dial, id, leg, next, number, simulated};
use crate::switch::{Leg, Line, News};

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

#[tokio::test(start_paused = true)]
async fn nobody_answers_in_a_queue_in_the_end_whoever_was_rung_meanwhile() {
    let (switch, mut reports) = simulated();
    let began = clock::now();
    // Who comes in from outside, as nobody asked for it, gives up by itself.
    switch.carry_out(ask(0, AskKind::Route { queue: number("6500"), tried: None }));
    let call = |index, ask: Ask| Ask { call: CallId::parse(&format!("CALL{index}")).unwrap(), ..ask };
    for (index, to) in [(1, "6500"), (2, "6600"), (3, "15001")] {
        switch.set_line(number("15001"), Line { forward: Some(number("6501")), ..Line::default() });
        switch.carry_out(call(index, asked(dial(index, to))));
        assert!(matches!(next(&mut reports).await, (_, ReportKind::Queued(_))));
    }
    for index in 1..=3 {
        assert_eq!(next(&mut reports).await, (id(index), ReportKind::Ended(Failure::NoAnswer)));
    }
    assert_eq!(clock::now() - began, QUEUE);
    assert!(tokio::time::timeout(100 * QUEUE, reports.recv()).await.is_err(), "the one from outside waits");
    switch.carry_out(ask(4, AskKind::Release(id(0))));
    assert_eq!(next(&mut reports).await, (id(0), ReportKind::Ended(Failure::None)));
    // An agent that is ready and never answers: its ringing counts as well, and each time the call is asked for anew.
    let began = clock::now();
    let since = clock::wall();
    switch.set_line(number("15002"), Line { ready: true, ..Line::default() });
    switch.carry_out(asked(dial(5, "6500")));
    assert_eq!(next(&mut reports).await, (id(5), ReportKind::Queued(number("6500"))));
    for index in 5..100 {
        match next(&mut reports).await {
            (_, ReportKind::Routed(_)) => {}
            (_, ReportKind::Ended(Failure::NoAnswer)) => break,
            told => panic!("{told:?}"),
        }
        assert_eq!(next(&mut reports).await, (id(index), ReportKind::Ringing));
        assert_eq!(next(&mut reports).await, (id(index), ReportKind::Ended(Failure::NoAnswer)));
        let again = AskKind::Route { queue: number("6500"), tried: Some(number("15002")) };
        switch.carry_out(Ask { since, ..asked(ask(index + 1, again)) });
    }
    // Who is being rung at the end may still answer.
    assert!((QUEUE..=QUEUE + RING).contains(&(clock::now() - began)), "{:?}", clock::now() - began);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_over_a_restart_does_not_wait_for_longer() {
    let (switch, mut reports) = simulated();
    let ago = |seconds: u64| WallTime::from_millis(clock::wall().millis() - 1000 * seconds);
    let route = || AskKind::Route { queue: number("6500"), tried: None };
    let began = clock::now();
    switch.restore(vec![
        leg(0, "15000", PartyState::Dialing),
        Leg { queue: Some(number("6500")), ..leg(1, "6500", PartyState::Invited) },
        leg(2, "15003", PartyState::Established),
        Leg { queue: Some(number("6500")), ..leg(3, "6500", PartyState::Invited) },
    ]);
    switch.carry_out(Ask { since: ago(100), ..asked(ask(1, route())) });
    switch.carry_out(Ask { since: ago(100_000), ..asked(ask(3, route())) });
    assert_eq!(next(&mut reports).await, (id(3), ReportKind::Ended(Failure::NoAnswer)));
    assert!(clock::now() - began < Duration::from_secs(1));
    assert_eq!(next(&mut reports).await, (id(1), ReportKind::Ended(Failure::NoAnswer)));
    assert!((19..=20).contains(&(clock::now() - began).as_secs()), "{:?}", clock::now() - began);
}

#[tokio::test(start_paused = true)]
async fn who_gives_a_call_to_a_queue_gets_it_back_after_the_others() {
    let (switch, mut reports) = simulated();
    let ready = |text: &str| switch.set_line(number(text), Line { ready: true, ..Line::default() });
    let from = |index, text: &str, from: &str| {
        asked(ask(index, AskKind::Dial { number: number(text), from: number(from), location: None }))
    };
    let routed = |text: &str| ReportKind::Routed(Endpoint::new(number(text), None));
    ready("15001");
    // Transferred in one step: it is free as soon as its leg is gone, and nobody else is ready.
    switch.carry_out(ask(0, AskKind::Connect(number("7001"))));
    switch.carry_out(ask(1, AskKind::Connect(number("15001"))));
    switch.carry_out(from(2, "6500", "15001"));
    switch.carry_out(ask(3, AskKind::Release(id(1))));
    let began = clock::now();
    while next(&mut reports).await != (id(1), ReportKind::Ended(Failure::None)) {}
    assert_eq!(next(&mut reports).await, (id(2), routed("15001")));
    assert_eq!((clock::now() - began).as_secs(), 5);
    switch.carry_out(ask(4, AskKind::Clear));
    // In two: it is the call that its consult call becomes a part of.
    let on = |call: &str, ask: Ask| Ask { call: CallId::parse(call).unwrap(), ..ask };
    switch.carry_out(on("MAIN", ask(5, AskKind::Connect(number("7001")))));
    switch.carry_out(on("MAIN", ask(6, AskKind::Connect(number("15001")))));
    switch.carry_out(on("SIDE", ask(7, AskKind::Connect(number("15001")))));
    switch.carry_out(on("SIDE", from(8, "6500", "15001")));
    while next(&mut reports).await != (id(8), ReportKind::Queued(number("6500"))) {}
    assert!(tokio::time::timeout(Duration::from_secs(60), reports.recv()).await.is_err(), "nobody is free");
    let (consult, purpose) = (CallId::parse("SIDE").unwrap(), Purpose::Transfer);
    switch.carry_out(on("MAIN", ask(9, AskKind::Merge { consult, main: id(6), side: id(7), purpose })));
    assert_eq!(next(&mut reports).await, (id(9), ReportKind::Merged));
    assert!(tokio::time::timeout(Duration::from_secs(4), reports.recv()).await.is_err(), "the others come first");
    ready("15002");
    assert_eq!(next(&mut reports).await, (id(8), routed("15002")));
}

#[tokio::test(start_paused = true)]
async fn the_numbers_that_it_names_as_its_own_are_those_where_calls_wait() {
    let (switch, mut reports) = simulated();
    let own = switch.setup().own;
    assert_eq!(own.len(), 3);
    for (index, number) in (0..).zip(own) {
        switch.carry_out(dial(index, number.as_str()));
        assert!(matches!(next(&mut reports).await, (_, ReportKind::Queued(_))), "{number}");
    }
    for (index, number) in (10..).zip(switch.setup().unregistered) {
        switch.carry_out(dial(index, number.as_str()));
        assert_eq!(next(&mut reports).await, (id(index), ReportKind::Ended(Failure::InvalidNumber)), "{number}");
    }
}
