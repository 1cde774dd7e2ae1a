//! Supervisors: whom they watch, and what becomes of that.

use crate::agents::model::{Event, Presence, Refused, Voice};
use crate::ids::{DeviceId, Number};

/// That an agent is brought into calls of another.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Monitoring {
    /// Whose calls.
    pub target: Watched,
    /// Who hears the supervisor there.
    pub kind: MonitorKind,
    /// How long it stays there.
    pub scope: MonitorScope,
    /// How many of the calls.
    pub calls: MonitorCalls,
}

/// The device of an agent that is watched.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Watched {
    /// The device.
    pub device: DeviceId,
    /// Its number.
    pub number: Number,
}

/// Who hears a supervisor.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MonitorKind {
    /// Everybody.
    BargeIn,
    /// The watched agent alone.
    Coach,
    /// Nobody.
    ListenIn,
}

/// How long a supervisor stays on a call.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum MonitorScope {
    /// As long as the watched agent.
    Agent,
    /// As long as the call, whatever way it goes.
    #[default]
    Call,
}

/// Into which calls of the watched agent a supervisor is brought.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum MonitorCalls {
    /// Into each, until that is cancelled.
    #[default]
    All,
    /// Into one: that which it is on, or else the next. Then it is over.
    Next,
}

impl MonitorScope {
    /// What desktops call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Agent => "Agent",
            Self::Call => "Call",
        }
    }
}

impl MonitorCalls {
    /// What desktops call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "AllCalls",
            Self::Next => "NextCall",
        }
    }
}

impl Voice {
    /// Whom the agent watches.
    pub const fn monitoring(&self) -> Option<&Monitoring> {
        match &self.presence {
            Presence::LoggedIn(shift) => shift.monitoring.as_ref(),
            Presence::LoggedOut(_) => None,
        }
    }

    /// The agent left a call that it was brought into as a supervisor. `true` if anything changed.
    pub fn handle_watched(&mut self) -> bool {
        let is_over = self.monitoring().is_some_and(|monitoring| monitoring.calls == MonitorCalls::Next);
        if is_over {
            self.watch(None);
        }
        is_over
    }

    /// Watches somebody, in place of whom it watched before.
    ///
    /// # Errors
    /// [`Refused::OwnDevice`].
    pub(super) fn monitor(&mut self, monitoring: Monitoring) -> Result<(), Refused> {
        if monitoring.target.number == self.phone.number {
            return Err(Refused::OwnDevice);
        }
        self.watch(Some(monitoring));
        Ok(())
    }

    pub(super) fn watch(&mut self, monitoring: Option<Monitoring>) {
        if let Presence::LoggedIn(shift) = &mut self.presence {
            shift.monitoring = monitoring;
            self.events.push_back(Event::DeviceChanged);
        }
    }
}
