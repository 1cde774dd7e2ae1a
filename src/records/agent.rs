//! `agent.changed`: what happened to an agent's voice channel and device, and all of them after that.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::agents::{Event, Voice};
use crate::ids::{AgentId, Position, RecordId, WallTime};
use crate::log::{Expected, NewRecord, Record, Subject};

use super::call::{CommandKey, KeyWire};
use super::codec::{AGENT_CHANGED, VERSION, from_json, to_json};
use super::voice::{EventWire, VoiceWire};

/// Why an agent's state changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AgentCause {
    /// Its last call ended, in the record at this position.
    CallEnded(Position),
    /// A call of a queue was not answered, in the record at this position.
    NotAnswered(Position),
    /// Its own operation.
    Operation {
        /// Its name, as on the wire.
        name: Arc<str>,
        /// By which a retry gets the first answer.
        key: Option<CommandKey>,
    },
    /// The time for its work after a call is over.
    TimeOver,
    /// It left a call that it was brought into as a supervisor, in the record at this position.
    Watched(Position),
}

/// An agent's voice channel or device changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AgentChanged {
    /// Why.
    pub cause: AgentCause,
    /// The whole state after the change. Its own `events` are not written: [`AgentChanged::new`] takes them out.
    pub voice: Voice,
    /// What each of the agent's desktops is told.
    pub events: Vec<Event>,
}

impl AgentChanged {
    /// What the names of all agents' subjects begin with.
    pub const SUBJECTS: &str = "agent/";

    /// A change of an agent's state, with the events that the state has not handed out yet.
    pub fn new(cause: AgentCause, mut voice: Voice) -> Self {
        let events = voice.events.drain(..).collect();
        Self { cause, voice, events }
    }

    /// The subject of an agent.
    pub fn subject(agent: &AgentId) -> Subject {
        Subject::new(&format!("{}{agent}", Self::SUBJECTS))
    }

    /// The record to append.
    pub fn record(&self, id: RecordId, time: WallTime, expected: Expected) -> NewRecord {
        NewRecord {
            id,
            subject: Self::subject(&self.voice.agent),
            expected,
            kind: AGENT_CHANGED,
            version: VERSION,
            time,
            volatile: false,
            ends: false,
            payload: to_json(&ChangedWire::of(self)),
        }
    }

    pub(super) fn read(record: &Record) -> Result<Self, String> {
        from_json::<ChangedWire>(&record.payload)?.value()
    }
}

/// `agent.changed` as it is written.
#[derive(Deserialize, Serialize)]
struct ChangedWire {
    cause: CauseWire,
    voice: VoiceWire,
    events: Vec<EventWire>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum CauseWire {
    CallEnded { record: u64 },
    NotAnswered { record: u64 },
    Operation { name: Arc<str>, key: Option<KeyWire> },
    TimeOver,
    Watched { record: u64 },
}

impl ChangedWire {
    fn of(changed: &AgentChanged) -> Self {
        Self {
            cause: CauseWire::of(&changed.cause),
            voice: VoiceWire::of(&changed.voice),
            events: changed.events.iter().map(|event| EventWire::of(*event)).collect(),
        }
    }

    fn value(self) -> Result<AgentChanged, String> {
        Ok(AgentChanged {
            cause: self.cause.value()?,
            voice: self.voice.value()?,
            events: self.events.into_iter().map(EventWire::value).collect(),
        })
    }
}

impl CauseWire {
    fn of(cause: &AgentCause) -> Self {
        match cause {
            AgentCause::CallEnded(record) => Self::CallEnded { record: record.get() },
            AgentCause::NotAnswered(record) => Self::NotAnswered { record: record.get() },
            AgentCause::Operation { name, key } => {
                Self::Operation { name: name.clone(), key: key.as_ref().map(KeyWire::of) }
            }
            AgentCause::TimeOver => Self::TimeOver,
            AgentCause::Watched(record) => Self::Watched { record: record.get() },
        }
    }

    fn value(self) -> Result<AgentCause, String> {
        Ok(match self {
            Self::CallEnded { record } => AgentCause::CallEnded(Position::new(record)),
            Self::NotAnswered { record } => AgentCause::NotAnswered(Position::new(record)),
            Self::Operation { name, key } => AgentCause::Operation { name, key: key.map(KeyWire::value).transpose()? },
            Self::TimeOver => AgentCause::TimeOver,
            Self::Watched { record } => AgentCause::Watched(Position::new(record)),
        })
    }
}
