//! Reports that come late, twice, or of legs that are gone.

use std::time::Duration;

use expect_test::expect;

use crate::calls::tests::operations::STATES;
use crate::calls::tests::script::{Play, TIMEOUT, call_id, check, endpoint, kind};
use crate::calls::{Ask, AskId, AskKind, Failure, Heard, LegId, Report, ReportKind, Term};
use crate::ids::{Number, Position};

#[test]
fn a_late_or_doubled_report_changes_nothing() {
    check(
        "15000 dials 15001
         15001: ringing
         again
         15001: answered
         again
         old 15001: ringing
         old 15001: ended
         15001: ringing
         15001: answered
         15000: held
         again
         15000: held
         old 15000: retrieved
         15000: retrieved
         15001: ended
         again
         15001: ringing",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15001: ringing
            15001 StatusChange: Ringing with 15000
            > again
            nothing
            > 15001: answered
            15001 StatusChange: Established with 15000
            15000 StatusChange: Established with 15001
            > again
            nothing
            > old 15001: ringing
            nothing
            > old 15001: ended
            nothing
            > 15001: ringing
            nothing
            > 15001: answered
            nothing
            > 15000: held
            15000 StatusChange: Held with 15001
            > again
            nothing
            > 15000: held
            nothing
            > old 15000: retrieved
            nothing
            > 15000: retrieved
            15000 StatusChange: Established with 15001
            > 15001: ended
            ask 6-0: release 15000
            15001 StatusChange: Released with 15000
            15000 StatusChange: Released with 15001
            > again
            nothing
            > 15001: ringing
            nothing
        "#]],
    );
}

#[test]
fn a_refusal_older_than_what_was_heard_of_the_leg_changes_nothing() {
    let mut play = Play::default();
    play.line("15000 dials 15001");
    play.line("15001: ringing");
    let (leg, before) = (play.legs["15001"], play.family.clone());
    let heard = Heard { term: Term(0), sequence: 0 };
    play.report(Report { call: call_id(), leg, heard, kind: ReportKind::Refused(Failure::Busy) });
    assert_eq!(play.family, before);
    play.report_next(leg, ReportKind::Refused(Failure::Busy));
    assert!(play.family.as_ref().unwrap().is_over());
}

#[test]
fn two_reports_of_a_leg_never_bear_the_same_place() {
    let mut play = Play::default();
    play.line("15000 dials 15001");
    play.line("15001: ringing");
    let (leg, before) = (play.legs["15001"], play.family.clone());
    let heard = play.party("15001").heard.unwrap();
    play.report(Report { call: call_id(), leg, heard, kind: kind("ended") });
    assert_eq!(play.family, before);
}

#[test]
fn a_party_that_left_stays_until_the_next_change() {
    let mut play = Play::default();
    for line in ["15000 dials 15001", "15001: answered", "15000 adds 15002", "15002: answered", "15002: ended"] {
        play.line(line);
    }
    assert_eq!(play.call().parties.len(), 3);
    play.line("15002: ringing");
    play.line("15000 retrieve");
    assert_eq!(play.call().parties.len(), 3, "nothing changed, so it stays");
    play.line("15000 hold");
    assert_eq!(play.call().parties.len(), 2);
}

#[test]
fn an_ask_is_due_unless_its_leg_rings() {
    let mut play = Play::default();
    play.line("15000 dials 15001");
    let family = |play: &Play| play.family.clone().unwrap();
    assert_eq!(family(&play).next_due(play.now(), TIMEOUT), Some(TIMEOUT));
    play.line("wait 4");
    assert_eq!(family(&play).next_due(play.now(), TIMEOUT), Some(Duration::from_secs(6)));
    assert!(family(&play).due_asks(play.now(), TIMEOUT).is_empty());
    play.line("15001: ringing");
    play.line("wait 6");
    assert_eq!(family(&play).due_asks(play.now(), TIMEOUT), [play.legs["15000"]]);
    play.line("15000: answered");
    assert_eq!(family(&play).next_due(play.now(), TIMEOUT), None);
}

