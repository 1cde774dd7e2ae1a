//! The session with acknowledgement, in scripts and transcripts.

use expect_test::expect;

use crate::bayeux::tests::play::{Kind, check, connect, event, start, terms};
use crate::bayeux::{Answer, Session};
use crate::ids::Position;

#[test]
fn with_ack_an_event_is_sent_again_until_it_is_acknowledged() {
    check(
        Kind::Ack,
        "connect 1 ack 0
         connect 2 ack 10
         deliver 11 one
         connect 3 ack 10
         written 3
         connect 4 ack 0
         cursor 15
         deliver 16 two
         connect 5 ack 11
         connect 6 ack 16
         owed",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true,ext:{ack:10}}
            00.0s answer 2: one {id:2,successful:true,ext:{ack:11}}
            00.0s answer 3: one {id:3,successful:true,ext:{ack:11}}
            00.0s answer 4: one {id:4,successful:true,ext:{ack:11}}
            00.0s answer 5: two {id:5,successful:true,ext:{ack:16}}
            00.0s owed (0, 0)
        "#]],
    );
}

#[test]
fn with_ack_the_number_is_the_cursor_even_if_nothing_was_owed() {
    check(
        Kind::Ack,
        "connect 1 ack 0\n cursor 20\n connect 2 ack 10 timeout 0\n connect 3 ack 20\n wait 30",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true,ext:{ack:10}}
            00.0s answer 2: {id:2,successful:true,advice:{reconnect:retry,interval:0,timeout:30000},ext:{ack:20}}
            30.0s answer 3: {id:3,successful:true,ext:{ack:20}}
        "#]],
    );
}

#[test]
fn with_ack_all_of_a_position_goes_into_one_answer() {
    check(
        Kind::Ack,
        "connect 1\n deliver 11 a\n deliver 11 b\n connect 2 ack 10\n connect 3 ack 11\n owed",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true,ext:{ack:10}}
            00.0s answer 2: a b {id:2,successful:true,ext:{ack:11}}
            00.0s owed (0, 0)
        "#]],
    );
}

#[test]
fn with_ack_an_answer_carries_nothing_beyond_the_cursor_that_is_its_number() {
    check(
        Kind::Ack,
        "connect 1\n deliver 11 a\n deliver 20 b\n cursor 15\n connect 2 ack 10\n connect 3 ack 15\n wait 1\n cursor 20",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true,ext:{ack:10}}
            00.0s answer 2: a {id:2,successful:true,ext:{ack:15}}
            01.0s answer 3: b {id:3,successful:true,ext:{ack:20}}
        "#]],
    );
}

#[test]
fn with_ack_nothing_rides_along() {
    check(
        Kind::Ack,
        "connect 1\n deliver 11 a\n ride 100\n connect 2",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true,ext:{ack:10}}
            00.0s ride 100:
            00.0s answer 2: a {id:2,successful:true,ext:{ack:11}}
        "#]],
    );
}

#[test]
fn with_ack_a_number_above_the_cursor_ends_the_session() {
    check(
        Kind::Ack,
        "connect 1 ack 0\n connect 2 ack 11",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true,ext:{ack:10}}
            00.0s unknown ack
        "#]],
    );
}

#[test]
fn without_ack_the_number_means_nothing() {
    check(
        Kind::Plain,
        "connect 1 ack 99\n deliver 11 a\n connect 2 ack 99",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true}
            00.0s answer 2: a {id:2,successful:true}
        "#]],
    );
}

#[test]
fn an_adopted_session_goes_on_where_its_client_is() {
    let now = start();
    let mut session = Session::adopted(now, terms(Kind::Ack), Position::new(10), Position::new(12));
    assert_eq!(session.settled(Position::new(90)), Position::new(12));
    session.deliver(Position::new(14), event("a")).unwrap();
    session.deliver(Position::new(90), event("b")).unwrap();
    assert!(session.handle_connect(now, connect(1, Some(91)), Position::new(90)).is_err());
    session.handle_connect(now, connect(1, Some(50)), Position::new(90)).unwrap();
    let Some(Answer::Reply { events, .. }) = session.poll_answer(now, Position::new(90)) else { panic!() };
    assert_eq!(events, [event("b")]);
    session.handle_connect(now, connect(2, Some(90)), Position::new(90)).unwrap();
    assert!(session.poll_answer(now, Position::new(90)).is_none() && session.is_parked());
}
