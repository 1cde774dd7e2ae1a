//! How a main call and its consult call become one.

use expect_test::expect;

use crate::calls::tests::script::check;

#[test]
fn a_consult_call_for_a_transfer_begins_and_is_completed() {
    check(
        "15000 dials 15001 a=1
         15001: answered
         15000 consults 15002 b=2
         15000: held
         show 15000
         show 15000/2
         15000/2: answered
         15002/2: ringing
         show 15002/2
         15002/2 answer
         15002/2: answered
         show 15000
         show 15000/2
         15000 complete-transfer
         15000/2 complete-transfer
         merged
         show 15001
         show 15002",
        expect![[r#"
            > 15000 dials 15001 a=1
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001 a="1"
            > 15001: answered
            15001 StatusChange: Established with 15000 a="1"
            15000 StatusChange: Established with 15001 a="1"
            > 15000 consults 15002 b=2
            ask 3-0: hold 15000
            ask 3-1: connect 15000
            ask 3-2: dial 15002 from 15000
            15000 StatusChange plain: Held with 15001 a="1"
            15000/2 StatusChange: Dialing with 15002 beside its main call a="1" b="2"
            > 15000: held
            > show 15000
            Held with 15001 a="1"
            offered: UpdateUserData SwapCalls InitiateConference SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup CompleteTransfer
            > show 15000/2
            Dialing with 15002 beside its main call a="1" b="2"
            offered: UpdateUserData SendDtmf SwapCalls AttachUserData DeleteUserDataPair DeleteUserData Hangup CompleteTransfer
            > 15000/2: answered
            > 15002/2: ringing
            15002/2 StatusChange: Ringing with 15000 a="1" b="2"
            > show 15002/2
            Ringing with 15000 a="1" b="2"
            offered: Answer UpdateUserData AttachUserData DeleteUserDataPair DeleteUserData ClearCall
            > 15002/2 answer
            ask 7-0: answer 15002/2
            > 15002/2: answered
            15002/2 StatusChange: Established with 15000 a="1" b="2"
            15000/2 StatusChange: Established with 15002 beside its main call a="1" b="2"
            15000 StatusChange: Held with 15001 a="1"
            > show 15000
            Held with 15001 a="1"
            offered: UpdateUserData SwapCalls InitiateConference SingleStepTransfer InitiateTransfer AttachUserData CompleteConference DeleteUserDataPair SingleStepConference DeleteUserData Hangup CompleteTransfer
            > show 15000/2
            Established with 15002 beside its main call a="1" b="2"
            offered: UpdateUserData SendDtmf SwapCalls AttachUserData CompleteConference DeleteUserDataPair DeleteUserData Hangup CompleteTransfer
            > 15000 complete-transfer
            ask 9-0: merge 15000 and 15000/2 for a Transfer
            > 15000/2 complete-transfer
            already asked
            > merged
            15000 StatusChange: Released with 15001 a="1" b="2"
            15000/2 StatusChange: Released with 15002 beside its main call a="1" b="2"
            15002/2 StatusChange: Released with 15000 a="1" b="2"
            15002 StatusChange: Ringing with 15001 a="1" b="2"
            15002 StatusChange: Established with 15001 a="1" b="2"
            15001 AttachedDataChanged: Established with 15002 a="1" b="2"
            15001 ParticipantsUpdated: Established with 15002 a="1" b="2"
            > show 15001
            Established with 15002 a="1" b="2"
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
            > show 15002
            Established with 15001 a="1" b="2"
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
        "#]],
    );
}

#[test]
fn a_consult_call_for_a_conference_begins_and_is_completed_from_its_side() {
    check(
        "15000 dials 15001
         15001: answered
         15000 confers 15002
         15000: held
         15000/2: answered
         15002/2: answered
         15000/2 complete-conference
         merged
         show 15000
         show 15001
         show 15002",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15001: answered
            15001 StatusChange: Established with 15000
            15000 StatusChange: Established with 15001
            > 15000 confers 15002
            ask 3-0: hold 15000
            ask 3-1: connect 15000
            ask 3-2: dial 15002 from 15000
            15000 StatusChange plain: Held with 15001
            15000/2 StatusChange: Dialing with 15002 beside its main call
            > 15000: held
            > 15000/2: answered
            > 15002/2: answered
            15002/2 StatusChange: Established with 15000
            15000/2 StatusChange: Established with 15002 beside its main call
            15000 StatusChange: Held with 15001
            > 15000/2 complete-conference
            ask 7-0: merge 15000 and 15000/2 for a Conference
            > merged
            15000/2 StatusChange: Released with 15002 beside its main call
            15002/2 StatusChange: Released with 15000
            15002 StatusChange: Ringing with 15001,15000 FirstConferencePartyDN="15000"
            15002 StatusChange: Established with 15001,15000 FirstConferencePartyDN="15000"
            15000 AttachedDataChanged: Established with 15002,15001 FirstConferencePartyDN="15000"
            15000 ParticipantsUpdated: Established with 15002,15001 FirstConferencePartyDN="15000"
            15001 AttachedDataChanged: Established with 15002,15000 FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 15002,15000 FirstConferencePartyDN="15000"
            > show 15000
            Established with 15002,15001 FirstConferencePartyDN="15000"
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer RemoveParticipantFromConference AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData MuteCall Hangup
            > show 15001
            Established with 15002,15000 FirstConferencePartyDN="15000"
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData MuteCall Hangup
            > show 15002
            Established with 15001,15000 FirstConferencePartyDN="15000"
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData MuteCall Hangup
        "#]],
    );
}

#[test]
fn a_call_is_transferred_while_the_target_rings() {
    check(
        "15000 dials 15001
         15001: answered
         15000 consults 15002
         15000: held
         15000/2: answered
         15002/2: ringing
         15000 complete-conference
         15000 complete-transfer
         merged
         15002: answered",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15001: answered
            15001 StatusChange: Established with 15000
            15000 StatusChange: Established with 15001
            > 15000 consults 15002
            ask 3-0: hold 15000
            ask 3-1: connect 15000
            ask 3-2: dial 15002 from 15000
            15000 StatusChange plain: Held with 15001
            15000/2 StatusChange: Dialing with 15002 beside its main call
            > 15000: held
            > 15000/2: answered
            > 15002/2: ringing
            15002/2 StatusChange: Ringing with 15000
            > 15000 complete-conference
            refused: CompleteConference is not allowed while the call is Held
            > 15000 complete-transfer
            ask 7-0: merge 15000 and 15000/2 for a Transfer
            > merged
            15000 StatusChange: Released with 15001
            15000/2 StatusChange: Released with 15002 beside its main call
            15002/2 StatusChange: Released with 15000
            15002 StatusChange: Ringing with 15001
            15001 ParticipantsUpdated: Established with 15002
            > 15002: answered
            15002 StatusChange: Established with 15001
        "#]],
    );
}

#[test]
fn a_consult_call_that_became_a_conference_is_brought_in_whole() {
    check(
        "15000 dials 15001
         15001: answered
         15000 consults 15002
         15000: held
         15002/2: answered
         15002/2 adds 15003
         15003/2: answered
         15000 complete-conference
         merged
         show 15001
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
            > 15000 consults 15002
            ask 3-0: hold 15000
            ask 3-1: connect 15000
            ask 3-2: dial 15002 from 15000
            15000 StatusChange plain: Held with 15001
            15000/2 StatusChange: Dialing with 15002 beside its main call
            > 15000: held
            > 15002/2: answered
            15002/2 StatusChange: Established with 15000
            15000/2 StatusChange: Established with 15002 beside its main call
            15000 StatusChange: Held with 15001
            > 15002/2 adds 15003
            ask 6-0: dial 15003 from 15002
            > 15003/2: answered
            15003/2 StatusChange: Established with 15002,15000 FirstConferencePartyDN="15002"
            15000/2 AttachedDataChanged: Established with 15003,15002 beside its main call FirstConferencePartyDN="15002"
            15000/2 ParticipantsUpdated: Established with 15003,15002 beside its main call FirstConferencePartyDN="15002"
            15002/2 AttachedDataChanged: Established with 15003,15000 FirstConferencePartyDN="15002"
            15002/2 ParticipantsUpdated: Established with 15003,15000 FirstConferencePartyDN="15002"
            > 15000 complete-conference
            ask 8-0: merge 15000 and 15000/2 for a Conference
            > merged
            15000/2 StatusChange: Released with 15003,15002 beside its main call
            15002/2 StatusChange: Released with 15003,15000
            15003/2 StatusChange: Released with 15002,15000
            15002 StatusChange: Ringing with 15003,15001,15000 FirstConferencePartyDN="15000"
            15002 StatusChange: Established with 15003,15001,15000 FirstConferencePartyDN="15000"
            15003 StatusChange: Ringing with 15002,15001,15000 FirstConferencePartyDN="15000"
            15003 StatusChange: Established with 15002,15001,15000 FirstConferencePartyDN="15000"
            15000 AttachedDataChanged: Established with 15003,15002,15001 FirstConferencePartyDN="15000"
            15000 ParticipantsUpdated: Established with 15003,15002,15001 FirstConferencePartyDN="15000"
            15001 AttachedDataChanged: Established with 15003,15002,15000 FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 15003,15002,15000 FirstConferencePartyDN="15000"
            > show 15001
            Established with 15003,15002,15000 FirstConferencePartyDN="15000"
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData MuteCall Hangup
            > 15003: ended
            15003 StatusChange: Released with 15002,15001,15000 FirstConferencePartyDN="15000"
            15000 ParticipantsUpdated: Established with 15002,15001 FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 15002,15000 FirstConferencePartyDN="15000"
            15002 ParticipantsUpdated: Established with 15001,15000 FirstConferencePartyDN="15000"
            > show 15000
            Established with 15002,15001 FirstConferencePartyDN="15000"
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer RemoveParticipantFromConference AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData MuteCall Hangup
        "#]],
    );
}

#[test]
fn a_completion_that_the_switch_refuses_is_told_to_who_asked() {
    check(
        "15000 dials 15001
         15001: answered
         15000 consults 15002
         15000: held
         15002/2: answered
         15000 complete-transfer
         refused
         15000/2 complete-transfer
         15002/2: ended
         refused",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15001: answered
            15001 StatusChange: Established with 15000
            15000 StatusChange: Established with 15001
            > 15000 consults 15002
            ask 3-0: hold 15000
            ask 3-1: connect 15000
            ask 3-2: dial 15002 from 15000
            15000 StatusChange plain: Held with 15001
            15000/2 StatusChange: Dialing with 15002 beside its main call
            > 15000: held
            > 15002/2: answered
            15002/2 StatusChange: Established with 15000
            15000/2 StatusChange: Established with 15002 beside its main call
            15000 StatusChange: Held with 15001
            > 15000 complete-transfer
            ask 6-0: merge 15000 and 15000/2 for a Transfer
            > refused
            15000 Error Failed
            > 15000/2 complete-transfer
            ask 8-0: merge 15000 and 15000/2 for a Transfer
            > 15002/2: ended
            ask 9-0: release 15000/2
            15002/2 StatusChange: Released with 15000
            15000/2 StatusChange: Released with 15002 beside its main call
            15000 StatusChange: Held with 15001
            > refused
            15000 Error Failed
        "#]],
    );
}

#[test]
fn a_party_that_was_consulted_may_consult_in_turn() {
    check(
        "15000 dials 15001
         15001: answered
         15000 consults 15002
         15000: held
         15002/2: answered
         15002/2 consults 15003
         15002/2: held
         15003/3: answered
         15000 complete-transfer
         merged
         show 15002
         15002 complete-transfer
         merged
         show 15001
         show 15003",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15001: answered
            15001 StatusChange: Established with 15000
            15000 StatusChange: Established with 15001
            > 15000 consults 15002
            ask 3-0: hold 15000
            ask 3-1: connect 15000
            ask 3-2: dial 15002 from 15000
            15000 StatusChange plain: Held with 15001
            15000/2 StatusChange: Dialing with 15002 beside its main call
            > 15000: held
            > 15002/2: answered
            15002/2 StatusChange: Established with 15000
            15000/2 StatusChange: Established with 15002 beside its main call
            15000 StatusChange: Held with 15001
            > 15002/2 consults 15003
            ask 6-0: hold 15002/2
            ask 6-1: connect 15002
            ask 6-2: dial 15003 from 15002
            15002/2 StatusChange plain: Held with 15000
            15002/3 StatusChange: Dialing with 15003 beside its main call
            > 15002/2: held
            > 15003/3: answered
            15003/3 StatusChange: Established with 15002
            15002/3 StatusChange: Established with 15003 beside its main call
            15002/2 StatusChange: Held with 15000
            > 15000 complete-transfer
            ask 9-0: merge 15000 and 15000/2 for a Transfer
            > merged
            15000 StatusChange: Released with 15001
            15000/2 StatusChange: Released with 15002 beside its main call
            15002/2 StatusChange: Released with 15000
            15002 StatusChange: Ringing with 15001
            15002 StatusChange: Held with 15001
            15001 ParticipantsUpdated: Established with 15002
            15002/3 StatusChange: Established with 15003 beside its main call
            > show 15002
            Held with 15001
            offered: UpdateUserData SwapCalls InitiateConference SingleStepTransfer InitiateTransfer AttachUserData CompleteConference DeleteUserDataPair SingleStepConference DeleteUserData Hangup CompleteTransfer
            > 15002 complete-transfer
            ask 11-0: merge 15002 and 15002/3 for a Transfer
            > merged
            15002 StatusChange: Released with 15001
            15002/3 StatusChange: Released with 15003 beside its main call
            15003/3 StatusChange: Released with 15002
            15003 StatusChange: Ringing with 15001
            15003 StatusChange: Established with 15001
            15001 ParticipantsUpdated: Established with 15003
            > show 15001
            Established with 15003
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
            > show 15003
            Established with 15001
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
        "#]],
    );
}

#[test]
fn who_left_the_consult_call_keeps_the_transfer_from_losing_the_others() {
    check(
        "15000 dials 15001
         15001: answered
         15000 adds 15003
         15003: answered
         15000 consults 15002
         15000: held
         15002/2: ringing
         15000 complete-transfer
         15002/2: no-answer
         merged
         show 15001",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15001: answered
            15001 StatusChange: Established with 15000
            15000 StatusChange: Established with 15001
            > 15000 adds 15003
            ask 3-0: dial 15003 from 15000
            > 15003: answered
            15003 StatusChange: Established with 15001,15000 FirstConferencePartyDN="15000"
            15000 AttachedDataChanged: Established with 15003,15001 FirstConferencePartyDN="15000"
            15000 ParticipantsUpdated: Established with 15003,15001 FirstConferencePartyDN="15000"
            15001 AttachedDataChanged: Established with 15003,15000 FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 15003,15000 FirstConferencePartyDN="15000"
            > 15000 consults 15002
            ask 5-0: hold 15000
            ask 5-1: connect 15000
            ask 5-2: dial 15002 from 15000
            15000 StatusChange plain: Held with 15003,15001 FirstConferencePartyDN="15000"
            15000/2 StatusChange: Dialing with 15002 beside its main call
            > 15000: held
            > 15002/2: ringing
            15002/2 StatusChange: Ringing with 15000
            > 15000 complete-transfer
            ask 8-0: merge 15000 and 15000/2 for a Transfer
            > 15002/2: no-answer
            ask 9-0: release 15000/2
            15002/2 StatusChange: Released with 15000
            15000/2 StatusChange: Released with 15002 beside its main call
            15000 Error NoAnswer
            15000 StatusChange: Held with 15003,15001 FirstConferencePartyDN="15000"
            > merged
            15000 StatusChange: Released with 15003,15001
            15001 AttachedDataChanged: Established with 15003
            15001 ParticipantsUpdated: Established with 15003
            15003 AttachedDataChanged: Established with 15001
            15003 ParticipantsUpdated: Established with 15001
            > show 15001
            Established with 15003
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
        "#]],
    );
}
