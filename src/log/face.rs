//! What a log is, whichever engine keeps it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::sync::{oneshot, watch};

use crate::ids::{Epoch, Position, RecordId, WallTime};
use crate::log::ring::{After, Ring};

/// What a record is about: `call/<root>`, `session/<hash>`, `channel/<name>`, …. One state per subject:
/// its newest record.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Subject(Arc<str>);

impl Subject {
    /// The subject with this name.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Past<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { among, after, through, .. } = self;
        f.debug_struct("Past").field("among", among).field("after", after).field("through", through).finish()
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What sort of record it is. The numbers are part of the format on disk; `records` gives them meaning.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Kind(pub u16);

/// What an append expects the newest record of its subject to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Expected {
    /// Whatever it is.
    Any,
    /// The record at this position.
    At(Position),
    /// There is none, or the newest one ended the subject.
    Nothing,
}

/// How an append ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It is written down, at the log's level of durability, at this position.
    Appended(Position),
    /// The newest record of the subject is not the expected one. Read it: if it bears your id, you won;
    /// otherwise decide again.
    Conflict,
    /// The log takes no writes now: the disk is full or failing, or too much is waiting. Nothing was written.
    Full,
    /// Nobody knows. Repeat with the same id.
    Unknown,
}

/// A record to be appended.
#[derive(Clone, Debug)]
pub struct NewRecord {
    /// Its identity; the same when the append is repeated.
    pub id: RecordId,
    /// What it is about.
    pub subject: Subject,
    /// What must be the subject's newest record for this one to be taken.
    pub expected: Expected,
    /// What sort it is.
    pub kind: Kind,
    /// The version of its payload's encoding.
    pub version: u8,
    /// The time of day.
    pub time: WallTime,
    /// Whether it takes a position and stays in memory only, but for a planned stop. Such a record is nobody's state: in
    /// the embedded log neither [`Log::newest`] nor an expectation sees it.
    pub volatile: bool,
    /// Whether it ends its subject, so that retention may drop it.
    pub ends: bool,
    /// What it says.
    pub payload: Bytes,
}

/// A record with its place in the log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// Its place in the log.
    pub position: Position,
    /// Its identity.
    pub id: RecordId,
    /// What it is about.
    pub subject: Subject,
    /// What sort it is.
    pub kind: Kind,
    /// The version of its payload's encoding.
    pub version: u8,
    /// The time of day at which it was made.
    pub time: WallTime,
    /// Whether it is in memory only.
    pub volatile: bool,
    /// Whether it ends its subject.
    pub ends: bool,
    /// What it says.
    pub payload: Bytes,
}

/// An append under way. Resolves to [`Outcome::Unknown`] if the engine went away.
#[derive(Debug)]
#[must_use = "an append whose outcome nobody reads cannot be answered for"]
pub struct Appending(oneshot::Receiver<Outcome>);

impl Appending {
    /// An append and the end by which its engine tells how it went.
    pub fn new() -> (oneshot::Sender<Outcome>, Self) {
        let (tell, told) = oneshot::channel();
        (tell, Self(told))
    }
}

impl Future for Appending {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        Pin::new(&mut self.0).poll(cx).map(|told| told.unwrap_or(Outcome::Unknown))
    }
}

/// How the log is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Health {
    /// Reads, but takes no writes; the text says why, for people.
    ReadOnly(String),
    /// Takes writes.
    Well,
}

/// A read that failed. The text names the file and the offset.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The record is not what was written.
    #[error("{0}")]
    Corrupt(String),
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the file system said.
        source: std::io::Error,
    },
}

/// Some subjects, by their names, which slashes take apart.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Among {
    /// Those whose names begin with this, which ends with a slash.
    Below(Box<str>),
    /// Those of them that have no further slash.
    Children(Box<str>),
    /// This one.
    Exactly(Subject),
}

/// A piece of history that is asked for.
#[derive(Clone, Copy)]
pub struct Past<'a> {
    /// Of which subjects. What it costs goes by their number, not by that of all.
    pub among: &'a [Among],
    /// Which of these.
    pub wanted: &'a dyn Fn(&Subject) -> bool,
    /// Up to where whoever asks has been told what is kept of one, or does not miss what is gone; of `None`, of those that
    /// are not known any more.
    pub told: &'a dyn Fn(Option<&Subject>) -> Position,
    /// It begins just after this position.
    pub after: Position,
    /// It ends with this position.
    pub through: Position,
    /// How many records at most.
    pub records: usize,
    /// How many bytes of payload at most, unless a single record has more.
    pub bytes: usize,
}

/// A piece of history.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stretch {
    /// The records, in order.
    pub records: Vec<Arc<Record>>,
    /// There are no others up to this position: the last record's if there are more after it, otherwise where the
    /// question ended, but never beyond the log's head.
    pub through: Position,
    /// Up to this position something of what was asked for may be gone that is missed: a question that begins before it may
    /// have a gap.
    pub dropped: Position,
}

