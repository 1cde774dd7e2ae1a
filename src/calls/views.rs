//! What can be read off a family: who is on a call, and what each party sees of it.

use crate::calls::model::{
    Call, CallType, Consult, Endpoint, Entered, Entry, Family, Home, MonitorMode, Mute, Party, PartyState, Recording,
    Right, Rights, UserData,
};
use crate::calls::telephony::{Ask, AskId, LegId};
use crate::ids::{AgentId, CallId, Number, WallTime};

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
    /// The queue that brought it the call.
    pub queue: Option<Number>,
    /// When the call began for the party there.
    pub since: WallTime,
    /// Whether it is the leg of whoever called from outside.
    pub came_in: bool,
}

/// A call as one party sees it.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The family.
    pub family: &'a Family,
    /// The call.
    pub call: &'a Call,
    /// The party.
    pub party: &'a Party,
}

impl<'a> Seen<'a> {
    /// The other call of the main call and its consult call, as the same party sees it. Of several consult calls, the
    /// newest.
    pub fn pair(self) -> Option<Self> {
        if let Some(Consult { parent, main, side }) = &self.call.consult
            && *side == self.party.leg
        {
            return self.family.seen(parent, *main);
        }
        self.family.calls.iter().rev().find_map(|call| {
            let Consult { parent, main, side } = call.consult.as_ref()?;
            let ours = *parent == self.call.id && *main == self.party.leg;
            if ours { self.family.seen(&call.id, *side) } else { None }
        })
    }

    /// Whether it is the consult call, seen by who began it and is still on the main call.
    pub fn is_side(self) -> bool {
        let consult = self.call.consult.as_ref().filter(|consult| consult.side == self.party.leg);
        consult.is_some_and(|consult| self.family.seen(&consult.parent, consult.main).is_some())
    }

    /// The main call, for who began this one as its consult call and is on the main call. Who left this one sees it if it
    /// left both at once.
    pub fn parent(self) -> Option<&'a CallId> {
        let consult = self.call.consult.as_ref().filter(|consult| consult.side == self.party.leg)?;
        let parent = self.family.calls.iter().find(|call| call.id == consult.parent)?;
        let mut there = parent.parties.iter().filter(|party| party.leg == consult.main);
        there.any(|main| main.is_live() || !self.party.is_live()).then_some(&consult.parent)
    }

    /// Whom this party sees on the call, newest first: neither itself nor anyone who is still being added. One that
    /// left sees who was there until that change.
    pub fn participants(self) -> Vec<&'a Endpoint> {
        let is_there = |other: &&Party| match self.party.is_live() {
            true => other.is_live(),
            false => other.entered == Entered::Before,
        };
        let others = self.call.parties.iter().rev().filter(|other| other.leg != self.party.leg && other.is_seen());
        others.filter(is_there).map(|other| &other.endpoint).collect()
    }

    /// The data as this party sees it: one that is still being added sees already what was sent for it.
    pub fn user_data(self) -> UserData {
        let mut data = self.call.user_data.clone();
        if let Some(joining) = &self.party.joining {
            data.merge(&joining.user_data);
        }
        data
    }

    /// Whether it made the conference, or watches an agent on it.
    pub(super) fn owns_the_call(self) -> bool {
        self.party.monitor.is_some() || self.call.owner.as_ref() == Some(&self.party.endpoint.number)
    }

    /// Who called, for a call that came from outside. Of a party that does not say, the first of the others.
    pub fn ani(self) -> Option<&'a Number> {
        if self.party.kind != CallType::Inbound {
            return None;
        }
        let mut others = self.call.parties.iter().filter(|other| other.leg != self.party.leg && other.is_seen());
        self.party.ani.as_ref().or_else(|| others.next().map(|caller| &caller.endpoint.number))
    }

    /// Whether the call is recorded, for who may record it.
    pub fn recording(self) -> Option<Recording> {
        match self.party.endpoint.rights.recording {
            Right::Granted => Some(self.call.recording),
            Right::Withheld => None,
        }
    }

    /// Whether this is a supervisor, and nobody hears who it watches.
    pub fn monitors_a_muted_party(self) -> bool {
        let target = self.party.monitor.as_ref().map(|monitor| &monitor.target);
        target.is_some_and(|target| {
            self.call.live().any(|other| other.endpoint.number == *target && other.mute == Mute::On)
        })
    }

    /// The supervisors who watch this party, by how they are heard.
    pub fn monitors(self) -> impl Iterator<Item = MonitorMode> {
        let monitors = self.call.live().filter(|other| other.joining.is_none());
        let monitors = monitors.filter_map(|other| other.monitor.as_ref());
        monitors.filter(move |monitor| monitor.target == self.party.endpoint.number).map(|monitor| monitor.mode)
    }
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
            queue: party.queue.clone(),
            since: party.since,
            came_in: party.came_in(),
        })
        .collect()
    }

    /// A call as the party with this leg sees it, if it is on it.
    pub(super) fn seen(&self, call: &CallId, leg: LegId) -> Option<Seen<'_>> {
        let call = self.calls.iter().find(|each| each.id == *call)?;
        let party = call.live().find(|party| party.leg == leg)?;
        Some(Seen { family: self, call, party })
    }

    /// The call that this leg is on.
    pub(super) fn call_of(&self, leg: LegId) -> Option<&Call> {
        self.calls.iter().find(|call| call.live().any(|party| party.leg == leg))
    }

    /// The calls that an agent is part of and knows of, each as it sees it.
    pub fn seen_by<'a>(&'a self, agent: &'a AgentId) -> impl Iterator<Item = Seen<'a>> {
        let part = move |call: &'a Call| Some(Seen { family: self, call, party: call.party_of(agent)? });
        self.calls.iter().filter_map(part)
    }

    /// An ask that is open.
    pub(super) fn open(&self, ask: AskId) -> Option<&Ask> {
        self.asks.iter().find(|open| open.id == ask)
    }
}

