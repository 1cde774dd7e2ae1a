//! Whether a response that carried events was written: told by the response's body, read by the session's home.

use std::sync::atomic::{AtomicU8, Ordering};

/// How a response fares. Shared by the body that carries it and the home that waits for it, so that a delivery
/// needs no message back, unless something waits for its being written.
#[derive(Debug, Default)]
pub(super) struct Fate(AtomicU8);

const WRITTEN: u8 = 1;
const LOST: u8 = 2;
const AWAITED: u8 = 4;

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
        known(self.0.load(Ordering::Acquire))
    }

    /// The home wants word once it was written. What is known of it by then: of that no word comes.
    pub(super) fn await_word(&self) -> Known {
        known(self.0.fetch_or(AWAITED, Ordering::AcqRel))
    }

    /// The body was polled to its end. Says whether the home wants word of that.
    pub(super) fn written(&self) -> bool {
        self.0.fetch_or(WRITTEN, Ordering::AcqRel) & AWAITED != 0
    }

    /// The body was dropped, by whoever else would say that it was written. Says whether that was before its end.
    pub(super) fn dropped(&self) -> bool {
        let lost = self.known() == Known::Nothing;
        if lost {
            self.0.fetch_or(LOST, Ordering::AcqRel);
        }
        lost
    }
}

fn known(state: u8) -> Known {
    match state & (WRITTEN | LOST) {
        0 => Known::Nothing,
        LOST => Known::Lost,
        _ => Known::Written,
    }
}
