//! Calls that a queue brings to agents.

use crate::calls::change::Change;
use crate::calls::model::{CallType, Endpoint, EventKind, Party, PartyState};
use crate::calls::telephony::{Ask, AskId, AskKind, Failure, Heard};
use crate::ids::CallId;

impl Change<'_> {
    /// The queue found an agent, whose device is about to ring.
    pub(super) fn routed(&mut self, ask: AskId, heard: Heard, endpoint: &Endpoint) -> bool {
        let Some(Ask { call, kind: AskKind::Route { queue, .. }, .. }) = self.family.open(ask).cloned() else {
            return false;
        };
        let now = self.now;
        let Some(found) = self.call_mut(&call) else { return false };
        if found.parties.iter().any(|party| party.leg == ask) {
            return false;
        }
        if found.live().any(|party| party.endpoint.number == endpoint.number) {
            self.close(|open| open.id == ask);
            self.ask_release(&call, ask);
            return true;
        }
        let caller = found.parties.first();
        let dnis = caller.and_then(|caller| caller.dnis.clone());
        let ani = caller.map(|caller| caller.endpoint.number.clone());
        let party = Party::new(endpoint.clone(), ask, PartyState::Invited, CallType::Inbound, now);
        found.parties.push(Party { dnis, ani, queue: Some(queue), heard: Some(heard), ..party });
        true
    }

    /// Whether the call goes back to the queue that brought it, because this party, which left, did not take it.
    pub(super) fn queue_again(&mut self, call: &CallId, party: &Party, failure: Failure) -> bool {
        let Some(queue) = party.queue.clone() else { return false };
        let is_wanted = matches!(party.state, PartyState::Invited | PartyState::Ringing);
        if !is_wanted || self.present(call).is_empty() {
            return false;
        }
        if failure == Failure::NoAnswer {
            self.tell(EventKind::Missed, call, party.leg);
        }
        self.close(|ask| ask.leg() == party.leg);
        self.ask(call, None, AskKind::Route { queue, tried: Some(party.endpoint.number.clone()) });
        true
    }

    /// Whether the caller is still to be brought to an agent.
    pub(super) fn waits_in_a_queue(&self, call: &CallId) -> bool {
        let is_route = |ask: &Ask| ask.call == *call && matches!(ask.kind, AskKind::Route { .. });
        let Some(found) = self.call(call) else { return false };
        let mut present = found.present();
        let is_caller = present.next().is_some_and(|party| party.queue.is_none()) && present.next().is_none();
        is_caller && self.family.asks.iter().any(is_route)
    }

    /// The switch has no such queue.
    pub(super) fn no_route(&mut self, ask: &Ask) {
        self.close(|open| open.id == ask.id);
        if matches!(ask.kind, AskKind::Route { .. }) {
            self.left(&ask.call);
        }
    }
}
