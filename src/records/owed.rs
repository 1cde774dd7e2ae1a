//! `owed.direct`: what is for one session alone. It is written down if the session acknowledges, for that goes on after
//! a crash; otherwise it is kept in memory only.
//!
//! The payload is the length of the channel in two bytes, the channel, the length of the answered message's id in two
//! bytes, that id (a JSON token, or nothing), then the data as it came; numbers big-endian. The session is the subject.
//! Version 2 is for a refusal: between the id and the data it has the error, with its length in two bytes before it.

use bytes::{BufMut, Bytes, BytesMut};

use crate::bayeux::{Channel, Error, Event};
use crate::ids::{RecordId, SessionId, WallTime};
use crate::log::{Expected, NewRecord, Record, Subject};

use super::channel::{Keep, short, take_short};
use super::codec::{OWED_DIRECT, VERSION};

/// A message for one session alone, such as the answer of a service.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Direct {
    /// Whose.
    pub session: SessionId,
    /// On which channel.
    pub channel: Channel,
    /// What: JSON as it came.
    pub data: Bytes,
    /// The id of the message that it answers, as a JSON token.
    pub id: Option<Bytes>,
    /// Why the service said no, if it did.
    pub error: Option<Error>,
}

impl Direct {
    /// The record to append. It is nobody's state, wherever it is.
    pub fn record(&self, id: RecordId, time: WallTime, keep: Keep) -> NewRecord {
        NewRecord {
            id,
            subject: Subject::new(&format!("{SUBJECT}{}", self.session)),
            expected: Expected::Any,
            kind: OWED_DIRECT,
            version: if self.error.is_some() { REFUSAL } else { VERSION },
            time,
            volatile: keep == Keep::Volatile,
            ends: true,
            payload: self.payload(),
        }
    }

    fn payload(&self) -> Bytes {
        let (channel, id) = (self.channel.as_str().as_bytes(), self.id.as_deref().unwrap_or_default());
        let error = self.error.as_ref().map(Error::to_string);
        let refusal = error.as_ref().map_or(0, |error| 2 + error.len());
        let mut payload = BytesMut::with_capacity(4 + channel.len() + id.len() + refusal + self.data.len());
        payload.put_u16(short(channel.len()));
        payload.put_slice(channel);
        payload.put_u16(short(id.len()));
        payload.put_slice(id);
        if let Some(error) = error {
            payload.put_u16(short(error.len()));
            payload.put_slice(error.as_bytes());
        }
        payload.put_slice(&self.data);
        payload.freeze()
    }

    pub(super) fn read(record: &Record) -> Result<Self, String> {
        let name = record.subject.as_str().strip_prefix(SUBJECT).ok_or("the subject is no session")?;
        let session = SessionId::parse(name).map_err(|e| e.to_string())?;
        let mut data = record.payload.clone();
        let channel = take_short(&mut data)?;
        let channel = std::str::from_utf8(&channel).map_err(|e| e.to_string())?;
        let channel = Channel::parse(channel).map_err(|e| e.to_string())?;
        let id = Some(take_short(&mut data)?).filter(|id| !id.is_empty());
        let error = match record.version {
            REFUSAL => Some(read_error(&take_short(&mut data)?)?),
            _ => None,
        };
        Ok(Self { session, channel, data, id, error })
    }

    /// As it stands on the wire. What answers nothing looks like any other event.
    pub fn event(&self) -> Event {
        match (&self.error, &self.id) {
            (Some(error), id) => Event::refusal(&self.channel, id.as_deref(), &self.data, error),
            (None, Some(id)) => Event::answer(&self.channel, Some(id), &self.data),
            (None, None) => Event::publication(&self.channel, &self.data),
        }
    }
}

fn read_error(text: &[u8]) -> Result<Error, String> {
    let text = std::str::from_utf8(text).map_err(|e| e.to_string())?;
    Error::parse(text).map_err(|e| e.to_string())
}

/// The version of a refusal.
pub(super) const REFUSAL: u8 = 2;

const SUBJECT: &str = "owed/";
