//! What becomes of legs and asks that a restart came between.

use crate::calls::{Arrived, Ask, AskKind, PartyState, ReportKind};
use crate::clock;
use crate::ids::CallId;
use crate::switch::Leg;
use crate::switch::tests::kit::{ask, dial, id, leg, next, number, simulated};

fn of(call: &str, leg: Leg) -> Leg {
    Leg { call: CallId::parse(call).unwrap(), ..leg }
}

fn on(call: &str, ask: Ask) -> Ask {
    Ask { call: CallId::parse(call).unwrap(), ..ask }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_begun_just_before_puts_the_others_on_hold_and_is_answered() {
    let (switch, mut reports) = simulated();
    // As they are written down: who begins a call dials before the switch has heard of it.
    switch.restore(vec![
        of("FIRST", leg(0, "15001", PartyState::Established)),
        of("SECOND", leg(1, "15001", PartyState::Dialing)),
        of("THIRD", leg(3, "15001", PartyState::Dialing)),
    ]);
    for (call, index) in [("SECOND", 1), ("THIRD", 3)] {
        switch.carry_out(on(call, ask(index, AskKind::Connect(number("15001")))));
    }
    switch.carry_out(on("THIRD", dial(4, "7001")));
    let told = [
        (id(0), ReportKind::Held),
        (id(1), ReportKind::Held),
        (id(1), ReportKind::Answered),
        (id(3), ReportKind::Answered),
        (id(4), ReportKind::Ringing),
        (id(4), ReportKind::Answered),
    ];
    for told in told {
        assert_eq!(next(&mut reports).await, told);
    }
    // It talks on the newest one, and on no other.
    switch.carry_out(on("FIRST", ask(5, AskKind::Retrieve(id(0)))));
    assert_eq!(next(&mut reports).await, (id(3), ReportKind::Held));
    assert_eq!(next(&mut reports).await, (id(0), ReportKind::Retrieved));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_said_to_be_on_hold_for_a_consult_call_stays_so() {
    let (switch, mut reports) = simulated();
    switch
        .restore(vec![of("MAIN", leg(0, "15001", PartyState::Held)), of("SIDE", leg(2, "15001", PartyState::Dialing))]);
    switch.carry_out(on("MAIN", ask(1, AskKind::Hold(id(0)))));
    switch.carry_out(on("SIDE", ask(2, AskKind::Connect(number("15001")))));
    assert_eq!(next(&mut reports).await, (id(0), ReportKind::Held));
    assert_eq!(next(&mut reports).await, (id(2), ReportKind::Answered));
}

#[tokio::test(start_paused = true)]
async fn a_device_of_which_two_calls_were_said_to_talk_talks_on_the_newer() {
    let (switch, mut reports) = simulated();
    switch.restore(vec![
        of("FIRST", leg(0, "15001", PartyState::Established)),
        of("OUTSIDE", leg(1, "7001", PartyState::Established)),
        of("SECOND", leg(2, "15001", PartyState::Established)),
        of("THERE", leg(3, "7001", PartyState::Established)),
    ]);
    switch.carry_out(on("SECOND", ask(9, AskKind::Mute(id(2)))));
    assert_eq!(next(&mut reports).await, (id(0), ReportKind::Held));
    assert_eq!(next(&mut reports).await, (id(2), ReportKind::Muted), "a number outside may talk on many");
}

#[tokio::test(start_paused = true)]
async fn a_caller_whose_leg_was_just_named_keeps_it() {
    let (switch, mut reports) = simulated();
    switch.restore(vec![Leg { came_in: true, since: clock::wall(), ..leg(0, "+19165550100", PartyState::Dialing) }]);
    switch.carry_out(ask(0, AskKind::Adopt(Arrived(1))));
    assert_eq!(next(&mut reports).await, (id(0), ReportKind::Answered));
}
