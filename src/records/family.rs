//! A call family and its events as they are written: names as text, times and positions as numbers, an ask as
//! `position-index` (position 0 is "this record"), a value of attached data as a text of its own JSON text, so that
//! it comes back to the byte.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::calls::{
    Ask, AskId, AskKind, Call, CallType, Datum, Endpoint, Event, EventKind, Extension, Failure, Family, Heard, Home,
    Joining, Location, Party, PartyState, Term, UserData,
};
use crate::ids::{AgentId, BadId, CallId, ConnId, DeviceId, Number, Position, WallTime};

#[derive(Deserialize, Serialize)]
pub(super) struct FamilyWire {
    root: String,
    calls: Vec<CallWire>,
    asks: Vec<AskWire>,
}

#[derive(Deserialize, Serialize)]
struct CallWire {
    id: String,
    conn: String,
    parties: Vec<PartyWire>,
    user_data: UserDataWire,
    owner: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct PartyWire {
    endpoint: EndpointWire,
    leg: String,
    state: StateWire,
    kind: TypeWire,
    dnis: Option<String>,
    since: u64,
    joining: Option<JoiningWire>,
    heard: Option<HeardWire>,
}

#[derive(Deserialize, Serialize)]
struct EndpointWire {
    number: String,
    home: Option<HomeWire>,
}

#[derive(Deserialize, Serialize)]
struct HomeWire {
    agent: String,
    device: String,
}

#[derive(Deserialize, Serialize)]
struct JoiningWire {
    by: String,
    user_data: UserDataWire,
}

#[derive(Deserialize, Serialize)]
pub(super) struct HeardWire {
    term: u64,
    sequence: u64,
}

#[derive(Deserialize, Serialize)]
#[serde(transparent)]
struct UserDataWire(Vec<(Arc<str>, Arc<str>)>);

#[derive(Deserialize, Serialize)]
struct AskWire {
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
    extensions: Vec<(ExtensionWire, i64)>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum StateWire {
    Dialing,
    Established,
    Held,
    Invited,
    Released(u64),
    Ringing,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum TypeWire {
    Consult,
    Inbound,
    Internal,
    Outbound,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum AskKindWire {
    Answer(String),
    Connect(String),
    Dial { number: String, from: String, location: Option<Arc<str>> },
    Hold(String),
    Release(String),
    Retrieve(String),
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum EventKindWire {
    AttachedDataChanged,
    Error(FailureWire),
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

impl FamilyWire {
    pub(super) fn of(family: &Family) -> Self {
        Self {
            root: family.root.to_string(),
            calls: family.calls.iter().map(CallWire::of).collect(),
            asks: family.asks.iter().map(AskWire::of).collect(),
        }
    }

    pub(super) fn value(self) -> Result<Family, String> {
        Ok(Family {
            root: parse_id(&self.root, CallId::parse)?,
            calls: self.calls.into_iter().map(CallWire::value).collect::<Result<_, _>>()?,
            asks: self.asks.into_iter().map(AskWire::value).collect::<Result<_, _>>()?,
            events: VecDeque::new(),
        })
    }
}

impl CallWire {
    fn of(call: &Call) -> Self {
        Self {
            id: call.id.to_string(),
            conn: call.conn.to_string(),
            parties: call.parties.iter().map(PartyWire::of).collect(),
            user_data: UserDataWire::of(&call.user_data),
            owner: call.owner.as_ref().map(ToString::to_string),
        }
    }

    fn value(self) -> Result<Call, String> {
        Ok(Call {
            id: parse_id(&self.id, CallId::parse)?,
            conn: parse_id(&self.conn, ConnId::parse)?,
            parties: self.parties.into_iter().map(PartyWire::value).collect::<Result<_, _>>()?,
            user_data: self.user_data.value(),
            owner: self.owner.map(|number| parse_id(&number, Number::parse)).transpose()?,
        })
    }
}

impl PartyWire {
    fn of(party: &Party) -> Self {
        Self {
            endpoint: EndpointWire {
                number: party.endpoint.number.to_string(),
                home: party.endpoint.home.as_ref().map(HomeWire::of),
            },
            leg: ask_text(party.leg),
            state: StateWire::of(party.state),
            kind: TypeWire::of(party.kind),
            dnis: party.dnis.as_ref().map(ToString::to_string),
            since: party.since.millis(),
            joining: party.joining.as_ref().map(|joining| JoiningWire {
                by: joining.by.to_string(),
                user_data: UserDataWire::of(&joining.user_data),
            }),
            heard: party.heard.map(HeardWire::of),
        }
    }

    fn value(self) -> Result<Party, String> {
        let joining = self.joining.map(|joining| {
            let by = parse_id(&joining.by, Number::parse)?;
            Ok::<_, String>(Joining { by, user_data: joining.user_data.value() })
        });
        Ok(Party {
            endpoint: Endpoint {
                number: parse_id(&self.endpoint.number, Number::parse)?,
                home: self.endpoint.home.map(HomeWire::value).transpose()?,
            },
            leg: parse_ask(&self.leg)?,
            state: self.state.value(),
            kind: self.kind.value(),
            dnis: self.dnis.map(|number| parse_id(&number, Number::parse)).transpose()?,
            since: WallTime::from_millis(self.since),
            joining: joining.transpose()?,
            heard: self.heard.map(HeardWire::value),
        })
    }
}

impl HomeWire {
    fn of(home: &Home) -> Self {
        Self { agent: home.agent.to_string(), device: home.device.to_string() }
    }

    fn value(self) -> Result<Home, String> {
        Ok(Home { agent: parse_id(&self.agent, AgentId::parse)?, device: parse_id(&self.device, DeviceId::parse)? })
    }
}

impl HeardWire {
    pub(super) fn of(heard: Heard) -> Self {
        Self { term: heard.term.0, sequence: heard.sequence }
    }

    pub(super) fn value(self) -> Heard {
        Heard { term: Term(self.term), sequence: self.sequence }
    }
}

impl UserDataWire {
    fn of(data: &UserData) -> Self {
        Self(data.0.iter().map(|(key, datum)| (key.clone(), datum.0.clone())).collect())
    }

    fn value(self) -> UserData {
        UserData(self.0.into_iter().map(|(key, text)| (key, Datum(text))).collect())
    }
}

impl AskWire {
    fn of(ask: &Ask) -> Self {
        Self {
            id: ask_text(ask.id),
            call: ask.call.to_string(),
            since: ask.since.millis(),
            asker: ask.asker.as_ref().map(HomeWire::of),
            kind: AskKindWire::of(&ask.kind),
        }
    }

    fn value(self) -> Result<Ask, String> {
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
            extensions: self.extensions.into_iter().map(extension).collect(),
        })
    }
}

impl AskKindWire {
    fn of(kind: &AskKind) -> Self {
        match kind {
            AskKind::Answer(leg) => Self::Answer(ask_text(*leg)),
            AskKind::Connect(number) => Self::Connect(number.to_string()),
            AskKind::Dial { number, from, location } => Self::Dial {
                number: number.to_string(),
                from: from.to_string(),
                location: location.as_ref().map(|location| location.0.clone()),
            },
            AskKind::Hold(leg) => Self::Hold(ask_text(*leg)),
            AskKind::Release(leg) => Self::Release(ask_text(*leg)),
            AskKind::Retrieve(leg) => Self::Retrieve(ask_text(*leg)),
        }
    }

    fn value(self) -> Result<AskKind, String> {
        Ok(match self {
            Self::Answer(leg) => AskKind::Answer(parse_ask(&leg)?),
            Self::Connect(number) => AskKind::Connect(parse_id(&number, Number::parse)?),
            Self::Dial { number, from, location } => AskKind::Dial {
                number: parse_id(&number, Number::parse)?,
                from: parse_id(&from, Number::parse)?,
                location: location.map(Location),
            },
            Self::Hold(leg) => AskKind::Hold(parse_ask(&leg)?),
            Self::Release(leg) => AskKind::Release(parse_ask(&leg)?),
            Self::Retrieve(leg) => AskKind::Retrieve(parse_ask(&leg)?),
        })
    }
}

/// The variants that are told apart by their names alone.
macro_rules! same_names {
    ($wire:ident, $value:ident, $($variant:ident $(($inner:ident: $out:expr => $back:expr))?),+) => {
        impl $wire {
            fn of(value: $value) -> Self {
                match value {
                    $($value::$variant $(($inner))? => Self::$variant $(($out))?,)+
                }
            }

            fn value(self) -> $value {
                match self {
                    $(Self::$variant $(($inner))? => $value::$variant $(($back))?,)+
                }
            }
        }
    };
}

same_names!(
    StateWire, PartyState, Dialing, Established, Held, Invited,
    Released(at: at.millis() => WallTime::from_millis(at)), Ringing
);
same_names!(TypeWire, CallType, Consult, Inbound, Internal, Outbound);
same_names!(
    EventKindWire, EventKind, AttachedDataChanged, Error(why: FailureWire::of(why) => why.value()),
    ParticipantsUpdated, StatusChange
);
same_names!(FailureWire, Failure, Busy, Failed, InvalidNumber, NoAnswer, None, Timeout);

/// An ask's name as text.
pub(super) fn ask_text(ask: AskId) -> String {
    ask.to_string()
}

/// An ask's name from text.
pub(super) fn parse_ask(text: &str) -> Result<AskId, String> {
    let parts = text.split_once('-').and_then(|(record, index)| Some((record.parse().ok()?, index.parse().ok()?)));
    let (record, index) = parts.ok_or_else(|| format!("{text} is no ask"))?;
    Ok(AskId { record: Position::new(record), index })
}

/// A name from text.
pub(super) fn parse_id<T>(text: &str, parse: fn(&str) -> Result<T, BadId>) -> Result<T, String> {
    parse(text).map_err(|e| format!("a name {e}"))
}
