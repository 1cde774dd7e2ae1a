//! Whether a response that carried events was written: told by the response's body, read by the session's home.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// How a response fares. Shared by the body that carries it and the home that waits for it, so that a delivery
/// needs no message back, unless more is to follow once it was written.
#[derive(Debug, Default)]
pub(super) struct Fate {
    known: AtomicU8,
    awaited: AtomicBool,
}

const WRITTEN: u8 = 1;
const LOST: u8 = 2;

/// What is known of a response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Known {
    /// It was dropped before it was written to its end.
    Lost,
    /// Nothing yet.
    Nothing,
    /// It was written to its end.
    Written,
}

impl Fate {
    /// What is known of it.
    pub(super) fn known(&self) -> Known {
        match self.known.load(Ordering::Acquire) {
            WRITTEN => Known::Written,
            LOST => Known::Lost,
            _ => Known::Nothing,
        }
    }

    /// The home wants word once it was written. Only before the body leaves.
    pub(super) fn await_word(&self) {
        self.awaited.store(true, Ordering::Relaxed);
    }

    /// The body was polled to its end. Says whether the home wants word of that.
    pub(super) fn written(&self) -> bool {
        self.known.store(WRITTEN, Ordering::Release);
        self.awaited.load(Ordering::Relaxed)
    }

    /// The body was dropped. Says whether that was before its end.
    pub(super) fn dropped(&self) -> bool {
        self.known.compare_exchange(0, LOST, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}
