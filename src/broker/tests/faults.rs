//! What is promised to clients, whatever breaks: many worlds, each with a line and a story of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::broker::Settings;
use crate::broker::tests::kit::settings;
use crate::broker::tests::pair::Pair;
use crate::broker::tests::wires::Shape;

#[test]
fn whatever_breaks_a_client_is_given_what_it_is_owed_in_order_and_once() {
    let sums = run(Room::Ample, Shape::Polling);
    sums.assert_everything_broke();
    sums.assert_at_least(3_000, &["again: resumed"]);
    // With room enough nothing but its own goodbye ends a session that acknowledges.
    for never in ["ended: expired, ack", "ended: overrun, ack", "ended: unknown ack", "told to handshake, ack"] {
        assert_eq!(sums.of(never), 0, "{never}: {sums:?}");
    }
}

#[test]
fn where_room_runs_out_a_client_is_told_to_begin_anew_and_misses_nothing_in_silence() {
    let sums = run(Room::Scarce, Shape::Polling);
    sums.assert_everything_broke();
    sums.assert_at_least(10, &["ended: unknown ack"]);
    sums.assert_at_least(50, &["ended: expired, ack", "ended: overrun"]);
    // What does not fit is told in parts, and a home that begins catches up, however small the ring.
    for never in ["ended: overrun, ack", "ended: lagged"] {
        assert_eq!(sums.of(never), 0, "{never}: {sums:?}");
    }
    sums.assert_at_least(50, &["told to handshake, ack"]);
}

#[test]
fn by_sockets_a_client_is_given_what_it_is_owed_in_order_and_once_whatever_breaks() {
    let sums = run(Room::Ample, Shape::Sockets);
    sums.assert_sockets_broke();
    sums.assert_at_least(1_000, &["again: resumed", "frames heard", "opened"]);
    for never in
        ["ended: expired, ack", "ended: overrun", "ended: overrun, ack", "ended: unknown ack", "again: stopped"]
    {
        assert_eq!(sums.of(never), 0, "{never}: {sums:?}");
    }
    assert_eq!(sums.of("told to handshake, ack"), 0, "{sums:?}");
}

#[test]
fn by_sockets_where_room_runs_out_a_client_is_told_to_begin_anew_and_misses_nothing_in_silence() {
    let sums = run(Room::Scarce, Shape::Sockets);
    sums.assert_sockets_broke();
    sums.assert_at_least(10, &["ended: unknown ack"]);
    sums.assert_at_least(30, &["ended: expired, ack", "ended: overrun", "told to handshake, ack"]);
    for never in ["ended: overrun, ack", "ended: lagged"] {
        assert_eq!(sums.of(never), 0, "{never}: {sums:?}");
    }
}

#[test]
fn a_client_that_goes_from_sockets_to_long_polling_and_back_is_given_what_it_is_owed() {
    let sums = run(Room::Ample, Shape::Mixed);
    sums.assert_sockets_broke();
    sums.assert_at_least(100, &["changed over", "cut", "requests lost", "torn", "vanished", "written with events"]);
    for never in ["ended: expired, ack", "ended: overrun, ack", "ended: unknown ack", "told to handshake, ack"] {
        assert_eq!(sums.of(never), 0, "{never}: {sums:?}");
    }
}

fn run(room: Room, shape: Shape) -> Sums {
    let mut sums = Sums::default();
    for seed in 0..SEEDS {
        let mut pair = Pair::new(seed, room, shape);
        let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| pair.run()));
        assert!(ran.is_ok(), "seed {seed} with {room:?} room, {shape:?}, see above");
        sums.add(&pair.sums);
    }
    sums
}

/// How much there is room for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Room {
    /// A session that acknowledges never ends against its client's will.
    Ample,
    /// Queues, ring and patience run out.
    Scarce,
}

/// How much was exercised.
#[derive(Debug, Default)]
pub(super) struct Sums {
    counts: BTreeMap<&'static str, u64>,
}

impl Sums {
    pub(super) fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    pub(super) fn count_many(&mut self, what: &'static str, count: u64) {
        *self.counts.entry(what).or_default() += count;
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (what, count) in &other.counts {
            *self.counts.entry(what).or_default() += count;
        }
    }
}

impl Sums {
    fn of(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or_default()
    }

    fn assert_at_least(&self, least: u64, whats: &[&str]) {
        for what in whats {
            assert!(self.of(what) >= least, "{what}: {self:?}");
        }
    }

    fn assert_everything_broke(&self) {
        self.assert_at_least(1_000, &["given up", "replies with events"]);
        self.assert_at_least(200, &["cut", "requests lost", "sent into the dark", "torn", "vanished"]);
        self.assert_at_least(200, &["again: unacknowledged", "doubled", "empty replies", "written with events"]);
        self.assert_at_least(50, &["again: lost", "dark", "killed", "left", "stopped", "told to handshake"]);
        self.assert_at_least(20, &["ended: expired", "ended: lost", "responses too late", "superseded"]);
    }

    fn assert_sockets_broke(&self) {
        self.assert_at_least(500, &["broken", "given up", "opened", "replies with events"]);
        self.assert_at_least(100, &["again: lost", "empty replies", "frames heard", "lost with its socket"]);
        self.assert_at_least(100, &["not taken over", "several under way"]);
        self.assert_at_least(40, &["dark", "killed", "left", "stopped", "told to handshake"]);
        self.assert_at_least(20, &["again: unacknowledged", "ended: expired", "ended: lost", "superseded"]);
        self.assert_at_least(5, &["left behind"]);
        self.assert_at_least(1, &["room again"]);
    }
}

impl Room {
    pub(super) fn settings(self, seed: u64) -> (Settings, usize) {
        let ample = Settings { queue_messages: 10_000, sessions: 10_000, sessions_per_agent: 1_000, ..settings() };
        match self {
            Self::Ample => (ample, 100_000),
            Self::Scarce => {
                let resume = Duration::from_secs(20);
                let (queue_messages, ring) = if seed.is_multiple_of(2) { (5, 100_000) } else { (10_000, 40) };
                (Settings { queue_messages, resume, ..ample }, ring)
            }
        }
    }

    /// How long a client is without a network at most, in milliseconds.
    pub(super) fn dark(self) -> u64 {
        match self {
            Self::Ample => 60_000,
            Self::Scarce => 90_000,
        }
    }
}

/// Enough that each thing happens often, and few enough for every run of the tests.
const SEEDS: u64 = 100;
