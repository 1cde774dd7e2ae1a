//! A log that counts what is on its way, so that it can be told when everything is quiet.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use partyline::ids::{Epoch, Position, RecordId, WallTime};
use partyline::log::{
    Appending, EmbeddedLog, Expected, Follower, Health, Kind, Log, NewRecord, Outcome, Past, ReadError, Record,
    Stretch, Subject,
};
use tokio::sync::watch;

/// The real log, and how many appends were begun and have ended.
#[derive(Debug)]
pub(super) struct Counted {
    log: EmbeddedLog,
    begun: AtomicU64,
    ended: Arc<watch::Sender<u64>>,
    /// How many more it takes.
    left: AtomicU64,
}

impl Counted {
    pub(super) fn new(log: EmbeddedLog) -> Self {
        Self { log, begun: AtomicU64::new(0), ended: Arc::new(watch::Sender::new(0)), left: AtomicU64::new(u64::MAX) }
    }

    /// How many appends were begun.
    pub(super) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Acquire)
    }

    /// Takes so many more appends; those after that are never written nor answered, as if the process died before.
    pub(super) fn die_after(&self, appends: u64) {
        self.left.store(appends, Ordering::Release);
    }

    /// Resolves when all of them have ended.
    pub(super) async fn is_idle(&self) {
        let mut ended = self.ended.subscribe();
        ended.wait_for(|ended| *ended >= self.begun()).await.unwrap();
    }

    /// Resolves when all followers were woken for all that was written: who writes wakes them before it looks at what
    /// comes next.
    pub(super) async fn followers_are_woken(&self) {
        let nothing = NewRecord {
            id: RecordId::draw(),
            subject: Subject::new("play/nothing"),
            expected: Expected::At(Position::new(1)),
            kind: Kind(0),
            version: 0,
            time: WallTime::default(),
            volatile: false,
            ends: false,
            payload: Bytes::new(),
        };
        assert_eq!(self.log.append(nothing).await, Outcome::Conflict);
    }
}

impl Log for Counted {
    fn append(&self, record: NewRecord) -> Appending {
        let (tell, told) = Appending::new();
        let left = self.left.try_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1));
        if left.is_err() {
            actix::spawn(async move {
                std::future::pending::<()>().await;
                drop(tell);
            });
            return told;
        }
        self.begun.fetch_add(1, Ordering::AcqRel);
        let appending = self.log.append(record);
        let ended = Arc::clone(&self.ended);
        actix::spawn(async move {
            let _unheard = tell.send(appending.await);
            ended.send_modify(|ended| *ended += 1);
        });
        told
    }

    fn newest(&self, subject: &Subject) -> Result<Option<Arc<Record>>, ReadError> {
        self.log.newest(subject)
    }

    fn lives(&self, subject: &Subject) -> bool {
        self.log.lives(subject)
    }

    fn histories(&self) -> usize {
        self.log.histories()
    }

    fn subjects(&self, prefix: &str) -> Vec<Subject> {
        self.log.subjects(prefix)
    }

    fn read(&self, after: Position, limit: usize) -> Result<Vec<Arc<Record>>, ReadError> {
        self.log.read(after, limit)
    }

    fn recall(&self, position: Position) -> Option<Arc<Record>> {
        self.log.recall(position)
    }

    fn history(&self, past: &Past<'_>) -> Result<Stretch, ReadError> {
        self.log.history(past)
    }

    fn select(&self, positions: &[Position]) -> Result<Vec<Arc<Record>>, ReadError> {
        self.log.select(positions)
    }

    fn follow(&self, after: Position) -> Follower {
        self.log.follow(after)
    }

    fn head(&self) -> Position {
        self.log.head()
    }

    fn floor(&self) -> Position {
        self.log.floor()
    }

    fn forgotten(&self) -> Position {
        self.log.forgotten()
    }

    fn epoch(&self) -> Epoch {
        self.log.epoch()
    }

    fn health(&self) -> Health {
        self.log.health()
    }

    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.log.close()
    }
}
