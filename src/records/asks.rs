//! The asks and the events of a call family as they are written.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::calls::{Arrived, Ask, AskKind, Event, EventKind, Extension, Failure, Location, Purpose};
use crate::ids::{CallId, Number, WallTime};

use super::family::{HomeWire, ModeWire, RecordingWire, StateWire, ask_text, parse_ask, parse_id, same_names};

#[derive(Deserialize, Serialize)]
pub(super) struct AskWire {
    id: String,
    call: String,
    since: u64,
    asker: Option<HomeWire>,
    kind: AskKindWire,
}

#[derive(Deserialize, Serialize)]
pub(super) struct EventWire {
    kind: EventKindWire,
    call: String,
    to: HomeWire,
    number: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    passing: Option<StateWire>,
    extensions: Vec<(ExtensionWire, i64)>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum AskKindWire {
    Adopt(u64),
    Answer(String),
    Clear,
    Connect(String),
    Dial { number: String, from: String, location: Option<Arc<str>> },
    Dtmf { leg: String, digits: Arc<str> },
    Hold(String),
    Merge { consult: String, main: String, side: String, purpose: PurposeWire },
    Monitor { leg: String, mode: ModeWire },
    Mute(String),
    Record { leg: String, to: RecordingWire },
    Release(String),
    Retrieve(String),
    Route { queue: String, tried: Option<String> },
    Swap { hold: String, retrieve: String },
    Unmute(String),
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum PurposeWire {
    Conference,
    Transfer,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum EventKindWire {
    AttachedDataChanged,
    CallRecordingStateChange,
    Error(FailureWire),
    Missed,
    ParticipantsUpdated,
    StatusChange,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum ExtensionWire {
    BusinessCall,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum FailureWire {
    Busy,
    Failed,
    InvalidNumber,
    NoAnswer,
    None,
    Timeout,
}

impl AskWire {
    pub(super) fn of(ask: &Ask) -> Self {
        Self {
            id: ask_text(ask.id),
            call: ask.call.to_string(),
            since: ask.since.millis(),
            asker: ask.asker.as_ref().map(HomeWire::of),
            kind: AskKindWire::of(&ask.kind),
        }
    }

    pub(super) fn value(self) -> Result<Ask, String> {
        Ok(Ask {
            id: parse_ask(&self.id)?,
            call: parse_id(&self.call, CallId::parse)?,
            since: WallTime::from_millis(self.since),
            asker: self.asker.map(HomeWire::value).transpose()?,
            kind: self.kind.value()?,
        })
    }
}

impl EventWire {
    pub(super) fn of(event: &Event) -> Self {
        let extension = |(extension, value): &(Extension, i64)| match extension {
            Extension::BusinessCall => (ExtensionWire::BusinessCall, *value),
        };
        Self {
            kind: EventKindWire::of(event.kind),
            call: event.call.to_string(),
            to: HomeWire::of(&event.to),
            number: event.number.to_string(),
            passing: event.passing.map(StateWire::of),
            extensions: event.extensions.iter().map(extension).collect(),
        }
    }

    pub(super) fn value(self) -> Result<Event, String> {
        let extension = |(extension, value)| match extension {
            ExtensionWire::BusinessCall => (Extension::BusinessCall, value),
        };
        Ok(Event {
            kind: self.kind.value(),
            call: parse_id(&self.call, CallId::parse)?,
            to: self.to.value()?,
            number: parse_id(&self.number, Number::parse)?,
            passing: self.passing.map(StateWire::value),
            extensions: self.extensions.into_iter().map(extension).collect(),
        })
    }
}

impl AskKindWire {
    fn of(kind: &AskKind) -> Self {
        match kind {
            AskKind::Adopt(Arrived(handle)) => Self::Adopt(*handle),
            AskKind::Answer(leg) => Self::Answer(ask_text(*leg)),
            AskKind::Clear => Self::Clear,
            AskKind::Connect(number) => Self::Connect(number.to_string()),
            AskKind::Dial { number, from, location } => Self::Dial {
                number: number.to_string(),
                from: from.to_string(),
                location: location.as_ref().map(|location| location.0.clone()),
            },
            AskKind::Dtmf { leg, digits } => Self::Dtmf { leg: ask_text(*leg), digits: digits.clone() },
            AskKind::Hold(leg) => Self::Hold(ask_text(*leg)),
            AskKind::Merge { consult, main, side, purpose } => Self::Merge {
                consult: consult.to_string(),
                main: ask_text(*main),
                side: ask_text(*side),
                purpose: PurposeWire::of(*purpose),
            },
            AskKind::Monitor { leg, mode } => Self::Monitor { leg: ask_text(*leg), mode: ModeWire::of(*mode) },
            AskKind::Mute(leg) => Self::Mute(ask_text(*leg)),
            AskKind::Record { leg, to } => Self::Record { leg: ask_text(*leg), to: RecordingWire::of(*to) },
            AskKind::Release(leg) => Self::Release(ask_text(*leg)),
            AskKind::Retrieve(leg) => Self::Retrieve(ask_text(*leg)),
            AskKind::Route { queue, tried } => {
                Self::Route { queue: queue.to_string(), tried: tried.as_ref().map(ToString::to_string) }
            }
            AskKind::Swap { hold, retrieve } => Self::Swap { hold: ask_text(*hold), retrieve: ask_text(*retrieve) },
            AskKind::Unmute(leg) => Self::Unmute(ask_text(*leg)),
        }
    }

    fn value(self) -> Result<AskKind, String> {
        Ok(match self {
            Self::Adopt(handle) => AskKind::Adopt(Arrived(handle)),
            Self::Answer(leg) => AskKind::Answer(parse_ask(&leg)?),
            Self::Clear => AskKind::Clear,
            Self::Connect(number) => AskKind::Connect(parse_id(&number, Number::parse)?),
            Self::Dial { number, from, location } => AskKind::Dial {
                number: parse_id(&number, Number::parse)?,
                from: parse_id(&from, Number::parse)?,
                location: location.map(Location),
            },
            Self::Dtmf { leg, digits } => AskKind::Dtmf { leg: parse_ask(&leg)?, digits },
            Self::Hold(leg) => AskKind::Hold(parse_ask(&leg)?),
            Self::Merge { consult, main, side, purpose } => AskKind::Merge {
                consult: parse_id(&consult, CallId::parse)?,
                main: parse_ask(&main)?,
                side: parse_ask(&side)?,
                purpose: purpose.value(),
            },
            Self::Monitor { leg, mode } => AskKind::Monitor { leg: parse_ask(&leg)?, mode: mode.value() },
            Self::Mute(leg) => AskKind::Mute(parse_ask(&leg)?),
            Self::Record { leg, to } => AskKind::Record { leg: parse_ask(&leg)?, to: to.value() },
            Self::Release(leg) => AskKind::Release(parse_ask(&leg)?),
            Self::Retrieve(leg) => AskKind::Retrieve(parse_ask(&leg)?),
            Self::Route { queue, tried } => AskKind::Route {
                queue: parse_id(&queue, Number::parse)?,
                tried: tried.map(|number| parse_id(&number, Number::parse)).transpose()?,
            },
            Self::Swap { hold, retrieve } => AskKind::Swap { hold: parse_ask(&hold)?, retrieve: parse_ask(&retrieve)? },
            Self::Unmute(leg) => AskKind::Unmute(parse_ask(&leg)?),
        })
    }
}

same_names!(
    EventKindWire, EventKind, AttachedDataChanged, CallRecordingStateChange,
    Error(why: FailureWire::of(why) => why.value()), Missed, ParticipantsUpdated, StatusChange
);
same_names!(FailureWire, Failure, Busy, Failed, InvalidNumber, NoAnswer, None, Timeout);

same_names!(PurposeWire, Purpose, Conference, Transfer);
