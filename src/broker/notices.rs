//! What happened to sessions and subscriptions, as the log tells it: the newest, for whoever watches.

use std::collections::{BTreeMap, VecDeque};

use crate::bayeux::Pattern;
use crate::ids::{AgentId, Position, SessionId};
use crate::records::{SessionEnded, SessionState, Start};

/// Something happened to a session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Notice {
    /// Where the log says so. Several may have one place.
    pub at: Position,
    /// To which session.
    pub session: SessionId,
    /// Whose it is, if that is known and it is not anonymous.
    pub agent: Option<AgentId>,
    /// What.
    pub what: Happened,
}

/// What happened to a session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Happened {
    /// It came into being.
    Added,
    /// It is the first to subscribe to that, of all sessions.
    ChannelAdded(Pattern),
    /// It was the last that was subscribed to that.
    ChannelRemoved(Pattern),
    /// It ended.
    Removed {
        /// Why, as a label.
        reason: Box<str>,
    },
    /// It subscribed.
    Subscribed(Pattern),
    /// It ended a subscription.
    Unsubscribed(Pattern),
}

/// Notices after a position.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Page {
    /// Those, in order, never part of a position.
    pub notices: Vec<Notice>,
    /// There are none up to here that are not among them.
    pub through: Position,
}

/// What was asked for is no longer known: go on after this position.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Gap(pub Position);

/// The newest notices, and what is needed to tell what the next record of a session changes.
///
/// Invariants: positions do not fall; every notice after `floor` up to `head` is in `newest`.
#[derive(Debug, Default)]
pub(super) struct Notices {
    newest: VecDeque<Notice>,
    known: BTreeMap<SessionId, (Option<AgentId>, Vec<Pattern>)>,
    /// How many of those subscribed to each pattern; never none.
    subscribers: BTreeMap<Pattern, usize>,
    floor: Position,
    head: Position,
}

/// How many notices are kept.
const KEPT: usize = 16_384;

impl Notices {
    /// Nothing is known of what was before `floor`, but the sessions [known](Self::know) then.
    pub(super) fn after(floor: Position) -> Self {
        Self { floor, head: floor, ..Self::default() }
    }

    /// A session that there was already.
    pub(super) fn know(&mut self, state: &SessionState) {
        let (agent, patterns) = remembered(state);
        for pattern in &patterns {
            self.enter(pattern);
        }
        self.known.insert(state.session, (agent, patterns));
    }

    /// A session's record was read.
    pub(super) fn apply_state(&mut self, at: Position, state: &SessionState) {
        let before = self.known.insert(state.session, remembered(state));
        let before = before.map(|(_, patterns)| patterns).unwrap_or_default();
        let mut told = Vec::new();
        if state.since == Start::At(at) {
            told.push(Happened::Added);
        }
        for (pattern, start) in &state.patterns {
            let is_first = !before.contains(pattern) && self.enter(pattern) == 1;
            // A subscription begins at the record that first names it.
            if *start == Start::At(at) {
                told.extend(is_first.then(|| Happened::ChannelAdded(pattern.clone())));
                told.push(Happened::Subscribed(pattern.clone()));
            }
        }
        for gone in before {
            if !state.patterns.iter().any(|(pattern, _)| *pattern == gone) {
                told.push(Happened::Unsubscribed(gone.clone()));
                told.extend(self.leave(gone));
            }
        }
        self.newest.extend(told.into_iter().map(|what| notice(at, state.session, state.agent.clone(), what)));
    }

    /// A session's end was read. A second end of the same tells nothing new.
    pub(super) fn apply_end(&mut self, at: Position, ended: &SessionEnded) {
        let Some((agent, patterns)) = self.known.remove(&ended.session) else { return };
        let removed = Happened::Removed { reason: (*ended.reason).into() };
        let emptied: Vec<Happened> = patterns.into_iter().filter_map(|pattern| self.leave(pattern)).collect();
        let told = std::iter::once(removed).chain(emptied);
        self.newest.extend(told.map(|what| notice(at, ended.session, agent.clone(), what)));
    }

    /// Counts one more, and says how many that are.
    fn enter(&mut self, pattern: &Pattern) -> usize {
        let count = self.subscribers.entry(pattern.clone()).or_default();
        *count += 1;
        *count
    }

    /// Counts one less, and says so if it was the last.
    fn leave(&mut self, pattern: Pattern) -> Option<Happened> {
        let count = self.subscribers.get_mut(&pattern)?;
        *count -= 1;
        if *count > 0 {
            return None;
        }
        self.subscribers.remove(&pattern);
        Some(Happened::ChannelRemoved(pattern))
    }

    /// Every record up to here was read.
    pub(super) fn reach(&mut self, head: Position) {
        self.head = head;
        while self.newest.len() > KEPT
            && let Some(oldest) = self.newest.pop_front()
        {
            self.floor = oldest.at;
            while self.newest.front().is_some_and(|next| next.at == oldest.at) {
                self.newest.pop_front();
            }
        }
    }

    /// How far the log was read.
    pub(super) fn head(&self) -> Position {
        self.head
    }

    /// Where the newest is, or where it would be known.
    pub(super) fn newest(&self) -> Position {
        self.newest.back().map_or(self.floor, |notice| notice.at)
    }

    /// About `limit` notices after a position.
    ///
    /// # Errors
    /// [`Gap`] if some of them are not known any more.
    pub(super) fn page(&self, after: Position, limit: usize) -> Result<Page, Gap> {
        if after < self.floor {
            return Err(Gap(self.floor));
        }
        let from = self.newest.partition_point(|notice| notice.at <= after);
        let last = self.newest.get(from + limit.max(1) - 1).map(|notice| notice.at);
        let until = last.map_or(self.newest.len(), |last| self.newest.partition_point(|notice| notice.at <= last));
        let notices = self.newest.range(from..until.max(from)).cloned().collect();
        Ok(Page { notices, through: last.unwrap_or(self.head).max(after) })
    }
}

fn remembered(state: &SessionState) -> (Option<AgentId>, Vec<Pattern>) {
    (state.agent.clone(), state.patterns.iter().map(|(pattern, _)| pattern.clone()).collect())
}

fn notice(at: Position, session: SessionId, agent: Option<AgentId>, what: Happened) -> Notice {
    Notice { at, session, agent, what }
}
