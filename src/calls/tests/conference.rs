//! Conferences in a single step.

use expect_test::expect;

use crate::calls::tests::script::check;

#[test]
fn a_single_step_conference_is_told_to_each_party_in_its_own_view() {
    check(
        "15000 dials 15001
         15000: answered
         15001: ringing
         15001 answer
         15001: answered
         15000 adds 15002 AccountNumber=12345
         15002: ringing
         show 15002
         show 15000
         15002 answer
         15002: answered
         show 15000
         show 15001
         15002 adds 15003
         15003: answered",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15000: answered
            > 15001: ringing
            15001 StatusChange: Ringing with 15000
            > 15001 answer
            ask 4-0: answer 15001
            > 15001: answered
            15001 StatusChange: Established with 15000
            15000 StatusChange: Established with 15001
            > 15000 adds 15002 AccountNumber=12345
            ask 6-0: dial 15002 from 15000
            > 15002: ringing
            15002 StatusChange: Ringing with 15001,15000 AccountNumber="12345"
            > show 15002
            Ringing with 15001,15000 AccountNumber="12345"
            offered: Answer UpdateUserData AttachUserData DeleteUserDataPair DeleteUserData ClearCall
            > show 15000
            Established with 15001
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
            > 15002 answer
            ask 8-0: answer 15002
            > 15002: answered
            15002 StatusChange: Established with 15001,15000 AccountNumber="12345" FirstConferencePartyDN="15000"
            15000 AttachedDataChanged: Established with 15002,15001 AccountNumber="12345" FirstConferencePartyDN="15000"
            15000 ParticipantsUpdated: Established with 15002,15001 AccountNumber="12345" FirstConferencePartyDN="15000"
            15001 AttachedDataChanged: Established with 15002,15000 AccountNumber="12345" FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 15002,15000 AccountNumber="12345" FirstConferencePartyDN="15000"
            > show 15000
            Established with 15002,15001 AccountNumber="12345" FirstConferencePartyDN="15000"
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer RemoveParticipantFromConference AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData MuteCall Hangup
            > show 15001
            Established with 15002,15000 AccountNumber="12345" FirstConferencePartyDN="15000"
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData MuteCall Hangup
            > 15002 adds 15003
            ask 10-0: dial 15003 from 15002
            > 15003: answered
            15003 StatusChange: Established with 15002,15001,15000 AccountNumber="12345" FirstConferencePartyDN="15000"
            15000 ParticipantsUpdated: Established with 15003,15002,15001 AccountNumber="12345" FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 15003,15002,15000 AccountNumber="12345" FirstConferencePartyDN="15000"
            15002 ParticipantsUpdated: Established with 15003,15001,15000 AccountNumber="12345" FirstConferencePartyDN="15000"
        "#]],
    );
}

#[test]
fn who_cannot_be_added_leaves_the_call_as_it_was() {
    check(
        "15000 dials 15001
         15001: answered
         15000 adds 8000
         8000: busy
         15000 adds 15002 key=value
         15002: ringing
         15002: no-answer
         15001 adds 15002
         refuse 1
         15000 adds 15002
         15002: ringing
         15002 hangup
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
            > 15000 adds 8000
            ask 3-0: dial 8000 from 15000
            > 8000: busy
            15000 Error Busy
            > 15000 adds 15002 key=value
            ask 5-0: dial 15002 from 15000
            > 15002: ringing
            15002 StatusChange: Ringing with 15001,15000 key="value"
            > 15002: no-answer
            15002 StatusChange: Released with 15001,15000 key="value"
            15000 Error NoAnswer
            > 15001 adds 15002
            ask 8-0: dial 15002 from 15001
            > refuse 1
            15001 Error Failed
            > 15000 adds 15002
            ask 10-0: dial 15002 from 15000
            > 15002: ringing
            15002 StatusChange: Ringing with 15001,15000
            > 15002 hangup
            ask 12-0: release 15002
            > 15002: ended
            15002 StatusChange: Released with 15001,15000
            15000 Error NoAnswer
            > show 15000
            Established with 15001
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
        "#]],
    );
}

#[test]
fn a_number_is_added_once() {
    check(
        "15000 dials 15001
         15001: answered
         15000 adds 15001
         15000 adds 15000
         15000 adds 7000
         15001 adds 7000
         15009 adds 7001
         7000: answered
         15001 adds 7000",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15001: answered
            15001 StatusChange: Established with 15000
            15000 StatusChange: Established with 15001
            > 15000 adds 15001
            refused: 15001 is already on the call
            > 15000 adds 15000
            refused: 15000 is already on the call
            > 15000 adds 7000
            ask 3-0: dial 7000 from 15000
            > 15001 adds 7000
            refused: 7000 is already on the call
            > 15009 adds 7001
            refused: the call is not known
            > 7000: answered
            15000 AttachedDataChanged: Established with 7000,15001 FirstConferencePartyDN="15000"
            15000 ParticipantsUpdated: Established with 7000,15001 FirstConferencePartyDN="15000"
            15001 AttachedDataChanged: Established with 7000,15000 FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 7000,15000 FirstConferencePartyDN="15000"
            > 15001 adds 7000
            refused: 7000 is already on the call
        "#]],
    );
}

