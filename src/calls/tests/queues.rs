//! Calls that come in by a queue.

use expect_test::expect;

use crate::calls::tests::script::check;

#[test]
fn a_call_comes_in_and_is_brought_to_an_agent() {
    check(
        "+19165550104 enters 6000
         +19165550104: answered
         route 15001
         15001: ringing
         show 15001
         15001 answer
         15001: answered
         show 15001
         +19165550104: ended",
        expect![[r#"
            > +19165550104 enters 6000
            ask 1-0: adopt 7
            ask 1-1: route from 6000
            > +19165550104: answered
            > route 15001
            > 15001: ringing
            15001 StatusChange: Ringing with +19165550104
            > show 15001
            Ringing with +19165550104
            offered: Answer Reject UpdateUserData AttachUserData DeleteUserDataPair DeleteUserData ClearCall
            > 15001 answer
            ask 5-0: answer 15001
            > 15001: answered
            15001 StatusChange: Established with +19165550104
            > show 15001
            Established with +19165550104
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
            > +19165550104: ended
            ask 7-0: release 15001
            15001 StatusChange: Released with +19165550104
        "#]],
    );
}

#[test]
fn a_rejected_call_goes_back_to_its_queue() {
    check(
        "+19165550104 enters 6000
         +19165550104: answered
         route 15001
         15001: ringing
         15001 reject
         15001: ended
         route 15002
         15002: ringing
         15002 hangup
         15002: ended",
        expect![[r#"
            > +19165550104 enters 6000
            ask 1-0: adopt 7
            ask 1-1: route from 6000
            > +19165550104: answered
            > route 15001
            > 15001: ringing
            15001 StatusChange: Ringing with +19165550104
            > 15001 reject
            ask 5-0: release 15001
            > 15001: ended
            ask 6-0: route from 6000 but 15001
            15001 StatusChange: Released with +19165550104
            > route 15002
            > 15002: ringing
            15002 StatusChange: Ringing with +19165550104
            > 15002 hangup
            ask 9-0: release 15002
            > 15002: ended
            ask 10-0: route from 6000 but 15002
            15002 StatusChange: Released with +19165550104
        "#]],
    );
}

#[test]
fn a_call_that_is_not_taken_goes_back_and_is_counted_as_missed() {
    check(
        "+19165550104 enters 6000
         +19165550104: answered
         route 15001
         15001: ringing
         15001: no-answer
         route 15001
         15001: ringing
         15001: answered
         15001 reject",
        expect![[r#"
            > +19165550104 enters 6000
            ask 1-0: adopt 7
            ask 1-1: route from 6000
            > +19165550104: answered
            > route 15001
            > 15001: ringing
            15001 StatusChange: Ringing with +19165550104
            > 15001: no-answer
            ask 5-0: route from 6000 but 15001
            15001 StatusChange: Released with +19165550104
            15001 Missed
            > route 15001
            > 15001: ringing
            15001 StatusChange: Ringing with +19165550104
            > 15001: answered
            15001 StatusChange: Established with +19165550104
            > 15001 reject
            refused: Reject is not allowed while the call is Established
        "#]],
    );
}

#[test]
fn a_caller_who_hangs_up_while_it_waits_or_rings_ends_the_call() {
    check(
        "+19165550104 enters 6000
         +19165550104: answered
         +19165550104: ended",
        expect![[r#"
            > +19165550104 enters 6000
            ask 1-0: adopt 7
            ask 1-1: route from 6000
            > +19165550104: answered
            > +19165550104: ended
            ask 3-0: release 6000
        "#]],
    );
    check(
        "+19165550104 enters 6000
         +19165550104: answered
         route 15001
         15001: ringing
         +19165550104: ended
         15001: ended",
        expect![[r#"
            > +19165550104 enters 6000
            ask 1-0: adopt 7
            ask 1-1: route from 6000
            > +19165550104: answered
            > route 15001
            > 15001: ringing
            15001 StatusChange: Ringing with +19165550104
            > +19165550104: ended
            ask 5-0: release 15001
            15001 StatusChange: Released with +19165550104
            > 15001: ended
        "#]],
    );
}

#[test]
fn a_queue_that_there_is_not_ends_the_call() {
    check(
        "+19165550104 enters 6000
         +19165550104: answered
         refused",
        expect![[r#"
            > +19165550104 enters 6000
            ask 1-0: adopt 7
            ask 1-1: route from 6000
            > +19165550104: answered
            > refused
            ask 3-0: release +19165550104
        "#]],
    );
}

#[test]
fn a_call_that_waits_in_a_queue_is_not_given_up() {
    check(
        "+19165550104 enters 6000
         +19165550104: answered
         wait 600
         time out 0",
        expect![[r#"
            > +19165550104 enters 6000
            ask 1-0: adopt 7
            ask 1-1: route from 6000
            > +19165550104: answered
            > wait 600
            > time out 0
            nothing
        "#]],
    );
}

#[test]
fn only_a_call_of_a_queue_can_be_rejected() {
    check(
        "15000 dials 15001
         15001: ringing
         15001 reject",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15001: ringing
            15001 StatusChange: Ringing with 15000
            > 15001 reject
            refused: Reject is not allowed while the call is Ringing
        "#]],
    );
}
