//! The values: families, calls, parties, asks, reports and events. Their fields are open inside the
//! library: `records` writes them down and reads them back, `gws` shows them.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use crate::ids::{AgentId, CallId, ConnId, DeviceId, Number, Position, WallTime};

/// A call and its consult calls: one subject of the log, one thing that changes at a time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Family {
    /// The call that it began with, which names the family.
    pub root: CallId,
    /// The main call first, then consult calls, in the order in which they came.
    pub calls: Vec<Call>,
    /// What the switch has been asked and has not yet answered, oldest first.
    pub asks: Vec<Ask>,
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
    /// When the call began for this party, ringing included.
    pub since: WallTime,
    /// Set while it is being added to a call by a conference and has not answered: the others do not see it yet.
    pub joining: Option<Joining>,
    /// The newest report that was heeded for its leg.
    pub heard: Option<Heard>,
}

/// How a party is being added to a call that others already talk on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Joining {
    /// The number of the party that asked for it.
    pub by: Number,
    /// Data to be merged into the call's when the party answers; until then only the joining party sees it.
    pub user_data: UserData,
}

/// Who is at one end of a leg.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Endpoint {
    /// The number.
    pub number: Number,
    /// The agent there, if the number is the number of an agent's device.
    pub home: Option<Home>,
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

/// What an agent wants of a call. `Dial` is not among them: it makes the family ([`Family::dial`]).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Operation {
    /// Take the ringing call.
    Answer,
    /// Leave the call.
    Hangup,
    /// Put the call on hold.
    Hold,
    /// Take the call back from hold.
    Retrieve,
    /// Add a party to the call, with no consult call.
    SingleStepConference {
        /// Whom.
        target: Endpoint,
        /// Where the switch is to look for it.
        location: Option<Location>,
        /// Data for the call.
        user_data: UserData,
    },
}

/// Why an operation was not accepted. The text is for the agent's desktop.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refused {
    /// The number is on the call already, or is being added to it.
    #[error("{0} is already on the call")]
    AlreadyPresent(Number),
    /// The agent has no part in such a call.
    #[error("the call is not known")]
    NotFound,
    /// The call's state does not allow it.
    #[error("{operation} is not allowed while the call is {state}")]
    WrongState {
        /// The operation's name.
        operation: &'static str,
        /// The state's name.
        state: &'static str,
    },
}

/// The name of an ask: the position of the record that asked, and its place in that record. It becomes the
/// far system's own id, so that asking twice is noticed there.
///
/// Until the record is appended the position is [`Position::ZERO`]: "this record" ([`Family::settle`]).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AskId {
    /// The record that asked.
    pub record: Position,
    /// Which of its asks.
    pub index: u16,
}

impl fmt::Display for AskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.record, self.index)
    }
}

/// A leg on the switch is named by the ask that made it.
pub type LegId = AskId;

/// One thing asked of the switch.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ask {
    /// Its name.
    pub id: AskId,
    /// The call it is for.
    pub call: CallId,
    /// When it was asked.
    pub since: WallTime,
    /// Who asked, and is told if it fails.
    pub asker: Option<Home>,
    /// What is asked.
    pub kind: AskKind,
}

/// What can be asked of the switch.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AskKind {
    /// Let the ringing leg answer.
    Answer(LegId),
    /// Bring the asker's own device into the call, before its target is dialled. The ask's id is the new leg.
    Connect(Number),
    /// Ring a number and bring it into the call. The ask's id is the new leg.
    Dial {
        /// The number to ring.
        number: Number,
        /// Who calls.
        from: Number,
        /// Where the switch is to look for it.
        location: Option<Location>,
    },
    /// Put a leg on hold.
    Hold(LegId),
    /// End a leg.
    Release(LegId),
    /// Take a leg back from hold.
    Retrieve(LegId),
}

/// One hold of the link to the switch: reports of an older term are stale.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Term(pub u64);

/// Which report it was, in the order of the switch.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Heard {
    /// The term of the link.
    pub term: Term,
    /// The report's number in that term.
    pub sequence: u64,
}

/// What the switch saw of one leg, or says of one ask.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Report {
    /// The call.
    pub call: CallId,
    /// The leg it is about. For [`ReportKind::Refused`], the ask.
    pub leg: LegId,
    /// Its place among all reports.
    pub heard: Heard,
    /// What was seen.
    pub kind: ReportKind,
}

/// What can be seen of a leg.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ReportKind {
    /// It was answered, or is connected.
    Answered,
    /// It ended, or never came to be.
    Ended(Failure),
    /// It is on hold.
    Held,
    /// The switch will not do what was asked; the leg is as it was.
    Refused(Failure),
    /// It was taken back from hold.
    Retrieved,
    /// It rings.
    Ringing,
}

/// Why a leg ended or an ask failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Failure {
    /// The number is busy.
    Busy,
    /// The switch refused, for a reason of its own.
    Failed,
    /// There is no such number.
    InvalidNumber,
    /// Nobody answered in time.
    NoAnswer,
    /// Nothing failed: the leg was hung up.
    None,
    /// The switch said nothing in time.
    Timeout,
}

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
    /// What the agent asked for could not be done. Told on the agent's devices, not on its calls.
    Error(Failure),
    /// The others on the call changed.
    ParticipantsUpdated,
    /// The agent's own part in the call changed.
    StatusChange,
}
