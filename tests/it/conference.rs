//! A conference from the first number dialled to the last party's hanging up, as desktops see it.

use serde_json::{Value, json};

use crate::harness::{Agent, Desk, Server};

/// Replaces what differs from run to run, so that the rest can be compared to the letter.
fn settled(text: &str, call: &Value, server: &Server, device: &str, id: &str, conn: &str, duration: &str) -> String {
    text.replace(call["id"].as_str().unwrap(), id)
        .replace(call["connId"].as_str().unwrap(), conn)
        .replace(&server.address.to_string(), "127.0.0.1:8080")
        .replace(device, "631608b3-ceb1-472b-ba05-2ae39555b0d1")
        .replace(
            &format!("\"duration\":\"{}\"", call["duration"].as_str().unwrap()),
            &format!("\"duration\":\"{duration}\""),
        )
}

/// The sample as it stands on the wire: without the page's line breaks and indents.
fn compact(page: &str) -> String {
    page.lines().map(str::trim_start).collect::<String>().replace("\": ", "\":")
}

/// 15000 and 15001 talk.
fn two_talk(caller: &Agent, callee: &Agent) -> String {
    assert_eq!(caller.dial(&callee.name), json!({"statusCode": 0}));
    let ringing = callee.until_call("Ringing", 1);
    let id = ringing["id"].as_str().unwrap().to_owned();
    callee.operate(&id, "Answer");
    caller.until_call("Established", 1);
    id
}

/// The delivery in which the caller is told of the third party, as it stood on the wire.
fn conference_notification(server: &Server, request: &Value) -> (String, Value, String) {
    let [caller, callee, target] = ["15000", "15001", "15002"].map(|name| server.agent(name));
    let mut desk = Desk::open(caller.clone(), true, &["/v2/me/calls"]);
    let id = two_talk(&caller, &callee);
    assert_eq!(caller.post(&format!("me/calls/{id}"), request).json(), json!({"statusCode": 0}));
    target.until_call("Ringing", 2);
    target.operate(&id, "Answer");
    caller.until_call("Established", 2);
    loop {
        let mut stream = desk.open_connect();
        let answer = crate::harness::read_answer(&mut stream).unwrap();
        let (messages, _) = desk.take(&answer);
        if let Some(told) = messages.iter().find(|told| told["data"]["notificationType"] == "ParticipantsUpdated") {
            let start = answer.body.find(r#"{"data":{"notificationType":"ParticipantsUpdated""#).unwrap();
            let end = start + answer.body[start..].find(r#""channel":"/v2/me/calls"}"#).unwrap();
            let text = format!("{}{}", &answer.body[start..end], r#""channel":"/v2/me/calls"}"#);
            return (text, told["data"]["call"].clone(), caller.device());
        }
    }
}

#[test]
fn the_first_sample_of_the_api_page_comes_byte_for_byte() {
    let server = Server::start();
    let request = json!({"operationName": "SingleStepConference", "destination": {"phoneNumber": "15002"}});
    let (text, call, device) = conference_notification(&server, &request);
    let id = "01RCC3N118B1V0SL807GK2LAES000007";
    let text = settled(&text, &call, &server, &device, id, "0071027198180007", "52");
    assert_eq!(text, compact(include_str!("../data/wire/seed-1.json")));
}

#[test]
fn the_second_sample_of_the_api_page_comes_byte_for_byte() {
    let server = Server::start();
    let request = json!({"operationName": "SingleStepConference", "destination": {"phoneNumber": "15002"},
        "userData": {"AccountNumber": "12345"}});
    let (text, call, device) = conference_notification(&server, &request);
    let id = "01RCC3N118B1V0SL807GK2LAES000008";
    let text = settled(&text, &call, &server, &device, id, "0071027198180008", "64");
    assert_eq!(text, compact(include_str!("../data/wire/seed-2.json")));
}

#[test]
fn nobody_is_told_of_calls_that_are_not_theirs() {
    let server = Server::start();
    let [caller, callee, stranger] = ["15000", "15001", "15002"].map(|name| server.agent(name));
    let mut desk = Desk::open(stranger.clone(), false, &["/**", "/v2/me/*"]);
    desk.connect(None);
    let id = two_talk(&caller, &callee);
    caller.operate(&id, "Hangup");
    // What is owed comes with this connect at the latest: both calls above are written down and applied.
    let (messages, reply) = desk.connect(Some(0));
    assert_eq!((messages.len(), &reply["successful"]), (0, &json!(true)), "{messages:?}");
    assert_eq!(stranger.get(&format!("me/calls/{id}")).status, 404);
}

#[test]
fn a_retry_with_the_same_key_acts_once_also_after_a_kill() {
    let mut server = Server::start();
    let caller = server.agent("15000");
    let path = format!("me/devices/{}/calls", caller.device());
    let dial = json!({"operationName": "Dial", "destination": {"phoneNumber": "15001"}});
    let key = [("Idempotency-Key", "one-call")];
    for _ in 0..2 {
        assert_eq!(caller.post_with(&path, &dial, &key).json(), json!({"statusCode": 0}));
    }
    server.kill();
    server.restart();
    assert_eq!(caller.post_with(&path, &dial, &key).json(), json!({"statusCode": 0}));
    assert_eq!(caller.calls().len(), 1);
}

#[test]
fn numbers_beyond_the_agents_are_busy_or_silent_or_answer_or_do_not_exist() {
    let server = Server::with(&[("SIMULATED__ANSWER_AFTER", "10ms"), ("SIMULATED__RING_TIMEOUT", "100ms")]);
    let caller = server.agent("15000");
    let mut desk = Desk::open(caller.clone(), true, &["/v2/me/*"]);
    for (number, error) in [("80", "busy"), ("90", "answer"), ("60", "valid")] {
        assert_eq!(caller.dial(number), json!({"statusCode": 0}));
        let told = desk.until(|told| told["data"]["messageType"] == "ErrorMessage");
        let text = told.last().unwrap()["data"]["errorMessage"].as_str().unwrap_or_default().to_lowercase();
        assert!(text.contains(error), "{number}: {told:?}");
    }
    assert_eq!(caller.dial("70"), json!({"statusCode": 0}));
    caller.until_call("Established", 1);
}
