//! The log's own records, under the subject `log/epoch`: how it was opened and closed, and how far it may go.

use bytes::Bytes;

use crate::ids::{Epoch, Position, RecordId, WallTime};
use crate::log::face::{Expected, Kind, NewRecord, Record, Subject};
use crate::log::frame;

/// The kind of the log's own records. Whoever follows the log may pass them over.
pub const LOG_KIND: Kind = Kind(1);

/// How a log began, or what else its own record says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum How {
    /// It was closed; nothing follows but an opening.
    Closed,
    /// It is open, and what was there had been closed.
    OpenedClean,
    /// It is open, and there was nothing before.
    OpenedNew,
    /// It is open, and what was there had not been closed.
    OpenedUnclean,
    /// It stays open, and may go further than it said.
    Reserved,
}

/// What a record of the log itself says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct EpochRecord {
    pub(crate) epoch: Epoch,
    pub(crate) how: How,
    /// The newest position before this one.
    pub(crate) last: Position,
    /// No position beyond this one is given out before another such record is on disk. So a start knows a
    /// bound of all positions ever given out, also of those whose records are lost or never were on disk.
    pub(crate) reserved: Position,
}

impl EpochRecord {
    /// The record to be appended.
    pub(crate) fn record(self, time: WallTime) -> NewRecord {
        let mut payload = Vec::with_capacity(21);
        payload.extend_from_slice(&self.epoch.get().to_le_bytes());
        payload.push(self.how.letter());
        payload.extend_from_slice(&self.last.get().to_le_bytes());
        payload.extend_from_slice(&self.reserved.get().to_le_bytes());
        NewRecord {
            id: RecordId::draw(),
            subject: Subject::new("log/epoch"),
            expected: Expected::Any,
            kind: LOG_KIND,
            version: 1,
            time,
            volatile: false,
            ends: false,
            payload: Bytes::from(payload),
        }
    }

    /// What a record says, if it is one of the log's own and of a version that is known.
    pub(crate) fn of(record: &Record) -> Option<Self> {
        if record.kind != LOG_KIND || record.version != 1 {
            return None;
        }
        let mut rest = record.payload.as_ref();
        let epoch = Epoch::new(u32::from_le_bytes(frame::take(&mut rest).ok()?));
        let [letter] = frame::take(&mut rest).ok()?;
        let how = How::of(letter)?;
        let last = Position::new(u64::from_le_bytes(frame::take(&mut rest).ok()?));
        let reserved = Position::new(u64::from_le_bytes(frame::take(&mut rest).ok()?));
        Some(Self { epoch, how, last, reserved })
    }
}

impl How {
    fn letter(self) -> u8 {
        match self {
            Self::Closed => b'x',
            Self::OpenedClean => b'c',
            Self::OpenedNew => b'n',
            Self::OpenedUnclean => b'u',
            Self::Reserved => b'r',
        }
    }

    fn of(letter: u8) -> Option<Self> {
        [Self::Closed, Self::OpenedClean, Self::OpenedNew, Self::OpenedUnclean, Self::Reserved]
            .into_iter()
            .find(|how| how.letter() == letter)
    }
}
