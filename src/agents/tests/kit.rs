//! How an agent gets into each phase, and how it is shown in a table.

use crate::agents::{
    CustomMode, CustomState, DoNotDisturb, Event, Kind, MonitorCalls, MonitorKind, MonitorScope, Monitoring, Operation,
    Phase, Phone, Presence, Start, State, Voice, Watched, WorkMode,
};
use crate::ids::{AgentId, DeviceId, Number, WallTime};

pub(super) const NOW: WallTime = WallTime::from_millis(1_700_000_000_000);

/// So many seconds after [`NOW`].
pub(super) const fn later(seconds: u64) -> WallTime {
    WallTime::from_millis(NOW.millis() + seconds * 1000)
}

pub(super) fn newcomer() -> Voice {
    let phone = Phone::new(DeviceId::parse("device").unwrap(), number("15000"));
    Voice::new(AgentId::parse("15000").unwrap(), phone)
}

pub(super) fn number(text: &str) -> Number {
    Number::parse(text).unwrap()
}

pub(super) fn lunch() -> CustomState {
    CustomState {
        operation: "OutToLunch".into(),
        id: "D6A4CD6A-1F4B-4A5E-8B15-3C0E6F1B9C11".into(),
        display_name: "Out to Lunch".into(),
        mode: Some(CustomMode::AuxWork),
        reason: Some("Lunch".into()),
    }
}

/// 15001 is to be watched.
pub(super) fn watched(kind: MonitorKind) -> Monitoring {
    let target = Watched { device: DeviceId::parse("other").unwrap(), number: number("15001") };
    Monitoring { target, kind, scope: MonitorScope::Call, calls: MonitorCalls::All }
}

fn watch(kind: MonitorKind) -> Operation {
    Operation::Monitor(watched(kind))
}

/// An operation of this kind.
pub(super) fn operation(kind: Kind) -> Operation {
    match kind {
        Kind::AfterCallWork => Operation::AfterCallWork,
        Kind::AuxWork => Operation::AuxWork,
        Kind::BargeIn => watch(MonitorKind::BargeIn),
        Kind::CancelSupervisorMonitoring => Operation::CancelSupervisorMonitoring,
        Kind::Coach => watch(MonitorKind::Coach),
        Kind::Custom => Operation::Custom(lunch()),
        Kind::DoNotDisturbOff => Operation::DoNotDisturbOff,
        Kind::DoNotDisturbOn => Operation::DoNotDisturbOn,
        Kind::EndContactCenterSession => Operation::EndContactCenterSession,
        Kind::ForwardCallsOff => Operation::ForwardCallsOff,
        Kind::ForwardCallsOn => Operation::ForwardCallsOn(number("5001")),
        Kind::ListenIn => watch(MonitorKind::ListenIn),
        Kind::NotReady => Operation::NotReady { reason: Some("Tea".into()) },
        Kind::Offline => Operation::Offline,
        Kind::Ready => Operation::Ready(WorkMode::AsConfigured),
        Kind::StartContactCenterSession => Operation::StartContactCenterSession(Start::default()),
    }
}

/// An agent in this phase, whose events were polled.
pub(super) fn agent_in(phase: Phase) -> Voice {
    let mut voice = newcomer();
    let way: &[Kind] = match phase {
        Phase::LoggedOut => &[],
        Phase::Ready => &[Kind::StartContactCenterSession],
        Phase::NotReady => &[Kind::StartContactCenterSession, Kind::NotReady],
        Phase::AfterCallWork => &[Kind::StartContactCenterSession, Kind::AfterCallWork],
        Phase::AuxWork => &[Kind::StartContactCenterSession, Kind::AuxWork],
    };
    for kind in way {
        voice.handle_operation(NOW, operation(*kind)).unwrap();
    }
    while voice.poll_event().is_some() {}
    assert_eq!(voice.phase(), phase);
    voice
}

/// An agent in one line, with its events.
pub(super) fn shown(voice: &mut Voice) -> String {
    let mut line = match &voice.presence {
        Presence::LoggedOut(_) => "logged out".to_owned(),
        Presence::LoggedIn(shift) => match &shift.state {
            State::AfterCallWork { until: None, .. } => "AfterCallWork".to_owned(),
            State::AfterCallWork { until: Some(until), .. } => {
                format!("AfterCallWork for {}s", until.since(shift.since).as_secs())
            }
            State::AuxWork => "AuxWork".to_owned(),
            State::Custom(custom) => format!("NotReady as {}", custom.operation),
            State::NotReady { reason: None } => "NotReady".to_owned(),
            State::NotReady { reason: Some(reason) } => format!("NotReady for {reason}"),
            State::Ready(WorkMode::AsConfigured) => "Ready".to_owned(),
            State::Ready(mode) => format!("Ready, {mode:?}"),
        },
    };
    if voice.do_not_disturb == DoNotDisturb::On {
        line.push_str(", do not disturb");
    }
    if let Some(number) = &voice.forward_to {
        line.push_str(&format!(", to {number}"));
    }
    if let Some(Monitoring { target, kind, scope, calls }) = voice.monitoring() {
        line.push_str(&format!(", {} {} {} {}", kind.operation(), target.number, calls.name(), scope.name()));
    }
    while let Some(event) = voice.poll_event() {
        line.push_str(match event {
            Event::ChannelChanged => " [channel]",
            Event::DeviceChanged => " [device]",
            Event::Error(_) => " [error]",
        });
    }
    line
}
