//! The engine within the process: one directory, one writer, nothing to install.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::clock;
use crate::ids::{Epoch, Position, WallTime};
use crate::log::batch::{Asker, Request};
use crate::log::config::{Durability, EmbeddedConfig, Left, LogObserver, OpenError, Recovery};
use crate::log::directory::DirectoryLock;
use crate::log::disk::{Disk, SystemDisk};
use crate::log::epoch::{EpochRecord, How};
use crate::log::face::{
    Appending, Follower, Health, Log, NewRecord, Outcome, Past, ReadError, Record, Stretch, Subject,
};
use crate::log::history::Histories;
use crate::log::index::Index;
use crate::log::memory::Memory;
use crate::log::published::Published;
use crate::log::queue::Queue;
use crate::log::recovery;
use crate::log::recovery::{Found, io};
use crate::log::retention::{Keeper, Limits};
use crate::log::ring::{Ring, RingLimits};
use crate::log::segment::{Header, Segment};
use crate::log::tail::Tail;
use crate::log::writer::{RESERVE, State, Unsynced, Writer};

/// A log in a directory of this machine, or with [`Durability::Memory`] in memory alone.
///
/// Dropping it without [`close`](Log::close) leaves the directory as a crash would, and waits for the batch or
/// the compaction that is under way.
pub struct EmbeddedLog {
    pub(crate) published: Arc<Published>,
    observer: Arc<dyn LogObserver>,
    recovery: Recovery,
    engine: Engine,
}

enum Engine {
    Disk { queue: Arc<Queue>, writer: Option<JoinHandle<()>> },
    Memory(Memory),
}

/// What a test replaces.
pub(crate) struct Surroundings {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) now: WallTime,
    /// How long after a failed write the next one is tried.
    pub(crate) retry: Duration,
}

impl EmbeddedLog {
    /// Opens the log of a directory, or makes it. Reads all that is there, so it takes a moment; not for an
    /// asynchronous task.
    ///
    /// # Errors
    /// [`OpenError`] if the directory is in use, cannot be read or written, or holds damage that is no torn end.
    pub fn open(config: EmbeddedConfig, observer: Arc<dyn LogObserver>) -> Result<Self, OpenError> {
        let surroundings =
            Surroundings { disk: Arc::new(SystemDisk), now: clock::wall(), retry: Duration::from_secs(1) };
        Self::open_in(config, observer, surroundings)
    }

    /// Opens it on a given disk at a given time.
    pub(crate) fn open_in(
        config: EmbeddedConfig,
        observer: Arc<dyn LogObserver>,
        surroundings: Surroundings,
    ) -> Result<Self, OpenError> {
        match config.durability {
            Durability::Commit | Durability::Interval(_) => Self::open_disk(config, observer, surroundings),
            Durability::Memory => Ok(Self::open_memory(&config, observer, surroundings.now)),
        }
    }

    /// What was found when it was opened.
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// How many bytes its files have together.
    pub fn bytes(&self) -> u64 {
        self.published.bytes()
    }

    /// The first position that its files may hold; [`Position::ZERO`] if there are none.
    pub fn first(&self) -> Position {
        self.published.first()
    }

    fn open_memory(config: &EmbeddedConfig, observer: Arc<dyn LogObserver>, now: WallTime) -> Self {
        let next = position_of(now);
        let ring = Ring::new(ring_limits(config), Position::ZERO);
        let histories = Histories::new(Arc::clone(&config.retention));
        let (index, segments, head) = (Index::default(), Vec::new(), Position::ZERO);
        let published = Arc::new(Published::new(Epoch::draw(), index, histories, ring, segments, head));
        let memory = Memory::new(next, config.queue, config.retain_size, now);
        memory.append(own_request(&published, How::OpenedNew, Position::ZERO), &published, &());
        let recovery = Recovery { left: Left::Nowhere, last: Position::ZERO, records: 0, cut: None };
        Self { published, observer, recovery, engine: Engine::Memory(memory) }
    }

