//! A file of the log as bytes, for those who look at it from outside.

use crate::ids::{Epoch, Position};
use crate::log::face::Record;
use crate::log::frame;
use crate::log::frame::Ground;
use crate::log::segment::{HEADER_LENGTH, Header};

/// What lies in a file of the log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogFile {
    /// The log that it belongs to.
    pub epoch: Epoch,
    /// [`Position::ZERO`], or the last position that this compacted file stands for.
    pub through: Position,
    /// Its records, in the order in which they lie there.
    pub records: Vec<Record>,
    /// How many bytes of it are whole: what follows is torn or damaged.
    pub whole: usize,
}

/// Bytes that do not begin as a file of the log does, or as one of a format that this version cannot read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a file of the log")]
pub struct BadLogFile;

impl LogFile {
    /// Reads as many whole records as there are.
    ///
    /// # Errors
    /// [`BadLogFile`] if the header is not whole.
    pub fn decode(bytes: &[u8]) -> Result<Self, BadLogFile> {
        let Header { epoch, through } = Header::decode(bytes).map_err(|_| BadLogFile)?;
        let (mut records, mut whole) = (Vec::new(), HEADER_LENGTH);
        while let Ok(frame) = frame::decode(bytes.get(whole..).unwrap_or_default()) {
            whole += frame.length;
            records.push(frame.record);
        }
        Ok(Self { epoch, through, records, whole })
    }

    /// The bytes of such a file, as they are written when each record is synced before the next.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Header { epoch: self.epoch, through: self.through }.encode();
        for record in &self.records {
            frame::encode(record, Ground::Firm, &mut bytes);
        }
        bytes
    }
}
