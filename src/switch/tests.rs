//! What every switch owes its link, run against the simulated one. A factory starts a switch on which `15001` is a
//! device, `70…` answers by itself, `80…` is busy, `90…` does not answer, and `60…` does not exist.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::calls::{Ask, AskId, AskKind, Endpoint, Failure, PartyState, Purpose, Report, ReportKind, Term};
use crate::clock;
use crate::ids::{CallId, Number, Position, WallTime};

use super::{ArrivalConfig, Leg, Line, News, Reports, Simulated, SimulatedConfig, Switch};

const RING: Duration = Duration::from_secs(30);

fn simulated() -> (Box<dyn Switch>, Reports) {
    let (switch, reports) = Simulated::start(config(), Term(3));
    (Box::new(switch), reports)
}

fn config() -> SimulatedConfig {
    SimulatedConfig {
        seed: 7,
        ring_timeout: RING,
        answer_after: Duration::from_millis(200),
        devices: BTreeSet::from(["15001", "15002", "15003", "15009"].map(number)),
        unregistered: BTreeSet::from([number("15009")]),
        queues: ["6500", "6501"].map(number).into(),
        route_points: [("6600", "6501")].map(|(point, queue)| (number(point), number(queue))).into(),
        arrivals: None,
        previews: None,
    }
}

fn number(text: &str) -> Number {
    Number::parse(text).unwrap()
}

fn id(index: u16) -> AskId {
    AskId { record: Position::new(9), index }
}

fn ask(index: u16, kind: AskKind) -> Ask {
    Ask { id: id(index), call: CallId::parse("CALL").unwrap(), since: WallTime::default(), asker: None, kind }
}

/// A leg that there was before a restart.
fn leg(index: u16, text: &str, state: PartyState) -> Leg {
    let (call, since) = (CallId::parse("CALL").unwrap(), WallTime::default());
    Leg { id: id(index), call, number: number(text), state, queue: None, since, came_in: false }
}

fn dial(index: u16, text: &str) -> Ask {
    ask(index, AskKind::Dial { number: number(text), from: number("15000"), location: None })
}

async fn next(reports: &mut Reports) -> (AskId, ReportKind) {
    let News::Reported(Report { leg, kind, .. }) = reports.recv().await.unwrap() else { panic!("a call came in") };
    (leg, kind)
}

#[tokio::test(start_paused = true)]
async fn a_device_rings_answers_is_held_retrieved_and_released() {
    let (switch, mut reports) = simulated();
    switch.carry_out(dial(0, "15001"));
    assert_eq!(next(&mut reports).await, (id(0), ReportKind::Ringing));
    let steps = [
        (AskKind::Answer(id(0)), ReportKind::Answered),
        (AskKind::Hold(id(0)), ReportKind::Held),
        (AskKind::Retrieve(id(0)), ReportKind::Retrieved),
        (AskKind::Release(id(0)), ReportKind::Ended(Failure::None)),
    ];
    for (index, (kind, report)) in (1..).zip(steps) {
        switch.carry_out(ask(index, kind));
        assert_eq!(next(&mut reports).await, (id(0), report));
    }
}

