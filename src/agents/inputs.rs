//! What becomes of an agent's calls, and of time: changes that no agent asked for.

use std::time::Duration;

use crate::agents::model::{Presence, State, Voice, WorkMode};
use crate::ids::WallTime;

/// What the operator wants to happen by itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rules {
    /// After which calls there is work, for an agent that did not say so itself.
    pub after_call: AfterCall,
    /// How long that work takes. `None`: until the agent says that it is ready.
    pub after_call_time: Option<Duration>,
    /// What becomes of an agent that lets a call of a queue ring.
    pub not_answered: NotAnswered,
}

/// After which calls an agent has work to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AfterCall {
    /// After each that it talked on.
    Always,
    /// After none.
    Never,
    /// After those that came to it.
    Received,
}

/// What becomes of an agent that lets a call of a queue ring.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NotAnswered {
    /// It is not ready any more: it may not be there.
    NotReady,
    /// It stays as it is.
    Stay,
}

/// Who made a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Direction {
    /// The agent.
    Made,
    /// Somebody else.
    Received,
}

impl Voice {
    /// The agent's call ended, and it has no other. `true` if anything changed.
    pub fn handle_call_ended(&mut self, now: WallTime, rules: &Rules, direction: Direction) -> bool {
        let Presence::LoggedIn(shift) = &self.presence else { return false };
        let State::Ready(mode) = shift.state else { return false };
        if !has_work(mode, rules.after_call, direction) {
            return false;
        }
        let until = match mode {
            WorkMode::AsConfigured | WorkMode::AutoIn => rules.after_call_time.map(|time| after(now, time)),
            WorkMode::ManualIn => None,
        };
        self.enter(now, State::AfterCallWork { until, back_to: mode });
        true
    }

    /// A queue sent the agent a call, and it was not answered. `true` if anything changed.
    pub fn handle_not_answered(&mut self, now: WallTime, rules: &Rules) -> bool {
        let Presence::LoggedIn(shift) = &self.presence else { return false };
        let State::Ready(_) = shift.state else { return false };
        match rules.not_answered {
            NotAnswered::NotReady => {
                self.enter(now, State::NotReady { reason: None });
                true
            }
            NotAnswered::Stay => false,
        }
    }

    /// Time passed. `true` if anything changed.
    pub fn handle_timeout(&mut self, now: WallTime) -> bool {
        let Presence::LoggedIn(shift) = &self.presence else { return false };
        let State::AfterCallWork { until: Some(until), back_to } = shift.state else { return false };
        let over = until <= now;
        if over {
            self.enter(now, State::Ready(back_to));
        }
        over
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub const fn poll_timeout(&self) -> Option<WallTime> {
        match &self.presence {
            Presence::LoggedIn(shift) => match shift.state {
                State::AfterCallWork { until, .. } => until,
                State::AuxWork | State::Custom(_) | State::NotReady { .. } | State::Ready(_) => None,
            },
            Presence::LoggedOut(_) => None,
        }
    }
}

/// What an agent said when it got ready goes before the rules.
const fn has_work(mode: WorkMode, rule: AfterCall, direction: Direction) -> bool {
    match (mode, rule) {
        (WorkMode::AutoIn, _) | (WorkMode::AsConfigured, AfterCall::Never) => false,
        (WorkMode::ManualIn, _) | (WorkMode::AsConfigured, AfterCall::Always) => true,
        (WorkMode::AsConfigured, AfterCall::Received) => matches!(direction, Direction::Received),
    }
}

fn after(now: WallTime, time: Duration) -> WallTime {
    WallTime::from_millis(now.millis().saturating_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
}
