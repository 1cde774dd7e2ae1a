//! Operations, as desktops send them and as nobody should.

use std::fmt::Write as _;

use expect_test::expect;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::calls::{Capability, Datum};
use crate::gws::{Command, Destination, Refusal, parse_device, parse_dial, parse_operation};

#[test]
fn operations_are_read_and_what_is_wrong_with_them_is_said() {
    let bodies = [
        r#"{"operationName":"SingleStepConference","destination":{"phoneNumber":"15002"}}"#,
        r#"{"operationName":"SingleStepConference","destination":{"phoneNumber":"15002","x":1},"location":"","userData":{}}"#,
        r#"{"operationName":"SingleStepConference","destination":{"phoneNumber":"15002"},"location":"S","userData":{"b":"1","a":{ "x" : 1 },"b":2}}"#,
        r#"{"operationName":"Answer","location":7}"#,
        r#" {"operationName":"Hold","operationName":"Hangup"} "#,
        r#"{"operationName":"Retrieve"}"#,
        r#"{"operationName":"Dial","destination":{"phoneNumber":"15002"}}"#,
        r#"{"operationName":"answer"}"#,
        r#"{"operationName":null}"#,
        r#"{"operationName":7}"#,
        "{}",
        "[]",
        "",
        r#"{"operationName":"Answer"} x"#,
        r#"{"operationName":"SingleStepConference"}"#,
        r#"{"operationName":"SingleStepConference","destination":"15002"}"#,
        r#"{"operationName":"SingleStepConference","destination":{}}"#,
        r#"{"operationName":"SingleStepConference","destination":{"phoneNumber":""}}"#,
        r#"{"operationName":"SingleStepConference","destination":{"phoneNumber":15002}}"#,
        r#"{"operationName":"SingleStepConference","destination":{"phoneNumber":"1/2"}}"#,
        r#"{"operationName":"SingleStepConference","destination":{"phoneNumber":"1"},"location":[]}"#,
        r#"{"operationName":"SingleStepConference","destination":{"phoneNumber":"1"},"userData":"x"}"#,
    ];
    let mut lines = String::new();
    for body in bodies {
        match parse_operation(body.as_bytes()) {
            Ok(command) => writeln!(lines, "{command:?}").unwrap(),
            Err(refusal) => writeln!(lines, "{} {refusal}", refusal.code.number()).unwrap(),
        }
    }
    expect![[r#"
        SingleStepConference(Destination { number: Number("15002"), location: None, user_data: UserData([]) })
        SingleStepConference(Destination { number: Number("15002"), location: None, user_data: UserData([]) })
        SingleStepConference(Destination { number: Number("15002"), location: Some(Location("S")), user_data: UserData([("b", Datum("2")), ("a", Datum("{ \"x\" : 1 }"))]) })
        Operation(Answer)
        Operation(Hangup)
        Operation(Retrieve)
        2 The operation is not known.
        2 The operation is not known.
        1 The parameter 'operationName' is missing.
        1 The parameter 'operationName' must be a string.
        1 The parameter 'operationName' is missing.
        1 The body is not a JSON object.
        1 The body is not a JSON object.
        1 The body is not a JSON object.
        1 The parameter 'destination' is missing.
        1 The parameter 'destination' must be an object.
        1 The parameter 'destination.phoneNumber' is missing.
        1 The parameter 'destination.phoneNumber' is missing.
        1 The parameter 'destination.phoneNumber' must be a string.
        1 The parameter 'destination.phoneNumber' must be a number: must be 1 to 128 characters, with no control character, quote, backslash or slash.
        1 The parameter 'location' must be a string.
        1 The parameter 'userData' must be an object.
    "#]].assert_eq(&lines);
}

#[test]
fn dial_needs_no_name_but_takes_no_other() {
    for body in
        [r#"{"destination":{"phoneNumber":"1"}}"#, r#"{"operationName":"Dial","destination":{"phoneNumber":"1"}}"#]
    {
        let command = parse_dial(body.as_bytes()).unwrap();
        assert!(matches!(&command, Command::Dial(to) if to.number.as_str() == "1"));
        assert_eq!(command.name(), "Dial");
    }
    assert_eq!(
        parse_dial(br#"{"operationName":"Hold","destination":{"phoneNumber":"1"}}"#).unwrap_err().code.number(),
        2
    );
    assert_eq!(parse_dial(b"{}").unwrap_err().code.number(), 1);
}

#[test]
fn data_keeps_its_order_and_its_text() {
    let body = br#"{"destination":{"phoneNumber":"1"},"userData":{"z":"\u00e9","a":1.0,"z":"2"}}"#;
    let Command::Dial(Destination { user_data, .. }) = parse_dial(body).unwrap() else { panic!("another command") };
    let pairs: Vec<_> = user_data.0.iter().map(|(key, Datum(value))| (&**key, &**value)).collect();
    assert_eq!(pairs, [("z", "\"2\""), ("a", "1.0")]);
}

#[test]
fn data_that_some_readers_of_json_cannot_read_is_refused_for_all_would_be_told_it() {
    for (value, read) in [
        (r#""\ud83d\ude00""#, true),
        ("1e300", true),
        (r#""\ud83d""#, false),
        (r#"{"a":["\udc00x"]}"#, false),
        ("1e999", false),
        ("[-1e999]", false),
    ] {
        let code = |refused: Refusal| refused.code.number();
        for operation in ["AttachUserData", "UpdateUserData"] {
            let body = format!(r#"{{"operationName":"{operation}","userData":{{"k":{value}}}}}"#);
            let read = if read { None } else { Some(1) };
            assert_eq!(parse_operation(body.as_bytes()).map_err(code).err(), read, "{body}");
        }
        let body = format!(r#"{{"operationName":"SetCallDisposition","callUuid":"A","disposition":{value}}}"#);
        assert_eq!(parse_device(body.as_bytes()).map_err(code).is_ok(), read, "{body}");
    }
}

#[test]
fn what_is_too_deep_or_too_much_is_refused() {
    let code = |body: String| parse_dial(body.as_bytes()).map_err(|refusal| refusal.code.number()).err();
    let with_data = |data: &str| format!(r#"{{"destination":{{"phoneNumber":"1"}},"userData":{data}}}"#);
    let nested = |levels: usize| format!(r#"{{"a":{}1{}}}"#, "[".repeat(levels), "]".repeat(levels));
    assert_eq!(code(with_data(&nested(30))), None);
    assert_eq!(code(with_data(&nested(31))), Some(1));
    assert_eq!(code("[".repeat(100_000)), Some(1));
    assert_eq!(code(with_data(&nested(100_000))), Some(1));
    assert_eq!(code(with_data(&format!(r#"{{"brackets":"\"{}"}}"#, "[".repeat(100)))), None);
    let keys = |count: usize| (0..count).map(|key| format!("\"{key}\":1")).collect::<Vec<_>>().join(",");
    assert_eq!(code(with_data(&format!("{{{}}}", keys(256)))), None);
    assert_eq!(code(with_data(&format!("{{{}}}", keys(257)))), Some(10));
    assert_eq!(code(with_data(&format!(r#"{{"a":"{}"}}"#, "x".repeat(16 * 1024)))), Some(10));
    assert_eq!(code(format!(r#"{{"destination":{{"phoneNumber":"1"}},"location":"{}"}}"#, "x".repeat(256))), Some(10));
}

#[test]
fn damaged_bodies_are_refused_or_read_but_never_panic() {
    let body =
        br#"{"operationName":"SingleStepConference","destination":{"phoneNumber":"15002"},"userData":{"a":[1]}}"#;
    let mut random = StdRng::seed_from_u64(15002);
    let (mut read, mut refused) = (0, 0);
    for _ in 0..5000 {
        let mut body = body.to_vec();
        for _ in 0..random.random_range(1..4) {
            let at = random.random_range(0..body.len());
            match random.random_range(0..3) {
                0 => body[at] = random.random(),
                1 => body[at] = *b"{}[]\",:".get(random.random_range(0..7)).unwrap(),
                _ => _ = body.remove(at),
            }
        }
        match parse_operation(&body) {
            Ok(_) => read += 1,
            Err(_) => refused += 1,
        }
        parse_dial(&body).ok();
    }
    assert!(read > 100 && refused > 3000, "{read} {refused}");
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    assert_eq!(parse_operation(b"{\"operationName\":\"\xff\"}").unwrap_err().code.number(), 1);
    assert_eq!(parse_operation(b"{\"operationName\":\"Answer\",\"x\":\"\xff\"}").unwrap_err().code.number(), 1);
}

#[test]
fn an_operation_is_asked_for_by_the_name_that_it_is_offered_by() {
    let offered = "Accept Decline Answer Reject UpdateUserData Retrieve SendDtmf SwapCalls InitiateConference Hold \
                   SingleStepTransfer InitiateTransfer RemoveParticipantFromConference AttachUserData \
                   CompleteConference DeleteUserDataPair SingleStepConference DeleteUserData MuteCall UnmuteCall \
                   Hangup CompleteTransfer StartCallRecording PauseCallRecording ResumeCallRecording \
                   StopCallRecording SwitchToBargeIn SwitchToCoach SwitchToListenIn ClearCall";
    let names: Vec<&str> = offered.split_whitespace().collect();
    assert_eq!(names.len(), Capability::ClearCall as usize + 1);
    for name in names {
        let body = format!(
            r#"{{"operationName":"{name}","destination":{{"phoneNumber":"15002"}},"userData":{{}},"key":"key",
                "participant":"15001","digits":"1","otherCallUri":"/calls/1"}}"#
        );
        assert_eq!(parse_operation(body.as_bytes()).unwrap().name(), name);
    }
}
