//! What becomes of the appends of one batch: which are taken, and where.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;

use crate::ids::Position;
use crate::log::config::LogObserver;
use crate::log::face::{Expected, Kind, NewRecord, Outcome, Record, Subject};
use crate::log::frame;
use crate::log::index::Entries;

/// An append that waits.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) record: NewRecord,
    pub(crate) asker: Asker,
}

/// Who is told how an append went.
#[derive(Debug)]
pub(crate) struct Asker {
    pub(crate) since: Instant,
    /// None for the log's own records.
    pub(crate) tell: Option<oneshot::Sender<Outcome>>,
}

/// A batch after its expectations were looked at.
#[derive(Debug)]
pub(crate) struct Batch {
    /// What is to be stored, in order.
    pub(crate) records: Vec<Arc<Record>>,
    /// What each asker will be told if that goes well.
    pub(crate) answers: Vec<Answer>,
    /// The first position that it does not use.
    pub(crate) next: Position,
}

/// What an asker will be told.
#[derive(Debug)]
pub(crate) struct Answer {
    asker: Asker,
    kind: Kind,
    outcome: Outcome,
}

impl Batch {
    /// Gives positions from `next` on to what may be appended. An append sees those before it in the batch.
    /// Volatile records are nobody's state: no expectation sees them.
    pub(crate) fn decide(requests: impl IntoIterator<Item = Request>, next: Position, index: &Entries) -> Self {
        let mut batch = Self { records: Vec::new(), answers: Vec::new(), next };
        let mut ahead = BTreeMap::new();
        for Request { record, asker } in requests {
            let newest = match ahead.get(&record.subject) {
                Some(newest) => *newest,
                None => index.get(&record.subject).map(|entry| entry.position),
            };
            let kind = record.kind;
            let outcome = batch.take(record, newest, &mut ahead);
            batch.answers.push(Answer { asker, kind, outcome });
        }
        batch
    }

    fn take(
        &mut self,
        record: NewRecord,
        newest: Option<Position>,
        ahead: &mut BTreeMap<Subject, Option<Position>>,
    ) -> Outcome {
        let met = match record.expected {
            Expected::Any => true,
            Expected::At(position) => newest == Some(position),
            Expected::Nothing => newest.is_none(),
        };
        if !met {
            return Outcome::Conflict;
        }
        if !frame::fits(&record) {
            tracing::error!(subject = %record.subject, bytes = record.payload.len(), "a record is too large for the log");
            return Outcome::Full;
        }
        let position = self.next;
        self.next = position.next();
        if !record.volatile {
            ahead.insert(record.subject.clone(), (!record.ends).then_some(position));
        }
        let NewRecord { id, subject, expected: _, kind, version, time, volatile, ends, payload } = record;
        self.records.push(Arc::new(Record { position, id, subject, kind, version, time, volatile, ends, payload }));
        Outcome::Appended(position)
    }
}

/// Tells every asker how it went.
pub(crate) fn answer(answers: Vec<Answer>, now: Instant, observer: &dyn LogObserver) {
    for Answer { asker, kind, outcome } in answers {
        asker.answer(kind, outcome, now, observer);
    }
}

/// Tells every asker that nothing of the batch was taken, or that nobody knows.
pub(crate) fn refuse(answers: Vec<Answer>, instead: Outcome, now: Instant, observer: &dyn LogObserver) {
    for Answer { asker, kind, outcome } in answers {
        let outcome = match outcome {
            Outcome::Appended(_) => instead,
            Outcome::Conflict | Outcome::Full | Outcome::Unknown => outcome,
        };
        asker.answer(kind, outcome, now, observer);
    }
}

impl Asker {
    /// Tells it.
    pub(crate) fn answer(self, kind: Kind, outcome: Outcome, now: Instant, observer: &dyn LogObserver) {
        observer.appended(kind, outcome, now.saturating_duration_since(self.since));
        if let Some(tell) = self.tell {
            // Nobody waits any more: the record stands all the same.
            let _heard = tell.send(outcome);
        }
    }
}
