//! What the switch saw, and what follows. Every report is legal in every state.

use crate::calls::change::Change;
use crate::calls::model::{
    Ask, AskId, AskKind, EventKind, Failure, Family, Heard, Home, Joining, LegId, Party, PartyState, Report, ReportKind,
};
use crate::ids::{Number, WallTime};

impl Family {
    /// Takes in what the switch saw. True if that changed anything.
    pub fn handle_report(&mut self, now: WallTime, report: &Report) -> bool {
        self.change(now, &report.call, |changed| *changed, |change| change.heed(report)).unwrap_or(false)
    }

    /// The switch has left this ask unanswered for too long. True if that changed anything.
    pub fn handle_ask_timeout(&mut self, now: WallTime, ask: AskId) -> bool {
        let Some(ask) = self.asks.iter().find(|open| open.id == ask).cloned() else { return false };
        if self.is_under_way(&ask) {
            return false;
        }
        self.change(now, &ask.call, |changed| *changed, |change| change.give_up(&ask)).unwrap_or(false)
    }
}

impl Change<'_> {
    fn heed(&mut self, report: &Report) -> bool {
        let Report { leg, heard, kind, .. } = report;
        if let ReportKind::Refused(failure) = kind {
            return self.refused(*leg, *heard, *failure);
        }
        let Some(party) = self.live(*leg) else { return self.close(|ask| ask.is_answered_by(*leg, kind)) };
        if !party.is_news(*heard) {
            return false;
        }
        let moved = match kind {
            ReportKind::Answered => self.answered(*leg),
            ReportKind::Ended(failure) => self.ended(*leg, *failure),
            ReportKind::Held => self.talking(*leg, PartyState::Established, PartyState::Held),
            ReportKind::Refused(_) => false,
            ReportKind::Retrieved => self.talking(*leg, PartyState::Held, PartyState::Established),
            ReportKind::Ringing => self.ringing(*leg),
        };
        let closed = self.close(|ask| ask.is_answered_by(*leg, kind));
        if (moved || closed)
            && let Some(party) = self.party_mut(*leg)
        {
            party.heard = Some(*heard);
        }
        moved || closed
    }

    fn ringing(&mut self, leg: LegId) -> bool {
        let now = self.now;
        let Some(party) = self.party_mut(leg) else { return false };
        match party.state {
            PartyState::Invited => {
                party.state = PartyState::Ringing;
                party.since = now;
                self.tell(EventKind::StatusChange, leg);
                true
            }
            // The caller's own device rings: no state of its call, but its leg has been heard of.
            PartyState::Dialing => party.heard.is_none(),
            PartyState::Established | PartyState::Held | PartyState::Released(_) | PartyState::Ringing => false,
        }
    }

    fn answered(&mut self, leg: LegId) -> bool {
        let now = self.now;
        let Some(party) = self.party_mut(leg) else { return false };
        match party.state {
            PartyState::Invited => party.since = now,
            PartyState::Ringing => {}
            PartyState::Dialing | PartyState::Established | PartyState::Held | PartyState::Released(_) => return false,
        }
        party.state = PartyState::Established;
        match party.joining.take() {
            Some(joining) => self.join(leg, joining),
            None => self.connect(leg),
        }
        true
    }

    /// The dialled party answered: it and the caller talk.
    fn connect(&mut self, leg: LegId) {
        self.tell(EventKind::StatusChange, leg);
        let waiting = self.call.parties.iter_mut().filter(|party| party.state == PartyState::Dialing);
        let callers: Vec<LegId> = waiting
            .map(|party| {
                party.state = PartyState::Established;
                party.leg
            })
            .collect();
        for caller in callers {
            self.tell(EventKind::StatusChange, caller);
        }
    }

    /// The party that was being added answered: now it and the others see each other.
    fn join(&mut self, leg: LegId, joining: Joining) {
        let before = self.call.user_data.clone();
        self.call.user_data.merge(&joining.user_data);
        let present = self.present();
        if self.call.owner.is_none() && present.len() >= 3 {
            self.call.user_data.mark_owner(&joining.by);
            self.call.owner = Some(joining.by);
        }
        let data_changed = self.call.user_data != before;
        self.tell(EventKind::StatusChange, leg);
        for other in present.into_iter().filter(|other| *other != leg) {
            if data_changed {
                self.tell(EventKind::AttachedDataChanged, other);
            }
            self.tell(EventKind::ParticipantsUpdated, other);
        }
    }

    fn talking(&mut self, leg: LegId, from: PartyState, to: PartyState) -> bool {
        let Some(party) = self.party_mut(leg).filter(|party| party.state == from) else { return false };
        party.state = to;
        self.tell(EventKind::StatusChange, leg);
        true
    }

    fn ended(&mut self, leg: LegId, failure: Failure) -> bool {
        let Some(party) = self.live(leg).cloned() else { return false };
        self.release(leg);
        if party.joining.is_none() {
            self.left();
        }
        let asker = match party.state {
            PartyState::Dialing => Some((party.endpoint.home, party.endpoint.number)),
            PartyState::Invited | PartyState::Ringing => self.asks.iter().find(|ask| ask.id == leg).and_then(dialler),
            PartyState::Established | PartyState::Held | PartyState::Released(_) => None,
        };
        // Who asked for a party to be added must hear that it declined, too: nothing else tells.
        let failure = match failure {
            Failure::None if party.joining.is_some() => Failure::NoAnswer,
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
            self.tell_failure(failure, home, number);
        }
        true
    }

    /// Someone left. One alone does not talk: then the others go, too.
    fn left(&mut self) {
        let present = self.present();
        if present.len() < 2 {
            let rest: Vec<LegId> = self.call.live().map(|party| party.leg).collect();
            for leg in rest {
                self.release(leg);
                self.ask_release(leg);
            }
            return;
        }
        let is_conference = present.len() > 2;
        let data_changed = !is_conference && self.call.owner.take().is_some();
        if data_changed {
            self.call.user_data.unmark_owner();
        }
        for leg in present {
            if data_changed {
                self.tell(EventKind::AttachedDataChanged, leg);
            }
            self.tell(EventKind::ParticipantsUpdated, leg);
        }
    }

    fn refused(&mut self, ask: AskId, heard: Heard, failure: Failure) -> bool {
        let Some(ask) = self.asks.iter().find(|open| open.id == ask).cloned() else { return false };
        match ask.kind {
            AskKind::Connect(_) | AskKind::Dial { .. } => {
                if self.live(ask.id).is_some_and(|party| !party.is_news(heard)) {
                    return false;
                }
                self.ended(ask.id, failure);
                if let Some(party) = self.party_mut(ask.id) {
                    party.heard = Some(heard);
                }
                self.close(|open| open.leg() == ask.id);
            }
            AskKind::Answer(_) | AskKind::Hold(_) | AskKind::Release(_) | AskKind::Retrieve(_) => {
                self.fail(&ask, failure);
            }
        }
        true
    }

    fn give_up(&mut self, ask: &Ask) -> bool {
        match ask.kind {
            AskKind::Connect(_) | AskKind::Dial { .. } => {
                let was_awaited = self.ended(ask.id, Failure::Timeout);
                self.close(|open| open.leg() == ask.id && (was_awaited || open.id == ask.id));
                if was_awaited {
                    // A switch that is late may make the leg after all.
                    self.ask_release(ask.id);
                }
            }
            AskKind::Answer(_) | AskKind::Hold(_) | AskKind::Release(_) | AskKind::Retrieve(_) => {
                self.fail(ask, Failure::Timeout);
            }
        }
        true
    }

    /// Closes the ask. Who asked is told, unless the leg is gone, and with it what was wanted.
    fn fail(&mut self, ask: &Ask, failure: Failure) {
        self.close(|open| open.id == ask.id);
        if let Some(number) = self.live(ask.leg()).map(|party| party.endpoint.number.clone()) {
            self.tell_failure(failure, ask.asker.clone(), number);
        }
    }
}

impl Party {
    fn is_news(&self, heard: Heard) -> bool {
        self.heard.is_none_or(|newest| newest < heard)
    }
}

fn dialler(ask: &Ask) -> Option<(Option<Home>, Number)> {
    match &ask.kind {
        AskKind::Dial { from, .. } => Some((ask.asker.clone(), from.clone())),
        AskKind::Answer(_) | AskKind::Connect(_) | AskKind::Hold(_) | AskKind::Release(_) | AskKind::Retrieve(_) => {
            None
        }
    }
}
