//! One change of a family: what operations and reports have in common, and that whoever sees something else after it
//! than before is told.

use std::collections::BTreeMap;

use crate::calls::model::{
    Call, Entered, Event, EventKind, Extension, Family, Home, MonitorMode, Mute, Party, PartyState, Recording, UserData,
};
use crate::calls::table::{Capability, ClearRule, MuteRule, Rules, capabilities};
use crate::calls::telephony::{Ask, AskId, AskKind, Failure, LegId};
use crate::calls::views::Seen;
use crate::ids::{CallId, Number, Position, WallTime};

/// A family while it is being changed.
pub(super) struct Change<'a> {
    pub(super) now: WallTime,
    pub(super) family: &'a mut Family,
}

impl Family {
    /// Changes the family. Parties that left in an earlier change are not there any more; if nothing changes after all,
    /// by the judgement of `changed`, everything is as it was.
    pub(super) fn change<T>(
        &mut self,
        now: WallTime,
        changed: impl FnOnce(&T) -> bool,
        make: impl FnOnce(&mut Change<'_>) -> T,
    ) -> T {
        let before = self.clone();
        self.forget_the_gone();
        let (looks, told) = (self.looks(), self.events.len());
        let outcome = make(&mut Change { now, family: self });
        if changed(&outcome) {
            self.tell_who_sees_a_difference(looks, told);
        } else {
            *self = before;
        }
        outcome
    }

    fn forget_the_gone(&mut self) {
        if self.is_over() {
            return;
        }
        for call in &mut self.calls {
            call.forget_the_gone();
            call.parties.iter_mut().for_each(|party| party.entered = Entered::Before);
        }
        let ended = self.calls.iter().filter(|call| call.parties.is_empty()).count();
        let mut surplus = ended.saturating_sub(ENDED_CALLS);
        self.calls.retain(|call| {
            let goes = call.parties.is_empty() && surplus > 0;
            surplus -= usize::from(goes);
            !goes
        });
    }

    /// What every agent sees, each call under its own party's leg.
    fn looks(&self) -> BTreeMap<(CallId, LegId), Look> {
        let parts = self.calls.iter().flat_map(|call| call.live().map(move |party| (call, party)));
        let known = parts.filter(|(_, party)| party.endpoint.home.is_some() && party.state.knows());
        known
            .map(|(call, party)| ((call.id.clone(), party.leg), Look::of(Seen { family: self, call, party })))
            .collect()
    }

    /// Everything that an agent sees is told when it changes: what a read shows is what the notifications add up to.
    fn tell_who_sees_a_difference(&mut self, before: BTreeMap<(CallId, LegId), Look>, told: usize) {
        let mut missing = Vec::new();
        for ((call, leg), look) in self.looks() {
            let old = before.get(&(call.clone(), leg));
            if old == Some(&look) {
                continue;
            }
            let Some(Seen { party, .. }) = self.seen(&call, leg) else { continue };
            let Some(to) = party.endpoint.home.clone() else { continue };
            let number = party.endpoint.number.clone();
            let was_told = self.events.iter().skip(told).any(|event| {
                event.kind.shows_the_call() && event.call == call && event.to == to && event.number == number
            });
            if !was_told {
                let kind = match old {
                    Some(old) if old.participants != look.participants => EventKind::ParticipantsUpdated,
                    Some(old) if old.user_data != look.user_data => EventKind::AttachedDataChanged,
                    Some(_) | None => EventKind::StatusChange,
                };
                missing.push(Event { kind, call, to, number, passing: None, extensions: kind.extensions() });
            }
        }
        self.events.extend(missing);
    }
}

/// All that an agent sees of a call and that can change, but for the time.
#[derive(Debug, Eq, PartialEq)]
struct Look {
    state: PartyState,
    participants: Vec<Number>,
    user_data: UserData,
    mute: Mute,
    monitor: Option<MonitorMode>,
    monitors: Vec<MonitorMode>,
    monitors_a_muted_party: bool,
    recording: Option<Recording>,
    parent: Option<CallId>,
    capabilities: Vec<Capability>,
}

impl Look {
    fn of(seen: Seen<'_>) -> Self {
        let rules = Rules { mute: MuteRule::Conference, clear: ClearRule::Conference };
        Self {
            state: seen.party.state,
            participants: seen.participants().into_iter().map(|other| other.number.clone()).collect(),
            user_data: seen.user_data(),
            mute: seen.party.mute,
            monitor: seen.party.monitor.as_ref().map(|monitor| monitor.mode),
            monitors: seen.monitors().collect(),
            monitors_a_muted_party: seen.monitors_a_muted_party(),
            recording: seen.recording(),
            parent: seen.parent().cloned(),
            capabilities: capabilities(seen, rules),
        }
    }
}

impl Change<'_> {
    pub(super) fn call(&self, id: &CallId) -> Option<&Call> {
        self.family.calls.iter().find(|call| call.id == *id)
    }

    pub(super) fn call_mut(&mut self, id: &CallId) -> Option<&mut Call> {
        self.family.calls.iter_mut().find(|call| call.id == *id)
    }

    /// The party with this leg, and the name of its call, unless it left.
    pub(super) fn live(&self, leg: LegId) -> Option<(CallId, &Party)> {
        let call = self.family.call_of(leg)?;
        Some((call.id.clone(), call.live().find(|party| party.leg == leg)?))
    }

