//! The table of transitions, played: whatever can happen to a party in whatever state.

use expect_test::expect;

use crate::calls::tests::script::{Play, endpoint, kind, shown};
use crate::calls::transitions::{After, Happening};
use crate::calls::{AskKind, Family, LegId, Party, PartyState, ReportKind, Seen};
use crate::ids::WallTime;

/// The states, each with a script that brings a party there, and the number of that party.
const STATES: [(&str, &[&str], &str); 8] = [
    ("Preview", &["15000 previews 7000"], "15000"),
    ("Invited", &["15000 dials 15001"], "15001"),
    ("Dialing", &["15000 dials 15001"], "15000"),
    ("Ringing", &["15000 dials 15001", "15001: ringing"], "15001"),
    ("Established", &["15000 dials 15001", "15001: answered"], "15001"),
    ("Held", &["15000 dials 15001", "15000: answered", "15001: answered", "15000: held"], "15000"),
    ("Released", &["15000 dials 15001", "15001: answered", "15001: ended"], "15001"),
    ("PreviewCancelled", &["15000 previews 7000", "15000 decline"], "15000"),
];

const HAPPENINGS: [Happening; 18] = [
    Happening::Ringing,
    Happening::Answered,
    Happening::Held,
    Happening::Retrieved,
    Happening::RetrievedToWait,
    Happening::Ended,
    Happening::Redirected,
    Happening::Queued,
    Happening::Routed,
    Happening::Muted,
    Happening::Monitoring,
    Happening::Recording,
    Happening::CalledAnswered,
    Happening::NotHeld,
    Happening::Merged,
    Happening::Consults,
    Happening::Accepts,
    Happening::Declines,
];

/// How something is brought about.
enum Then {
    /// By a line of a script, in which `WHO` stands for the party's number.
    Line(&'static str),
    /// By the refusal of the hold that was asked for.
    RefuseHold,
    /// By the report that the ask that made the party's leg found an agent.
    Route,
}

/// Whom something happens to in that state, after which script, and how. `None` where it cannot come about.
fn trial(what: Happening, state: usize) -> Option<(&'static [&'static str], &'static str, Then)> {
    let (name, lines, who) = STATES[state];
    let then = match what {
        Happening::Ringing => Then::Line("WHO: ringing"),
        Happening::Answered => Then::Line("WHO: answered"),
        Happening::Held => Then::Line("WHO: held"),
        Happening::Retrieved => Then::Line("WHO: retrieved"),
        Happening::RetrievedToWait if name == "Held" => {
            return Some((&["15000 dials 15001", "15000: held"], "15000", Then::Line("WHO: retrieved")));
        }
        Happening::RetrievedToWait => Then::Line("WHO: retrieved"),
        Happening::Ended => Then::Line("WHO: ended"),
        Happening::Redirected => Then::Line("WHO: forwards:15009"),
        Happening::Queued => Then::Line("WHO: queued:6000"),
        Happening::Routed => {
            return Some(match name {
                "Invited" => (&["7000 enters 6000"], "6000", Then::Route),
                "Ringing" => (&["7000 enters 6000", "route 15001", "15001: ringing"], "15001", Then::Route),
                _ => (lines, who, Then::Route),
            });
        }
        Happening::Muted => Then::Line("WHO: muted"),
        Happening::Monitoring => {
            let (lines, who) = supervised(name).map_or((lines, who), |lines| (lines, "15003"));
            return Some((lines, who, Then::Line("WHO: heard:coach")));
        }
        Happening::Recording => Then::Line("WHO: recorded"),
        Happening::CalledAnswered => return called_answers(name),
        Happening::NotHeld => return not_held(name).map(|lines| (lines, "15000", Then::RefuseHold)),
        Happening::Merged => return merging(name).map(|lines| (lines, "15000", Then::Line("merged"))),
        Happening::Consults => Then::Line("WHO consults 15009"),
        Happening::Accepts => Then::Line("WHO accept"),
        Happening::Declines => Then::Line("WHO decline"),
    };
    Some((lines, who, then))
}

/// A supervisor in that state. One that takes part may be left with those who still ring, as if it had called them.
fn supervised(state: &str) -> Option<&'static [&'static str]> {
    const WATCHED: [&str; 3] = ["15000 dials 15001", "15001: answered", "15003 watches 15001 listen-in"];
    match state {
        "Invited" => Some(&WATCHED),
        "Ringing" => Some(&[WATCHED[0], WATCHED[1], WATCHED[2], "15003: ringing"]),
        "Established" => Some(&[WATCHED[0], WATCHED[1], WATCHED[2], "15003: answered"]),
        "Held" => Some(&[WATCHED[0], WATCHED[1], WATCHED[2], "15003: answered", "15003: held"]),
        "Released" => Some(&[WATCHED[0], WATCHED[1], WATCHED[2], "15003: answered", "15003: ended"]),
        "Dialing" => Some(&[
            WATCHED[0],
            WATCHED[1],
            "15003 follows 15001 barge-in",
            "15003: answered",
            "15000 transfers 15002",
            "15001 transfers 15004",
            "15002: ringing",
            "15004: ringing",
            "15003: held",
            "15003: retrieved",
        ]),
        _ => None,
    }
}