/// The one ordered log.
///
/// Positions are given out in the order in which appends are taken, never twice and never going back.
/// Readers and followers see a record only once it has reached the log's level of durability.
pub trait Log: fmt::Debug + Send + Sync + 'static {
    /// Takes a record. Appends are taken in the order of the calls.
    fn append(&self, record: NewRecord) -> Appending;

    /// The newest record of a subject, unless that record ended it.
    ///
    /// # Errors
    /// [`ReadError`] if it can no longer be read.
    fn newest(&self, subject: &Subject) -> Result<Option<Arc<Record>>, ReadError>;

    /// Whether a subject has a newest record that did not end it. Reads nothing from the disk.
    fn lives(&self, subject: &Subject) -> bool;

    /// Of how many subjects there is some history. Looks at none of them.
    fn histories(&self) -> usize;

    /// The subjects that begin with `prefix` and have not ended, in order.
    fn subjects(&self, prefix: &str) -> Vec<Subject>;

    /// Up to `limit` records after `after`, in order, from the ring or from what is stored. An empty page
    /// means that there are none up to [`head`](Self::head).
    ///
    /// # Errors
    /// [`ReadError`] if they can no longer be read.
    fn read(&self, after: Position, limit: usize) -> Result<Vec<Arc<Record>>, ReadError>;

    /// The record at a position, if the ring still has it.
    fn recall(&self, position: Position) -> Option<Arc<Record>>;

    /// A piece of the history of some subjects: what is kept of them as the log's [`Retention`](crate::log::Retention) says. Reads what is
    /// not in memory from the disk: not for an asynchronous task.
    ///
    /// # Errors
    /// [`ReadError`] if it can no longer be read.
    fn history(&self, past: &Past<'_>) -> Result<Stretch, ReadError>;

    /// The records at these positions, which rise, as far as they are kept. Reads what is not in memory from the
    /// disk: not for an asynchronous task.
    ///
    /// # Errors
    /// [`ReadError`] if they can no longer be read.
    fn select(&self, positions: &[Position]) -> Result<Vec<Arc<Record>>, ReadError>;

    /// Follows the log from just after `after`.
    fn follow(&self, after: Position) -> Follower;

    /// The position of the newest record that readers may see.
    fn head(&self) -> Position;

    /// The ring holds every record after this position, but for volatile ones up to [`forgotten`](Self::forgotten): a
    /// resume from here or later has no other gap.
    fn floor(&self) -> Position;

    /// A process that ended may have taken volatile records up to this position with it; none after it. A planned stop
    /// takes none.
    fn forgotten(&self) -> Position;

    /// The epoch of this log.
    fn epoch(&self) -> Epoch;

    /// Whether it takes writes.
    fn health(&self) -> Health;

    /// Writes down what is volatile and that the log was closed cleanly, and lets go of the data. Appends after it are
    /// refused.
    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// The follower fell behind: records that it had not read have left the ring.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("records up to {resume} have left the ring")]
pub struct Lagged {
    /// Where the follower goes on: just after this position.
    pub resume: Position,
}

/// A reader that goes on from where it is whenever there is more. Each follower has its own place.
#[derive(Debug)]
pub struct Follower {
    ring: Arc<Ring>,
    grown: watch::Receiver<Position>,
    after: Position,
}

impl Follower {
    /// Follows a ring, whose engine tells through `grown` that there is more.
    pub(crate) fn new(ring: Arc<Ring>, grown: watch::Receiver<Position>, after: Position) -> Self {
        Self { ring, grown, after }
    }

    /// Waits until there is at least one more record, and returns up to `limit` of them (at least one), in
    /// order. Once the log is gone and all is read, it waits for ever.
    ///
    /// # Errors
    /// [`Lagged`] if records that it had not read have left the ring; the next call goes on after them.
    ///
    /// # Cancel safety
    /// Nothing is lost if the future is dropped.
    pub async fn next(&mut self, limit: usize) -> Result<Vec<Arc<Record>>, Lagged> {
        loop {
            // Marked as seen before looking, so that what comes in between wakes the wait below. Nothing beyond it
            // is taken, so that the head and the newest of a subject are never behind what a follower has.
            self.grown.borrow_and_update();
            let head = self.ring.head();
            match self.ring.after(self.after, limit.max(1)) {
                After::Gone(floor) => {
                    self.after = floor;
                    return Err(Lagged { resume: floor });
                }
                After::Records(mut records) => {
                    records.truncate(records.partition_point(|record| record.position <= head));
                    if let Some(last) = records.last() {
                        self.after = last.position;
                        return Ok(records);
                    }
                }
            }
            if self.grown.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