#[test]
fn settling_names_asks_and_legs_after_the_record() {
    let mut play = Play::default();
    play.line("15000 dials 15001");
    play.line("15001: answered");
    let mut family = play.family.clone().unwrap();
    let here = |index| AskId { record: Position::ZERO, index };
    let leg: LegId = here(3);
    family.calls[0].parties[1].leg = leg;
    let kinds = [AskKind::Hold(leg), AskKind::Connect(Number::parse("1").unwrap())];
    for (index, kind) in kinds.into_iter().enumerate() {
        let (id, call) = (here(u16::try_from(index).unwrap()), family.root.clone());
        family.asks.push(Ask { id, call, since: play.now(), asker: endpoint("15000").home, kind });
    }
    family.settle(Position::new(813));
    let settled = |index| AskId { record: Position::new(813), index };
    assert_eq!(family.calls[0].parties[1].leg, settled(3));
    assert_eq!(family.asks[1].kind, AskKind::Hold(settled(3)));
    let ids: Vec<String> = family.asks.iter().map(|ask| ask.id.to_string()).collect();
    assert_eq!(ids, ["1-0", "813-0", "813-1"]);
    assert_eq!(family.legs().len(), 2);
}

#[test]
fn every_report_is_legal_in_every_state() {
    let reports = ["answered", "busy", "ended", "held", "no-answer", "retrieved", "ringing"];
    for script in STATES {
        for report in reports {
            let mut play = Play::default();
            script.lines.iter().for_each(|line| play.line(line));
            let leg = play.legs[script.number];
            play.report_next(leg, kind(report));
            play.report_next(leg, kind(report));
        }
    }
}

#[test]
fn a_leg_that_was_heard_of_forwards_to_nobody_any_more() {
    let mut play = Play::default();
    play.line("15000 dials 15001");
    for come in ["15001: ringing", "15001: answered", "15001: held"] {
        play.line(come);
        let before = play.family.clone();
        // To who is on the call, and to somebody else.
        for to in ["15000", "15002"] {
            play.line(&format!("15001: forwards:{to}"));
            assert_eq!(play.family, before, "{come}, to {to}");
        }
    }
}

/// What was asked is not answered in time, and is done all the same.
fn done_late(play: &mut Play, what: &str) {
    let ask = play.family.as_ref().unwrap().asks.last().unwrap().id;
    let now = play.now();
    let changed = play.family.as_mut().unwrap().handle_ask_timeout(now, ask);
    play.outcome(changed);
    play.transcript.push_str(&format!("> {what}, late\n"));
    play.report_next(ask, kind(what));
    play.transcript.push_str("> again\n");
    play.line("again");
}

