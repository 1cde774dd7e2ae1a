//! Each cell: what each operation does in each phase.

use expect_test::expect;

use crate::agents::tests::kit::{NOW, agent_in, later, newcomer, number, operation, shown};
use crate::agents::{Failure, Kind, Operation, Phase, Presence, Refused, Shift, Start, State, Voice, WorkMode};

#[test]
fn each_phase_allows_its_operations() {
    let mut table = String::new();
    for phase in Phase::ALL {
        table.push_str(&format!("{phase:?}\n"));
        for kind in Kind::ALL {
            let mut voice = agent_in(phase);
            let before = voice.clone();
            let allowed = voice.allows(kind);
            let outcome = match voice.handle_operation(NOW, operation(kind)) {
                Ok(()) => shown(&mut voice),
                Err(ref refused) => {
                    assert_eq!(voice, before, "a refusal changes nothing");
                    format!("no: {refused}")
                }
            };
            assert_eq!(allowed.is_ok(), !outcome.starts_with("no: "));
            table.push_str(&format!("- {kind}: {outcome}\n"));
        }
    }
    expect![[r#"
        LoggedOut
        - AfterCallWork: AfterCallWork [device] [channel]
        - AuxWork: AuxWork [device] [channel]
        - BargeIn: no: the feature for watching others is missing
        - CancelSupervisorMonitoring: no: the feature for watching others is missing
        - Coach: no: the feature for watching others is missing
        - Custom: NotReady as OutToLunch [device] [channel]
        - DoNotDisturbOff: no: DoNotDisturbOff is not allowed: the device is set so already
        - DoNotDisturbOn: logged out, do not disturb [device]
        - EndContactCenterSession: logged out [device] [channel]
        - ForwardCallsOff: no: ForwardCallsOff is not allowed: the device is set so already
        - ForwardCallsOn: logged out, to 5001 [device]
        - ListenIn: no: the feature for watching others is missing
        - NotReady: NotReady for Tea [device] [channel]
        - Offline: no: Offline is not allowed while the agent is logged out
        - Ready: Ready [device] [channel]
        - StartContactCenterSession: Ready [device] [channel]
        Ready
        - AfterCallWork: AfterCallWork [device] [channel]
        - AuxWork: AuxWork [device] [channel]
        - BargeIn: no: the feature for watching others is missing
        - CancelSupervisorMonitoring: no: the feature for watching others is missing
        - Coach: no: the feature for watching others is missing
        - Custom: NotReady as OutToLunch [device] [channel]
        - DoNotDisturbOff: no: DoNotDisturbOff is not allowed: the device is set so already
        - DoNotDisturbOn: Ready, do not disturb [device]
        - EndContactCenterSession: logged out [device] [channel]
        - ForwardCallsOff: no: ForwardCallsOff is not allowed: the device is set so already
        - ForwardCallsOn: Ready, to 5001 [device]
        - ListenIn: no: the feature for watching others is missing
        - NotReady: NotReady for Tea [device] [channel]
        - Offline: logged out [device] [channel]
        - Ready: Ready [device] [channel]
        - StartContactCenterSession: Ready [device] [channel]
        NotReady
        - AfterCallWork: AfterCallWork [device] [channel]
        - AuxWork: AuxWork [device] [channel]
        - BargeIn: no: the feature for watching others is missing
        - CancelSupervisorMonitoring: no: the feature for watching others is missing
        - Coach: no: the feature for watching others is missing
        - Custom: NotReady as OutToLunch [device] [channel]
        - DoNotDisturbOff: no: DoNotDisturbOff is not allowed: the device is set so already
        - DoNotDisturbOn: NotReady for Tea, do not disturb [device]
        - EndContactCenterSession: logged out [device] [channel]
        - ForwardCallsOff: no: ForwardCallsOff is not allowed: the device is set so already
        - ForwardCallsOn: NotReady for Tea, to 5001 [device]
        - ListenIn: no: the feature for watching others is missing
        - NotReady: NotReady for Tea [device] [channel]
        - Offline: logged out [device] [channel]
        - Ready: Ready [device] [channel]
        - StartContactCenterSession: NotReady for Tea [device] [channel]
        AfterCallWork
        - AfterCallWork: AfterCallWork [device] [channel]
        - AuxWork: AuxWork [device] [channel]
        - BargeIn: no: the feature for watching others is missing
        - CancelSupervisorMonitoring: no: the feature for watching others is missing
        - Coach: no: the feature for watching others is missing
        - Custom: NotReady as OutToLunch [device] [channel]
        - DoNotDisturbOff: no: DoNotDisturbOff is not allowed: the device is set so already
        - DoNotDisturbOn: AfterCallWork, do not disturb [device]
        - EndContactCenterSession: logged out [device] [channel]
        - ForwardCallsOff: no: ForwardCallsOff is not allowed: the device is set so already
        - ForwardCallsOn: AfterCallWork, to 5001 [device]
        - ListenIn: no: the feature for watching others is missing
        - NotReady: NotReady for Tea [device] [channel]
        - Offline: logged out [device] [channel]
        - Ready: Ready [device] [channel]
        - StartContactCenterSession: AfterCallWork [device] [channel]
        AuxWork
        - AfterCallWork: AfterCallWork [device] [channel]
        - AuxWork: AuxWork [device] [channel]
        - BargeIn: no: the feature for watching others is missing
        - CancelSupervisorMonitoring: no: the feature for watching others is missing
        - Coach: no: the feature for watching others is missing
        - Custom: NotReady as OutToLunch [device] [channel]
        - DoNotDisturbOff: no: DoNotDisturbOff is not allowed: the device is set so already
        - DoNotDisturbOn: AuxWork, do not disturb [device]
        - EndContactCenterSession: logged out [device] [channel]
        - ForwardCallsOff: no: ForwardCallsOff is not allowed: the device is set so already
        - ForwardCallsOn: AuxWork, to 5001 [device]
        - ListenIn: no: the feature for watching others is missing
        - NotReady: NotReady for Tea [device] [channel]
        - Offline: logged out [device] [channel]
        - Ready: Ready [device] [channel]
        - StartContactCenterSession: AuxWork [device] [channel]
    "#]]
    .assert_eq(&table);
}

#[test]
fn a_setting_that_is_on_can_only_be_turned_off() {
    let mut table = String::new();
    for phase in [Phase::LoggedOut, Phase::Ready, Phase::AuxWork] {
        for (on, off) in [(Kind::DoNotDisturbOn, Kind::DoNotDisturbOff), (Kind::ForwardCallsOn, Kind::ForwardCallsOff)]
        {
            let mut voice = agent_in(phase);
            for kind in [on, on, off, off] {
                let outcome = voice.handle_operation(NOW, operation(kind));
                let outcome = outcome.map_or_else(|refused| format!("no: {refused}"), |()| shown(&mut voice));
                table.push_str(&format!("{kind}: {outcome}\n"));
            }
        }
    }
    expect![[r#"
        DoNotDisturbOn: logged out, do not disturb [device]
        DoNotDisturbOn: no: DoNotDisturbOn is not allowed: the device is set so already
        DoNotDisturbOff: logged out [device]
        DoNotDisturbOff: no: DoNotDisturbOff is not allowed: the device is set so already
        ForwardCallsOn: logged out, to 5001 [device]
        ForwardCallsOn: no: ForwardCallsOn is not allowed: the device is set so already
        ForwardCallsOff: logged out [device]
        ForwardCallsOff: no: ForwardCallsOff is not allowed: the device is set so already
        DoNotDisturbOn: Ready, do not disturb [device]
        DoNotDisturbOn: no: DoNotDisturbOn is not allowed: the device is set so already
        DoNotDisturbOff: Ready [device]
        DoNotDisturbOff: no: DoNotDisturbOff is not allowed: the device is set so already
        ForwardCallsOn: Ready, to 5001 [device]
        ForwardCallsOn: no: ForwardCallsOn is not allowed: the device is set so already
        ForwardCallsOff: Ready [device]
        ForwardCallsOff: no: ForwardCallsOff is not allowed: the device is set so already
        DoNotDisturbOn: AuxWork, do not disturb [device]
        DoNotDisturbOn: no: DoNotDisturbOn is not allowed: the device is set so already
        DoNotDisturbOff: AuxWork [device]
        DoNotDisturbOff: no: DoNotDisturbOff is not allowed: the device is set so already
        ForwardCallsOn: AuxWork, to 5001 [device]
        ForwardCallsOn: no: ForwardCallsOn is not allowed: the device is set so already
        ForwardCallsOff: AuxWork [device]
        ForwardCallsOff: no: ForwardCallsOff is not allowed: the device is set so already
    "#]]
    .assert_eq(&table);
}

#[test]
fn capabilities_are_exactly_what_is_allowed_of_the_device() {
    let mut voice = newcomer();
    assert_eq!(voice.capabilities(), [Kind::ForwardCallsOn, Kind::DoNotDisturbOn]);
    voice.handle_operation(NOW, operation(Kind::StartContactCenterSession)).unwrap();
    assert_eq!(voice.capabilities(), [Kind::ForwardCallsOn, Kind::DoNotDisturbOn]);
    voice.handle_operation(NOW, operation(Kind::ForwardCallsOn)).unwrap();
    assert_eq!(voice.capabilities(), [Kind::ForwardCallsOff, Kind::DoNotDisturbOn]);
    voice.handle_operation(NOW, operation(Kind::DoNotDisturbOn)).unwrap();
    assert_eq!(voice.capabilities(), [Kind::ForwardCallsOff, Kind::DoNotDisturbOff]);
    voice.handle_operation(NOW, Operation::Offline).unwrap();
    assert_eq!(voice.capabilities(), [Kind::ForwardCallsOff, Kind::DoNotDisturbOff]);
    voice.handle_operation(NOW, operation(Kind::ForwardCallsOff)).unwrap();
    assert_eq!(voice.capabilities(), [Kind::ForwardCallsOn, Kind::DoNotDisturbOff]);
}

#[test]
fn settings_of_the_device_outlive_the_shift() {
    let mut voice = agent_in(Phase::Ready);
    for kind in [Kind::DoNotDisturbOn, Kind::ForwardCallsOn, Kind::Offline] {
        voice.handle_operation(NOW, operation(kind)).unwrap();
    }
    expect!["logged out, do not disturb, to 5001 [device] [device] [device] [channel]"].assert_eq(&shown(&mut voice));
}

#[test]
fn who_starts_again_keeps_its_state_and_what_it_does_not_say() {
    let start = |place: &str, queue: Option<&str>| {
        Operation::StartContactCenterSession(Start {
            place: Some(place.into()),
            login_code: None,
            queue: queue.map(Into::into),
        })
    };
    let mut voice = newcomer();
    voice.handle_operation(NOW, start("place 1", Some("queue"))).unwrap();
    voice.handle_operation(later(1), operation(Kind::NotReady)).unwrap();
    voice.handle_operation(later(2), start("place 2", None)).unwrap();
    let Presence::LoggedIn(shift) = &voice.presence else { panic!("logged out") };
    assert_eq!((shift.place.as_deref(), shift.queue.as_deref()), (Some("place 2"), Some("queue")));
    assert_eq!(shift.state, State::NotReady { reason: Some("Tea".into()) });
    assert_eq!(shift.since, later(1));
}

#[test]
fn whichever_of_log_in_and_state_comes_first_the_shift_is_the_same() {
    let start = Start { place: Some("place 1".into()), ..Start::default() };
    let start = Operation::StartContactCenterSession(start);
    let not_ready = operation(Kind::NotReady);
    let [first, second] = [[start.clone(), not_ready.clone()], [not_ready, start]].map(|order| {
        let mut voice = newcomer();
        order.into_iter().for_each(|operation| voice.handle_operation(NOW, operation).unwrap());
        voice.presence
    });
    assert_eq!(first, second);
    let Presence::LoggedIn(shift) = first else { panic!("logged out") };
    assert_eq!(shift.place.as_deref(), Some("place 1"));
    assert_eq!(shift.state, State::NotReady { reason: Some("Tea".into()) });
}

#[test]
fn who_only_went_offline_comes_back_to_where_it_was() {
    let start = |place: Option<&str>, queue: Option<&str>| Start {
        place: place.map(Into::into),
        login_code: place.map(|_| "100".into()),
        queue: queue.map(Into::into),
    };
    let full = start(Some("place 1"), Some("queue"));
    let held = |ways: &[Operation]| {
        let mut voice = newcomer();
        let first = Operation::StartContactCenterSession(full.clone());
        for way in std::iter::once(&first).chain(ways) {
            voice.handle_operation(NOW, way.clone()).unwrap();
        }
        match voice.presence {
            Presence::LoggedIn(Shift { place, login_code, queue, .. }) => Start { place, login_code, queue },
            Presence::LoggedOut(last) => last,
        }
    };
    let states = [
        Kind::AfterCallWork,
        Kind::AuxWork,
        Kind::Custom,
        Kind::NotReady,
        Kind::Ready,
        Kind::StartContactCenterSession,
    ];
    for state in states {
        assert_eq!(held(&[Operation::Offline, operation(state)]), full, "{state}");
        let ends = [Operation::Offline, Operation::EndContactCenterSession, operation(state)];
        assert_eq!(held(&ends), Start::NEW, "{state}");
        assert_eq!(held(&ends[1..]), Start::NEW, "{state}");
    }
    // What it says anew is so from then on, as of who is logged in.
    let other = Operation::StartContactCenterSession(start(None, Some("other")));
    assert_eq!(held(&[Operation::Offline, other]), start(Some("place 1"), Some("other")));
    assert_eq!(held(&[Operation::Offline]), full);
}

#[test]
fn the_place_of_a_log_in_is_the_one_that_is_named_or_the_last() {
    let mut voice = newcomer();
    let start =
        |place: &str| Operation::StartContactCenterSession(Start { place: Some(place.into()), ..Start::default() });
    let by = |voice: &Voice, operation| voice.place_by(&operation).map(ToString::to_string);
    let ready = || operation(Kind::Ready);
    assert_eq!((by(&voice, ready()), by(&voice, start("1"))), (None, Some("1".to_owned())));
    voice.handle_operation(NOW, start("2")).unwrap();
    assert_eq!((by(&voice, ready()), by(&voice, start("1"))), (None, Some("1".to_owned())));
    voice.handle_operation(NOW, Operation::Offline).unwrap();
    assert_eq!((by(&voice, ready()), by(&voice, start("1"))), (Some("2".to_owned()), Some("1".to_owned())));
    assert_eq!(by(&voice, operation(Kind::StartContactCenterSession)), Some("2".to_owned()));
    assert_eq!(by(&voice, operation(Kind::EndContactCenterSession)), None);
}

#[test]
fn a_shift_ends_with_all_that_belonged_to_it() {
    let mut voice = newcomer();
    let start = Start { place: Some("place 1".into()), ..Start::default() };
    voice.handle_operation(NOW, Operation::StartContactCenterSession(start)).unwrap();
    voice.handle_operation(NOW, Operation::Ready(WorkMode::ManualIn)).unwrap();
    voice.handle_operation(NOW, Operation::EndContactCenterSession).unwrap();
    voice.handle_operation(NOW, operation(Kind::StartContactCenterSession)).unwrap();
    let Presence::LoggedIn(shift) = &voice.presence else { panic!("logged out") };
    assert_eq!(shift.place, None);
    assert_eq!(shift.state, State::Ready(WorkMode::AsConfigured));
}

#[test]
fn a_queue_sends_calls_to_who_is_ready_and_may_be_disturbed() {
    for phase in Phase::ALL {
        assert_eq!(agent_in(phase).is_ready(), phase == Phase::Ready, "{phase:?}");
    }
    let mut voice = agent_in(Phase::Ready);
    voice.handle_operation(NOW, Operation::DoNotDisturbOn).unwrap();
    assert!(!voice.is_ready());
    voice.handle_operation(NOW, Operation::DoNotDisturbOff).unwrap();
    voice.handle_operation(NOW, Operation::ForwardCallsOn(number("5001"))).unwrap();
    assert!(voice.is_ready());
}

#[test]
fn a_failure_is_told_and_changes_nothing_else() {
    let mut voice = agent_in(Phase::Ready);
    voice.handle_failure(Failure::NotRegistered);
    expect!["Ready [error]"].assert_eq(&shown(&mut voice));
    assert_eq!(voice, agent_in(Phase::Ready));
}

#[test]
fn a_refusal_says_why() {
    let say = |refused: Refused| refused.to_string();
    assert_eq!(say(Refused::InUse("15001".into())), "the device or place 15001 belongs to another agent");
    assert_eq!(say(Refused::NotFound), "the device is not known");
}
