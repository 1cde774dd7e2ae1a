//! Consult calls: how they begin, how an agent goes to and fro, and how two calls become one.

use crate::calls::change::Change;
use crate::calls::model::{Call, CallType, Consult, Entered, EventKind, Party, PartyState, UserData};
use crate::calls::operation::{Purpose, Refused, Target};
use crate::calls::operations::Accepted;
use crate::calls::table::Capability;
use crate::calls::telephony::{Ask, AskKind, LegId};
use crate::calls::transitions::Happening;
use crate::calls::views::Seen;
use crate::ids::CallId;

impl Change<'_> {
    /// Puts the main call on hold and begins its consult call. It has the main call's data, and what is sent for it.
    pub(super) fn consult(
        &mut self,
        main: &CallId,
        party: &Party,
        target: Target,
        mut consult: Call,
    ) -> Result<Accepted, Refused> {
        let Target { endpoint, location, user_data } = target;
        let found = self.call(main).ok_or(Refused::NotFound)?;
        found.check_number(&endpoint.number)?;
        self.family.check_consults()?;
        consult.user_data = found.user_data.clone();
        consult.user_data.unmark_owner();
        consult.user_data.merge(&user_data);
        let home = party.endpoint.home.clone();
        if self.undergo(party.leg, Happening::Consults) {
            self.ask_once(main, home.clone(), AskKind::Hold(party.leg));
        }
        let id = consult.id.clone();
        let side = self.ask(&id, home.clone(), AskKind::Connect(party.endpoint.number.clone()));
        let (number, from) = (endpoint.number.clone(), party.endpoint.number.clone());
        let far = self.ask(&id, home, AskKind::Dial { number: number.clone(), from, location });
        let part = |endpoint, leg, state| Party {
            dnis: Some(number.clone()),
            ..Party::new(endpoint, leg, state, CallType::Consult, self.now)
        };
        consult.parties =
            vec![part(party.endpoint.clone(), side, PartyState::CALLER), part(endpoint, far, PartyState::ASKED_FOR)];
        consult.consult = Some(Consult { parent: main.clone(), main: party.leg, side });
        self.family.calls.push(consult);
        self.tell_plainly(EventKind::StatusChange, main, party.leg);
        self.tell(EventKind::StatusChange, &id, side);
        Ok(Accepted::Changed)
    }

    /// Goes from one call of a pair to the other.
    pub(super) fn swap(
        &mut self,
        call: &CallId,
        leg: LegId,
        other: &CallId,
        capability: Capability,
    ) -> Result<Accepted, Refused> {
        let here = self.family.seen(call, leg).ok_or(Refused::NotFound)?;
        let there = here.pair_with(other).ok_or(Refused::NotPaired)?;
        let is_held = |seen: Seen<'_>| seen.party.state == PartyState::Held;
        if is_held(here) == is_held(there) {
            return Err(Refused::WrongState { operation: capability.name(), state: here.party.state.name() });
        }
        let (held, talking) = if is_held(here) { (here, there) } else { (there, here) };
        let home = here.party.endpoint.home.clone();
        let kind = AskKind::Swap { hold: talking.party.leg, retrieve: held.party.leg };
        Ok(self.ask_once(call, home, kind))
    }

    /// The switch put the one on hold and took the other back.
    pub(super) fn swapped(&mut self, ask: &Ask) {
        let AskKind::Swap { hold, retrieve } = ask.kind else { return };
        for (leg, is_held) in [(hold, true), (retrieve, false)] {
            if let Some((call, _)) = self.live(leg) {
                let _ = if is_held { self.held(&call, leg) } else { self.retrieved(&call, leg) };
            }
        }
    }

    /// Brings the two calls together. It can be asked of either.
    pub(super) fn complete(
        &mut self,
        call: &CallId,
        leg: LegId,
        purpose: Purpose,
        consult: Option<&CallId>,
    ) -> Result<Accepted, Refused> {
        let here = self.family.seen(call, leg).ok_or(Refused::NotFound)?;
        let there = match consult {
            Some(id) if *id != *call => here.pair_with(id),
            Some(_) if !here.is_side() => None,
            Some(_) | None => here.pair(),
        };
        let there = there.ok_or(Refused::NotPaired)?;
        let (main, side) = if here.is_side() { (there, here) } else { (here, there) };
        let coming = side.call.live().filter(|party| party.leg != side.party.leg).count();
        // Who completes a transfer goes for it.
        let going = usize::from(purpose == Purpose::Transfer);
        main.call.check_room(coming.saturating_sub(going))?;
        let (parent, home) = (main.call.id.clone(), main.party.endpoint.home.clone());
        let consult = side.call.id.clone();
        let (main, side) = (main.party.leg, side.party.leg);
        let is_open = |ask: &Ask| matches!(&ask.kind, AskKind::Merge { consult: other, .. } if *other == consult);
        if self.family.asks.iter().any(is_open) {
            return Ok(Accepted::AlreadyAsked);
        }
        self.ask(&parent, home, AskKind::Merge { consult, main, side, purpose });
        Ok(Accepted::Changed)
    }

    /// The switch brought them together: who was on the consult call is on the main call now.
    pub(super) fn merged(&mut self, ask: &Ask) {
        let AskKind::Merge { consult, main, side, purpose } = &ask.kind else { return };
        // Who asked may have been brought to another call of the family since.
        let Some((parent, by)) = self.live(*main).map(|(call, party)| (call, party.clone())) else { return };
        let parent = &parent;
        let (moved, data) = self.take_out(consult, *side);
        let before = self.call(parent).map(|call| call.user_data.clone());
        match purpose {
            Purpose::Conference => self.release(*side),
            Purpose::Transfer => {
                self.release(*main);
                self.release(*side);
            }
        }
        // The switch ended them with the rest, and says no more of them.
        self.close(|ask| ask.leg() == *side || *purpose == Purpose::Transfer && ask.leg() == *main);
        for party in &moved {
            self.tell(EventKind::StatusChange, consult, party.leg);
        }
        let moved = self.without_doublets(parent, moved);
        let Some(call) = self.call_mut(parent) else { return };
        call.user_data.merge(&data);
        call.parties.extend(moved.iter().map(|party| party.moved_to(&by)));
        if *purpose == Purpose::Conference {
            self.undergo(*main, Happening::Merged);
            if let Some(call) = self.call_mut(parent) {
                call.mark_conference(by.endpoint.number);
            }
        }
        self.follow(consult, parent, &moved);
        self.unwatch(parent);
        if moved.is_empty() || !self.goes_on(parent) {
            return self.left(parent);
        }
        self.tell_the_joined(parent, &moved, before != self.call(parent).map(|call| call.user_data.clone()));
    }

    /// Everyone on the consult call but who began it leaves it, as copies that bear witness of that.
    fn take_out(&mut self, consult: &CallId, side: LegId) -> (Vec<Party>, UserData) {
        let now = self.now;
        let Some(call) = self.call_mut(consult) else { return Default::default() };
        call.user_data.unmark_owner();
        call.owner = None;
        let data = call.user_data.clone();
        let moved: Vec<Party> = call.live().filter(|party| party.leg != side).cloned().collect();
        for party in moved.iter().filter(|party| party.state.knows() || party.endpoint.home.is_none()) {
            call.release(party.leg, now);
        }
        call.parties.retain(|party| party.leg == side || !party.is_live());
        (moved, data)
    }

    /// Who is on the main call already does not come a second time: that leg ends.
    fn without_doublets(&mut self, parent: &CallId, moved: Vec<Party>) -> Vec<Party> {
        let is_there = |party: &Party| self.call(parent).is_some_and(|call| call.has(&party.endpoint.number));
        let (doublets, moved): (Vec<_>, Vec<_>) = moved.into_iter().partition(is_there);
        for party in doublets {
            self.ask_release(parent, party.leg);
        }
        moved
    }

    /// Asks of the moved legs go with them, and so do consult calls that they began.
    fn follow(&mut self, from: &CallId, to: &CallId, moved: &[Party]) {
        let is_moved = |leg: LegId| moved.iter().any(|party| party.leg == leg);
        for ask in self.family.asks.iter_mut().filter(|ask| is_moved(ask.leg())) {
            ask.call = to.clone();
        }
        for consult in self.family.calls.iter_mut().filter_map(|call| call.consult.as_mut()) {
            if consult.parent == *from && is_moved(consult.main) {
                consult.parent = to.clone();
            }
        }
    }

    fn tell_the_joined(&mut self, call: &CallId, moved: &[Party], data_changed: bool) {
        let is_moved = |leg: &LegId| moved.iter().any(|party| party.leg == *leg);
        for party in moved.iter().filter(|party| party.state.knows()) {
            // A call that a desktop does not know has to begin by ringing.
            if party.state != PartyState::Ringing {
                self.tell_passing(call, party.leg, PartyState::Ringing);
            }
            self.tell(EventKind::StatusChange, call, party.leg);
        }
        let others: Vec<LegId> = self.present(call).into_iter().filter(|leg| !is_moved(leg)).collect();
        for leg in others {
            if data_changed {
                self.tell(EventKind::AttachedDataChanged, call, leg);
            }
            self.tell(EventKind::ParticipantsUpdated, call, leg);
        }
    }
}

impl<'a> Seen<'a> {
    /// This call and that one as a pair.
    fn pair_with(self, other: &CallId) -> Option<Self> {
        if self.is_side() {
            return self.pair().filter(|main| main.call.id == *other);
        }
        let call = self.family.calls.iter().find(|call| call.id == *other)?;
        let consult = call.consult.as_ref()?;
        let ours = consult.parent == self.call.id && consult.main == self.party.leg;
        if ours { self.family.seen(other, consult.side) } else { None }
    }
}

impl Party {
    /// The same party on the main call, brought in by who was on both.
    fn moved_to(&self, by: &Self) -> Self {
        let kind =
            if self.is_a_queue() { by.kind.for_one_of_ours() } else { by.kind.of_who_is_brought_in(&self.endpoint) };
        Self { kind, ani: by.ani.clone(), entered: Entered::Now, ..self.clone() }
    }
}
