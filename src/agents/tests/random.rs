//! Random days: whatever happens, capabilities and the table agree, and each change is told.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::agents::tests::kit::{agent_in, later, operation};
use crate::agents::{AfterCall, Direction, Event, Kind, NotAnswered, Phase, Right, Rules};

#[test]
fn whatever_happens_each_change_is_told_and_a_refusal_changes_nothing() {
    let mut random = StdRng::seed_from_u64(7);
    let (mut accepted, mut refused, mut by_itself) = (0, 0, 0);
    for _ in 0..300 {
        let rules = Rules {
            after_call: [AfterCall::Always, AfterCall::Never, AfterCall::Received][random.random_range(0..3)],
            after_call_time: random.random::<bool>().then(|| Duration::from_secs(random.random_range(1..9))),
            not_answered: [NotAnswered::NotReady, NotAnswered::Stay][random.random_range(0..2)],
        };
        let mut voice = agent_in(Phase::Ready);
        voice.phone.supervision = [Right::Granted, Right::Withheld][random.random_range(0..2)];
        for second in 0..60 {
            let now = later(second);
            let before = voice.clone();
            let kind = some_kind(&mut random);
            let offered = voice.capabilities().contains(&kind);
            let direction = if random.random() { Direction::Made } else { Direction::Received };
            let (changed, told_anyway) = match random.random_range(0..5) {
                0 => (voice.handle_call_ended(now, &rules, direction), false),
                1 => (voice.handle_not_answered(now, &rules), false),
                2 => (voice.handle_timeout(now), false),
                3 => (voice.handle_watched(), false),
                _ => match voice.handle_operation(now, operation(kind)) {
                    Ok(()) => {
                        accepted += 1;
                        (true, true)
                    }
                    Err(_) => {
                        refused += 1;
                        assert!(!offered, "{kind} is offered");
                        (false, false)
                    }
                },
            };
            by_itself += usize::from(changed && !told_anyway);
            let mut events = Vec::new();
            while let Some(event) = voice.poll_event() {
                events.push(event);
            }
            assert_eq!(changed, !events.is_empty());
            assert!(changed || voice == before);
            let phase_changed = voice.phase() != before.phase();
            assert!(!phase_changed || events == [Event::DeviceChanged, Event::ChannelChanged], "{events:?}");
            assert!(voice.phase() != Phase::LoggedOut || voice.poll_timeout().is_none());
        }
    }
    assert!(accepted > 2000 && refused > 900 && by_itself > 500, "{accepted} {refused} {by_itself}");
}

/// Most agents stay for a while.
fn some_kind(random: &mut StdRng) -> Kind {
    let kind = Kind::ALL[random.random_range(0..Kind::ALL.len())];
    let leaves = matches!(kind, Kind::EndContactCenterSession | Kind::Offline);
    if leaves && random.random_range(0..5) > 0 { Kind::Ready } else { kind }
}
