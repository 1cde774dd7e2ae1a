//! Who left a call, and what they may know of it: who was never rung has never heard of it.

use crate::calls::model::{Call, Party};
use crate::calls::telephony::LegId;
use crate::calls::transitions::Happening;
use crate::ids::{AgentId, WallTime};

impl Call {
    /// Whether the agent is or was on the call, and knew of it.
    pub(super) fn was_on(&self, agent: &AgentId) -> bool {
        let missed = self.missed.contains(agent);
        let knows = |party: &Party| match party.is_live() {
            true => party.state.knows(),
            false => !missed,
        };
        self.former.contains(agent) || self.parties.iter().any(|party| party.is_of(agent) && knows(party))
    }

    /// Whether the agent has, had or was to have a part in the call.
    pub fn has_had(&self, agent: &AgentId) -> bool {
        let known = self.former.iter().chain(&self.missed).any(|other| other == agent);
        known || self.parties.iter().any(|party| party.is_of(agent))
    }

    /// A party leaves.
    pub(super) fn release(&mut self, leg: LegId, now: WallTime) {
        let Some(party) = self.parties.iter().find(|party| party.leg == leg && party.is_live()) else { return };
        if let Some(home) = &party.endpoint.home {
            let (agent, rang) = (home.agent.clone(), party.state.knows());
            let was_on = self.was_on(&agent);
            self.missed.retain(|other| *other != agent);
            if !rang && !was_on {
                if self.missed.len() == REMEMBERED {
                    self.missed.remove(0);
                }
                self.missed.push(agent);
            }
        }
        if let Some(party) = self.parties.iter_mut().find(|party| party.leg == leg && party.is_live()) {
            party.undergo(Happening::Ended, now);
        }
    }

    /// Parties that left are no more; their agents are remembered.
    pub(super) fn forget_the_gone(&mut self) {
        let Self { parties, former, missed, .. } = self;
        for party in parties.iter().filter(|party| !party.is_live()) {
            if let Some(home) = &party.endpoint.home
                && !missed.contains(&home.agent)
                && !former.contains(&home.agent)
                && former.len() < REMEMBERED
            {
                former.push(home.agent.clone());
            }
        }
        parties.retain(Party::is_live);
    }
}

/// How many agents who left a call are remembered.
const REMEMBERED: usize = 64;
