//! Whether one client got every message of a sequence once and in order.

use std::collections::BTreeSet;

/// How a message of the sequence arrived.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Arrival {
    /// It had arrived before.
    Duplicated,
    /// For the first time, and everything that came before it was older.
    InOrder,
    /// For the first time, after a newer one.
    Late,
}

/// The sequence as one client sees it. Numbers begin at 1.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    newest: u64,
    /// Numbers below the newest that have not arrived.
    missing: BTreeSet<u64>,
    received: u64,
    duplicated: u64,
    reordered: u64,
}

impl Sequence {
    /// Takes a number in.
    pub(super) fn handle(&mut self, number: u64) -> Arrival {
        if number > self.newest {
            self.missing.extend(self.newest + 1..number);
            self.newest = number;
            self.received += 1;
            Arrival::InOrder
        } else if self.missing.remove(&number) {
            self.received += 1;
            self.reordered += 1;
            Arrival::Late
        } else {
            self.duplicated += 1;
            Arrival::Duplicated
        }
    }

    /// The largest number that arrived.
    pub(super) fn newest(&self) -> u64 {
        self.newest
    }

    /// Numbers that arrived, each counted once.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// Arrivals beyond the first of a number.
    pub(super) fn duplicated(&self) -> u64 {
        self.duplicated
    }

    /// Numbers that arrived after a newer one.
    pub(super) fn reordered(&self) -> u64 {
        self.reordered
    }

    /// Numbers up to `last` that have not arrived.
    pub(super) fn lost(&self, last: u64) -> u64 {
        last.saturating_sub(self.received)
    }
}
