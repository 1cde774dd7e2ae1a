//! How much a call may have, whoever wants more.

use crate::calls::tests::script::{Play, call_id, endpoint, number};
use crate::calls::{
    Accepted, AskKind, CallType, Datum, Dial, Family, Monitor, MonitorMode, MonitorScope, Operation, Purpose, Refused,
    Target, UserData,
};
use crate::ids::{CallId, ConnId};

#[test]
fn a_number_comes_to_a_call_once_whoever_asks() {
    let mut play = talking();
    let present = |who: &str| Err(Refused::AlreadyPresent(number(who)));
    let target = || Target { endpoint: endpoint("15001"), location: None, user_data: UserData::default() };
    assert_eq!(play.operate("15000", Operation::SingleStepConference(target())), present("15001"));
    assert_eq!(play.operate("15000", Operation::SingleStepTransfer(target())), present("15001"));
    assert_eq!(play.operate("15000", consult(1, target())), present("15001"));
    assert_eq!(watch(&mut play, "15000", "15001"), present("15000"));
    assert_eq!(dial("15000", "15000", UserData::default()).map(|_| ()), Err(Refused::AlreadyPresent(number("15000"))));
}

#[test]
fn a_call_has_at_most_64_parties_supervisors_included() {
    let mut play = talking();
    for other in 3..=63 {
        play.line(&format!("15000 adds 70{other:02}"));
    }
    assert_eq!(watch(&mut play, "15003", "15001"), Ok(Accepted::Changed));
    assert_eq!(play.call().parties.len(), 64);
    let many = Err(Refused::TooMany("parties"));
    assert_eq!(watch(&mut play, "15004", "15001"), many);
    let target = Target { endpoint: endpoint("15004"), location: None, user_data: UserData::default() };
    assert_eq!(play.operate("15000", Operation::SingleStepConference(target)), many);
    play.line("7003: ended");
    assert_eq!(watch(&mut play, "15004", "15001"), Ok(Accepted::Changed));
}

#[test]
fn a_supervisor_for_whom_there_is_no_room_is_told_and_was_to_come() {
    let mut play = talking();
    for other in 3..=64 {
        play.line(&format!("15000 adds 70{other:02}"));
    }
    play.transcript.clear();
    let monitor = Monitor { target: number("15001"), mode: MonitorMode::BargeIn, scope: MonitorScope::Call };
    let now = play.now();
    assert!(play.family.as_mut().unwrap().turn_away(now, &call_id(), endpoint("15003"), monitor));
    play.outcome(true);
    assert_eq!(play.transcript, "15003 Error Failed\n");
    assert_eq!(play.call().live().count(), 64);
    for _ in 0..2 {
        assert!(play.call().has_had(&endpoint("15003").home.unwrap().agent));
        play.line("15000 hold");
    }
    assert!(play.family.as_ref().unwrap().asks.iter().all(|ask| ask.asker != endpoint("15003").home));
}

#[test]
fn two_calls_that_become_one_have_no_more_parties_than_one_may_have() {
    let mut play = talking();
    for other in 3..=62 {
        play.line(&format!("15000 adds 70{other:02}"));
    }
    play.line("15000 consults 15002");
    for line in ["15002/2: answered", "15002/2 adds 7101", "7101/2: answered"] {
        play.line(line);
    }
    assert_eq!(play.call().parties.len(), 62);
    let complete = |purpose| Operation::Complete { purpose, consult: None };
    // Two come: 15000 is on the one or leaves it.
    for (added, allowed) in [("7201", [true, true]), ("7202", [false, true]), ("7203", [false, false])] {
        for (purpose, allowed) in [Purpose::Conference, Purpose::Transfer].into_iter().zip(allowed) {
            let before = play.family.clone();
            let outcome = play.operate("15000", complete(purpose));
            assert_eq!(
                outcome,
                if allowed { Ok(Accepted::Changed) } else { Err(Refused::TooMany("parties")) },
                "{added}"
            );
            play.family = before;
        }
        play.line(&format!("15002/2 adds {added}"));
    }
}

#[test]
fn a_family_has_at_most_8_consult_calls_at_a_time() {
    let mut play = talking();
    let target =
        |other| Target { endpoint: endpoint(&format!("700{other}")), location: None, user_data: UserData::default() };
    for other in 1..=8 {
        assert!(play.operate("15000", consult(other, target(other))).is_ok());
    }
    assert_eq!(play.operate("15000", consult(9, target(9))), Err(Refused::TooMany("consult calls")));
}

