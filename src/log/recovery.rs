//! Reading a directory back: every frame is looked at, a torn end is found, damage is refused.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::ids::{Epoch, Position, WallTime};
use crate::log::config::{Cut, OpenError};
use crate::log::disk::{Disk, DiskFile};
use crate::log::epoch::{EpochRecord, How};
use crate::log::face::Record;
use crate::log::frame::{Flaw, Frame};
use crate::log::history::Histories;
use crate::log::index::{Entries, Place};
use crate::log::ring::{Ring, RingLimits};
use crate::log::segment::{BadHeader, HEADER_LENGTH, Header, Segment};
use crate::log::{emptied, frame, index, segment};

/// What is in a directory.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) epoch: Option<Epoch>,
    pub(crate) segments: Vec<Arc<Segment>>,
    pub(crate) entries: Entries,
    pub(crate) histories: Histories,
    pub(crate) ring: Ring,
    ring_begun: bool,
    /// What lies after this position has never been compacted.
    begun_after: Position,
    /// The newest position.
    pub(crate) last: Position,
    pub(crate) records: u64,
    /// The log's own newest record.
    pub(crate) own: Option<EpochRecord>,
    /// Whether the newest record of all is the one that closed the log.
    pub(crate) closed: bool,
    pub(crate) cut: Option<Cut>,
}

/// Reads a directory back. Changes nothing but this: a torn end is cut off, and files that a crash left half
/// made, or that a compaction has made superfluous, are taken away.
pub(crate) fn recover(
    disk: &dyn Disk,
    directory: &Path,
    limits: RingLimits,
    histories: Histories,
) -> Result<Found, OpenError> {
    let paths = disk.list(directory).map_err(|source| io(directory, source))?;
    for draft in paths.iter().filter(|path| segment::is_draft(path)) {
        disk.remove(draft).map_err(|source| io(draft, source))?;
    }
    let files: Vec<_> = paths.into_iter().filter_map(|path| Some((segment::first_of(&path)?, path))).collect();
    let mut found = Found {
        epoch: None,
        segments: Vec::new(),
        entries: Entries::new(),
        histories,
        ring: Ring::new(limits, Position::ZERO),
        ring_begun: false,
        begun_after: Position::ZERO,
        last: Position::ZERO,
        records: 0,
        own: None,
        closed: false,
        cut: None,
    };
    let mut through = Position::ZERO;
    let newest = newest(disk, &files)?;
    for (first, path) in files {
        if first <= through {
            disk.remove(&path).map_err(|source| io(&path, source))?;
            continue;
        }
        let rank = if first >= newest { Rank::Newest } else { Rank::Older };
        through = found.take_file(disk, first, path, rank)?.max(through);
    }
    // All that is left may be compacted.
    let before = if found.ring_begun { found.begun_after } else { found.last };
    found.histories.begin_after(before);
    Ok(found)
}

/// Where the newest file that holds anything begins: a file without a record may have been begun in vain, and
/// writing have gone on in the one before it.
fn newest(disk: &dyn Disk, files: &[(Position, PathBuf)]) -> Result<Position, OpenError> {
    for (first, path) in files.iter().rev() {
        let length = disk.open(path).and_then(|file| file.length()).map_err(|source| io(path, source))?;
        if length > HEADER_LENGTH as u64 {
            return Ok(*first);
        }
    }
    Ok(Position::ZERO)
}

/// Whether a file may have a torn end.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Rank {
    Newest,
    Older,
}

impl Found {
    /// Lets go of histories that have grown too old since.
    pub(crate) fn trim(&mut self, now: WallTime) {
        for (subject, through) in self.histories.trim(now) {
            index::end(&mut self.entries, &subject, through);
        }
    }

    /// Takes one file, and returns the last position that it stands for if it is compacted.
    fn take_file(
        &mut self,
        disk: &dyn Disk,
        first: Position,
        path: PathBuf,
        rank: Rank,
    ) -> Result<Position, OpenError> {
        let file = disk.open(&path).map_err(|source| io(&path, source))?;
        let bytes = read_whole(&*file).map_err(|source| io(&path, source))?;
        let header = match Header::decode(&bytes) {
            Ok(header) => header,
            Err(BadHeader::Short) if rank == Rank::Newest => {
                self.cut = Some(cut(&path, 0, bytes.len()));
                disk.remove(&path).map_err(|source| io(&path, source))?;
                return Ok(Position::ZERO);
            }
            Err(BadHeader::Newer(format)) => return Err(OpenError::Newer { file: path, format }),
            Err(BadHeader::Broken | BadHeader::Short) => return Err(corrupt(&path, 0, "the file's header is damaged")),
        };
        if self.epoch.is_some_and(|epoch| epoch != header.epoch) {
            return Err(corrupt(&path, 0, "the file belongs to another log"));
        }
        self.epoch = Some(header.epoch);
        let segment = Arc::new(Segment::new(first, header, path, file));
        let whole = self.take_frames(&segment, &bytes, rank)?;
        if rank == Rank::Newest {
            self.settle(&segment, whole, bytes.len())?;
        }
        segment.show(whole as u64);
        self.segments.push(segment);
        Ok(header.through)
    }

