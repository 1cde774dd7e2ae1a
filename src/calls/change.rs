//! One change of one call: what operations and reports have in common.

use std::collections::VecDeque;

use crate::calls::model::{
    Ask, AskId, AskKind, Call, Event, EventKind, Extension, Failure, Family, Home, LegId, Party, PartyState,
};
use crate::ids::{CallId, Number, Position, WallTime};

/// A call while it is being changed, with the family's asks and events beside it.
pub(super) struct Change<'a> {
    pub(super) now: WallTime,
    pub(super) call: &'a mut Call,
    pub(super) asks: &'a mut Vec<Ask>,
    pub(super) events: &'a mut VecDeque<Event>,
}

impl Family {
    /// Changes one call. Parties that left in an earlier change are not there any more; if nothing changes after all,
    /// by the judgement of `changed`, they come back. None if there is no such call.
    pub(super) fn change<T>(
        &mut self,
        now: WallTime,
        call: &CallId,
        changed: impl FnOnce(&T) -> bool,
        make: impl FnOnce(&mut Change<'_>) -> T,
    ) -> Option<T> {
        let before = self.calls.iter().any(Call::someone_left).then(|| self.calls.clone());
        for each in &mut self.calls {
            each.parties.retain(Party::is_live);
        }
        let found = self.calls.iter_mut().find(|each| each.id == *call);
        let outcome = found.map(|call| make(&mut Change { now, call, asks: &mut self.asks, events: &mut self.events }));
        if let Some(before) = before
            && !outcome.as_ref().is_some_and(changed)
        {
            self.calls = before;
        }
        outcome
    }
}

impl Change<'_> {
    pub(super) fn live(&self, leg: LegId) -> Option<&Party> {
        self.call.parties.iter().find(|party| party.leg == leg && party.is_live())
    }

    pub(super) fn party_mut(&mut self, leg: LegId) -> Option<&mut Party> {
        self.call.parties.iter_mut().find(|party| party.leg == leg)
    }

    /// Everyone who talks or is about to, but for those who are still being added.
    pub(super) fn present(&self) -> Vec<LegId> {
        self.call.present().map(|party| party.leg).collect()
    }

    /// Asks for the end of a leg, unless that has been asked already.
    pub(super) fn ask_release(&mut self, leg: LegId) {
        let kind = AskKind::Release(leg);
        if !self.asks.iter().any(|ask| ask.kind == kind) {
            self.ask(None, kind);
        }
    }

    /// Opens an ask.
    pub(super) fn ask(&mut self, asker: Option<Home>, kind: AskKind) -> AskId {
        let here = self.asks.iter().filter(|ask| ask.id.record == Position::ZERO);
        let index = here.map(|ask| ask.id.index.saturating_add(1)).max().unwrap_or_default();
        let id = AskId { record: Position::ZERO, index };
        self.asks.push(Ask { id, call: self.call.id.clone(), since: self.now, asker, kind });
        id
    }

    /// Closes the asks that are answered. True if there was one.
    pub(super) fn close(&mut self, answered: impl Fn(&Ask) -> bool) -> bool {
        let open = self.asks.len();
        self.asks.retain(|ask| !answered(ask));
        self.asks.len() < open
    }

    /// The party is gone. It is told, unless it was never told of the call.
    pub(super) fn release(&mut self, leg: LegId) {
        let now = self.now;
        let Some(party) = self.party_mut(leg) else { return };
        let knows = party.state != PartyState::Invited;
        party.state = PartyState::Released(now);
        if knows {
            self.tell(EventKind::StatusChange, leg);
        }
    }

    /// Tells the party, if it is an agent.
    pub(super) fn tell(&mut self, kind: EventKind, leg: LegId) {
        let Some(party) = self.call.parties.iter().find(|party| party.leg == leg) else { return };
        let Some(to) = party.endpoint.home.clone() else { return };
        let number = party.endpoint.number.clone();
        self.push(kind, to, number);
    }

    /// Tells an agent that what it asked for could not be done.
    pub(super) fn tell_failure(&mut self, failure: Failure, to: Option<Home>, number: Number) {
        if let Some(to) = to {
            self.push(EventKind::Error(failure), to, number);
        }
    }

    fn push(&mut self, kind: EventKind, to: Home, number: Number) {
        let extensions = match kind {
            EventKind::ParticipantsUpdated | EventKind::StatusChange => vec![(Extension::BusinessCall, 0)],
            EventKind::AttachedDataChanged | EventKind::Error(_) => Vec::new(),
        };
        self.events.push_back(Event { kind, call: self.call.id.clone(), to, number, extensions });
    }
}
