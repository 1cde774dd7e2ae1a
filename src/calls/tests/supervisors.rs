//! Supervisors.

use expect_test::expect;

use crate::calls::tests::script::check;

#[test]
fn a_supervisor_listens_whispers_takes_part_and_leaves() {
    check(
        "15000 dials 7000
         7000: answered
         15900 watches 15000 listen-in
         15900: ringing
         15900 answer
         15900: answered
         show 15000
         show 15900
         15900 switch:coach
         15900 switch:barge-in
         15900: heard:barge-in
         show 15000
         15900 switch:coach
         15900: heard:coach
         15900 hold
         15900 hangup
         15900: ended
         show 15000",
        expect![[r#"
            > 15000 dials 7000
            ask 1-0: connect 15000
            ask 1-1: dial 7000 from 15000
            15000 StatusChange: Dialing with 7000
            > 7000: answered
            15000 StatusChange: Established with 7000
            > 15900 watches 15000 listen-in
            ask 3-0: dial 15900 from 15000
            > 15900: ringing
            15900 StatusChange: Ringing with 7000,15000 muted
            > 15900 answer
            ask 5-0: answer 15900
            > 15900: answered
            15900 StatusChange: Established with 7000,15000 muted
            15000 StatusChange: Established with 7000 watched
            > show 15000
            Established with 7000 watched
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
            > show 15900
            Established with 7000,15000 muted
            offered: UpdateUserData RemoveParticipantFromConference AttachUserData DeleteUserDataPair DeleteUserData Hangup SwitchToBargeIn
            > 15900 switch:coach
            refused: SwitchToCoach is not allowed while the call is Established
            > 15900 switch:barge-in
            ask 7-0: let 15900 BargeIn
            > 15900: heard:barge-in
            15900 StatusChange: Established with 7000,15000
            15000 ParticipantsUpdated: Established with 15900,7000 watched
            > show 15000
            Established with 15900,7000 watched
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData MuteCall Hangup
            > 15900 switch:coach
            ask 9-0: let 15900 Coach
            > 15900: heard:coach
            15900 StatusChange: Established with 7000,15000
            15000 ParticipantsUpdated: Established with 7000 watched
            > 15900 hold
            refused: Hold is not allowed while the call is Established
            > 15900 hangup
            ask 11-0: release 15900
            > 15900: ended
            15900 StatusChange: Released with 7000,15000
            15000 ParticipantsUpdated: Established with 7000
            > show 15000
            Established with 7000
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
        "#]],
    );
}

#[test]
fn a_supervisor_is_told_that_whom_it_watches_is_muted() {
    check(
        "15000 dials 7000
         7000: answered
         15000 adds 15001
         15001: answered
         15900 watches 15000 listen-in
         15900: answered
         15000 mute
         15000: muted
         15001 mute
         15001: muted
         15000 unmute
         15000: unmuted",
        expect![[r#"
            > 15000 dials 7000
            ask 1-0: connect 15000
            ask 1-1: dial 7000 from 15000
            15000 StatusChange: Dialing with 7000
            > 7000: answered
            15000 StatusChange: Established with 7000
            > 15000 adds 15001
            ask 3-0: dial 15001 from 15000
            > 15001: answered
            15001 StatusChange: Established with 7000,15000 FirstConferencePartyDN="15000"
            15000 AttachedDataChanged: Established with 15001,7000 FirstConferencePartyDN="15000"
            15000 ParticipantsUpdated: Established with 15001,7000 FirstConferencePartyDN="15000"
            > 15900 watches 15000 listen-in
            ask 5-0: dial 15900 from 15000
            > 15900: answered
            15900 StatusChange: Established with 15001,7000,15000 muted FirstConferencePartyDN="15000"
            15000 StatusChange: Established with 15001,7000 watched FirstConferencePartyDN="15000"
            > 15000 mute
            ask 7-0: mute 15000
            > 15000: muted
            15000 StatusChange: Established with 15001,7000 muted watched FirstConferencePartyDN="15000"
            15900 StatusChange: Established with 15001,7000,15000 muted over a muted one FirstConferencePartyDN="15000"
            > 15001 mute
            ask 9-0: mute 15001
            > 15001: muted
            15001 StatusChange: Established with 7000,15000 muted FirstConferencePartyDN="15000"
            > 15000 unmute
            ask 11-0: unmute 15000
            > 15000: unmuted
            15000 StatusChange: Established with 15001,7000 watched FirstConferencePartyDN="15000"
            15900 StatusChange: Established with 15001,7000,15000 muted FirstConferencePartyDN="15000"
        "#]],
    );
}

#[test]
fn a_supervisor_goes_when_its_agent_does() {
    check(
        "15000 dials 7000
         7000: answered
         15000 adds 15001
         15001: answered
         15900 watches 15000 coach
         15900: answered
         15900 remove:15001
         15001: ended
         15000: ended",
        expect![[r#"
            > 15000 dials 7000
            ask 1-0: connect 15000
            ask 1-1: dial 7000 from 15000
            15000 StatusChange: Dialing with 7000
            > 7000: answered
            15000 StatusChange: Established with 7000
            > 15000 adds 15001
            ask 3-0: dial 15001 from 15000
            > 15001: answered
            15001 StatusChange: Established with 7000,15000 FirstConferencePartyDN="15000"
            15000 AttachedDataChanged: Established with 15001,7000 FirstConferencePartyDN="15000"
            15000 ParticipantsUpdated: Established with 15001,7000 FirstConferencePartyDN="15000"
            > 15900 watches 15000 coach
            ask 5-0: dial 15900 from 15000
            > 15900: answered
            15900 StatusChange: Established with 15001,7000,15000 FirstConferencePartyDN="15000"
            15000 StatusChange: Established with 15001,7000 watched FirstConferencePartyDN="15000"
            > 15900 remove:15001
            ask 7-0: release 15001
            > 15001: ended
            15001 StatusChange: Released with 7000,15000
            15000 AttachedDataChanged: Established with 7000 watched
            15000 ParticipantsUpdated: Established with 7000 watched
            15900 ParticipantsUpdated: Established with 7000,15000
            > 15000: ended
            ask 9-0: release 15900
            ask 9-1: release 7000
            15000 StatusChange: Released with 7000
            15900 StatusChange: Released with 7000,15000
        "#]],
    );
    check(
        "15000 dials 7000
         7000: answered
         15000 adds 15001
         15001: answered
         15900 watches 15000 listen-in
         15900: answered
         15000: ended
         show 15001",
        expect![[r#"
            > 15000 dials 7000
            ask 1-0: connect 15000
            ask 1-1: dial 7000 from 15000
            15000 StatusChange: Dialing with 7000
            > 7000: answered
            15000 StatusChange: Established with 7000
            > 15000 adds 15001
            ask 3-0: dial 15001 from 15000
            > 15001: answered
            15001 StatusChange: Established with 7000,15000 FirstConferencePartyDN="15000"
            15000 AttachedDataChanged: Established with 15001,7000 FirstConferencePartyDN="15000"
            15000 ParticipantsUpdated: Established with 15001,7000 FirstConferencePartyDN="15000"
            > 15900 watches 15000 listen-in
            ask 5-0: dial 15900 from 15000
            > 15900: answered
            15900 StatusChange: Established with 15001,7000,15000 muted FirstConferencePartyDN="15000"
            15000 StatusChange: Established with 15001,7000 watched FirstConferencePartyDN="15000"
            > 15000: ended
            ask 7-0: release 15900
            15000 StatusChange: Released with 15001,7000
            15900 StatusChange: Released with 15001,7000,15000 muted
            15001 AttachedDataChanged: Established with 7000
            15001 ParticipantsUpdated: Established with 7000
            > show 15001
            Established with 7000
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
        "#]],
    );
}

#[test]
fn nobody_is_watched_who_does_not_talk_and_nobody_watches_twice() {
    check(
        "15000 dials 15001
         15900 watches 15000 listen-in
         15001: answered
         15900 watches 15003 listen-in
         15900 watches 15000 listen-in
         15900 watches 15000 listen-in
         15001 watches 15000 listen-in",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15900 watches 15000 listen-in
            refused: 15000 is not on the call
            > 15001: answered
            15001 StatusChange: Established with 15000
            15000 StatusChange: Established with 15001
            > 15900 watches 15003 listen-in
            refused: 15003 is not on the call
            > 15900 watches 15000 listen-in
            ask 3-0: dial 15900 from 15000
            > 15900 watches 15000 listen-in
            refused: 15900 is already on the call
            > 15001 watches 15000 listen-in
            refused: 15001 is already on the call
        "#]],
    );
}

#[test]
fn who_follows_a_call_stays_when_its_agent_gives_it_away() {
    check(
        "15000 dials 7000
         7000: answered
         15900 follows 15000 listen-in
         15900: answered
         15000 transfers 15001
         15001: ringing
         15001: answered
         show 15900
         7000: ended",
        expect![[r#"
            > 15000 dials 7000
            ask 1-0: connect 15000
            ask 1-1: dial 7000 from 15000
            15000 StatusChange: Dialing with 7000
            > 7000: answered
            15000 StatusChange: Established with 7000
            > 15900 follows 15000 listen-in
            ask 3-0: dial 15900 from 15000
            > 15900: answered
            15900 StatusChange: Established with 7000,15000 muted
            15000 StatusChange: Established with 7000 watched
            > 15000 transfers 15001
            ask 5-0: dial 15001 from 15000
            > 15001: ringing
            ask 6-0: release 15000
            15001 StatusChange: Ringing with 7000
            15000 StatusChange: Released with 7000 watched
            15900 ParticipantsUpdated: Established with 15001,7000 muted
            > 15001: answered
            15001 StatusChange: Established with 7000
            > show 15900
            Established with 15001,7000 muted
            offered: UpdateUserData RemoveParticipantFromConference AttachUserData DeleteUserDataPair DeleteUserData Hangup SwitchToBargeIn
            > 7000: ended
            ask 8-0: release 15900
            ask 8-1: release 15001
            15900 StatusChange: Released with 15001,7000 muted
            15001 StatusChange: Released with 7000
        "#]],
    );
}

#[test]
fn who_watches_an_agent_leaves_when_it_gives_the_call_away() {
    check(
        "15000 dials 7000
         7000: answered
         15900 watches 15000 barge-in
         15900: answered
         15000 transfers 15001
         15001: ringing
         15001: answered",
        expect![[r#"
            > 15000 dials 7000
            ask 1-0: connect 15000
            ask 1-1: dial 7000 from 15000
            15000 StatusChange: Dialing with 7000
            > 7000: answered
            15000 StatusChange: Established with 7000
            > 15900 watches 15000 barge-in
            ask 3-0: dial 15900 from 15000
            > 15900: answered
            15900 StatusChange: Established with 7000,15000
            15000 ParticipantsUpdated: Established with 15900,7000 watched
            > 15000 transfers 15001
            ask 5-0: dial 15001 from 15000
            > 15001: ringing
            ask 6-0: release 15000
            ask 6-1: release 15900
            15001 StatusChange: Ringing with 7000
            15000 StatusChange: Released with 15900,7000
            15900 StatusChange: Released with 7000,15000
            > 15001: answered
            15001 StatusChange: Established with 7000
        "#]],
    );
}

#[test]
fn who_watches_an_agent_leaves_when_a_consult_call_takes_it_off() {
    check(
        "15000 dials 7000
         7000: answered
         15900 watches 15000 listen-in
         15900: answered
         15000 consults 15001
         15000: held
         15001/2: answered
         15000 complete-transfer
         merged",
        expect![[r#"
            > 15000 dials 7000
            ask 1-0: connect 15000
            ask 1-1: dial 7000 from 15000
            15000 StatusChange: Dialing with 7000
            > 7000: answered
            15000 StatusChange: Established with 7000
            > 15900 watches 15000 listen-in
            ask 3-0: dial 15900 from 15000
            > 15900: answered
            15900 StatusChange: Established with 7000,15000 muted
            15000 StatusChange: Established with 7000 watched
            > 15000 consults 15001
            ask 5-0: hold 15000
            ask 5-1: connect 15000
            ask 5-2: dial 15001 from 15000
            15000 StatusChange plain: Held with 7000 watched
            15000/2 StatusChange: Dialing with 15001 beside its main call
            > 15000: held
            > 15001/2: answered
            15001/2 StatusChange: Established with 15000
            15000/2 StatusChange: Established with 15001 beside its main call
            15000 StatusChange: Held with 7000 watched
            > 15000 complete-transfer
            ask 8-0: merge 15000 and 15000/2 for a Transfer
            > merged
            ask 9-0: release 15900
            15000 StatusChange: Released with 7000
            15000/2 StatusChange: Released with 15001 beside its main call
            15001/2 StatusChange: Released with 15000
            15900 StatusChange: Released with 7000,15000 muted
            15001 StatusChange: Ringing with 7000
            15001 StatusChange: Established with 7000
        "#]],
    );
}

#[test]
fn a_supervisor_is_taken_off_and_an_ask_that_fails_is_told() {
    check(
        "15000 dials 7000
         7000: answered
         15900 unwatches
         15900 watches 15000 listen-in
         15900: busy
         15900 watches 15000 listen-in
         15900: answered
         15900 unwatches
         15900 unwatches
         15900: ended
         show 15000",
        expect![[r#"
            > 15000 dials 7000
            ask 1-0: connect 15000
            ask 1-1: dial 7000 from 15000
            15000 StatusChange: Dialing with 7000
            > 7000: answered
            15000 StatusChange: Established with 7000
            > 15900 unwatches
            already asked
            > 15900 watches 15000 listen-in
            ask 3-0: dial 15900 from 15000
            > 15900: busy
            15900 Error Busy
            > 15900 watches 15000 listen-in
            ask 5-0: dial 15900 from 15000
            > 15900: answered
            15900 StatusChange: Established with 7000,15000 muted
            15000 StatusChange: Established with 7000 watched
            > 15900 unwatches
            ask 7-0: release 15900
            > 15900 unwatches
            already asked
            > 15900: ended
            15900 StatusChange: Released with 7000,15000 muted
            15000 ParticipantsUpdated: Established with 7000
            > show 15000
            Established with 7000
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
        "#]],
    );
}

#[test]
fn whoever_is_left_alone_by_a_supervisor_that_goes_over_to_listening_is_told_of_the_end_once() {
    check(
        "15000 dials 7000
         7000: answered
         15900 follows 15000 barge-in
         15900: answered
         7000: ended
         15900 switch:listen-in
         15900: heard:listen-in",
        expect![[r#"
            > 15000 dials 7000
            ask 1-0: connect 15000
            ask 1-1: dial 7000 from 15000
            15000 StatusChange: Dialing with 7000
            > 7000: answered
            15000 StatusChange: Established with 7000
            > 15900 follows 15000 barge-in
            ask 3-0: dial 15900 from 15000
            > 15900: answered
            15900 StatusChange: Established with 7000,15000
            15000 ParticipantsUpdated: Established with 15900,7000 watched
            > 7000: ended
            15000 ParticipantsUpdated: Established with 15900 watched
            15900 ParticipantsUpdated: Established with 15000
            > 15900 switch:listen-in
            ask 6-0: let 15900 ListenIn
            > 15900: heard:listen-in
            ask 7-0: release 15000
            ask 7-1: release 15900
            15000 StatusChange: Released with nobody
            15900 StatusChange: Released with 15000 muted
        "#]],
    );
}
