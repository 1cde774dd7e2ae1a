//! An agent's voice channel and device, and what its desktops are told, as they are written.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::agents::{
    CustomMode, CustomState, DoNotDisturb, Event, Failure, MonitorCalls, MonitorKind, MonitorScope, Monitoring, Phone,
    Presence, Registration, Right, Shift, Start, State, Voice, Watched, WorkMode,
};
use crate::ids::{AgentId, DeviceId, Number, WallTime};

use super::family::{is_no, parse_id, same_names};

#[derive(Deserialize, Serialize)]
pub(super) struct VoiceWire {
    agent: String,
    device: String,
    number: String,
    /// None while it is logged out.
    shift: Option<ShiftWire>,
    do_not_disturb: bool,
    forward_to: Option<String>,
    #[serde(default, skip_serializing_if = "is_no")]
    may_watch: bool,
    /// Of an agent that may do nothing, and of a device that the switch does not know. Neither was written before it could
    /// be so.
    #[serde(default, skip_serializing_if = "is_no")]
    no_voice: bool,
    #[serde(default, skip_serializing_if = "is_no")]
    unregistered: bool,
    /// What it comes back to while it is logged out; None if that is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<StartWire>,
}

#[derive(Deserialize, Serialize)]
struct StartWire {
    place: Option<Arc<str>>,
    login_code: Option<Arc<str>>,
    queue: Option<Arc<str>>,
}

