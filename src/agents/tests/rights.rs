//! Agents who may do nothing, and devices that the switch does not know: nothing is offered, and all is refused.

use crate::agents::tests::kit::{NOW, agent_in, operation};
use crate::agents::{Kind, Permission, Phase, Refused, Registration, Right, Voice};

/// An agent with every right at a device that is known, changed by this.
fn agent(phase: Phase, change: impl Fn(&mut Voice)) -> Voice {
    let mut voice = agent_in(phase);
    voice.phone.supervision = Right::Granted;
    change(&mut voice);
    voice
}

/// Nothing is offered, and everything but to log out is refused so and changes nothing.
#[track_caller]
fn is_refused(change: impl Fn(&mut Voice), expected: &Refused) {
    for phase in Phase::ALL {
        assert_ne!(agent(phase, |_| ()).capabilities(), [], "with its rights it is offered something");
        let before = agent(phase, &change);
        assert_eq!(before.capabilities(), [], "{phase}");
        for kind in Kind::ALL {
            let mut voice = before.clone();
            let outcome = voice.handle_operation(NOW, operation(kind));
            if kind == Kind::EndContactCenterSession {
                assert_eq!(outcome, Ok(()), "{phase}");
                assert_eq!((voice.phase(), voice.capabilities()), (Phase::LoggedOut, Vec::new()));
            } else {
                assert_eq!(outcome.as_ref(), Err(expected), "{kind} {phase}");
                assert_eq!(voice, before);
            }
        }
    }
}

#[test]
fn who_lacks_the_feature_is_offered_nothing_and_refused_everything() {
    let lacks = |voice: &mut Voice| voice.phone.voice = Right::Withheld;
    is_refused(lacks, &Refused::NotPermitted(Permission::Voice));
}

#[test]
fn a_device_that_is_not_registered_offers_nothing_and_takes_nothing() {
    let unknown = |voice: &mut Voice| voice.phone.registration = Registration::Unregistered;
    is_refused(unknown, &Refused::NotRegistered);
}

#[test]
fn who_lacks_the_feature_is_told_that_first() {
    let both = |voice: &mut Voice| {
        voice.phone.voice = Right::Withheld;
        voice.phone.registration = Registration::Unregistered;
    };
    is_refused(both, &Refused::NotPermitted(Permission::Voice));
}
