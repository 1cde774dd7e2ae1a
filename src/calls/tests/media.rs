//! Mute, tones, recording, clearing a call and removing parties.

use expect_test::expect;

use crate::calls::tests::script::check;

#[test]
fn a_party_of_a_conference_is_muted_and_heard_again() {
    check(
        "15000 dials 15001
         15001: answered
         15000 mute
         15000 adds 15002
         15002: answered
         15001 mute
         15001 mute
         15001: muted
         show 15001
         15002: ended
         show 15001
         15001 unmute
         15001: unmuted
         show 15001",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15001: answered
            15001 StatusChange: Established with 15000
            15000 StatusChange: Established with 15001
            > 15000 mute
            refused: MuteCall is not allowed while the call is Established
            > 15000 adds 15002
            ask 3-0: dial 15002 from 15000
            > 15002: answered
            15002 StatusChange: Established with 15001,15000 FirstConferencePartyDN="15000"
            15000 AttachedDataChanged: Established with 15002,15001 FirstConferencePartyDN="15000"
            15000 ParticipantsUpdated: Established with 15002,15001 FirstConferencePartyDN="15000"
            15001 AttachedDataChanged: Established with 15002,15000 FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 15002,15000 FirstConferencePartyDN="15000"
            > 15001 mute
            ask 5-0: mute 15001
            > 15001 mute
            already asked
            > 15001: muted
            15001 StatusChange: Established with 15002,15000 muted FirstConferencePartyDN="15000"
            > show 15001
            Established with 15002,15000 muted FirstConferencePartyDN="15000"
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData UnmuteCall Hangup
            > 15002: ended
            15002 StatusChange: Released with 15001,15000
            15000 AttachedDataChanged: Established with 15001
            15000 ParticipantsUpdated: Established with 15001
            15001 AttachedDataChanged: Established with 15000 muted
            15001 ParticipantsUpdated: Established with 15000 muted
            > show 15001
            Established with 15000 muted
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData UnmuteCall Hangup
            > 15001 unmute
            ask 8-0: unmute 15001
            > 15001: unmuted
            15001 StatusChange: Established with 15000
            > show 15001
            Established with 15000
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
        "#]],
    );
}

#[test]
fn tones_are_sent_and_told_to_nobody() {
    check(
        "15000 dials 15001
         15000: answered
         15000 send:1
         15000 send:1
         done
         15001: answered
         15000 hold
         15000: held
         15000 send:2",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15000: answered
            > 15000 send:1
            ask 3-0: send 1 from 15000
            > 15000 send:1
            ask 4-0: send 1 from 15000
            > done
            > 15001: answered
            15001 StatusChange: Established with 15000
            15000 StatusChange: Established with 15001
            > 15000 hold
            ask 7-0: hold 15000
            > 15000: held
            15000 StatusChange: Held with 15001
            > 15000 send:2
            refused: SendDtmf is not allowed while the call is Held
        "#]],
    );
}

