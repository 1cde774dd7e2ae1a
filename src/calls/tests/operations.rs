//! Which operation is allowed in which state, and what desktops are offered.

use expect_test::expect;

use crate::calls::tests::random::every_operation;
use crate::calls::tests::script::{Play, RULES, operation};
use crate::calls::{Accepted, Capability, ClearRule, MuteRule, Rules, capabilities};

/// How a party gets into a state.
pub(super) struct Way {
    pub(super) state: &'static str,
    pub(super) number: &'static str,
    pub(super) lines: &'static [&'static str],
}

pub(super) const STATES: [Way; 29] = [
    Way { state: "Dialing", number: "15000", lines: &["15000 dials 15001"] },
    Way { state: "Invited", number: "15001", lines: &["15000 dials 15001"] },
    Way { state: "Ringing", number: "15001", lines: &["15000 dials 15001", "15001: ringing"] },
    Way { state: "Established", number: "15001", lines: &["15000 dials 15001", "15001: answered"] },
    Way { state: "Held", number: "15000", lines: &["15000 dials 15001", "15001: answered", "15000: held"] },
    Way { state: "Released", number: "15000", lines: &["15000 dials 15001", "15001: answered", "15000: ended"] },
    Way {
        state: "Ringing, being added",
        number: "15002",
        lines: &["15000 dials 15001", "15001: answered", "15000 adds 15002", "15002: ringing"],
    },
    Way {
        state: "Established, in a conference",
        number: "15002",
        lines: &["15000 dials 15001", "15001: answered", "15000 adds 15002", "15002: answered"],
    },
    Way {
        state: "Established, owner of a conference",
        number: "15000",
        lines: &["15000 dials 15001", "15001: answered", "15000 adds 15002", "15002: answered"],
    },
    Way {
        state: "Held, owner of a conference",
        number: "15000",
        lines: &["15000 dials 15001", "15001: answered", "15000 adds 15002", "15002: answered", "15000: held"],
    },
    Way {
        state: "Established, muted in a conference",
        number: "15001",
        lines: &["15000 dials 15001", "15001: answered", "15000 adds 15002", "15002: answered", "15001: muted"],
    },
    Way {
        state: "Ringing, from a queue",
        number: "15001",
        lines: &["7000 enters 6000", "route 15001", "15001: ringing"],
    },
    Way {
        state: "Held, its consult call dials",
        number: "15000",
        lines: &["15000 dials 15001", "15001: answered", "15000 consults 15002", "15000: held"],
    },
    Way {
        state: "Dialing, a consult call",
        number: "15000/2",
        lines: &["15000 dials 15001", "15001: answered", "15000 consults 15002", "15000: held"],
    },
    Way {
        state: "Held, its consult call talks",
        number: "15000",
        lines: &["15000 dials 15001", "15001: answered", "15000 consults 15002", "15000: held", "15002/2: answered"],
    },
    Way {
        state: "Established, a consult call",
        number: "15000/2",
        lines: &["15000 dials 15001", "15001: answered", "15000 consults 15002", "15000: held", "15002/2: answered"],
    },
    Way {
        state: "Established, who was consulted",
        number: "15002/2",
        lines: &["15000 dials 15001", "15001: answered", "15000 consults 15002", "15000: held", "15002/2: answered"],
    },
    Way {
        state: "Established, its consult call on hold",
        number: "15000",
        lines: &[
            "15000 dials 15001",
            "15001: answered",
            "15000 consults 15002",
            "15002/2: answered",
            "15000 swap",
            "swapped",
        ],
    },
    Way {
        state: "Held, a consult call",
        number: "15000/2",
        lines: &[
            "15000 dials 15001",
            "15001: answered",
            "15000 consults 15002",
            "15002/2: answered",
            "15000 swap",
            "swapped",
        ],
    },
    Way {
        state: "Held, its consult call on hold, too",
        number: "15000",
        lines: &["15000 dials 15001", "15001: answered", "15000 consults 15002", "15002/2: answered", "15000/2: held"],
    },
    Way { state: "Established, may record", number: "15500", lines: &["15500 dials 15001", "15001: answered"] },
    Way {
        state: "Established, recorded",
        number: "15500",
        lines: &["15500 dials 15001", "15001: answered", "15500: recorded"],
    },
    Way {
        state: "Established, recording paused",
        number: "15500",
        lines: &["15500 dials 15001", "15001: answered", "15500: paused"],
    },
    Way {
        state: "Supervisor who listens",
        number: "15003",
        lines: &["15000 dials 15001", "15001: answered", "15003 watches 15001 listen-in", "15003: answered"],
    },
    Way {
        state: "Supervisor who whispers",
        number: "15003",
        lines: &["15000 dials 15001", "15001: answered", "15003 watches 15001 coach", "15003: answered"],
    },
    Way {
        state: "Supervisor who takes part",
        number: "15003",
        lines: &["15000 dials 15001", "15001: answered", "15003 watches 15001 barge-in", "15003: answered"],
    },
    Way { state: "Preview", number: "15000", lines: &["15000 previews 7000"] },
    Way { state: "Dialing, after a preview", number: "15000", lines: &["15000 previews 7000", "15000 accept"] },
    Way { state: "PreviewCancelled", number: "15000", lines: &["15000 previews 7000", "15000 decline"] },
];

