//! The one thread that writes: it stores batches, syncs them, lets readers see them, and answers.
//!
//! All that waits is one batch: one write, and with [`Durability::Commit`] one sync. While that runs, the next
//! batch gathers; nothing waits for a batch to fill. An answer leaves only after the sync.
//!
//! A write that fails is taken back by cutting the file, and refused; the log is then read-only until an entry
//! of its own can be written. A sync that fails makes it read-only until the next start: the system may have
//! dropped what it could not write, and a second sync would not tell.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use crate::clock;
use crate::ids::Position;
use crate::log::batch::{Asker, Batch, Request};
use crate::log::config::{Durability, LogObserver};
use crate::log::disk::Disk;
use crate::log::epoch::{EpochRecord, How};
use crate::log::face::{Health, Outcome, Record};
use crate::log::frame::Ground;
use crate::log::index::Place;
use crate::log::published::Published;
use crate::log::queue::{Queue, Work};
use crate::log::segment::{HEADER_LENGTH, Header, Segment};
use crate::log::tail::Tail;
use crate::log::{batch, frame};

/// The writer of an open log.
pub(crate) struct Writer {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) directory: PathBuf,
    pub(crate) durability: Durability,
    pub(crate) segment_size: u64,
    pub(crate) retry: Duration,
    pub(crate) published: Arc<Published>,
    pub(crate) observer: Arc<dyn LogObserver>,
    /// Where the one who compacts is told that a file was begun.
    pub(crate) begun: SyncSender<()>,
    pub(crate) active: Arc<Segment>,
    /// How much of the active file stands.
    pub(crate) length: u64,
    pub(crate) next: Position,
    pub(crate) reserved: Position,
    pub(crate) unsynced: Unsynced,
    pub(crate) state: State,
}

/// Since when something in the active file has not been synced.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unsynced {
    Nothing,
    Since(Instant),
}

/// Whether it can write.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum State {
    /// A sync failed.
    Broken,
    /// A write failed; the next attempt is due then.
    Failing(Instant),
    Well,
}

/// Whether a batch is synced before it is seen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Sync {
    AsConfigured,
    Now,
}

/// A batch that was not stored.
struct Failure {
    /// What its appenders are told.
    outcome: Outcome,
    state: State,
    reason: String,
}

impl Writer {
    /// Writes until the log is closed or dropped. When it returns, nothing is written any more.
    pub(crate) fn run(&mut self, queue: &Queue) -> Option<tokio::sync::oneshot::Sender<()>> {
        loop {
            match queue.take(self.deadline()) {
                Work::Abandon => return None,
                Work::Append(requests) => self.append(requests),
                Work::Close(tell) => {
                    self.close();
                    return Some(tell);
                }
                Work::Nothing => {}
            }
            self.tend();
        }
    }

    /// Writes down how the log was opened. Synced at whatever durability: only then does a crash from now on
    /// look like one.
    pub(crate) fn open(&mut self, how: How) -> Result<(), String> {
        self.write_own(how)
    }

    fn append(&mut self, requests: VecDeque<Request>) {
        if self.state != State::Well {
            let now = clock::now();
            for Request { record, asker } in requests {
                asker.answer(record.kind, Outcome::Full, now, &*self.observer);
            }
            return;
        }
        let end = self.next.get() + requests.len() as u64;
        if end > self.reserved.get() {
            let first = self.own_request(How::Reserved, requests.len() as u64);
            // What it lets the batch use must not be lost before what uses it.
            self.commit(std::iter::once(first).chain(requests), Sync::Now);
            return;
        }
        self.commit(requests, Sync::AsConfigured);
    }

