//! What is in memory only, over a planned stop: the volatile records of the ring, in a file of their own.
//!
//! ```text
//! 0   8  "partyvol"
//! 8   2  format version, 1
//! 10  2  zero
//! 12  4  epoch of the log
//! 16  8  position of the record that closed the log
//! 24  8  the last position up to which volatile records may be missing
//! 32  4  crc32 of the frames and of all before it
//! 36  .. frames
//! ```
//!
//! It is written before the record that closes the log, and good only as long as that is the log's newest: a start
//! that finds any other record there, or no such file, has forgotten what was volatile. Then the file is taken away.
//! It comes into being whole, by a rename.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::ids::{Epoch, Position};
use crate::log::disk::Disk;
use crate::log::face::Record;
use crate::log::frame;
use crate::log::frame::{Flaw, Frame, Ground};

/// The volatile records that a log was closed with.
#[derive(Debug)]
pub(crate) struct Tail {
    /// Of the log.
    pub(crate) epoch: Epoch,
    /// Where the record is that closed the log.
    pub(crate) closed: Position,
    /// Up to here volatile records may be missing.
    pub(crate) forgotten: Position,
    /// The records, in order.
    pub(crate) records: Vec<Arc<Record>>,
}

/// Why a file is not used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadTail {
    #[error("its checksum does not match")]
    Checksum,
    #[error("{0}")]
    Frame(#[from] Flaw),
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("it has format {0}, which this version cannot read")]
    Newer(u16),
}

impl Tail {
    /// Writes it, in the place of an older one.
    pub(crate) fn write(&self, disk: &dyn Disk, directory: &Path) -> io::Result<()> {
        let (path, draft) = (path(directory), draft(directory));
        let file = disk.create(&draft)?;
        let mut sum = crc32fast::Hasher::new();
        let (mut chunk, mut offset) = (Vec::new(), HEADER_LENGTH as u64);
        for record in &self.records {
            frame::encode(record, Ground::Firm, &mut chunk);
            if chunk.len() >= CHUNK {
                sum.update(&chunk);
                file.write_at(&chunk, offset)?;
                offset += chunk.len() as u64;
                chunk.clear();
            }
        }
        sum.update(&chunk);
        file.write_at(&chunk, offset)?;
        let mut header = self.header();
        sum.update(&header);
        header.extend_from_slice(&sum.finalize().to_le_bytes());
        file.write_at(&header, 0)?;
        file.sync()?;
        disk.rename(&draft, &path)?;
        disk.sync_directory(directory)
    }

    /// Reads what is there, if anything.
    pub(crate) fn read(disk: &dyn Disk, directory: &Path) -> Result<Option<Self>, BadTail> {
        let file = match disk.open(&path(directory)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut bytes = vec![0; usize::try_from(file.length()?).unwrap_or(usize::MAX)];
        file.read_at(&mut bytes, 0)?;
        Self::decode(&bytes).map(Some)
    }

    /// Takes away what there is.
    pub(crate) fn remove(disk: &dyn Disk, directory: &Path) -> io::Result<()> {
        for path in [path(directory), draft(directory)] {
            match disk.remove(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    fn header(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_LENGTH);
        bytes.extend_from_slice(NAME);
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        bytes.extend_from_slice(&[0; 2]);
        bytes.extend_from_slice(&self.epoch.get().to_le_bytes());
        bytes.extend_from_slice(&self.closed.get().to_le_bytes());
        bytes.extend_from_slice(&self.forgotten.get().to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self, BadTail> {
        let mut rest = bytes;
        let name: [u8; 8] = frame::take(&mut rest)?;
        let format = u16::from_le_bytes(frame::take(&mut rest)?);
        if name == *NAME && format > FORMAT {
            return Err(BadTail::Newer(format));
        }
        let [_, _] = frame::take(&mut rest)?;
        let epoch = Epoch::new(u32::from_le_bytes(frame::take(&mut rest)?));
        let closed = Position::new(u64::from_le_bytes(frame::take(&mut rest)?));
        let forgotten = Position::new(u64::from_le_bytes(frame::take(&mut rest)?));
        let stated = u32::from_le_bytes(frame::take(&mut rest)?);
        let mut sum = crc32fast::Hasher::new();
        sum.update(rest);
        sum.update(bytes.get(..HEADER_LENGTH - 4).unwrap_or_default());
        if name != *NAME || format != FORMAT || sum.finalize() != stated {
            return Err(BadTail::Checksum);
        }
        let mut records = Vec::new();
        while !rest.is_empty() {
            let Frame { record, length, .. } = frame::decode(rest)?;
            records.push(Arc::new(Record { volatile: true, ..record }));
            rest = rest.get(length..).unwrap_or_default();
        }
        Ok(Self { epoch, closed, forgotten, records })
    }
}

/// Where it lies.
pub(crate) fn path(directory: &Path) -> PathBuf {
    directory.join("volatile.tail")
}

fn draft(directory: &Path) -> PathBuf {
    directory.join("volatile.draft")
}

const HEADER_LENGTH: usize = 36;
const NAME: &[u8; 8] = b"partyvol";
const FORMAT: u16 = 1;
/// How much is written at once.
const CHUNK: usize = 1 << 20;
