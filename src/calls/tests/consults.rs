//! Consult calls.

use expect_test::expect;

use crate::calls::tests::script::check;

#[test]
fn an_agent_goes_to_and_fro_between_the_calls() {
    check(
        "15000 dials 15001
         15001: answered
         15000 consults 15002
         15000: held
         15000/2: answered
         15002/2: answered
         15000 swap
         swapped
         show 15000
         show 15000/2
         15000 hold
         15000: held
         show 15000
         show 15000/2
         15000 retrieve
         15000: retrieved
         15000/2 swap-back
         swapped
         15001 swap",
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
            > 15002/2: answered
            15002/2 StatusChange: Established with 15000
            15000/2 StatusChange: Established with 15002 beside its main call
            15000 StatusChange: Held with 15001
            > 15000 swap
            ask 7-0: hold 15000/2 and retrieve 15000
            > swapped
            15000/2 StatusChange: Held with 15002 beside its main call
            15000 StatusChange: Established with 15001
            > show 15000
            Established with 15001
            offered: UpdateUserData SendDtmf SwapCalls InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData CompleteConference DeleteUserDataPair SingleStepConference DeleteUserData Hangup CompleteTransfer
            > show 15000/2
            Held with 15002 beside its main call
            offered: UpdateUserData SwapCalls AttachUserData CompleteConference DeleteUserDataPair DeleteUserData Hangup CompleteTransfer
            > 15000 hold
            ask 9-0: hold 15000
            > 15000: held
            15000 StatusChange: Held with 15001
            15000/2 StatusChange: Held with 15002 beside its main call
            > show 15000
            Held with 15001
            offered: UpdateUserData Retrieve InitiateConference SingleStepTransfer InitiateTransfer AttachUserData CompleteConference DeleteUserDataPair SingleStepConference DeleteUserData Hangup CompleteTransfer
            > show 15000/2
            Held with 15002 beside its main call
            offered: UpdateUserData Retrieve AttachUserData CompleteConference DeleteUserDataPair DeleteUserData Hangup CompleteTransfer
            > 15000 retrieve
            ask 11-0: retrieve 15000
            > 15000: retrieved
            15000 StatusChange: Established with 15001
            15000/2 StatusChange: Held with 15002 beside its main call
            > 15000/2 swap-back
            ask 13-0: hold 15000 and retrieve 15000/2
            > swapped
            15000 StatusChange: Held with 15001
            15000/2 StatusChange: Established with 15002 beside its main call
            > 15001 swap
            refused: SwapCalls is not allowed while the call is Established
        "#]],
    );
}

#[test]
fn a_consult_call_is_put_on_hold_while_its_target_rings() {
    check(
        "15000 dials 15001
         15001: answered
         15000 consults 15002
         15000: held
         15000/2: answered
         15002/2: ringing
         15000 swap
         swapped
         15000/2 swap-back
         swapped
         15002/2: answered",
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
            > 15000 swap
            ask 7-0: hold 15000/2 and retrieve 15000
            > swapped
            15000/2 StatusChange: Held with 15002 beside its main call
            15000 StatusChange: Established with 15001
            > 15000/2 swap-back
            ask 9-0: hold 15000 and retrieve 15000/2
            > swapped
            15000 StatusChange: Held with 15001
            15000/2 StatusChange: Dialing with 15002 beside its main call
            > 15002/2: answered
            15002/2 StatusChange: Established with 15000
            15000/2 StatusChange: Established with 15002 beside its main call
            15000 StatusChange: Held with 15001
        "#]],
    );
}

#[test]
fn a_target_that_cannot_be_consulted_leaves_the_main_call_on_hold() {
    check(
        "15000 dials 15001
         15001: answered
         15000 consults 8000
         15000: held
         8000/2: busy
         show 15000
         15000 consults 15001
         15000 consults 15000",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15001: answered
            15001 StatusChange: Established with 15000
            15000 StatusChange: Established with 15001
            > 15000 consults 8000
            ask 3-0: hold 15000
            ask 3-1: connect 15000
            ask 3-2: dial 8000 from 15000
            15000 StatusChange plain: Held with 15001
            15000/2 StatusChange: Dialing with 8000 beside its main call
            > 15000: held
            > 8000/2: busy
            ask 5-0: release 15000/2
            15000/2 StatusChange: Released with 8000 beside its main call
            15000 Error Busy
            15000 StatusChange: Held with 15001
            > show 15000
            Held with 15001
            offered: UpdateUserData Retrieve InitiateConference SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
            > 15000 consults 15001
            refused: 15001 is already on the call
            > 15000 consults 15000
            refused: 15000 is already on the call
        "#]],
    );
}

#[test]
fn a_consult_call_that_is_hung_up_leaves_the_main_call_on_hold() {
    check(
        "15000 dials 15001
         15001: answered
         15000 consults 15002
         15000: held
         15002/2: answered
         15000/2 hangup
         15000/2: ended
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
            > 15000/2 hangup
            ask 6-0: release 15000/2
            > 15000/2: ended
            ask 7-0: release 15002/2
            15000/2 StatusChange: Released with 15002 beside its main call
            15002/2 StatusChange: Released with 15000
            15000 StatusChange: Held with 15001
            > show 15000
            Held with 15001
            offered: UpdateUserData Retrieve InitiateConference SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
        "#]],
    );
}

#[test]
fn a_consult_call_stands_alone_once_the_main_call_is_over() {
    check(
        "15000 dials 15001
         15001: answered
         15000 consults 15002
         15000: held
         15002/2: answered
         15001: ended
         show 15000/2
         15000/2 complete-transfer
         15002/2: ended",
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
            > 15001: ended
            ask 6-0: release 15000
            15001 StatusChange: Released with 15000
            15000 StatusChange: Released with 15001
            15000/2 StatusChange: Established with 15002
            > show 15000/2
            Established with 15002
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
            > 15000/2 complete-transfer
            refused: CompleteTransfer is not allowed while the call is Established
            > 15002/2: ended
            ask 7-0: release 15000/2
            15002/2 StatusChange: Released with 15000
            15000/2 StatusChange: Released with 15002
        "#]],
    );
}

#[test]
fn a_main_call_that_the_switch_does_not_hold_is_taken_back() {
    check(
        "15000 dials 15001
         15001: answered
         15000 consults 15002
         refuse 1",
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
            > refuse 1
            15000 StatusChange: Established with 15001
            15000 Error Failed
            15000/2 StatusChange: Dialing with 15002 beside its main call
        "#]],
    );
}
