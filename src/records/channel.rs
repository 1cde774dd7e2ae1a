//! `channel.published`: a publication.
//!
//! The payload is the length of the head in two bytes, the head, then the data as it came. The head is a row of
//! fields, each a tag (one byte), a length (two bytes) and that many bytes; all numbers big-endian. The channel is
//! the subject. So a reader shares the data with the record and copies nothing.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::bayeux::{Channel, Pattern};
use crate::ids::{IdempotencyKey, RecordId, SessionId, WallTime, hex};
use crate::log::{Among, Expected, NewRecord, Record, Subject};

use super::codec::{CHANNEL_PUBLISHED, VERSION};

/// A publication to a broadcast channel.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChannelPublished {
    /// To where.
    pub channel: Channel,
    /// What: JSON as it came.
    pub data: Bytes,
    /// `ext.binary`, a JSON token, if it came with one.
    pub binary: Option<Bytes>,
    /// Who published; never sent to anyone.
    pub publisher: Option<SessionId>,
    /// The publisher's name for it, by which a retry is noticed.
    pub key: Option<IdempotencyKey>,
}

/// Whether a publication outlives the process.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Keep {
    /// It is stored like any record.
    Stored,
    /// It takes a position and stays in memory.
    Volatile,
}

impl ChannelPublished {
    /// What the names of all channels' subjects begin with.
    pub const SUBJECTS: &str = "channel";

    /// The subject of a channel: `channel` and the name, which begins with a slash.
    pub fn subject(channel: &Channel) -> Subject {
        Subject::new(&format!("{}{channel}", Self::SUBJECTS))
    }

    /// The subjects of all channels that a pattern can match.
    pub fn among(pattern: &Pattern) -> Among {
        let below = || format!("{}{}/", Self::SUBJECTS, pattern.stem()).into();
        match pattern.channel() {
            Some(channel) => Among::Exactly(Self::subject(&channel)),
            None if pattern.is_deep() => Among::Below(below()),
            None => Among::Children(below()),
        }
    }

    /// The channel of a subject, if it is a channel's.
    pub fn channel_of(subject: &Subject) -> Option<Channel> {
        Channel::parse(subject.as_str().strip_prefix(Self::SUBJECTS)?).ok()
    }

    /// The record to append.
    pub fn record(&self, id: RecordId, time: WallTime, keep: Keep) -> NewRecord {
        NewRecord {
            id,
            subject: Self::subject(&self.channel),
            expected: Expected::Any,
            kind: CHANNEL_PUBLISHED,
            version: VERSION,
            time,
            volatile: keep == Keep::Volatile,
            ends: false,
            payload: self.payload(),
        }
    }

    fn payload(&self) -> Bytes {
        let publisher = self.publisher.as_ref().map(|session| (PUBLISHER, session.bytes().as_slice()));
        let key = self.key.as_ref().map(|key| (KEY, key.as_str().as_bytes()));
        let binary = self.binary.as_ref().map(|binary| (BINARY, &**binary));
        let fields = || publisher.iter().chain(&key).chain(&binary);
        let head: usize = fields().map(|(_, bytes)| 3 + bytes.len()).sum();
        let mut payload = BytesMut::with_capacity(2 + head + self.data.len());
        payload.put_u16(short(head));
        for (tag, bytes) in fields() {
            payload.put_u8(*tag);
            payload.put_u16(short(bytes.len()));
            payload.put_slice(bytes);
        }
        payload.put_slice(&self.data);
        payload.freeze()
    }

    pub(super) fn read(record: &Record) -> Result<Self, String> {
        let channel = Self::channel_of(&record.subject).ok_or("the subject is no channel")?;
        let mut data = record.payload.clone();
        let mut head = take_short(&mut data)?;
        let mut published = Self { channel, data, binary: None, publisher: None, key: None };
        while !head.is_empty() {
            let tag = head.try_get_u8().map_err(|e| e.to_string())?;
            let field = take_short(&mut head)?;
            match tag {
                PUBLISHER => published.publisher = Some(parse_publisher(&field)?),
                BINARY => published.binary = Some(field),
                KEY => published.key = Some(parse_key(&field)?),
                _ => {}
            }
        }
        Ok(published)
    }
}

fn parse_publisher(field: &[u8]) -> Result<SessionId, String> {
    SessionId::parse(&hex(field)).map_err(|_| "the publisher is not 16 bytes".to_owned())
}

fn parse_key(field: &[u8]) -> Result<IdempotencyKey, String> {
    let text = std::str::from_utf8(field).map_err(|e| e.to_string())?;
    IdempotencyKey::parse(text).map_err(|e| format!("the key {e}"))
}

pub(super) fn take_short(from: &mut Bytes) -> Result<Bytes, String> {
    let length = usize::from(from.try_get_u16().map_err(|e| e.to_string())?);
    if length <= from.len() { Ok(from.split_to(length)) } else { Err("cut short".to_owned()) }
}

/// A key has at most 128 characters of at most 4 bytes, word of binary data at most 1024 bytes, so no length comes near the bound.
pub(super) fn short(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

const PUBLISHER: u8 = 1;

const KEY: u8 = 2;

const BINARY: u8 = 3;
