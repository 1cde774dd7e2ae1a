//! Agents who may do nothing: they are on calls like others, and no button is for them.

use crate::calls::tests::operations::played;
use crate::calls::tests::random::every_operation;
use crate::calls::tests::script::{Play, RULES, call_id, endpoint, operation};
use crate::calls::{Accepted, Asker, ClearRule, MuteRule, Operation, Refused, Right, Rules, capabilities};
use crate::ids::AgentId;

/// The agent of this number, with the rights that its account has.
pub(super) fn asker(text: &str) -> Asker {
    Asker { agent: AgentId::parse(text).unwrap(), voice: endpoint(text).rights.voice }
}

/// Calls on which 15800 is, in each state that it can come to.
const CALLS: [(&str, &[&str]); 7] = [
    ("Ringing", &["15000 dials 15800", "15800: ringing"]),
    ("Established", &["15000 dials 15800", "15800: answered"]),
    ("Held", &["15000 dials 15800", "15800: answered", "15800: held"]),
    ("Dialing", &["15800 dials 15001"]),
    ("Preview", &["15800 previews 7000"]),
    ("Ringing", &["7000 enters 6000", "route 15800", "15800: ringing"]),
    (
        "Established",
        &[
            "15000 dials 15001",
            "15001: answered",
            "15000 consults 15800",
            "15800/2: answered",
            "15000 complete-conference",
            "merged",
        ],
    ),
];

#[test]
fn who_may_do_nothing_is_offered_nothing_and_refused_everything() {
    for (state, lines) in CALLS {
        let mut play = played(lines);
        let seen = play.seen("15800");
        assert_eq!(seen.party.state.name(), state);
        for (mute, clear) in [(MuteRule::Conference, ClearRule::Conference), (MuteRule::TwoParty, ClearRule::Any)] {
            assert_eq!(capabilities(seen, Rules { mute, clear }), [], "{lines:?}");
        }
        let all = every_operation(seen, "7999", "NEW").into_iter().map(|(_, operation)| operation);
        for wanted in all.chain([operation("dispose:code=good")]) {
            let before = play.family.clone();
            let refused = Err(Refused::NotPermitted { operation: wanted.name() });
            assert_eq!(play.operate("15800", wanted), refused, "{lines:?}");
            assert_eq!(play.family, before);
        }
    }
}

#[test]
fn who_left_a_call_is_judged_by_what_its_account_may_do_now() {
    let lines = ["15000 dials 15001", "15001: answered", "15000 adds 15002", "15002: ringing", "15002: no-answer"];
    let wishes = ["update:a=1", "attach:a=1", "dispose:code=good", "hangup", "hold", "delete-data"];
    // It has left just now, or in an earlier change.
    for later in [None, Some("15000 attach:b=2")] {
        let mut play = played(&lines);
        later.into_iter().for_each(|line| play.line(line));
        let outcome = |asker: &Asker, wanted: Operation| {
            let mut family = play.family.clone().unwrap();
            family.handle_operation(play.now(), RULES, asker, &call_id(), wanted)
        };
        let withheld = Asker { voice: Right::Withheld, ..asker("15002") };
        for wanted in wishes.map(operation) {
            let name = wanted.name();
            assert_eq!(outcome(&withheld, wanted), Err(Refused::NotPermitted { operation: name }));
        }
        assert_eq!(outcome(&asker("15002"), operation(wishes[0])), Ok(Accepted::Changed));
    }
}

#[test]
fn a_right_is_kept_from_the_coming_to_the_call_to_the_leaving() {
    let consult = ["15500 dials 15001", "15001: answered", "15500 consults 15002", "15002/2: answered"];
    let mut play = played(&consult);
    let rights = play.seen("15500").party.endpoint.rights;
    assert_eq!(play.seen("15500/2").party.endpoint.rights, rights);
    play.line("15500 complete-conference");
    play.line("merged");
    assert_eq!(play.seen("15500").party.endpoint.rights, rights);
}

#[test]
fn the_others_on_the_call_do_what_they_may() {
    let mut play = Play::default();
    for line in ["15000 dials 15800", "15800: answered", "15000 adds 15001", "15001: answered"] {
        play.line(line);
    }
    let offered = capabilities(play.seen("15000"), RULES);
    for (capability, wanted) in every_operation(play.seen("15000"), "7999", "NEW") {
        let accepted = played(&["15000 dials 15800", "15800: answered", "15000 adds 15001", "15001: answered"])
            .operate("15000", wanted)
            .is_ok();
        assert!(accepted || !offered.contains(&capability), "{capability:?}");
    }
    assert!(offered.len() > 10, "{offered:?}");
}
