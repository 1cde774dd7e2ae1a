//! What is old leaves the disk: the oldest files become one that holds only the newest record of each living
//! subject, what is kept of histories, and word of those of which nothing is left. Nothing is renumbered; there are holes.
//!
//! Histories are kept for their own time, not the log's. A file that mostly holds history stays as it is until that is
//! old too, and so do those after it: taking it apart would win little, and be done again and again. If there is too
//! much on the disk, the oldest history goes, whatever its time.
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
use crate::log::face::{ReadError, Record, Subject};
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
        self.published.trim(now);
        let segments = self.published.segments();
        let too_many = self.too_many(&segments);
        let old = segments.get(..self.too_old(&segments, now).max(too_many)).unwrap_or_default();
        let (Some(first), Some(through)) = (old.first(), last_before(&segments, old.len())) else { return Ok(()) };
        let histories = &self.published.histories;
        if let Some(gone) = last_before(&segments, too_many) {
            self.published.drop_through(gone);
        }
        let living = self.published.index.select(|entry| lies_in(entry, old));
        let again = first.header().through != Position::ZERO && old.len() == 1;
        let epitaphs = histories.epitaphs(through);
        let stays = living_bytes(&living) + histories.bytes_between(Position::ZERO, through) + bytes_of(&epitaphs);
        if again && stays * 2 > first.length() {
            return Ok(());
        }
        self.compact(old, &living, epitaphs, through)
    }

    /// How many of the oldest files are too old, and not mostly history. Never the one that is written.
    fn too_old(&self, segments: &[Arc<Segment>], now: WallTime) -> usize {
        let closed = segments.get(..segments.len().saturating_sub(1)).unwrap_or_default();
        let too_old = |segment: &Segment| now.since(segment.newest()) > self.limits.age;
        let by_age = closed.iter().rposition(|segment| too_old(segment)).map_or(0, |last| last + 1);
        let files = closed.iter().zip(segments.iter().skip(1)).take(by_age);
        let apart = files.take_while(|(segment, next)| {
            let (after, through) = (before(segment.first()), before(next.first()));
            self.published.histories.bytes_between(after, through) * 2 <= segment.length()
        });
        apart.count()
    }

    /// How many of the oldest files must shrink for the rest to fit. Never the one that is written.
    fn too_many(&self, segments: &[Arc<Segment>]) -> usize {
        let Some(limit) = self.limits.size else { return 0 };
        let total: u64 = segments.iter().map(|segment| segment.length()).sum();
        let mut rest = total;
        let fits = segments.iter().position(|segment| {
            let fits = rest <= limit;
            rest = rest.saturating_sub(segment.length());
            fits
        });
        fits.unwrap_or(segments.len()).min(segments.len().saturating_sub(1))
    }

    fn compact(
        &self,
        old: &[Arc<Segment>],
        living: &[(Subject, Entry)],
        epitaphs: Vec<Record>,
        through: Position,
    ) -> Result<(), KeepError> {
        let Some(first) = old.first() else { return Ok(()) };
        let mut frames = Vec::new();
        let mut notes = Vec::new();
        let mut staying = self.staying(old, living, through)?;
        staying.extend(epitaphs.into_iter().map(Arc::new));
        staying.sort_by_key(|record| record.position);
        for record in staying {
            let at = (HEADER_LENGTH + frames.len()) as u64;
            let length = frame::encode(&record, Ground::Firm, &mut frames);
            notes.push((record, at, length));
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
                (
                    record.subject.clone(),
                    record.position,
                    Place::Stored { segment: Arc::clone(segment), offset, length },
                )
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

    /// What stays of old files, in order: what is the newest of its subject, and what is kept of histories.
    fn staying(
        &self,
        old: &[Arc<Segment>],
        living: &[(Subject, Entry)],
        through: Position,
    ) -> Result<Vec<Arc<Record>>, KeepError> {
        let mut positions = self.published.histories.between(Position::ZERO, through);
        positions.extend(living.iter().map(|(_, entry)| entry.position));
        positions.sort_unstable();
        positions.dedup();
        let mut staying = Vec::with_capacity(positions.len());
        let ends = old.iter().skip(1).map(|next| before(next.first())).chain([through]);
        let mut rest = positions.as_slice();
        for (segment, end) in old.iter().zip(ends) {
            let (inside, beyond) = rest.split_at(rest.partition_point(|position| *position <= end));
            segment.select(inside, &mut staying)?;
            rest = beyond;
        }
        Ok(staying)
    }
}

/// The last position before the file with this number.
fn last_before(segments: &[Arc<Segment>], number: usize) -> Option<Position> {
    let next = segments.get(number).filter(|_| number > 0)?;
    Some(before(next.first()))
}

fn before(position: Position) -> Position {
    Position::new(position.get().saturating_sub(1))
}

fn lies_in(entry: &Entry, files: &[Arc<Segment>]) -> bool {
    match &entry.place {
        Place::Memory(_) => false,
        Place::Stored { segment, .. } => files.iter().any(|file| Arc::ptr_eq(file, segment)),
    }
}

/// About as many as they take in a file.
fn bytes_of(epitaphs: &[Record]) -> u64 {
    epitaphs.iter().map(|record| (frame::LEAST + record.subject.as_str().len()) as u64).sum()
}

fn living_bytes(living: &[(Subject, Entry)]) -> u64 {
    let lengths = living.iter().map(|(_, entry)| match &entry.place {
        Place::Memory(_) => 0,
        Place::Stored { length, .. } => *length as u64,
    });
    lengths.sum::<u64>() + HEADER_LENGTH as u64
}

/// How often it is looked for what is old.
pub(crate) const EVERY: Duration = Duration::from_secs(60);
