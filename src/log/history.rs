//! What is kept of some subjects beyond their newest record: their history.
//!
//! The positions of what is kept are in memory, 16 bytes each; the records are where the log has them. So a page of
//! history is found without a search, and a subject that says much does not slow down one that says little.
//!
//! A subject with a history lives as long as there is something in it: once all has grown old, its newest record goes, too.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;

use crate::ids::{Position, WallTime};
use crate::log::emptied::Emptied;
use crate::log::face::{Record, Subject};
use crate::log::frame;
use crate::log::index::Place;

/// How much is kept of what was said about a subject.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Retain {
    /// How old a record may grow.
    pub age: Duration,
    /// How many records, the newest.
    pub records: usize,
}

/// What a log keeps of a subject.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Retained {
    /// That much of its history. When nothing of it is left, the subject has ended.
    History(Retain),
    /// Its newest record, until one ends it.
    Newest,
    /// Nothing: what is stored of it is nobody's state, and goes with the oldest files.
    Nothing,
}

/// What a log keeps of each subject. Asked when a record is taken in, on the thread that writes: it must not block.
pub trait Retention: fmt::Debug + Send + Sync + 'static {
    /// What is kept of it.
    fn of(&self, subject: &Subject) -> Retained;
}

/// The newest record of everything, and no history of anything.
impl Retention for () {
    fn of(&self, _subject: &Subject) -> Retained {
        Retained::Newest
    }
}

/// All histories of a log.
#[derive(Debug)]
pub(crate) struct Histories {
    retention: Arc<dyn Retention>,
    all: RwLock<All>,
}

/// Invariants: the positions of a history rise, and all that was ever stored of its subject after `dropped` is in it. A
/// history in which nothing is left is one of the emptied, and the other way about.
#[derive(Debug, Default)]
pub(super) struct All {
    pub(super) by_name: BTreeMap<Name, History>,
    pub(super) emptied: Emptied,
    held: Held,
}

/// The records themselves, in a log that stores nothing.
#[derive(Debug, Default)]
struct Held {
    records: BTreeMap<Position, Arc<Record>>,
    /// What they would take in a file.
    bytes: u64,
}

/// A subject, in an order in which those with one parent lie together, and so do those below it that are as deep.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Name {
    pub(super) depth: usize,
    pub(super) subject: Subject,
}

#[derive(Debug)]
pub(super) struct History {
    retain: Retain,
    pub(super) kept: VecDeque<Kept>,
    /// The newest position that is not kept any more, or may not be.
    pub(super) dropped: Position,
}

/// A record that is kept. Small, for there may be millions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    pub(super) position: Position,
    /// When it was made, in seconds since 1970.
    made: u32,
    /// Bytes of its frame.
    length: u32,
}

impl Histories {
    /// Nothing yet.
    pub(crate) fn new(retention: Arc<dyn Retention>) -> Self {
        Self { retention, all: RwLock::default() }
    }

    /// Whether the newest record of a subject is its state.
    pub(crate) fn has_state(&self, subject: &Subject) -> bool {
        self.retention.of(subject) != Retained::Nothing
    }

    /// In how many something is left.
    pub(crate) fn count(&self) -> usize {
        let all = self.all.read();
        all.by_name.len().saturating_sub(all.emptied.len())
    }

