//! Supervisors: each cell of their table, and what ends their watching.

use expect_test::expect;

use crate::agents::tests::kit::{NOW, agent_in, number, operation, shown, watched};
use crate::agents::{
    Kind, MonitorCalls, MonitorKind, MonitorScope, Monitoring, Operation, Permission, Phase, Phone, Refused, Right,
    Voice, Watched,
};

const KINDS: [Kind; 4] = [Kind::ListenIn, Kind::Coach, Kind::BargeIn, Kind::CancelSupervisorMonitoring];

fn supervisor(phase: Phase) -> Voice {
    let mut voice = agent_in(phase);
    voice.phone.supervision = Right::Granted;
    voice
}

#[test]
fn who_has_the_feature_and_is_logged_in_watches_and_cancels() {
    let mut table = String::new();
    for phase in Phase::ALL {
        table.push_str(&format!("{phase:?}\n"));
        let mut voice = supervisor(phase);
        for kind in [KINDS[3], KINDS[0], KINDS[1], KINDS[2], KINDS[3], KINDS[3]] {
            let before = voice.clone();
            let offered = voice.capabilities().contains(&kind);
            let outcome = match voice.handle_operation(NOW, operation(kind)) {
                Ok(()) => shown(&mut voice),
                Err(refused) => {
                    assert_eq!(voice, before, "a refusal changes nothing");
                    format!("no: {refused}")
                }
            };
            assert_eq!(offered, !outcome.starts_with("no: "));
            table.push_str(&format!("- {kind}: {outcome}\n"));
        }
    }
    expect![[r#"
        LoggedOut
        - CancelSupervisorMonitoring: no: CancelSupervisorMonitoring is not allowed while the agent is logged out
        - ListenIn: no: ListenIn is not allowed while the agent is logged out
        - Coach: no: Coach is not allowed while the agent is logged out
        - BargeIn: no: BargeIn is not allowed while the agent is logged out
        - CancelSupervisorMonitoring: no: CancelSupervisorMonitoring is not allowed while the agent is logged out
        - CancelSupervisorMonitoring: no: CancelSupervisorMonitoring is not allowed while the agent is logged out
        Ready
        - CancelSupervisorMonitoring: no: nobody is watched, so that there is nothing to cancel
        - ListenIn: Ready, ListenIn 15001 AllCalls Call [device]
        - Coach: Ready, Coach 15001 AllCalls Call [device]
        - BargeIn: Ready, BargeIn 15001 AllCalls Call [device]
        - CancelSupervisorMonitoring: Ready [device]
        - CancelSupervisorMonitoring: no: nobody is watched, so that there is nothing to cancel
        NotReady
        - CancelSupervisorMonitoring: no: nobody is watched, so that there is nothing to cancel
        - ListenIn: NotReady for Tea, ListenIn 15001 AllCalls Call [device]
        - Coach: NotReady for Tea, Coach 15001 AllCalls Call [device]
        - BargeIn: NotReady for Tea, BargeIn 15001 AllCalls Call [device]
        - CancelSupervisorMonitoring: NotReady for Tea [device]
        - CancelSupervisorMonitoring: no: nobody is watched, so that there is nothing to cancel
        AfterCallWork
        - CancelSupervisorMonitoring: no: nobody is watched, so that there is nothing to cancel
        - ListenIn: AfterCallWork, ListenIn 15001 AllCalls Call [device]
        - Coach: AfterCallWork, Coach 15001 AllCalls Call [device]
        - BargeIn: AfterCallWork, BargeIn 15001 AllCalls Call [device]
        - CancelSupervisorMonitoring: AfterCallWork [device]
        - CancelSupervisorMonitoring: no: nobody is watched, so that there is nothing to cancel
        AuxWork
        - CancelSupervisorMonitoring: no: nobody is watched, so that there is nothing to cancel
        - ListenIn: AuxWork, ListenIn 15001 AllCalls Call [device]
        - Coach: AuxWork, Coach 15001 AllCalls Call [device]
        - BargeIn: AuxWork, BargeIn 15001 AllCalls Call [device]
        - CancelSupervisorMonitoring: AuxWork [device]
        - CancelSupervisorMonitoring: no: nobody is watched, so that there is nothing to cancel
    "#]]
    .assert_eq(&table);
}

#[test]
fn who_lacks_the_feature_is_told_so_and_offered_nothing() {
    for phase in Phase::ALL {
        let mut voice = agent_in(phase);
        for kind in KINDS {
            assert_eq!(
                voice.handle_operation(NOW, operation(kind)),
                Err(Refused::NotPermitted(Permission::Supervision))
            );
            assert!(!voice.capabilities().contains(&kind));
        }
    }
    assert_eq!(
        Refused::NotPermitted(Permission::Supervision).to_string(),
        "the feature for watching others is missing"
    );
}

/// How a feature is lost, and what is missing then.
type Loss = (fn(&mut Phone), Permission);

#[test]
fn who_lost_a_feature_while_it_watched_cancels_and_can_do_no_more() {
    let lost: [Loss; 2] = [
        (|phone| phone.supervision = Right::Withheld, Permission::Supervision),
        (|phone| phone.voice = Right::Withheld, Permission::Voice),
    ];
    for (lose, permission) in lost {
        let mut voice = supervisor(Phase::Ready);
        voice.handle_operation(NOW, operation(Kind::ListenIn)).unwrap();
        lose(&mut voice.phone);
        let watches = |voice: &Voice| voice.capabilities().into_iter().filter(|kind| KINDS.contains(kind)).collect();
        let offered: Vec<Kind> = watches(&voice);
        assert_eq!(offered, [Kind::CancelSupervisorMonitoring]);
        for kind in [Kind::ListenIn, Kind::Coach, Kind::BargeIn] {
            assert_eq!(voice.handle_operation(NOW, operation(kind)), Err(Refused::NotPermitted(permission)));
        }
        let cancel = operation(Kind::CancelSupervisorMonitoring);
        assert_eq!(voice.handle_operation(NOW, cancel.clone()), Ok(()));
        assert_eq!((voice.monitoring(), watches(&voice)), (None, Vec::new()));
        assert_eq!(voice.handle_operation(NOW, cancel), Err(Refused::NotPermitted(permission)));
    }
}

#[test]
fn nobody_watches_itself() {
    let mut voice = supervisor(Phase::Ready);
    let target = Watched { device: voice.phone.device.clone(), number: number("15000") };
    let own = Operation::Monitor(Monitoring { target, ..watched(MonitorKind::Coach) });
    assert_eq!(voice.handle_operation(NOW, own), Err(Refused::OwnDevice));
    assert_eq!(voice, supervisor(Phase::Ready));
}

#[test]
fn watching_ends_with_the_shift() {
    for end in [Kind::Offline, Kind::EndContactCenterSession] {
        let mut voice = supervisor(Phase::Ready);
        for kind in [Kind::ListenIn, end, Kind::StartContactCenterSession] {
            voice.handle_operation(NOW, operation(kind)).unwrap();
        }
        assert_eq!(voice.monitoring(), None);
    }
}

#[test]
fn who_starts_again_or_changes_its_state_goes_on_watching() {
    let mut voice = supervisor(Phase::Ready);
    for kind in [Kind::ListenIn, Kind::StartContactCenterSession, Kind::NotReady, Kind::DoNotDisturbOn] {
        voice.handle_operation(NOW, operation(kind)).unwrap();
    }
    assert_eq!(voice.monitoring(), Some(&watched(MonitorKind::ListenIn)));
}

#[test]
fn of_one_call_it_is_over_with_that_call() {
    for (calls, over) in [(MonitorCalls::All, false), (MonitorCalls::Next, true)] {
        let mut voice = supervisor(Phase::NotReady);
        let scope = MonitorScope::Agent;
        let monitoring = Monitoring { calls, scope, ..watched(MonitorKind::BargeIn) };
        voice.handle_operation(NOW, Operation::Monitor(monitoring)).unwrap();
        voice.events.clear();
        assert_eq!(voice.handle_watched(), over);
        assert_eq!(voice.monitoring().is_none(), over);
        assert_eq!(voice.events.len(), usize::from(over));
        assert!(over || !voice.handle_watched());
    }
    assert!(!agent_in(Phase::LoggedOut).handle_watched());
}
