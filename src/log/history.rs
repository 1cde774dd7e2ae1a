//! What is kept of some subjects beyond their newest record: their history.
//!
//! The positions of what is kept are in memory, 24 bytes each; the records are where the log has them. So a page of
//! history is found without a search, and a subject that says much does not slow down one that says little.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;

use crate::ids::{Position, WallTime};
use crate::log::face::{Past, Record, Subject};
use crate::log::index::Place;

/// How much is kept of what was said about a subject.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Retain {
    /// How old a record may grow.
    pub age: Duration,
    /// How many records, the newest.
    pub records: usize,
}

/// Of which subjects a log keeps more than the newest record. Asked when a subject appears, on the thread that
/// writes: it must not block.
pub trait Retention: fmt::Debug + Send + Sync + 'static {
    /// How much is kept of it; `None` for its newest record alone.
    fn of(&self, subject: &Subject) -> Option<Retain>;
}

/// The newest record of everything, and no history of anything.
impl Retention for () {
    fn of(&self, _subject: &Subject) -> Option<Retain> {
        None
    }
}

/// All histories of a log.
///
/// Invariant: the positions of a history rise, and all that was ever stored of its subject after `dropped` is in it.
#[derive(Debug)]
pub(crate) struct Histories {
    retention: Arc<dyn Retention>,
    all: RwLock<BTreeMap<Subject, History>>,
}

#[derive(Debug)]
struct History {
    retain: Retain,
    kept: VecDeque<Kept>,
    /// The newest position that is not kept any more, or may not be.
    dropped: Position,
}

/// A record that is kept. Small, for there may be millions.
#[derive(Clone, Debug)]
struct Kept {
    position: Position,
    /// When it was made, in seconds since 1970.
    made: u32,
    /// Bytes of its frame.
    length: u32,
    /// The record itself, in a log that stores nothing.
    record: Option<Arc<Record>>,
}

/// Where some history is.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Its positions, in order, each with the record if that is in memory only.
    pub(crate) kept: Vec<(Position, Option<Arc<Record>>)>,
    /// Whether there is more.
    pub(crate) more: bool,
    /// The newest position of these subjects that is not kept any more.
    pub(crate) dropped: Position,
}

impl Histories {
    /// Nothing yet.
    pub(crate) fn new(retention: Arc<dyn Retention>) -> Self {
        Self { retention, all: RwLock::new(BTreeMap::new()) }
    }

    /// Takes new records, each at its place, in order.
    pub(crate) fn take<'a>(&self, records: impl IntoIterator<Item = (&'a Arc<Record>, &'a Place)>) {
        let mut all = self.all.write();
        for (record, place) in records {
            let history = match all.get_mut(&record.subject) {
                Some(history) => history,
                None => {
                    let Some(retain) = self.retention.of(&record.subject) else { continue };
                    let new = History { retain, kept: VecDeque::new(), dropped: Position::ZERO };
                    all.entry(record.subject.clone()).or_insert(new)
                }
            };
            history.push(Kept::new(record, place));
        }
    }

    /// After a start: what lies at or before `before` may have been dropped in an earlier life.
    pub(crate) fn begin_after(&self, before: Position) {
        for history in self.all.write().values_mut() {
            let first =
                history.kept.front().map_or(before, |kept| Position::new(kept.position.get().saturating_sub(1)));
            history.dropped = history.dropped.max(first.min(before));
        }
    }

    /// Lets go of what has grown too old.
    pub(crate) fn trim(&self, now: WallTime) {
        self.all.write().values_mut().for_each(|history| history.trim(now));
    }

    /// Lets go of all up to a position.
    pub(crate) fn drop_through(&self, through: Position) {
        for history in self.all.write().values_mut() {
            history.drop_while(|kept| kept.position <= through);
        }
    }

    /// The positions of all that is kept after `after` and not after `through`, in order.
    pub(crate) fn between(&self, after: Position, through: Position) -> Vec<Position> {
        let all = self.all.read();
        let mut found: Vec<_> =
            all.values().flat_map(|history| history.between(after, through)).map(|kept| kept.position).collect();
        found.sort_unstable();
        found
    }

    /// The record at a position, if it is in memory only.
    pub(crate) fn held(&self, position: Position) -> Option<Arc<Record>> {
        let all = self.all.read();
        all.values().find_map(|history| {
            let at = history.kept.binary_search_by_key(&position, |kept| kept.position).ok()?;
            history.kept.get(at)?.record.clone()
        })
    }

    /// How many bytes that takes.
    pub(crate) fn bytes_between(&self, after: Position, through: Position) -> u64 {
        let all = self.all.read();
        all.values().flat_map(|history| history.between(after, through)).map(|kept| u64::from(kept.length)).sum()
    }

    /// Where a piece of history is, as it is kept at `now`.
    pub(crate) fn find(&self, past: &Past<'_>, now: WallTime) -> Found {
        let all = self.all.read();
        let mut found = Found::default();
        let begins = Subject::new(past.prefix);
        let near = all.range(begins..).take_while(|(subject, _)| subject.as_str().starts_with(past.prefix));
        for (_, history) in near.filter(|(subject, _)| (past.wanted)(subject)) {
            let old = history.kept.iter().take_while(|kept| history.is_old(kept, now)).last();
            let dropped = old.map_or(history.dropped, |kept| kept.position);
            found.dropped = found.dropped.max(dropped);
            let new = history.between(past.after.max(dropped), past.through);
            // One more than asked, so that it can be seen that there is one.
            let few = new.take(past.records.saturating_add(1));
            found.kept.extend(few.map(|kept| (kept.position, kept.record.clone())));
        }
        found.kept.sort_unstable_by_key(|(position, _)| *position);
        found.more = found.kept.len() > past.records;
        found.kept.truncate(past.records);
        found
    }
}

impl History {
    fn push(&mut self, kept: Kept) {
        self.kept.push_back(kept);
        while self.kept.len() > self.retain.records {
            self.drop_oldest();
        }
    }

    fn trim(&mut self, now: WallTime) {
        let retain = self.retain;
        self.drop_while(|kept| kept.is_older(retain.age, now));
    }

    fn is_old(&self, kept: &Kept, now: WallTime) -> bool {
        kept.is_older(self.retain.age, now)
    }

    fn drop_while(&mut self, gone: impl Fn(&Kept) -> bool) {
        while self.kept.front().is_some_and(&gone) {
            self.drop_oldest();
        }
        if self.kept.capacity() > 64 && self.kept.len() * 4 < self.kept.capacity() {
            self.kept.shrink_to(self.kept.len() * 2);
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.kept.pop_front() {
            self.dropped = oldest.position;
        }
    }

    fn between(&self, after: Position, through: Position) -> impl Iterator<Item = &Kept> {
        let from = self.kept.partition_point(|kept| kept.position <= after);
        self.kept.range(from..).take_while(move |kept| kept.position <= through)
    }
}

impl Kept {
    fn new(record: &Arc<Record>, place: &Place) -> Self {
        let (length, held) = match place {
            Place::Memory(record) => (record.payload.len(), Some(Arc::clone(record))),
            Place::Stored { length, .. } => (*length, None),
        };
        Self {
            position: record.position,
            made: u32::try_from(record.time.millis() / 1000).unwrap_or(u32::MAX),
            length: u32::try_from(length).unwrap_or(u32::MAX),
            record: held,
        }
    }

    fn is_older(&self, age: Duration, now: WallTime) -> bool {
        now.since(WallTime::from_millis(u64::from(self.made) * 1000)) > age
    }
}
