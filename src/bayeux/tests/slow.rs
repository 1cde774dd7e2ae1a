//! Clients that do not take what they are owed.

use bytes::Bytes;
use expect_test::expect;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::bayeux::tests::play::{Kind, check, connect, start, terms};
use crate::bayeux::{Answer, ConnectKey, Event, Overrun, QueueLimit, Session, Terms};
use crate::ids::{Position, WallTime};

#[test]
fn the_oldest_are_dropped_and_the_client_is_told_how_many_in_their_place() {
    check(
        Kind::DropOldest,
        "connect 1\n deliver 11 a\n deliver 12 b\n deliver 13 c\n deliver 14 d\n deliver 15 e\n deliver 16 f
         deliver 17 g\n owed\n connect 2\n written 2\n connect 3\n written 3\n connect 4\n written 4\n owed",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true}
            00.0s owed (5, 61)
            00.0s answer 2: {"data":{"dropped":3},"channel":"/service/partyline/gap"} d {id:2,successful:true}
            00.0s answer 3: e f {id:3,successful:true}
            00.0s answer 4: g {id:4,successful:true}
            00.0s owed (0, 0)
        "#]],
    );
}

#[test]
fn a_gap_that_was_lost_on_its_way_is_told_again_with_what_was_dropped_since() {
    check(
        Kind::DropOldest,
        "connect 1\n deliver 11 a\n deliver 12 b\n deliver 13 c\n deliver 14 d\n deliver 15 e\n deliver 16 f\n ride 100
         lost 100\n deliver 17 g\n deliver 18 h\n connect 2\n written 2\n connect 3",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true}
            00.0s ride 100: {"data":{"dropped":2},"channel":"/service/partyline/gap"} c
            00.0s answer 2: {"data":{"dropped":4},"channel":"/service/partyline/gap"} e {id:2,successful:true}
            00.0s answer 3: f g {id:3,successful:true}
        "#]],
    );
}

#[test]
fn what_is_in_flight_is_not_dropped() {
    check(
        Kind::DropOldest,
        "connect 1\n deliver 11 a\n deliver 12 b\n deliver 13 c\n ride 100\n deliver 14 d\n deliver 15 e\n deliver 16 f
         deliver 17 g\n owed\n lost 100\n connect 2\n written 2\n connect 3\n written 3\n connect 4",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true}
            00.0s ride 100: a b
            00.0s owed (5, 61)
            00.0s answer 2: a b {id:2,successful:true}
            00.0s answer 3: {"data":{"dropped":3},"channel":"/service/partyline/gap"} f {id:3,successful:true}
            00.0s answer 4: g {id:4,successful:true}
        "#]],
    );
}

