//! What a client is promised, and when it is told that this has changed.

use expect_test::expect;

use crate::bayeux::tests::play::{Kind, check};

#[test]
fn only_connects_carry_events_if_that_was_promised() {
    check(
        Kind::ConnectOnly,
        "connect 1\n deliver 11 one\n ride 100\n connect 2\n connect 3\n deliver 12 two\n ride 101",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true}
            00.0s ride 100:
            00.0s answer 2: one {id:2,successful:true}
            00.0s ride 101:
        "#]],
    );
}

#[test]
fn a_crowded_connect_is_answered_at_once_and_its_client_is_told_when_there_is_room_again() {
    check(
        Kind::Plain,
        "connect 1 crowded 2000\n wait 2\n deliver 11 one\n connect 2 crowded 2000\n written 2\n wait 2\n connect 3
         wait 1\n deliver 12 two\n written 3\n connect 4\n wait 30",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true,advice:{reconnect:retry,interval:2000,multiple-clients:true}}
            02.0s answer 2: one {id:2,successful:true,advice:{reconnect:retry,interval:2000,multiple-clients:true}}
            05.0s answer 3: two {id:3,successful:true,advice:{reconnect:retry,interval:0,timeout:30000}}
            35.0s answer 4: {id:4,successful:true}
        "#]],
    );
}

#[test]
fn a_crowded_client_may_stay_away_for_as_long_as_it_was_told_to() {
    check(
        Kind::Plain,
        "connect 1 crowded 2000\n wait 11.9\n owed\n wait 1",
        expect![[r#"
        00.0s answer 1: {id:1,successful:true,advice:{reconnect:retry,interval:2000,multiple-clients:true}}
        11.9s owed (0, 0)
        12.0s expired
    "#]],
    );
}

#[test]
fn a_new_promise_is_told_with_the_parked_connect_or_with_the_next() {
    check(
        Kind::Plain,
        "connect 1\n connect 2\n promise 5000 1000\n deliver 11 one\n written 2\n connect 3\n wait 5",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true}
            00.0s answer 2: one {id:2,successful:true,advice:{reconnect:retry,interval:1000,timeout:5000}}
            05.0s answer 3: {id:3,successful:true}
        "#]],
    );
    check(
        Kind::Plain,
        "connect 1\n promise 5000 1000\n connect 2\n wait 1\n lost 2\n connect 3\n connect 4\n wait 5\n wait 5\n wait 11",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true}
            01.0s superseded 3
            06.0s answer 4: {id:4,successful:true,advice:{reconnect:retry,interval:1000,timeout:5000}}
            17.0s expired
        "#]],
    );
}
