//! Sessions with a direct way to their client.

use std::time::Duration;

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::bayeux::tests::play::{Kind, start, terms};
use crate::bayeux::{Answer, Connect, ConnectKey, Event, Hold, QueueLimit, Reply, Session, Terms};
use crate::ids::Position;

fn session(kind: Kind) -> Session {
    Session::new(start(), terms(kind), Position::new(10))
}

fn event(text: &str) -> Event {
    Event(Bytes::copy_from_slice(text.as_bytes()))
}

fn connect(key: u64) -> Connect {
    Connect { key: ConnectKey(key), id: None, ack: None, advice: None, hold: Hold::Allowed }
}

fn texts(events: &[Event]) -> String {
    events.iter().map(|event| str::from_utf8(&event.0).unwrap()).collect::<Vec<_>>().join(" ")
}

fn frame(session: &mut Session, number: u64) -> String {
    texts(&session.poll_frame(start(), number))
}

#[test]
fn events_go_their_own_way_and_a_connect_is_the_heartbeat_only() {
    let (mut session, now, cursor) = (session(Kind::Plain), start(), Position::new(20));
    session.handle_attached();
    session.deliver(Position::new(11), event("a")).unwrap();
    session.deliver(Position::new(12), event("b")).unwrap();
    assert_eq!(frame(&mut session, 1), "a b", "before the first connect");
    assert_eq!(session.owed(), (2, 2), "until it was taken over");
    session.handle_taken(1);
    assert_eq!(session.owed(), (0, 0));

    session.handle_connect(now, connect(1), cursor).unwrap();
    assert!(session.poll_answer(now, cursor).is_some(), "the first connect is answered at once");
    session.handle_connect(now, connect(2), cursor).unwrap();
    session.deliver(Position::new(21), event("c")).unwrap();
    assert!(session.poll_answer(now, cursor).is_none());
    assert!(session.poll_ride(now, ConnectKey(9)).is_empty());
    let due = session.poll_timeout().unwrap();
    assert_eq!(due - now, Duration::from_secs(30));
    let Some(Answer::Reply { events, reply: Reply::Connect { .. }, .. }) = session.poll_answer(due, cursor) else {
        panic!("it was held long enough");
    };
    assert!(events.is_empty());
    assert_eq!(frame(&mut session, 2), "c");
}

#[test]
fn a_lazy_event_is_pushed_when_it_is_due_also_while_no_connect_is_parked() {
    let (mut session, now) = (session(Kind::Plain), start());
    session.handle_attached();
    let due = now + Duration::from_secs(2);
    session.deliver_lazy(Position::new(11), event("a"), due).unwrap();
    assert_eq!(frame(&mut session, 1), "");
    assert_eq!(session.poll_timeout(), Some(due));
    assert_eq!(texts(&session.poll_frame(due, 1)), "a");
    assert!(session.poll_timeout() > Some(due));
}

#[test]
fn what_comes_behind_a_response_that_nobody_reads_is_pushed_after_a_second_and_no_timer_presses_before() {
    let (mut session, now, cursor) = (session(Kind::Plain), start(), Position::new(20));
    session.handle_connect(now, connect(1), cursor).unwrap();
    assert!(session.poll_answer(now, cursor).is_some());
    session.deliver(Position::new(11), event("a")).unwrap();
    assert_eq!(session.poll_ride(now, ConnectKey(7)).len(), 1);
    session.handle_attached();
    session.handle_connect(now, connect(2), cursor).unwrap();
    session.deliver(Position::new(12), event("b")).unwrap();
    assert!(session.poll_answer(now, cursor).is_none());
    assert_eq!(frame(&mut session, 1), "", "it must not overtake what is under way");
    let due = session.poll_timeout().unwrap();
    assert_eq!(due - now, Duration::from_secs(1));
    session.handle_full();
    assert_eq!(session.poll_timeout().unwrap() - now, Duration::from_secs(30), "there is no room");
    assert_eq!(texts(&session.poll_frame(due, 1)), "b");
    assert!(session.poll_answer(due, cursor).is_none());
    assert_eq!(session.poll_timeout().unwrap() - now, Duration::from_secs(30), "the way can carry nothing more");
}

#[test]
fn what_a_way_did_not_take_over_is_owed_again_in_its_place() {
    let mut session = session(Kind::Plain);
    session.handle_attached();
    for (n, text) in [(1, "a"), (2, "b"), (3, "c")] {
        session.deliver(Position::new(10 + n), event(text)).unwrap();
        assert_eq!(frame(&mut session, n), text);
    }
    session.deliver(Position::new(14), event("d")).unwrap();
    assert_eq!(session.settled(Position::new(20)), Position::new(10));
    assert_eq!(session.handle_detached(1), 2);
    assert_eq!(session.settled(Position::new(20)), Position::new(11));
    assert!(frame(&mut session, 4).is_empty(), "there is no way");
    assert_eq!(texts(&session.poll_ride(start(), ConnectKey(1))), "b c d");
}

