//! Who takes the place of another: a transfer in a single step, and a number that forwards its calls.

use crate::calls::change::Change;
use crate::calls::model::{Endpoint, Entered, Entry, EventKind, Joining};
use crate::calls::telephony::{Failure, LegId};
use crate::ids::CallId;

impl Change<'_> {
    /// The party that is to take another's place is seen from now on, and what was sent for it is the call's. It
    /// remembers in whose place it comes until [`take_the_place`](Self::take_the_place).
    pub(super) fn come_in(&mut self, call: &CallId, leg: LegId) {
        let Some(found) = self.call_mut(call) else { return };
        let Some(party) = found.parties.iter_mut().find(|party| party.leg == leg) else { return };
        if let Some(Joining { user_data, entry: Entry::InPlaceOf(_), .. }) = &party.joining {
            let data = user_data.clone();
            party.entered = Entered::Now;
            found.user_data.merge(&data);
        }
    }

    /// Whether whom it was to take the place of is gone already: then it is let go, and nobody hears of it.
    pub(super) fn comes_too_late(&mut self, call: &CallId, leg: LegId) -> bool {
        let place = self.live(leg).and_then(|(_, party)| match party.joining.as_ref()?.entry {
            Entry::Added => None,
            Entry::InPlaceOf(other) => Some(other),
        });
        if place.is_none_or(|other| self.live(other).is_some()) {
            return false;
        }
        self.release(leg);
        self.ask_release(call, leg);
        true
    }

    /// Whoever it comes for leaves, and the others see it in that one's place.
    pub(super) fn take_the_place(&mut self, call: &CallId, leg: LegId) {
        let Some(party) = self.live_mut(leg) else { return };
        let joining = party.joining.take_if(|joining| joining.entry != Entry::Added);
        let Some(Joining { user_data, entry: Entry::InPlaceOf(other), .. }) = joining else { return };
        self.release(other);
        self.ask_release(call, other);
        self.unwatch(call);
        if !self.goes_on(call) {
            return self.left(call);
        }
        for present in self.present(call).into_iter().filter(|present| *present != leg) {
            if !user_data.0.is_empty() {
                self.tell(EventKind::AttachedDataChanged, call, present);
            }
            self.tell(EventKind::ParticipantsUpdated, call, present);
        }
    }

    /// The number forwards its calls: another one is rung in its place.
    pub(super) fn redirected(&mut self, call: &CallId, leg: LegId, endpoint: &Endpoint) -> bool {
        if self.is_elsewhere_on(call, leg, &endpoint.number) {
            self.ask_release(call, leg);
            return self.ended(call, leg, Failure::Busy);
        }
        let Some(party) = self.live_mut(leg) else { return false };
        party.endpoint = endpoint.clone();
        true
    }
}
