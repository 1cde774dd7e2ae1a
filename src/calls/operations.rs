//! What agents want of calls, and when they may.

use crate::calls::change::Change;
use crate::calls::model::{
    Ask, AskId, AskKind, Call, CallType, Endpoint, Event, EventKind, Extension, Family, Joining, Location, Operation,
    Party, PartyState, Refused, UserData,
};
use crate::ids::{AgentId, CallId, ConnId, Position, WallTime};

/// A call that an agent wants to make.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Dial {
    /// What the call is to be called.
    pub root: CallId,
    /// What the switch is to call it.
    pub conn: ConnId,
    /// Who calls.
    pub caller: Endpoint,
    /// Who is called.
    pub target: Endpoint,
    /// What kind of call it is for the caller.
    pub kind: CallType,
    /// Where the switch is to look for the target.
    pub location: Option<Location>,
    /// Data for the call.
    pub user_data: UserData,
}

/// That an operation was accepted, and whether there is anything to write down.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Accepted {
    /// The same has been asked of the switch and is not answered yet. Nothing changed.
    AlreadyAsked,
    /// The family changed.
    Changed,
}

impl Family {
    /// Begins a call: asks for the caller's leg, then for the target's.
    ///
    /// # Errors
    /// [`Refused::AlreadyPresent`] if the number is the caller's own.
    pub fn dial(now: WallTime, dial: Dial) -> Result<Self, Refused> {
        let Dial { root, conn, caller, target, kind, location, user_data } = dial;
        if caller.number == target.number {
            return Err(Refused::AlreadyPresent(target.number));
        }
        let leg = |index| AskId { record: Position::ZERO, index };
        let ask =
            |index, kind| Ask { id: leg(index), call: root.clone(), since: now, asker: caller.home.clone(), kind };
        let connect = ask(0, AskKind::Connect(caller.number.clone()));
        let (number, from) = (target.number.clone(), caller.number.clone());
        let ring = ask(1, AskKind::Dial { number, from, location });
        let told = caller.home.clone().map(|to| Event {
            kind: EventKind::StatusChange,
            call: root.clone(),
            to,
            number: caller.number.clone(),
            extensions: vec![(Extension::BusinessCall, 0)],
        });
        let dnis = Some(target.number.clone());
        let party = |endpoint, leg, state, kind| Party {
            endpoint,
            leg,
            state,
            kind,
            dnis: dnis.clone(),
            since: now,
            joining: None,
            heard: None,
        };
        let caller = party(caller, leg(0), PartyState::Dialing, kind);
        let target = party(target, leg(1), PartyState::Invited, kind.of_the_called());
        let mut attached = UserData::default();
        attached.merge(&user_data);
        let parties = vec![caller, target];
        let call = Call { id: root.clone(), conn, parties, user_data: attached, owner: None };
        Ok(Self { root, calls: vec![call], asks: vec![connect, ring], events: told.into_iter().collect() })
    }

    /// Takes in what an agent wants of one of the calls. Accepting only asks: the call changes when the switch reports.
    ///
    /// # Errors
    /// [`Refused`] if it cannot be; then nothing changed.
    pub fn handle_operation(
        &mut self,
        now: WallTime,
        agent: &AgentId,
        call: &CallId,
        operation: Operation,
    ) -> Result<Accepted, Refused> {
        let changed = |outcome: &Result<Accepted, Refused>| *outcome == Ok(Accepted::Changed);
        let outcome = self.change(now, call, changed, |change| change.operate(agent, operation));
        outcome.unwrap_or(Err(Refused::NotFound))
    }

    /// What happened next. To be polled until there is nothing more, after each change.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }
}

impl Change<'_> {
    fn operate(&mut self, agent: &AgentId, operation: Operation) -> Result<Accepted, Refused> {
        let party = self.call.party_of(agent).ok_or(Refused::NotFound)?.clone();
        if !operation.is_allowed(party.state) {
            return Err(Refused::WrongState { operation: operation.name(), state: party.state.name() });
        }
        match operation {
            Operation::Answer => Ok(self.ask_of_leg(&party, AskKind::Answer(party.leg))),
            Operation::Hangup => Ok(self.ask_of_leg(&party, AskKind::Release(party.leg))),
            Operation::Hold => Ok(self.ask_of_leg(&party, AskKind::Hold(party.leg))),
            Operation::Retrieve => Ok(self.ask_of_leg(&party, AskKind::Retrieve(party.leg))),
            Operation::SingleStepConference { target, location, user_data } => {
                self.add(&party, target, location, user_data)
            }
        }
    }

    fn ask_of_leg(&mut self, party: &Party, kind: AskKind) -> Accepted {
        if self.asks.iter().any(|ask| ask.kind == kind) {
            return Accepted::AlreadyAsked;
        }
        self.ask(party.endpoint.home.clone(), kind);
        Accepted::Changed
    }

    fn add(
        &mut self,
        asker: &Party,
        target: Endpoint,
        location: Option<Location>,
        user_data: UserData,
    ) -> Result<Accepted, Refused> {
        if self.call.parties.iter().any(|party| party.is_live() && party.endpoint.number == target.number) {
            return Err(Refused::AlreadyPresent(target.number));
        }
        let by = asker.endpoint.number.clone();
        let kind = AskKind::Dial { number: target.number.clone(), from: by.clone(), location };
        let leg = self.ask(asker.endpoint.home.clone(), kind);
        self.call.parties.push(Party {
            dnis: Some(target.number.clone()),
            kind: if target.home.is_some() { CallType::Internal } else { CallType::Outbound },
            endpoint: target,
            leg,
            state: PartyState::Invited,
            since: self.now,
            joining: Some(Joining { by, user_data }),
            heard: None,
        });
        Ok(Accepted::Changed)
    }
}

impl Operation {
    /// What agents call it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Answer => "Answer",
            Self::Hangup => "Hangup",
            Self::Hold => "Hold",
            Self::Retrieve => "Retrieve",
            Self::SingleStepConference { .. } => "SingleStepConference",
        }
    }

    const fn is_allowed(&self, state: PartyState) -> bool {
        match self {
            Self::Answer => matches!(state, PartyState::Ringing),
            Self::Hangup => !matches!(state, PartyState::Invited | PartyState::Released(_)),
            Self::Hold => matches!(state, PartyState::Established),
            Self::Retrieve => matches!(state, PartyState::Held),
            Self::SingleStepConference { .. } => matches!(state, PartyState::Established | PartyState::Held),
        }
    }
}

impl CallType {
    const fn of_the_called(self) -> Self {
        match self {
            Self::Consult => Self::Consult,
            Self::Inbound | Self::Outbound => Self::Inbound,
            Self::Internal => Self::Internal,
        }
    }
}
