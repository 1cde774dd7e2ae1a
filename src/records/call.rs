//! `call.changed`: what happened to a call family, and all of it after that.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::calls::{Event, Family, Heard, LegId, Party};
use crate::ids::{AgentId, CallId, Fingerprint, IdempotencyKey, RecordId, WallTime};
use crate::log::{Expected, NewRecord, Record, Subject};

use super::asks::EventWire;
use super::codec::{CALL_CHANGED, VERSION, from_json, to_json};
use super::family::{FamilyWire, HeardWire, ask_text, parse_ask, parse_id};

/// Why a call changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Cause {
    /// The switch brought a call in.
    Arrived,
    /// An agent's operation.
    Operation {
        /// Its name, as on the wire.
        name: Arc<str>,
        /// Who asked.
        agent: AgentId,
        /// By which a retry gets the first answer.
        key: Option<CommandKey>,
    },
    /// A report of the switch.
    Report {
        /// The leg.
        leg: LegId,
        /// Which report.
        heard: Heard,
    },
    /// An ask that the switch did not answer in time, or a call that an agent did not make in time.
    Timeout {
        /// The ask; of a call that was not made, the agent's leg.
        ask: LegId,
    },
}

/// A client's name for a command, and what the command was: the same name for another one is a mistake.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CommandKey {
    /// The client's name for it.
    pub key: IdempotencyKey,
    /// What it was.
    pub command: Fingerprint,
}

/// A call family changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CallChanged {
    /// Why.
    pub cause: Cause,
    /// The whole family after the change. Decoding settles asks of "this record" to the record's position.
    /// Its own `events` are not written: [`CallChanged::new`] takes them out.
    pub family: Family,
    /// What happened, and who is told.
    pub events: Vec<Event>,
}

impl CallChanged {
    /// A change of a family, with the events that the family has not handed out yet.
    pub fn new(cause: Cause, mut family: Family) -> Self {
        let events = family.events.drain(..).collect();
        Self { cause, family, events }
    }

    /// The subject of a family.
    pub fn subject(root: &CallId) -> Subject {
        Subject::new(&format!("call/{root}"))
    }

    /// The record to append. It ends its subject if no party is left.
    pub fn record(&self, id: RecordId, time: WallTime, expected: Expected) -> NewRecord {
        NewRecord {
            id,
            subject: Self::subject(&self.family.root),
            expected,
            kind: CALL_CHANGED,
            version: VERSION,
            time,
            volatile: false,
            ends: self.is_over(),
            payload: to_json(&ChangedWire::of(self)),
        }
    }

    fn is_over(&self) -> bool {
        let mut parties = self.family.calls.iter().flat_map(|call| &call.parties);
        !parties.any(Party::is_live)
    }

    pub(super) fn read(record: &Record) -> Result<Self, String> {
        let mut changed = from_json::<ChangedWire>(&record.payload)?.value()?;
        changed.family.settle(record.position);
        Ok(changed)
    }
}

/// `call.changed` as it is written.
#[derive(Deserialize, Serialize)]
struct ChangedWire {
    cause: CauseWire,
    family: FamilyWire,
    events: Vec<EventWire>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum CauseWire {
    Arrived,
    Operation { name: Arc<str>, agent: String, key: Option<KeyWire> },
    Report { leg: String, heard: HeardWire },
    Timeout { ask: String },
}

#[derive(Deserialize, Serialize)]
pub(super) struct KeyWire {
    key: String,
    command: String,
}

impl KeyWire {
    pub(super) fn of(key: &CommandKey) -> Self {
        Self { key: key.key.to_string(), command: key.command.to_string() }
    }

    pub(super) fn value(self) -> Result<CommandKey, String> {
        let key = parse_id(&self.key, IdempotencyKey::parse)?;
        Ok(CommandKey { key, command: parse_id(&self.command, Fingerprint::parse)? })
    }
}

impl ChangedWire {
    fn of(changed: &CallChanged) -> Self {
        Self {
            cause: CauseWire::of(&changed.cause),
            family: FamilyWire::of(&changed.family),
            events: changed.events.iter().map(EventWire::of).collect(),
        }
    }

    fn value(self) -> Result<CallChanged, String> {
        Ok(CallChanged {
            cause: self.cause.value()?,
            family: self.family.value()?,
            events: self.events.into_iter().map(EventWire::value).collect::<Result<_, _>>()?,
        })
    }
}

impl CauseWire {
    fn of(cause: &Cause) -> Self {
        match cause {
            Cause::Arrived => Self::Arrived,
            Cause::Operation { name, agent, key } => {
                Self::Operation { name: name.clone(), agent: agent.to_string(), key: key.as_ref().map(KeyWire::of) }
            }
            Cause::Report { leg, heard } => Self::Report { leg: ask_text(*leg), heard: HeardWire::of(*heard) },
            Cause::Timeout { ask } => Self::Timeout { ask: ask_text(*ask) },
        }
    }

    fn value(self) -> Result<Cause, String> {
        Ok(match self {
            Self::Arrived => Cause::Arrived,
            Self::Operation { name, agent, key } => Cause::Operation {
                name,
                agent: parse_id(&agent, AgentId::parse)?,
                key: key.map(KeyWire::value).transpose()?,
            },
            Self::Report { leg, heard } => Cause::Report { leg: parse_ask(&leg)?, heard: heard.value() },
            Self::Timeout { ask } => Cause::Timeout { ask: parse_ask(&ask)? },
        })
    }
}
