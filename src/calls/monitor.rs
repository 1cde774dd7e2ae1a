//! Supervisors who listen to a call, whisper to its agent, or take part.

use crate::calls::change::Change;
use crate::calls::model::{
    Call, CallType, Endpoint, Entry, EventKind, Family, Joining, Monitor, MonitorMode, MonitorScope, Mute, Party,
    PartyState, UserData,
};
use crate::calls::operation::Refused;
use crate::calls::operations::Accepted;
use crate::calls::telephony::{AskKind, Failure, LegId};
use crate::calls::views::Seen;
use crate::ids::{AgentId, CallId, Number, WallTime};

impl Family {
    /// Brings a supervisor into a call, to watch one of its agents. Its device is rung.
    ///
    /// # Errors
    /// [`Refused`] if the watched number does not talk on the call, or the supervisor is on it already.
    pub fn monitor(
        &mut self,
        now: WallTime,
        call: &CallId,
        supervisor: Endpoint,
        monitor: Monitor,
    ) -> Result<Accepted, Refused> {
        let changed = |outcome: &Result<Accepted, Refused>| *outcome == Ok(Accepted::Changed);
        self.change(now, changed, |change| change.watch(call, supervisor, monitor))
    }

    /// There is no room on a call for a supervisor who was to be brought in: it is told, and counts as one that did not
    /// come. True if that changed anything.
    pub fn turn_away(&mut self, now: WallTime, call: &CallId, supervisor: Endpoint, monitor: Monitor) -> bool {
        self.change(
            now,
            |changed| *changed,
            |change| {
                let leg = change.invite(call, supervisor, monitor);
                // Nobody is rung.
                change.close(|ask| ask.id == leg);
                change.ended(call, leg, Failure::Failed)
            },
        )
    }

    /// Takes a supervisor off the calls that it was brought into as one, but for those of this number.
    pub fn unmonitor(&mut self, now: WallTime, supervisor: &AgentId, but: Option<&Number>) -> Accepted {
        let legs: Vec<(CallId, LegId)> =
            self.watches(supervisor, but).map(|(call, party)| (call.id.clone(), party.leg)).collect();
        let changed = |outcome: &Accepted| *outcome == Accepted::Changed;
        self.change(now, changed, |change| {
            let asked = legs.into_iter().map(|(call, leg)| change.ask_once(&call, None, AskKind::Release(leg)));
            let asked: Vec<Accepted> = asked.collect();
            if asked.contains(&Accepted::Changed) { Accepted::Changed } else { Accepted::AlreadyAsked }
        })
    }

    /// The calls on which a number talks, as far as supervisors hear them: not the consult calls that it began.
    pub fn watchable<'a>(&'a self, target: &'a Number) -> impl Iterator<Item = &'a Call> {
        self.calls.iter().filter(move |call| {
            let mut present = call.present().filter(|party| party.endpoint.number == *target);
            present.any(|party| party.state.is_talking() && !Seen { family: self, call, party }.is_side())
        })
    }

    /// The calls on which an agent is, or is about to be, as a supervisor of anybody but this number.
    pub fn watches<'a>(
        &'a self,
        supervisor: &'a AgentId,
        but: Option<&'a Number>,
    ) -> impl Iterator<Item = (&'a Call, &'a Party)> {
        let parties = self.calls.iter().flat_map(|call| call.live().map(move |party| (call, party)));
        parties.filter(move |(_, party)| {
            let target = party.monitor.as_ref().map(|monitor| &monitor.target);
            party.is_of(supervisor) && target.is_some() && target != but
        })
    }
}

impl Change<'_> {
    fn watch(&mut self, call: &CallId, supervisor: Endpoint, monitor: Monitor) -> Result<Accepted, Refused> {
        let found = self.call(call).ok_or(Refused::NotFound)?;
        let watched = |party: &Party| party.endpoint.number == monitor.target && party.state.is_talking();
        if !found.present().any(watched) {
            return Err(Refused::NotPresent(monitor.target));
        }
        found.check_number(&supervisor.number)?;
        found.check_room(1)?;
        self.invite(call, supervisor, monitor);
        Ok(Accepted::Changed)
    }

    fn invite(&mut self, call: &CallId, supervisor: Endpoint, monitor: Monitor) -> LegId {
        let (number, from) = (supervisor.number.clone(), monitor.target.clone());
        let by = supervisor.number.clone();
        let leg = self.ask(call, supervisor.home.clone(), AskKind::Dial { number, from, location: None });
        let party = Party {
            joining: Some(Joining { by, user_data: UserData::default(), entry: Entry::Added }),
            mute: monitor.mode.mute(),
            dnis: Some(supervisor.number.clone()),
            monitor: Some(monitor),
            ..Party::new(supervisor, leg, PartyState::ASKED_FOR, CallType::Internal, self.now)
        };
        if let Some(found) = self.call_mut(call) {
            found.parties.push(party);
        }
        leg
    }

    /// The supervisor is heard by others than before.
    pub(super) fn monitoring(&mut self, call: &CallId, leg: LegId, mode: MonitorMode) -> bool {
        let Some(party) = self.live_mut(leg) else { return false };
        let mute = mode.mute();
        let Some(monitor) = party.monitor.as_mut().filter(|monitor| monitor.mode != mode) else { return false };
        let was_seen = monitor.mode == MonitorMode::BargeIn;
        monitor.mode = mode;
        party.mute = mute;
        // Where the call does not go on by that, its end is what is told.
        if !was_seen || self.goes_on(call) {
            self.tell(EventKind::StatusChange, call, leg);
        }
        if was_seen {
            self.left(call);
        }
        true
    }

    /// Supervisors who came for an agent alone leave when it is not on the call any more.
    pub(super) fn unwatch(&mut self, call: &CallId) {
        let Some(found) = self.call(call) else { return };
        let is_idle = |party: &Party| {
            let watched = party.monitor.as_ref().filter(|monitor| monitor.scope == MonitorScope::Agent);
            let watched = watched.map(|monitor| &monitor.target);
            watched.is_some_and(|target| !found.has(target))
        };
        let idle: Vec<LegId> = found.live().filter(|party| is_idle(party)).map(|party| party.leg).collect();
        for leg in idle {
            self.release(leg);
            self.ask_release(call, leg);
        }
    }
}

impl MonitorMode {
    const fn mute(self) -> Mute {
        match self {
            Self::BargeIn | Self::Coach => Mute::Off,
            Self::ListenIn => Mute::On,
        }
    }
}
