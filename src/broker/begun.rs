//! How far each channel's history was told to a session that asked for all that is kept: what is gone of a channel is a gap
//! only after what was told of it.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::bayeux::Channel;
use crate::broker::hearing::{progress, up_to};
use crate::ids::Position;
use crate::records::{Replay, SessionState};

/// Which channels' histories have begun to be told, while any is.
#[derive(Clone, Debug)]
pub(super) enum Begun {
    /// None have.
    Nothing,
    /// These have, by their hash, up to there. No others.
    These(Arc<BTreeMap<u64, Position>>),
    /// Nobody remembers: it was in an earlier life, or there are too many.
    Unknown,
}

/// What a page tells: up to where, by the hash of the channel.
pub(super) type Told = Vec<(u64, Position)>;

/// The name of a channel here. Two that share one may have a gap told where there is none.
pub(super) fn hash(channel: &Channel) -> u64 {
    let mut hasher = DefaultHasher::new();
    channel.as_str().hash(&mut hasher);
    hasher.finish()
}

impl Begun {
    /// As it is when a session is taken over.
    pub(super) fn of(state: &SessionState) -> Self {
        if progress(state).is_some() { Self::Unknown } else { Self::Nothing }
    }

    /// As it is after a page.
    pub(super) fn and(self, told: Told) -> Self {
        let mut known = match self {
            Self::Nothing => Arc::default(),
            Self::These(known) => known,
            Self::Unknown => return Self::Unknown,
        };
        Arc::make_mut(&mut known).extend(told);
        if known.len() > MOST { Self::Unknown } else { Self::These(known) }
    }

    /// Up to where a channel's history is known to a session, or what is gone of it is not missed: all, while nothing of it
    /// was told to one that wants what is kept.
    pub(super) fn told(&self, state: &SessionState, channel: &Channel) -> Position {
        let replays = state.replays.iter().filter(|replay| replay.pattern.matches(channel));
        let told = replays.filter_map(|replay| Some(self.told_by(replay, up_to(replay)?, channel)));
        told.min().unwrap_or(Position::LARGEST)
    }

    fn told_by(&self, replay: &Replay, reached: Position, channel: &Channel) -> Position {
        if replay.from > Position::ZERO {
            return reached;
        }
        match self {
            Self::Nothing => Position::LARGEST,
            Self::These(known) => known.get(&hash(channel)).copied().unwrap_or(Position::LARGEST),
            Self::Unknown if reached == Position::ZERO => Position::LARGEST,
            Self::Unknown => reached,
        }
    }

    /// The same of channels of which nothing is kept any more, and whose names are forgotten. Who wants what is kept does not
    /// miss them.
    pub(super) fn told_of_unknown(&self, state: &SessionState) -> Position {
        let wants_all = |replay: &Replay| replay.from > Position::ZERO && up_to(replay).is_some();
        match self {
            Self::Nothing | Self::These(_) if !state.replays.iter().any(wants_all) => Position::LARGEST,
            Self::Nothing | Self::These(_) | Self::Unknown => Position::ZERO,
        }
    }
}

/// How many channels are remembered, some 2 MiB of them. With more, a gap may be told where there is none.
const MOST: usize = 1 << 16;