    pub(super) fn live_mut(&mut self, leg: LegId) -> Option<&mut Party> {
        let mut parties = self.family.calls.iter_mut().flat_map(|call| &mut call.parties);
        parties.find(|party| party.leg == leg && party.is_live())
    }

    /// Everyone on the call who is seen by the others.
    pub(super) fn present(&self, call: &CallId) -> Vec<LegId> {
        self.call(call).into_iter().flat_map(Call::present).map(|party| party.leg).collect()
    }

    /// Everyone on the call who has not left, supervisors and those still being added included.
    pub(super) fn all(&self, call: &CallId) -> Vec<LegId> {
        self.call(call).into_iter().flat_map(Call::live).map(|party| party.leg).collect()
    }

    /// Asks for the end of a leg, unless that has been asked already.
    pub(super) fn ask_release(&mut self, call: &CallId, leg: LegId) {
        let kind = AskKind::Release(leg);
        if !self.is_asked(&kind) {
            self.ask(call, None, kind);
        }
    }

    pub(super) fn is_asked(&self, kind: &AskKind) -> bool {
        self.family.asks.iter().any(|ask| ask.kind == *kind)
    }

    /// Opens an ask.
    pub(super) fn ask(&mut self, call: &CallId, asker: Option<Home>, kind: AskKind) -> AskId {
        let here = self.family.asks.iter().filter(|ask| ask.id.record == Position::ZERO);
        let index = here.map(|ask| ask.id.index.saturating_add(1)).max().unwrap_or_default();
        let id = AskId { record: Position::ZERO, index };
        self.family.asks.push(Ask { id, call: call.clone(), since: self.now, asker, kind });
        id
    }

    /// Closes the asks that are answered. True if there was one.
    pub(super) fn close(&mut self, answered: impl Fn(&Ask) -> bool) -> bool {
        let open = self.family.asks.len();
        self.family.asks.retain(|ask| !answered(ask));
        self.family.asks.len() < open
    }

    /// The party is gone. It is told, unless it was never told of the call.
    pub(super) fn release(&mut self, leg: LegId) {
        let now = self.now;
        let Some((call, party)) = self.live(leg) else { return };
        let knows = party.state.knows();
        if let Some(call) = self.call_mut(&call) {
            call.release(leg, now);
        }
        if knows {
            self.tell(EventKind::StatusChange, &call, leg);
        }
    }

    /// Tells the party, if it is an agent.
    pub(super) fn tell(&mut self, kind: EventKind, call: &CallId, leg: LegId) {
        self.tell_with(kind, call, leg, None, kind.extensions());
    }

    /// Tells the party of a state that it is in no more after the whole change.
    pub(super) fn tell_passing(&mut self, call: &CallId, leg: LegId, state: PartyState) {
        let kind = EventKind::StatusChange;
        self.tell_with(kind, call, leg, Some(state), kind.extensions());
    }

    /// Tells the party of what no event of the switch stands behind.
    pub(super) fn tell_plainly(&mut self, kind: EventKind, call: &CallId, leg: LegId) {
        self.tell_with(kind, call, leg, None, Vec::new());
    }

    fn tell_with(
        &mut self,
        kind: EventKind,
        call: &CallId,
        leg: LegId,
        passing: Option<PartyState>,
        extensions: Vec<(Extension, i64)>,
    ) {
        let Some(party) = self.call(call).and_then(|call| call.parties.iter().find(|party| party.leg == leg)) else {
            return;
        };
        if !party.state.knows() {
            return;
        }
        let Some(to) = party.endpoint.home.clone() else { return };
        let number = party.endpoint.number.clone();
        let call = call.clone();
        self.family.events.push_back(Event { kind, call, to, number, passing, extensions });
    }

    /// Tells each of them that the call's data changed.
    pub(super) fn tell_data(&mut self, call: &CallId, legs: &[LegId]) {
        for leg in legs {
            self.tell(EventKind::AttachedDataChanged, call, *leg);
        }
    }

    /// Tells an agent that what it asked for could not be done.
    pub(super) fn tell_failure(&mut self, call: &CallId, failure: Failure, to: Option<Home>, number: Number) {
        if let Some(to) = to {
            let (kind, call) = (EventKind::Error(failure), call.clone());
            self.family.events.push_back(Event { kind, call, to, number, passing: None, extensions: Vec::new() });
        }
    }
}

impl EventKind {
    /// Whether its notification carries the call.
    const fn shows_the_call(self) -> bool {
        match self {
            Self::AttachedDataChanged
            | Self::CallRecordingStateChange
            | Self::ParticipantsUpdated
            | Self::StatusChange => true,
            Self::Error(_) | Self::Missed => false,
        }
    }

    pub(super) fn extensions(self) -> Vec<(Extension, i64)> {
        match self {
            Self::ParticipantsUpdated | Self::StatusChange => vec![(Extension::BusinessCall, 0)],
            Self::AttachedDataChanged | Self::CallRecordingStateChange | Self::Error(_) | Self::Missed => Vec::new(),
        }
    }
}

/// How many ended calls a family keeps, so that it can still be said how they went.
const ENDED_CALLS: usize = 8;
