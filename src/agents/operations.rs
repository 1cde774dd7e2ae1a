//! What comes of an operation.

use std::sync::Arc;

use crate::agents::model::{
    DoNotDisturb, Event, Failure, Operation, Presence, Refused, Shift, Start, State, Voice, WorkMode,
};
use crate::ids::{Number, WallTime};

impl Voice {
    /// Takes in what the agent wants.
    ///
    /// # Errors
    /// [`Refused`] if it cannot be; then nothing changed.
    pub fn handle_operation(&mut self, now: WallTime, operation: Operation) -> Result<(), Refused> {
        self.allows(operation.kind())?;
        match operation {
            Operation::AfterCallWork => {
                self.enter(now, State::AfterCallWork { until: None, back_to: WorkMode::AsConfigured });
            }
            Operation::AuxWork => self.enter(now, State::AuxWork),
            Operation::CancelSupervisorMonitoring => self.watch(None),
            Operation::Custom(state) => self.enter(now, State::Custom(state)),
            Operation::DoNotDisturbOff => self.disturb(DoNotDisturb::Off),
            Operation::DoNotDisturbOn => self.disturb(DoNotDisturb::On),
            Operation::EndContactCenterSession => self.log_out(Start::NEW),
            Operation::ForwardCallsOff => self.forward(None),
            Operation::ForwardCallsOn(number) => self.forward(Some(number)),
            Operation::Monitor(monitoring) => self.monitor(monitoring)?,
            Operation::NotReady { reason } => self.enter(now, State::NotReady { reason }),
            Operation::Offline => self.log_out(self.held()),
            Operation::Ready(mode) => self.enter(now, State::Ready(mode)),
            Operation::StartContactCenterSession(start) => self.log_in(now, start),
        }
        Ok(())
    }

    /// The place at which the agent would be logged in by an operation, if it is not yet.
    pub fn place_by<'a>(&'a self, operation: &'a Operation) -> Option<&'a Arc<str>> {
        let last = match &self.presence {
            Presence::LoggedIn(_) => None,
            Presence::LoggedOut(last) => last.place.as_ref(),
        };
        match operation {
            Operation::AfterCallWork
            | Operation::AuxWork
            | Operation::Custom(_)
            | Operation::NotReady { .. }
            | Operation::Ready(_) => last,
            Operation::StartContactCenterSession(start) => start.place.as_ref().or(last),
            Operation::CancelSupervisorMonitoring
            | Operation::DoNotDisturbOff
            | Operation::DoNotDisturbOn
            | Operation::EndContactCenterSession
            | Operation::ForwardCallsOff
            | Operation::ForwardCallsOn(_)
            | Operation::Monitor(_)
            | Operation::Offline => None,
        }
    }

    /// What the agent asked for could not be done, and its desktops are told.
    pub fn handle_failure(&mut self, failure: Failure) {
        self.events.push_back(Event::Error(failure));
    }

    /// Changes the agent's state. Who is logged out is logged in to it, as it was when it went.
    pub(super) fn enter(&mut self, now: WallTime, state: State) {
        match &mut self.presence {
            Presence::LoggedIn(shift) => {
                shift.state = state;
                shift.since = now;
            }
            Presence::LoggedOut(last) => {
                self.presence = Presence::LoggedIn(Shift::begin(now, std::mem::take(last), state));
            }
        }
        self.tell();
    }

    fn log_in(&mut self, now: WallTime, start: Start) {
        // What a desktop that starts again does not say stays as it was.
        let held = self.held();
        let start = Start {
            place: start.place.or(held.place),
            login_code: start.login_code.or(held.login_code),
            queue: start.queue.or(held.queue),
        };
        match &mut self.presence {
            Presence::LoggedIn(shift) => {
                let Start { place, login_code, queue } = start;
                (shift.place, shift.login_code, shift.queue) = (place, login_code, queue);
            }
            Presence::LoggedOut(_) => {
                let state = State::Ready(WorkMode::AsConfigured);
                self.presence = Presence::LoggedIn(Shift::begin(now, start, state));
            }
        }
        self.tell();
    }

    fn log_out(&mut self, last: Start) {
        self.presence = Presence::LoggedOut(last);
        self.tell();
    }

    /// How the agent is logged in, or was until it went offline.
    fn held(&self) -> Start {
        match &self.presence {
            Presence::LoggedIn(Shift { place, login_code, queue, .. }) => {
                Start { place: place.clone(), login_code: login_code.clone(), queue: queue.clone() }
            }
            Presence::LoggedOut(last) => last.clone(),
        }
    }

    fn disturb(&mut self, setting: DoNotDisturb) {
        self.do_not_disturb = setting;
        self.events.push_back(Event::DeviceChanged);
    }

    fn forward(&mut self, to: Option<Number>) {
        self.forward_to = to;
        self.events.push_back(Event::DeviceChanged);
    }

    fn tell(&mut self) {
        self.events.extend([Event::DeviceChanged, Event::ChannelChanged]);
    }
}

impl Shift {
    /// One that begins now, in this state.
    fn begin(now: WallTime, start: Start, state: State) -> Self {
        let Start { place, login_code, queue } = start;
        Self { place, login_code, queue, state, since: now, monitoring: None }
    }
}