impl Call {
    /// The agent's part in the call: one that it knows of, and has not left.
    pub fn party_of(&self, agent: &AgentId) -> Option<&Party> {
        let mut live = self.live().filter(|party| party.state.knows());
        live.find(|party| party.is_of(agent))
    }

    /// Those who have not left.
    pub fn live(&self) -> impl Iterator<Item = &Party> {
        self.parties.iter().filter(|party| party.is_live())
    }

    /// Those live parties that the others see.
    pub(super) fn present(&self) -> impl Iterator<Item = &Party> {
        self.live().filter(|party| party.is_seen())
    }

    pub(super) fn is_conference(&self) -> bool {
        self.present().count() > 2
    }
}

impl Endpoint {
    /// Who is there, with no rights but the ordinary.
    pub fn new(number: Number, home: Option<Home>) -> Self {
        Self { number, home, rights: Rights::ORDINARY }
    }
}

impl Party {
    /// Whether it has not left.
    pub const fn is_live(&self) -> bool {
        !matches!(self.state, PartyState::PreviewCancelled(_) | PartyState::Released(_))
    }

    /// Whether it is this agent's.
    pub fn is_of(&self, agent: &AgentId) -> bool {
        self.endpoint.home.as_ref().is_some_and(|home| home.agent == *agent)
    }

    /// Whether it is being added to the call for this number, and has not come yet.
    pub(super) fn is_added_by(&self, number: &Number) -> bool {
        self.joining.as_ref().is_some_and(|joining| joining.entry == Entry::Added && joining.by == *number)
    }

    /// Whether the others see it: not while it is being added, nor if it only listens or whispers.
    fn is_seen(&self) -> bool {
        let listens = self.monitor.as_ref().is_some_and(|monitor| monitor.mode != MonitorMode::BargeIn);
        self.joining.is_none() && !listens
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
            Self::Preview => "Preview",
            Self::PreviewCancelled(_) => "PreviewCancelled",
            Self::Released(_) => "Released",
            Self::Ringing => "Ringing",
        }
    }

    /// Whether who is in it knows of the call: who has only been asked for has never heard of it.
    pub const fn knows(self) -> bool {
        !matches!(self, Self::Invited)
    }

    /// Whether it has answered, or was answered.
    pub const fn is_talking(self) -> bool {
        matches!(self, Self::Established | Self::Held)
    }
}
