//! How the embedded log is to be, what a start found, and who is told what it does.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use crate::ids::Position;
use crate::log::face::{Kind, Outcome};
use crate::log::history::Retention;

/// How the embedded log is to be.
#[derive(Clone, Debug)]
pub struct EmbeddedConfig {
    /// Where its files are. Made if it is not there. With [`Durability::Memory`] it is not touched.
    pub directory: PathBuf,
    /// When a record counts as written down.
    pub durability: Durability,
    /// How many bytes a file holds before the next one is begun.
    pub segment_size: u64,
    /// How old a file's newest record grows before only the newest record of each living subject is kept of it.
    pub retain_age: Duration,
    /// How many bytes the files may take together before the same happens to the oldest. The newest file
    /// always stays. With [`Durability::Memory`], how many bytes of history are kept.
    pub retain_size: Option<u64>,
    /// Of what more than the newest record is kept, of which no more is kept than `retain_size` lets.
    pub retention: Arc<dyn Retention>,
    /// How many records the ring holds.
    pub ring_records: usize,
    /// How many bytes the ring holds, counted as it takes them in memory.
    pub ring_bytes: usize,
    /// How many appends wait at most; one more is refused at once with [`Outcome::Full`].
    pub queue: usize,
}

impl Default for EmbeddedConfig {
    fn default() -> Self {
        Self {
            directory: PathBuf::from("./data"),
            durability: Durability::Commit,
            segment_size: 64 << 20,
            retain_age: Duration::from_secs(24 * 60 * 60),
            retain_size: None,
            retention: Arc::new(()),
            ring_records: 65_536,
            ring_bytes: 64 << 20,
            queue: 65_536,
        }
    }
}

/// When a record counts as written down.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Durability {
    /// Once it is synced to the disk: it survives a power cut.
    Commit,
    /// Once it is in the file, which is synced this often: it survives the end of the process.
    Interval(Duration),
    /// At once: nothing is on disk.
    Memory,
}

/// Who is told what the log does, for metrics. Called on the log's own threads, or on the appending thread:
/// it must not block.
pub trait LogObserver: Send + Sync + 'static {
    /// An append was answered, this long after it was asked for.
    fn appended(&self, kind: Kind, outcome: Outcome, took: Duration) {
        let _unused = (kind, outcome, took);
    }

    /// A file was synced, which took this long.
    fn synced(&self, took: Duration) {
        let _unused = took;
    }
}

/// An observer that looks away.
impl LogObserver for () {}

/// What a start found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Recovery {
    /// How the log had been left.
    pub left: Left,
    /// The newest position that was found on disk.
    pub last: Position,
    /// How many records were found on disk.
    pub records: u64,
    /// What had to be cut off the end, if anything: writing was interrupted there, so nobody was ever told
    /// that it was on disk.
    pub cut: Option<Cut>,
}

/// How a log had been left.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Left {
    /// It was closed. Positions go on where they were.
    Closed,
    /// There was none.
    Nowhere,
    /// It was not closed. Positions go on beyond all that may have been given out.
    Open,
}

/// A torn end that was cut off.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cut {
    /// The file.
    pub file: PathBuf,
    /// Its length now.
    pub offset: u64,
    /// How many bytes were there.
    pub bytes: u64,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes cut off {} at offset {}", self.bytes, self.file.display(), self.offset)
    }
}

/// A log that could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A file is not what was written, and this is no torn end. Nothing was changed.
    #[error("{file}, offset {offset}: {reason}")]
    Corrupt {
        /// The file.
        file: PathBuf,
        /// Where the damage begins.
        offset: u64,
        /// What is wrong there.
        reason: String,
    },
    /// The operating system refused.
    #[error("{path}: {source}")]
    Io {
        /// What it was about.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// Another process, or another log in this one, has the directory.
    #[error("{directory} is in use by another server")]
    Locked {
        /// The directory.
        directory: PathBuf,
    },
    /// A file was written by a newer version of this program.
    #[error("{file} has format {format}, which this version cannot read")]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its format.
        format: u16,
    },
}
