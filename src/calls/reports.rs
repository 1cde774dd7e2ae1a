//! What the switch saw, and what follows. Every report is legal in every state.

use crate::calls::change::Change;
use crate::calls::model::{
    Call, Entered, Entry, Event, EventKind, Family, Home, Joining, Mute, Party, PartyState, Recording,
};
use crate::calls::telephony::{Ask, AskId, AskKind, Failure, Heard, LegId, Report, ReportKind};
use crate::calls::transitions::Happening;
use crate::ids::{CallId, Number, WallTime};

impl Family {
    /// Takes in what the switch saw. True if that changed anything.
    pub fn handle_report(&mut self, now: WallTime, report: &Report) -> bool {
        self.change(now, |changed| *changed, |change| change.heed(report))
    }

    /// The switch has left this ask unanswered for too long. True if that changed anything.
    pub fn handle_ask_timeout(&mut self, now: WallTime, ask: AskId) -> bool {
        let Some(ask) = self.open(ask).cloned() else { return false };
        if self.is_under_way(&ask) {
            return false;
        }
        self.change(now, |changed| *changed, |change| change.give_up(&ask))
    }

    /// What happened next. To be polled until there is nothing more, after each change.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }
}

impl Change<'_> {
    fn heed(&mut self, report: &Report) -> bool {
        let Report { leg, heard, kind, .. } = report;
        match kind {
            ReportKind::Cleared => return self.of_ask(*leg, Self::cleared),
            ReportKind::Done => return self.of_ask(*leg, |_, _| ()),
            ReportKind::Merged => return self.of_ask(*leg, Self::merged),
            ReportKind::Refused(failure) => return self.refused(*leg, *heard, *failure),
            ReportKind::Routed(endpoint) => return self.routed(*leg, *heard, endpoint),
            ReportKind::Swapped => return self.of_ask(*leg, Self::swapped),
            ReportKind::Answered
            | ReportKind::Ended(_)
            | ReportKind::Held
            | ReportKind::Monitoring(_)
            | ReportKind::Muted
            | ReportKind::Queued(_)
            | ReportKind::Recording(_)
            | ReportKind::Redirected(_)
            | ReportKind::Retrieved
            | ReportKind::Ringing
            | ReportKind::Unmuted => {}
        }
        let Some((call, party)) = self.live(*leg) else { return self.close(|ask| ask.is_answered_by(*leg, kind)) };
        // A queue neither rings nor answers: its agents do.
        let is_queue = party.is_a_queue() && !matches!(kind, ReportKind::Ended(_));
        if !party.is_news(*heard) || is_queue || self.is_preview(&call) {
            return false;
        }
        let moved = kind.happening().is_some_and(|what| self.heeds(party, what)) && self.seen_of_leg(&call, *leg, kind);
        let closed = self.close(|ask| ask.is_answered_by(*leg, kind));
        if moved || closed {
            let mut parties = self.family.calls.iter_mut().flat_map(|call| &mut call.parties);
            if let Some(party) = parties.find(|party| party.leg == *leg) {
                party.heard = Some(*heard);
            }
        }
        moved || closed
    }

    fn seen_of_leg(&mut self, call: &CallId, leg: LegId, kind: &ReportKind) -> bool {
        match kind {
            ReportKind::Answered => self.answered(call, leg),
            ReportKind::Ended(failure) => self.ended(call, leg, *failure),
            ReportKind::Held => self.held(call, leg),
            ReportKind::Monitoring(mode) => self.monitoring(call, leg, *mode),
            ReportKind::Muted => self.muted(call, leg, Mute::On),
            ReportKind::Queued(queue) => self.queued(call, leg, queue),
            ReportKind::Recording(to) => self.recording(call, *to),
            ReportKind::Redirected(endpoint) => self.redirected(call, leg, endpoint),
            ReportKind::Retrieved => self.retrieved(call, leg),
            ReportKind::Ringing => self.ringing(call, leg),
            ReportKind::Unmuted => self.muted(call, leg, Mute::Off),
            ReportKind::Cleared
            | ReportKind::Done
            | ReportKind::Merged
            | ReportKind::Refused(_)
            | ReportKind::Routed(_)
            | ReportKind::Swapped => false,
        }
    }

    /// A report of an ask: closes it, and does what it says. It has no effect on an ask that is closed, unless that was
    /// because the switch said nothing for so long.
    fn of_ask(&mut self, ask: AskId, then: impl FnOnce(&mut Self, &Ask)) -> bool {
        let late = self.family.late.iter().position(|late| late.id == ask);
        let ask = match late {
            Some(place) => {
                let late = self.family.late.remove(place);
                // Who asked once more has it, too; that the switch refuses it now is nothing to be told.
                self.close(|open| open.call == late.call && open.kind == late.kind);
                late
            }
            None => match self.family.open(ask).cloned() {
                Some(open) => open,
                None => return false,
            },
        };
        self.close(|open| open.id == ask.id);
        then(self, &ask);
        true
    }

    fn ringing(&mut self, call: &CallId, leg: LegId) -> bool {
        let now = self.now;
        if self.comes_too_late(call, leg) {
            return true;
        }
        let Some(party) = self.live_mut(leg) else { return false };
        if !party.undergo(Happening::Ringing, now) {
            // The caller's own device rings: no state of its call, but its leg has been heard of.
            return party.heard.is_none();
        }
        party.since = now;
        self.come_in(call, leg);
        self.tell(EventKind::StatusChange, call, leg);
        self.take_the_place(call, leg);
        true
    }

    fn answered(&mut self, call: &CallId, leg: LegId) -> bool {
        let now = self.now;
        if self.comes_too_late(call, leg) {
            return true;
        }
        let Some(party) = self.live_mut(leg) else { return false };
        let has_rung = party.state == PartyState::Ringing;
        if !party.undergo(Happening::Answered, now) {
            return false;
        }
        if !has_rung {
            party.since = now;
        }
        if let Some(joining) = party.joining.take_if(|joining| joining.entry == Entry::Added) {
            self.join(call, leg, joining);
        } else {
            self.come_in(call, leg);
            self.tell(EventKind::StatusChange, call, leg);
            self.take_the_place(call, leg);
            self.connect(call, leg);
        }
        true
    }

    /// The dialled party answered: it and the caller talk.
    fn connect(&mut self, call: &CallId, leg: LegId) {
        for other in self.all(call).into_iter().filter(|other| *other != leg) {
            if self.undergo(other, Happening::CalledAnswered) {
                self.tell(EventKind::StatusChange, call, other);
            }
        }
    }

    /// The party that was being added answered: now it and the others see each other.
    fn join(&mut self, call: &CallId, leg: LegId, joining: Joining) {
        let listens = self.live(leg).is_some_and(|(_, party)| party.monitor.is_some());
        if let Some(party) = self.live_mut(leg) {
            party.entered = Entered::Now;
        }
        let Some(found) = self.call_mut(call) else { return };
        let before = found.user_data.clone();
        found.user_data.merge(&joining.user_data);
        if !listens {
            found.mark_conference(joining.by);
        }
        let data_changed = found.user_data != before;
        self.tell(EventKind::StatusChange, call, leg);
        let is_seen = self.present(call).contains(&leg);
        for other in self.present(call).into_iter().filter(|other| *other != leg) {
            if data_changed {
                self.tell(EventKind::AttachedDataChanged, call, other);
            }
            if is_seen {
                self.tell(EventKind::ParticipantsUpdated, call, other);
            }
        }
    }

    pub(super) fn held(&mut self, call: &CallId, leg: LegId) -> bool {
        let is_other = self.undergo(leg, Happening::Held);
        if is_other {
            self.tell(EventKind::StatusChange, call, leg);
        }
        is_other
    }

    /// Back from hold. Whoever was put on hold while its target still rang goes on waiting for it.
    pub(super) fn retrieved(&mut self, call: &CallId, leg: LegId) -> bool {
        let others = self.call(call).map(|found| found.live().filter(|party| party.leg != leg));
        let talks = others.is_some_and(|mut others| others.any(|party| party.state.is_talking()));
        let is_other = self.undergo(leg, if talks { Happening::Retrieved } else { Happening::RetrievedToWait });
        if is_other {
            self.tell(EventKind::StatusChange, call, leg);
        }
        is_other
    }

    fn muted(&mut self, call: &CallId, leg: LegId, mute: Mute) -> bool {
        let Some(party) = self.live_mut(leg).filter(|party| party.mute != mute) else { return false };
        party.mute = mute;
        self.tell(EventKind::StatusChange, call, leg);
        true
    }

    fn recording(&mut self, call: &CallId, to: Recording) -> bool {
        let Some(found) = self.call_mut(call).filter(|found| found.recording != to) else { return false };
        found.recording = to;
        found.user_data.mark_recording(to);
        for leg in self.all(call) {
            self.tell(EventKind::CallRecordingStateChange, call, leg);
        }
        true
    }

    pub(super) fn ended(&mut self, call: &CallId, leg: LegId, failure: Failure) -> bool {
        let Some((_, party)) = self.live(leg) else { return false };
        let party = party.clone();
        self.release(leg);
        if self.queue_again(call, &party, failure) {
            return true;
        }
        let asker = match party.state {
            PartyState::Dialing => Some((party.endpoint.home, party.endpoint.number)),
            // A supervisor asked for itself.
            PartyState::Invited | PartyState::Ringing if party.monitor.is_some() => {
                Some((party.endpoint.home, party.endpoint.number))
            }
            PartyState::Invited | PartyState::Ringing => self.asker(&party),
            PartyState::Established
            | PartyState::Held
            | PartyState::Preview
            | PartyState::PreviewCancelled(_)
            | PartyState::Released(_) => None,
        };
        if party.joining.is_none() {
            self.left(call);
        }
        // Who asked for a party to be added must hear that it declined, too: nothing else tells.
        let failure = match failure {
            Failure::None if party.joining.is_some() && party.monitor.is_none() => Failure::NoAnswer,
            Failure::Busy
            | Failure::Failed
            | Failure::InvalidNumber
            | Failure::NoAnswer
            | Failure::None
            | Failure::Timeout => failure,
        };
        if let Some((home, number)) = asker
            && failure != Failure::None
        {
            self.tell_failure(call, failure, home, number);
        }
        true
    }

    /// Who asked for a party that is still to come, and by which number. That of who has left since is not known any
    /// more: then it is the party's own, of which nothing is told.
    fn asker(&self, party: &Party) -> Option<(Option<Home>, Number)> {
        let ask = self.family.open(party.leg)?;
        let asker = ask.asker.as_ref()?;
        let mut parties = self.family.calls.iter().flat_map(|call| &call.parties);
        let own = parties.find(|party| party.endpoint.home.as_ref() == Some(asker));
        let number = match &ask.kind {
            AskKind::Dial { from, .. } => from.clone(),
            AskKind::Route { .. } => own.map_or(&party.endpoint.number, |own| &own.endpoint.number).clone(),
            AskKind::Adopt(_)
            | AskKind::Answer(_)
            | AskKind::Clear
            | AskKind::Connect(_)
            | AskKind::Dtmf { .. }
            | AskKind::Hold(_)
            | AskKind::Merge { .. }
            | AskKind::Monitor { .. }
            | AskKind::Mute(_)
            | AskKind::Record { .. }
            | AskKind::Release(_)
            | AskKind::Retrieve(_)
            | AskKind::Swap { .. }
            | AskKind::Unmute(_) => return None,
        };
        Some((Some(asker.clone()), number))
    }

    /// Someone left. If the call does not go on, the others go, too.
    pub(super) fn left(&mut self, call: &CallId) {
        self.unwatch(call);
        let present = self.present(call);
        if !self.goes_on(call) {
            for leg in self.all(call) {
                self.release(leg);
                self.ask_release(call, leg);
            }
            self.close(|ask| ask.call == *call && matches!(ask.kind, AskKind::Route { .. }));
            return;
        }
        let Some(found) = self.call_mut(call) else { return };
        let data_changed = present.len() <= 2 && found.owner.take().is_some();
        if data_changed {
            found.user_data.unmark_owner();
        }
        for leg in present {
            if data_changed {
                self.tell(EventKind::AttachedDataChanged, call, leg);
            }
            self.tell(EventKind::ParticipantsUpdated, call, leg);
        }
    }

    /// One alone does not talk, and a call that none of our devices is on, nor is to come to, is nobody's to end.
    pub(super) fn goes_on(&self, call: &CallId) -> bool {
        let present: Vec<&Party> = self.call(call).into_iter().flat_map(Call::present).collect();
        present.len() > 1 && present.iter().any(|party| party.endpoint.home.is_some() || party.queue.is_some())
    }

    /// The switch ended the call for everybody, or will: all leave at once, and each sees who was there.
    fn cleared(&mut self, ask: &Ask) {
        let (call, legs) = (&ask.call, self.all(&ask.call));
        for leg in &legs {
            self.release(*leg);
        }
        self.close(|open| open.call == *call);
        // What was asked for later was not there to be ended.
        for leg in legs.into_iter().filter(|leg| *leg > ask.id) {
            self.ask_release(call, leg);
        }
    }

    fn refused(&mut self, ask: AskId, heard: Heard, failure: Failure) -> bool {
        let remembered = self.family.late.len();
        self.family.late.retain(|late| late.id != ask);
        let Some(ask) = self.family.open(ask).cloned() else { return self.family.late.len() < remembered };
        if !ask.kind.makes_a_leg() {
            self.fail(&ask, failure);
            return true;
        }
        match self.live(ask.id).map(|(call, party)| (call, party.is_news(heard))) {
            Some((_, false)) => return false,
            Some((call, true)) => {
                self.ended(&call, ask.id, failure);
                let mut parties = self.family.calls.iter_mut().flat_map(|call| &mut call.parties);
                if let Some(party) = parties.find(|party| party.leg == ask.id) {
                    party.heard = Some(heard);
                }
            }
            None => self.no_route(&ask),
        }
        self.close(|open| open.leg() == ask.id);
        true
    }

    pub(super) fn give_up(&mut self, ask: &Ask) -> bool {
        if !ask.kind.makes_a_leg() {
            self.fail(ask, Failure::Timeout);
            self.remember(ask);
            return true;
        }
        let call = self.live(ask.id).map(|(call, _)| call);
        let was_awaited = call.as_ref().is_some_and(|call| self.ended(call, ask.id, Failure::Timeout));
        self.close(|open| open.leg() == ask.id && (was_awaited || open.id == ask.id));
        if let Some(call) = call
            && was_awaited
        {
            // A switch that is late may make the leg after all.
            self.ask_release(&call, ask.id);
        }
        true
    }

    /// What is reported of an ask, and not of a leg, needs the ask to be understood, however late it comes.
    fn remember(&mut self, ask: &Ask) {
        match ask.kind {
            AskKind::Clear | AskKind::Merge { .. } | AskKind::Swap { .. } => {
                let late = &mut self.family.late;
                if late.len() == LATE {
                    late.remove(0);
                }
                late.push(ask.clone());
            }
            AskKind::Adopt(_)
            | AskKind::Answer(_)
            | AskKind::Connect(_)
            | AskKind::Dial { .. }
            | AskKind::Dtmf { .. }
            | AskKind::Hold(_)
            | AskKind::Monitor { .. }
            | AskKind::Mute(_)
            | AskKind::Record { .. }
            | AskKind::Release(_)
            | AskKind::Retrieve(_)
            | AskKind::Route { .. }
            | AskKind::Unmute(_) => {}
        }
    }

    /// Closes the ask. Who asked is told, unless the leg is gone, and with it what was wanted.
    fn fail(&mut self, ask: &Ask, failure: Failure) {
        self.close(|open| open.id == ask.id);
        match ask.kind {
            AskKind::Hold(leg) => self.not_held(leg),
            AskKind::Adopt(_)
            | AskKind::Answer(_)
            | AskKind::Clear
            | AskKind::Connect(_)
            | AskKind::Dial { .. }
            | AskKind::Dtmf { .. }
            | AskKind::Merge { .. }
            | AskKind::Monitor { .. }
            | AskKind::Mute(_)
            | AskKind::Record { .. }
            | AskKind::Release(_)
            | AskKind::Retrieve(_)
            | AskKind::Route { .. }
            | AskKind::Swap { .. }
            | AskKind::Unmute(_) => {}
        }
        let leg = match ask.kind {
            AskKind::Merge { main, .. } => Some(main),
            AskKind::Swap { retrieve, .. } => Some(retrieve),
            AskKind::Clear => self.leg_of(&ask.call, ask.asker.as_ref()),
            AskKind::Adopt(_)
            | AskKind::Answer(_)
            | AskKind::Connect(_)
            | AskKind::Dial { .. }
            | AskKind::Dtmf { .. }
            | AskKind::Hold(_)
            | AskKind::Monitor { .. }
            | AskKind::Mute(_)
            | AskKind::Record { .. }
            | AskKind::Release(_)
            | AskKind::Retrieve(_)
            | AskKind::Route { .. }
            | AskKind::Unmute(_) => Some(ask.leg()),
        };
        let number = leg.and_then(|leg| self.live(leg)).map(|(_, party)| party.endpoint.number.clone());
        if let Some(number) = number {
            self.tell_failure(&ask.call, failure, ask.asker.clone(), number);
        }
    }

    /// A consult call put the main call on hold at once, and the switch did not.
    fn not_held(&mut self, leg: LegId) {
        let Some((call, _)) = self.live(leg) else { return };
        if self.undergo(leg, Happening::NotHeld) {
            self.tell(EventKind::StatusChange, &call, leg);
        }
    }

    fn leg_of(&self, call: &CallId, home: Option<&Home>) -> Option<LegId> {
        let home = home?;
        self.call(call)?.live().find(|party| party.endpoint.home.as_ref() == Some(home)).map(|party| party.leg)
    }
}

impl Party {
    pub(super) fn is_news(&self, heard: Heard) -> bool {
        self.heard.is_none_or(|newest| newest < heard)
    }
}

/// How many asks are remembered that the switch left unanswered.
const LATE: usize = 8;
