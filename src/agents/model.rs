//! The values: an agent's voice state, what can be wanted of it, and what its desktops are told. Their fields are open
//! inside the library: `records` writes them down and reads them back, `gws` shows them.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::agents::monitoring::Monitoring;
use crate::agents::table::{Kind, Phase};
use crate::ids::{AgentId, DeviceId, Number, WallTime};

/// An agent's voice channel and device: one subject of the log, one thing that changes at a time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Voice {
    /// Whose.
    pub agent: AgentId,
    /// The agent's device.
    pub phone: Phone,
    /// Whether the agent is logged in, and how.
    pub presence: Presence,
    /// Whether the device takes no calls. It stays so while the agent is logged out.
    pub do_not_disturb: DoNotDisturb,
    /// Where calls to the device go instead. It stays so while the agent is logged out.
    pub forward_to: Option<Number>,
    /// What happened and has not been polled. Empty in anything written down.
    pub events: VecDeque<Event>,
}

/// A device, and what is fixed of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Phone {
    /// The device.
    pub device: DeviceId,
    /// Its number.
    pub number: Number,
    /// Whether its agent may watch others.
    pub supervision: Right,
    /// Whether its agent may do anything but log out, and cancel what watching it had begun.
    pub voice: Right,
    /// Whether the switch knows it.
    pub registration: Registration,
}

/// Whether something may be done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Right {
    /// It may.
    Granted,
    /// It may not.
    Withheld,
}

/// Whether the switch knows a device. Whatever is wanted of one that it does not know fails there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Registration {
    /// It does.
    Registered,
    /// It does not.
    Unregistered,
}

/// What an agent needs for an operation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Permission {
    /// To watch others.
    Supervision,
    /// To do anything at all.
    Voice,
}

/// Whether an agent is logged in at the telephone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Presence {
    /// It is.
    LoggedIn(Shift),
    /// It is not. What it comes back to, if it only went offline: nothing once its session has ended.
    LoggedOut(Start),
}

/// What holds for an agent from its log-in to its log-out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Shift {
    /// The place that it works at, as its desktop named it.
    pub place: Option<Arc<str>>,
    /// Its login at the switch.
    pub login_code: Option<Arc<str>>,
    /// The queue that it logged in to.
    pub queue: Option<Arc<str>>,
    /// Whether it takes calls of queues.
    pub state: State,
    /// Since when it is in this state.
    pub since: WallTime,
    /// Whom it watches.
    pub monitoring: Option<Monitoring>,
}

/// Whether an agent that is logged in takes calls of queues, and why not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum State {
    /// It finishes what its last call left to do.
    AfterCallWork {
        /// When that is over by itself. `None`: when the agent says so.
        until: Option<WallTime>,
        /// How it is ready then.
        back_to: WorkMode,
    },
    /// It does something else.
    AuxWork,
    /// It is not ready for a reason of the operator's own.
    Custom(CustomState),
    /// It is not ready.
    NotReady {
        /// Why, in the agent's own word.
        reason: Option<Arc<str>>,
    },
    /// It takes calls.
    Ready(WorkMode),
}

/// What becomes of an agent that is ready when its call has ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WorkMode {
    /// What the rules say.
    AsConfigured,
    /// It is ready for the next one.
    AutoIn,
    /// It has work to do, until it says that it is ready.
    ManualIn,
}

/// A state that the operator made up: a way of being not ready, with a name of its own.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CustomState {
    /// By which desktops ask for it.
    pub operation: Arc<str>,
    /// By which desktops know it.
    pub id: Arc<str>,
    /// What people call it.
    pub display_name: Arc<str>,
    /// The work mode that is shown.
    pub mode: Option<CustomMode>,
    /// The reason that is shown.
    pub reason: Option<Arc<str>>,
}

/// The work mode of a state that the operator made up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CustomMode {
    /// `AfterCallWork`.
    AfterCallWork,
    /// `AuxWork`.
    AuxWork,
}

/// Whether a device takes no calls.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DoNotDisturb {
    /// It takes calls.
    Off,
    /// It takes none.
    On,
}

