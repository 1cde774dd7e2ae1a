//! From a record to what it says, and the numbers of the kinds.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::log::{Kind, Record};

use super::agent::AgentChanged;
use super::call::CallChanged;
use super::channel::ChannelPublished;
use super::login::LoginEnded;
use super::owed::{Direct, REFUSAL};
use super::page::OwedPage;
use super::session::{SessionEnded, SessionState};

/// What a record says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Payload {
    /// `agent.changed`.
    AgentChanged(AgentChanged),
    /// `call.changed`.
    CallChanged(CallChanged),
    /// `channel.published`.
    ChannelPublished(ChannelPublished),
    /// `owed.direct`.
    Direct(Direct),
    /// The log's own; nobody else's business.
    LogOpened,
    /// `login.ended`.
    LoginEnded(LoginEnded),
    /// `owed.page`.
    Page(OwedPage),
    /// `session.ended`.
    SessionEnded(SessionEnded),
    /// `session.state`.
    SessionState(SessionState),
}

/// A record that this version cannot read.
#[derive(Debug, thiserror::Error)]
#[error("record {position}, kind {kind}, version {version}: {reason}")]
pub struct BadRecord {
    /// Where it is.
    pub position: u64,
    /// Its kind.
    pub kind: u16,
    /// Its version.
    pub version: u8,
    /// What is wrong.
    pub reason: String,
}

/// Reads what a record says. "This record" in it is settled to the record's position.
///
/// # Errors
/// [`BadRecord`] if the kind or version is unknown, or the payload is not of its shape.
pub fn decode(record: &Record) -> Result<Payload, BadRecord> {
    let read = match (record.kind, record.version) {
        (LOG_OPENED, _) => Ok(Payload::LogOpened),
        (AGENT_CHANGED, VERSION) => AgentChanged::read(record).map(Payload::AgentChanged),
        (CALL_CHANGED, VERSION) => CallChanged::read(record).map(Payload::CallChanged),
        (CHANNEL_PUBLISHED, VERSION) => ChannelPublished::read(record).map(Payload::ChannelPublished),
        (LOGIN_ENDED, VERSION) => LoginEnded::read(record).map(Payload::LoginEnded),
        (OWED_DIRECT, VERSION | REFUSAL) => Direct::read(record).map(Payload::Direct),
        (OWED_PAGE, VERSION) => OwedPage::read(record).map(Payload::Page),
        (SESSION_ENDED, VERSION) => SessionEnded::read(record).map(Payload::SessionEnded),
        (SESSION_STATE, VERSION) => SessionState::read(record).map(Payload::SessionState),
        (
            AGENT_CHANGED | CALL_CHANGED | CHANNEL_PUBLISHED | LOGIN_ENDED | OWED_DIRECT | OWED_PAGE | SESSION_ENDED
            | SESSION_STATE,
            _,
        ) => Err("unknown version".to_owned()),
        _ => Err("unknown kind".to_owned()),
    };
    read.map_err(|reason| BadRecord {
        position: record.position.get(),
        kind: record.kind.0,
        version: record.version,
        reason,
    })
}

/// The name of a kind, for people.
pub fn kind_name(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        LOG_OPENED => "log.opened",
        CALL_CHANGED => "call.changed",
        SESSION_STATE => "session.state",
        SESSION_ENDED => "session.ended",
        CHANNEL_PUBLISHED => "channel.published",
        OWED_DIRECT => "owed.direct",
        OWED_PAGE => "owed.page",
        AGENT_CHANGED => "agent.changed",
        LOGIN_ENDED => "login.ended",
        Kind(_) => return None,
    })
}

/// Whether records of a kind are of sessions or of channels, and so worth reading for whoever cares for those only.
pub fn is_of_sessions_or_channels(kind: Kind) -> bool {
    matches!(kind, SESSION_STATE | SESSION_ENDED | CHANNEL_PUBLISHED)
}

/// JSON of a wire struct.
pub(super) fn to_json(wire: &impl Serialize) -> Bytes {
    match serde_json::to_vec(wire) {
        Ok(json) => json.into(),
        // Only maps with keys that are no text can fail, and no wire struct has one. A record that says
        // nothing in place of a state must never be written.
        Err(_) => std::process::abort(),
    }
}

/// A wire struct from JSON.
pub(super) fn from_json<T: DeserializeOwned>(payload: &[u8]) -> Result<T, String> {
    serde_json::from_slice(payload).map_err(|e| e.to_string())
}

/// `log.opened`.
pub(super) const LOG_OPENED: Kind = Kind(1);

/// `call.changed`.
pub(super) const CALL_CHANGED: Kind = Kind(10);

/// `session.state`.
pub(super) const SESSION_STATE: Kind = Kind(20);

/// `session.ended`.
pub(super) const SESSION_ENDED: Kind = Kind(21);

/// `channel.published`.
pub(super) const CHANNEL_PUBLISHED: Kind = Kind(30);

/// `owed.direct`.
pub(super) const OWED_DIRECT: Kind = Kind(40);

/// `owed.page`.
pub(super) const OWED_PAGE: Kind = Kind(41);

/// `agent.changed`.
pub(super) const AGENT_CHANGED: Kind = Kind(50);

/// `login.ended`.
pub(super) const LOGIN_ENDED: Kind = Kind(51);

/// The version in which every kind is written.
pub(super) const VERSION: u8 = 1;
