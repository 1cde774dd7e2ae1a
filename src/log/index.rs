//! The newest record of every living subject.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::{RwLock, RwLockReadGuard};

use crate::ids::Position;
use crate::log::face::{Record, Subject};
use crate::log::segment::Segment;

/// Where the newest record of a subject is.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) position: Position,
    pub(crate) place: Place,
}

/// Where a record is.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// Here: the log keeps nothing on disk.
    Memory(Arc<Record>),
    /// In a file. The file itself, not its name: it may be replaced by a compacted one while someone reads.
    Stored { segment: Arc<Segment>, offset: u64, length: usize },
}

/// By subject, in order. A subject whose newest record ended it is not in it.
pub(crate) type Entries = BTreeMap<Subject, Entry>;

/// The newest record of every living subject.
#[derive(Debug, Default)]
pub(crate) struct Index {
    entries: RwLock<Entries>,
}

impl Index {
    /// The index that a start has put together.
    pub(crate) fn new(entries: Entries) -> Self {
        Self { entries: RwLock::new(entries) }
    }

    /// Takes new records, each at its place, in order.
    pub(crate) fn apply<'a>(&self, records: impl IntoIterator<Item = (&'a Record, Place)>) {
        let mut entries = self.entries.write();
        for (record, place) in records {
            apply(&mut entries, record, place);
        }
    }

    /// The newest record of a subject.
    pub(crate) fn get(&self, subject: &Subject) -> Option<Entry> {
        self.entries.read().get(subject).cloned()
    }

    /// All of it, for as long as a decision takes.
    pub(crate) fn look(&self) -> RwLockReadGuard<'_, Entries> {
        self.entries.read()
    }

    /// The living subjects that begin with `prefix`, in order.
    pub(crate) fn subjects(&self, prefix: &str) -> Vec<Subject> {
        let from = (Bound::Included(Subject::new(prefix)), Bound::Unbounded);
        let entries = self.entries.read();
        entries
            .range(from)
            .map(|(subject, _)| subject)
            .take_while(|s| s.as_str().starts_with(prefix))
            .cloned()
            .collect()
    }

    /// All entries that satisfy `keep`, the oldest first.
    pub(crate) fn select(&self, keep: impl Fn(&Entry) -> bool) -> Vec<(Subject, Entry)> {
        let entries = self.entries.read();
        let mut found: Vec<_> =
            entries.iter().filter(|(_, entry)| keep(entry)).map(|(s, entry)| (s.clone(), entry.clone())).collect();
        found.sort_by_key(|(_, entry)| entry.position);
        found
    }

    /// Subjects have ended without a record that says so, each with all up to a position.
    pub(crate) fn end(&self, ended: &[(Subject, Position)]) {
        // Asked after each batch of a log in memory, and mostly for nothing: readers are let be then.
        if ended.is_empty() {
            return;
        }
        let mut entries = self.entries.write();
        ended.iter().for_each(|(subject, through)| end(&mut entries, subject, *through));
    }

    /// Tells it that a record now lies elsewhere. Nothing happens if it is no longer the newest.
    pub(crate) fn rehome(&self, moved: impl IntoIterator<Item = (Subject, Position, Place)>) {
        let mut entries = self.entries.write();
        for (subject, position, place) in moved {
            if let Some(entry) = entries.get_mut(&subject)
                && entry.position == position
            {
                entry.place = place;
            }
        }
    }
}

/// Takes a new record into entries.
pub(crate) fn apply(entries: &mut Entries, record: &Record, place: Place) {
    if record.ends {
        entries.remove(&record.subject);
    } else {
        entries.insert(record.subject.clone(), Entry { position: record.position, place });
    }
}

/// A subject has ended with all up to a position.
pub(crate) fn end(entries: &mut Entries, subject: &Subject, through: Position) {
    if entries.get(subject).is_some_and(|entry| entry.position <= through) {
        entries.remove(subject);
    }
}
