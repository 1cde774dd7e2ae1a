//! The appends that wait for the writer, in the order of the calls.

use std::collections::VecDeque;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use crate::log::batch::Request;

/// A bounded queue from many callers to the writer. When it is full, an append is refused at once.
#[derive(Debug)]
pub(crate) struct Queue {
    limit: usize,
    state: Mutex<State>,
    arrived: Condvar,
}

/// What the writer is to do.
#[derive(Debug)]
pub(crate) enum Work {
    /// Stop where it is.
    Abandon,
    /// Store these.
    Append(VecDeque<Request>),
    /// Nothing came before the deadline.
    Nothing,
    /// Write down that the log was closed, then drop this.
    Close(oneshot::Sender<()>),
}

#[derive(Debug)]
struct State {
    waiting: VecDeque<Request>,
    life: Life,
}

#[derive(Debug)]
enum Life {
    Abandoned,
    Closed,
    Closing(oneshot::Sender<()>),
    Open,
}

impl Queue {
    /// A queue in which at most `limit` appends wait.
    pub(crate) fn new(limit: usize) -> Self {
        let state = State { waiting: VecDeque::new(), life: Life::Open };
        Self { limit: limit.max(1), state: Mutex::new(state), arrived: Condvar::new() }
    }

    /// Puts an append in. It comes back if there is no room, or the log is closed.
    pub(crate) fn put(&self, request: Request) -> Option<Request> {
        let mut state = self.state.lock();
        if !matches!(state.life, Life::Open) || state.waiting.len() >= self.limit {
            return Some(request);
        }
        state.waiting.push_back(request);
        drop(state);
        self.arrived.notify_one();
        None
    }

    /// Takes nothing more, and has the writer close the log once what waits is stored. The returned end
    /// resolves when it has.
    pub(crate) fn close(&self) -> Option<oneshot::Receiver<()>> {
        let mut state = self.state.lock();
        if !matches!(state.life, Life::Open) {
            return None;
        }
        let (tell, told) = oneshot::channel();
        state.life = Life::Closing(tell);
        drop(state);
        self.arrived.notify_one();
        Some(told)
    }

    /// Takes nothing more, and has the writer stop.
    pub(crate) fn abandon(&self) {
        let mut state = self.state.lock();
        if matches!(state.life, Life::Open) {
            state.life = Life::Abandoned;
        }
        drop(state);
        self.arrived.notify_one();
    }

    /// Lets go of all that waits: its outcome is unknown. For a writer that has died.
    pub(crate) fn desert(&self) {
        let mut state = self.state.lock();
        state.life = Life::Abandoned;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        drop(waiting);
    }

    /// Waits for work, until `deadline` if there is one, and takes all of it up to the bounds of a batch.
    pub(crate) fn take(&self, deadline: Option<Instant>) -> Work {
        let mut state = self.state.lock();
        loop {
            if matches!(state.life, Life::Abandoned) {
                return Work::Abandon;
            }
            if !state.waiting.is_empty() {
                return Work::Append(state.take_batch());
            }
            match std::mem::replace(&mut state.life, Life::Closed) {
                Life::Closing(tell) => return Work::Close(tell),
                life @ (Life::Abandoned | Life::Closed | Life::Open) => state.life = life,
            }
            match deadline {
                None => self.arrived.wait(&mut state),
                Some(deadline) => {
                    if self.arrived.wait_until(&mut state, deadline).timed_out() {
                        return Work::Nothing;
                    }
                }
            }
        }
    }
}

impl State {
    fn take_batch(&mut self) -> VecDeque<Request> {
        let mut bytes = 0;
        let fits = self.waiting.iter().take(BATCH_RECORDS).take_while(|request| {
            bytes += request.record.payload.len();
            bytes <= BATCH_BYTES
        });
        let count = fits.count().max(1);
        let rest = self.waiting.split_off(count.min(self.waiting.len()));
        std::mem::replace(&mut self.waiting, rest)
    }
}

const BATCH_RECORDS: usize = 4096;
const BATCH_BYTES: usize = 4 << 20;
