//! Which publications are a session's, as its record says: those that are told as they happen, and those that come in
//! pages of history. Each is one or the other, and never both.

use crate::bayeux::{Channel, Pattern};
use crate::ids::Position;
use crate::records::{Keep, Reached, Replay, SessionState, Start};

/// Where something starts, in a record that was read back.
pub(super) fn place(start: Start) -> Position {
    match start {
        Start::At(position) => position,
        Start::Here => Position::ZERO,
    }
}

/// How far a session's replays are, if some are not at their end: all after that is still to be looked at.
pub(super) fn progress(state: &SessionState) -> Option<Position> {
    state.replays.iter().filter_map(up_to).min()
}

/// Whether a publication at `at` was told to it as it happened. What is not kept is, from the subscription on; what is
/// kept, from where its history ended.
pub(super) fn hears(state: &SessionState, channel: &Channel, at: Position, keep: Keep) -> bool {
    state.patterns.iter().any(|(pattern, start)| {
        let begun = match (keep, replay_of(state, pattern)) {
            (Keep::Stored, Some(Replay { reached: Reached::Live(live), .. })) => place(*live) < at,
            (Keep::Stored, Some(Replay { reached: Reached::UpTo(_), .. })) => false,
            (Keep::Stored | Keep::Volatile, _) => place(*start) < at,
        };
        begun && pattern.matches(channel)
    })
}

/// Whether what is kept of a channel is told to it as it happens now.
pub(super) fn hears_kept(state: &SessionState, channel: &Channel) -> bool {
    state.replays.is_empty()
        || state.patterns.iter().any(|(pattern, _)| {
            replay_of(state, pattern).is_none_or(|replay| up_to(replay).is_none()) && pattern.matches(channel)
        })
}

/// The patterns of replays that are not at their end.
pub(super) fn asked(state: &SessionState) -> impl Iterator<Item = &Pattern> {
    state.replays.iter().filter(|replay| up_to(replay).is_some()).map(|replay| &replay.pattern)
}

/// Whether some replay that is not at its end may reach a channel.
pub(super) fn asks(state: &SessionState, channel: &Channel) -> bool {
    state.replays.iter().any(|replay| up_to(replay).is_some() && replay.pattern.matches(channel))
}

/// Whether its next pages must have a publication: a replay wants it, and no subscription has brought it.
pub(super) fn is_owed(state: &SessionState, channel: &Channel, at: Position) -> bool {
    let wanted = state
        .replays
        .iter()
        .any(|replay| up_to(replay).is_some_and(|reached| reached < at) && replay.pattern.matches(channel));
    wanted
        && !brought(state, channel, at, |replay| match replay.reached {
            Reached::Live(_) => true,
            Reached::UpTo(reached) => at <= reached,
        })
}

/// Whether the last page, the one at `page`, must have a publication that came after what was read for it.
pub(super) fn is_owed_at_last(state: &SessionState, channel: &Channel, at: Position, page: Position) -> bool {
    let ends_here = |replay: &Replay| replay.reached == Reached::Live(Start::At(page));
    let wanted = state.replays.iter().any(|replay| ends_here(replay) && replay.pattern.matches(channel));
    wanted && !brought(state, channel, at, |replay| !ends_here(replay))
}

/// Whether a subscription has brought a publication: it was there as that happened, or its history has passed it, as
/// `passed` says of one that asked for it from before.
fn brought(state: &SessionState, channel: &Channel, at: Position, passed: impl Fn(&Replay) -> bool) -> bool {
    state.patterns.iter().filter(|(pattern, _)| pattern.matches(channel)).any(|(pattern, start)| {
        match replay_of(state, pattern) {
            None => place(*start) < at,
            Some(replay) => replay.from < at && passed(replay),
        }
    })
}

fn replay_of<'a>(state: &'a SessionState, pattern: &Pattern) -> Option<&'a Replay> {
    state.replays.iter().find(|replay| replay.pattern == *pattern)
}

/// Up to where a replay is, unless it is at its end.
pub(super) fn up_to(replay: &Replay) -> Option<Position> {
    match replay.reached {
        Reached::Live(_) => None,
        Reached::UpTo(position) => Some(position),
    }
}