    /// Does what is due: an interval's sync, another attempt after a failure.
    fn tend(&mut self) {
        let due = self.deadline().is_some_and(|deadline| deadline <= clock::now());
        match self.state {
            State::Broken => {}
            State::Failing(_) if due => self.retry(),
            State::Well if due => {
                if let Err(failure) = self.sync() {
                    self.fail(failure.state, failure.reason);
                }
            }
            State::Failing(_) | State::Well => {}
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match (self.state, self.unsynced, self.durability) {
            (State::Broken, _, _) => None,
            (State::Failing(retry), _, _) => Some(retry),
            (State::Well, Unsynced::Since(since), Durability::Interval(every)) => Some(since + every),
            (State::Well, Unsynced::Since(since), Durability::Commit | Durability::Memory) => Some(since),
            (State::Well, Unsynced::Nothing, _) => None,
        }
    }

    fn retry(&mut self) {
        // What the failed write left must be gone before anything is written over it.
        let cut = self.active.file().truncate(self.length).map_err(|error| self.told(&error));
        match cut.and_then(|()| self.write_own(How::Reserved)) {
            Ok(()) => {
                tracing::info!("the log takes writes again");
                self.state = State::Well;
                self.published.set_health(Health::Well);
            }
            Err(reason) if self.state != State::Broken => self.fail(self.failing(), reason),
            Err(_) => {}
        }
    }

    fn close(&mut self) {
        if self.state == State::Well {
            if let Err(error) = self.keep_volatile() {
                tracing::warn!(%error, "what is in memory only could not be kept; who may miss it is told");
            }
            if self.write_own(How::Closed).is_err() {
                tracing::warn!("the log could not be closed cleanly; its next start treats it as crashed");
            }
        }
        self.published.set_health(Health::ReadOnly("the log is closed".to_owned()));
    }

    /// Writes down what is volatile, for a start that finds the log closed by the next record.
    fn keep_volatile(&self) -> io::Result<()> {
        let (records, forgotten) = self.published.volatile();
        let tail = Tail { epoch: self.published.epoch, closed: self.next, forgotten, records };
        tail.write(&*self.disk, &self.directory)
    }

    /// Appends a record of the log's own, synced.
    fn write_own(&mut self, how: How) -> Result<(), String> {
        let request = self.own_request(how, 0);
        let stored = self.commit([request], Sync::Now);
        stored.map_or(Ok(()), Err)
    }

    /// A record of the log's own, which reserves positions beyond itself and `more`.
    fn own_request(&mut self, how: How, more: u64) -> Request {
        self.reserved = Position::new(self.next.get() + more + RESERVE);
        let last = Position::new(self.next.get().saturating_sub(1));
        let own = EpochRecord { epoch: self.published.epoch, how, last, reserved: self.reserved };
        Request { record: own.record(clock::wall()), asker: Asker { since: clock::now(), tell: None } }
    }

    /// Decides, stores, lets readers see, answers, wakes followers: in this order. Returns why it failed, if
    /// it did.
    fn commit(&mut self, requests: impl IntoIterator<Item = Request>, sync: Sync) -> Option<String> {
        let Batch { records, answers, next } = Batch::decide(requests, self.next, &self.published.index.look());
        match self.store(&records, sync) {
            Ok(places) => {
                self.next = next;
                self.active.show(self.length);
                self.published.publish(&records, places);
                batch::answer(answers, clock::now(), &*self.observer);
                self.published.wake();
                None
            }
            Err(Failure { outcome, state, reason }) => {
                self.fail(state, reason.clone());
                batch::refuse(answers, outcome, clock::now(), &*self.observer);
                Some(reason)
            }
        }
    }

    fn store(&mut self, records: &[Arc<Record>], sync: Sync) -> Result<Vec<Option<Place>>, Failure> {
        let (bytes, frames) = self.encode(records);
        if bytes.is_empty() {
            return Ok(vec![None; records.len()]);
        }
        let full = self.length + bytes.len() as u64 > self.segment_size;
        if full && self.length > HEADER_LENGTH as u64 {
            self.begin(records.first().map_or(self.next, |record| record.position))?;
        }
        let start = self.length;
        self.active.file().write_at(&bytes, start).map_err(|error| self.take_back(&error))?;
        self.length = start + bytes.len() as u64;
        if self.unsynced == Unsynced::Nothing {
            self.unsynced = Unsynced::Since(clock::now());
        }
        if sync == Sync::Now || self.durability == Durability::Commit {
            self.sync().map_err(|failure| self.take_back_unsynced(start, failure))?;
        }
        Ok(self.place(records, frames, start))
    }

    /// The frames of what goes to disk, and where each record's lies among them.
    fn encode(&self, records: &[Arc<Record>]) -> (Vec<u8>, Vec<Option<(usize, usize)>>) {
        let mut ground = match self.unsynced {
            Unsynced::Nothing => Ground::Firm,
            Unsynced::Since(_) => Ground::Loose,
        };
        let mut bytes = Vec::with_capacity(records.iter().map(|record| record.payload.len() + 128).sum());
        let mut frames = Vec::with_capacity(records.len());
        for record in records {
            if record.volatile {
                frames.push(None);
            } else {
                let offset = bytes.len();
                frames.push(Some((offset, frame::encode(record, ground, &mut bytes))));
                ground = Ground::Loose;
            }
        }
        (bytes, frames)
    }

    fn place(&self, records: &[Arc<Record>], frames: Vec<Option<(usize, usize)>>, start: u64) -> Vec<Option<Place>> {
        let placed = records.iter().zip(frames).map(|(record, frame)| {
            let (offset, length) = frame?;
            let offset = start + offset as u64;
            self.active.note(record, offset);
            Some(Place::Stored { segment: Arc::clone(&self.active), offset, length })
        });
        placed.collect()
    }

    /// Begins the next file. All that is in the one before it is synced first.
    fn begin(&mut self, first: Position) -> Result<(), Failure> {
        // Nothing of the batch at hand has been written yet.
        self.sync().map_err(|failure| Failure { outcome: Outcome::Full, ..failure })?;
        let header = Header { epoch: self.published.epoch, through: Position::ZERO };
        let made = Segment::create(&*self.disk, &self.directory, first, header, &[]);
        let segment = Arc::new(made.map_err(|error| self.refused(Outcome::Full, &error))?);
        self.active = Arc::clone(&segment);
        self.length = HEADER_LENGTH as u64;
        self.published.begin(segment);
        // It is enough that one notice waits there.
        let _noticed = self.begun.try_send(());
        Ok(())
    }

    fn sync(&mut self) -> Result<(), Failure> {
        if self.unsynced == Unsynced::Nothing {
            return Ok(());
        }
        let start = clock::now();
        match self.active.file().sync() {
            Ok(()) => {
                self.unsynced = Unsynced::Nothing;
                self.observer.synced(clock::now().saturating_duration_since(start));
                Ok(())
            }
            Err(error) => Err(Failure { outcome: Outcome::Unknown, state: State::Broken, reason: self.told(&error) }),
        }
    }

    /// After a failed write: cuts off what it may have left.
    fn take_back(&self, error: &io::Error) -> Failure {
        let outcome = self.cut_back();
        self.refused(outcome, error)
    }

    /// After a failed sync: takes back what was to be synced, if that was not promised before.
    fn take_back_unsynced(&mut self, start: u64, failure: Failure) -> Failure {
        self.length = start;
        Failure { outcome: self.cut_back(), ..failure }
    }

    fn cut_back(&self) -> Outcome {
        match self.active.file().truncate(self.length) {
            Ok(()) => Outcome::Full,
            Err(_) => Outcome::Unknown,
        }
    }

    fn refused(&self, outcome: Outcome, error: &io::Error) -> Failure {
        Failure { outcome, state: self.failing(), reason: self.told(error) }
    }

    fn failing(&self) -> State {
        State::Failing(clock::now() + self.retry)
    }

    fn told(&self, error: &io::Error) -> String {
        format!("{}: {error}", self.active.path().display())
    }

    fn fail(&mut self, state: State, reason: String) {
        if self.state == State::Well {
            tracing::error!(%reason, "the log takes no writes");
        }
        self.state = if self.state == State::Broken { State::Broken } else { state };
        self.published.set_health(Health::ReadOnly(reason));
    }
}

/// How many positions are reserved at a time: about one record of the log's own for every million. Few in
/// tests, so that they all do it.
pub(crate) const RESERVE: u64 = if cfg!(test) { 50 } else { 1 << 20 };
