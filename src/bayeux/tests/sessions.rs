//! The session without acknowledgement, in scripts and transcripts.

use std::time::Duration;

use expect_test::expect;

use crate::bayeux::tests::play::{Kind, check, connect, event, start, terms};
use crate::bayeux::{Answer, ConnectKey, Session, Terms};
use crate::ids::Position;

#[test]
fn the_first_connect_is_answered_at_once_and_the_second_is_held() {
    check(
        Kind::Plain,
        "connect 1\n connect 2\n wait 31",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true}
            30.0s answer 2: {id:2,successful:true}
        "#]],
    );
}

#[test]
fn the_first_connect_is_answered_at_once_whatever_the_client_advises() {
    check(
        Kind::Plain,
        "connect 1 timeout 5000",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true,advice:{reconnect:retry,interval:0,timeout:30000}}
        "#]],
    );
}

#[test]
fn an_event_answers_the_parked_connect() {
    check(
        Kind::Plain,
        "connect 1\n connect 2\n wait 3\n deliver 11 one\n written 2\n owed",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true}
            03.0s answer 2: one {id:2,successful:true}
            03.0s owed (0, 0)
        "#]],
    );
}

#[test]
fn what_is_owed_already_is_answered_at_once() {
    check(
        Kind::Plain,
        "connect 1\n deliver 11 one\n deliver 12 two\n connect 2",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true}
            00.0s answer 2: one two {id:2,successful:true}
        "#]],
    );
}

#[test]
fn the_client_chooses_how_long_a_connect_is_held() {
    check(
        Kind::Plain,
        "connect 1\n connect 2 timeout 0\n connect 3 timeout 2000\n wait 2\n connect 4\n wait 30",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true}
            00.0s answer 2: {id:2,successful:true,advice:{reconnect:retry,interval:0,timeout:30000}}
            02.0s answer 3: {id:3,successful:true,advice:{reconnect:retry,interval:0,timeout:30000}}
            32.0s answer 4: {id:4,successful:true}
        "#]],
    );
}

#[test]
fn a_connect_in_company_is_not_held() {
    check(
        Kind::Plain,
        "connect 1\n connect 2 together",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true}
            00.0s answer 2: {id:2,successful:true}
        "#]],
    );
}

#[test]
fn a_newer_connect_takes_the_place_of_the_parked_one() {
    check(
        Kind::Plain,
        "connect 1\n connect 2\n connect 3\n deliver 11 one",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true}
            00.0s superseded 2
            00.0s answer 3: one {id:3,successful:true}
        "#]],
    );
}

#[test]
fn without_a_connect_the_session_expires() {
    check(
        Kind::Plain,
        "wait 9\n wait 2",
        expect![[r#"
            10.0s expired
        "#]],
    );
    check(
        Kind::Plain,
        "connect 1\n wait 9\n wait 2",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true}
            10.0s expired
        "#]],
    );
}

#[test]
fn a_parked_connect_keeps_the_session_alive_and_its_loss_starts_the_clock() {
    check(
        Kind::Plain,
        "connect 1\n connect 2\n wait 29\n lost 2\n wait 9\n wait 2",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true}
            39.0s expired
        "#]],
    );
}

#[test]
fn the_clients_pause_prolongs_its_life() {
    check(
        Kind::Plain,
        "connect 1 interval 3000\n wait 12\n connect 2 timeout 0\n wait 9\n wait 2",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true,advice:{reconnect:retry,interval:3000,timeout:30000}}
            12.0s answer 2: {id:2,successful:true,advice:{reconnect:retry,interval:0,timeout:30000}}
            22.0s expired
        "#]],
    );
}

#[test]
fn any_other_message_prolongs_life_but_never_shortens_it() {
    check(
        Kind::Plain,
        "connect 1\n wait 8\n message\n wait 9\n message\n wait 11",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true}
            27.0s expired
        "#]],
    );
    check(
        Kind::Plain,
        "connect 1 interval 9000\n message\n wait 18\n wait 2",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true,advice:{reconnect:retry,interval:9000,timeout:30000}}
            19.0s expired
        "#]],
    );
}

#[test]
fn life_is_counted_from_when_the_answer_was_written() {
    check(
        Kind::Plain,
        "connect 1\n wait 5\n written 1\n wait 9\n wait 2",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true}
            15.0s expired
        "#]],
    );
}

#[test]
fn what_a_lost_response_carried_is_owed_again_in_its_old_place() {
    check(
        Kind::Plain,
        "connect 1\n connect 2\n deliver 11 one\n deliver 12 two\n lost 2\n connect 3\n written 3\n owed",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true}
            00.0s answer 2: one {id:2,successful:true}
            00.0s answer 3: one two {id:3,successful:true}
            00.0s owed (0, 0)
        "#]],
    );
}

