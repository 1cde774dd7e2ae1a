//! How far each channel's history was told to a session that asked for all that is kept: what is gone of a channel is a gap
//! only after what was told of it.

use std::collections::{BTreeMap, BTreeSet};
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
    /// Nobody remembers: there are too many, or there were in an earlier life.
    Unknown,
}

/// What a page tells: up to where, by the hash of the channel.
pub(super) type Told = Vec<(u64, Position)>;

/// The name of a channel here and in records, so it must never change (FNV-1a). Two that share one may have a gap told where
/// there is none.
pub(super) fn hash(channel: &Channel) -> u64 {
    channel
        .as_str()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

impl Begun {
    /// As it is when a session is taken over. Up to where a channel was told, its replay says then.
    pub(super) fn of(state: &SessionState) -> Self {
        let is_at_start = |replay: &Replay| up_to(replay).is_none_or(|reached| reached == replay.from);
        match &state.begun {
            _ if progress(state).is_none() => Self::Nothing,
            Some(begun) => Self::These(Arc::new(begun.iter().map(|hash| (*hash, Position::ZERO)).collect())),
            None if state.replays.iter().all(is_at_start) => Self::Nothing,
            None => Self::Unknown,
        }
    }

    /// As it is to be written down with a page that is not the last; `None` if it is not known, or would be too long.
    pub(super) fn written_with(&self, told: &Told) -> Option<Vec<u64>> {
        let known = match self {
            Self::Nothing => None,
            Self::These(known) if known.len() > MOST_WRITTEN => return None,
            Self::These(known) => Some(known),
            Self::Unknown => return None,
        };
        let before = known.into_iter().flat_map(|known| known.keys().copied());
        let all: BTreeSet<u64> = before.chain(told.iter().map(|(hash, _)| *hash)).collect();
        (all.len() <= MOST_WRITTEN).then(|| all.into_iter().collect())
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
        if reached == Position::ZERO {
            // Whatever others told, this one has told nothing.
            return Position::LARGEST;
        }
        match self {
            Self::Nothing => Position::LARGEST,
            Self::These(known) => known.get(&hash(channel)).map_or(Position::LARGEST, |told| reached.max(*told)),
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
/// How many of them are written down with each page, some 20 bytes each.
const MOST_WRITTEN: usize = 256;
