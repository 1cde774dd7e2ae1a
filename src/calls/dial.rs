//! How a call begins: an agent dials, or the switch brings one in.

use crate::calls::model::{
    Call, CallType, Endpoint, Event, EventKind, Family, Location, Party, PartyState, Recording, UserData,
};
use crate::calls::operation::Refused;
use crate::calls::telephony::{Arrived, Ask, AskId, AskKind};
use crate::ids::{CallId, ConnId, Number, Position, WallTime};

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

/// A call that the switch brought in from outside, and that waits in a queue.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Arrival {
    /// The switch's handle of it.
    pub handle: Arrived,
    /// Who calls.
    pub caller: Number,
    /// The number that was dialled.
    pub dnis: Number,
    /// The queue it waits in.
    pub queue: Number,
    /// What the switch knows of it.
    pub user_data: UserData,
}

impl Family {
    /// Begins a call: asks for the caller's leg, then for the target's.
    ///
    /// # Errors
    /// [`Refused::AlreadyPresent`] if the number is the caller's own; [`Refused::TooMany`] if there is too much data.
    pub fn dial(now: WallTime, dial: Dial) -> Result<Self, Refused> {
        let Dial { root, conn, caller, target, kind, location, user_data } = dial;
        let ask =
            |index, kind| Ask { id: leg(index), call: root.clone(), since: now, asker: caller.home.clone(), kind };
        let connect = ask(0, AskKind::Connect(caller.number.clone()));
        let (number, from) = (target.number.clone(), caller.number.clone());
        let ring = ask(1, AskKind::Dial { number, from, location });
        let told = Event::begun(&root, &caller);
        let dnis = Some(target.number.clone());
        let called = kind.of_the_called();
        let ani = (called == CallType::Inbound).then(|| caller.number.clone());
        let caller = Party { dnis: dnis.clone(), ..Party::new(caller, leg(0), PartyState::CALLER, kind, now) };
        let mut call = Call::empty(root.clone(), conn);
        call.parties.push(caller);
        call.check_number(&target.number)?;
        user_data.check()?;
        call.user_data.merge(&user_data);
        call.parties.push(Party { dnis, ani, ..Party::new(target, leg(1), PartyState::ASKED_FOR, called, now) });
        Ok(Self {
            root,
            calls: vec![call],
            asks: vec![connect, ring],
            late: Vec::new(),
            events: told.into_iter().collect(),
        })
    }

    /// Begins a call that came in: names the caller's leg, and asks for an agent of its queue.
    pub fn arrive(now: WallTime, root: CallId, conn: ConnId, caller: Endpoint, arrival: Arrival) -> Self {
        let Arrival { handle, caller: _, dnis, queue, user_data } = arrival;
        let ask = |index, kind| Ask { id: leg(index), call: root.clone(), since: now, asker: None, kind };
        let adopt = ask(0, AskKind::Adopt(handle));
        let route = ask(1, AskKind::Route { queue: queue.clone(), tried: None });
        let dnis = Some(dnis);
        let ani = Some(caller.number.clone());
        let waiting = Party { dnis: dnis.clone(), ani, ..Party::waiting(queue, leg(1), CallType::Inbound, now) };
        let caller = Party { dnis, ..Party::new(caller, leg(0), PartyState::CALLER, CallType::Inbound, now) };
        let mut call = Call::empty(root.clone(), conn);
        call.user_data.merge(&user_data);
        call.parties = vec![caller, waiting];
        Self {
            root,
            calls: vec![call],
            asks: vec![adopt, route],
            late: Vec::new(),
            events: std::collections::VecDeque::new(),
        }
    }
}

impl Call {
    /// A call with nobody on it yet.
    pub fn empty(id: CallId, conn: ConnId) -> Self {
        Self {
            id,
            conn,
            parties: Vec::new(),
            user_data: UserData::default(),
            owner: None,
            consult: None,
            recording: Recording::Stopped,
            former: Vec::new(),
            missed: Vec::new(),
        }
    }
}

impl Event {
    /// That a call began for whoever is there, if it is an agent.
    pub(super) fn begun(call: &CallId, who: &Endpoint) -> Option<Self> {
        let (kind, to) = (EventKind::StatusChange, who.home.clone()?);
        let (call, number, extensions) = (call.clone(), who.number.clone(), kind.extensions());
        Some(Self { kind, call, to, number, passing: None, extensions })
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

    /// What it is for who is brought in by somebody for whom it is this: a customer's call stays one, whomever it comes to.
    pub(super) const fn of_who_is_brought_in(self, who: &Endpoint) -> Self {
        if who.home.is_some() { self.for_one_of_ours() } else { Self::Outbound }
    }

    /// What it is for an agent who is brought into such a call: a customer's call stays one.
    pub(super) const fn for_one_of_ours(self) -> Self {
        match self {
            Self::Inbound | Self::Outbound => self,
            Self::Consult | Self::Internal => Self::Internal,
        }
    }
}

/// A leg of the first record.
pub(super) const fn leg(index: u16) -> AskId {
    AskId { record: Position::ZERO, index }
}
