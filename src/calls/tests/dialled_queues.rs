//! Queues that agents dial, and bring calls to.

use expect_test::expect;

use crate::calls::tests::script::check;

#[test]
fn an_agent_that_dials_a_queue_waits_there_for_whoever_takes_the_call() {
    check(
        "15000 dials 6000
         15000: answered
         6000: queued:6000
         wait 600
         time out 0
         show 15000
         route 15001
         15001: ringing
         show 15001
         15001 reject
         15001: ended
         show 15000
         route 15002
         15002: ringing
         15002: answered
         show 15002
         15002: ended",
        expect![[r#"
            > 15000 dials 6000
            ask 1-0: connect 15000
            ask 1-1: dial 6000 from 15000
            15000 StatusChange: Dialing with 6000
            > 15000: answered
            > 6000: queued:6000
            > wait 600
            > time out 0
            nothing
            > show 15000
            Dialing with 6000
            offered: UpdateUserData SendDtmf AttachUserData DeleteUserDataPair DeleteUserData Hangup
            > route 15001
            15000 ParticipantsUpdated: Dialing with 15001
            > 15001: ringing
            15001 StatusChange: Ringing with 15000
            > show 15001
            Ringing with 15000
            offered: Answer Reject UpdateUserData AttachUserData DeleteUserDataPair DeleteUserData ClearCall
            > 15001 reject
            ask 6-0: release 15001
            > 15001: ended
            ask 7-0: route from 6000 but 15001
            15001 StatusChange: Released with 15000
            15000 ParticipantsUpdated: Dialing with 6000
            > show 15000
            Dialing with 6000
            offered: UpdateUserData SendDtmf AttachUserData DeleteUserDataPair DeleteUserData Hangup
            > route 15002
            15000 ParticipantsUpdated: Dialing with 15002
            > 15002: ringing
            15002 StatusChange: Ringing with 15000
            > 15002: answered
            15002 StatusChange: Established with 15000
            15000 StatusChange: Established with 15002
            > show 15002
            Established with 15000
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
            > 15002: ended
            ask 11-0: release 15000
            15002 StatusChange: Released with 15000
            15000 StatusChange: Released with 15002
        "#]],
    );
}

#[test]
fn who_hangs_up_while_it_waits_in_a_queue_leaves_it() {
    check(
        "15000 dials 6000
         15000: answered
         6000: queued:6000
         15000 hangup
         15000: ended
         6000: ended",
        expect![[r#"
            > 15000 dials 6000
            ask 1-0: connect 15000
            ask 1-1: dial 6000 from 15000
            15000 StatusChange: Dialing with 6000
            > 15000: answered
            > 6000: queued:6000
            > 15000 hangup
            ask 4-0: release 15000
            > 15000: ended
            ask 5-0: release 6000
            15000 StatusChange: Released with 6000
            > 6000: ended
        "#]],
    );
}

#[test]
fn a_call_is_transferred_to_a_queue_as_soon_as_it_waits_there() {
    check(
        "+19165550104 enters 6000
         +19165550104: answered
         route 15001
         15001: ringing
         15001: answered
         15001 transfers 6001 why=bill
         6001: queued:6001
         15001: ended
         route 15002
         15002: ringing
         15002: no-answer
         route 15003
         15003: ringing
         15003: answered
         show 15003",
        expect![[r#"
            > +19165550104 enters 6000
            ask 1-0: adopt 7
            ask 1-1: route from 6000
            > +19165550104: answered
            > route 15001
            > 15001: ringing
            15001 StatusChange: Ringing with +19165550104
            > 15001: answered
            15001 StatusChange: Established with +19165550104
            > 15001 transfers 6001 why=bill
            ask 6-0: dial 6001 from 15001
            > 6001: queued:6001
            ask 7-0: release 15001
            15001 StatusChange: Released with +19165550104 why="bill"
            > 15001: ended
            > route 15002
            > 15002: ringing
            15002 StatusChange: Ringing with +19165550104 why="bill"
            > 15002: no-answer
            ask 11-0: route from 6001 but 15002
            15002 StatusChange: Released with +19165550104 why="bill"
            15002 Missed
            > route 15003
            > 15003: ringing
            15003 StatusChange: Ringing with +19165550104 why="bill"
            > 15003: answered
            15003 StatusChange: Established with +19165550104 why="bill"
            > show 15003
            Established with +19165550104 why="bill"
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
        "#]],
    );
}

#[test]
fn an_agent_of_a_queue_is_added_to_a_call_when_one_answers() {
    check(
        "15000 dials 15001
         15001: answered
         15000 adds 6000 a=1
         6000: queued:6000
         show 15001
         route 15002
         15002: ringing
         15002 reject
         15002: ended
         route 15003
         15003: ringing
         15003: answered
         show 15003",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15001: answered
            15001 StatusChange: Established with 15000
            15000 StatusChange: Established with 15001
            > 15000 adds 6000 a=1
            ask 3-0: dial 6000 from 15000
            > 6000: queued:6000
            > show 15001
            Established with 15000
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
            > route 15002
            > 15002: ringing
            15002 StatusChange: Ringing with 15001,15000 a="1"
            > 15002 reject
            ask 7-0: release 15002
            > 15002: ended
            ask 8-0: route from 6000 but 15002
            15002 StatusChange: Released with 15001,15000 a="1"
            > route 15003
            > 15003: ringing
            15003 StatusChange: Ringing with 15001,15000 a="1"
            > 15003: answered
            15003 StatusChange: Established with 15001,15000 a="1" FirstConferencePartyDN="15000"
            15000 AttachedDataChanged: Established with 15003,15001 a="1" FirstConferencePartyDN="15000"
            15000 ParticipantsUpdated: Established with 15003,15001 a="1" FirstConferencePartyDN="15000"
            15001 AttachedDataChanged: Established with 15003,15000 a="1" FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 15003,15000 a="1" FirstConferencePartyDN="15000"
            > show 15003
            Established with 15001,15000 a="1" FirstConferencePartyDN="15000"
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData MuteCall Hangup
        "#]],
    );
}

#[test]
fn a_consult_call_that_waits_in_a_queue_can_be_completed() {
    check(
        "+19165550104 enters 6000
         +19165550104: answered
         route 15001
         15001: ringing
         15001: answered
         15001 consults 6001
         15001: held
         15001/2: answered
         6001/2: queued:6001
         15001 complete-transfer
         merged
         route 15002
         15002: ringing
         15002: answered
         show 15002",
        expect![[r#"
            > +19165550104 enters 6000
            ask 1-0: adopt 7
            ask 1-1: route from 6000
            > +19165550104: answered
            > route 15001
            > 15001: ringing
            15001 StatusChange: Ringing with +19165550104
            > 15001: answered
            15001 StatusChange: Established with +19165550104
            > 15001 consults 6001
            ask 6-0: hold 15001
            ask 6-1: connect 15001
            ask 6-2: dial 6001 from 15001
            15001 StatusChange plain: Held with +19165550104
            15001/2 StatusChange: Dialing with 6001 beside its main call
            > 15001: held
            > 15001/2: answered
            > 6001/2: queued:6001
            > 15001 complete-transfer
            ask 10-0: merge 15001 and 15001/2 for a Transfer
            > merged
            15001 StatusChange: Released with +19165550104
            15001/2 StatusChange: Released with 6001 beside its main call
            > route 15002
            > 15002: ringing
            15002 StatusChange: Ringing with +19165550104
            > 15002: answered
            15002 StatusChange: Established with +19165550104
            > show 15002
            Established with +19165550104
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
        "#]],
    );
}

#[test]
fn a_number_that_forwards_its_calls_to_a_queue_has_them_wait_there() {
    check(
        "15000 dials 15001
         15000: answered
         15001: queued:6000
         show 15000
         route 15002
         15002: ringing
         show 15002",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15000: answered
            > 15001: queued:6000
            15000 ParticipantsUpdated: Dialing with 6000
            > show 15000
            Dialing with 6000
            offered: UpdateUserData SendDtmf AttachUserData DeleteUserDataPair DeleteUserData Hangup
            > route 15002
            15000 ParticipantsUpdated: Dialing with 15002
            > 15002: ringing
            15002 StatusChange: Ringing with 15000
            > show 15002
            Ringing with 15000
            offered: Answer Reject UpdateUserData AttachUserData DeleteUserDataPair DeleteUserData ClearCall
        "#]],
    );
}

#[test]
fn a_queue_that_finds_who_is_on_the_call_is_to_find_another() {
    check(
        "15000 dials 15001
         15001: answered
         15000 adds 6000
         6000: queued:6000
         route 15001
         route 15002
         15002: ringing",
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
            > route 15001
            ask 5-0: route from 6000 but 15001
            ask 5-1: release ?
            > route 15002
            > 15002: ringing
            15002 StatusChange: Ringing with 15001,15000
        "#]],
    );
}