/// Whom the first party called answers while this one is in that state.
fn called_answers(state: &str) -> Option<(&'static [&'static str], &'static str, Then)> {
    let (lines, who): (&[&str], &str) = match state {
        "Preview" => return Some((&["15000 previews 7000"], "15000", Then::Line("7000: answered"))),
        "Invited" => (&["15000 dials 15001", "15000: held", "15000 adds 15002"], "15002"),
        "Dialing" => (&["15000 dials 15001"], "15000"),
        "Ringing" => (&["15000 dials 15001", "15000: held", "15000 adds 15002", "15002: ringing"], "15002"),
        "Established" => (&["15000 dials 15001", "15000: held", "15000 adds 15002", "15002: answered"], "15002"),
        "Held" => (&["15000 dials 15001", "15000: held"], "15000"),
        _ => return None,
    };
    Some((lines, who, Then::Line("15001: answered")))
}

/// A hold was asked for and not answered, and the party is in that state.
fn not_held(state: &str) -> Option<&'static [&'static str]> {
    match state {
        "Established" => Some(&["15000 dials 15001", "15001: answered", "15000 hold"]),
        "Held" => Some(&["15000 dials 15001", "15001: answered", "15000 consults 15002"]),
        "Dialing" => Some(&[
            "15000 dials 15001",
            "15001: answered",
            "15001 transfers 15002",
            "15002: ringing",
            "15000 consults 15003",
            "15000: retrieved",
        ]),
        _ => None,
    }
}

/// A conference was asked for, and the party is in that state on the main call.
fn merging(state: &str) -> Option<&'static [&'static str]> {
    match state {
        "Held" => Some(&[
            "15000 dials 15001",
            "15001: answered",
            "15000 consults 15002",
            "15000: held",
            "15002/2: answered",
            "15000 complete-conference",
        ]),
        "Established" => Some(&[
            "15000 dials 15001",
            "15001: answered",
            "15000 consults 15002",
            "15002/2: answered",
            "15000 complete-conference",
            "15000: retrieved",
        ]),
        "Dialing" => Some(&[
            "15000 dials 15001",
            "15001: answered",
            "15001 transfers 15002",
            "15002: ringing",
            "15000 consults 15003",
            "15003/2: answered",
            "15000 complete-conference",
            "15000: retrieved",
        ]),
        _ => None,
    }
}