#[test]
fn each_state_allows_its_operations_and_refuses_the_others_without_a_change() {
    let mut table = String::new();
    let mut cells = 0;
    for way in STATES {
        let (mut offered, mut quiet) = (Vec::new(), Vec::new());
        let play = played(way.lines);
        let seen = play.seen(way.number);
        let shown = capabilities(seen, RULES);
        for (capability, operation) in every_operation(seen, "7999", "NEW") {
            cells += 1;
            let mut play = played(way.lines);
            let before = play.family.clone();
            match play.operate(way.number, operation) {
                Ok(_) if shown.contains(&capability) => offered.push(capability.name()),
                Ok(_) => quiet.push(capability.name()),
                Err(refused) => {
                    assert!(!shown.contains(&capability), "{} is offered and refused: {refused}", capability.name());
                    assert_eq!(play.family, before);
                }
            }
        }
        offered.sort_unstable();
        if offered.is_empty() {
            offered.push("nothing");
        }
        table.push_str(&format!("{}:\n- {}\n", way.state, offered.join(" ")));
        if !quiet.is_empty() {
            table.push_str(&format!("- also accepted: {}\n", quiet.join(" ")));
        }
    }
    assert_eq!(cells, STATES.len() * 30);
    expect![[r#"
        Dialing:
        - AttachUserData DeleteUserData DeleteUserDataPair Hangup SendDtmf UpdateUserData
        Invited:
        - nothing
        Ringing:
        - Answer AttachUserData ClearCall DeleteUserData DeleteUserDataPair UpdateUserData
        - also accepted: Hangup
        Established:
        - AttachUserData DeleteUserData DeleteUserDataPair Hangup Hold InitiateConference InitiateTransfer SendDtmf SingleStepConference SingleStepTransfer UpdateUserData
        Held:
        - AttachUserData DeleteUserData DeleteUserDataPair Hangup InitiateConference InitiateTransfer Retrieve SingleStepConference SingleStepTransfer UpdateUserData
        Released:
        - nothing
        - also accepted: UpdateUserData
        Ringing, being added:
        - Answer AttachUserData ClearCall DeleteUserData DeleteUserDataPair UpdateUserData
        - also accepted: Hangup
        Established, in a conference:
        - AttachUserData DeleteUserData DeleteUserDataPair Hangup Hold InitiateConference InitiateTransfer MuteCall SendDtmf SingleStepConference SingleStepTransfer UpdateUserData
        - also accepted: ClearCall
        Established, owner of a conference:
        - AttachUserData DeleteUserData DeleteUserDataPair Hangup Hold InitiateConference InitiateTransfer MuteCall RemoveParticipantFromConference SendDtmf SingleStepConference SingleStepTransfer UpdateUserData
        - also accepted: ClearCall
        Held, owner of a conference:
        - AttachUserData DeleteUserData DeleteUserDataPair Hangup InitiateConference InitiateTransfer Retrieve SingleStepConference SingleStepTransfer UpdateUserData
        - also accepted: ClearCall
        Established, muted in a conference:
        - AttachUserData DeleteUserData DeleteUserDataPair Hangup Hold InitiateConference InitiateTransfer SendDtmf SingleStepConference SingleStepTransfer UnmuteCall UpdateUserData
        - also accepted: ClearCall
        Ringing, from a queue:
        - Answer AttachUserData ClearCall DeleteUserData DeleteUserDataPair Reject UpdateUserData
        - also accepted: Hangup
        Held, its consult call dials:
        - AttachUserData CompleteTransfer DeleteUserData DeleteUserDataPair Hangup InitiateConference InitiateTransfer SingleStepConference SingleStepTransfer SwapCalls UpdateUserData
        Dialing, a consult call:
        - AttachUserData CompleteTransfer DeleteUserData DeleteUserDataPair Hangup SendDtmf SwapCalls UpdateUserData
        Held, its consult call talks:
        - AttachUserData CompleteConference CompleteTransfer DeleteUserData DeleteUserDataPair Hangup InitiateConference InitiateTransfer SingleStepConference SingleStepTransfer SwapCalls UpdateUserData
        Established, a consult call:
        - AttachUserData CompleteConference CompleteTransfer DeleteUserData DeleteUserDataPair Hangup SendDtmf SwapCalls UpdateUserData
        Established, who was consulted:
        - AttachUserData DeleteUserData DeleteUserDataPair Hangup Hold InitiateConference InitiateTransfer SendDtmf SingleStepConference SingleStepTransfer UpdateUserData
        Established, its consult call on hold:
        - AttachUserData CompleteConference CompleteTransfer DeleteUserData DeleteUserDataPair Hangup Hold InitiateConference InitiateTransfer SendDtmf SingleStepConference SingleStepTransfer SwapCalls UpdateUserData
        Held, a consult call:
        - AttachUserData CompleteConference CompleteTransfer DeleteUserData DeleteUserDataPair Hangup SwapCalls UpdateUserData
        Held, its consult call on hold, too:
        - AttachUserData CompleteConference CompleteTransfer DeleteUserData DeleteUserDataPair Hangup InitiateConference InitiateTransfer Retrieve SingleStepConference SingleStepTransfer UpdateUserData
        Established, may record:
        - AttachUserData DeleteUserData DeleteUserDataPair Hangup Hold InitiateConference InitiateTransfer SendDtmf SingleStepConference SingleStepTransfer StartCallRecording UpdateUserData
        Established, recorded:
        - AttachUserData DeleteUserData DeleteUserDataPair Hangup Hold InitiateConference InitiateTransfer PauseCallRecording SendDtmf SingleStepConference SingleStepTransfer StopCallRecording UpdateUserData
        Established, recording paused:
        - AttachUserData DeleteUserData DeleteUserDataPair Hangup Hold InitiateConference InitiateTransfer ResumeCallRecording SendDtmf SingleStepConference SingleStepTransfer StopCallRecording UpdateUserData
        Supervisor who listens:
        - AttachUserData DeleteUserData DeleteUserDataPair Hangup RemoveParticipantFromConference SwitchToBargeIn UpdateUserData
        Supervisor who whispers:
        - AttachUserData DeleteUserData DeleteUserDataPair Hangup RemoveParticipantFromConference SwitchToBargeIn SwitchToListenIn UpdateUserData
        Supervisor who takes part:
        - AttachUserData DeleteUserData DeleteUserDataPair Hangup RemoveParticipantFromConference SwitchToCoach SwitchToListenIn UpdateUserData
        Preview:
        - Accept Decline
        Dialing, after a preview:
        - AttachUserData DeleteUserData DeleteUserDataPair Hangup SendDtmf UpdateUserData
        PreviewCancelled:
        - nothing
        - also accepted: UpdateUserData
    "#]].assert_eq(&table);
}

/// What was asked and is not answered is not asked again.
#[test]
fn the_same_is_asked_once() {
    for (way, name) in [(2, "answer"), (3, "hangup"), (3, "hold"), (4, "retrieve"), (7, "clear"), (7, "mute")] {
        let mut play = played(STATES[way].lines);
        let number = STATES[way].number;
        assert_eq!(play.operate(number, operation(name)), Ok(Accepted::Changed), "{name}");
        assert_eq!(play.operate(number, operation(name)), Ok(Accepted::AlreadyAsked), "{name}");
    }
}

pub(super) fn played(lines: &[&str]) -> Play {
    let mut play = Play::default();
    lines.iter().for_each(|line| play.line(line));
    play
}

#[test]
fn each_state_offers_its_capabilities() {
    let mut table = String::new();
    for way in STATES {
        let play = played(way.lines);
        let names = |rules| {
            let offered = capabilities(play.seen(way.number), rules);
            assert!(offered.is_sorted());
            let names: Vec<&str> = offered.into_iter().map(Capability::name).collect();
            if names.is_empty() { "nothing".to_owned() } else { names.join(" ") }
        };
        table.push_str(&format!("{}:\n- {}\n", way.state, names(RULES)));
        let two_party = Rules { mute: MuteRule::TwoParty, ..RULES };
        if names(two_party) != names(RULES) {
            table.push_str(&format!("- with two-party mute: {}\n", names(two_party)));
        }
        let clear = Rules { clear: ClearRule::Any, ..RULES };
        if names(clear) != names(RULES) {
            table.push_str(&format!("- with any call to be cleared: {}\n", names(clear)));
        }
    }
    expect![[r#"
        Dialing:
        - UpdateUserData SendDtmf AttachUserData DeleteUserDataPair DeleteUserData Hangup
        Invited:
        - nothing
        Ringing:
        - Answer UpdateUserData AttachUserData DeleteUserDataPair DeleteUserData ClearCall
        Established:
        - UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
        - with two-party mute: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData MuteCall Hangup
        - with any call to be cleared: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup ClearCall
        Held:
        - UpdateUserData Retrieve InitiateConference SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
        - with any call to be cleared: UpdateUserData Retrieve InitiateConference SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup ClearCall
        Released:
        - nothing
        Ringing, being added:
        - Answer UpdateUserData AttachUserData DeleteUserDataPair DeleteUserData ClearCall
        Established, in a conference:
        - UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData MuteCall Hangup
        - with any call to be cleared: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData MuteCall Hangup ClearCall
        Established, owner of a conference:
        - UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer RemoveParticipantFromConference AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData MuteCall Hangup
        - with any call to be cleared: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer RemoveParticipantFromConference AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData MuteCall Hangup ClearCall
        Held, owner of a conference:
        - UpdateUserData Retrieve InitiateConference SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
        - with any call to be cleared: UpdateUserData Retrieve InitiateConference SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup ClearCall
        Established, muted in a conference:
        - UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData UnmuteCall Hangup
        - with any call to be cleared: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData UnmuteCall Hangup ClearCall
        Ringing, from a queue:
        - Answer Reject UpdateUserData AttachUserData DeleteUserDataPair DeleteUserData ClearCall
        Held, its consult call dials:
        - UpdateUserData SwapCalls InitiateConference SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup CompleteTransfer
        - with any call to be cleared: UpdateUserData SwapCalls InitiateConference SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup CompleteTransfer ClearCall
        Dialing, a consult call:
        - UpdateUserData SendDtmf SwapCalls AttachUserData DeleteUserDataPair DeleteUserData Hangup CompleteTransfer
        Held, its consult call talks:
        - UpdateUserData SwapCalls InitiateConference SingleStepTransfer InitiateTransfer AttachUserData CompleteConference DeleteUserDataPair SingleStepConference DeleteUserData Hangup CompleteTransfer
        - with any call to be cleared: UpdateUserData SwapCalls InitiateConference SingleStepTransfer InitiateTransfer AttachUserData CompleteConference DeleteUserDataPair SingleStepConference DeleteUserData Hangup CompleteTransfer ClearCall
        Established, a consult call:
        - UpdateUserData SendDtmf SwapCalls AttachUserData CompleteConference DeleteUserDataPair DeleteUserData Hangup CompleteTransfer
        - with two-party mute: UpdateUserData SendDtmf SwapCalls AttachUserData CompleteConference DeleteUserDataPair DeleteUserData MuteCall Hangup CompleteTransfer
        - with any call to be cleared: UpdateUserData SendDtmf SwapCalls AttachUserData CompleteConference DeleteUserDataPair DeleteUserData Hangup CompleteTransfer ClearCall
        Established, who was consulted:
        - UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
        - with two-party mute: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData MuteCall Hangup
        - with any call to be cleared: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup ClearCall
        Established, its consult call on hold:
        - UpdateUserData SendDtmf SwapCalls InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData CompleteConference DeleteUserDataPair SingleStepConference DeleteUserData Hangup CompleteTransfer
        - with two-party mute: UpdateUserData SendDtmf SwapCalls InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData CompleteConference DeleteUserDataPair SingleStepConference DeleteUserData MuteCall Hangup CompleteTransfer
        - with any call to be cleared: UpdateUserData SendDtmf SwapCalls InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData CompleteConference DeleteUserDataPair SingleStepConference DeleteUserData Hangup CompleteTransfer ClearCall
        Held, a consult call:
        - UpdateUserData SwapCalls AttachUserData CompleteConference DeleteUserDataPair DeleteUserData Hangup CompleteTransfer
        - with any call to be cleared: UpdateUserData SwapCalls AttachUserData CompleteConference DeleteUserDataPair DeleteUserData Hangup CompleteTransfer ClearCall
        Held, its consult call on hold, too:
        - UpdateUserData Retrieve InitiateConference SingleStepTransfer InitiateTransfer AttachUserData CompleteConference DeleteUserDataPair SingleStepConference DeleteUserData Hangup CompleteTransfer
        - with any call to be cleared: UpdateUserData Retrieve InitiateConference SingleStepTransfer InitiateTransfer AttachUserData CompleteConference DeleteUserDataPair SingleStepConference DeleteUserData Hangup CompleteTransfer ClearCall
        Established, may record:
        - UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup StartCallRecording
        - with two-party mute: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData MuteCall Hangup StartCallRecording
        - with any call to be cleared: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup StartCallRecording ClearCall
        Established, recorded:
        - UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup PauseCallRecording StopCallRecording
        - with two-party mute: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData MuteCall Hangup PauseCallRecording StopCallRecording
        - with any call to be cleared: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup PauseCallRecording StopCallRecording ClearCall
        Established, recording paused:
        - UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup ResumeCallRecording StopCallRecording
        - with two-party mute: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData MuteCall Hangup ResumeCallRecording StopCallRecording
        - with any call to be cleared: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup ResumeCallRecording StopCallRecording ClearCall
        Supervisor who listens:
        - UpdateUserData RemoveParticipantFromConference AttachUserData DeleteUserDataPair DeleteUserData Hangup SwitchToBargeIn
        Supervisor who whispers:
        - UpdateUserData RemoveParticipantFromConference AttachUserData DeleteUserDataPair DeleteUserData Hangup SwitchToBargeIn SwitchToListenIn
        Supervisor who takes part:
        - UpdateUserData RemoveParticipantFromConference AttachUserData DeleteUserDataPair DeleteUserData Hangup SwitchToCoach SwitchToListenIn
        Preview:
        - Accept Decline
        Dialing, after a preview:
        - UpdateUserData SendDtmf AttachUserData DeleteUserDataPair DeleteUserData Hangup
        PreviewCancelled:
        - nothing
    "#]].assert_eq(&table);
}

#[test]
fn who_made_the_conference_is_offered_what_the_reference_shows() {
    let mut play = Play::default();
    STATES[7].lines.iter().for_each(|line| play.line(line));
    let offered = capabilities(play.seen("15000"), RULES);
    let names: Vec<&str> = offered.into_iter().map(Capability::name).collect();
    assert_eq!(
        names,
        [
            "UpdateUserData",
            "SendDtmf",
            "InitiateConference",
            "Hold",
            "SingleStepTransfer",
            "InitiateTransfer",
            "RemoveParticipantFromConference",
            "AttachUserData",
            "DeleteUserDataPair",
            "SingleStepConference",
            "DeleteUserData",
            "MuteCall",
            "Hangup"
        ]
    );
}
