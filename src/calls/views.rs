//! What can be read off a family: who is on a call, and what each party sees of it.

use crate::calls::model::{Call, Endpoint, Family, LegId, Party, PartyState, UserData};
use crate::ids::{AgentId, CallId, Number};

/// A leg that is on the switch, or is asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LiveLeg {
    /// Its name.
    pub id: LegId,
    /// The call it belongs to.
    pub call: CallId,
    /// The number at its end.
    pub number: Number,
    /// How far the party there has come.
    pub state: PartyState,
}

impl Family {
    /// Whether no party is left on any of the calls. Asks may still be open.
    pub fn is_over(&self) -> bool {
        self.calls.iter().all(|call| call.live().next().is_none())
    }

    /// The legs of all parties that have not left.
    pub fn legs(&self) -> Vec<LiveLeg> {
        let live = self.calls.iter().flat_map(|call| call.live().map(move |party| (call, party)));
        live.map(|(call, party)| LiveLeg {
            id: party.leg,
            call: call.id.clone(),
            number: party.endpoint.number.clone(),
            state: party.state,
        })
        .collect()
    }
}

impl Call {
    /// The agent's part in the call: one that it knows of, and has not left.
    pub fn party_of(&self, agent: &AgentId) -> Option<&Party> {
        let mut live = self.live().filter(|party| party.state != PartyState::Invited);
        live.find(|party| party.endpoint.home.as_ref().is_some_and(|home| home.agent == *agent))
    }

    /// Whom this party sees on the call, newest first: neither itself nor anyone who is still being added. One that
    /// left sees who was there until that change.
    pub fn participants_of(&self, party: &Party) -> Vec<&Endpoint> {
        let others = self.parties.iter().rev().filter(|other| other.leg != party.leg && other.joining.is_none());
        others.filter(|other| !party.is_live() || other.is_live()).map(|other| &other.endpoint).collect()
    }

    /// The data as this party sees it: one that is still being added sees already what was sent for it.
    pub fn user_data_of(&self, party: &Party) -> UserData {
        let mut data = self.user_data.clone();
        if let Some(joining) = &party.joining {
            data.merge(&joining.user_data);
        }
        data
    }

    pub(super) fn live(&self) -> impl Iterator<Item = &Party> {
        self.parties.iter().filter(|party| party.is_live())
    }

    /// Those live parties that the others see.
    pub(super) fn present(&self) -> impl Iterator<Item = &Party> {
        self.live().filter(|party| party.joining.is_none())
    }

    pub(super) fn someone_left(&self) -> bool {
        !self.parties.iter().all(Party::is_live)
    }
}

impl Party {
    /// Whether it has not left.
    pub const fn is_live(&self) -> bool {
        !matches!(self.state, PartyState::Released(_))
    }
}

impl PartyState {
    /// What agents call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dialing => "Dialing",
            Self::Established => "Established",
            Self::Held => "Held",
            Self::Invited => "Invited",
            Self::Released(_) => "Released",
            Self::Ringing => "Ringing",
        }
    }
}