#[test]
fn a_call_is_recorded_by_who_may() {
    check(
        "15500 dials 15001
         15001: answered
         15001 start-recording
         15500 start-recording
         15500: recorded
         show 15500
         15500 pause-recording
         15500: paused
         15500 resume-recording
         15500: recorded
         15500 stop-recording
         15500: stopped
         show 15500",
        expect![[r#"
            > 15500 dials 15001
            ask 1-0: connect 15500
            ask 1-1: dial 15001 from 15500
            15500 StatusChange: Dialing with 15001
            > 15001: answered
            15001 StatusChange: Established with 15500
            15500 StatusChange: Established with 15001
            > 15001 start-recording
            refused: StartCallRecording is not allowed for this user
            > 15500 start-recording
            ask 3-0: record 15500: Recording
            > 15500: recorded
            15500 CallRecordingStateChange: Established with 15001 recorded GSIP_RECORD="ON"
            15001 CallRecordingStateChange: Established with 15500 recorded GSIP_RECORD="ON"
            > show 15500
            Established with 15001 recorded GSIP_RECORD="ON"
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup PauseCallRecording StopCallRecording
            > 15500 pause-recording
            ask 5-0: record 15500: Paused
            > 15500: paused
            15500 CallRecordingStateChange: Established with 15001 paused GSIP_RECORD="PAUSED"
            15001 CallRecordingStateChange: Established with 15500 paused GSIP_RECORD="PAUSED"
            > 15500 resume-recording
            ask 7-0: record 15500: Recording
            > 15500: recorded
            15500 CallRecordingStateChange: Established with 15001 recorded GSIP_RECORD="ON"
            15001 CallRecordingStateChange: Established with 15500 recorded GSIP_RECORD="ON"
            > 15500 stop-recording
            ask 9-0: record 15500: Stopped
            > 15500: stopped
            15500 CallRecordingStateChange: Established with 15001 GSIP_RECORD="OFF"
            15001 CallRecordingStateChange: Established with 15500 GSIP_RECORD="OFF"
            > show 15500
            Established with 15001 GSIP_RECORD="OFF"
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup StartCallRecording
        "#]],
    );
}

#[test]
fn a_conference_is_cleared_for_everybody_at_once() {
    check(
        "15000 dials 15001
         15001: answered
         15000 clear
         15000 adds 15002
         15002: answered
         15002 clear
         15000 clear
         cleared
         15001: ended",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15001: answered
            15001 StatusChange: Established with 15000
            15000 StatusChange: Established with 15001
            > 15000 clear
            refused: ClearCall is not allowed while the call is Established
            > 15000 adds 15002
            ask 3-0: dial 15002 from 15000
            > 15002: answered
            15002 StatusChange: Established with 15001,15000 FirstConferencePartyDN="15000"
            15000 AttachedDataChanged: Established with 15002,15001 FirstConferencePartyDN="15000"
            15000 ParticipantsUpdated: Established with 15002,15001 FirstConferencePartyDN="15000"
            15001 AttachedDataChanged: Established with 15002,15000 FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 15002,15000 FirstConferencePartyDN="15000"
            > 15002 clear
            ask 5-0: clear
            > 15000 clear
            already asked
            > cleared
            15000 StatusChange: Released with 15002,15001 FirstConferencePartyDN="15000"
            15001 StatusChange: Released with 15002,15000 FirstConferencePartyDN="15000"
            15002 StatusChange: Released with 15001,15000 FirstConferencePartyDN="15000"
            > 15001: ended
            nothing
        "#]],
    );
}

#[test]
fn a_ringing_call_is_cleared() {
    check(
        "15000 dials 15001
         15000: answered
         15001: ringing
         15001 clear
         cleared",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15000: answered
            > 15001: ringing
            15001 StatusChange: Ringing with 15000
            > 15001 clear
            ask 4-0: clear
            > cleared
            15000 StatusChange: Released with 15001
            15001 StatusChange: Released with 15000
        "#]],
    );
}

#[test]
fn a_clearing_that_the_switch_refuses_is_told_to_who_asked() {
    check(
        "15000 dials 15001
         15001: answered
         15000 adds 15002
         15002: answered
         15002 clear
         refused",
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
            > 15002 clear
            ask 5-0: clear
            > refused
            15002 Error Failed
        "#]],
    );
}

#[test]
fn only_who_made_the_conference_removes_parties() {
    check(
        "15000 dials 15001
         15001: answered
         15000 adds 15002
         15002: answered
         15001 remove:15002
         15000 remove:15009
         15000 remove:15000
         15000 remove:15002
         15000 remove:15002
         15002: ended
         show 15000
         15000 remove:15001",
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
            > 15001 remove:15002
            refused: RemoveParticipantFromConference is not allowed while the call is Established
            > 15000 remove:15009
            refused: 15009 is not on the call
            > 15000 remove:15000
            refused: 15000 is not on the call
            > 15000 remove:15002
            ask 5-0: release 15002
            > 15000 remove:15002
            already asked
            > 15002: ended
            15002 StatusChange: Released with 15001,15000
            15000 AttachedDataChanged: Established with 15001
            15000 ParticipantsUpdated: Established with 15001
            15001 AttachedDataChanged: Established with 15000
            15001 ParticipantsUpdated: Established with 15000
            > show 15000
            Established with 15001
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
            > 15000 remove:15001
            refused: RemoveParticipantFromConference is not allowed while the call is Established
        "#]],
    );
}
