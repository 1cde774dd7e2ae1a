//! Supervisors who listen to a call, whisper to its agent, or take part.

use crate::calls::change::Change;
use crate::calls::model::{
    CallType, Endpoint, Entry, EventKind, Family, Joining, Monitor, MonitorMode, Mute, Party, PartyState, UserData,
};
use crate::calls::operation::Refused;
use crate::calls::operations::Accepted;
use crate::calls::telephony::{AskKind, LegId};
use crate::ids::{CallId, WallTime};

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
}

impl Change<'_> {
    fn watch(&mut self, call: &CallId, supervisor: Endpoint, monitor: Monitor) -> Result<Accepted, Refused> {
        let found = self.call(call).ok_or(Refused::NotFound)?;
        let watched = |party: &Party| party.endpoint.number == monitor.target && party.state.is_talking();
        if !found.present().any(watched) {
            return Err(Refused::NotPresent(monitor.target));
        }
        if found.live().any(|party| party.endpoint.number == supervisor.number) {
            return Err(Refused::AlreadyPresent(supervisor.number));
        }
        let (number, from) = (supervisor.number.clone(), monitor.target.clone());
        let by = supervisor.number.clone();
        let leg = self.ask(call, supervisor.home.clone(), AskKind::Dial { number, from, location: None });
        let party = Party {
            joining: Some(Joining { by, user_data: UserData::default(), entry: Entry::Added }),
            mute: monitor.mode.mute(),
            dnis: Some(supervisor.number.clone()),
            monitor: Some(monitor),
            ..Party::new(supervisor, leg, PartyState::Invited, CallType::Internal, self.now)
        };
        if let Some(found) = self.call_mut(call) {
            found.parties.push(party);
        }
        Ok(Accepted::Changed)
    }

    /// The supervisor is heard by others than before.
    pub(super) fn monitoring(&mut self, call: &CallId, leg: LegId, mode: MonitorMode) -> bool {
        let Some(party) = self.live_mut(leg) else { return false };
        let mute = mode.mute();
        let Some(monitor) = party.monitor.as_mut().filter(|monitor| monitor.mode != mode) else { return false };
        let was_seen = monitor.mode == MonitorMode::BargeIn;
        monitor.mode = mode;
        party.mute = mute;
        self.tell(EventKind::StatusChange, call, leg);
        if was_seen {
            self.left(call);
        }
        true
    }

    /// Supervisors whose agent is not on the call any more leave it.
    pub(super) fn unwatch(&mut self, call: &CallId) {
        let Some(found) = self.call(call) else { return };
        let is_idle = |party: &Party| {
            let watched = party.monitor.as_ref().map(|monitor| &monitor.target);
            watched.is_some_and(|target| !found.live().any(|other| other.endpoint.number == *target))
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
