//! One file of the log: a header, then frames.
//!
//! ```text
//! 0   8  "partylog"
//! 8   2  format version, 1
//! 10  2  zero
//! 12  4  epoch of the log
//! 16  8  0; in a compacted file, the last position that it stands for
//! 24  4  crc32 of all before it
//! 28  .. frames
//! ```
//!
//! A file is named by the first position that it may hold. It comes into being whole, by a rename.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fmt, io};

use parking_lot::Mutex;

use crate::ids::{Epoch, Position, WallTime};
use crate::log::disk::{Disk, DiskFile};
use crate::log::face::{ReadError, Record};
use crate::log::frame;
use crate::log::frame::{Flaw, Frame};

/// What the first bytes of a file say.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Header {
    pub(crate) epoch: Epoch,
    /// [`Position::ZERO`], or the last position that this compacted file stands for.
    pub(crate) through: Position,
}

/// Why the first bytes of a file are no header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum BadHeader {
    Broken,
    Newer(u16),
    Short,
}

impl Header {
    pub(crate) fn encode(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_LENGTH);
        bytes.extend_from_slice(NAME);
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        bytes.extend_from_slice(&[0; 2]);
        bytes.extend_from_slice(&self.epoch.get().to_le_bytes());
        bytes.extend_from_slice(&self.through.get().to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, BadHeader> {
        let short = |_: Flaw| BadHeader::Short;
        let mut rest = bytes;
        let name: [u8; 8] = frame::take(&mut rest).map_err(short)?;
        let format = u16::from_le_bytes(frame::take(&mut rest).map_err(short)?);
        if name == *NAME && format > FORMAT {
            return Err(BadHeader::Newer(format));
        }
        let [_, _] = frame::take(&mut rest).map_err(short)?;
        let epoch = Epoch::new(u32::from_le_bytes(frame::take(&mut rest).map_err(short)?));
        let through = Position::new(u64::from_le_bytes(frame::take(&mut rest).map_err(short)?));
        let sum = u32::from_le_bytes(frame::take(&mut rest).map_err(short)?);
        let summed = bytes.get(..HEADER_LENGTH - 4).ok_or(BadHeader::Short)?;
        let sound = name == *NAME && format == FORMAT && crc32fast::hash(summed) == sum;
        if sound { Ok(Self { epoch, through }) } else { Err(BadHeader::Broken) }
    }
}

/// A file of the log, as readers see it.
///
/// Invariant: the first `seen` bytes are whole frames that have reached the log's level of durability.
pub(crate) struct Segment {
    first: Position,
    header: Header,
    path: PathBuf,
    file: Box<dyn DiskFile>,
    seen: AtomicU64,
    newest: AtomicU64,
    /// Where some of its records begin, the oldest first, so that a page need not be looked for from the start.
    marks: Mutex<Vec<Mark>>,
}

#[derive(Clone, Copy)]
struct Mark {
    position: Position,
    offset: u64,
}

impl Segment {
    /// A file that exists.
    pub(crate) fn new(first: Position, header: Header, path: PathBuf, file: Box<dyn DiskFile>) -> Self {
        let seen = AtomicU64::new(HEADER_LENGTH as u64);
        Self { first, header, path, file, seen, newest: AtomicU64::new(0), marks: Mutex::new(Vec::new()) }
    }

    /// Makes a file that holds `frames`, in the place of any of the same name.
    pub(crate) fn create(
        disk: &dyn Disk,
        directory: &Path,
        first: Position,
        header: Header,
        frames: &[u8],
    ) -> io::Result<Self> {
        let path = path(directory, first);
        let draft = path.with_extension(DRAFT);
        let file = disk.create(&draft)?;
        let mut bytes = header.encode();
        bytes.extend_from_slice(frames);
        let made = file
            .write_at(&bytes, 0)
            .and_then(|()| file.sync())
            .and_then(|()| disk.rename(&draft, &path))
            .and_then(|()| disk.sync_directory(directory));
        match made {
            Ok(()) => Ok(Self::new(first, header, path, file)),
            Err(error) => {
                // A draft is also swept away at the next start.
                let _swept = disk.remove(&draft);
                Err(error)
            }
        }
    }

    /// The first position that it may hold.
    pub(crate) fn first(&self) -> Position {
        self.first
    }

    /// What its header says.
    pub(crate) fn header(&self) -> Header {
        self.header
    }

