//! Calls between two.

use expect_test::expect;

use crate::calls::tests::script::check;

#[test]
fn a_call_is_dialled_answered_held_and_hung_up() {
    check(
        "15000 dials 15001 key=value
         show 15000
         15000: ringing
         15000: answered
         15001: ringing
         show 15001
         15001 answer
         15001: answered
         show 15001
         15001 hold
         15001: held
         show 15001
         15001 retrieve
         15001: retrieved
         15000 hangup
         15000: ended
         show 15001
         15001: ended",
        expect![[r#"
            > 15000 dials 15001 key=value
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001 key="value"
            > show 15000
            Dialing with 15001 key="value"
            offered: UpdateUserData SendDtmf AttachUserData DeleteUserDataPair DeleteUserData Hangup
            > 15000: ringing
            > 15000: answered
            > 15001: ringing
            15001 StatusChange: Ringing with 15000 key="value"
            > show 15001
            Ringing with 15000 key="value"
            offered: Answer UpdateUserData AttachUserData DeleteUserDataPair DeleteUserData ClearCall
            > 15001 answer
            ask 5-0: answer 15001
            > 15001: answered
            15001 StatusChange: Established with 15000 key="value"
            15000 StatusChange: Established with 15001 key="value"
            > show 15001
            Established with 15000 key="value"
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
            > 15001 hold
            ask 7-0: hold 15001
            > 15001: held
            15001 StatusChange: Held with 15000 key="value"
            > show 15001
            Held with 15000 key="value"
            offered: UpdateUserData Retrieve InitiateConference SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
            > 15001 retrieve
            ask 9-0: retrieve 15001
            > 15001: retrieved
            15001 StatusChange: Established with 15000 key="value"
            > 15000 hangup
            ask 11-0: release 15000
            > 15000: ended
            ask 12-0: release 15001
            15000 StatusChange: Released with 15001 key="value"
            15001 StatusChange: Released with 15000 key="value"
            > show 15001
            Released with 15000 key="value"
            offered:
            > 15001: ended
        "#]],
    );
}

#[test]
fn a_dialled_number_that_fails_ends_the_call() {
    check(
        "15000 dials 8000
         15000: answered
         8000: busy",
        expect![[r#"
            > 15000 dials 8000
            ask 1-0: connect 15000
            ask 1-1: dial 8000 from 15000
            15000 StatusChange: Dialing with 8000
            > 15000: answered
            > 8000: busy
            ask 3-0: release 15000
            15000 StatusChange: Released with 8000
            15000 Error Busy
        "#]],
    );
    check(
        "15000 dials 15001
         15000: answered
         15001: ringing
         15001: no-answer
         15000: ended",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15000: answered
            > 15001: ringing
            15001 StatusChange: Ringing with 15000
            > 15001: no-answer
            ask 4-0: release 15000
            15001 StatusChange: Released with 15000
            15000 StatusChange: Released with 15001
            15000 Error NoAnswer
            > 15000: ended
        "#]],
    );
}

#[test]
fn nobody_dials_himself() {
    check(
        "15000 dials 15000",
        expect![[r#"
        > 15000 dials 15000
        refused: 15000 is already on the call
    "#]],
    );
}

#[test]
fn a_caller_whose_own_device_fails_is_told_and_the_target_let_go() {
    check(
        "15000 dials 15001
         refuse 0
         15001: ended",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > refuse 0
            ask 2-0: release 15001
            15000 StatusChange: Released with 15001
            15000 Error Failed
            > 15001: ended
        "#]],
    );
    check(
        "15000 dials 15001
         15001: ringing
         15000: busy",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15001: ringing
            15001 StatusChange: Ringing with 15000
            > 15000: busy
            ask 3-0: release 15001
            15000 StatusChange: Released with 15001
            15001 StatusChange: Released with 15000
            15000 Error Busy
        "#]],
    );
}

#[test]
fn a_caller_hangs_up_while_it_rings() {
    check(
        "15000 dials 15001
         15000: answered
         15001: ringing
         15000 hangup
         15000 hangup
         15000: ended
         15001: ended",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15000: answered
            > 15001: ringing
            15001 StatusChange: Ringing with 15000
            > 15000 hangup
            ask 4-0: release 15000
            > 15000 hangup
            already asked
            > 15000: ended
            ask 5-0: release 15001
            15000 StatusChange: Released with 15001
            15001 StatusChange: Released with 15000
            > 15001: ended
        "#]],
    );
}

#[test]
fn what_the_switch_refuses_is_told_to_who_asked() {
    check(
        "15000 dials 15001
         15001: ringing
         15001: answered
         15001 hold
         15001 hold
         refuse 1
         15001 hold",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15001: ringing
            15001 StatusChange: Ringing with 15000
            > 15001: answered
            15001 StatusChange: Established with 15000
            15000 StatusChange: Established with 15001
            > 15001 hold
            ask 4-0: hold 15001
            > 15001 hold
            already asked
            > refuse 1
            15001 Error Failed
            > 15001 hold
            ask 6-0: hold 15001
        "#]],
    );
}

#[test]
fn asks_that_stay_unanswered_time_out() {
    check(
        "15000 dials 15001
         15000: answered
         15001: ringing
         time out 0
         15001: answered
         15001 hold
         time out 0
         15000 adds 15002
         time out 0
         15002: answered
         15002: ended",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15000: answered
            > 15001: ringing
            15001 StatusChange: Ringing with 15000
            > time out 0
            nothing
            > 15001: answered
            15001 StatusChange: Established with 15000
            15000 StatusChange: Established with 15001
            > 15001 hold
            ask 5-0: hold 15001
            > time out 0
            15001 Error Timeout
            > 15000 adds 15002
            ask 7-0: dial 15002 from 15000
            > time out 0
            ask 8-0: release 15002
            15000 Error Timeout
            > 15002: answered
            nothing
            > 15002: ended
        "#]],
    );
    check(
        "15000 dials 15001
         time out 1",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > time out 1
            ask 2-0: release 15000
            ask 2-1: release 15001
            15000 StatusChange: Released with 15001
            15000 Error Timeout
        "#]],
    );
}
