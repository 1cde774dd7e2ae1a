//! Subjects whose history has come to nothing: up to where, so that whoever asks for what is gone is told so. Of as many as
//! that, each is remembered; of the others, those that were emptied at the oldest positions, only up to where the last was.
//!
//! Files that stand for what was compacted say it with records of the log's own, at positions that are free: where the last
//! record of the subject was.

use std::collections::BTreeSet;

use bytes::Bytes;

use crate::ids::{Position, RecordId, WallTime};
use crate::log::epoch::LOG_KIND;
use crate::log::face::{Record, Subject};
use crate::log::frame;
use crate::log::history::Name;

/// Subjects of which nothing is left.
#[derive(Debug, Default)]
pub(super) struct Emptied {
    by_position: BTreeSet<(Position, Name)>,
    forgotten: Option<Forgotten>,
}

/// Of those that are not remembered.
#[derive(Clone, Copy, Debug)]
struct Forgotten {
    /// A position that is gone.
    at: Position,
    /// The newest one.
    through: Position,
}

impl Emptied {
    /// How many are remembered.
    pub(super) fn len(&self) -> usize {
        self.by_position.len()
    }

    pub(super) fn insert(&mut self, dropped: Position, name: Name) {
        self.by_position.insert((dropped, name));
    }

    pub(super) fn remove(&mut self, dropped: Position, name: &Name) {
        self.by_position.remove(&(dropped, name.clone()));
    }

    /// Forgets one, if there are more than are remembered.
    pub(super) fn forget(&mut self) -> Option<Name> {
        if self.by_position.len() <= REMEMBERED {
            return None;
        }
        let (dropped, name) = self.by_position.pop_first()?;
        self.forgot(dropped, dropped);
        Some(name)
    }

    /// Some were forgotten.
    pub(super) fn forgot(&mut self, at: Position, through: Position) {
        let before = self.forgotten.unwrap_or(Forgotten { at, through });
        self.forgotten = Some(Forgotten { at: before.at.min(at), through: before.through.max(through) });
    }

    /// Up to where something may be gone of a subject that is not known.
    pub(super) fn through(&self) -> Position {
        self.forgotten.map_or(Position::ZERO, |forgotten| forgotten.through)
    }

    /// What a file that stands for all up to `through` must say of them, in order.
    pub(super) fn epitaphs(&self, through: Position) -> Vec<Record> {
        let named = self.by_position.iter().take_while(|(dropped, _)| *dropped <= through);
        let named = named.map(|(dropped, name)| record(*dropped, name.subject.clone(), Bytes::new()));
        let mut all: Vec<Record> = named.collect();
        if let Some(Forgotten { at, through: newest }) = self.forgotten.filter(|forgotten| forgotten.at <= through) {
            let newest = newest.min(through).get().to_le_bytes();
            all.push(record(at, Subject::new(OTHERS), Bytes::copy_from_slice(&newest)));
        }
        all.sort_by_key(|record| record.position);
        all
    }
}

/// What a record says of those that are forgotten: a position that is gone, and the newest one.
pub(super) fn others(record: &Record) -> Option<(Position, Position)> {
    if record.kind != LOG_KIND || record.subject.as_str() != OTHERS {
        return None;
    }
    let newest = u64::from_le_bytes(frame::take(&mut record.payload.as_ref()).ok()?);
    Some((record.position, Position::new(newest)))
}

/// It bears no time, so that no file grows younger by it.
fn record(position: Position, subject: Subject, payload: Bytes) -> Record {
    let id = RecordId::new([0; 16]);
    let time = WallTime::from_millis(0);
    Record { position, id, subject, kind: LOG_KIND, version: 1, time, volatile: false, ends: true, payload }
}

const OTHERS: &str = "log/forgotten";

/// How many are remembered. Few in tests, so that they come to forgetting.
pub(super) const REMEMBERED: usize = if cfg!(test) { 3 } else { 16_384 };
