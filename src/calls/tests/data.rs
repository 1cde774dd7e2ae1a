//! Attached data.

use expect_test::expect;

use crate::calls::tests::script::check;

#[test]
fn data_is_attached_changed_and_deleted_and_told_to_every_agent_on_the_call() {
    check(
        "15000 dials 15001 a=1
         15000 attach:b=2
         15001: ringing
         15001 update:a=3
         15001 update:a=3
         15001: answered
         15000 delete:b
         15000 delete:nothing
         15000 update:FirstConferencePartyDN=1
         15001 delete-data
         show 15000",
        expect![[r#"
            > 15000 dials 15001 a=1
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001 a="1"
            > 15000 attach:b=2
            15000 AttachedDataChanged: Dialing with 15001 a="1" b="2"
            > 15001: ringing
            15001 StatusChange: Ringing with 15000 a="1" b="2"
            > 15001 update:a=3
            15000 AttachedDataChanged: Dialing with 15001 a="3" b="2"
            15001 AttachedDataChanged: Ringing with 15000 a="3" b="2"
            > 15001 update:a=3
            15000 AttachedDataChanged: Dialing with 15001 a="3" b="2"
            15001 AttachedDataChanged: Ringing with 15000 a="3" b="2"
            > 15001: answered
            15001 StatusChange: Established with 15000 a="3" b="2"
            15000 StatusChange: Established with 15001 a="3" b="2"
            > 15000 delete:b
            15000 AttachedDataChanged: Established with 15001 a="3"
            15001 AttachedDataChanged: Established with 15000 a="3"
            > 15000 delete:nothing
            already asked
            > 15000 update:FirstConferencePartyDN=1
            15000 AttachedDataChanged: Established with 15001 a="3"
            15001 AttachedDataChanged: Established with 15000 a="3"
            > 15001 delete-data
            15000 AttachedDataChanged: Established with 15001
            15001 AttachedDataChanged: Established with 15000
            > show 15000
            Established with 15001
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
        "#]],
    );
}

#[test]
fn who_made_the_conference_stays_known_whatever_is_deleted() {
    check(
        "15000 dials 15001
         15001: answered
         15000 adds 15002
         15002: answered
         15001 delete-data
         15001 delete:FirstConferencePartyDN
         show 15000",
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
            > 15002: answered
            15002 StatusChange: Established with 15001,15000 FirstConferencePartyDN="15000"
            15000 AttachedDataChanged: Established with 15002,15001 FirstConferencePartyDN="15000"
            15000 ParticipantsUpdated: Established with 15002,15001 FirstConferencePartyDN="15000"
            15001 AttachedDataChanged: Established with 15002,15000 FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 15002,15000 FirstConferencePartyDN="15000"
            > 15001 delete-data
            already asked
            > 15001 delete:FirstConferencePartyDN
            already asked
            > show 15000
            Established with 15002,15001 FirstConferencePartyDN="15000"
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer RemoveParticipantFromConference AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData MuteCall Hangup
        "#]],
    );
}

#[test]
fn how_it_went_is_said_by_who_was_on_the_call_also_afterwards() {
    check(
        "15000 dials 15001
         15000 dispose:code=early
         15001: answered
         15001 dispose:code=good
         15000 adds 15002
         15002: answered
         15001: ended
         15000 hold
         15001 dispose:code=better
         15009 dispose:code=bad
         15000: ended
         15002 dispose:code=best
         15000 hold
         15001 update:code=worse",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15000 dispose:code=early
            15000 AttachedDataChanged: Dialing with 15001 code="early"
            > 15001: answered
            15001 StatusChange: Established with 15000 code="early"
            15000 StatusChange: Established with 15001 code="early"
            > 15001 dispose:code=good
            15000 AttachedDataChanged: Established with 15001 code="good"
            15001 AttachedDataChanged: Established with 15000 code="good"
            > 15000 adds 15002
            ask 5-0: dial 15002 from 15000
            > 15002: answered
            15002 StatusChange: Established with 15001,15000 code="good" FirstConferencePartyDN="15000"
            15000 AttachedDataChanged: Established with 15002,15001 code="good" FirstConferencePartyDN="15000"
            15000 ParticipantsUpdated: Established with 15002,15001 code="good" FirstConferencePartyDN="15000"
            15001 AttachedDataChanged: Established with 15002,15000 code="good" FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 15002,15000 code="good" FirstConferencePartyDN="15000"
            > 15001: ended
            15001 StatusChange: Released with 15002,15000 code="good"
            15000 AttachedDataChanged: Established with 15002 code="good"
            15000 ParticipantsUpdated: Established with 15002 code="good"
            15002 AttachedDataChanged: Established with 15000 code="good"
            15002 ParticipantsUpdated: Established with 15000 code="good"
            > 15000 hold
            ask 8-0: hold 15000
            > 15001 dispose:code=better
            15000 AttachedDataChanged: Established with 15002 code="better"
            15002 AttachedDataChanged: Established with 15000 code="better"
            > 15009 dispose:code=bad
            refused: the call is not known
            > 15000: ended
            ask 10-0: release 15002
            15000 StatusChange: Released with 15002 code="better"
            15002 StatusChange: Released with 15000 code="better"
            > 15002 dispose:code=best
            > 15000 hold
            refused: Hold is not allowed while the call is Released
            > 15001 update:code=worse
        "#]],
    );
}

#[test]
fn who_was_asked_for_and_never_rung_is_a_stranger_until_it_is_rung() {
    check(
        "15000 dials 15001
         15001: answered
         15000 adds 15002
         15002: busy
         15002 dispose:code=stranger
         15002 hold
         15000 adds 15002
         15002: ringing
         15002: ended
         15002 dispose:code=known",
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
            > 15002: busy
            15000 Error Busy
            > 15002 dispose:code=stranger
            refused: the call is not known
            > 15002 hold
            refused: the call is not known
            > 15000 adds 15002
            ask 5-0: dial 15002 from 15000
            > 15002: ringing
            15002 StatusChange: Ringing with 15001,15000
            > 15002: ended
            15002 StatusChange: Released with 15001,15000
            15000 Error NoAnswer
            > 15002 dispose:code=known
            15000 AttachedDataChanged: Established with 15001 code="known"
            15001 AttachedDataChanged: Established with 15000 code="known"
        "#]],
    );
}
