//! What a desktop may offer its agent to do with a call.

use crate::calls::model::{Call, Party, PartyState};

/// When a call can be muted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MuteRule {
    /// Only in a conference.
    Conference,
    /// Also with one other party.
    TwoParty,
}

/// One thing that an agent can do with a call. The order is that in which desktops see them.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Capability {
    /// `Answer`.
    Answer,
    /// `UpdateUserData`.
    UpdateUserData,
    /// `Retrieve`.
    Retrieve,
    /// `SendDtmf`.
    SendDtmf,
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
    /// `DeleteUserDataPair`.
    DeleteUserDataPair,
    /// `SingleStepConference`.
    SingleStepConference,
    /// `DeleteUserData`.
    DeleteUserData,
    /// `MuteCall`.
    MuteCall,
    /// `Hangup`.
    Hangup,
    /// `ClearCall`.
    ClearCall,
}

/// What this party can do with the call, in the order in which desktops see it.
pub fn capabilities(call: &Call, party: &Party, mute: MuteRule) -> Vec<Capability> {
    let offered = ALL.iter().filter(|capability| capability.is_offered(party.state));
    offered.filter(|capability| capability.fits(call, party, mute)).copied().collect()
}

impl Capability {
    /// What desktops call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Answer => "Answer",
            Self::UpdateUserData => "UpdateUserData",
            Self::Retrieve => "Retrieve",
            Self::SendDtmf => "SendDtmf",
            Self::InitiateConference => "InitiateConference",
            Self::Hold => "Hold",
            Self::SingleStepTransfer => "SingleStepTransfer",
            Self::InitiateTransfer => "InitiateTransfer",
            Self::RemoveParticipantFromConference => "RemoveParticipantFromConference",
            Self::AttachUserData => "AttachUserData",
            Self::DeleteUserDataPair => "DeleteUserDataPair",
            Self::SingleStepConference => "SingleStepConference",
            Self::DeleteUserData => "DeleteUserData",
            Self::MuteCall => "MuteCall",
            Self::Hangup => "Hangup",
            Self::ClearCall => "ClearCall",
        }
    }

    const fn is_offered(self, state: PartyState) -> bool {
        use PartyState::{Dialing, Established, Held, Ringing};
        match self {
            Self::Answer | Self::ClearCall => matches!(state, Ringing),
            Self::UpdateUserData | Self::AttachUserData | Self::DeleteUserDataPair | Self::DeleteUserData => {
                matches!(state, Dialing | Established | Held | Ringing)
            }
            Self::Retrieve => matches!(state, Held),
            Self::SendDtmf => matches!(state, Dialing | Established),
            Self::InitiateConference
            | Self::InitiateTransfer
            | Self::SingleStepConference
            | Self::SingleStepTransfer => matches!(state, Established | Held),
            Self::Hold | Self::MuteCall | Self::RemoveParticipantFromConference => matches!(state, Established),
            Self::Hangup => matches!(state, Dialing | Established | Held),
        }
    }

    fn fits(self, call: &Call, party: &Party, mute: MuteRule) -> bool {
        match self {
            Self::MuteCall => match mute {
                MuteRule::Conference => call.present().count() > 2,
                MuteRule::TwoParty => true,
            },
            Self::RemoveParticipantFromConference => call.owner.as_ref() == Some(&party.endpoint.number),
            Self::Answer
            | Self::UpdateUserData
            | Self::Retrieve
            | Self::SendDtmf
            | Self::InitiateConference
            | Self::Hold
            | Self::SingleStepTransfer
            | Self::InitiateTransfer
            | Self::AttachUserData
            | Self::DeleteUserDataPair
            | Self::SingleStepConference
            | Self::DeleteUserData
            | Self::Hangup
            | Self::ClearCall => true,
        }
    }
}

const ALL: [Capability; 16] = [
    Capability::Answer,
    Capability::UpdateUserData,
    Capability::Retrieve,
    Capability::SendDtmf,
    Capability::InitiateConference,
    Capability::Hold,
    Capability::SingleStepTransfer,
    Capability::InitiateTransfer,
    Capability::RemoveParticipantFromConference,
    Capability::AttachUserData,
    Capability::DeleteUserDataPair,
    Capability::SingleStepConference,
    Capability::DeleteUserData,
    Capability::MuteCall,
    Capability::Hangup,
    Capability::ClearCall,
];