#[test]
fn responses_on_their_way_leave_room_for_the_newest() {
    check(
        Kind::DropOldest,
        "connect 1\n deliver 11 a\n deliver 12 b\n deliver 13 c\n deliver 14 d\n deliver 15 e\n connect 2
         deliver 16 f\n deliver 17 g\n ride 100\n connect 3\n wait 2\n deliver 18 h\n written 2\n wait 0\n written 3
         connect 4\n written 4\n owed",
        expect![[r#"
            00.0s answer 1: {id:1,successful:true}
            00.0s answer 2: a b {id:2,successful:true}
            00.0s ride 100:
            02.0s answer 3: {"data":{"dropped":4},"channel":"/service/partyline/gap"} g {id:3,successful:true}
            02.0s answer 4: h {id:4,successful:true}
            02.0s owed (0, 0)
        "#]],
    );
}

#[test]
fn a_session_that_is_over_gets_all_with_its_last_answer() {
    let mut session = Session::new(start(), terms(Kind::DropOldest), Position::new(10));
    session.handle_connect(start(), connect(1, None), Position::new(10)).unwrap();
    assert!(session.poll_answer(start(), Position::new(10)).is_some());
    session.handle_connect(start(), connect(2, None), Position::new(10)).unwrap();
    for n in 11..15 {
        session.deliver(Position::new(n), Event(Bytes::from_static(b"e"))).unwrap();
    }
    session.handle_farewell();
    let answer = session.poll_answer(start(), Position::new(14));
    assert!(matches!(&answer, Some(Answer::Reply { events, .. }) if events.len() == 4), "{answer:?}");
}

#[test]
fn what_has_no_place_even_then_is_an_overrun() {
    let terms = Terms { queue_messages: 1, ..terms(Kind::DropOldest) };
    let mut session = Session::new(start(), terms, Position::new(10));
    session.deliver(Position::new(11), Event(Bytes::from_static(b"a"))).unwrap();
    assert_eq!(session.poll_ride(start(), ConnectKey(1)).len(), 1);
    assert_eq!(session.deliver(Position::new(12), Event(Bytes::from_static(b"b"))), Err(Overrun));
}

#[test]
fn word_of_a_gap_bears_the_time_of_the_last_that_was_dropped_if_it_is_told() {
    let mut session = Session::new(start(), terms(Kind::DropOldest), Position::new(10));
    for n in 1..8 {
        session.handle_time(WallTime::from_millis(1_000 * n));
        session.deliver(Position::new(10 + n), Event(Bytes::from_static(b"e"))).unwrap();
    }
    let ride = session.poll_ride(start(), ConnectKey(1));
    let gap = r#"{"data":{"dropped":3},"channel":"/service/partyline/gap","timestamp":"1970-01-01T00:00:07.000Z"}"#;
    assert_eq!(std::str::from_utf8(&ride[0].0), Ok(gap));
}

/// Every event is seen, or counted in the gap that stands in its place.
#[test]
fn no_event_is_missed_in_silence() {
    let (mut gaps, mut seen) = (0, 0);
    let (mut too_many, mut too_large) = (0, 0);
    for seed in 0..200 {
        let mut random = StdRng::seed_from_u64(seed);
        let (queue_messages, queue_bytes) = (random.random_range(3..9), random.random_range(350..700));
        let terms = Terms { queue_messages, queue_bytes, ..terms(Kind::DropOldest) };
        let mut session = Session::new(start(), terms, Position::new(10));
        let (mut made, mut next, mut key) = (0_u64, 1_u64, 0);
        let mut under_way = Vec::new();
        for _ in 0..300 {
            if random.random_bool(0.8) {
                made += 1;
                let size = random.random_range(8..90);
                let mut event = made.to_be_bytes().to_vec();
                event.resize(size, 0);
                session.deliver(Position::new(10 + made), Event(Bytes::from(event))).unwrap();
                while let Some((limit, count)) = session.poll_dropped() {
                    match limit {
                        QueueLimit::Bytes => too_large += count,
                        QueueLimit::Messages => too_many += count,
                    }
                }
                let (messages, bytes) = session.owed();
                assert!(messages <= terms.queue_messages && bytes <= terms.queue_bytes, "{messages} {bytes}");
                continue;
            }
            if random.random_bool(0.8) {
                for written in under_way.drain(..) {
                    session.handle_written(start(), ConnectKey(written));
                }
            }
            key += 1;
            session.handle_connect(start(), connect(key, None), Position::new(10 + made)).unwrap();
            while let Some(answer) = session.poll_answer(start(), Position::new(10 + made)) {
                let Answer::Reply { events, .. } = answer else { continue };
                for event in events {
                    match std::str::from_utf8(&event.0)
                        .ok()
                        .and_then(|text| text.strip_prefix(r#"{"data":{"dropped":"#))
                    {
                        Some(rest) => {
                            next += rest.split('}').next().unwrap().parse::<u64>().unwrap();
                            gaps += 1;
                        }
                        None => {
                            assert_eq!(u64::from_be_bytes(event.0[..8].try_into().unwrap()), next);
                            next += 1;
                            seen += 1;
                        }
                    }
                }
            }
            // What is delivered next finds this response on its way, mostly.
            under_way.push(key);
        }
    }
    assert!(gaps > 1_000 && seen > 10_000, "{gaps} {seen}");
    assert!(too_many > 1_000 && too_large > 100, "{too_many} {too_large}");
}
