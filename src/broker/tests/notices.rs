//! What is told of sessions, from their records.

use crate::bayeux::Pattern;
use crate::broker::notices::Notices;
use crate::broker::tests::kit::agent;
use crate::broker::{Gap, Happened, Page};
use crate::ids::{Position, SessionId};
use crate::records::{SessionEnded, SessionState, Start};

const SESSION: SessionId = SessionId::new([7; 16]);

fn at(position: u64) -> Position {
    Position::new(position)
}

/// A session since 1 with these patterns and where each begins.
fn state(patterns: &[(&str, u64)]) -> SessionState {
    let patterns = patterns.iter().map(|(text, start)| (Pattern::parse(text).unwrap(), Start::At(at(*start))));
    SessionState {
        session: SESSION,
        agent: Some(agent("15000")),
        login: None,
        cookie: None,
        desktop: false,
        ack: false,
        since: Start::At(at(1)),
        home: "local".into(),
        patterns: patterns.collect(),
        replays: Vec::new(),
        begun: None,
        catch_up: Vec::new(),
        cursor: None,
    }
}

fn ended() -> SessionEnded {
    SessionEnded { session: SESSION, reason: "expired".into() }
}

fn told(notices: &Notices, after: u64) -> Vec<String> {
    let Page { notices, .. } = notices.page(at(after), 100).unwrap();
    let line = |what: &Happened| match what {
        Happened::Added => "added".to_owned(),
        Happened::ChannelAdded(pattern) => format!("first {pattern}"),
        Happened::ChannelRemoved(pattern) => format!("last {pattern}"),
        Happened::Removed { reason } => format!("removed {reason}"),
        Happened::Subscribed(pattern) => format!("+{pattern}"),
        Happened::Unsubscribed(pattern) => format!("-{pattern}"),
    };
    notices.iter().map(|notice| format!("{} {}", notice.at, line(&notice.what))).collect()
}

#[test]
fn a_sessions_life_is_told_from_its_records() {
    let mut notices = Notices::after(Position::ZERO);
    notices.apply_state(at(1), &state(&[]));
    notices.apply_state(at(2), &state(&[("/a", 2), ("/b", 2)]));
    notices.apply_state(at(5), &state(&[("/b", 2), ("/c/*", 5)]));
    notices.apply_state(at(6), &state(&[("/b", 2), ("/c/*", 5)]));
    notices.apply_end(at(7), &ended());
    notices.apply_end(at(8), &ended());
    notices.reach(at(9));
    assert_eq!(
        told(&notices, 0),
        [
            "1 added",
            "2 first /a",
            "2 +/a",
            "2 first /b",
            "2 +/b",
            "5 first /c/*",
            "5 +/c/*",
            "5 -/a",
            "5 last /a",
            "7 removed expired",
            "7 last /b",
            "7 last /c/*",
        ]
    );
    assert_eq!(told(&notices, 5), ["7 removed expired", "7 last /b", "7 last /c/*"]);
    assert_eq!(notices.page(at(8), 10).unwrap(), Page { notices: Vec::new(), through: at(9) });
}

#[test]
fn a_session_that_was_there_already_is_not_added_again() {
    let mut notices = Notices::after(at(4));
    notices.know(&state(&[("/a", 2)]));
    notices.apply_state(at(5), &state(&[]));
    notices.reach(at(5));
    assert_eq!(told(&notices, 4), ["5 -/a", "5 last /a"]);
}

#[test]
fn a_channel_lasts_from_its_first_subscriber_to_its_last() {
    let other = SessionId::new([8; 16]);
    let of = |session, patterns: &[(&str, u64)]| SessionState { session, ..state(patterns) };
    let mut notices = Notices::after(at(4));
    notices.know(&of(other, &[("/a", 2)]));
    notices.apply_state(at(5), &state(&[("/a", 5)]));
    notices.apply_state(at(6), &of(other, &[("/b", 6)]));
    // One of before of whom nothing was known: it added nothing now.
    notices.apply_state(at(7), &of(SessionId::new([9; 16]), &[("/c", 3)]));
    notices.apply_end(at(8), &ended());
    notices.reach(at(8));
    assert_eq!(told(&notices, 4), ["5 +/a", "6 first /b", "6 +/b", "6 -/a", "8 removed expired", "8 last /a"]);
}

#[test]
fn a_page_never_ends_in_the_middle_of_a_position() {
    let mut notices = Notices::after(Position::ZERO);
    notices.apply_state(at(1), &state(&[("/a", 1), ("/b", 1)]));
    notices.apply_end(at(2), &ended());
    notices.reach(at(2));
    let first = notices.page(Position::ZERO, 1).unwrap();
    assert_eq!((first.notices.len(), first.through), (5, at(1)));
    let second = notices.page(first.through, 1).unwrap();
    assert_eq!((second.notices.len(), second.through), (3, at(2)));
}

#[test]
fn what_is_no_longer_known_is_a_gap_and_never_silence() {
    let mut notices = Notices::after(Position::ZERO);
    for position in 1..=20_000 {
        notices.apply_state(at(position), &state(&[("/a", position)]));
        notices.reach(at(position));
    }
    let Err(Gap(floor)) = notices.page(at(1), 10) else { panic!("there is no gap") };
    assert!(floor > at(1));
    let page = notices.page(floor, 10).unwrap();
    assert_eq!(page.notices.first().map(|notice| notice.at), Some(floor.next()));
}
