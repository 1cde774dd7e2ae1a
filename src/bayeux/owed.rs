//! What a session is owed, in order, and what of it is in flight in which response.

use std::collections::VecDeque;

use crate::ids::Position;

use super::reply::Event;
use super::session::ConnectKey;

/// Events that are owed.
///
/// Invariants: `waiting` is in the order of `place`; `bytes` is the sum over `waiting` and `flying`.
#[derive(Debug, Default)]
pub(super) struct Owed {
    waiting: VecDeque<Debt>,
    flying: Vec<(ConnectKey, Debt)>,
    bytes: usize,
    pushed: u64,
}

#[derive(Debug)]
struct Debt {
    /// Its place among all that were ever pushed: several may be of one position.
    place: u64,
    at: Position,
    event: Event,
}

impl Owed {
    pub(super) fn push(&mut self, at: Position, event: Event) {
        self.bytes += event.0.len();
        self.pushed += 1;
        self.waiting.push_back(Debt { place: self.pushed, at, event });
    }

    /// Copies of all that wait, up to a position.
    pub(super) fn through(&self, cursor: Position) -> Vec<Event> {
        self.waiting.iter().take_while(|debt| debt.at <= cursor).map(|debt| debt.event.clone()).collect()
    }

    /// Drops all that wait, up to a position.
    pub(super) fn drop_through(&mut self, acknowledged: Position) {
        while self.waiting.front().is_some_and(|debt| debt.at <= acknowledged) {
            if let Some(debt) = self.waiting.pop_front() {
                self.bytes -= debt.event.0.len();
            }
        }
        self.relax();
    }

    /// Sends all that wait, in the response `key`.
    pub(super) fn send(&mut self, key: ConnectKey) -> Vec<Event> {
        let events = self.waiting.iter().map(|debt| debt.event.clone()).collect();
        self.flying.extend(self.waiting.drain(..).map(|debt| (key, debt)));
        self.relax();
        events
    }

    /// The response was written: what it carried is owed no more.
    pub(super) fn forget(&mut self, key: ConnectKey) {
        for (_, debt) in self.flying.extract_if(.., |(flight, _)| *flight == key) {
            self.bytes -= debt.event.0.len();
        }
        self.relax();
    }

    /// The response was lost: what it carried waits again, in its old place.
    pub(super) fn take_back(&mut self, key: ConnectKey) {
        let waited = self.waiting.len();
        self.waiting.extend(self.flying.extract_if(.., |(flight, _)| *flight == key).map(|(_, debt)| debt));
        if self.waiting.len() > waited {
            self.waiting.make_contiguous().sort_by_key(|debt| debt.place);
        }
    }

    /// Where the first that waits has its place.
    pub(super) fn first(&self) -> Option<Position> {
        self.waiting.front().map(|debt| debt.at)
    }

    /// Where the first that waits or is in flight has its place.
    pub(super) fn earliest(&self) -> Option<Position> {
        self.flying.iter().map(|(_, debt)| debt.at).chain(self.first()).min()
    }

    pub(super) fn is_in_flight(&self) -> bool {
        !self.flying.is_empty()
    }

    /// Messages and bytes.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.waiting.len() + self.flying.len(), self.bytes)
    }

    /// Gives back what a burst took: a session lives long, and mostly is owed nothing.
    fn relax(&mut self) {
        if self.waiting.is_empty() && self.waiting.capacity() > SPARE {
            self.waiting = VecDeque::new();
        }
        if self.flying.is_empty() && self.flying.capacity() > SPARE {
            self.flying = Vec::new();
        }
    }
}

/// Places for events that a session keeps when it is owed none.
const SPARE: usize = 4;
