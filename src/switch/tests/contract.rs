//! What every switch owes its link, run against the simulated one. A factory starts a switch on which `15001` is a
//! device, `70…` answers by itself, `80…` is busy, `90…` does not answer, and `60…` does not exist.

use std::time::Duration;

use crate::calls::Ask;
use crate::calls::{AskKind, Endpoint, Failure, PartyState, Purpose, Report, ReportKind, Term};
use crate::ids::CallId;
use crate::switch::tests::kit::{ask, dial, id, leg, next, number, simulated};
use crate::switch::{Line, News};

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
    let asks = [AskKind::Hold(id(0)), AskKind::Retrieve(id(0)), AskKind::Answer(id(77)), AskKind::Mute(id(77))];
    for (index, kind) in (1..).zip(asks) {
        switch.carry_out(ask(index, kind));
        assert_eq!(next(&mut reports).await, (id(index), ReportKind::Refused(Failure::Failed)));
    }
    switch.carry_out(ask(9, AskKind::Answer(id(0))));
    assert_eq!(next(&mut reports).await, (id(0), ReportKind::Answered));
}

/// Whatever became of it, who hangs up is gone: a switch may have ended a call when nobody waited for that any more.
#[tokio::test(start_paused = true)]
async fn a_leg_that_is_not_there_has_ended_and_is_not_made_afterwards() {
    let (switch, mut reports) = simulated();
    switch.carry_out(dial(0, "15001"));
    switch.carry_out(ask(1, AskKind::Clear));
    switch.carry_out(ask(2, AskKind::Release(id(0))));
    switch.carry_out(ask(3, AskKind::Release(id(7))));
    switch.carry_out(dial(7, "15002"));
    let told = [
        (id(0), ReportKind::Ringing),
        (id(1), ReportKind::Cleared),
        (id(0), ReportKind::Ended(Failure::None)),
        (id(7), ReportKind::Ended(Failure::None)),
    ];
    for told in told {
        assert_eq!(next(&mut reports).await, told);
    }
    assert!(tokio::time::timeout(Duration::from_secs(600), reports.recv()).await.is_err(), "it rings nowhere");
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
