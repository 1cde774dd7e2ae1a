//! Calls that come in by themselves.

use std::time::Duration;

use crate::calls::{Ask, AskId, AskKind, Failure, PartyState, ReportKind, Term};
use crate::clock;
use crate::ids::{CallId, Position, WallTime};
use crate::switch::tests::kit::{ask, config, id, leg, next, number};
use crate::switch::{ArrivalConfig, CallerConfig, Leg, News, Simulated, SimulatedConfig, Switch};

#[tokio::test(start_paused = true)]
async fn restored_callers_leave_when_they_have_talked_or_waited_enough() {
    let minute = Duration::from_secs(60);
    // Whether or not others come in.
    let callers = CallerConfig { talk_time: 10 * minute, patience: 10 * minute };
    let (switch, mut reports) = Simulated::start(SimulatedConfig { callers, ..config() }, Term(3));
    let began = clock::now();
    let ago = |time: Duration| {
        let millis = u64::try_from(time.as_millis()).unwrap();
        WallTime::from_millis(clock::wall().millis() - millis)
    };
    let on = |name: &str, came_in, since, leg: Leg| Leg { call: CallId::parse(name).unwrap(), came_in, since, ..leg };
    let up = PartyState::Established;
    switch.restore(vec![
        // One waits, and has for a while; one has waited too long; one talks; and nobody hangs up who was called.
        on("WAITS", true, ago(4 * minute), leg(0, "+19165550100", up)),
        on("WAITS", false, ago(4 * minute), leg(1, "6500", PartyState::Invited)),
        on("LONG", true, ago(60 * minute), leg(2, "+19165550101", up)),
        on("LONG", false, ago(60 * minute), leg(3, "6500", PartyState::Invited)),
        on("TALKS", true, ago(60 * minute), leg(4, "+19165550102", up)),
        on("TALKS", false, ago(60 * minute), leg(5, "15001", up)),
        on("CALLED", false, ago(60 * minute), leg(6, "7001", up)),
        on("CALLED", false, ago(60 * minute), leg(7, "15002", up)),
    ]);
    let mut left = Vec::new();
    for _ in 0..3 {
        let (leg, kind) = next(&mut reports).await;
        assert_eq!(kind, ReportKind::Ended(Failure::None));
        left.push((leg, clock::now() - began));
    }
    let when = |index| left.iter().find(|(leg, _)| *leg == id(index)).unwrap().1;
    assert!((5 * minute..=6 * minute + minute / 60).contains(&when(0)), "{left:?}");
    assert!(when(2) < minute / 60, "{left:?}");
    assert!((minute..=51 * minute).contains(&when(4)), "{left:?}");
    assert!(tokio::time::timeout(60 * minute, reports.recv()).await.is_err(), "who was called stays");
}

#[tokio::test(start_paused = true)]
async fn a_restored_caller_that_is_answered_talks_and_then_leaves() {
    let hour = Duration::from_secs(3600);
    let callers = CallerConfig { talk_time: hour / 60, patience: hour };
    let (switch, mut reports) = Simulated::start(SimulatedConfig { callers, ..config() }, Term(3));
    let since = clock::wall();
    let caller = Leg { came_in: true, since, ..leg(0, "+19165550100", PartyState::Established) };
    switch.restore(vec![caller, Leg { since, ..leg(1, "15001", PartyState::Ringing) }]);
    let began = clock::now();
    switch.carry_out(ask(2, AskKind::Answer(id(1))));
    assert_eq!(next(&mut reports).await, (id(1), ReportKind::Answered));
    assert_eq!(next(&mut reports).await, (id(0), ReportKind::Ended(Failure::None)));
    assert!(clock::now() - began < hour / 2, "it had patience for longer");
}

#[tokio::test(start_paused = true)]
async fn callers_dial_the_numbers_in_turn_and_wait_in_their_queues() {
    let arrivals = ArrivalConfig { numbers: ["6500", "6600"].map(number).into(), every: Duration::from_secs(1) };
    let (_switch, mut reports) = Simulated::start(SimulatedConfig { arrivals: Some(arrivals), ..config() }, Term(3));
    for (dnis, queue) in [("6500", "6500"), ("6600", "6501"), ("6500", "6500"), ("6600", "6501")] {
        let Some(News::Arrived(arrival)) = reports.recv().await else { panic!("something else was told") };
        assert_eq!((arrival.dnis, arrival.queue), (number(dnis), number(queue)));
    }
}

#[tokio::test(start_paused = true)]
async fn callers_come_in_for_ever_whatever_became_of_the_ones_before() {
    let (second, patience) = (Duration::from_secs(1), Duration::from_secs(3600));
    let arrivals = Some(ArrivalConfig { numbers: [number("6500")].into(), every: second });
    for is_taken_in in [true, false] {
        let patience = if is_taken_in { 100 * patience } else { patience / 10 };
        let callers = CallerConfig { talk_time: second, patience };
        let arrivals = arrivals.clone();
        let (switch, mut reports) = Simulated::start(SimulatedConfig { arrivals, callers, ..config() }, Term(3));
        for n in 1..1_100 {
            let news = tokio::time::timeout(1_000 * second, reports.recv()).await;
            let Ok(Some(News::Arrived(arrival))) = news else { panic!("after {n}: {news:?}") };
            if is_taken_in {
                let id = |index| AskId { record: Position::new(n), index };
                let asks = [(id(0), AskKind::Adopt(arrival.handle)), (id(1), AskKind::Clear)];
                for (id, kind) in asks {
                    switch.carry_out(Ask { id, ..ask(0, kind) });
                }
                assert_eq!(next(&mut reports).await, (id(0), ReportKind::Answered));
                assert_eq!(next(&mut reports).await, (id(1), ReportKind::Cleared));
            }
        }
    }
}
