//! What all desks of one run share: the message that is under way, and the latencies.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::clock;

/// One for each run. Times are microseconds since it was made.
pub(super) struct Board {
    origin: Instant,
    marks: Mutex<Marks>,
    /// Told when the newest message has reached everybody.
    everybody: Notify,
}

struct Marks {
    newest: u64,
    /// Who has not got the newest message yet.
    missing: usize,
    /// Who is listening.
    listening: usize,
    arrived: u64,
    latencies: Histogram<u64>,
}

impl Board {
    /// A board without anybody. `None` only if the histogram's fixed bounds were wrong.
    pub(super) fn new() -> Option<Self> {
        let latencies = Histogram::new_with_bounds(1, LONGEST_LATENCY, 3).ok()?;
        let marks = Marks { newest: 0, missing: 0, listening: 0, arrived: 0, latencies };
        Some(Self { origin: clock::now(), marks: Mutex::new(marks), everybody: Notify::new() })
    }

    /// The time of `moment`.
    pub(super) fn micros(&self, moment: Instant) -> u64 {
        u64::try_from(moment.saturating_duration_since(self.origin).as_micros()).unwrap_or(u64::MAX)
    }

    /// One more listens.
    pub(super) fn enter(&self) {
        self.marks.lock().listening += 1;
    }

    /// One has stopped listening. `newest_seen` says what it has seen, so that nobody waits for it.
    pub(super) fn leave(&self, newest_seen: u64) {
        let mut marks = self.marks.lock();
        marks.listening = marks.listening.saturating_sub(1);
        if newest_seen < marks.newest {
            marks.missing = marks.missing.saturating_sub(1);
            self.tell(&marks);
        }
    }

    /// A message is about to be published.
    pub(super) fn begin(&self, number: u64) {
        let mut marks = self.marks.lock();
        marks.newest = number;
        marks.missing = marks.listening;
    }

    /// A message arrived for the first time at one desk.
    pub(super) fn arrived(&self, number: u64, sent: u64) {
        let latency = self.micros(clock::now()).saturating_sub(sent);
        let mut marks = self.marks.lock();
        marks.latencies.saturating_record(latency.max(1));
        marks.arrived += 1;
        if number == marks.newest {
            marks.missing = marks.missing.saturating_sub(1);
            self.tell(&marks);
        }
    }

    /// Waits until the newest message has reached everybody. Says whether it did in time.
    pub(super) async fn everybody_has_it(&self, patience: Duration) -> bool {
        let arrival = async {
            while self.marks.lock().missing > 0 {
                self.everybody.notified().await;
            }
        };
        tokio::time::timeout(patience, arrival).await.is_ok()
    }

    /// Who is listening.
    pub(super) fn listening(&self) -> usize {
        self.marks.lock().listening
    }

    /// First arrivals so far.
    pub(super) fn arrivals(&self) -> u64 {
        self.marks.lock().arrived
    }

    /// The latencies so far, in microseconds.
    pub(super) fn latencies(&self) -> Histogram<u64> {
        self.marks.lock().latencies.clone()
    }

    fn tell(&self, marks: &Marks) {
        if marks.missing == 0 {
            self.everybody.notify_one();
        }
    }
}

/// Ten minutes; anything above is counted as this.
const LONGEST_LATENCY: u64 = 600_000_000;
