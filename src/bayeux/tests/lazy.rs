//! Events that wait for company, in scripts and transcripts.

use expect_test::expect;

use crate::bayeux::tests::play::{Kind, check};

#[test]
fn a_lazy_event_does_not_answer_a_parked_connect_before_its_time() {
    check(
        Kind::Plain,
        "connect 1\n connect 2\n wait 1\n lazy 11 one 800\n wait 0.5\n lazy 12 two 800\n wait 3",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true}
            01.8s answer 2: one two {id:2,successful:true}
        "#]],
    );
}

#[test]
fn a_lazy_event_goes_with_the_next_that_is_not() {
    check(
        Kind::Plain,
        "connect 1\n connect 2\n lazy 11 one 5000\n wait 1\n deliver 12 two\n owed\n written 2\n owed",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true}
            01.0s answer 2: one two {id:2,successful:true}
            01.0s owed (2, 6)
            01.0s owed (0, 0)
        "#]],
    );
}

#[test]
fn a_lazy_event_does_not_keep_a_connect_from_being_held_but_goes_with_its_answer() {
    check(
        Kind::Plain,
        "connect 1\n lazy 11 one 50000\n connect 2\n wait 31\n written 2\n lazy 12 two 5000\n connect 3 timeout 0",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true}
            30.0s answer 2: one {id:2,successful:true}
            31.0s answer 3: two {id:3,successful:true,advice:{reconnect:retry,interval:0,timeout:30000}}
        "#]],
    );
}

#[test]
fn the_earliest_of_several_lazy_events_takes_all_along() {
    check(
        Kind::Plain,
        "connect 1\n connect 2\n lazy 11 one 5000\n lazy 12 two 2000\n lazy 13 three 9000\n wait 9",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true}
            02.0s answer 2: one two three {id:2,successful:true}
        "#]],
    );
}

#[test]
fn a_lazy_event_that_was_lost_is_no_longer_lazy() {
    check(
        Kind::Plain,
        "connect 1\n connect 2\n lazy 11 one 1000\n wait 1\n lost 2\n connect 3",
        expect![[r#"
        00.0s answer 1: {id:1,successful:true}
        01.0s answer 2: one {id:2,successful:true}
        01.0s answer 3: one {id:3,successful:true}
    "#]],
    );
}

#[test]
fn a_lazy_event_behind_a_response_that_nobody_reads_wakes_the_session_when_it_is_due_and_not_before() {
    check(
        Kind::Plain,
        "connect 1\n deliver 11 one\n ride 9\n connect 2\n lazy 12 two 5000\n wait 9\n lost 9\n connect 3\n wait 1",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true}
            00.0s ride 9: one
            05.0s answer 2: two {id:2,successful:true}
            10.0s answer 3: one {id:3,successful:true}
        "#]],
    );
}

#[test]
fn with_ack_a_lazy_event_waits_once_and_is_repeated_at_once() {
    check(
        Kind::Ack,
        "connect 1 ack 0\n connect 2 ack 10\n lazy 11 one 800\n wait 1\n connect 3 ack 10\n lazy 12 two 800
         connect 4 ack 11\n wait 1",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true,ext:{ack:10}}
            00.8s answer 2: one {id:2,successful:true,ext:{ack:11}}
            01.0s answer 3: one {id:3,successful:true,ext:{ack:11}}
            01.8s answer 4: two {id:4,successful:true,ext:{ack:12}}
        "#]],
    );
}

#[test]
fn with_ack_a_lazy_event_behind_an_acknowledged_one_still_waits() {
    check(
        Kind::Ack,
        "connect 1 ack 0\n connect 2 ack 10\n deliver 11 one\n lazy 12 two 800\n connect 3 ack 11\n wait 1",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true,ext:{ack:10}}
            00.0s answer 2: one {id:2,successful:true,ext:{ack:11}}
            00.8s answer 3: two {id:3,successful:true,ext:{ack:12}}
        "#]],
    );
}

#[test]
fn a_lazy_event_rides_along_with_any_response() {
    check(
        Kind::Plain,
        "connect 1\n connect 2\n lazy 11 one 800\n ride 100\n wait 2",
        expect![[r#"
        00.0s answer 1: {id:1,successful:true}
        00.0s ride 100: one
    "#]],
    );
}
