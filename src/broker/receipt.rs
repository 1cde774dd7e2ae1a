//! Whether a response that carried events was written: told by the response's body, read by the session's home.

use std::sync::atomic::{AtomicU8, Ordering};

/// How a response fares. Shared by the body that carries it and the home that waits for it, so that a delivery
/// needs no message back.
#[derive(Debug, Default)]
pub(super) struct Fate(AtomicU8);

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
        match self.0.load(Ordering::Acquire) {
            WRITTEN => Known::Written,
            LOST => Known::Lost,
            _ => Known::Nothing,
        }
    }

    /// The body was polled to its end.
    pub(super) fn written(&self) {
        self.0.store(WRITTEN, Ordering::Release);
    }

    /// The body was dropped. Says whether that was before its end.
    pub(super) fn dropped(&self) -> bool {
        self.0.compare_exchange(0, LOST, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}
