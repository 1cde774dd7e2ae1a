//! What was written of agents comes back.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::agents::{
    AfterCall, Direction, Kind, MonitorCalls, MonitorKind, MonitorScope, Monitoring, NotAnswered, Operation, Phone,
    Right, Rules, Start, Voice, Watched, WorkMode,
};
use crate::ids::{AgentId, DeviceId, LoginId, Number, Position, WallTime};
use crate::log::Expected;
use crate::records::{AgentCause, AgentChanged, LoginEnded, Payload, decode};

use super::round_trip::{ID, TIME, placed};

#[test]
fn an_agent_comes_back_as_it_was_after_each_thing_that_happened() {
    let mut random = StdRng::seed_from_u64(50);
    let phone = Phone::new(DeviceId::parse("device").unwrap(), Number::parse("+1 5000").unwrap());
    let phone = Phone { supervision: Right::Granted, ..phone };
    let mut voice = Voice::new(AgentId::parse("ägent 1").unwrap(), phone);
    let rules = Rules { after_call: AfterCall::Always, after_call_time: None, not_answered: NotAnswered::NotReady };
    let mut phases = std::collections::BTreeSet::new();
    for _ in 0..2000 {
        let at = Position::new(random.random_range(1..1 << 53));
        let (cause, changed) = match random.random_range(0..6) {
            0 => (AgentCause::CallEnded(at), voice.handle_call_ended(TIME, &rules, Direction::Made)),
            2 => (AgentCause::Watched(at), voice.handle_watched()),
            1 => (AgentCause::NotAnswered(at), voice.handle_not_answered(TIME, &rules)),
            _ => {
                let operation = some_operation(&mut random);
                let name = operation.kind().name().into();
                let outcome = voice.handle_operation(TIME, operation);
                (AgentCause::Operation { name, key: None }, outcome.is_ok())
            }
        };
        if changed {
            let changed = AgentChanged::new(cause, voice.clone());
            assert!(!changed.events.is_empty() && changed.voice.events.is_empty());
            voice.events.clear();
            let record = placed(changed.record(ID, TIME, Expected::Any));
            phases.insert(voice.phase());
            assert_eq!(decode(&record).unwrap(), Payload::AgentChanged(changed));
            assert!(!record.ends, "what is set stays so for the next shift");
        }
    }
    assert_eq!(phases.len(), 5);
}

#[test]
fn the_end_of_a_login_is_forgotten_by_a_record_of_the_same_subject() {
    let ended = LoginEnded {
        login: LoginId::draw(),
        agent: AgentId::parse("15000").unwrap(),
        until: WallTime::from_millis(1 << 50),
    };
    let (known, forgotten) = (ended.record(ID, TIME), ended.forgotten(ID, TIME));
    assert_eq!((known.ends, forgotten.ends), (false, true));
    assert_eq!(known.subject, forgotten.subject);
    assert_eq!(decode(&placed(known)).unwrap(), Payload::LoginEnded(ended));
}

fn some_operation(random: &mut StdRng) -> Operation {
    match Kind::ALL[random.random_range(0..Kind::ALL.len())] {
        Kind::AfterCallWork => Operation::AfterCallWork,
        Kind::AuxWork => Operation::AuxWork,
        Kind::DoNotDisturbOff => Operation::DoNotDisturbOff,
        Kind::DoNotDisturbOn => Operation::DoNotDisturbOn,
        Kind::EndContactCenterSession | Kind::Offline => Operation::Offline,
        Kind::ForwardCallsOff => Operation::ForwardCallsOff,
        Kind::ForwardCallsOn => Operation::ForwardCallsOn(Number::parse("7000").unwrap()),
        kind @ (Kind::BargeIn | Kind::Coach | Kind::ListenIn) => Operation::Monitor(some_monitoring(random, kind)),
        Kind::CancelSupervisorMonitoring => Operation::CancelSupervisorMonitoring,
        Kind::Custom | Kind::NotReady => {
            Operation::NotReady { reason: random.random::<bool>().then(|| "\u{1F600}\"".into()) }
        }
        Kind::Ready => Operation::Ready([WorkMode::AutoIn, WorkMode::ManualIn][random.random_range(0..2)]),
        Kind::StartContactCenterSession => {
            let place = random.random::<bool>().then(|| "place".into());
            Operation::StartContactCenterSession(Start { place, login_code: None, queue: None })
        }
    }
}

fn some_monitoring(random: &mut StdRng, kind: Kind) -> Monitoring {
    let kinds = [MonitorKind::BargeIn, MonitorKind::Coach, MonitorKind::ListenIn];
    Monitoring {
        target: Watched { device: DeviceId::parse("other").unwrap(), number: Number::parse("5001").unwrap() },
        kind: kinds.into_iter().find(|each| each.operation() == kind).unwrap(),
        scope: [MonitorScope::Agent, MonitorScope::Call][random.random_range(0..2)],
        calls: [MonitorCalls::All, MonitorCalls::Next][random.random_range(0..2)],
    }
}