#[test]
fn a_frame_does_not_overtake_a_response_that_is_under_way() {
    let mut session = session(Kind::Plain);
    session.deliver(Position::new(11), event("a")).unwrap();
    assert_eq!(texts(&session.poll_ride(start(), ConnectKey(1))), "a");
    session.handle_attached();
    session.deliver(Position::new(12), event("b")).unwrap();
    assert!(frame(&mut session, 1).is_empty());
    session.handle_lost(start(), ConnectKey(1));
    assert_eq!(frame(&mut session, 1), "a b");
}

#[test]
fn a_lazy_event_waits_also_for_a_frame_and_no_timer_presses_while_there_is_no_room() {
    let (mut session, now, cursor) = (session(Kind::Plain), start(), Position::new(20));
    session.handle_attached();
    session.handle_connect(now, connect(1), cursor).unwrap();
    assert!(session.poll_answer(now, cursor).is_some());
    session.handle_connect(now, connect(2), cursor).unwrap();
    let due = now + Duration::from_secs(5);
    session.deliver_lazy(Position::new(11), event("a"), due).unwrap();
    assert!(frame(&mut session, 1).is_empty());
    assert_eq!(session.poll_timeout(), Some(due));
    session.handle_full();
    assert_eq!(session.poll_timeout().unwrap() - now, Duration::from_secs(30));
    assert_eq!(texts(&session.poll_frame(due, 1)), "a");
    session.deliver_lazy(Position::new(12), event("b"), due).unwrap();
    session.deliver(Position::new(13), event("c")).unwrap();
    assert_eq!(frame(&mut session, 2), "b c");
    session.handle_detached(1);
    session.handle_attached();
    assert_eq!(frame(&mut session, 1), "b c", "what was sent once is not lazy any more");
}

#[test]
fn a_lazy_event_has_its_timer_again_once_there_is_room() {
    let (mut session, now) = (session(Kind::Plain), start());
    session.handle_attached();
    session.handle_connect(now, connect(1), Position::new(20)).unwrap();
    assert!(session.poll_answer(now, Position::new(20)).is_some());
    session.handle_connect(now, connect(2), Position::new(20)).unwrap();
    session.handle_full();
    assert!(frame(&mut session, 1).is_empty(), "there is room, and nothing is owed");
    let due = now + Duration::from_secs(5);
    session.deliver_lazy(Position::new(21), event("a"), due).unwrap();
    assert!(frame(&mut session, 1).is_empty());
    assert_eq!(session.poll_timeout(), Some(due));
}

