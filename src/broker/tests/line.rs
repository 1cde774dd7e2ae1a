//! The line between clients and their server: it delays, reorders, loses, cuts and doubles what it carries.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Things that are going to happen, by time; those of one time in the order in which they were put down.
pub(super) struct Agenda<T> {
    entries: BTreeMap<(Instant, u64), T>,
    put: u64,
}

/// What the line makes of a request.
pub(super) enum Passage {
    /// It arrives.
    Arrives(Duration),
    /// It arrives twice; the client hears the answer to the first, or to the second.
    Doubled([Duration; 2], Heard),
    /// It does not arrive.
    Lost(Told),
}

/// Which of two answers a client hears.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Heard {
    First,
    Second,
}

/// What the line makes of a response.
pub(super) enum Return {
    /// The server could not write it to its end, and the client does not get it.
    Torn(Duration, Told),
    /// The server wrote it to its end, and the client does not get it.
    Vanished(Duration, Told),
    /// The server wrote it to its end, and the client gets it.
    Whole { written: Duration, arrives: Duration },
}

/// When somebody learns that a connection broke; `None` for one who must find out by waiting.
pub(super) type Told = Option<Duration>;

/// A line with its weather, drawn once; in calm weather everything arrives, once and soon.
pub(super) struct Line {
    pub(super) random: StdRng,
    rough: bool,
    slowest: u64,
    loses: f64,
    doubles: f64,
    cuts: f64,
}

impl<T> Agenda<T> {
    pub(super) fn new() -> Self {
        Self { entries: BTreeMap::new(), put: 0 }
    }

    pub(super) fn put(&mut self, at: Instant, what: T) {
        self.put += 1;
        self.entries.insert((at, self.put), what);
    }

    pub(super) fn first(&self) -> Option<Instant> {
        self.entries.keys().next().map(|(at, _)| *at)
    }

    /// The next thing that is due.
    pub(super) fn take(&mut self, now: Instant) -> Option<T> {
        if self.first()? <= now { self.entries.pop_first().map(|(_, what)| what) } else { None }
    }

    pub(super) fn keep(&mut self, keep: impl Fn(&T) -> bool) {
        self.entries.retain(|_, what| keep(what));
    }
}

impl Line {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let slowest = [5, 50, 500, 3_000][random.random_range(0..4)];
        let [loses, doubles, cuts] = [0.2, 0.15, 0.3].map(|most| random.random_range(0.0..most));
        Self { random, rough: true, slowest, loses, doubles, cuts }
    }

    /// From now on everything arrives.
    pub(super) fn calm(&mut self) {
        self.rough = false;
    }

    pub(super) fn chance(&mut self, likely: f64) -> bool {
        self.random.random_bool(likely)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        self.random.random_range(0..end)
    }

    /// A time up to so many milliseconds.
    pub(super) fn within(&mut self, millis: u64) -> Duration {
        Duration::from_millis(self.random.random_range(0..=millis))
    }

    /// How long something is on its way.
    pub(super) fn delay(&mut self) -> Duration {
        self.within(if self.rough { self.slowest } else { 1 })
    }

    pub(super) fn request(&mut self) -> Passage {
        if self.rough && self.chance(self.loses) {
            return Passage::Lost(self.told());
        }
        if self.rough && self.chance(self.doubles) {
            let heard = if self.chance(0.5) { Heard::First } else { Heard::Second };
            // The second may come long after the first was answered.
            return Passage::Doubled([self.delay(), self.within(20_000)], heard);
        }
        Passage::Arrives(self.delay())
    }

    pub(super) fn response(&mut self) -> Return {
        if self.rough && self.chance(self.loses) {
            return self.broken();
        }
        let written = self.delay();
        Return::Whole { written, arrives: written + self.delay() }
    }

    /// A response on a connection that is broken already.
    pub(super) fn broken(&mut self) -> Return {
        let (after, told) = (self.delay(), self.told());
        if self.chance(0.5) { Return::Torn(after, told) } else { Return::Vanished(after, told) }
    }

    /// When a connection on which a request waits breaks, if it does.
    pub(super) fn cut(&mut self) -> Option<Duration> {
        (self.rough && self.chance(self.cuts)).then(|| self.within(20_000))
    }

    /// When a socket breaks, if it does.
    pub(super) fn dies(&mut self) -> Option<Duration> {
        (self.rough && self.chance(0.5)).then(|| self.within(15_000))
    }

    pub(super) fn told(&mut self) -> Told {
        self.chance(0.6).then(|| self.within(1_000))
    }
}
