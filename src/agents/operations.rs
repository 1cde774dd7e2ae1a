//! What comes of an operation.

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
            Operation::EndContactCenterSession | Operation::Offline => self.log_out(),
            Operation::ForwardCallsOff => self.forward(None),
            Operation::ForwardCallsOn(number) => self.forward(Some(number)),
            Operation::Monitor(monitoring) => self.monitor(monitoring)?,
            Operation::NotReady { reason } => self.enter(now, State::NotReady { reason }),
            Operation::Ready(mode) => self.enter(now, State::Ready(mode)),
            Operation::StartContactCenterSession(start) => self.log_in(now, start),
        }
        Ok(())
    }

    /// What the agent asked for could not be done, and its desktops are told.
    pub fn handle_failure(&mut self, failure: Failure) {
        self.events.push_back(Event::Error(failure));
    }

    /// Changes the agent's state. Who is logged out is logged in to it.
    pub(super) fn enter(&mut self, now: WallTime, state: State) {
        match &mut self.presence {
            Presence::LoggedIn(shift) => {
                shift.state = state;
                shift.since = now;
            }
            Presence::LoggedOut => self.presence = Presence::LoggedIn(Shift::begin(now, Start::default(), state)),
        }
        self.tell();
    }

    fn log_in(&mut self, now: WallTime, start: Start) {
        match &mut self.presence {
            // What a desktop that starts again does not say stays as it was.
            Presence::LoggedIn(shift) => {
                shift.place = start.place.or_else(|| shift.place.take());
                shift.login_code = start.login_code.or_else(|| shift.login_code.take());
                shift.queue = start.queue.or_else(|| shift.queue.take());
            }
            Presence::LoggedOut => {
                let state = State::Ready(WorkMode::AsConfigured);
                self.presence = Presence::LoggedIn(Shift::begin(now, start, state));
            }
        }
        self.tell();
    }

    fn log_out(&mut self) {
        self.presence = Presence::LoggedOut;
        self.tell();
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
