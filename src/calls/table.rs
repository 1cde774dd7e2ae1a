//! When an agent may do what with a call: the one table that operations are judged by and that buttons come from.

use crate::calls::model::{Monitor, MonitorMode, Mute, Party, PartyState, Recording, Right};
use crate::calls::operation::Refused;
use crate::calls::views::Seen;

/// One thing that an agent can do with a call. The order is that in which desktops see them.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Capability {
    /// `Accept`.
    Accept,
    /// `Decline`.
    Decline,
    /// `Answer`.
    Answer,
    /// `Reject`.
    Reject,
    /// `UpdateUserData`.
    UpdateUserData,
    /// `Retrieve`.
    Retrieve,
    /// `SendDtmf`.
    SendDtmf,
    /// `SwapCalls`.
    SwapCalls,
    /// `InitiateConference`.
    InitiateConference,
    /// `Hold`.
    Hold,
    /// `SingleStepTransfer`.
    SingleStepTransfer,
    /// `InitiateTransfer`.
    InitiateTransfer,
    /// `RemoveParticipantFromConference`.
    RemoveParticipantFromConference,
    /// `AttachUserData`.
    AttachUserData,
    /// `CompleteConference`.
    CompleteConference,
    /// `DeleteUserDataPair`.
    DeleteUserDataPair,
    /// `SingleStepConference`.
    SingleStepConference,
    /// `DeleteUserData`.
    DeleteUserData,
    /// `MuteCall`.
    MuteCall,
    /// `UnmuteCall`.
    UnmuteCall,
    /// `Hangup`.
    Hangup,
    /// `CompleteTransfer`.
    CompleteTransfer,
    /// `StartCallRecording`.
    StartCallRecording,
    /// `PauseCallRecording`.
    PauseCallRecording,
    /// `ResumeCallRecording`.
    ResumeCallRecording,
    /// `StopCallRecording`.
    StopCallRecording,
    /// `SwitchToBargeIn`.
    SwitchToBargeIn,
    /// `SwitchToCoach`.
    SwitchToCoach,
    /// `SwitchToListenIn`.
    SwitchToListenIn,
    /// `ClearCall`.
    ClearCall,
}

/// What differs from installation to installation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rules {
    /// When a call can be muted.
    pub mute: MuteRule,
    /// Which calls can be cleared.
    pub clear: ClearRule,
}

/// When a call can be muted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MuteRule {
    /// Only in a conference.
    Conference,
    /// Also with one other party.
    TwoParty,
}

/// Which calls can be cleared while an agent talks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClearRule {
    /// Every call, and desktops are offered it.
    Any,
    /// Conferences; desktops are not offered it, as the API's samples show.
    Conference,
}

/// What this party can do with the call, in the order in which desktops see it.
pub fn capabilities(seen: Seen<'_>, rules: Rules) -> Vec<Capability> {
    let offered = TABLE.iter().filter(|row| row.judge(seen, rules) == Ok(Grant::Offered));
    offered.map(|row| row.capability).collect()
}

/// Whether this party may do that to the call.
///
/// # Errors
/// [`Refused`] if it may not.
pub(super) fn check(seen: Seen<'_>, rules: Rules, capability: Capability) -> Result<(), Refused> {
    match TABLE.iter().find(|row| row.capability == capability) {
        Some(row) => row.judge(seen, rules).map(|_| ()),
        None => Err(capability.wrong_state(seen)),
    }
}

