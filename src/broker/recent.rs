//! Where in the ring something was said to whom: what a session that comes back is served from.

use std::collections::{BTreeMap, VecDeque};

use crate::bayeux::{Channel, Pattern};
use crate::ids::{AgentId, Position, SessionId};

/// Positions of the ring by whom they concern, each list ascending. Positions that have left the ring are
/// dropped as the lists are touched, and all at once every so often.
#[derive(Debug, Default)]
pub(super) struct Recent {
    agents: BTreeMap<AgentId, VecDeque<Position>>,
    channels: BTreeMap<Channel, VecDeque<Position>>,
    sessions: BTreeMap<SessionId, VecDeque<Position>>,
    added: usize,
    /// The ring's floor when the channels were swept last.
    swept: Position,
}

/// After how many additions the lists of the silent are swept.
const SWEEP: usize = 16_384;

impl Recent {
    /// Something was told to an agent.
    pub(super) fn told(&mut self, agent: &AgentId, at: Position, floor: Position) {
        push(&mut self.agents, agent, at, floor);
        self.sweep(floor);
    }

    /// Something was published.
    pub(super) fn published(&mut self, channel: &Channel, at: Position, floor: Position) {
        push(&mut self.channels, channel, at, floor);
        self.sweep(floor);
    }

    /// Of how many channels there is something, give or take those that left the ring of late.
    pub(super) fn channels(&self) -> usize {
        self.channels.len()
    }

    /// Whether one more channel may be published to, of so many.
    pub(super) fn has_room(&mut self, channel: &Channel, most: usize, floor: Position) -> bool {
        let full = |channels: &BTreeMap<_, _>| channels.len() >= most && !channels.contains_key(channel);
        // Looking at all of them is worth it only when a good part may have left the ring since the last time.
        if full(&self.channels) && floor.get() >= self.swept.get().saturating_add(SWEEP as u64) {
            self.swept = floor;
            retain(&mut self.channels, floor);
        }
        !full(&self.channels)
    }

    /// Whether something was published to a channel that is still in the ring.
    pub(super) fn knows(&self, channel: &Channel, floor: Position) -> bool {
        self.channels.get(channel).and_then(|list| list.back()).is_some_and(|newest| *newest > floor)
    }

    /// Something was owed to one session alone.
    pub(super) fn owed(&mut self, session: SessionId, at: Position, floor: Position) {
        push(&mut self.sessions, &session, at, floor);
        self.sweep(floor);
    }

    /// Positions after `after` at which an agent was told something.
    pub(super) fn of_agent(&self, agent: &AgentId, after: Position, out: &mut Vec<Position>) {
        extend(self.agents.get(agent), after, out);
    }

    /// Positions after `after` at which something was owed to a session alone.
    pub(super) fn of_session(&self, session: SessionId, after: Position, out: &mut Vec<Position>) {
        extend(self.sessions.get(&session), after, out);
    }

    /// Positions after `after` of publications that a pattern matches.
    pub(super) fn of_pattern(&self, pattern: &Pattern, after: Position, out: &mut Vec<Position>) {
        match Channel::parse(pattern.as_str()) {
            Ok(channel) => extend(self.channels.get(&channel), after, out),
            Err(_) => {
                for (_, positions) in self.channels.iter().filter(|(channel, _)| pattern.matches(channel)) {
                    extend(Some(positions), after, out);
                }
            }
        }
    }

    fn sweep(&mut self, floor: Position) {
        self.added += 1;
        if self.added < SWEEP {
            return;
        }
        self.added = 0;
        self.swept = floor;
        retain(&mut self.agents, floor);
        retain(&mut self.channels, floor);
        retain(&mut self.sessions, floor);
    }
}

fn push<K: Clone + Ord>(lists: &mut BTreeMap<K, VecDeque<Position>>, key: &K, at: Position, floor: Position) {
    let list = match lists.get_mut(key) {
        Some(list) => list,
        None => lists.entry(key.clone()).or_default(),
    };
    while list.front().is_some_and(|oldest| *oldest <= floor) {
        list.pop_front();
    }
    if list.back() != Some(&at) {
        list.push_back(at);
    }
}

fn retain<K: Ord>(lists: &mut BTreeMap<K, VecDeque<Position>>, floor: Position) {
    lists.retain(|_, list| list.back().is_some_and(|newest| *newest > floor));
}

fn extend(list: Option<&VecDeque<Position>>, after: Position, out: &mut Vec<Position>) {
    out.extend(list.into_iter().flatten().copied().filter(|at| *at > after));
}