/// What an agent wants of its voice channel or its device.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Operation {
    /// Do what the last call left to do.
    AfterCallWork,
    /// Do something else.
    AuxWork,
    /// Watch nobody any more.
    CancelSupervisorMonitoring,
    /// Be not ready, in a state that the operator made up.
    Custom(CustomState),
    /// Take calls again.
    DoNotDisturbOff,
    /// Take no calls.
    DoNotDisturbOn,
    /// Log out: the last thing that a desktop asks for.
    EndContactCenterSession,
    /// Have calls come to the device again.
    ForwardCallsOff,
    /// Have calls to the device go elsewhere.
    ForwardCallsOn(Number),
    /// Be brought into another agent's calls.
    Monitor(Monitoring),
    /// Be not ready.
    NotReady {
        /// Why, in the agent's own word.
        reason: Option<Arc<str>>,
    },
    /// Log out of the telephone.
    Offline,
    /// Be ready.
    Ready(WorkMode),
    /// Log in, and be ready. Who is logged in stays as it is.
    StartContactCenterSession(Start),
}

/// How an agent logs in.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Start {
    /// The place that it works at.
    pub place: Option<Arc<str>>,
    /// Its login at the switch.
    pub login_code: Option<Arc<str>>,
    /// The queue that it logs in to.
    pub queue: Option<Arc<str>>,
}

/// Why an operation was not accepted. The text is for the agent's desktop.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refused {
    /// The device's setting is so already.
    #[error("{0} is not allowed: the device is set so already")]
    AlreadySet(Kind),
    /// Another agent has the device or the place.
    #[error("the device or place {0} belongs to another agent")]
    InUse(Arc<str>),
    /// There is no such device.
    #[error("the device is not known")]
    NotFound,
    /// The agent lacks the feature for that.
    #[error("the feature for {0} is missing")]
    NotPermitted(Permission),
    /// The switch does not know the device.
    #[error("the device is not registered")]
    NotRegistered,
    /// Nobody is watched there.
    #[error("nobody is watched, so that there is nothing to cancel")]
    NotWatching,
    /// It is the agent's own device.
    #[error("nobody watches itself")]
    OwnDevice,
    /// The agent is not in a state for that.
    #[error("{operation} is not allowed while the agent is {phase}")]
    WrongState {
        /// The operation.
        operation: Kind,
        /// The state.
        phase: Phase,
    },
}

/// What an agent's desktops are told. It is shown from the state as it is after the whole change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Event {
    /// The state of the voice channel changed.
    ChannelChanged,
    /// The device changed.
    DeviceChanged,
    /// What the agent asked for could not be done.
    Error(Failure),
}

/// Why what an agent asked for could not be done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Failure {
    /// The switch does not know the device.
    NotRegistered,
}

impl Start {
    /// Of who logs in for the first time, and says nothing.
    pub const NEW: Self = Self { place: None, login_code: None, queue: None };
}

impl Phone {
    /// A device that the switch knows, and whose agent may watch nobody.
    pub const fn new(device: DeviceId, number: Number) -> Self {
        Self {
            device,
            number,
            supervision: Right::Withheld,
            voice: Right::Granted,
            registration: Registration::Registered,
        }
    }
}

impl Voice {
    /// An agent that never logged in.
    pub const fn new(agent: AgentId, phone: Phone) -> Self {
        Self {
            agent,
            phone,
            presence: Presence::LoggedOut(Start::NEW),
            do_not_disturb: DoNotDisturb::Off,
            forward_to: None,
            events: VecDeque::new(),
        }
    }

    /// Whether a queue may send the agent a call: not one that could do nothing with it.
    pub const fn is_ready(&self) -> bool {
        let Phone { voice, registration, .. } = &self.phone;
        let may_take_it = matches!((voice, registration), (Right::Granted, Registration::Registered));
        matches!(self.phase(), Phase::Ready) && matches!(self.do_not_disturb, DoNotDisturb::Off) && may_take_it
    }

    /// What happened next. To be polled until there is nothing more, after each change.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Which column of the table it stands in.
    pub const fn phase(&self) -> Phase {
        match &self.presence {
            Presence::LoggedOut(_) => Phase::LoggedOut,
            Presence::LoggedIn(shift) => match shift.state {
                State::AfterCallWork { .. } => Phase::AfterCallWork,
                State::AuxWork => Phase::AuxWork,
                State::Custom(_) | State::NotReady { .. } => Phase::NotReady,
                State::Ready(_) => Phase::Ready,
            },
        }
    }
}