/// One line of the table: a cell each for Dialing, Ringing, Established and Held, one for Preview, and what else must be so.
struct Row {
    capability: Capability,
    cells: [Cell; 4],
    preview: Cell,
    when: When,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Cell {
    /// It is accepted, but desktops are not offered it.
    Quiet,
    /// It is refused.
    No,
    /// It is offered and accepted.
    Yes,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Grant {
    Accepted,
    Offered,
}

/// What else must be so.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum When {
    /// Nothing.
    Always,
    /// The call rings, or the installation lets such a call be cleared.
    Clearable,
    /// A queue brought the call.
    FromQueue,
    /// A supervisor is on the call in a way that may be changed to this.
    Monitoring(MonitorMode),
    /// There are enough parties, and it is not muted.
    Mutable,
    /// It is muted.
    Muted,
    /// It is not the side of a consult call from which it was begun.
    NotSide,
    /// The party made the conference, or watches an agent on it. Who only waits for somebody it adds is offered nothing.
    Owner,
    /// Of two calls one is on hold and the other is not.
    Pair,
    /// There is a main call and its consult call.
    PairToJoin,
    /// There are both, and somebody answered the consult call.
    PairThatTalks,
    /// The agent may record, and the recording is at this.
    Recordable(&'static [Recording]),
    /// The other call of a pair is on hold, too, or there is none.
    Unpaired,
}

use Capability as C;
use Cell::{No as N, Quiet as Q, Yes as Y};
use When as W;

/// Who is Ringing may hang up, though no desktop is offered it: some have a button for it all the same.
const TABLE: [Row; 30] = [
    // Preview alone.
    preview(C::Accept),
    preview(C::Decline),
    //                                      Dialing, Ringing, Established, Held
    row(C::Answer, [N, Y, N, N], W::Always),
    row(C::Reject, [N, Y, N, N], W::FromQueue),
    row(C::UpdateUserData, [Y, Y, Y, Y], W::Always),
    row(C::Retrieve, [N, N, N, Y], W::Unpaired),
    row(C::SendDtmf, [Y, N, Y, N], W::Always),
    row(C::SwapCalls, [Y, N, Y, Y], W::Pair),
    row(C::InitiateConference, [N, N, Y, Y], W::NotSide),
    row(C::Hold, [N, N, Y, N], W::NotSide),
    row(C::SingleStepTransfer, [N, N, Y, Y], W::NotSide),
    row(C::InitiateTransfer, [N, N, Y, Y], W::NotSide),
    row(C::RemoveParticipantFromConference, [N, N, Y, N], W::Owner),
    row(C::AttachUserData, [Y, Y, Y, Y], W::Always),
    row(C::CompleteConference, [N, N, Y, Y], W::PairThatTalks),
    row(C::DeleteUserDataPair, [Y, Y, Y, Y], W::Always),
    row(C::SingleStepConference, [N, N, Y, Y], W::NotSide),
    row(C::DeleteUserData, [Y, Y, Y, Y], W::Always),
    row(C::MuteCall, [N, N, Y, N], W::Mutable),
    row(C::UnmuteCall, [N, N, Y, N], W::Muted),
    row(C::Hangup, [Y, Q, Y, Y], W::Always),
    row(C::CompleteTransfer, [Y, N, Y, Y], W::PairToJoin),
    row(C::StartCallRecording, [N, N, Y, N], W::Recordable(&[Recording::Stopped])),
    row(C::PauseCallRecording, [N, N, Y, N], W::Recordable(&[Recording::Recording])),
    row(C::ResumeCallRecording, [N, N, Y, N], W::Recordable(&[Recording::Paused])),
    row(C::StopCallRecording, [N, N, Y, N], W::Recordable(&[Recording::Paused, Recording::Recording])),
    row(C::SwitchToBargeIn, [N, N, Y, N], W::Monitoring(MonitorMode::BargeIn)),
    row(C::SwitchToCoach, [N, N, Y, N], W::Monitoring(MonitorMode::Coach)),
    row(C::SwitchToListenIn, [N, N, Y, N], W::Monitoring(MonitorMode::ListenIn)),
    row(C::ClearCall, [N, Y, Q, Q], W::Clearable),
];

const fn row(capability: Capability, cells: [Cell; 4], when: When) -> Row {
    Row { capability, cells, preview: Cell::No, when }
}

const fn preview(capability: Capability) -> Row {
    Row { capability, cells: [Cell::No; 4], preview: Cell::Yes, when: When::Always }
}

impl Row {
    fn judge(&self, seen: Seen<'_>, rules: Rules) -> Result<Grant, Refused> {
        seen.party.check_voice(self.capability.name())?;
        let cell = self.cell(seen.party.state);
        if cell == Cell::No || !self.is_for(seen.party.monitor.as_ref()) {
            return Err(self.capability.wrong_state(seen));
        }
        let offered = match self.when {
            When::Clearable => match rules.clear {
                ClearRule::Any => seen.party.monitor.is_none(),
                ClearRule::Conference => cell == Cell::Yes,
            },
            When::Owner => cell == Cell::Yes && seen.owns_the_call(),
            When::Recordable(_) if seen.party.endpoint.rights.recording == Right::Withheld => {
                return Err(Refused::NotPermitted { operation: self.capability.name() });
            }
            When::Always
            | When::FromQueue
            | When::Monitoring(_)
            | When::Mutable
            | When::Muted
            | When::NotSide
            | When::Pair
            | When::PairThatTalks
            | When::PairToJoin
            | When::Recordable(_)
            | When::Unpaired => cell == Cell::Yes,
        };
        if !self.when.holds(seen, rules) {
            return Err(self.capability.wrong_state(seen));
        }
        Ok(if offered { Grant::Offered } else { Grant::Accepted })
    }

    const fn cell(&self, state: PartyState) -> Cell {
        let [dialing, ringing, established, held] = self.cells;
        match state {
            PartyState::Dialing => dialing,
            PartyState::Established => established,
            PartyState::Held => held,
            PartyState::Invited | PartyState::PreviewCancelled(_) | PartyState::Released(_) => Cell::No,
            PartyState::Preview => self.preview,
            PartyState::Ringing => ringing,
        }
    }

    /// A supervisor who listens has few operations of its own, and nobody else has those.
    const fn is_for(&self, monitor: Option<&Monitor>) -> bool {
        match self.capability {
            Capability::Accept
            | Capability::Answer
            | Capability::AttachUserData
            | Capability::Decline
            | Capability::DeleteUserData
            | Capability::DeleteUserDataPair
            | Capability::Hangup
            | Capability::RemoveParticipantFromConference
            | Capability::UpdateUserData => true,
            Capability::SwitchToBargeIn | Capability::SwitchToCoach | Capability::SwitchToListenIn => monitor.is_some(),
            Capability::ClearCall
            | Capability::CompleteConference
            | Capability::CompleteTransfer
            | Capability::Hold
            | Capability::InitiateConference
            | Capability::InitiateTransfer
            | Capability::MuteCall
            | Capability::PauseCallRecording
            | Capability::Reject
            | Capability::ResumeCallRecording
            | Capability::Retrieve
            | Capability::SendDtmf
            | Capability::SingleStepConference
            | Capability::SingleStepTransfer
            | Capability::StartCallRecording
            | Capability::StopCallRecording
            | Capability::SwapCalls
            | Capability::UnmuteCall => monitor.is_none(),
        }
    }
}

impl Party {
    /// Whether the agent may do anything at all.
    ///
    /// # Errors
    /// [`Refused::NotPermitted`].
    pub(super) const fn check_voice(&self, operation: &'static str) -> Result<(), Refused> {
        self.endpoint.rights.voice.check(operation)
    }
}

impl Right {
    /// Whether what it is the right to may be done.
    ///
    /// # Errors
    /// [`Refused::NotPermitted`].
    pub(super) const fn check(self, operation: &'static str) -> Result<(), Refused> {
        match self {
            Self::Granted => Ok(()),
            Self::Withheld => Err(Refused::NotPermitted { operation }),
        }
    }
}

impl When {
    fn holds(self, seen: Seen<'_>, rules: Rules) -> bool {
        let Seen { call, party, .. } = seen;
        match self {
            Self::Always => true,
            Self::Clearable => {
                rules.clear == ClearRule::Any || party.state == PartyState::Ringing || call.is_conference()
            }
            Self::FromQueue => party.queue.is_some(),
            Self::Monitoring(to) => party.monitor.as_ref().is_some_and(|monitor| monitor.mode.may_become(to)),
            Self::Mutable => party.mute == Mute::Off && (rules.mute == MuteRule::TwoParty || call.is_conference()),
            Self::Muted => party.mute == Mute::On,
            Self::NotSide => !seen.is_side(),
            Self::Owner => seen.owns_the_call() || call.live().any(|other| other.is_added_by(&party.endpoint.number)),
            Self::Pair => seen
                .pair()
                .is_some_and(|other| (party.state == PartyState::Held) != (other.party.state == PartyState::Held)),
            Self::PairToJoin => seen.pair().is_some(),
            Self::PairThatTalks => seen.pair().is_some_and(|other| {
                let side = if seen.is_side() { seen } else { other };
                let mut others = side.call.present().filter(|each| each.leg != side.party.leg);
                others.any(|each| each.state.is_talking()) && side.party.state.is_talking()
            }),
            Self::Recordable(at) => at.contains(&call.recording) && !seen.is_side(),
            Self::Unpaired => seen.pair().is_none_or(|other| other.party.state == PartyState::Held),
        }
    }
}

impl MonitorMode {
    /// From listening there is no way to coaching: it is one way.
    const fn may_become(self, to: Self) -> bool {
        match (self, to) {
            (Self::BargeIn, Self::Coach | Self::ListenIn)
            | (Self::Coach, Self::BargeIn | Self::ListenIn)
            | (Self::ListenIn, Self::BargeIn) => true,
            (Self::BargeIn, Self::BargeIn)
            | (Self::Coach, Self::Coach)
            | (Self::ListenIn, Self::Coach | Self::ListenIn) => false,
        }
    }
}

impl Capability {
    /// What desktops call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accept => "Accept",
            Self::Answer => "Answer",
            Self::AttachUserData => "AttachUserData",
            Self::ClearCall => "ClearCall",
            Self::CompleteConference => "CompleteConference",
            Self::CompleteTransfer => "CompleteTransfer",
            Self::Decline => "Decline",
            Self::DeleteUserData => "DeleteUserData",
            Self::DeleteUserDataPair => "DeleteUserDataPair",
            Self::Hangup => "Hangup",
            Self::Hold => "Hold",
            Self::InitiateConference => "InitiateConference",
            Self::InitiateTransfer => "InitiateTransfer",
            Self::MuteCall => "MuteCall",
            Self::PauseCallRecording => "PauseCallRecording",
            Self::Reject => "Reject",
            Self::RemoveParticipantFromConference => "RemoveParticipantFromConference",
            Self::ResumeCallRecording => "ResumeCallRecording",
            Self::Retrieve => "Retrieve",
            Self::SendDtmf => "SendDtmf",
            Self::SingleStepConference => "SingleStepConference",
            Self::SingleStepTransfer => "SingleStepTransfer",
            Self::StartCallRecording => "StartCallRecording",
            Self::StopCallRecording => "StopCallRecording",
            Self::SwapCalls => "SwapCalls",
            Self::SwitchToBargeIn => "SwitchToBargeIn",
            Self::SwitchToCoach => "SwitchToCoach",
            Self::SwitchToListenIn => "SwitchToListenIn",
            Self::UnmuteCall => "UnmuteCall",
            Self::UpdateUserData => "UpdateUserData",
        }
    }

    pub(super) const fn wrong_state(self, seen: Seen<'_>) -> Refused {
        Refused::WrongState { operation: self.name(), state: seen.party.state.name() }
    }
}