#[test]
fn whatever_happens_in_whatever_state_the_table_says_what_comes_of_it() {
    assert_eq!(HAPPENINGS.len(), Happening::Declines as usize + 1);
    let mut shown = format!("{:16}", "");
    STATES.iter().for_each(|(name, ..)| shown.push_str(&format!("{name:17}")));
    for what in HAPPENINGS {
        shown.push_str(&format!("\n{:16}", format!("{what:?}")));
        for (state, (name, ..)) in STATES.iter().enumerate() {
            let outcome = trial(what, state).map_or("", |trial| played(what, name, trial));
            shown.push_str(&format!("{outcome:17}"));
        }
    }
    let shown: String = shown.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    expect![[r#"
                        Preview          Invited          Dialing          Ringing          Established      Held             Released         PreviewCancelled
        Ringing         -                Ringing          stays            -                -                -                -                -
        Answered        -                Established      stays            Established      -                -                -                -
        Held            -                -                Held             -                Held             -                -                -
        Retrieved       -                -                -                -                -                Established      -                -
        RetrievedToWait -                -                -                -                -                Dialing          -                -
        Ended           -                Released         Released         Released         Released         Released         -                -
        Redirected      -                stays            -                -                -                -                -                -
        Queued          -                stays            -                -                -                -                -                -
        Routed          -                stays            -                -                -                -                -                -
        Muted           -                stays            stays            stays            stays            stays            -                -
        Monitoring      -                stays            stays            stays            stays            stays            -                -
        Recording       -                stays            stays            stays            stays            stays            -                -
        CalledAnswered  -                -                Established      -                -                -
        NotHeld                                           -                                 -                Established
        Merged                                            Established                       stays            Established
        Consults        -                -                -                -                Held             stays            -                -
        Accepts         Dialing          -                -                -                -                -                -                -
        Declines        PreviewCancelled -                -                -                -                -                -                -
    "#]].assert_eq(&shown);
}

#[test]
fn desktops_are_told_the_same_table() {
    let columns = ["Preview", "Dialing", "Ringing", "Established", "Held"];
    let states =
        [PartyState::Preview, PartyState::Dialing, PartyState::Ringing, PartyState::Established, PartyState::Held];
    let mut table = format!("| what happens | {} |\n|{}\n", columns.join(" | "), " --- |".repeat(6));
    for what in HAPPENINGS {
        let cells = states.map(|state| match state.after(what, WallTime::from_millis(0)) {
            After::Changed(next) => next.name(),
            After::Nothing | After::Stays => "",
        });
        if cells.iter().any(|cell| !cell.is_empty()) {
            table.push_str(&format!("| {} | {} |\n", in_words(what), cells.join(" | ")).replace("|  ", "| "));
        }
    }
    let document = include_str!("../../../docs/voice.md");
    assert!(document.contains(&table), "docs/voice.md lacks this:\n{table}");
}

/// How the document for those who build desktops says it, of what changes a state that they see.
fn in_words(what: Happening) -> &'static str {
    match what {
        Happening::Answered => "It answers: `Answer`, or at the telephone",
        Happening::Held => "It is put on hold: `Hold`, `SwapCalls`, or by the device for another call",
        Happening::Retrieved => "It comes back from hold, and somebody else talks: `Retrieve`, `SwapCalls`",
        Happening::RetrievedToWait => "It comes back from hold, and the other still rings",
        Happening::Ended => {
            "It leaves, or is left: `Hangup`, `Reject`, `ClearCall`, a transfer, the others went, a failure"
        }
        Happening::CalledAnswered => "The other answers",
        Happening::NotHeld => "The switch will not put it on hold for a consult call",
        Happening::Merged => "`CompleteConference`, on the main call",
        Happening::Consults => "`InitiateTransfer`, `InitiateConference`",
        Happening::Accepts => "`Accept`",
        Happening::Declines => "`Decline`",
        Happening::Monitoring
        | Happening::Muted
        | Happening::Queued
        | Happening::Recording
        | Happening::Redirected
        | Happening::Ringing
        | Happening::Routed => unreachable!("no state that they see changes"),
    }
}

/// Brings it about, and sees to it that what the table says comes of it, and nothing else where it says that nothing does.
fn played(what: Happening, state: &str, (lines, who, then): (&[&str], &str, Then)) -> &'static str {
    let mut play = Play::default();
    lines.iter().for_each(|line| play.line(line));
    let (before, seen) = (play.party(who).clone(), shown(play.seen(who)));
    assert_eq!(before.state.name(), state, "{lines:?}");
    let whole = play.family.clone();
    play.transcript.clear();
    let now = play.now();
    bring_about(&mut play, before.leg, who, &then);
    let family = play.family.clone().unwrap();
    let after = found(&family, &before);
    // Of a conference that was formed it is told as of other participants.
    let told = |state: &str| {
        let mut lines = play.transcript.lines().filter(|line| line.starts_with(&format!("{who} ")));
        lines.any(|line| line.contains(&format!(": {state} with")))
    };
    let which = format!("{what:?} of {state}:\n{}", play.transcript);
    match before.state.after(what, now) {
        After::Changed(next) => {
            assert_eq!(after.map(|party| party.state), Some(next), "{which}");
            assert_eq!(
                told(next.name()),
                knew(before.state) || knew(next) && after.is_some_and(Party::is_live),
                "{which}"
            );
            next.name()
        }
        After::Nothing => {
            // A next change forgets who left, and that somebody came just now.
            let same = |party: &Party| Party { entered: before.entered, ..party.clone() } == before;
            assert!(after.map_or_else(|| !before.is_live(), same), "{which}");
            assert!(!told(state), "{which}");
            // What happens to others, too, is theirs.
            if !matches!(what, Happening::CalledAnswered | Happening::NotHeld) {
                assert_eq!(Some(&family), whole.as_ref(), "{which}");
            }
            "-"
        }
        After::Stays => {
            let party = after.unwrap();
            assert_eq!(party.state, before.state, "{which}");
            let call = family.calls.iter().find(|call| call.parties.contains(party)).unwrap();
            let differs = *party != before || shown(Seen { family: &family, call, party }) != seen;
            assert!(differs, "{which}");
            "stays"
        }
    }
}

fn bring_about(play: &mut Play, leg: LegId, who: &str, then: &Then) {
    match then {
        Then::Line(line) => play.line(&line.replace("WHO", who)),
        Then::RefuseHold => {
            let mut asks = play.family.as_ref().unwrap().asks.iter();
            let hold = asks.find(|ask| ask.kind == AskKind::Hold(leg)).unwrap().id;
            play.report_next(hold, kind("refused"));
        }
        Then::Route => play.report_next(leg, ReportKind::Routed(endpoint("15009"))),
    }
}

/// The same party after a change, which may have given it another leg or another number.
fn found<'a>(family: &'a Family, before: &Party) -> Option<&'a Party> {
    let mut parties = family.calls.iter().flat_map(|call| &call.parties);
    let by_leg = parties.clone().find(|party| party.leg == before.leg);
    by_leg.or_else(|| parties.find(|party| party.endpoint.number == before.endpoint.number))
}

/// Whether somebody in that state knows of the call.
fn knew(state: PartyState) -> bool {
    state != PartyState::Invited
}
