//! The values: families, calls, parties and events. Their fields are open inside the library: `records` writes them
//! down and reads them back, `gws` shows them.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::calls::telephony::{Ask, Failure, Heard, LegId};
use crate::ids::{AgentId, CallId, ConnId, DeviceId, Number, WallTime};

/// A call and its consult calls: one subject of the log, one thing that changes at a time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Family {
    /// The call that it began with, which names the family.
    pub root: CallId,
    /// The main call first, then consult calls, in the order in which they came.
    pub calls: Vec<Call>,
    /// What the switch has been asked and has not yet answered, oldest first.
    pub asks: Vec<Ask>,
    /// What it has left unanswered for too long, but may have done and report all the same: the newest of it.
    pub late: Vec<Ask>,
    /// What happened and has not been polled. Empty in anything written down.
    pub events: VecDeque<Event>,
}

/// One call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Call {
    /// What every party calls it.
    pub id: CallId,
    /// The switch's own name of it.
    pub conn: ConnId,
    /// Who is or was on it, oldest first. A party that left stays until the change after the one in which it
    /// left, so that its last notification can be rendered from the record.
    pub parties: Vec<Party>,
    /// The data attached to it, in the order in which the keys came.
    pub user_data: UserData,
    /// Who first made it a conference, and may remove parties (`FirstConferencePartyDN`). None while it has
    /// two parties.
    pub owner: Option<Number>,
    /// What it is a side call of. None for a main call, and once it stands alone.
    pub consult: Option<Consult>,
    /// Whether it is recorded.
    pub recording: Recording,
    /// Agents who were on it in earlier changes, each once: they may still say how it went.
    pub former: Vec<AgentId>,
    /// Agents who were asked for, were never rung, and had not been on it before: they know nothing of it.
    pub missed: Vec<AgentId>,
}

/// What makes a call the side call of another: one party stands in both.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Consult {
    /// The main call.
    pub parent: CallId,
    /// That party's leg in the main call.
    pub main: LegId,
    /// That party's leg in this call.
    pub side: LegId,
}

/// Whether a call is recorded.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Recording {
    /// For now it is not, but what there is goes on later.
    Paused,
    /// It is.
    Recording,
    /// It is not.
    #[default]
    Stopped,
}

/// One party's part in a call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Party {
    /// Who it is.
    pub endpoint: Endpoint,
    /// Its leg on the switch: the id of the ask that made it.
    pub leg: LegId,
    /// How far it has come.
    pub state: PartyState,
    /// What kind of call it is for this party.
    pub kind: CallType,
    /// The number that was dialled, as reported for this party's leg.
    pub dnis: Option<Number>,
    /// Who called, as reported for this party's leg: of a call that came from outside. None in what was written before
    /// parties kept it.
    pub ani: Option<Number>,
    /// When the call began for this party, ringing included.
    pub since: WallTime,
    /// Set while it is being added to a call that others talk on: they do not see it yet.
    pub joining: Option<Joining>,
    /// Whether the others came to see it in the newest change: who left in that same change did not.
    pub entered: Entered,
    /// Whether the others hear it.
    pub mute: Mute,
    /// The queue that brought it the call.
    pub queue: Option<Number>,
    /// Set for a supervisor who came to listen.
    pub monitor: Option<Monitor>,
    /// The newest report that was heeded for its leg.
    pub heard: Option<Heard>,
}

/// When a party came to be seen by the others.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Entered {
    /// In an earlier change.
    #[default]
    Before,
    /// In the newest change.
    Now,
}

/// Whether a party is muted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Mute {
    /// Nobody hears it.
    On,
    /// Everybody hears it.
    #[default]
    Off,
}

/// A supervisor's part in a call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Monitor {
    /// The number that is being watched.
    pub target: Number,
    /// Who hears the supervisor.
    pub mode: MonitorMode,
    /// How long it stays.
    pub scope: MonitorScope,
}

