//! The log that keeps nothing on disk. It has no thread: whoever appends does the work, so that an append is
//! done when the call returns, and a test with paused time never waits for it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::clock;
use crate::ids::{Position, WallTime};
use crate::log::batch;
use crate::log::batch::{Batch, Request};
use crate::log::config::LogObserver;
use crate::log::face::{Health, Outcome};
use crate::log::index::Place;
use crate::log::published::Published;
use crate::log::retention::EVERY;

/// Gives out positions, in memory. If another thread is at work, it does what arrives meanwhile as well.
#[derive(Debug)]
pub(crate) struct Memory {
    limit: usize,
    /// Bytes of history at most.
    retain_size: Option<u64>,
    state: Mutex<State>,
    /// When old history was looked for last, in milliseconds since 1970.
    trimmed: AtomicU64,
}

#[derive(Debug)]
struct State {
    waiting: VecDeque<Request>,
    turn: Turn,
    life: Life,
}

#[derive(Debug)]
enum Turn {
    /// Some thread is at work, and will look again before it leaves.
    Busy,
    /// Nobody is; the next position is this.
    Idle(Position),
}

#[derive(Debug, Eq, PartialEq)]
enum Life {
    Closed,
    Open,
}

impl Memory {
    /// A log whose first position is `next`. At most `limit` appends wait for a thread that is at work; history of
    /// `retain_size` bytes at most is kept.
    pub(crate) fn new(next: Position, limit: usize, retain_size: Option<u64>, now: WallTime) -> Self {
        let state = State { waiting: VecDeque::new(), turn: Turn::Idle(next), life: Life::Open };
        Self { limit: limit.max(1), retain_size, state: Mutex::new(state), trimmed: AtomicU64::new(now.millis()) }
    }

    /// Takes a record, and tells its asker.
    pub(crate) fn append(&self, request: Request, published: &Published, observer: &dyn LogObserver) {
        match self.put(request) {
            None => self.work(published, observer),
            Some(Request { record, asker }) => asker.answer(record.kind, Outcome::Full, clock::now(), observer),
        }
    }

    /// Closes it with a last record.
    pub(crate) fn close(&self, last: Request, published: &Published, observer: &dyn LogObserver) {
        let mut state = self.state.lock();
        if state.life == Life::Closed {
            return;
        }
        state.life = Life::Closed;
        state.waiting.push_back(last);
        drop(state);
        self.work(published, observer);
        published.set_health(Health::ReadOnly("the log is closed".to_owned()));
    }

    /// Puts an append in. It comes back if there is no room, or the log is closed.
    fn put(&self, request: Request) -> Option<Request> {
        let mut state = self.state.lock();
        if state.life == Life::Closed || state.waiting.len() >= self.limit {
            return Some(request);
        }
        state.waiting.push_back(request);
        None
    }

    /// Does what waits, unless another thread is at it. No lock is held meanwhile.
    fn work(&self, published: &Published, observer: &dyn LogObserver) {
        let mut done = None;
        while let Some((requests, next)) = self.take_turn(done) {
            let batch = Batch::decide(requests, next, &published.index.look());
            done = Some(batch.next);
            let places = batch.records.iter().map(|r| (!r.volatile).then(|| Place::Memory(Arc::clone(r))));
            published.publish(&batch.records, places.collect());
            batch::answer(batch.answers, clock::now(), observer);
            published.wake();
            self.trim(clock::wall(), published);
            if let Some(limit) = self.retain_size {
                published.fit(limit);
            }
        }
    }

    /// Lets go of what has grown too old, now and then.
    fn trim(&self, now: WallTime, published: &Published) {
        let last = WallTime::from_millis(self.trimmed.load(Ordering::Relaxed));
        if now.since(last) > EVERY {
            self.trimmed.store(now.millis(), Ordering::Relaxed);
            published.trim(now);
        }
    }

    /// What waits and the position from which to go on; or gives the turn back. `mine` is the next position if
    /// the caller has the turn already.
    fn take_turn(&self, mine: Option<Position>) -> Option<(VecDeque<Request>, Position)> {
        let mut state = self.state.lock();
        let next = match (mine, &state.turn) {
            (Some(next), _) => next,
            (None, Turn::Idle(next)) => *next,
            (None, Turn::Busy) => return None,
        };
        let requests = std::mem::take(&mut state.waiting);
        if requests.is_empty() {
            state.turn = Turn::Idle(next);
            return None;
        }
        state.turn = Turn::Busy;
        Some((requests, next))
    }
}