#[test]
fn two_are_added_at_once_and_the_later_answers_first() {
    check(
        "15000 dials 15001 a=1 b=2
         15001: answered
         15000 adds 15002 b=3
         15001 adds 15003 c=4 FirstConferencePartyDN=15009
         15002: ringing
         15003: ringing
         15003: answered
         show 15002
         15002: answered
         show 15001",
        expect![[r#"
            > 15000 dials 15001 a=1 b=2
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001 a="1" b="2"
            > 15001: answered
            15001 StatusChange: Established with 15000 a="1" b="2"
            15000 StatusChange: Established with 15001 a="1" b="2"
            > 15000 adds 15002 b=3
            ask 3-0: dial 15002 from 15000
            > 15001 adds 15003 c=4 FirstConferencePartyDN=15009
            ask 4-0: dial 15003 from 15001
            > 15002: ringing
            15002 StatusChange: Ringing with 15001,15000 a="1" b="3"
            > 15003: ringing
            15003 StatusChange: Ringing with 15001,15000 a="1" b="2" c="4"
            > 15003: answered
            15003 StatusChange: Established with 15001,15000 a="1" b="2" c="4" FirstConferencePartyDN="15001"
            15000 AttachedDataChanged: Established with 15003,15001 a="1" b="2" c="4" FirstConferencePartyDN="15001"
            15000 ParticipantsUpdated: Established with 15003,15001 a="1" b="2" c="4" FirstConferencePartyDN="15001"
            15001 AttachedDataChanged: Established with 15003,15000 a="1" b="2" c="4" FirstConferencePartyDN="15001"
            15001 ParticipantsUpdated: Established with 15003,15000 a="1" b="2" c="4" FirstConferencePartyDN="15001"
            15002 ParticipantsUpdated: Ringing with 15003,15001,15000 a="1" b="3" c="4" FirstConferencePartyDN="15001"
            > show 15002
            Ringing with 15003,15001,15000 a="1" b="3" c="4" FirstConferencePartyDN="15001"
            offered: Answer UpdateUserData AttachUserData DeleteUserDataPair DeleteUserData ClearCall
            > 15002: answered
            15002 StatusChange: Established with 15003,15001,15000 a="1" b="3" c="4" FirstConferencePartyDN="15001"
            15000 AttachedDataChanged: Established with 15003,15002,15001 a="1" b="3" c="4" FirstConferencePartyDN="15001"
            15000 ParticipantsUpdated: Established with 15003,15002,15001 a="1" b="3" c="4" FirstConferencePartyDN="15001"
            15001 AttachedDataChanged: Established with 15003,15002,15000 a="1" b="3" c="4" FirstConferencePartyDN="15001"
            15001 ParticipantsUpdated: Established with 15003,15002,15000 a="1" b="3" c="4" FirstConferencePartyDN="15001"
            15003 AttachedDataChanged: Established with 15002,15001,15000 a="1" b="3" c="4" FirstConferencePartyDN="15001"
            15003 ParticipantsUpdated: Established with 15002,15001,15000 a="1" b="3" c="4" FirstConferencePartyDN="15001"
            > show 15001
            Established with 15003,15002,15000 a="1" b="3" c="4" FirstConferencePartyDN="15001"
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer RemoveParticipantFromConference AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData MuteCall Hangup
        "#]],
    );
}

#[test]
fn a_held_party_may_add_and_stays_held() {
    check(
        "15000 dials 15001
         15001: answered
         15000 hold
         15000: held
         15000 adds 7000
         7000: answered
         show 15000",
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
            > 15000 adds 7000
            ask 5-0: dial 7000 from 15000
            > 7000: answered
            15000 AttachedDataChanged: Held with 7000,15001 FirstConferencePartyDN="15000"
            15000 ParticipantsUpdated: Held with 7000,15001 FirstConferencePartyDN="15000"
            15001 AttachedDataChanged: Established with 7000,15000 FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 7000,15000 FirstConferencePartyDN="15000"
            > show 15000
            Held with 7000,15001 FirstConferencePartyDN="15000"
            offered: UpdateUserData Retrieve InitiateConference SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
        "#]],
    );
}

#[test]
fn who_was_being_added_goes_when_the_call_ends() {
    check(
        "15000 dials 15001
         15001: answered
         15000 adds 15002
         15000 adds 15003
         15002: ringing
         15001: ended
         15003: answered
         15003: ended
         15002: ended
         15000: ended",
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
            > 15000 adds 15003
            ask 4-0: dial 15003 from 15000
            > 15002: ringing
            15002 StatusChange: Ringing with 15001,15000
            > 15001: ended
            ask 6-0: release 15000
            ask 6-1: release 15002
            ask 6-2: release 15003
            15001 StatusChange: Released with 15000
            15000 StatusChange: Released with 15001
            15002 StatusChange: Released with 15001,15000
            > 15003: answered
            > 15003: ended
            > 15002: ended
            > 15000: ended
        "#]],
    );
}