/// How long a supervisor stays on a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MonitorScope {
    /// As long as the watched agent.
    Agent,
    /// As long as the call, whatever way it goes.
    Call,
}

/// Who hears a supervisor.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MonitorMode {
    /// Everybody: the supervisor takes part.
    BargeIn,
    /// The watched agent alone.
    Coach,
    /// Nobody.
    ListenIn,
}

/// How a party is being added to a call that others already talk on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Joining {
    /// The number of the party that asked for it.
    pub by: Number,
    /// Data to be merged into the call's when the party comes in; until then only the joining party sees it.
    pub user_data: UserData,
    /// How it comes in.
    pub entry: Entry,
}

/// How a party comes into a call that others talk on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Entry {
    /// As one more, when it answers.
    Added,
    /// For this leg, which goes as soon as the party rings.
    InPlaceOf(LegId),
}

/// Who is at one end of a leg.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Endpoint {
    /// The number.
    pub number: Number,
    /// The agent there, if the number is the number of an agent's device.
    pub home: Option<Home>,
    /// What the agent may do.
    pub rights: Rights,
}

/// What an agent may do on calls. It comes to a call with the rights that it has then, and keeps them there until it
/// leaves: so what it is offered and what is accepted are the same to the end, also after a start with other accounts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rights {
    /// Have calls recorded.
    pub recording: Right,
    /// Do anything at all.
    pub voice: Right,
}

/// Whether something may be done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Right {
    /// It may.
    Granted,
    /// It may not.
    Withheld,
}

impl Rights {
    /// All but recording.
    pub const ORDINARY: Self = Self { recording: Right::Withheld, voice: Right::Granted };
}

/// The agent and the device behind a number.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Home {
    /// The agent.
    pub agent: AgentId,
    /// The device.
    pub device: DeviceId,
}

/// How far a party has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PartyState {
    /// Its own call is being set up.
    Dialing,
    /// It talks.
    Established,
    /// It put the call on hold.
    Held,
    /// It has been asked for; the switch has reported nothing yet.
    Invited,
    /// It looks at a call that it may make.
    Preview,
    /// It did not make such a call, and said so at this time.
    PreviewCancelled(WallTime),
    /// It left, at this time.
    Released(WallTime),
    /// It is being rung.
    Ringing,
}

/// What kind of call it is for a party.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CallType {
    /// A side call of a transfer or a conference.
    Consult,
    /// From outside to an agent.
    Inbound,
    /// Between agents.
    Internal,
    /// From an agent to the outside.
    Outbound,
}

/// Data attached to a call: keys in the order in which they came, each once.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct UserData(pub Vec<(Arc<str>, Datum)>);

/// One value of attached data: JSON text, kept as it came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Datum(pub Arc<str>);

/// The location attribute of a switch request: `<SwitchName>` or `<T-ServerApp>@<SwitchName>`. Never empty.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Location(pub Arc<str>);

/// Something that happened, and whom to tell. It is shown from the family as it is after the whole change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// To which call.
    pub call: CallId,
    /// The agent that is told, and the device by which it takes part.
    pub to: Home,
    /// The number by which it takes part.
    pub number: Number,
    /// A state that is shown in place of the one after the whole change: it went through this one on its way.
    pub passing: Option<PartyState>,
    /// Values that the switch's own event carried.
    pub extensions: Vec<(Extension, i64)>,
}

/// A value of the switch's own event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Extension {
    /// `BusinessCall`.
    BusinessCall,
}

/// What can happen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EventKind {
    /// The call's data changed.
    AttachedDataChanged,
    /// The call is recorded, or not any more.
    CallRecordingStateChange,
    /// What the agent asked for could not be done. Told on the agent's devices, not on its calls.
    Error(Failure),
    /// A call of a queue was not taken. Told to nobody; it bears on the agent's state.
    Missed,
    /// The others on the call changed.
    ParticipantsUpdated,
    /// The agent's own part in the call changed.
    StatusChange,
}