#[test]
fn a_call_has_at_most_64_kib_of_data_from_its_first_moment() {
    let much = |bytes: usize| UserData(vec![("key".into(), Datum("1".repeat(bytes).into()))]);
    let all = 64 * 1024 - "key".len();
    assert!(dial("15000", "15001", much(all)).is_ok());
    let many = || Refused::TooMany("data");
    assert_eq!(dial("15000", "15001", much(all + 1)).map(|_| ()), Err(many()));
    let mut play = talking();
    let target = |bytes| Target { endpoint: endpoint("15002"), location: None, user_data: much(bytes) };
    assert_eq!(play.operate("15000", Operation::SingleStepConference(target(all + 1))), Err(many()));
    assert_eq!(play.operate("15000", consult(1, target(all + 1))), Err(many()));
    assert_eq!(play.operate("15000", Operation::AttachUserData(much(all + 1))), Err(many()));
    assert!(play.operate("15000", Operation::AttachUserData(much(all))).is_ok());
    assert!(play.operate("15000", Operation::SingleStepConference(target(all))).is_ok(), "the same key");
}

#[test]
fn two_calls_that_become_one_have_no_more_data_than_one_may_have() {
    let mut play = talking();
    play.line("15000 consults 15002");
    play.line("15002/2: answered");
    let much = |key: &str| UserData(vec![(key.into(), Datum("1".repeat(40 * 1024).into()))]);
    assert!(play.operate("15001", Operation::AttachUserData(much("a"))).is_ok());
    assert!(play.operate("15002/2", Operation::AttachUserData(much("b"))).is_ok());
    for purpose in [Purpose::Conference, Purpose::Transfer] {
        let complete = Operation::Complete { purpose, consult: None };
        assert_eq!(play.operate("15000", complete), Err(Refused::TooMany("data")));
    }
    assert!(play.operate("15000/2", Operation::DeleteUserData).is_ok());
    play.line("15000 complete-conference");
    play.line("merged");
    assert_eq!(play.call().parties.len(), 3);
}

#[test]
fn what_comes_with_who_is_being_added_is_counted_until_it_does_not_come() {
    let mut play = talking();
    let adds = |who, key| Operation::SingleStepConference(with(who, kib(40, key)));
    assert!(play.operate("15000", adds("15002", "a")).is_ok());
    let refused = |play: &mut Play| {
        for operation in [
            adds("15003", "b"),
            Operation::SingleStepTransfer(with("15003", kib(40, "b"))),
            Operation::AttachUserData(kib(40, "b")),
            Operation::SetDisposition(kib(40, "b")),
        ] {
            assert_eq!(play.operate("15000", operation), Err(Refused::TooMany("data")));
        }
    };
    refused(&mut play);
    let before = play.family.clone();
    play.line("15002: answered");
    refused(&mut play);
    assert!(play.operate("15000", Operation::DeleteUserDataPair("a".into())).is_ok());
    assert!(play.operate("15000", adds("15003", "b")).is_ok());
    play.family = before;
    play.line("15002: busy");
    assert!(play.operate("15000", adds("15003", "b")).is_ok());
}

#[test]
fn what_is_too_much_already_may_become_less_and_no_more() {
    let mut play = talking();
    let call = &mut play.family.as_mut().unwrap().calls[0];
    call.user_data = UserData(["a", "b", "c"].into_iter().flat_map(|key| kib(40, key).0).collect());
    let more = [
        Operation::AttachUserData(kib(1, "d")),
        Operation::AttachUserData(kib(41, "a")),
        Operation::SingleStepConference(with("15002", kib(1, "d"))),
    ];
    for operation in more {
        assert_eq!(play.operate("15000", operation), Err(Refused::TooMany("data")));
    }
    let less = [
        Operation::SingleStepConference(with("15002", UserData::default())),
        Operation::UpdateUserData(kib(40, "a")),
        Operation::UpdateUserData(kib(39, "a")),
        Operation::DeleteUserDataPair("b".into()),
        Operation::DeleteUserDataPair("c".into()),
        Operation::AttachUserData(kib(1, "d")),
    ];
    for operation in less {
        assert_eq!(play.operate("15000", operation), Ok(Accepted::Changed));
    }
}