    /// Takes every whole frame, and returns where they end.
    fn take_frames(&mut self, segment: &Arc<Segment>, bytes: &[u8], rank: Rank) -> Result<usize, OpenError> {
        let mut offset = HEADER_LENGTH;
        while let Some(rest) = bytes.get(offset..).filter(|rest| !rest.is_empty()) {
            match frame::decode(rest) {
                Ok(frame) if frame.record.position <= self.last => {
                    return Err(corrupt(segment.path(), offset, "a record's position is not beyond the one before it"));
                }
                Ok(frame) => {
                    let length = frame.length;
                    self.take_record(segment, frame, offset);
                    offset += length;
                }
                Err(flaw) if rank == Rank::Older || frame::holds_firm_frame(rest, self.last) => {
                    return Err(corrupt(segment.path(), offset, &flaw.to_string()));
                }
                Err(Flaw::Checksum | Flaw::Length | Flaw::Magic | Flaw::Shape | Flaw::Short) => break,
            }
        }
        Ok(offset)
    }

    fn take_record(&mut self, segment: &Arc<Segment>, frame: Frame, offset: usize) {
        let Frame { record, ground: _, length } = frame;
        let record = Arc::new(record);
        let offset = offset as u64;
        let own = EpochRecord::of(&record);
        segment.note(&record, offset);
        let place = Place::Stored { segment: Arc::clone(segment), offset, length };
        if let Some((at, through)) = emptied::others(&record) {
            self.histories.forgot(at, through);
        }
        self.histories.take([(&record, &place)]);
        if self.histories.has_state(&record.subject) {
            index::apply(&mut self.entries, &record, place);
        }
        if segment.header().through == Position::ZERO {
            self.remember(segment, &record, own);
        }
        self.records += 1;
        self.last = record.position;
        self.closed = own.is_some_and(|own| own.how == How::Closed);
        self.own = own.or(self.own);
    }

    /// Puts a record into the ring. The ring begins with the first file that is not compacted, for there are
    /// no holes from there on.
    fn remember(&mut self, segment: &Segment, record: &Arc<Record>, own: Option<EpochRecord>) {
        if !self.ring_begun {
            self.ring_begun = true;
            let from_the_start = own.is_some_and(|own| own.how == How::OpenedNew);
            let before = segment.first().get().saturating_sub(1);
            self.begun_after = if from_the_start { Position::ZERO } else { Position::new(before) };
            self.ring.begin_after(self.begun_after);
        }
        self.ring.push([Arc::clone(record)]);
    }

    /// Cuts off what lies beyond the whole frames of the newest file, and makes sure that they are synced.
    fn settle(&mut self, segment: &Segment, whole: usize, length: usize) -> Result<(), OpenError> {
        if whole < length {
            self.cut = Some(cut(segment.path(), whole, length - whole));
            segment.file().truncate(whole as u64).map_err(|source| io(segment.path(), source))?;
        }
        segment.file().sync().map_err(|source| io(segment.path(), source))
    }
}

fn read_whole(file: &dyn DiskFile) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(file.length()?).unwrap_or(usize::MAX)];
    file.read_at(&mut bytes, 0)?;
    Ok(bytes)
}

fn cut(path: &Path, offset: usize, bytes: usize) -> Cut {
    Cut { file: path.to_owned(), offset: offset as u64, bytes: bytes as u64 }
}

fn corrupt(path: &Path, offset: usize, reason: &str) -> OpenError {
    OpenError::Corrupt { file: path.to_owned(), offset: offset as u64, reason: reason.to_owned() }
}

/// The operating system refused something about `path`.
pub(crate) fn io(path: &Path, source: std::io::Error) -> OpenError {
    OpenError::Io { path: path.to_owned(), source }
}
