//! What happens by itself, in each phase and by each rule.

use std::time::Duration;

use expect_test::expect;

use crate::agents::tests::kit::{NOW, agent_in, later, shown};
use crate::agents::{AfterCall, Direction, NotAnswered, Operation, Phase, Rules, WorkMode};

fn rules(after_call: AfterCall, seconds: Option<u64>, not_answered: NotAnswered) -> Rules {
    Rules { after_call, after_call_time: seconds.map(Duration::from_secs), not_answered }
}

#[test]
fn a_call_that_ended_leaves_work_to_an_agent_that_is_ready() {
    let mut table = String::new();
    let rules = rules(AfterCall::Always, Some(30), NotAnswered::Stay);
    for phase in Phase::ALL {
        let mut voice = agent_in(phase);
        let before = voice.clone();
        let changed = voice.handle_call_ended(NOW, &rules, Direction::Received);
        assert_eq!(changed, voice != before);
        table.push_str(&format!("{phase:?}: {}\n", if changed { shown(&mut voice) } else { "stays".to_owned() }));
    }
    expect![[r#"
        LoggedOut: stays
        Ready: AfterCallWork for 30s [device] [channel]
        NotReady: stays
        AfterCallWork: stays
        AuxWork: stays
    "#]]
    .assert_eq(&table);
}

#[test]
fn the_rule_and_the_work_mode_say_after_which_call_there_is_work() {
    let mut table = String::new();
    for mode in [WorkMode::AsConfigured, WorkMode::AutoIn, WorkMode::ManualIn] {
        for rule in [AfterCall::Never, AfterCall::Received, AfterCall::Always] {
            for direction in [Direction::Made, Direction::Received] {
                let mut voice = agent_in(Phase::NotReady);
                voice.handle_operation(NOW, Operation::Ready(mode)).unwrap();
                while voice.poll_event().is_some() {}
                voice.handle_call_ended(NOW, &rules(rule, Some(30), NotAnswered::Stay), direction);
                table.push_str(&format!("{mode:?}, {rule:?}, {direction:?}: {}\n", shown(&mut voice)));
            }
        }
    }
    expect![[r#"
        AsConfigured, Never, Made: Ready
        AsConfigured, Never, Received: Ready
        AsConfigured, Received, Made: Ready
        AsConfigured, Received, Received: AfterCallWork for 30s [device] [channel]
        AsConfigured, Always, Made: AfterCallWork for 30s [device] [channel]
        AsConfigured, Always, Received: AfterCallWork for 30s [device] [channel]
        AutoIn, Never, Made: Ready, AutoIn
        AutoIn, Never, Received: Ready, AutoIn
        AutoIn, Received, Made: Ready, AutoIn
        AutoIn, Received, Received: Ready, AutoIn
        AutoIn, Always, Made: Ready, AutoIn
        AutoIn, Always, Received: Ready, AutoIn
        ManualIn, Never, Made: AfterCallWork [device] [channel]
        ManualIn, Never, Received: AfterCallWork [device] [channel]
        ManualIn, Received, Made: AfterCallWork [device] [channel]
        ManualIn, Received, Received: AfterCallWork [device] [channel]
        ManualIn, Always, Made: AfterCallWork [device] [channel]
        ManualIn, Always, Received: AfterCallWork [device] [channel]
    "#]]
    .assert_eq(&table);
}

#[test]
fn work_after_a_call_is_over_in_time_and_the_work_mode_is_kept() {
    let rules = rules(AfterCall::Always, Some(30), NotAnswered::Stay);
    let mut voice = agent_in(Phase::Ready);
    assert_eq!(voice.poll_timeout(), None);
    assert!(voice.handle_call_ended(NOW, &rules, Direction::Made));
    assert_eq!(voice.poll_timeout(), Some(later(30)));
    assert!(!voice.handle_timeout(later(29)));
    assert!(voice.handle_timeout(later(30)));
    assert_eq!(voice.poll_timeout(), None);
    assert!(!voice.handle_timeout(later(31)));
    expect!["Ready [device] [channel] [device] [channel]"].assert_eq(&shown(&mut voice));
}

#[test]
fn work_that_has_no_time_ends_when_the_agent_says_so() {
    let mut voice = agent_in(Phase::Ready);
    assert!(voice.handle_call_ended(NOW, &rules(AfterCall::Always, None, NotAnswered::Stay), Direction::Made));
    assert_eq!(voice.poll_timeout(), None);
    assert!(!voice.handle_timeout(later(100_000)));
    voice.handle_operation(later(5), Operation::Ready(WorkMode::AsConfigured)).unwrap();
    assert!(voice.is_ready());
}

#[test]
fn time_ends_no_work_that_the_agent_chose() {
    for phase in Phase::ALL {
        let mut voice = agent_in(phase);
        assert_eq!(voice.poll_timeout(), None, "{phase:?}");
        assert!(!voice.handle_timeout(later(100_000)), "{phase:?}");
    }
}

#[test]
fn a_call_of_a_queue_that_is_not_answered_makes_not_ready_who_was_ready() {
    let mut table = String::new();
    for rule in [NotAnswered::Stay, NotAnswered::NotReady] {
        for phase in Phase::ALL {
            let mut voice = agent_in(phase);
            let before = voice.clone();
            let changed = voice.handle_not_answered(NOW, &rules(AfterCall::Never, None, rule));
            assert_eq!(changed, voice != before);
            if changed {
                table.push_str(&format!("{rule:?}, {phase:?}: {}\n", shown(&mut voice)));
            }
        }
    }
    expect!["NotReady, Ready: NotReady [device] [channel]\n"].assert_eq(&table);
}