#[test]
fn several_responses_may_be_in_flight_and_be_lost_in_any_order() {
    check(
        Kind::Plain,
        "connect 1\n deliver 11 a\n ride 100\n deliver 12 b\n deliver 12 c\n ride 101\n deliver 13 d\n ride 102
         deliver 14 e\n written 101\n owed\n lost 102\n lost 100\n connect 2",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true}
            00.0s ride 100: a
            00.0s ride 101: b c
            00.0s ride 102: d
            00.0s owed (3, 3)
            00.0s answer 2: a d e {id:2,successful:true}
        "#]],
    );
}

#[test]
fn events_of_one_position_keep_their_order_too() {
    check(
        Kind::Plain,
        "connect 1\n deliver 11 a\n ride 100\n deliver 11 b\n ride 101\n lost 101\n lost 100\n connect 2",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true}
            00.0s ride 100: a
            00.0s ride 101: b
            00.0s answer 2: a b {id:2,successful:true}
        "#]],
    );
}

#[test]
fn a_connect_waits_a_second_for_word_of_what_is_in_flight() {
    check(
        Kind::Plain,
        "connect 1\n deliver 11 a\n ride 100\n deliver 12 b\n connect 2\n wait 0.5\n lost 100\n owed",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true}
            00.0s ride 100: a
            00.5s answer 2: a b {id:2,successful:true}
            00.5s owed (2, 2)
        "#]],
    );
    check(
        Kind::Plain,
        "connect 1\n deliver 11 a\n ride 100\n connect 2\n deliver 12 b\n wait 2",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true}
            00.0s ride 100: a
            01.0s answer 2: b {id:2,successful:true}
        "#]],
    );
    check(
        Kind::Plain,
        "connect 1\n deliver 11 a\n ride 100\n connect 2 timeout 0\n wait 2",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true}
            00.0s ride 100: a
            01.0s answer 2: {id:2,successful:true,advice:{reconnect:retry,interval:0,timeout:30000}}
        "#]],
    );
}

#[test]
fn a_release_answers_the_parked_connect_and_nothing_else() {
    check(
        Kind::Plain,
        "connect 1\n release\n connect 2\n release\n release",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true}
            00.0s answer 2: {id:2,successful:true,advice:{reconnect:none}}
        "#]],
    );
}

#[test]
fn while_its_messages_are_held_together_only_time_answers_a_connect() {
    check(
        Kind::Plain,
        "connect 1\n connect 2\n together\n deliver 11 a\n lazy 12 b 100\n wait 1\n apart\n connect 3\n written 2
         together\n deliver 13 c\n wait 31",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true}
            01.0s answer 2: a b {id:2,successful:true}
            31.0s answer 3: c {id:3,successful:true}
        "#]],
    );
}

#[test]
fn a_session_is_not_owed_more_than_its_terms_allow() {
    check(
        Kind::Plain,
        "deliver 11 a\n deliver 11 b\n deliver 12 c\n deliver 13 d\n deliver 14 e\n deliver 15 f\n owed",
        expect![[r#"
            00.0s overrun
            00.0s owed (5, 5)
        "#]],
    );
    check(
        Kind::Plain,
        "deliver 11 aaaaaaaaaaaaaaaaaaaaa",
        expect![[r#"
            00.0s overrun
        "#]],
    );
    check(
        Kind::Plain,
        "deliver 11 aaaaaaaaaa\n ride 100\n deliver 12 bbbbbbbbbb\n deliver 13 c\n written 100\n deliver 13 c\n owed",
        expect![[r#"
            00.0s ride 100: aaaaaaaaaa
            00.0s overrun
            00.0s owed (2, 11)
        "#]],
    );
}

#[test]
fn an_expired_session_fails_a_connect_that_comes_too_late() {
    let now = start();
    let mut session = Session::new(now, terms(Kind::Plain), Position::new(10));
    session.handle_timeout(now + Duration::from_secs(10));
    assert!(session.is_expired() && session.poll_timeout().is_none());
    session.handle_connect(now, connect(1, None), Position::new(10)).unwrap();
    assert!(matches!(session.poll_answer(now, Position::new(10)), Some(Answer::Superseded(ConnectKey(1)))));
}

#[test]
fn terms_without_bounds_do_no_harm() {
    let now = start();
    let endless =
        Terms { timeout: Duration::MAX, interval: Duration::MAX, max_interval: Duration::MAX, ..terms(Kind::Plain) };
    let mut session = Session::new(now, endless, Position::new(10));
    assert!(session.poll_timeout() > Some(now + Duration::from_secs(1 << 30)));
    session.handle_connect(now, connect(1, None), Position::new(10)).unwrap();
    assert!(session.poll_answer(now, Position::new(10)).is_some());
}

#[test]
fn a_session_without_ack_is_settled_below_what_it_is_owed() {
    let mut session = Session::new(start(), terms(Kind::Plain), Position::new(10));
    assert_eq!(session.settled(Position::new(15)), Position::new(15));
    session.deliver(Position::new(12), event("a")).unwrap();
    session.poll_ride(start(), ConnectKey(1));
    session.deliver(Position::new(13), event("b")).unwrap();
    assert_eq!(session.settled(Position::new(15)), Position::new(11));
    session.handle_written(start(), ConnectKey(1));
    assert_eq!(session.settled(Position::new(15)), Position::new(12));
}