    /// Its file, for the one who writes.
    pub(crate) fn file(&self) -> &dyn DiskFile {
        &*self.file
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes readers may see.
    pub(crate) fn length(&self) -> u64 {
        self.seen.load(Ordering::Acquire)
    }

    /// The time of its newest record.
    pub(crate) fn newest(&self) -> WallTime {
        WallTime::from_millis(self.newest.load(Ordering::Relaxed))
    }

    /// Takes note of a record that lies in it.
    pub(crate) fn note(&self, record: &Record, offset: u64) {
        self.newest.fetch_max(record.time.millis(), Ordering::Relaxed);
        let mut marks = self.marks.lock();
        if marks.last().is_none_or(|mark| offset >= mark.offset + MARK_EVERY) {
            marks.push(Mark { position: record.position, offset });
        }
    }

    /// Lets readers see its first `length` bytes.
    pub(crate) fn show(&self, length: u64) {
        self.seen.store(length, Ordering::Release);
    }

    /// The record whose frame lies at `offset`.
    pub(crate) fn read_one(&self, offset: u64, length: usize) -> Result<Record, ReadError> {
        let mut bytes = vec![0; length];
        self.file.read_at(&mut bytes, offset).map_err(|error| self.io(error))?;
        frame::decode(&bytes).map(|frame| frame.record).map_err(|flaw| self.corrupt(offset, flaw))
    }

    /// Adds to `into` what lies in it after `after` and not after `through`, until there are `limit`.
    pub(crate) fn page(
        &self,
        after: Position,
        through: Position,
        limit: usize,
        into: &mut Vec<Arc<Record>>,
    ) -> Result<(), ReadError> {
        let mut window = Window { fetched: self.mark_before(after), bytes: Vec::new(), used: 0 };
        while into.len() < limit {
            let Some(frame) = self.next_frame(&mut window)? else { return Ok(()) };
            if frame.record.position > through {
                return Ok(());
            }
            if frame.record.position > after {
                into.push(Arc::new(frame.record));
            }
        }
        Ok(())
    }

    /// Adds to `into` those of its records that are at `positions`, which rise.
    pub(crate) fn select(&self, positions: &[Position], into: &mut Vec<Arc<Record>>) -> Result<(), ReadError> {
        let mut window = Window::default();
        let mut ahead: Option<Frame> = None;
        for position in positions {
            let mark = self.mark_before(Position::new(position.get().saturating_sub(1)));
            if mark > window.offset() {
                (window, ahead) = (Window { fetched: mark, ..Window::default() }, None);
            }
            while ahead.as_ref().is_none_or(|frame| frame.record.position < *position) {
                ahead = self.next_frame(&mut window)?;
                if ahead.is_none() {
                    return Ok(());
                }
            }
            if let Some(frame) = ahead.take_if(|frame| frame.record.position == *position) {
                into.push(Arc::new(frame.record));
            }
        }
        Ok(())
    }

    fn next_frame(&self, window: &mut Window) -> Result<Option<Frame>, ReadError> {
        let end = self.length();
        loop {
            let offset = window.offset();
            if offset >= end {
                return Ok(None);
            }
            match frame::decode(window.rest()) {
                Ok(frame) => {
                    window.used += frame.length;
                    return Ok(Some(frame));
                }
                Err(Flaw::Short) if window.fetched < end => {
                    window.fetch(&*self.file, end).map_err(|error| self.io(error))?;
                }
                Err(flaw @ (Flaw::Checksum | Flaw::Length | Flaw::Magic | Flaw::Shape | Flaw::Short)) => {
                    return Err(self.corrupt(offset, flaw));
                }
            }
        }
    }

    fn mark_before(&self, after: Position) -> u64 {
        let marks = self.marks.lock();
        let newer = marks.partition_point(|mark| mark.position <= after.next());
        newer.checked_sub(1).and_then(|at| marks.get(at)).map_or(HEADER_LENGTH as u64, |mark| mark.offset)
    }

    fn corrupt(&self, offset: u64, flaw: Flaw) -> ReadError {
        ReadError::Corrupt(format!("{}, offset {offset}: {flaw}", self.path.display()))
    }

    fn io(&self, source: io::Error) -> ReadError {
        ReadError::Io { path: self.path.display().to_string(), source }
    }
}

impl fmt::Debug for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Segment").field("path", &self.path).finish_non_exhaustive()
    }
}

/// A part of a file that a reader has in memory.
#[derive(Default)]
struct Window {
    /// How far into the file it has read.
    fetched: u64,
    bytes: Vec<u8>,
    used: usize,
}

impl Window {
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.used..).unwrap_or_default()
    }

    fn offset(&self) -> u64 {
        self.fetched - self.rest().len() as u64
    }

    fn fetch(&mut self, file: &dyn DiskFile, end: u64) -> io::Result<()> {
        self.bytes.drain(..self.used);
        self.used = 0;
        let had = self.bytes.len();
        let more = usize::try_from(end - self.fetched).unwrap_or(usize::MAX).min(FETCH);
        self.bytes.resize(had + more, 0);
        file.read_at(self.bytes.get_mut(had..).unwrap_or_default(), self.fetched)?;
        self.fetched += more as u64;
        Ok(())
    }
}

/// The file that begins with this position.
pub(crate) fn path(directory: &Path, first: Position) -> PathBuf {
    directory.join(format!("{:020}.log", first.get()))
}

/// The first position of the file at `path`, if it is one of the log's.
pub(crate) fn first_of(path: &Path) -> Option<Position> {
    let name = path.file_name()?.to_str()?.strip_suffix(".log")?;
    let digits = name.len() == 20 && name.bytes().all(|b| b.is_ascii_digit());
    if digits { name.parse().ok().map(Position::new) } else { None }
}

/// Whether `path` is a file that a start sweeps away: one that was not finished.
pub(crate) fn is_draft(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == DRAFT) && first_of(&path.with_extension("log")).is_some()
}

/// Where the first frame begins.
pub(crate) const HEADER_LENGTH: usize = 28;
const NAME: &[u8; 8] = b"partylog";
const FORMAT: u16 = 1;
const DRAFT: &str = "draft";
const MARK_EVERY: u64 = 64 << 10;
const FETCH: usize = 256 << 10;