    /// Takes new records, each at its place, in order.
    pub(crate) fn take<'a>(&self, records: impl IntoIterator<Item = (&'a Arc<Record>, &'a Place)>) {
        let mut all = self.all.write();
        for (record, place) in records {
            let name = Name::of(&record.subject);
            let known = all.by_name.get(&name).map(|history| history.retain);
            let retain = known.map_or_else(|| self.retention.of(&record.subject), Retained::History);
            match retain {
                Retained::History(retain) if record.ends => all.end(name, retain, record.position),
                Retained::History(retain) => all.push(name, retain, record, place),
                Retained::Newest | Retained::Nothing => {}
            }
        }
    }

    /// After a start: what lies at or before `before` may have been dropped in an earlier life.
    pub(crate) fn begin_after(&self, before: Position) {
        for history in self.all.write().by_name.values_mut() {
            if let Some(kept) = history.kept.front() {
                let first = Position::new(kept.position.get().saturating_sub(1));
                history.dropped = history.dropped.max(first.min(before));
            }
        }
    }

    /// After a start: of subjects that are not known, what lies at or before `through` may have been dropped. `at` is one
    /// of the positions that are gone.
    pub(crate) fn forgot(&self, at: Position, through: Position) {
        self.all.write().emptied.forgot(at, through);
    }

    /// Lets go of what has grown too old. Returns the subjects of which nothing is left, and up to where.
    pub(crate) fn trim(&self, now: WallTime) -> Vec<(Subject, Position)> {
        self.drop_where(|history, kept| history.is_old(kept, now))
    }

    /// Lets go of all up to a position. Returns the subjects of which nothing is left, and up to where.
    pub(crate) fn drop_through(&self, through: Position) -> Vec<(Subject, Position)> {
        self.drop_where(|_, kept| kept.position <= through)
    }

    /// Lets go of the oldest that are in memory only, until the rest has at most `limit` bytes. Returns as the others do.
    pub(crate) fn fit(&self, limit: u64) -> Vec<(Subject, Position)> {
        if self.all.read().held.bytes <= limit {
            return Vec::new();
        }
        let mut ended = Vec::new();
        let mut all = self.all.write();
        let All { by_name, emptied, held } = &mut *all;
        while held.bytes > limit
            && let Some((position, oldest)) = held.records.first_key_value()
        {
            let (position, name) = (*position, Name::of(&oldest.subject));
            let Some(history) = by_name.get_mut(&name) else {
                held.remove(position);
                continue;
            };
            // The oldest of all is the oldest of its own.
            if history.drop_while(|_, kept| kept.position <= position, held) {
                emptied.insert(history.dropped, name.clone());
                ended.push((name.subject, history.dropped));
            }
            held.remove(position);
        }
        all.forget();
        ended
    }

    /// Goes through them some at a time, so that those who write and read need not wait for all.
    fn drop_where(&self, gone: impl Fn(&History, &Kept) -> bool) -> Vec<(Subject, Position)> {
        let mut ended = Vec::new();
        let mut after = Bound::Unbounded;
        loop {
            let mut all = self.all.write();
            let All { by_name, emptied, held } = &mut *all;
            let mut last = None;
            for (name, history) in by_name.range_mut((after, Bound::Unbounded)).take(TOGETHER) {
                if history.drop_while(&gone, held) {
                    emptied.insert(history.dropped, name.clone());
                    ended.push((name.subject.clone(), history.dropped));
                }
                last = Some(name.clone());
            }
            all.forget();
            let Some(last) = last else { return ended };
            after = Bound::Excluded(last);
        }
    }

    /// The positions of all that is kept after `after` and not after `through`, in order.
    pub(crate) fn between(&self, after: Position, through: Position) -> Vec<Position> {
        let all = self.all.read();
        let histories = all.by_name.values();
        let mut found: Vec<_> =
            histories.flat_map(|history| history.between(after, through)).map(|kept| kept.position).collect();
        found.sort_unstable();
        found
    }

    /// How many bytes that takes.
    pub(crate) fn bytes_between(&self, after: Position, through: Position) -> u64 {
        let all = self.all.read();
        let histories = all.by_name.values();
        histories.flat_map(|history| history.between(after, through)).map(|kept| u64::from(kept.length)).sum()
    }

    /// What a file that stands for all up to `through` must say of what is gone.
    pub(crate) fn epitaphs(&self, through: Position) -> Vec<Record> {
        self.all.read().emptied.epitaphs(through)
    }

    /// The records at some positions, as far as they are in memory only.
    pub(crate) fn held(&self, positions: &[Position]) -> Vec<Arc<Record>> {
        let all = self.all.read();
        positions.iter().filter_map(|position| all.held.records.get(position).cloned()).collect()
    }

    /// Has a look at all of them.
    pub(super) fn look<R>(&self, look: impl FnOnce(&All) -> R) -> R {
        look(&self.all.read())
    }
}

