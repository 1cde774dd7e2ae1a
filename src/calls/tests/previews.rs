//! Calls that an agent looks at before it makes them.

use std::time::Duration;

use expect_test::expect;

use crate::calls::Operation;
use crate::calls::tests::rights::asker;
use crate::calls::tests::script::{Play, RULES, call_id, check};

#[test]
fn a_preview_is_the_agents_alone_until_it_accepts() {
    check(
        "15000 previews 7000 Campaign=spring
         show 15000
         7000: answered
         15000: ended
         15000 hangup
         15000 update:a=1
         15000 accept
         15000 accept
         15000: answered
         7000: ringing
         7000: answered
         show 15000
         15000 hangup
         15000: ended",
        expect![[r#"
            > 15000 previews 7000 Campaign=spring
            15000 StatusChange: Preview with 7000 Campaign="spring"
            > show 15000
            Preview with 7000 Campaign="spring"
            offered: Accept Decline
            > 7000: answered
            nothing
            > 15000: ended
            nothing
            > 15000 hangup
            refused: Hangup is not allowed while the call is Preview
            > 15000 update:a=1
            refused: UpdateUserData is not allowed while the call is Preview
            > 15000 accept
            ask 2-0: connect 15000
            ask 2-1: dial 7000 from 15000
            15000 StatusChange: Dialing with 7000 Campaign="spring"
            > 15000 accept
            refused: Accept is not allowed while the call is Dialing
            > 15000: answered
            > 7000: ringing
            > 7000: answered
            15000 StatusChange: Established with 7000 Campaign="spring"
            > show 15000
            Established with 7000 Campaign="spring"
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
            > 15000 hangup
            ask 6-0: release 15000
            > 15000: ended
            ask 7-0: release 7000
            15000 StatusChange: Released with 7000 Campaign="spring"
        "#]],
    );
}

#[test]
fn a_preview_that_is_declined_is_told_once_and_over() {
    check(
        "15000 previews 15001
         15001 accept
         15000 decline
         15000 decline
         15000 accept
         15000 dispose:DispositionCode=busy",
        expect![[r#"
            > 15000 previews 15001
            15000 StatusChange: Preview with 15001
            > 15001 accept
            refused: the call is not known
            > 15000 decline
            15000 StatusChange: PreviewCancelled with 15001
            > 15000 decline
            refused: Decline is not allowed while the call is Released
            > 15000 accept
            refused: Accept is not allowed while the call is Released
            > 15000 dispose:DispositionCode=busy
        "#]],
    );
}

#[test]
fn a_call_that_was_accepted_and_cannot_be_made_fails_as_any_other() {
    check(
        "15000 previews 8000
         15000 accept
         15000: answered
         8000: busy",
        expect![[r#"
            > 15000 previews 8000
            15000 StatusChange: Preview with 8000
            > 15000 accept
            ask 2-0: connect 15000
            ask 2-1: dial 8000 from 15000
            15000 StatusChange: Dialing with 8000
            > 15000: answered
            > 8000: busy
            ask 4-0: release 15000
            15000 StatusChange: Released with 8000
            15000 Error Busy
        "#]],
    );
}

#[test]
fn a_preview_that_is_looked_at_for_too_long_is_over() {
    let mut play = Play::default();
    play.line("15000 previews 7000");
    let leg = play.legs["15000"];
    let left = |play: &Play| {
        play.family
            .as_ref()
            .unwrap()
            .preview_due(play.now(), Duration::from_secs(60))
            .map(|(leg, left)| (leg, left.as_secs()))
    };
    assert_eq!(left(&play), Some((leg, 60)));
    play.line("wait 59");
    assert_eq!(left(&play), Some((leg, 1)));
    play.line("wait 2");
    assert_eq!(left(&play), Some((leg, 0)));
    let mut made = play.family.clone().unwrap();
    for expected in [true, false] {
        let now = play.now();
        let changed = play.family.as_mut().unwrap().handle_preview_timeout(now, leg);
        assert_eq!(changed, expected);
        play.outcome(changed);
    }
    play.line("15000 accept");
    expect![[r#"
        15000 StatusChange: Preview with 7000
        15000 StatusChange: PreviewCancelled with 7000
        nothing
        refused: Accept is not allowed while the call is Released
    "#]]
    .assert_eq(&play.transcript);
    assert_eq!(left(&play), None);
    // Who made the call in time goes on with it.
    made.handle_operation(play.now(), RULES, &asker("15000"), &call_id(), Operation::Accept).unwrap();
    assert!(!made.handle_preview_timeout(play.now(), leg));
}