#[tokio::test(start_paused = true)]
async fn each_number_does_what_its_kind_does() {
    let (switch, mut reports) = simulated();
    for (index, text, expected) in [
        (0, "7000", vec![ReportKind::Ringing, ReportKind::Answered]),
        (1, "8000", vec![ReportKind::Ended(Failure::Busy)]),
        (2, "9000", vec![ReportKind::Ringing, ReportKind::Ended(Failure::NoAnswer)]),
        (3, "6000", vec![ReportKind::Ended(Failure::InvalidNumber)]),
        (4, "15009", vec![ReportKind::Ended(Failure::InvalidNumber)]),
        (5, "15001", vec![ReportKind::Ringing, ReportKind::Ended(Failure::NoAnswer)]),
    ] {
        switch.carry_out(dial(index, text));
        for kind in expected {
            assert_eq!(next(&mut reports).await, (id(index), kind), "{text}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_ask_again_has_no_effect() {
    let (switch, mut reports) = simulated();
    switch.carry_out(ask(0, AskKind::Connect(number("15000"))));
    switch.carry_out(ask(0, AskKind::Connect(number("15000"))));
    switch.carry_out(dial(1, "8000"));
    assert_eq!(next(&mut reports).await, (id(0), ReportKind::Answered));
    assert_eq!(next(&mut reports).await, (id(1), ReportKind::Ended(Failure::Busy)));
}

#[tokio::test(start_paused = true)]
async fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let (switch, mut reports) = simulated();
    switch.carry_out(dial(0, "15001"));
    assert_eq!(next(&mut reports).await, (id(0), ReportKind::Ringing));
    let asks = [AskKind::Hold(id(0)), AskKind::Retrieve(id(0)), AskKind::Answer(id(77)), AskKind::Release(id(77))];
    for (index, kind) in (1..).zip(asks) {
        switch.carry_out(ask(index, kind));
        assert_eq!(next(&mut reports).await, (id(index), ReportKind::Refused(Failure::Failed)));
    }
    switch.carry_out(ask(9, AskKind::Answer(id(0))));
    assert_eq!(next(&mut reports).await, (id(0), ReportKind::Answered));
}

#[tokio::test(start_paused = true)]
async fn restored_legs_go_on_from_where_they_were() {
    let (switch, mut reports) = simulated();
    switch.restore(vec![
        leg(0, "15000", PartyState::Established),
        leg(1, "15001", PartyState::Ringing),
        leg(2, "15002", PartyState::Held),
        leg(3, "8000", PartyState::Invited),
    ]);
    // A leg that is there was asked for; one that was never reported still is to be.
    switch.carry_out(dial(1, "15001"));
    switch.carry_out(dial(3, "8000"));
    assert_eq!(next(&mut reports).await, (id(3), ReportKind::Ended(Failure::Busy)));
    switch.carry_out(ask(4, AskKind::Retrieve(id(2))));
    assert_eq!(next(&mut reports).await, (id(2), ReportKind::Retrieved));
    assert_eq!(next(&mut reports).await, (id(1), ReportKind::Ended(Failure::NoAnswer)), "it goes on ringing");
}

#[tokio::test(start_paused = true)]
async fn restored_callers_leave_when_they_have_talked_or_waited_enough() {
    let minute = Duration::from_secs(60);
    let arrivals = ArrivalConfig {
        numbers: vec![number("6500")],
        every: 10_000 * minute,
        talk_time: 10 * minute,
        patience: 10 * minute,
    };
    let (switch, mut reports) = Simulated::start(SimulatedConfig { arrivals: Some(arrivals), ..config() }, Term(3));
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
    let arrivals =
        ArrivalConfig { numbers: vec![number("6500")], every: 1000 * hour, talk_time: hour / 60, patience: hour };
    let (switch, mut reports) = Simulated::start(SimulatedConfig { arrivals: Some(arrivals), ..config() }, Term(3));
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
async fn reports_count_up_within_their_term() {
    let (switch, mut reports) = simulated();
    for index in 0..5 {
        switch.carry_out(dial(index, "8000"));
    }
    for sequence in 1..=5 {
        let News::Reported(Report { heard, .. }) = reports.recv().await.unwrap() else { panic!("a call came in") };
        assert_eq!((heard.term, heard.sequence), (Term(3), sequence));
    }
}

#[tokio::test(start_paused = true)]
async fn a_device_that_comes_back_into_a_conference_has_its_other_call_on_hold() {
    let (switch, mut reports) = simulated();
    let on = |call: &str, ask: Ask| Ask { call: CallId::parse(call).unwrap(), ..ask };
    // A main call on hold, its consult call, and a third call on which the device talks.
    for (index, call) in [(0, "MAIN"), (1, "SIDE"), (2, "OTHER")] {
        switch.carry_out(on(call, ask(index, AskKind::Connect(number("15001")))));
    }
    let told = [
        (id(0), ReportKind::Answered),
        (id(0), ReportKind::Held),
        (id(1), ReportKind::Answered),
        (id(1), ReportKind::Held),
        (id(2), ReportKind::Answered),
    ];
    for told in told {
        assert_eq!(next(&mut reports).await, told);
    }
    let (consult, purpose) = (CallId::parse("SIDE").unwrap(), Purpose::Conference);
    switch.carry_out(on("MAIN", ask(3, AskKind::Merge { consult, main: id(0), side: id(1), purpose })));
    assert_eq!(next(&mut reports).await, (id(2), ReportKind::Held));
    assert_eq!(next(&mut reports).await, (id(3), ReportKind::Merged));
    switch.carry_out(on("OTHER", ask(4, AskKind::Retrieve(id(2)))));
    assert_eq!(next(&mut reports).await, (id(0), ReportKind::Held));
    assert_eq!(next(&mut reports).await, (id(2), ReportKind::Retrieved));
}

#[tokio::test(start_paused = true)]
async fn forwards_are_followed_to_the_end_and_each_device_on_the_way_may_be_busy() {
    let (switch, mut reports) = simulated();
    let forward = |from: &str, to: &str| {
        switch.set_line(number(from), Line { forward: Some(number(to)), ..Line::default() });
    };
    let redirected = |to: &str| ReportKind::Redirected(Endpoint::new(number(to), None));
    forward("15001", "15002");
    switch.carry_out(dial(0, "15001"));
    assert_eq!(next(&mut reports).await, (id(0), redirected("15002")));
    assert_eq!(next(&mut reports).await, (id(0), ReportKind::Ringing));
    forward("15002", "7001");
    switch.carry_out(dial(1, "15001"));
    assert_eq!(next(&mut reports).await, (id(1), redirected("7001")));
    assert_eq!(next(&mut reports).await, (id(1), ReportKind::Ringing));
    assert_eq!(next(&mut reports).await, (id(1), ReportKind::Answered));
    let ends = [
        // In a circle, also with itself.
        (2, "15001", Failure::Failed),
        (3, "15001", Failure::Failed),
        (4, "8000", Failure::Busy),
        (5, "6000", Failure::InvalidNumber),
        (6, "15009", Failure::InvalidNumber),
    ];
    for (index, to, failure) in ends {
        forward("15002", if index == 3 { "15002" } else { to });
        switch.carry_out(dial(index, "15001"));
        assert_eq!(next(&mut reports).await, (id(index), ReportKind::Ended(failure)), "{to}");
    }
    forward("15002", "15003");
    switch.set_line(number("15003"), Line { do_not_disturb: true, ..Line::default() });
    switch.carry_out(dial(7, "15001"));
    assert_eq!(next(&mut reports).await, (id(7), ReportKind::Ended(Failure::Busy)));
    forward("15002", "6500");
    switch.carry_out(dial(8, "15001"));
    assert_eq!(next(&mut reports).await, (id(8), ReportKind::Queued(number("6500"))));
}

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
async fn callers_dial_the_numbers_in_turn_and_wait_in_their_queues() {
    let arrivals = ArrivalConfig {
        numbers: ["6500", "6600"].map(number).into(),
        every: Duration::from_secs(1),
        talk_time: RING,
        patience: RING,
    };
    let (_switch, mut reports) = Simulated::start(SimulatedConfig { arrivals: Some(arrivals), ..config() }, Term(3));
    for (dnis, queue) in [("6500", "6500"), ("6600", "6501"), ("6500", "6500"), ("6600", "6501")] {
        let Some(News::Arrived(arrival)) = reports.recv().await else { panic!("something else was told") };
        assert_eq!((arrival.dnis, arrival.queue), (number(dnis), number(queue)));
    }
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

/// A preview is the simulated switch's own way to give desktops something to accept and to decline.
#[tokio::test(start_paused = true)]
async fn who_is_ready_and_has_no_call_is_offered_calls_to_make_the_same_in_each_run() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let config = SimulatedConfig { previews: Some(Duration::from_secs(20)), ..config() };
        let (switch, mut reports) = Simulated::start(config, Term(3));
        let ready = |ready| switch.set_line(number("15001"), Line { ready, ..Line::default() });
        assert!(tokio::time::timeout(Duration::from_secs(600), reports.recv()).await.is_err(), "nobody is ready");
        ready(true);
        let began = clock::now();
        let mut run = Vec::new();
        for _ in 0..20 {
            let Some(News::Previewed(preview)) = reports.recv().await else { panic!("something else was told") };
            assert_eq!((preview.agent.as_str(), &preview.customer.as_str()[..1]), ("15001", "7"));
            run.push((clock::now() - began, preview.customer));
        }
        let last = run.last().unwrap().0;
        assert!((200..800).contains(&last.as_secs()), "{last:?}");
        // Who is on a call is offered none.
        switch.carry_out(ask(1, AskKind::Connect(number("15001"))));
        let (_, kind) = next(&mut reports).await;
        assert_eq!(kind, ReportKind::Answered);
        assert!(tokio::time::timeout(Duration::from_secs(600), reports.recv()).await.is_err());
        runs.push(run);
    }
    assert_eq!(runs[0], runs[1]);
}