    fn open_disk(
        config: EmbeddedConfig,
        observer: Arc<dyn LogObserver>,
        surroundings: Surroundings,
    ) -> Result<Self, OpenError> {
        let Surroundings { disk, now, retry } = surroundings;
        let lock = DirectoryLock::take(&config.directory)?;
        let histories = Histories::new(Arc::clone(&config.retention));
        let mut found = recovery::recover(&*disk, &config.directory, ring_limits(&config), histories)?;
        found.trim(now);
        let recovery =
            Recovery { left: found.left(), last: found.last, records: found.records, cut: found.cut.clone() };
        if let Some(cut) = &recovery.cut {
            tracing::warn!(file = %cut.file.display(), offset = cut.offset, bytes = cut.bytes, "a torn end of the log was cut off");
        }
        let next = found.next(now);
        found.remember_volatile(&*disk, &config.directory, next);
        let (how, active, published) = begin(found, &*disk, &config.directory, next)?;
        let limits = Limits { age: config.retain_age, size: config.retain_size };
        let (begun, notices) = sync_channel(1);
        let mut writer = Writer {
            disk: Arc::clone(&disk),
            directory: config.directory.clone(),
            durability: config.durability,
            segment_size: config.segment_size,
            retry,
            published: Arc::clone(&published),
            observer: Arc::clone(&observer),
            begun,
            length: active.length(),
            active,
            next,
            reserved: Position::new(next.get() + RESERVE),
            unsynced: Unsynced::Nothing,
            state: State::Well,
        };
        writer.open(how).map_err(|reason| io(&config.directory, std::io::Error::other(reason)))?;
        if let Err(error) = Tail::remove(&*disk, &config.directory) {
            // From now on it does not fit the log any more.
            tracing::warn!(%error, "the file of what was in memory only could not be taken away");
        }
        let keeper = Keeper { disk, directory: config.directory.clone(), published: Arc::clone(&published), limits };
        let keeping = spawn("log-keeper", &config.directory, move || keeper.run(&notices))?;
        let queue = Arc::new(Queue::new(config.queue));
        let work = Arc::clone(&queue);
        let writing = spawn("log-writer", &config.directory, move || write(writer, &work, keeping, lock))?;
        let engine = Engine::Disk { queue, writer: Some(writing) };
        Ok(Self { published, observer, recovery, engine })
    }
}

impl std::fmt::Debug for EmbeddedLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedLog").finish_non_exhaustive()
    }
}

impl Log for EmbeddedLog {
    fn append(&self, record: NewRecord) -> Appending {
        let (tell, appending) = Appending::new();
        let request = Request { record, asker: Asker { since: clock::now(), tell: Some(tell) } };
        match &self.engine {
            Engine::Disk { queue, .. } => {
                if let Some(Request { record, asker }) = queue.put(request) {
                    asker.answer(record.kind, Outcome::Full, clock::now(), &*self.observer);
                }
            }
            Engine::Memory(memory) => memory.append(request, &self.published, &*self.observer),
        }
        appending
    }

    fn newest(&self, subject: &Subject) -> Result<Option<Arc<Record>>, ReadError> {
        self.published.newest(subject)
    }

    fn lives(&self, subject: &Subject) -> bool {
        self.published.index.get(subject).is_some()
    }

    fn histories(&self) -> usize {
        self.published.histories.count()
    }

    fn subjects(&self, prefix: &str) -> Vec<Subject> {
        self.published.index.subjects(prefix)
    }

    fn read(&self, after: Position, limit: usize) -> Result<Vec<Arc<Record>>, ReadError> {
        self.published.read(after, limit)
    }

    fn history(&self, past: &Past<'_>) -> Result<Stretch, ReadError> {
        self.published.history(past, clock::wall())
    }

    fn select(&self, positions: &[Position]) -> Result<Vec<Arc<Record>>, ReadError> {
        self.published.select(positions)
    }

    fn recall(&self, position: Position) -> Option<Arc<Record>> {
        self.published.recall(position)
    }

    fn follow(&self, after: Position) -> Follower {
        self.published.follow(after)
    }

    fn head(&self) -> Position {
        self.published.head()
    }

    fn floor(&self) -> Position {
        self.published.floor()
    }

    fn forgotten(&self) -> Position {
        self.published.forgotten()
    }

    fn epoch(&self) -> Epoch {
        self.published.epoch
    }

    fn health(&self) -> Health {
        self.published.health()
    }

    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        match &self.engine {
            Engine::Disk { queue, .. } => {
                let closed = queue.close();
                Box::pin(async move {
                    if let Some(closed) = closed {
                        // An error means that the writer is gone, and so is the lock.
                        let _closed = closed.await;
                    }
                })
            }
            Engine::Memory(memory) => {
                let last = own_request(&self.published, How::Closed, self.published.head());
                memory.close(last, &self.published, &*self.observer);
                Box::pin(std::future::ready(()))
            }
        }
    }
}

