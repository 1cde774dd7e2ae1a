//! What a session is owed, in order, and what of it is in flight in which response.

use std::collections::VecDeque;
use std::time::Instant;

use crate::ids::{Position, WallTime};

use super::reply::{Event, Frame};
use super::session::ConnectKey;

/// Events that are owed.
///
/// Invariants: `waiting` is in the order of `place`, `framed` in that of frames; `bytes` is the sum over `waiting`, `flying`
/// and `framed`, `framed_bytes` that over `framed`; `pressing` counts those in `waiting` that may not wait longer, and `due`
/// is not later than any other there may.
#[derive(Debug, Default)]
pub(super) struct Owed {
    waiting: VecDeque<Debt>,
    flying: Vec<(ConnectKey, Debt)>,
    /// What frames carry that a direct way did not take over yet.
    framed: VecDeque<(u64, Debt)>,
    framed_bytes: usize,
    bytes: usize,
    pushed: u64,
    pressing: usize,
    due: Option<Instant>,
}

#[derive(Debug)]
struct Debt {
    /// Its place among all that were ever pushed: several may be of one position.
    place: u64,
    at: Position,
    event: Event,
    /// Until when it may wait for company; `None` if it may not, or was sent before.
    lazy: Option<Instant>,
    /// If it tells of a gap, how many messages are missing there; else 0.
    missing: u64,
}

impl Owed {
    pub(super) fn push(&mut self, at: Position, event: Event) {
        self.pressing += 1;
        self.add(at, event, None);
    }

    /// Like [`push`](Self::push), but nothing need be sent for its sake before `due`.
    pub(super) fn push_lazy(&mut self, at: Position, event: Event, due: Instant) {
        self.due = Some(self.due.map_or(due, |earlier| earlier.min(due)));
        self.add(at, event, Some(due));
    }

    fn add(&mut self, at: Position, event: Event, lazy: Option<Instant>) {
        self.bytes += event.0.len();
        self.pushed += 1;
        self.waiting.push_back(Debt { place: self.pushed, at, event, lazy, missing: 0 });
    }

    /// Drops the oldest that wait until `fits` says of messages and bytes that they are few enough, and owes word of the
    /// gap in their place, as of `time`. What is in flight stays. Says how many messages were dropped; `None` if that is
    /// not enough.
    pub(super) fn drop_oldest(&mut self, time: Option<WallTime>, fits: impl Fn(usize, usize) -> bool) -> Option<u64> {
        let mut dropped = 0;
        let mut missing = 0;
        let mut last = None;
        loop {
            let (messages, bytes) = self.size();
            if last.is_some() && fits(messages + 1, bytes + Event::LARGEST_GAP) {
                break;
            }
            let Some(debt) = self.waiting.pop_front() else { break };
            self.bytes -= debt.event.0.len();
            self.pressing -= usize::from(debt.lazy.is_none());
            dropped += u64::from(debt.missing == 0);
            missing += debt.missing.max(1);
            last = Some((debt.place, debt.at));
        }
        let (place, at) = last?;
        let event = match time {
            None => Event::gap(missing),
            Some(time) => Event::gap(missing).stamped(time),
        };
        self.bytes += event.0.len();
        self.pressing += 1;
        self.waiting.push_front(Debt { place, at, event, lazy: None, missing });
        self.look_again();
        let (messages, bytes) = self.size();
        fits(messages, bytes).then_some(dropped)
    }

    /// Copies of all that wait, up to a position.
    pub(super) fn through(&mut self, cursor: Position) -> Vec<Event> {
        let mut events = Vec::new();
        for debt in self.waiting.iter_mut().take_while(|debt| debt.at <= cursor) {
            // Sent once, it is missed if it is not acknowledged.
            self.pressing += usize::from(debt.lazy.take().is_some());
            events.push(debt.event.clone());
        }
        self.look_again();
        events
    }

    /// Drops all that wait, up to a position.
    pub(super) fn drop_through(&mut self, acknowledged: Position) {
        while self.waiting.front().is_some_and(|debt| debt.at <= acknowledged) {
            if let Some(debt) = self.waiting.pop_front() {
                self.bytes -= debt.event.0.len();
                self.pressing -= usize::from(debt.lazy.is_none());
            }
        }
        self.look_again();
        self.relax();
    }

    /// Sends the first `count` of those that wait, or all, in the response `key`.
    pub(super) fn send(&mut self, key: ConnectKey, count: usize) -> Vec<Event> {
        if count < self.waiting.len() {
            return self.send_first(key, count);
        }
        let events = self.waiting.iter().map(|debt| debt.event.clone()).collect();
        (self.pressing, self.due) = (0, None);
        self.flying.extend(self.waiting.drain(..).map(|debt| (key, debt)));
        self.relax();
        events
    }

