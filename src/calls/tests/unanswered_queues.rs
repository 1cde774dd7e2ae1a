//! Queues that nobody answers in, and who is asked for and not waited for any more.

use std::time::Duration;

use expect_test::expect;

use crate::calls::AskKind;
use crate::calls::tests::script::{Play, check, number};

#[test]
fn who_asked_is_told_that_nobody_of_the_queue_answered() {
    check(
        "15000 dials 6000
         15000: answered
         6000: queued:6000
         route 15001
         15001: ringing
         15001: no-answer
         6000: no-answer",
        expect![[r#"
            > 15000 dials 6000
            ask 1-0: connect 15000
            ask 1-1: dial 6000 from 15000
            15000 StatusChange: Dialing with 6000
            > 15000: answered
            > 6000: queued:6000
            > route 15001
            15000 ParticipantsUpdated: Dialing with 15001
            > 15001: ringing
            15001 StatusChange: Ringing with 15000
            > 15001: no-answer
            ask 6-0: route from 6000 but 15001
            15001 StatusChange: Released with 15000
            15001 Missed
            15000 ParticipantsUpdated: Dialing with 6000
            > 6000: no-answer
            ask 7-0: release 15000
            15000 StatusChange: Released with 6000
            15000 Error NoAnswer
        "#]],
    );
    check(
        "15000 dials 15001
         15001: answered
         15000 adds 6000
         6000: queued:6000
         6000: no-answer
         show 15000",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15001: answered
            15001 StatusChange: Established with 15000
            15000 StatusChange: Established with 15001
            > 15000 adds 6000
            ask 3-0: dial 6000 from 15000
            > 6000: queued:6000
            > 6000: no-answer
            15000 Error NoAnswer
            > show 15000
            Established with 15001
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
        "#]],
    );
    check(
        "15000 dials 15001
         15001: answered
         15000 consults 6000
         15000: held
         15000/2: answered
         6000/2: queued:6000
         6000/2: no-answer
         show 15000",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15001: answered
            15001 StatusChange: Established with 15000
            15000 StatusChange: Established with 15001
            > 15000 consults 6000
            ask 3-0: hold 15000
            ask 3-1: connect 15000
            ask 3-2: dial 6000 from 15000
            15000 StatusChange plain: Held with 15001
            15000/2 StatusChange: Dialing with 6000 beside its main call
            > 15000: held
            > 15000/2: answered
            > 6000/2: queued:6000
            > 6000/2: no-answer
            ask 7-0: release 15000/2
            15000/2 StatusChange: Released with 6000 beside its main call
            15000 Error NoAnswer
            15000 StatusChange: Held with 15001
            > show 15000
            Held with 15001
            offered: UpdateUserData Retrieve InitiateConference SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
        "#]],
    );
}

#[test]
fn a_call_that_was_transferred_to_a_queue_ends_when_nobody_answers() {
    check(
        "15000 dials 15001
         15001: answered
         15000 transfers 6000
         6000: queued:6000
         15000: ended
         show 15001
         6000: no-answer
         15001: ended",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15001: answered
            15001 StatusChange: Established with 15000
            15000 StatusChange: Established with 15001
            > 15000 transfers 6000
            ask 3-0: dial 6000 from 15000
            > 6000: queued:6000
            ask 4-0: release 15000
            15000 StatusChange: Released with 15001
            15001 ParticipantsUpdated: Established with 6000
            > 15000: ended
            > show 15001
            Established with 6000
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
            > 6000: no-answer
            ask 6-0: release 15001
            15001 StatusChange: Released with 6000
            6000 Error NoAnswer
            > 15001: ended
        "#]],
    );
}

#[test]
fn a_call_has_waited_since_it_came_to_the_queue_whoever_was_rung_meanwhile() {
    let mut play = Play::default();
    let since = play.now();
    for line in [
        "15000 dials 6000",
        "15000: answered",
        "wait 5",
        "6000: queued:6000",
        "wait 30",
        "route 15001",
        "15001: ringing",
        "wait 30",
        "15001: no-answer",
        "wait 30",
        "route 15000",
    ] {
        play.line(line);
    }
    let asks = &play.family.as_ref().unwrap().asks;
    let route = asks.iter().find(|ask| matches!(ask.kind, AskKind::Route { .. })).unwrap();
    assert_eq!((route.since, play.now().since(since).as_secs()), (since, 95));
}

#[test]
fn who_gives_its_call_to_a_queue_is_not_the_first_to_get_it_back() {
    for (verb, tried) in [("transfers", Some("15000")), ("adds", None)] {
        let mut play = Play::default();
        let asks = format!("15000 {verb} 6000");
        for line in ["15000 dials 15001", "15000: answered", "15001: answered", &asks, "6000: queued:6000"] {
            play.line(line);
        }
        let asks = &play.family.as_ref().unwrap().asks;
        let tried = tried.map(number);
        assert!(asks.iter().any(|ask| ask.kind == AskKind::Route { queue: number("6000"), tried: tried.clone() }));
    }
}

#[test]
fn who_adds_somebody_may_call_that_off() {
    check(
        "15000 dials 15001
         15001: answered
         15000 adds 6600
         6600: queued:6000
         show 15000
         15001 remove:6000
         15000 remove:15001
         15000 remove:6600
         15000 remove:6000
         6000: ended
         15000 adds 15002
         15002: ringing
         15000 remove:15002
         15002: ended
         15000 remove:15002",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15001: answered
            15001 StatusChange: Established with 15000
            15000 StatusChange: Established with 15001
            > 15000 adds 6600
            ask 3-0: dial 6600 from 15000
            > 6600: queued:6000
            > show 15000
            Established with 15001
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
            > 15001 remove:6000
            refused: RemoveParticipantFromConference is not allowed while the call is Established
            > 15000 remove:15001
            refused: RemoveParticipantFromConference is not allowed while the call is Established
            > 15000 remove:6600
            ask 5-0: release 6000
            > 15000 remove:6000
            already asked
            > 6000: ended
            15000 Error NoAnswer
            > 15000 adds 15002
            ask 7-0: dial 15002 from 15000
            > 15002: ringing
            15002 StatusChange: Ringing with 15001,15000
            > 15000 remove:15002
            ask 9-0: release 15002
            > 15002: ended
            15002 StatusChange: Released with 15001,15000
            15000 Error NoAnswer
            > 15000 remove:15002
            refused: RemoveParticipantFromConference is not allowed while the call is Established
        "#]],
    );
}

#[test]
fn who_is_called_off_while_it_rings_does_not_leave_the_call_to_its_queue() {
    check(
        "15000 dials 15001
         15001: answered
         15000 adds 6000
         6000: queued:6000
         route 15002
         15002: ringing
         15002 reject
         15002: ended
         route 15003
         15003: ringing
         15000 remove:6000
         15003: ended
         show 15000",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15001: answered
            15001 StatusChange: Established with 15000
            15000 StatusChange: Established with 15001
            > 15000 adds 6000
            ask 3-0: dial 6000 from 15000
            > 6000: queued:6000
            > route 15002
            > 15002: ringing
            15002 StatusChange: Ringing with 15001,15000
            > 15002 reject
            ask 7-0: release 15002
            > 15002: ended
            ask 8-0: route from 6000 but 15002
            15002 StatusChange: Released with 15001,15000
            > route 15003
            > 15003: ringing
            15003 StatusChange: Ringing with 15001,15000
            > 15000 remove:6000
            ask 11-0: release 15003
            > 15003: ended
            15003 StatusChange: Released with 15001,15000
            15000 Error NoAnswer
            > show 15000
            Established with 15001
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
        "#]],
    );
}

#[test]
fn who_is_called_off_when_it_has_just_rejected_does_not_leave_the_call_to_its_queue_either() {
    check(
        "15000 dials 15001
         15001: answered
         15000 adds 6000
         6000: queued:6000
         route 15002
         15002: ringing
         15002 reject
         15000 remove:6000
         15000 remove:6000
         15002: ended
         show 15000",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15001: answered
            15001 StatusChange: Established with 15000
            15000 StatusChange: Established with 15001
            > 15000 adds 6000
            ask 3-0: dial 6000 from 15000
            > 6000: queued:6000
            > route 15002
            > 15002: ringing
            15002 StatusChange: Ringing with 15001,15000
            > 15002 reject
            ask 7-0: release 15002
            > 15000 remove:6000
            > 15000 remove:6000
            already asked
            > 15002: ended
            15002 StatusChange: Released with 15001,15000
            15000 Error NoAnswer
            > show 15000
            Established with 15001
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
        "#]],
    );
    check(
        "15000 dials 15001
         15001: answered
         15000 adds 15002
         15002: ringing
         15002 hangup
         15000 remove:15002
         refuse 2",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15001: answered
            15001 StatusChange: Established with 15000
            15000 StatusChange: Established with 15001
            > 15000 adds 15002
            ask 3-0: dial 15002 from 15000
            > 15002: ringing
            15002 StatusChange: Ringing with 15001,15000
            > 15002 hangup
            ask 5-0: release 15002
            > 15000 remove:15002
            > refuse 2
            15002 Error Failed
        "#]],
    );
}

#[test]
fn a_switch_has_its_time_for_a_queue_and_a_grace_and_each_agent_that_is_rung_its_own() {
    let mut play = Play::default();
    let (minute, ten) = (Duration::from_secs(60), Duration::from_secs(10));
    let left = |play: &Play| {
        let due = play.family.as_ref().unwrap().queue_due(play.now(), minute, ten);
        due.map(|(ask, left)| (play.legs["6000"] == ask, left.as_secs()))
    };
    play.line("15000 dials 6000");
    play.line("15000: answered");
    assert_eq!(left(&play), None, "it is not known to be a queue");
    play.line("wait 5");
    play.line("6000: queued:6000");
    assert_eq!(left(&play), Some((true, 65)));
    play.line("wait 50");
    play.line("route 15001");
    play.line("15001: ringing");
    assert_eq!(left(&play), None, "whoever is rung may answer");
    let ringing = play.legs["15001"];
    assert!(!play.family.clone().unwrap().handle_queue_timeout(play.now(), ringing));
    play.line("wait 30");
    play.line("15001: no-answer");
    assert_eq!(left(&play), Some((true, 10)), "the switch has to hear of it first");
    play.line("wait 12");
    assert_eq!(left(&play), Some((true, 0)));
    play.transcript.clear();
    let (now, ask) = (play.now(), play.legs["6000"]);
    let changed = play.family.as_mut().unwrap().handle_queue_timeout(now, ask);
    play.outcome(changed);
    expect![[r#"
        ask 7-0: release 15000
        ask 7-1: release 6000
        15000 StatusChange: Released with 6000
        15000 Error Timeout
    "#]]
    .assert_eq(&play.transcript);
    // Who comes in from outside gives up by itself.
    play.line("+19165550104 enters 6000");
    assert_eq!(left(&play), None);
}

#[test]
fn a_queue_that_is_called_off_and_finds_who_is_on_the_call_is_let_go_all_the_same() {
    check(
        "15000 dials 15001
         15001: answered
         15000 adds 6000
         6000: queued:6000
         15000 remove:6000
         route 15001
         6000: ended",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15001: answered
            15001 StatusChange: Established with 15000
            15000 StatusChange: Established with 15001
            > 15000 adds 6000
            ask 3-0: dial 6000 from 15000
            > 6000: queued:6000
            > 15000 remove:6000
            ask 5-0: release 6000
            > route 15001
            nothing
            > 6000: ended
            15000 Error NoAnswer
        "#]],
    );
}
