//! The newest records, in memory, shared by everyone who follows the log.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

use crate::ids::Position;
use crate::log::face::Record;

/// The newest records, bounded by count and by bytes. The newest one always stays.
///
/// Invariants: positions rise; every record after `floor` that readers may see is in it, but for volatile ones up to
/// `forgotten`.
#[derive(Debug)]
pub(crate) struct Ring {
    limits: RingLimits,
    /// The newest position that readers may see.
    head: AtomicU64,
    held: RwLock<Held>,
}

/// How much a ring holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RingLimits {
    pub(crate) records: usize,
    pub(crate) bytes: usize,
}

/// What a ring has after a position.
#[derive(Debug)]
pub(crate) enum After {
    /// Not all of it: begin after this position instead.
    Gone(Position),
    /// These, the oldest first; none if there is nothing newer.
    Records(Vec<Arc<Record>>),
}

#[derive(Debug)]
struct Held {
    records: VecDeque<Arc<Record>>,
    bytes: usize,
    floor: Position,
    forgotten: Position,
}

impl Ring {
    /// An empty ring that holds everything after `floor`.
    pub(crate) fn new(limits: RingLimits, floor: Position) -> Self {
        let head = AtomicU64::new(floor.get());
        let held = Held { records: VecDeque::new(), bytes: 0, floor, forgotten: Position::ZERO };
        Self { limits, head, held: RwLock::new(held) }
    }

    /// Tells an empty ring what it will hold everything after.
    pub(crate) fn begin_after(&self, floor: Position) {
        self.held.write().floor = floor;
    }

    /// Takes records newer than all it has; the oldest leave.
    pub(crate) fn push(&self, records: impl IntoIterator<Item = Arc<Record>>) {
        let mut held = self.held.write();
        for record in records {
            held.bytes += weight(&record);
            held.records.push_back(record);
        }
        held.shrink(self.limits);
    }

    /// Takes volatile records of before, in their places. Of those up to `forgotten` it may lack some.
    pub(crate) fn insert(&self, records: Vec<Arc<Record>>, forgotten: Position) {
        let mut held = self.held.write();
        held.forgotten = forgotten;
        let floor = held.floor;
        for record in records.into_iter().filter(|record| record.position > floor) {
            held.bytes += weight(&record);
            held.records.push_back(record);
        }
        held.records.make_contiguous().sort_by_key(|record| record.position);
        held.shrink(self.limits);
    }

    /// Up to `limit` records after a position.
    pub(crate) fn after(&self, position: Position, limit: usize) -> After {
        let held = self.held.read();
        if position < held.floor {
            return After::Gone(held.floor);
        }
        let from = held.records.partition_point(|record| record.position <= position);
        After::Records(held.records.range(from..).take(limit).cloned().collect())
    }

    /// The record at a position.
    pub(crate) fn recall(&self, position: Position) -> Option<Arc<Record>> {
        let held = self.held.read();
        let at = held.records.binary_search_by_key(&position, |record| record.position).ok()?;
        held.records.get(at).cloned()
    }

    /// Lets readers see all up to this position.
    pub(crate) fn show(&self, head: Position) {
        self.head.store(head.get(), Ordering::Release);
    }

    /// The newest position that readers may see.
    pub(crate) fn head(&self) -> Position {
        Position::new(self.head.load(Ordering::Acquire))
    }

    /// It holds every record after this position.
    pub(crate) fn floor(&self) -> Position {
        self.held.read().floor
    }

    /// Up to here it may lack volatile records.
    pub(crate) fn forgotten(&self) -> Position {
        self.held.read().forgotten
    }

    /// All its volatile records, in order, and up to where it may lack some.
    pub(crate) fn volatile(&self) -> (Vec<Arc<Record>>, Position) {
        let held = self.held.read();
        let records = held.records.iter().filter(|record| record.volatile).cloned().collect();
        (records, held.forgotten.max(held.floor))
    }
}

impl Held {
    fn shrink(&mut self, limits: RingLimits) {
        while self.records.len() > 1 && (self.records.len() > limits.records || self.bytes > limits.bytes) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.records.pop_front() {
            self.bytes -= weight(&oldest);
            self.floor = oldest.position;
        }
    }
}

/// The record itself, its share of the ring, and the two texts that it points to.
fn weight(record: &Record) -> usize {
    size_of::<Record>() + 48 + record.subject.as_str().len() + record.payload.len()
}