    fn send_first(&mut self, key: ConnectKey, count: usize) -> Vec<Event> {
        let events = self.waiting.iter().take(count).map(|debt| debt.event.clone()).collect();
        self.flying.extend(self.waiting.drain(..count).map(|debt| (key, debt)));
        self.pressing = self.waiting.iter().filter(|debt| debt.lazy.is_none()).count();
        self.look_again();
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
        let lost = self.flying.extract_if(.., |(flight, _)| *flight == key);
        self.waiting.extend(lost.map(|(_, debt)| Debt { lazy: None, ..debt }));
        self.pressing += self.waiting.len() - waited;
        if self.waiting.len() > waited {
            self.waiting.make_contiguous().sort_by_key(|debt| debt.place);
        }
    }

    /// How many of those that wait may go into frames and responses that carry so many messages and bytes at most, those that are
    /// under way included. If there are none, that is one at least.
    pub(super) fn sendable(&self, messages: usize, bytes: usize) -> usize {
        let flying: usize = self.flying.iter().map(|(_, debt)| debt.event.0.len()).sum();
        let (mut count, mut size) = (self.framed.len() + self.flying.len(), self.framed_bytes + flying);
        let fits = |debt: &&Debt| {
            size = size.saturating_add(debt.event.0.len());
            count += 1;
            count == 1 || count <= messages && size <= bytes
        };
        self.waiting.iter().take_while(fits).count()
    }

    /// Sends the first `count` of those that wait, or all, in the frame number `frame` of the direct way.
    pub(super) fn send_framed(&mut self, frame: u64, count: usize) -> Frame {
        let count = count.min(self.waiting.len());
        let events: Frame = self.waiting.iter().take(count).map(|debt| debt.event.clone()).collect();
        self.framed_bytes += events.iter().map(|event| event.0.len()).sum::<usize>();
        self.framed.extend(self.waiting.drain(..count).map(|debt| (frame, debt)));
        self.pressing = self.waiting.iter().filter(|debt| debt.lazy.is_none()).count();
        self.look_again();
        self.relax();
        events
    }

    /// The direct way took over the frames up to this one: what they carried is owed no more.
    pub(super) fn forget_framed(&mut self, taken: u64) {
        while self.framed.front().is_some_and(|(frame, _)| *frame <= taken) {
            if let Some((_, debt)) = self.framed.pop_front() {
                self.bytes -= debt.event.0.len();
                self.framed_bytes -= debt.event.0.len();
            }
        }
        self.relax();
    }

    /// The direct way is cut: what frames carry that it did not take over waits again, in its old place.
    pub(super) fn take_back_framed(&mut self) -> usize {
        let count = self.framed.len();
        self.framed_bytes = 0;
        while let Some((_, debt)) = self.framed.pop_back() {
            self.waiting.push_front(Debt { lazy: None, ..debt });
        }
        self.pressing += count;
        self.waiting.make_contiguous().sort_by_key(|debt| debt.place);
        count
    }

    /// Where the first that waits has its place.
    pub(super) fn first(&self) -> Option<Position> {
        self.waiting.front().map(|debt| debt.at)
    }

    /// Where the first that waits or is in flight has its place.
    pub(super) fn earliest(&self) -> Option<Position> {
        let framed = self.framed.front().map(|(_, debt)| debt.at);
        self.flying.iter().map(|(_, debt)| debt.at).chain(self.first()).chain(framed).min()
    }

    /// Whether something waits that should be sent now.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.pressing > 0 || self.due.is_some_and(|due| due <= now)
    }

    /// Whether something waits that may not wait for company.
    pub(super) fn is_pressing(&self) -> bool {
        self.pressing > 0
    }

    /// When something should be sent that may still wait, if nothing is due anyway.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due.filter(|_| self.pressing == 0)
    }

    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(super) fn is_in_flight(&self) -> bool {
        !self.flying.is_empty()
    }

    /// Messages and bytes.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.waiting.len() + self.flying.len() + self.framed.len(), self.bytes)
    }

    /// Finds out anew what is due; for free unless something may wait.
    fn look_again(&mut self) {
        if self.due.is_some() {
            self.due = self.waiting.iter().filter_map(|debt| debt.lazy).min();
        }
    }

    /// Gives back what a burst took: a session lives long, and mostly is owed nothing.
    fn relax(&mut self) {
        if self.waiting.is_empty() && self.waiting.capacity() > SPARE {
            self.waiting = VecDeque::new();
        }
        if self.flying.is_empty() && self.flying.capacity() > SPARE {
            self.flying = Vec::new();
        }
        if self.framed.is_empty() && self.framed.capacity() > SPARE {
            self.framed = VecDeque::new();
        }
    }
}

/// Places for events that a session keeps when it is owed none.
const SPARE: usize = 4;
