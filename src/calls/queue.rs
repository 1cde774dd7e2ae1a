//! Calls that a queue brings to agents. While one waits there, the queue itself stands among its parties: by the leg of the
//! open ask for an agent, until that agent is found.

use std::time::Duration;

use crate::calls::change::Change;
use crate::calls::model::{Call, CallType, Endpoint, Entered, Entry, EventKind, Family, Joining, Party, PartyState};
use crate::calls::telephony::{Ask, AskId, AskKind, Failure, Heard, LegId};
use crate::calls::transitions::Happening;
use crate::ids::{CallId, Number, WallTime};

impl Party {
    /// A queue in which a call waits for an agent.
    pub(super) fn waiting(queue: Number, leg: LegId, kind: CallType, since: WallTime) -> Self {
        let endpoint = Endpoint::new(queue.clone(), None);
        Self { queue: Some(queue), ..Self::new(endpoint, leg, PartyState::ASKED_FOR, kind, since) }
    }

    /// Whether it called from outside. Who is called there has its own number dialled, and sees who called.
    pub(super) fn came_in(&self) -> bool {
        let is_called = self.ani.is_some() || self.dnis.as_ref() == Some(&self.endpoint.number);
        self.kind == CallType::Inbound && self.endpoint.home.is_none() && self.queue.is_none() && !is_called
    }

    /// Whether it is a queue in which the call waits.
    pub(super) fn is_a_queue(&self) -> bool {
        self.queue.as_ref() == Some(&self.endpoint.number)
    }
}

impl Family {
    /// The ask of a call that waits in a queue because an agent asked for that, and how long it is until the switch, which lets
    /// calls wait as long as `timeout`, should have said something, and `grace` over. Of several the first. Once that is
    /// nothing, [`handle_queue_timeout`](Self::handle_queue_timeout).
    pub fn queue_due(&self, now: WallTime, timeout: Duration, grace: Duration) -> Option<(AskId, Duration)> {
        let asks = self.asks.iter().filter(|ask| ask.asker.is_some());
        let left = asks.filter_map(|ask| {
            // It was asked anew for who came back just now.
            let began = self.waits(ask.id)?.since;
            let until = (timeout + grace).saturating_sub(now.since(ask.since));
            Some((ask.id, until.max(grace.saturating_sub(now.since(began)))))
        });
        left.min_by_key(|(_, left)| *left)
    }

    /// The switch lets a call wait in a queue for too long. True if that changed anything: an agent may have been found.
    pub fn handle_queue_timeout(&mut self, now: WallTime, ask: AskId) -> bool {
        let Some(open) = self.open(ask).filter(|_| self.waits(ask).is_some()).cloned() else { return false };
        self.change(now, |changed| *changed, |change| change.give_up(&open))
    }

    /// The queue in which a call waits by this ask.
    fn waits(&self, ask: AskId) -> Option<&Party> {
        let mut parties = self.calls.iter().flat_map(Call::live);
        parties.find(|party| party.leg == ask && party.is_a_queue())
    }
}