impl Drop for EmbeddedLog {
    fn drop(&mut self) {
        match &mut self.engine {
            Engine::Disk { queue, writer } => {
                queue.abandon();
                if let Some(writer) = writer.take()
                    && writer.join().is_err()
                {
                    tracing::error!("the log's writer had died");
                }
            }
            Engine::Memory(_) => {}
        }
    }
}

impl Found {
    fn left(&self) -> Left {
        match (self.epoch, self.closed) {
            (None, _) => Left::Nowhere,
            (Some(_), true) => Left::Closed,
            (Some(_), false) => Left::Open,
        }
    }

    /// Puts into the ring what was in memory only when the log was closed. `next` is the first position that is not
    /// given out yet.
    fn remember_volatile(&self, disk: &dyn Disk, directory: &Path, next: Position) {
        let tail = match self.left() {
            Left::Closed => Tail::read(disk, directory).unwrap_or_else(|error| {
                tracing::warn!(%error, "the file of what was in memory only cannot be used; who may miss it is told");
                None
            }),
            Left::Nowhere => return,
            Left::Open => None,
        };
        match tail.filter(|tail| Some(tail.epoch) == self.epoch && tail.closed == self.last) {
            Some(Tail { forgotten, records, .. }) => self.ring.insert(records, forgotten),
            None => self.ring.insert(Vec::new(), Position::new(next.get().saturating_sub(1))),
        }
    }

    /// Where positions go on. Beyond all that may have been given out, unless it is known what was.
    fn next(&self, now: WallTime) -> Position {
        let after_last = self.last.next();
        match self.left() {
            Left::Closed => after_last,
            Left::Nowhere | Left::Open => {
                let after_reserved = self.own.map_or(Position::ZERO, |own| own.reserved.next());
                position_of(now).max(after_last).max(after_reserved)
            }
        }
    }
}

/// Makes the first file if there is none to go on with, and what readers will see.
fn begin(
    found: Found,
    disk: &dyn Disk,
    directory: &Path,
    next: Position,
) -> Result<(How, Arc<Segment>, Arc<Published>), OpenError> {
    let how = match found.left() {
        Left::Closed => How::OpenedClean,
        Left::Nowhere => How::OpenedNew,
        Left::Open => How::OpenedUnclean,
    };
    let Found { epoch, mut segments, entries, histories, ring, last, .. } = found;
    let epoch = epoch.unwrap_or_else(Epoch::draw);
    let active = match segments.last() {
        Some(last) if last.header().through == Position::ZERO => Arc::clone(last),
        Some(_) | None => {
            let header = Header { epoch, through: Position::ZERO };
            let made = Segment::create(disk, directory, next, header, &[]);
            let segment = Arc::new(made.map_err(|source| io(directory, source))?);
            segments.push(Arc::clone(&segment));
            segment
        }
    };
    let published = Published::new(epoch, Index::new(entries), histories, ring, segments, last);
    Ok((how, active, Arc::new(published)))
}

/// The life of the writer's thread. The lock goes last, so that nobody else begins while files may still change.
fn write(mut writer: Writer, queue: &Queue, keeping: JoinHandle<()>, lock: DirectoryLock) {
    let deserter = Deserter(queue);
    let closed = writer.run(queue);
    drop(writer);
    drop(deserter);
    if keeping.join().is_err() {
        tracing::error!("the log's keeper had died");
    }
    drop(lock);
    if let Some(closed) = closed {
        // Nobody waits for it any more.
        let _heard = closed.send(());
    }
}

/// Whatever becomes of the writer, nobody waits for it in vain.
struct Deserter<'a>(&'a Queue);

impl Drop for Deserter<'_> {
    fn drop(&mut self) {
        self.0.desert();
    }
}

fn spawn(name: &str, about: &Path, life: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, OpenError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(life).map_err(|source| io(about, source))
}

fn own_request(published: &Published, how: How, last: Position) -> Request {
    let own = EpochRecord { epoch: published.epoch, how, last, reserved: last };
    Request { record: own.record(clock::wall()), asker: Asker { since: clock::now(), tell: None } }
}

fn ring_limits(config: &EmbeddedConfig) -> RingLimits {
    RingLimits { records: config.ring_records, bytes: config.ring_bytes }
}

/// `unix_seconds << 20`, exact to the millisecond: about a million positions for each second since 1970.
fn position_of(time: WallTime) -> Position {
    let millis = u128::from(time.millis());
    Position::new(u64::try_from((millis << 20) / 1000).unwrap_or(0))
}