#[test]
fn where_the_oldest_are_dropped_frames_leave_room_for_the_newest() {
    let mut session = session(Kind::DropOldest);
    session.handle_attached();
    for (n, text) in ["a", "b", "c", "d"].iter().enumerate() {
        session.deliver(Position::new(11 + n as u64), event(text)).unwrap();
    }
    assert_eq!(frame(&mut session, 1), "a b", "half of what may be owed");
    assert!(session.is_crowded());
    for (n, text) in ["e", "f", "g", "h"].iter().enumerate() {
        session.deliver(Position::new(15 + n as u64), event(text)).unwrap();
        assert!(session.is_crowded() && frame(&mut session, 2).is_empty());
    }
    assert_eq!((session.owed().0, session.poll_dropped()), (5, Some((QueueLimit::Messages, 4))));
    session.handle_taken(1);
    assert!(!session.is_crowded());
    assert_eq!(frame(&mut session, 2), r#"{"data":{"dropped":4},"channel":"/service/partyline/gap"} g"#);
    assert!(session.is_crowded());
    session.handle_taken(2);
    assert_eq!(frame(&mut session, 3), "h");
    assert!(!session.is_crowded(), "nothing waits");
    session.handle_taken(3);
    assert_eq!(session.owed(), (0, 0));
    session.deliver(Position::new(20), event(&"x".repeat(200))).unwrap();
    assert_eq!(frame(&mut session, 4).len(), 200, "one that is alone goes whatever its size");
}

#[test]
fn what_waits_beside_frames_stays_lazy() {
    let mut session = session(Kind::DropOldest);
    session.handle_attached();
    let due = start() + Duration::from_secs(5);
    session.deliver(Position::new(11), event("a")).unwrap();
    for (at, text) in [(12, "b"), (13, "c"), (14, "d")] {
        session.deliver_lazy(Position::new(at), event(text), due).unwrap();
    }
    assert_eq!(frame(&mut session, 1), "a b");
    session.handle_taken(1);
    assert!(frame(&mut session, 2).is_empty(), "it waits for company");
    assert_eq!(texts(&session.poll_frame(due, 2)), "c d");
}

#[test]
fn a_lazy_event_is_pushed_in_its_time_also_while_no_connect_is_held() {
    let (mut session, now, cursor) = (session(Kind::Plain), start(), Position::new(20));
    session.handle_attached();
    let due = now + Duration::from_millis(800);
    session.deliver_lazy(Position::new(11), event("a"), due).unwrap();
    assert_eq!(session.poll_timeout(), Some(due), "before the first connect");
    session.handle_timeout(due);
    assert_eq!(texts(&session.poll_frame(due, 1)), "a");
    session.handle_connect(due, connect(1), cursor).unwrap();
    assert!(session.poll_answer(due, cursor).is_some());
    let later = due + Duration::from_millis(800);
    session.deliver_lazy(Position::new(12), event("b"), later).unwrap();
    assert_eq!(session.poll_timeout(), Some(later), "between two connects");
    session.handle_full();
    assert_eq!(session.poll_timeout(), Some(due + Duration::from_secs(10)), "nothing presses while there is no room");
    session.handle_detached(1);
    assert_eq!(session.poll_timeout(), Some(due + Duration::from_secs(10)), "it waits for the next connect");
    for kind in [Kind::Ack, Kind::ConnectOnly] {
        let mut session = self::session(kind);
        session.handle_attached();
        session.deliver_lazy(Position::new(11), event("a"), due).unwrap();
        assert!(session.poll_timeout().is_some_and(|timeout| timeout > due), "nothing of it is pushed");
    }
}

#[test]
fn a_session_that_acknowledges_is_answered_only() {
    let (mut session, now) = (session(Kind::Ack), start());
    session.handle_attached();
    session.handle_connect(now, connect(1), Position::new(10)).unwrap();
    assert!(session.poll_answer(now, Position::new(10)).is_some());
    session.handle_connect(now, connect(2), Position::new(10)).unwrap();
    session.deliver(Position::new(11), event("a")).unwrap();
    assert!(frame(&mut session, 1).is_empty());
    let Some(Answer::Reply { events, .. }) = session.poll_answer(now, Position::new(11)) else { panic!("it is owed") };
    assert_eq!(texts(&events), "a");
    assert_eq!(session.handle_detached(0), 0);
    assert_eq!(session.owed(), (1, 1), "until it is acknowledged");
}

#[test]
fn each_event_arrives_once_and_in_order_however_often_a_way_is_cut_or_left() {
    let (mut cuts, mut answers) = (0, 0);
    for seed in 0..200 {
        let mut random = StdRng::seed_from_u64(seed);
        let now = start();
        let mut session = Session::new(
            now,
            Terms { queue_messages: 1000, queue_bytes: 1 << 20, ..terms(Kind::Plain) },
            Position::new(10),
        );
        session.handle_connect(now, connect(0), Position::new(10)).unwrap();
        session.poll_answer(now, Position::new(10)).unwrap();
        let (mut made, mut seen, mut key) = (0_u64, Vec::new(), 0);
        // The frames on their way; how many were pushed; none if there is no way.
        let mut way: Option<(Vec<Vec<Event>>, u64)> = None;
        for step in 0..400 {
            let at = Position::new(11 + made);
            match random.random_range(0..10) {
                0..4 if step < 350 => {
                    made += 1;
                    session.deliver(at, Event(Bytes::copy_from_slice(&made.to_be_bytes()))).unwrap();
                }
                0..7 => match &mut way {
                    Some((frames, _)) if !frames.is_empty() => seen.extend(frames.remove(0)),
                    Some(_) => {}
                    None => {
                        key += 1;
                        session.handle_connect(now, connect(key), at).unwrap();
                        while let Some(answer) = session.poll_answer(now, at) {
                            if let Answer::Reply { key, events, .. } = answer {
                                answers += 1;
                                seen.extend(events);
                                session.handle_written(now, key);
                            }
                        }
                    }
                },
                7 => {
                    if let Some((frames, pushed)) = way.take() {
                        cuts += 1;
                        session.handle_detached(pushed - u64::try_from(frames.len()).unwrap());
                    }
                }
                _ => {
                    let (frames, pushed) = way.get_or_insert_with(|| {
                        session.handle_attached();
                        (Vec::new(), 0)
                    });
                    session.handle_taken(*pushed - u64::try_from(frames.len()).unwrap());
                    let events = session.poll_frame(now, *pushed + 1);
                    if !events.is_empty() {
                        *pushed += 1;
                        frames.push(events.into_vec());
                    }
                }
            }
        }
        if let Some((frames, pushed)) = way.take() {
            session.handle_detached(pushed - u64::try_from(frames.len()).unwrap());
        }
        seen.extend(session.poll_ride(now, ConnectKey(u64::MAX)));
        let seen: Vec<u64> = seen.iter().map(|event| u64::from_be_bytes(event.0[..].try_into().unwrap())).collect();
        assert_eq!(seen, (1..=made).collect::<Vec<_>>(), "seed {seed}");
    }
    assert!(cuts > 4_000 && answers > 3_000, "{cuts} cuts, {answers} answers");
}
