//! One record as bytes: the frame.
//!
//! ```text
//! 0   4  magic and format version: ff 'p' 'l' 01
//! 4   4  length of the body
//! 8   4  crc32 of the length and the body
//! 12  .. the body: position 8, id 16, kind 2, version 1, flags 1, time 8, subject length 2, subject, payload
//! ```
//!
//! Numbers are little-endian. The first byte of the magic occurs in no UTF-8 text, so no payload of text
//! can look like a frame.

use bytes::Bytes;

use crate::ids::{Position, RecordId, WallTime};
use crate::log::face::{Kind, NewRecord, Record, Subject};

/// What stood before a frame when it was written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ground {
    /// Everything before it had been synced: a flaw before it is damage, not a torn tail.
    Firm,
    /// Something before it had not been synced yet, and a power cut may have kept this one and lost that.
    Loose,
}

/// A frame taken apart.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) record: Record,
    pub(crate) ground: Ground,
    /// Of the whole frame, in bytes.
    pub(crate) length: usize,
}

/// Why bytes are no frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Flaw {
    #[error("the checksum of a record does not match")]
    Checksum,
    #[error("a record states an impossible length")]
    Length,
    #[error("no record begins here")]
    Magic,
    #[error("the record's fields do not fit its length")]
    Shape,
    #[error("the record is cut short")]
    Short,
}

/// Whether a record can be written at all: a subject of at most 65,535 bytes, a payload of at most 16 MiB.
pub(crate) fn fits(record: &NewRecord) -> bool {
    u16::try_from(record.subject.as_str().len()).is_ok() && record.payload.len() <= MAX_PAYLOAD
}

/// Appends the frame of a record that [`fits`], and returns its length.
pub(crate) fn encode(record: &Record, ground: Ground, into: &mut Vec<u8>) -> usize {
    let subject = record.subject.as_str().as_bytes();
    let body = FIXED + subject.len() + record.payload.len();
    let length = u32::try_from(body).unwrap_or(u32::MAX).to_le_bytes();
    let start = into.len();
    into.reserve(PREFIX + body);
    into.extend_from_slice(&MAGIC);
    into.extend_from_slice(&length);
    into.extend_from_slice(&[0; 4]);
    into.extend_from_slice(&record.position.get().to_le_bytes());
    into.extend_from_slice(record.id.bytes());
    into.extend_from_slice(&record.kind.0.to_le_bytes());
    into.push(record.version);
    into.push(flags(record, ground));
    into.extend_from_slice(&record.time.millis().to_le_bytes());
    into.extend_from_slice(&u16::try_from(subject.len()).unwrap_or(u16::MAX).to_le_bytes());
    into.extend_from_slice(subject);
    into.extend_from_slice(&record.payload);
    let sum = checksum(length, into.get(start + PREFIX..).unwrap_or_default());
    if let Some(place) = into.get_mut(start + 8..start + PREFIX) {
        place.copy_from_slice(&sum.to_le_bytes());
    }
    PREFIX + body
}

/// Takes the frame at the start of `bytes`.
pub(crate) fn decode(bytes: &[u8]) -> Result<Frame, Flaw> {
    let mut rest = bytes;
    if take::<4>(&mut rest)? != MAGIC {
        return Err(Flaw::Magic);
    }
    let length = take::<4>(&mut rest)?;
    let sum = u32::from_le_bytes(take(&mut rest)?);
    let size = usize::try_from(u32::from_le_bytes(length)).map_err(|_| Flaw::Length)?;
    if !(FIXED..=FIXED + usize::from(u16::MAX) + MAX_PAYLOAD).contains(&size) {
        return Err(Flaw::Length);
    }
    let body = rest.get(..size).ok_or(Flaw::Short)?;
    if checksum(length, body) != sum {
        return Err(Flaw::Checksum);
    }
    let (record, ground) = decode_body(body).map_err(|_| Flaw::Shape)?;
    Ok(Frame { record, ground, length: PREFIX + size })
}

/// Whether a frame that is whole, newer than `last` and on firm ground begins anywhere in `bytes`.
pub(crate) fn holds_firm_frame(bytes: &[u8], last: Position) -> bool {
    let begins = bytes.windows(MAGIC.len()).enumerate().filter(|(_, window)| *window == MAGIC);
    begins
        .filter_map(|(at, _)| decode(bytes.get(at..).unwrap_or_default()).ok())
        .any(|frame| frame.ground == Ground::Firm && frame.record.position > last)
}

fn decode_body(body: &[u8]) -> Result<(Record, Ground), Flaw> {
    let mut rest = body;
    let position = Position::new(u64::from_le_bytes(take(&mut rest)?));
    let id = RecordId::new(take(&mut rest)?);
    let kind = Kind(u16::from_le_bytes(take(&mut rest)?));
    let [version, flags] = take(&mut rest)?;
    let time = WallTime::from_millis(u64::from_le_bytes(take(&mut rest)?));
    let subject_length = usize::from(u16::from_le_bytes(take(&mut rest)?));
    let (subject, payload) = rest.split_at_checked(subject_length).ok_or(Flaw::Shape)?;
    let subject = Subject::new(std::str::from_utf8(subject).map_err(|_| Flaw::Shape)?);
    let ground = if flags & FIRM == 0 { Ground::Loose } else { Ground::Firm };
    let ends = flags & ENDS != 0;
    let payload = Bytes::copy_from_slice(payload);
    Ok((Record { position, id, subject, kind, version, time, volatile: false, ends, payload }, ground))
}

fn flags(record: &Record, ground: Ground) -> u8 {
    let ends = if record.ends { ENDS } else { 0 };
    let firm = match ground {
        Ground::Firm => FIRM,
        Ground::Loose => 0,
    };
    ends | firm
}

fn checksum(length: [u8; 4], body: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&length);
    sum.update(body);
    sum.finalize()
}

/// The next `N` bytes, which it moves `rest` past.
pub(crate) fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Flaw> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or(Flaw::Short)?;
    *rest = tail;
    Ok(*head)
}

const MAGIC: [u8; 4] = [0xff, b'p', b'l', 1];
const PREFIX: usize = 12;
const FIXED: usize = 38;
/// Bytes of a frame that says nothing of nothing.
pub(crate) const LEAST: usize = PREFIX + FIXED;
const MAX_PAYLOAD: usize = 16 << 20;
const ENDS: u8 = 1;
const FIRM: u8 = 2;