impl All {
    fn push(&mut self, name: Name, retain: Retain, record: &Arc<Record>, place: &Place) {
        if let Place::Memory(record) = place {
            self.held.insert(record);
        }
        let Self { by_name, emptied, held } = self;
        let history = match by_name.get_mut(&name) {
            Some(history) => {
                if history.kept.is_empty() {
                    emptied.remove(history.dropped, &name);
                }
                history
            }
            None => by_name.entry(name).or_insert_with(|| History::new(retain)),
        };
        history.kept.push_back(Kept::new(record, place));
        while history.kept.len() > history.retain.records.max(1) {
            history.drop_oldest(held);
        }
    }

    /// A record says that all up to it is gone.
    fn end(&mut self, name: Name, retain: Retain, at: Position) {
        let Self { by_name, emptied, held } = self;
        let history = by_name.entry(name.clone()).or_insert_with(|| History::new(retain));
        if history.kept.is_empty() {
            emptied.remove(history.dropped, &name);
        }
        history.drop_while(|_, _| true, held);
        history.dropped = at;
        emptied.insert(at, name);
        self.forget();
    }

    /// Forgets some of those of which nothing is left, if there are too many.
    fn forget(&mut self) {
        while let Some(name) = self.emptied.forget() {
            self.by_name.remove(&name);
        }
    }
}

impl Held {
    fn insert(&mut self, record: &Arc<Record>) {
        self.bytes += size(record);
        self.records.insert(record.position, Arc::clone(record));
    }

    fn remove(&mut self, position: Position) {
        if let Some(record) = self.records.remove(&position) {
            self.bytes -= size(&record);
        }
    }
}

fn size(record: &Record) -> u64 {
    (frame::LEAST + record.subject.as_str().len() + record.payload.len()) as u64
}

impl Name {
    pub(super) fn of(subject: &Subject) -> Self {
        Self { depth: depth(subject.as_str()), subject: subject.clone() }
    }
}

/// How many slashes are in a name.
pub(super) fn depth(name: &str) -> usize {
    name.bytes().filter(|byte| *byte == b'/').count()
}

impl History {
    fn new(retain: Retain) -> Self {
        Self { retain, kept: VecDeque::new(), dropped: Position::ZERO }
    }

    pub(super) fn is_old(&self, kept: &Kept, now: WallTime) -> bool {
        now.since(WallTime::from_millis(u64::from(kept.made) * 1000)) > self.retain.age
    }

    /// Says whether it took the last one.
    fn drop_while(&mut self, gone: impl Fn(&Self, &Kept) -> bool, held: &mut Held) -> bool {
        if self.kept.is_empty() {
            return false;
        }
        while self.kept.front().is_some_and(|oldest| gone(self, oldest)) {
            self.drop_oldest(held);
        }
        if self.kept.capacity() > 64 && self.kept.len() * 4 < self.kept.capacity() {
            self.kept.shrink_to(self.kept.len() * 2);
        }
        if self.kept.is_empty() {
            self.kept = VecDeque::new();
        }
        self.kept.is_empty()
    }

    fn drop_oldest(&mut self, held: &mut Held) {
        if let Some(oldest) = self.kept.pop_front() {
            self.dropped = oldest.position;
            held.remove(oldest.position);
        }
    }

    fn between(&self, after: Position, through: Position) -> impl Iterator<Item = &Kept> {
        let from = self.kept.partition_point(|kept| kept.position <= after);
        self.kept.range(from..).take_while(move |kept| kept.position <= through)
    }
}

impl Kept {
    fn new(record: &Arc<Record>, place: &Place) -> Self {
        let length = match place {
            Place::Memory(record) => record.payload.len(),
            Place::Stored { length, .. } => *length,
        };
        Self {
            position: record.position,
            made: u32::try_from(record.time.millis() / 1000).unwrap_or(u32::MAX),
            length: u32::try_from(length).unwrap_or(u32::MAX),
        }
    }
}

/// How many are gone through with others waiting.
const TOGETHER: usize = 1024;