impl Change<'_> {
    /// The number is a queue's, or forwards its calls to one: what was a call to a number is one for an agent of the queue.
    pub(super) fn queued(&mut self, call: &CallId, leg: LegId, queue: &Number) -> bool {
        if self.is_elsewhere_on(call, leg, queue) {
            self.ask_release(call, leg);
            return self.ended(call, leg, Failure::Busy);
        }
        if self.comes_too_late(call, leg) {
            return true;
        }
        let kind = self.kind_for_an_agent(call, leg);
        let Some(party) = self.live_mut(leg) else { return false };
        // Who gives a call away is not the first to get it back.
        let tried = party.joining.as_ref().filter(|joining| joining.entry != Entry::Added);
        let tried = tried.map(|joining| joining.by.clone());
        party.endpoint = Endpoint::new(queue.clone(), None);
        party.queue = Some(queue.clone());
        party.kind = kind;
        if let Some(ask) = self.family.asks.iter_mut().find(|ask| ask.id == leg) {
            ask.kind = AskKind::Route { queue: queue.clone(), tried };
        }
        // Who transfers a call to a queue is done: the caller waits there.
        self.come_in(call, leg);
        self.take_the_place(call, leg);
        true
    }

    /// What kind of call it is for an agent of the queue whom this leg will be: a customer's call stays one.
    fn kind_for_an_agent(&self, call: &CallId, leg: LegId) -> CallType {
        let Some((_, party)) = self.live(leg) else { return CallType::Internal };
        let Some(Joining { by, .. }) = &party.joining else { return party.kind };
        let asker = self.call(call).into_iter().flat_map(|call| call.live());
        let asker = asker.filter(|asker| asker.endpoint.number == *by).map(|asker| asker.kind).next();
        asker.map_or(CallType::Internal, CallType::for_one_of_ours)
    }

    /// The queue found an agent, whose device is about to ring.
    pub(super) fn routed(&mut self, ask: AskId, heard: Heard, endpoint: &Endpoint) -> bool {
        let Some(Ask { call, kind: AskKind::Route { queue, .. }, .. }) = self.family.open(ask).cloned() else {
            return false;
        };
        let now = self.now;
        let Some(found) = self.call_mut(&call).filter(|call| call.live().next().is_some()) else { return false };
        if !found.parties.iter().any(|party| party.leg == ask) {
            // Older records have no party for the queue.
            let caller = found.parties.first();
            let dnis = caller.and_then(|caller| caller.dnis.clone());
            let ani = caller.map(|caller| caller.endpoint.number.clone());
            found.parties.push(Party { dnis, ani, ..Party::waiting(queue, ask, CallType::Inbound, now) });
        }
        let is_there = self.is_elsewhere_on(&call, ask, &endpoint.number);
        // One that is let go of looks for nobody else.
        if is_there && self.is_asked(&AskKind::Release(ask)) {
            return false;
        }
        let Some((_, party)) = self.live(ask) else { return false };
        if !self.heeds(party, Happening::Routed) || !party.is_news(heard) {
            return false;
        }
        if is_there {
            self.find_another(&call, ask, endpoint.number.clone());
        } else if let Some(party) = self.live_mut(ask) {
            party.endpoint = endpoint.clone();
            party.heard = Some(heard);
        }
        true
    }

    /// The queue found who is on the call already.
    fn find_another(&mut self, call: &CallId, waiting: LegId, found: Number) {
        let Some(ask) = self.family.open(waiting).cloned() else { return };
        let AskKind::Route { queue, .. } = &ask.kind else { return };
        self.close(|open| open.id == waiting);
        let leg = self.look_on(call, Some(&ask), queue.clone(), found);
        if let Some(party) = self.live_mut(waiting) {
            party.leg = leg;
            party.heard = None;
        }
        self.ask_release(call, waiting);
    }

    /// Asks for an agent once more, for the same asker. The call has waited since it was asked first.
    fn look_on(&mut self, call: &CallId, before: Option<&Ask>, queue: Number, tried: Number) -> LegId {
        let leg =
            self.ask(call, before.and_then(|ask| ask.asker.clone()), AskKind::Route { queue, tried: Some(tried) });
        if let Some((ask, before)) = self.family.asks.last_mut().zip(before) {
            ask.since = before.since;
        }
        leg
    }

    /// Whether the call goes back to the queue that brought it, because this party, which left, did not take it.
    pub(super) fn queue_again(&mut self, call: &CallId, party: &Party, failure: Failure) -> bool {
        let Some(queue) = party.queue.clone().filter(|_| !party.is_a_queue()) else { return false };
        let is_wanted = matches!(party.state, PartyState::Invited | PartyState::Ringing);
        // Who is taken off the call did not leave it to the others of its queue.
        let is_taken_off = self.family.asks.iter().any(|ask| {
            ask.kind == AskKind::Release(party.leg) && ask.asker.is_some() && ask.asker != party.endpoint.home
        });
        if !is_wanted || is_taken_off || self.present(call).is_empty() {
            return false;
        }
        if failure == Failure::NoAnswer {
            self.tell(EventKind::Missed, call, party.leg);
        }
        let before = self.family.open(party.leg).cloned();
        self.close(|ask| ask.leg() == party.leg);
        let leg = self.look_on(call, before.as_ref(), queue.clone(), party.endpoint.number.clone());
        let since = self.now;
        let again = Party {
            endpoint: Endpoint::new(queue, None),
            leg,
            state: PartyState::ASKED_FOR,
            since,
            // Who left in this same change did not see it.
            entered: Entered::Now,
            heard: None,
            ..party.clone()
        };
        if let Some(found) = self.call_mut(call) {
            found.parties.push(again);
        }
        true
    }

    /// The switch has no such queue.
    pub(super) fn no_route(&mut self, ask: &Ask) {
        self.close(|open| open.id == ask.id);
        if matches!(ask.kind, AskKind::Route { .. }) {
            self.left(&ask.call);
        }
    }
}
