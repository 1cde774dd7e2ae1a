//! Outbound previews: a call that an agent looks at before it is made, and makes or declines.

use std::time::Duration;

use crate::calls::change::Change;
use crate::calls::dial::leg;
use crate::calls::model::{Call, CallType, Endpoint, Event, EventKind, Family, Party, PartyState, UserData};
use crate::calls::operations::Accepted;
use crate::calls::telephony::{AskKind, LegId};
use crate::calls::transitions::Happening;
use crate::ids::{CallId, ConnId, Number, WallTime};

/// A call that an agent may make.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Preview {
    /// The agent's number.
    pub agent: Number,
    /// Whom it would call.
    pub customer: Number,
    /// What is known of it.
    pub user_data: UserData,
}

impl Family {
    /// Offers an agent a call. The switch has no part in it until it accepts.
    pub fn preview(
        now: WallTime,
        root: CallId,
        conn: ConnId,
        [agent, customer]: [Endpoint; 2],
        user_data: &UserData,
    ) -> Self {
        let told = Event::begun(&root, &agent);
        let dnis = Some(customer.number.clone());
        let agent =
            Party { dnis: dnis.clone(), ..Party::new(agent, leg(0), PartyState::OFFERED, CallType::Outbound, now) };
        let customer = Party { dnis, ..Party::new(customer, leg(1), PartyState::ASKED_FOR, CallType::Inbound, now) };
        let mut call = Call::empty(root.clone(), conn);
        call.user_data.merge(user_data);
        call.parties = vec![agent, customer];
        Self { root, calls: vec![call], asks: Vec::new(), late: Vec::new(), events: told.into_iter().collect() }
    }

    /// The leg of an agent that looks at a call, and how long it may go on if it may look as long as `timeout`. Once that is
    /// nothing, [`handle_preview_timeout`](Self::handle_preview_timeout).
    pub fn preview_due(&self, now: WallTime, timeout: Duration) -> Option<(LegId, Duration)> {
        let mut live = self.calls.iter().flat_map(Call::live);
        let party = live.find(|party| party.state == PartyState::Preview)?;
        Some((party.leg, timeout.saturating_sub(now.since(party.since))))
    }

    /// The agent has looked at the call for too long, by this leg. True if that changed anything: it may have made the call,
    /// or not, meanwhile.
    pub fn handle_preview_timeout(&mut self, now: WallTime, leg: LegId) -> bool {
        let call = self.call_of(leg).filter(|call| {
            let mut live = call.live();
            live.any(|party| party.leg == leg && party.state == PartyState::Preview)
        });
        let Some(call) = call.map(|call| call.id.clone()) else { return false };
        self.change(now, |outcome| *outcome == Accepted::Changed, |change| change.decline(&call, leg))
            == Accepted::Changed
    }
}

impl Change<'_> {
    /// Whether nobody has accepted the call yet: then no leg of it is on the switch, whatever that says.
    pub(super) fn is_preview(&self, call: &CallId) -> bool {
        self.call(call).is_some_and(|call| call.live().any(|party| party.state == PartyState::Preview))
    }

    /// The agent makes the call: from now on it is one that it dialled.
    pub(super) fn accept(&mut self, call: &CallId, leg: LegId) -> Accepted {
        let now = self.now;
        let others = self.call(call).into_iter().flat_map(Call::live).filter(|party| party.leg != leg);
        let Some(customer) = others.map(|party| (party.leg, party.endpoint.number.clone())).next() else {
            return Accepted::AlreadyAsked;
        };
        let looks = self.live(leg).filter(|(_, party)| self.heeds(party, Happening::Accepts));
        let Some((_, party)) = looks else { return Accepted::AlreadyAsked };
        let (home, from) = (party.endpoint.home.clone(), party.endpoint.number.clone());
        let own = self.ask(call, home.clone(), AskKind::Connect(from.clone()));
        let (other, number) = customer;
        let called = self.ask(call, home, AskKind::Dial { number, from, location: None });
        if let Some(party) = self.live_mut(leg) {
            party.undergo(Happening::Accepts, now);
            party.since = now;
            party.leg = own;
        }
        if let Some(party) = self.live_mut(other) {
            party.leg = called;
        }
        self.tell(EventKind::StatusChange, call, own);
        Accepted::Changed
    }

    /// The agent does not make the call, or not in time: it is over before it began.
    pub(super) fn decline(&mut self, call: &CallId, leg: LegId) -> Accepted {
        if !self.undergo(leg, Happening::Declines) {
            return Accepted::AlreadyAsked;
        }
        for other in self.all(call) {
            self.release(other);
        }
        self.tell(EventKind::StatusChange, call, leg);
        Accepted::Changed
    }
}
