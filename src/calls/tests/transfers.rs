//! Transfers in a single step, and numbers that forward their calls.

use expect_test::expect;

use crate::calls::tests::script::check;

#[test]
fn a_transfer_in_a_single_step_puts_the_target_in_the_place_of_who_asked() {
    check(
        "15000 dials 15001 a=1
         15001: answered
         15000 transfers 15002 b=2
         15002: ringing
         show 15002
         15000: ended
         15002 answer
         15002: answered
         show 15001",
        expect![[r#"
            > 15000 dials 15001 a=1
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001 a="1"
            > 15001: answered
            15001 StatusChange: Established with 15000 a="1"
            15000 StatusChange: Established with 15001 a="1"
            > 15000 transfers 15002 b=2
            ask 3-0: dial 15002 from 15000
            > 15002: ringing
            ask 4-0: release 15000
            15002 StatusChange: Ringing with 15001 a="1" b="2"
            15000 StatusChange: Released with 15001 a="1" b="2"
            15001 AttachedDataChanged: Established with 15002 a="1" b="2"
            15001 ParticipantsUpdated: Established with 15002 a="1" b="2"
            > show 15002
            Ringing with 15001 a="1" b="2"
            offered: Answer UpdateUserData AttachUserData DeleteUserDataPair DeleteUserData ClearCall
            > 15000: ended
            > 15002 answer
            ask 6-0: answer 15002
            > 15002: answered
            15002 StatusChange: Established with 15001 a="1" b="2"
            > show 15001
            Established with 15002 a="1" b="2"
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
        "#]],
    );
}

#[test]
fn a_target_that_is_busy_or_does_not_exist_leaves_the_call_with_who_asked() {
    check(
        "15000 dials 15001
         15001: answered
         15000 transfers 8000
         8000: busy
         15000 transfers 15001
         show 15000",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15001: answered
            15001 StatusChange: Established with 15000
            15000 StatusChange: Established with 15001
            > 15000 transfers 8000
            ask 3-0: dial 8000 from 15000
            > 8000: busy
            15000 Error Busy
            > 15000 transfers 15001
            refused: 15001 is already on the call
            > show 15000
            Established with 15001
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
        "#]],
    );
}

#[test]
fn a_target_that_rings_and_does_not_answer_ends_the_call() {
    check(
        "15000 dials 15001
         15001: answered
         15000 transfers 15002
         15002: ringing
         15002: no-answer",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15001: answered
            15001 StatusChange: Established with 15000
            15000 StatusChange: Established with 15001
            > 15000 transfers 15002
            ask 3-0: dial 15002 from 15000
            > 15002: ringing
            ask 4-0: release 15000
            15002 StatusChange: Ringing with 15001
            15000 StatusChange: Released with 15001
            15001 ParticipantsUpdated: Established with 15002
            > 15002: no-answer
            ask 5-0: release 15001
            15002 StatusChange: Released with 15001
            15001 StatusChange: Released with 15002
            15000 Error NoAnswer
        "#]],
    );
}

#[test]
fn a_target_that_answers_at_once_takes_the_place_and_talks() {
    check(
        "15000 dials 15001
         15001: answered
         15000 hold
         15000: held
         15000 transfers 7000
         7000: answered",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15001: answered
            15001 StatusChange: Established with 15000
            15000 StatusChange: Established with 15001
            > 15000 hold
            ask 3-0: hold 15000
            > 15000: held
            15000 StatusChange: Held with 15001
            > 15000 transfers 7000
            ask 5-0: dial 7000 from 15000
            > 7000: answered
            ask 6-0: release 15000
            15000 StatusChange: Released with 15001
            15001 ParticipantsUpdated: Established with 7000
        "#]],
    );
}

#[test]
fn in_a_conference_the_target_takes_the_place_of_who_asked() {
    check(
        "15000 dials 15001
         15001: answered
         15000 adds 7000
         7000: answered
         15001 transfers 15002
         15002: ringing
         15002: answered
         show 15000
         show 15002",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15001: answered
            15001 StatusChange: Established with 15000
            15000 StatusChange: Established with 15001
            > 15000 adds 7000
            ask 3-0: dial 7000 from 15000
            > 7000: answered
            15000 AttachedDataChanged: Established with 7000,15001 FirstConferencePartyDN="15000"
            15000 ParticipantsUpdated: Established with 7000,15001 FirstConferencePartyDN="15000"
            15001 AttachedDataChanged: Established with 7000,15000 FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 7000,15000 FirstConferencePartyDN="15000"
            > 15001 transfers 15002
            ask 5-0: dial 15002 from 15001
            > 15002: ringing
            ask 6-0: release 15001
            15002 StatusChange: Ringing with 7000,15000 FirstConferencePartyDN="15000"
            15001 StatusChange: Released with 7000,15000 FirstConferencePartyDN="15000"
            15000 ParticipantsUpdated: Established with 15002,7000 FirstConferencePartyDN="15000"
            > 15002: answered
            15002 StatusChange: Established with 7000,15000 FirstConferencePartyDN="15000"
            > show 15000
            Established with 15002,7000 FirstConferencePartyDN="15000"
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer RemoveParticipantFromConference AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData MuteCall Hangup
            > show 15002
            Established with 7000,15000 FirstConferencePartyDN="15000"
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData MuteCall Hangup
        "#]],
    );
}

#[test]
fn of_two_transfers_at_once_the_first_that_rings_takes_the_place() {
    check(
        "15000 dials 15001
         15001: answered
         15000 transfers 15002
         15000 transfers 15003
         15003: ringing
         15002: ringing
         15003: answered
         15002: answered",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15001: answered
            15001 StatusChange: Established with 15000
            15000 StatusChange: Established with 15001
            > 15000 transfers 15002
            ask 3-0: dial 15002 from 15000
            > 15000 transfers 15003
            ask 4-0: dial 15003 from 15000
            > 15003: ringing
            ask 5-0: release 15000
            15003 StatusChange: Ringing with 15001
            15000 StatusChange: Released with 15001
            15001 ParticipantsUpdated: Established with 15003
            > 15002: ringing
            ask 6-0: release 15002
            > 15003: answered
            15003 StatusChange: Established with 15001
            > 15002: answered
        "#]],
    );
}

#[test]
fn a_number_that_forwards_its_calls_is_another_from_then_on() {
    check(
        "15000 dials 15001
         15001: forwards:15002
         15002: ringing
         15002: answered
         show 15000",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15001: forwards:15002
            15000 ParticipantsUpdated: Dialing with 15002
            > 15002: ringing
            15002 StatusChange: Ringing with 15000
            > 15002: answered
            15002 StatusChange: Established with 15000
            15000 StatusChange: Established with 15002
            > show 15000
            Established with 15002
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
        "#]],
    );
}

#[test]
fn a_number_that_forwards_to_who_is_on_the_call_is_busy() {
    check(
        "15000 dials 15001
         15001: forwards:15000",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15001: forwards:15000
            ask 2-0: release 15001
            ask 2-1: release 15000
            15000 StatusChange: Released with 15001
            15000 Error Busy
        "#]],
    );
}

#[test]
fn a_call_that_no_device_of_ours_is_left_on_ends() {
    check(
        "15000 dials 7001
         7001: answered
         15000 transfers 7003
         7003: ringing
         15000: ended
         7001: ended
         7003: ended",
        expect![[r#"
            > 15000 dials 7001
            ask 1-0: connect 15000
            ask 1-1: dial 7001 from 15000
            15000 StatusChange: Dialing with 7001
            > 7001: answered
            15000 StatusChange: Established with 7001
            > 15000 transfers 7003
            ask 3-0: dial 7003 from 15000
            > 7003: ringing
            ask 4-0: release 15000
            ask 4-1: release 7001
            ask 4-2: release 7003
            15000 StatusChange: Released with 7001
            > 15000: ended
            > 7001: ended
            > 7003: ended
        "#]],
    );
    check(
        "15000 dials 7001
         7001: answered
         15000 consults 7003
         15000: held
         7003/2: answered
         15000 complete-transfer
         merged",
        expect![[r#"
            > 15000 dials 7001
            ask 1-0: connect 15000
            ask 1-1: dial 7001 from 15000
            15000 StatusChange: Dialing with 7001
            > 7001: answered
            15000 StatusChange: Established with 7001
            > 15000 consults 7003
            ask 3-0: hold 15000
            ask 3-1: connect 15000
            ask 3-2: dial 7003 from 15000
            15000 StatusChange plain: Held with 7001
            15000/2 StatusChange: Dialing with 7003 beside its main call
            > 15000: held
            > 7003/2: answered
            15000/2 StatusChange: Established with 7003 beside its main call
            15000 StatusChange: Held with 7001
            > 15000 complete-transfer
            ask 6-0: merge 15000 and 15000/2 for a Transfer
            > merged
            ask 7-0: release 7001
            ask 7-1: release 7003
            15000 StatusChange: Released with 7001
            15000/2 StatusChange: Released with 7003 beside its main call
        "#]],
    );
    check(
        "15000 dials 7001
         7001: answered
         15000 adds 7002
         7002: answered
         15000 adds 15001
         15001: answered
         15000: ended
         15001: ended",
        expect![[r#"
            > 15000 dials 7001
            ask 1-0: connect 15000
            ask 1-1: dial 7001 from 15000
            15000 StatusChange: Dialing with 7001
            > 7001: answered
            15000 StatusChange: Established with 7001
            > 15000 adds 7002
            ask 3-0: dial 7002 from 15000
            > 7002: answered
            15000 AttachedDataChanged: Established with 7002,7001 FirstConferencePartyDN="15000"
            15000 ParticipantsUpdated: Established with 7002,7001 FirstConferencePartyDN="15000"
            > 15000 adds 15001
            ask 5-0: dial 15001 from 15000
            > 15001: answered
            15001 StatusChange: Established with 7002,7001,15000 FirstConferencePartyDN="15000"
            15000 ParticipantsUpdated: Established with 15001,7002,7001 FirstConferencePartyDN="15000"
            > 15000: ended
            15000 StatusChange: Released with 15001,7002,7001 FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 7002,7001 FirstConferencePartyDN="15000"
            > 15001: ended
            ask 8-0: release 7001
            ask 8-1: release 7002
            15001 StatusChange: Released with 7002,7001 FirstConferencePartyDN="15000"
        "#]],
    );
}