#[test]
fn what_the_call_says_of_itself_is_not_counted() {
    let mut play = talking();
    let full = || UserData(vec![("a".into(), Datum("1".repeat(64 * 1024 - 1).into()))]);
    assert!(play.operate("15000", Operation::AttachUserData(full())).is_ok());
    for line in ["15000 adds 15002", "15002: answered", "15000: recorded"] {
        play.line(line);
    }
    assert_eq!(play.call().user_data.0.len(), 3);
    let edits = [
        Operation::AttachUserData(full()),
        Operation::DeleteUserDataPair("a".into()),
        Operation::AttachUserData(full()),
        Operation::SingleStepConference(with("15003", full())),
    ];
    for operation in edits {
        assert_eq!(play.operate("15000", operation), Ok(Accepted::Changed));
    }
}

#[test]
fn two_calls_that_become_one_bring_what_is_to_come_to_both() {
    let complete = || Operation::Complete { purpose: Purpose::Conference, consult: None };
    let begun = || {
        let mut play = talking();
        play.line("15000 consults 15002");
        play.line("15002/2: answered");
        play
    };
    let (on_main, on_side) = (("15001", "a"), ("15002/2", "b"));
    for [first, second] in [[on_main, on_side], [on_side, on_main]] {
        let mut play = begun();
        assert!(play.operate(first.0, Operation::SingleStepConference(with("15003", kib(40, first.1)))).is_ok());
        assert!(play.operate(second.0, Operation::AttachUserData(kib(40, second.1))).is_ok());
        assert_eq!(play.operate("15000", complete()), Err(Refused::TooMany("data")));
    }
    // Nor does anything more come to either while the switch brings them together.
    let mut play = begun();
    assert!(play.operate("15001", Operation::AttachUserData(kib(40, "a"))).is_ok());
    assert!(play.operate("15000", complete()).is_ok());
    assert_eq!(play.operate("15002/2", Operation::AttachUserData(kib(40, "b"))), Err(Refused::TooMany("data")));
    assert!(play.operate("15001", Operation::DeleteUserData).is_ok());
    assert!(play.operate("15002/2", Operation::AttachUserData(kib(40, "b"))).is_ok());
    // It may do that also when nobody waits for it any more.
    let asks = &play.family.as_ref().unwrap().asks;
    let merge = asks.iter().position(|ask| matches!(ask.kind, AskKind::Merge { .. })).unwrap();
    play.line(&format!("time out {merge}"));
    assert_eq!(play.operate("15001", Operation::AttachUserData(kib(40, "a"))), Err(Refused::TooMany("data")));
}

#[test]
fn a_call_has_at_most_1024_keys() {
    let keys =
        |count: usize| UserData((0..count).map(|index| (format!("{index}").into(), Datum("1".into()))).collect());
    assert!(dial("15000", "15001", keys(1024)).is_ok());
    assert_eq!(dial("15000", "15001", keys(1025)).map(|_| ()), Err(Refused::TooMany("data")));
}

fn talking() -> Play {
    let mut play = Play::default();
    play.line("15000 dials 15001");
    play.line("15001: answered");
    play
}

/// So much under this key.
fn kib(count: usize, key: &str) -> UserData {
    UserData(vec![(key.into(), Datum("1".repeat(count * 1024).into()))])
}

fn with(who: &str, user_data: UserData) -> Target {
    Target { endpoint: endpoint(who), location: None, user_data }
}

fn consult(index: usize, target: Target) -> Operation {
    let call = CallId::parse(&format!("CONSULT{index}")).unwrap();
    Operation::Initiate { purpose: Purpose::Transfer, target, call, conn: ConnId::parse("0071").unwrap() }
}

fn watch(play: &mut Play, supervisor: &str, target: &str) -> Result<Accepted, Refused> {
    let monitor = Monitor { target: number(target), mode: MonitorMode::ListenIn, scope: MonitorScope::Call };
    let now = play.now();
    let outcome = play.family.as_mut().unwrap().monitor(now, &call_id(), endpoint(supervisor), monitor);
    if outcome.is_ok() {
        play.outcome(true);
    }
    outcome
}

fn dial(from: &str, to: &str, user_data: UserData) -> Result<Family, Refused> {
    let dial = Dial {
        root: call_id(),
        conn: ConnId::parse("0071").unwrap(),
        caller: endpoint(from),
        target: endpoint(to),
        kind: CallType::Internal,
        location: None,
        user_data,
    };
    Family::dial(Play::default().now(), dial)
}
