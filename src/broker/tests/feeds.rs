//! Who read the state of things first subscribes to a feed from there on.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;

use crate::broker::Settings;
use crate::broker::tests::kit::{Desk, End, connect, connect_ack, peer, replay, settings, subscribe};
use crate::log::Log;

const FEED: &str = "/v2/me/calls";

fn desk() -> Desk {
    let mut desk = Desk::with(Settings { queue_messages: 20, ..settings() });
    desk.shake(&peer("15000"), "ack", "ack");
    desk
}

fn from(desk: &mut Desk, client: &str, feed: &str, position: u64) -> String {
    desk.ask(&peer("15000"), &replay(client, &format!("'{feed}'"), &format!("{{'{feed}':{position}}}")))
}

/// The marks of the calls that came, in order.
fn marks(answer: &str) -> Vec<String> {
    let messages: Value = serde_json::from_str(answer).unwrap();
    let marks = messages.as_array().unwrap().iter().filter_map(|message| {
        let mark = message["data"]["call"]["userData"]["Mark"].as_str()?;
        Some(mark.to_owned())
    });
    marks.collect()
}

fn read(desk: &mut Desk, ack: u64) -> Vec<String> {
    let body = connect_ack("ack", ack).replace("'ext'", "'advice':{'timeout':0},'ext'");
    let key = desk.send(&peer("15000"), &body);
    desk.pump();
    marks(&desk.raw_answer(key).expect("an answer"))
}

#[test]
fn a_feed_is_told_from_where_the_state_was_read_and_then_goes_on() {
    let mut desk = desk();
    let read_at = desk.dial("15000", "before").get();
    desk.dial("15000", "first");
    desk.dial("15001", "of another");
    desk.dial("15000", "second");
    assert!(from(&mut desk, "ack", FEED, read_at).contains(r#""successful":true"#));
    desk.dial("15000", "third");
    assert_eq!(read(&mut desk, 0), ["first", "second", "third"]);
    desk.assert_idle();
}

#[test]
fn a_desktop_that_does_not_acknowledge_is_told_the_same() {
    let mut desk = desk();
    desk.shake(&peer("15000"), "plain", "");
    let read_at = desk.log.head().get();
    desk.dial("15000", "first");
    let answer = from(&mut desk, "plain", "/v2/me/*", read_at);
    assert_eq!(marks(&answer), ["first"], "with the reply, for nothing forbids it");
    desk.written(desk.newest());
    desk.ask(&peer("15000"), &connect("plain"));
    let key = desk.send(&peer("15000"), &connect("plain"));
    desk.dial("15000", "second");
    assert_eq!(marks(&desk.raw_answer(key).unwrap()), ["second"]);
}

#[test]
fn what_was_told_is_told_again_until_it_is_acknowledged() {
    for end in [None, Some(End::Killed), Some(End::Stopped)] {
        let mut desk = desk();
        let read_at = desk.log.head().get();
        desk.dial("15000", "first");
        from(&mut desk, "ack", FEED, read_at);
        let subscribed = desk.log.head().get();
        desk.subscribe(&peer("15000"), "ack", "/v2/me/devices");
        desk.dial("15000", "second");
        assert_eq!(read(&mut desk, 0), ["first", "second"]);
        if let Some(end) = end {
            desk.restart(end);
        }
        assert_eq!(read(&mut desk, 0), ["first", "second"], "{end:?}");
        assert_eq!(read(&mut desk, subscribed), ["second"], "{end:?}");
    }
}

#[test]
fn what_another_subscription_has_brought_is_not_told_again() {
    let mut desk = desk();
    let read_at = desk.dial("15000", "before").get();
    desk.dial("15000", "first");
    desk.subscribe(&peer("15000"), "ack", "/v2/me/*");
    desk.dial("15000", "second");
    from(&mut desk, "ack", FEED, read_at);
    assert_eq!(read(&mut desk, 0), ["second", "first"], "the first was before the wildcard");
}

#[test]
fn what_cannot_be_told_whole_is_refused() {
    let mut desk = Desk::over(Settings { queue_messages: 3, ..settings() }, 12);
    desk.shake(&peer("15000"), "ack", "ack");
    let long_ago = desk.dial("15000", "gone").get();
    for _ in 0..16 {
        desk.dial("15001", "another");
    }
    let refused = format!("400:{FEED}:replay_id_invalid");
    assert!(from(&mut desk, "ack", FEED, long_ago).contains(&refused), "not among the newest");
    let head = desk.log.head().get();
    assert!(from(&mut desk, "ack", FEED, head + 1).contains(&refused), "not yet");
    for mark in ["a", "b", "c"] {
        desk.dial("15000", mark);
    }
    assert!(from(&mut desk, "ack", FEED, head).contains(r#""successful":true"#), "as much as it may be owed");
    desk.ask(&peer("15000"), &subscribe("ack", FEED).replace("/meta/subscribe", "/meta/unsubscribe"));
    desk.dial("15000", "d");
    assert!(from(&mut desk, "ack", FEED, head).contains(&refused), "more than it may be owed");
}

#[test]
fn what_has_more_bytes_than_a_session_may_be_owed_is_refused() {
    let mut desk = Desk::with(Settings { queue_messages: 20, queue_bytes: 6_000, ..settings() });
    desk.shake(&peer("15000"), "ack", "ack");
    let first = desk.log.head().get();
    let second = desk.dial("15000", &"x".repeat(3_000)).get();
    desk.dial("15000", &"x".repeat(3_000));
    assert!(from(&mut desk, "ack", FEED, first).contains("replay_id_invalid"), "two of them");
    assert!(from(&mut desk, "ack", FEED, second).contains(r#""successful":true"#), "one of them");
}

#[test]
fn all_that_is_kept_of_a_feed_is_what_is_new() {
    let mut desk = desk();
    desk.dial("15000", "before");
    let answer = desk.ask(&peer("15000"), &replay("ack", &format!("'{FEED}'"), &format!("{{'{FEED}':-2}}")));
    assert!(answer.contains(r#""successful":true"#), "{answer}");
    desk.dial("15000", "new");
    assert_eq!(read(&mut desk, 0), ["new"]);
}

#[test]
fn a_read_and_a_subscription_at_any_time_make_one_whole() {
    let mut caught_up = 0;
    for seed in 0..40 {
        let dice = &mut StdRng::seed_from_u64(seed);
        let mut desk = desk();
        desk.shake(&peer("15000"), "all", "ack");
        desk.subscribe(&peer("15000"), "all", FEED);
        let mut told = Vec::new();
        let read_at = dice.random_range(0..8);
        let subscribes_at = read_at + dice.random_range(0..8);
        let mut position = desk.log.head().get();
        for turn in 0..18 {
            if turn == read_at {
                position = desk.log.head().get();
            }
            if turn == subscribes_at {
                from(&mut desk, "ack", ["/v2/me/*", "/v2/me/**", FEED][dice.random_range(0..3)], position);
            }
            let agent = ["15000", "15001"][dice.random_range(0..2)];
            desk.dial(agent, &turn.to_string());
            if agent == "15000" && turn >= read_at {
                told.push(turn.to_string());
                caught_up += usize::from(turn < subscribes_at);
            }
            if dice.random_range(0..6) == 0 {
                desk.restart([End::Killed, End::Stopped][dice.random_range(0..2)]);
            }
        }
        assert_eq!(read(&mut desk, 0), told, "seed {seed}");
    }
    assert!(caught_up > 50, "{caught_up}");
}