#[derive(Deserialize, Serialize)]
struct ShiftWire {
    place: Option<Arc<str>>,
    login_code: Option<Arc<str>>,
    queue: Option<Arc<str>>,
    state: StateWire,
    since: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    monitoring: Option<MonitoringWire>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum KindWire {
    BargeIn,
    Coach,
    ListenIn,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum ScopeWire {
    Agent,
    Call,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum CallsWire {
    All,
    Next,
}

#[derive(Deserialize, Serialize)]
struct MonitoringWire {
    device: String,
    number: String,
    kind: KindWire,
    scope: ScopeWire,
    calls: CallsWire,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum StateWire {
    AfterCallWork { until: Option<u64>, back_to: ModeWire },
    AuxWork,
    Custom(CustomWire),
    NotReady { reason: Option<Arc<str>> },
    Ready { mode: ModeWire },
}

#[derive(Deserialize, Serialize)]
struct CustomWire {
    operation: Arc<str>,
    id: Arc<str>,
    display_name: Arc<str>,
    mode: Option<CustomModeWire>,
    reason: Option<Arc<str>>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum CustomModeWire {
    AfterCallWork,
    AuxWork,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum ModeWire {
    AsConfigured,
    AutoIn,
    ManualIn,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum EventWire {
    ChannelChanged,
    DeviceChanged,
    NotRegistered,
}

impl VoiceWire {
    pub(super) fn of(voice: &Voice) -> Self {
        Self {
            agent: voice.agent.to_string(),
            device: voice.phone.device.to_string(),
            number: voice.phone.number.to_string(),
            shift: match &voice.presence {
                Presence::LoggedIn(shift) => Some(ShiftWire::of(shift)),
                Presence::LoggedOut(_) => None,
            },
            do_not_disturb: voice.do_not_disturb == DoNotDisturb::On,
            forward_to: voice.forward_to.as_ref().map(Number::to_string),
            may_watch: voice.phone.supervision == Right::Granted,
            no_voice: voice.phone.voice == Right::Withheld,
            unregistered: voice.phone.registration == Registration::Unregistered,
            last: match &voice.presence {
                Presence::LoggedOut(start) if *start != Start::NEW => Some(StartWire::of(start)),
                Presence::LoggedIn(_) | Presence::LoggedOut(_) => None,
            },
        }
    }

    pub(super) fn value(self) -> Result<Voice, String> {
        let right = |granted| if granted { Right::Granted } else { Right::Withheld };
        Ok(Voice {
            agent: parse_id(&self.agent, AgentId::parse)?,
            phone: Phone {
                device: parse_id(&self.device, DeviceId::parse)?,
                number: parse_id(&self.number, Number::parse)?,
                supervision: right(self.may_watch),
                voice: right(!self.no_voice),
                registration: match self.unregistered {
                    true => Registration::Unregistered,
                    false => Registration::Registered,
                },
            },
            presence: match self.shift {
                Some(shift) => Presence::LoggedIn(shift.value()?),
                None => Presence::LoggedOut(self.last.map_or(Start::NEW, StartWire::value)),
            },
            do_not_disturb: if self.do_not_disturb { DoNotDisturb::On } else { DoNotDisturb::Off },
            forward_to: self.forward_to.map(|number| parse_id(&number, Number::parse)).transpose()?,
            events: VecDeque::new(),
        })
    }
}

impl StartWire {
    fn of(start: &Start) -> Self {
        let Start { place, login_code, queue } = start.clone();
        Self { place, login_code, queue }
    }

    fn value(self) -> Start {
        let Self { place, login_code, queue } = self;
        Start { place, login_code, queue }
    }
}

impl ShiftWire {
    fn of(shift: &Shift) -> Self {
        Self {
            place: shift.place.clone(),
            login_code: shift.login_code.clone(),
            queue: shift.queue.clone(),
            state: StateWire::of(&shift.state),
            since: shift.since.millis(),
            monitoring: shift.monitoring.as_ref().map(MonitoringWire::of),
        }
    }

    fn value(self) -> Result<Shift, String> {
        Ok(Shift {
            place: self.place,
            login_code: self.login_code,
            queue: self.queue,
            state: self.state.value(),
            since: WallTime::from_millis(self.since),
            monitoring: self.monitoring.map(MonitoringWire::value).transpose()?,
        })
    }
}

impl MonitoringWire {
    fn of(monitoring: &Monitoring) -> Self {
        Self {
            device: monitoring.target.device.to_string(),
            number: monitoring.target.number.to_string(),
            kind: KindWire::of(monitoring.kind),
            scope: ScopeWire::of(monitoring.scope),
            calls: CallsWire::of(monitoring.calls),
        }
    }

    fn value(self) -> Result<Monitoring, String> {
        Ok(Monitoring {
            target: Watched {
                device: parse_id(&self.device, DeviceId::parse)?,
                number: parse_id(&self.number, Number::parse)?,
            },
            kind: self.kind.value(),
            scope: self.scope.value(),
            calls: self.calls.value(),
        })
    }
}

same_names!(KindWire, MonitorKind, BargeIn, Coach, ListenIn);
same_names!(ScopeWire, MonitorScope, Agent, Call);
same_names!(CallsWire, MonitorCalls, All, Next);

impl StateWire {
    fn of(state: &State) -> Self {
        match state {
            State::AfterCallWork { until, back_to } => {
                Self::AfterCallWork { until: until.map(WallTime::millis), back_to: ModeWire::of(*back_to) }
            }
            State::AuxWork => Self::AuxWork,
            State::Custom(custom) => Self::Custom(CustomWire::of(custom)),
            State::NotReady { reason } => Self::NotReady { reason: reason.clone() },
            State::Ready(mode) => Self::Ready { mode: ModeWire::of(*mode) },
        }
    }

    fn value(self) -> State {
        match self {
            Self::AfterCallWork { until, back_to } => {
                State::AfterCallWork { until: until.map(WallTime::from_millis), back_to: back_to.value() }
            }
            Self::AuxWork => State::AuxWork,
            Self::Custom(custom) => State::Custom(custom.value()),
            Self::NotReady { reason } => State::NotReady { reason },
            Self::Ready { mode } => State::Ready(mode.value()),
        }
    }
}

impl CustomWire {
    fn of(custom: &CustomState) -> Self {
        let CustomState { operation, id, display_name, mode, reason } = custom.clone();
        let mode = mode.map(|mode| match mode {
            CustomMode::AfterCallWork => CustomModeWire::AfterCallWork,
            CustomMode::AuxWork => CustomModeWire::AuxWork,
        });
        Self { operation, id, display_name, mode, reason }
    }

    fn value(self) -> CustomState {
        let Self { operation, id, display_name, mode, reason } = self;
        let mode = mode.map(|mode| match mode {
            CustomModeWire::AfterCallWork => CustomMode::AfterCallWork,
            CustomModeWire::AuxWork => CustomMode::AuxWork,
        });
        CustomState { operation, id, display_name, mode, reason }
    }
}

impl ModeWire {
    const fn of(mode: WorkMode) -> Self {
        match mode {
            WorkMode::AsConfigured => Self::AsConfigured,
            WorkMode::AutoIn => Self::AutoIn,
            WorkMode::ManualIn => Self::ManualIn,
        }
    }

    const fn value(self) -> WorkMode {
        match self {
            Self::AsConfigured => WorkMode::AsConfigured,
            Self::AutoIn => WorkMode::AutoIn,
            Self::ManualIn => WorkMode::ManualIn,
        }
    }
}

impl EventWire {
    pub(super) const fn of(event: Event) -> Self {
        match event {
            Event::ChannelChanged => Self::ChannelChanged,
            Event::DeviceChanged => Self::DeviceChanged,
            Event::Error(Failure::NotRegistered) => Self::NotRegistered,
        }
    }

    pub(super) const fn value(self) -> Event {
        match self {
            Self::ChannelChanged => Event::ChannelChanged,
            Self::DeviceChanged => Event::DeviceChanged,
            Self::NotRegistered => Event::Error(Failure::NotRegistered),
        }
    }
}