#[test]
fn a_call_that_was_cleared_late_is_over_for_all() {
    let mut play = Play::default();
    for line in ["15000 dials 15001", "15000: answered", "15001: answered", "15000 adds 15002", "15002: answered"] {
        play.line(line);
    }
    play.transcript.clear();
    play.line("15001 clear");
    let clear = play.family.as_ref().unwrap().asks[0].id;
    play.line("time out 0");
    // Who is asked for after that may be rung after that.
    play.line("15000 adds 15003");
    play.report_next(clear, kind("cleared"));
    expect![[r#"
        ask 6-0: clear
        15001 Error Timeout
        ask 8-0: dial 15003 from 15000
        ask 9-0: release 15003
        15000 StatusChange: Released with 15002,15001 FirstConferencePartyDN="15000"
        15001 StatusChange: Released with 15002,15000 FirstConferencePartyDN="15000"
        15002 StatusChange: Released with 15001,15000 FirstConferencePartyDN="15000"
    "#]]
    .assert_eq(&play.transcript);
    assert!(play.family.as_ref().unwrap().is_over());
}

#[test]
fn calls_that_were_brought_together_or_swapped_late_are_as_if_it_had_been_in_time() {
    let begun = || {
        let mut play = Play::default();
        for line in [
            "15000 dials 15001",
            "15000: answered",
            "15001: answered",
            "15000 consults 15002",
            "15000: held",
            "15000/2: answered",
            "15002/2: answered",
        ] {
            play.line(line);
        }
        play.transcript.clear();
        play
    };
    for (operation, what, expected) in [
        (
            "15000 complete-conference",
            "merged",
            expect![[r#"
                ask 8-0: merge 15000 and 15000/2 for a Conference
                15000 Error Timeout
                > merged, late
                15000/2 StatusChange: Released with 15002 beside its main call
                15002/2 StatusChange: Released with 15000
                15002 StatusChange: Ringing with 15001,15000 FirstConferencePartyDN="15000"
                15002 StatusChange: Established with 15001,15000 FirstConferencePartyDN="15000"
                15000 AttachedDataChanged: Established with 15002,15001 FirstConferencePartyDN="15000"
                15000 ParticipantsUpdated: Established with 15002,15001 FirstConferencePartyDN="15000"
                15001 AttachedDataChanged: Established with 15002,15000 FirstConferencePartyDN="15000"
                15001 ParticipantsUpdated: Established with 15002,15000 FirstConferencePartyDN="15000"
                > again
                nothing
            "#]],
        ),
        (
            "15000 complete-transfer",
            "merged",
            expect![[r#"
                ask 8-0: merge 15000 and 15000/2 for a Transfer
                15000 Error Timeout
                > merged, late
                15000 StatusChange: Released with 15001
                15000/2 StatusChange: Released with 15002 beside its main call
                15002/2 StatusChange: Released with 15000
                15002 StatusChange: Ringing with 15001
                15002 StatusChange: Established with 15001
                15001 ParticipantsUpdated: Established with 15002
                > again
                nothing
            "#]],
        ),
        (
            "15000 swap",
            "swapped",
            expect![[r#"
                ask 8-0: hold 15000/2 and retrieve 15000
                15000 Error Timeout
                > swapped, late
                15000/2 StatusChange: Held with 15002 beside its main call
                15000 StatusChange: Established with 15001
                > again
                nothing
            "#]],
        ),
    ] {
        let mut play = begun();
        play.line(operation);
        done_late(&mut play, what);
        expected.assert_eq(&play.transcript);
    }
}

#[test]
fn who_asks_once_more_is_not_told_that_what_was_done_late_cannot_be_done() {
    let mut play = Play::default();
    for line in [
        "15000 dials 15001",
        "15000: answered",
        "15001: answered",
        "15000 consults 15002",
        "15000: held",
        "15000/2: answered",
        "15002/2: answered",
        "15000 swap",
        "time out 0",
        "15000 swap",
    ] {
        play.line(line);
    }
    let family = play.family.as_ref().unwrap();
    let [late, again] = [family.late[0].id, family.asks[0].id];
    play.report_next(late, kind("swapped"));
    play.transcript.clear();
    play.report_next(again, kind("refused"));
    assert_eq!(play.transcript, "nothing\n");
}

#[test]
fn few_asks_are_remembered_that_the_switch_left_unanswered() {
    let mut play = Play::default();
    for line in ["15000 dials 15001", "15000: answered", "15001: answered", "15000 adds 15002", "15002: answered"] {
        play.line(line);
    }
    for _ in 0..20 {
        play.line("15000 clear");
        play.line("time out 0");
        play.line("15000 hold");
        play.line("time out 0");
    }
    let late = &play.family.as_ref().unwrap().late;
    assert!(late.len() == 8 && late.iter().all(|ask| ask.kind == AskKind::Clear), "{late:?}");
}

#[test]
fn a_consult_call_that_is_brought_in_late_comes_to_where_who_began_it_is_by_then() {
    let mut play = Play::default();
    for line in [
        "15000 dials 15001",
        "15000: answered",
        "15001: answered",
        "15000 consults 15002",
        "15000: held",
        "15000/2: answered",
        "15002/2: answered",
        "15002/2 consults 15003",
        "15002/2: held",
        "15002/3: answered",
        "15003/3: answered",
        "15002/2 complete-conference",
        "time out 0",
        "15000 complete-conference",
        "merged",
    ] {
        play.line(line);
    }
    assert_eq!(play.call().live().count(), 3);
    let late = play.family.as_ref().unwrap().late[0].id;
    play.report_next(late, kind("merged"));
    assert_eq!(play.call().live().count(), 4);
    let family = play.family.as_ref().unwrap();
    assert_eq!(family.calls.iter().flat_map(|call| call.live()).count(), 4);
    // One that the switch refuses after all is remembered no longer.
    play.line("15000 clear");
    play.line("time out 0");
    let clear = play.family.as_ref().unwrap().late[0].id;
    play.report_next(clear, kind("refused"));
    assert!(play.family.as_ref().unwrap().late.is_empty());
}
