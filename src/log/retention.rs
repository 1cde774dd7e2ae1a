//! What is old leaves the disk: the oldest files become one that holds only the newest record of each living
//! subject. Nothing is renumbered; there are holes.
//!
//! The compacted file takes the place of the first of them by a rename, and says up to which position it stands
//! for them. A crash before the others are gone does no harm: the next start takes them away.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use crate::clock;
use crate::ids::{Position, WallTime};
use crate::log::disk::Disk;
use crate::log::face::{ReadError, Subject};
use crate::log::frame;
use crate::log::frame::Ground;
use crate::log::index::{Entry, Place};
use crate::log::published::Published;
use crate::log::segment::{HEADER_LENGTH, Header, Segment};

/// What is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) age: Duration,
    pub(crate) size: Option<u64>,
}

/// Compacts the oldest files, on a thread of its own, so that no append waits for it.
pub(crate) struct Keeper {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) directory: PathBuf,
    pub(crate) published: Arc<Published>,
    pub(crate) limits: Limits,
}

/// Why a compaction was given up. The files are as they were.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeepError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl Keeper {
    /// Looks after the files whenever one was begun, and now and then, until the writer is gone.
    pub(crate) fn run(&self, begun: &Receiver<()>) {
        loop {
            if let Err(error) = self.keep(clock::wall()) {
                tracing::warn!(%error, "the log could not be compacted; it is tried again");
            }
            match begun.recv_timeout(EVERY) {
                Ok(()) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Compacts what is due.
    pub(crate) fn keep(&self, now: WallTime) -> Result<(), KeepError> {
        let segments = self.published.segments();
        let old = self.due(&segments, now);
        let (Some(first), Some(next)) = (old.first(), segments.get(old.len())) else { return Ok(()) };
        let living = self.published.index.select(|entry| lies_in(entry, old));
        let again = first.header().through != Position::ZERO && old.len() == 1;
        if again && living_bytes(&living) * 2 > first.length() {
            return Ok(());
        }
        self.compact(old, living, Position::new(next.first().get().saturating_sub(1)))
    }

    /// The files that are too old or too many: always the oldest, never the one that is written.
    fn due<'a>(&self, segments: &'a [Arc<Segment>], now: WallTime) -> &'a [Arc<Segment>] {
        let closed = segments.get(..segments.len().saturating_sub(1)).unwrap_or_default();
        let too_old = |segment: &Segment| now.since(segment.newest()) > self.limits.age;
        let by_age = closed.iter().rposition(|segment| too_old(segment)).map_or(0, |last| last + 1);
        closed.get(..by_age.max(self.too_many(segments))).unwrap_or_default()
    }

    /// How many of the oldest files must shrink for the rest to fit.
    fn too_many(&self, segments: &[Arc<Segment>]) -> usize {
        let Some(limit) = self.limits.size else { return 0 };
        let total: u64 = segments.iter().map(|segment| segment.length()).sum();
        let mut rest = total;
        let fits = segments.iter().position(|segment| {
            let fits = rest <= limit;
            rest = rest.saturating_sub(segment.length());
            fits
        });
        fits.unwrap_or(segments.len())
    }

    fn compact(&self, old: &[Arc<Segment>], living: Vec<(Subject, Entry)>, through: Position) -> Result<(), KeepError> {
        let Some(first) = old.first() else { return Ok(()) };
        let mut frames = Vec::new();
        let mut notes = Vec::new();
        for (_, entry) in &living {
            if let Place::Stored { segment, offset, length } = &entry.place {
                let record = segment.read_one(*offset, *length)?;
                let at = (HEADER_LENGTH + frames.len()) as u64;
                let length = frame::encode(&record, Ground::Firm, &mut frames);
                notes.push((record, at, length));
            }
        }
        let compacted = if notes.is_empty() {
            None
        } else {
            let header = Header { epoch: self.published.epoch, through };
            Some(Arc::new(Segment::create(&*self.disk, &self.directory, first.first(), header, &frames)?))
        };
        if let Some(segment) = &compacted {
            segment.show((HEADER_LENGTH + frames.len()) as u64);
            for (record, offset, _) in &notes {
                segment.note(record, *offset);
            }
            self.published.index.rehome(notes.into_iter().map(|(record, offset, length)| {
                (record.subject, record.position, Place::Stored { segment: Arc::clone(segment), offset, length })
            }));
        }
        self.published.replace(old, compacted.clone());
        let superfluous = if compacted.is_some() { old.get(1..).unwrap_or_default() } else { old };
        for segment in superfluous {
            self.disk.remove(segment.path())?;
        }
        self.disk.sync_directory(&self.directory)?;
        Ok(())
    }
}

fn lies_in(entry: &Entry, files: &[Arc<Segment>]) -> bool {
    match &entry.place {
        Place::Memory(_) => false,
        Place::Stored { segment, .. } => files.iter().any(|file| Arc::ptr_eq(file, segment)),
    }
}

fn living_bytes(living: &[(Subject, Entry)]) -> u64 {
    let lengths = living.iter().map(|(_, entry)| match &entry.place {
        Place::Memory(_) => 0,
        Place::Stored { length, .. } => *length as u64,
    });
    lengths.sum::<u64>() + HEADER_LENGTH as u64
}

const EVERY: Duration = Duration::from_secs(60);
