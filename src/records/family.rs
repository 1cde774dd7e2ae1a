//! A call family and its events as they are written: names as text, times and positions as numbers, an ask as
//! `position-index` (position 0 is "this record"), a value of attached data as a text of its own JSON text, so that
//! it comes back to the byte.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::calls::{
    AskId, Call, CallType, Consult, Datum, Endpoint, Entered, Entry, Family, Heard, Home, Joining, Monitor,
    MonitorMode, MonitorScope, Mute, Party, PartyState, Recording, Right, Rights, Term, UserData,
};
use crate::ids::{AgentId, BadId, CallId, ConnId, DeviceId, Number, Position, WallTime};

use super::asks::AskWire;

#[derive(Deserialize, Serialize)]
pub(super) struct FamilyWire {
    root: String,
    calls: Vec<CallWire>,
    asks: Vec<AskWire>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    late: Vec<AskWire>,
}

#[derive(Deserialize, Serialize)]
struct CallWire {
    id: String,
    conn: String,
    parties: Vec<PartyWire>,
    user_data: UserDataWire,
    owner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    consult: Option<ConsultWire>,
    #[serde(default, skip_serializing_if = "RecordingWire::is_stopped")]
    recording: RecordingWire,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    former: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    missed: Vec<String>,
}

#[derive(Deserialize, Serialize)]
struct ConsultWire {
    parent: String,
    main: String,
    side: String,
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
    #[serde(default, skip_serializing_if = "is_no")]
    new: bool,
    #[serde(default, skip_serializing_if = "is_no")]
    muted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    queue: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    monitor: Option<MonitorWire>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ani: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct MonitorWire {
    target: String,
    mode: ModeWire,
    /// Of one that was written before there were two, `agent`.
    #[serde(default, skip_serializing_if = "ScopeWire::is_agent")]
    scope: ScopeWire,
}

#[derive(Deserialize, Serialize)]
pub(super) struct EndpointWire {
    number: String,
    home: Option<HomeWire>,
    #[serde(default, skip_serializing_if = "is_no")]
    may_record: bool,
    /// Of an agent that may do nothing. Of one that was written before it could be so, not set.
    #[serde(default, skip_serializing_if = "is_no")]
    no_voice: bool,
}

#[derive(Deserialize, Serialize)]
pub(super) struct HomeWire {
    agent: String,
    device: String,
}

#[derive(Deserialize, Serialize)]
struct JoiningWire {
    by: String,
    user_data: UserDataWire,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    in_place_of: Option<String>,
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
#[serde(rename_all = "kebab-case")]
pub(super) enum StateWire {
    Dialing,
    Established,
    Held,
    Invited,
    Preview,
    PreviewCancelled(u64),
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

#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RecordingWire {
    Paused,
    Recording,
    #[default]
    Stopped,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ModeWire {
    BargeIn,
    Coach,
    ListenIn,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ScopeWire {
    #[default]
    Agent,
    Call,
}

impl FamilyWire {
    pub(super) fn of(family: &Family) -> Self {
        Self {
            root: family.root.to_string(),
            calls: family.calls.iter().map(CallWire::of).collect(),
            asks: family.asks.iter().map(AskWire::of).collect(),
            late: family.late.iter().map(AskWire::of).collect(),
        }
    }

    pub(super) fn value(self) -> Result<Family, String> {
        Ok(Family {
            root: parse_id(&self.root, CallId::parse)?,
            calls: self.calls.into_iter().map(CallWire::value).collect::<Result<_, _>>()?,
            asks: self.asks.into_iter().map(AskWire::value).collect::<Result<_, _>>()?,
            late: self.late.into_iter().map(AskWire::value).collect::<Result<_, _>>()?,
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
            consult: call.consult.as_ref().map(ConsultWire::of),
            recording: RecordingWire::of(call.recording),
            former: call.former.iter().map(ToString::to_string).collect(),
            missed: call.missed.iter().map(ToString::to_string).collect(),
        }
    }

    fn value(self) -> Result<Call, String> {
        Ok(Call {
            id: parse_id(&self.id, CallId::parse)?,
            conn: parse_id(&self.conn, ConnId::parse)?,
            parties: self.parties.into_iter().map(PartyWire::value).collect::<Result<_, _>>()?,
            user_data: self.user_data.value(),
            owner: self.owner.map(|number| parse_id(&number, Number::parse)).transpose()?,
            consult: self.consult.map(ConsultWire::value).transpose()?,
            recording: self.recording.value(),
            former: self.former.iter().map(|agent| parse_id(agent, AgentId::parse)).collect::<Result<_, _>>()?,
            missed: self.missed.iter().map(|agent| parse_id(agent, AgentId::parse)).collect::<Result<_, _>>()?,
        })
    }
}

impl ConsultWire {
    fn of(consult: &Consult) -> Self {
        let Consult { parent, main, side } = consult;
        Self { parent: parent.to_string(), main: ask_text(*main), side: ask_text(*side) }
    }

    fn value(self) -> Result<Consult, String> {
        let parent = parse_id(&self.parent, CallId::parse)?;
        Ok(Consult { parent, main: parse_ask(&self.main)?, side: parse_ask(&self.side)? })
    }
}

impl PartyWire {
    fn of(party: &Party) -> Self {
        Self {
            endpoint: EndpointWire::of(&party.endpoint),
            leg: ask_text(party.leg),
            state: StateWire::of(party.state),
            kind: TypeWire::of(party.kind),
            dnis: party.dnis.as_ref().map(ToString::to_string),
            since: party.since.millis(),
            joining: party.joining.as_ref().map(JoiningWire::of),
            heard: party.heard.map(HeardWire::of),
            new: party.entered == Entered::Now,
            muted: party.mute == Mute::On,
            queue: party.queue.as_ref().map(ToString::to_string),
            monitor: party.monitor.as_ref().map(MonitorWire::of),
            ani: party.ani.as_ref().map(ToString::to_string),
        }
    }

    fn value(self) -> Result<Party, String> {
        Ok(Party {
            endpoint: self.endpoint.value()?,
            leg: parse_ask(&self.leg)?,
            state: self.state.value(),
            kind: self.kind.value(),
            dnis: self.dnis.map(|number| parse_id(&number, Number::parse)).transpose()?,
            since: WallTime::from_millis(self.since),
            joining: self.joining.map(JoiningWire::value).transpose()?,
            heard: self.heard.map(HeardWire::value),
            entered: if self.new { Entered::Now } else { Entered::Before },
            mute: if self.muted { Mute::On } else { Mute::Off },
            queue: self.queue.map(|number| parse_id(&number, Number::parse)).transpose()?,
            monitor: self.monitor.map(MonitorWire::value).transpose()?,
            ani: self.ani.map(|number| parse_id(&number, Number::parse)).transpose()?,
        })
    }
}

impl EndpointWire {
    pub(super) fn of(endpoint: &Endpoint) -> Self {
        Self {
            number: endpoint.number.to_string(),
            home: endpoint.home.as_ref().map(HomeWire::of),
            may_record: endpoint.rights.recording == Right::Granted,
            no_voice: endpoint.rights.voice == Right::Withheld,
        }
    }

    pub(super) fn value(self) -> Result<Endpoint, String> {
        let right = |granted| if granted { Right::Granted } else { Right::Withheld };
        Ok(Endpoint {
            number: parse_id(&self.number, Number::parse)?,
            home: self.home.map(HomeWire::value).transpose()?,
            rights: Rights { recording: right(self.may_record), voice: right(!self.no_voice) },
        })
    }
}

impl JoiningWire {
    fn of(joining: &Joining) -> Self {
        let in_place_of = match joining.entry {
            Entry::Added => None,
            Entry::InPlaceOf(leg) => Some(ask_text(leg)),
        };
        Self { by: joining.by.to_string(), user_data: UserDataWire::of(&joining.user_data), in_place_of }
    }

    fn value(self) -> Result<Joining, String> {
        let entry = match self.in_place_of {
            Some(leg) => Entry::InPlaceOf(parse_ask(&leg)?),
            None => Entry::Added,
        };
        Ok(Joining { by: parse_id(&self.by, Number::parse)?, user_data: self.user_data.value(), entry })
    }
}

impl MonitorWire {
    fn of(monitor: &Monitor) -> Self {
        Self {
            target: monitor.target.to_string(),
            mode: ModeWire::of(monitor.mode),
            scope: ScopeWire::of(monitor.scope),
        }
    }

    fn value(self) -> Result<Monitor, String> {
        Ok(Monitor {
            target: parse_id(&self.target, Number::parse)?,
            mode: self.mode.value(),
            scope: self.scope.value(),
        })
    }
}

impl HomeWire {
    pub(super) fn of(home: &Home) -> Self {
        Self { agent: home.agent.to_string(), device: home.device.to_string() }
    }

    pub(super) fn value(self) -> Result<Home, String> {
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

/// The variants that are told apart by their names alone.
macro_rules! same_names {
    ($wire:ident, $value:ident, $($variant:ident $(($inner:ident: $out:expr => $back:expr))?),+) => {
        impl $wire {
            pub(super) fn of(value: $value) -> Self {
                match value {
                    $($value::$variant $(($inner))? => Self::$variant $(($out))?,)+
                }
            }

            pub(super) fn value(self) -> $value {
                match self {
                    $(Self::$variant $(($inner))? => $value::$variant $(($back))?,)+
                }
            }
        }
    };
}

same_names!(
    StateWire, PartyState, Dialing, Established, Held, Invited, Preview,
    PreviewCancelled(at: at.millis() => WallTime::from_millis(at)),
    Released(at: at.millis() => WallTime::from_millis(at)), Ringing
);
same_names!(TypeWire, CallType, Consult, Inbound, Internal, Outbound);
same_names!(RecordingWire, Recording, Paused, Recording, Stopped);
same_names!(ModeWire, MonitorMode, BargeIn, Coach, ListenIn);
same_names!(ScopeWire, MonitorScope, Agent, Call);
pub(super) use same_names;

impl ScopeWire {
    const fn is_agent(&self) -> bool {
        matches!(self, Self::Agent)
    }
}

impl RecordingWire {
    const fn is_stopped(&self) -> bool {
        matches!(self, Self::Stopped)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
pub(super) const fn is_no(value: &bool) -> bool {
    !*value
}

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
