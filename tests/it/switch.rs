//! What the simulated switch does with numbers, forwards and queues, as desktops see it.

use std::time::Duration;

use partyline::clock;
use serde_json::{Value, json};

use crate::harness::{Agent, Answer, Desk, PATIENCE, Server, request};

/// An answer's status and code.
fn verdict(answer: &Answer) -> (u16, i64) {
    (answer.status, answer.json()["statusCode"].as_i64().unwrap())
}

fn operate(agent: &Agent, call: &str, body: &Value) {
    assert_eq!(verdict(&agent.post(&format!("me/calls/{call}"), body)), (200, 0), "{body}");
}

fn towards(operation: &str, number: &str) -> Value {
    json!({"operationName": operation, "destination": {"phoneNumber": number}})
}

/// Dials, and returns the call's id.
fn call_to(agent: &Agent, number: &str) -> String {
    let before: Vec<Value> = ids(&agent.calls());
    assert_eq!(agent.dial(number), json!({"statusCode": 0}));
    let id = ids(&agent.calls()).into_iter().find(|id| !before.contains(id)).unwrap();
    id.as_str().unwrap().to_owned()
}

fn ids(calls: &[Value]) -> Vec<Value> {
    calls.iter().map(|call| call["id"].clone()).collect()
}

/// Waits until the agent's call is as wanted.
fn until(agent: &Agent, call: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let deadline = clock::now() + PATIENCE;
    loop {
        let calls = agent.calls();
        if let Some(found) = calls.iter().find(|found| found["id"] == call && wanted(found)) {
            return found.clone();
        }
        assert!(clock::now() < deadline, "{}: {calls:#?}", agent.name);
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn until_state(agent: &Agent, call: &str, state: &str) -> Value {
    until(agent, call, |found| found["state"] == state)
}

/// The next thing that a desktop is told could not be done.
fn error(desk: &mut Desk) -> String {
    let told = desk.until(|message| message["data"]["messageType"] == "ErrorMessage");
    told.last().unwrap()["data"]["errorMessage"].as_str().unwrap().to_owned()
}

/// Waits until so many calls live, by the page of metrics.
fn until_living(server: &Server, wanted: u64) {
    let deadline = clock::now() + PATIENCE;
    loop {
        let page = request(server.address, "GET /metrics HTTP/1.1\r\n", &[], b"").body;
        let counts = page.lines().filter_map(|line| line.strip_prefix("partyline_calls{")?.split_once(' '));
        let living: u64 = counts.map(|(_, count)| count.trim().parse::<u64>().unwrap()).sum();
        if living == wanted {
            return;
        }
        assert!(clock::now() < deadline, "{living} calls live, not {wanted}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_device_that_completes_a_conference_talks_on_no_other_call() {
    let server = Server::start();
    let agent = server.agent("15000");
    let main = call_to(&agent, "7001");
    until_state(&agent, &main, "Established");
    operate(&agent, &main, &towards("InitiateConference", "7002"));
    let side = agent.until_call("Established", 1)["id"].as_str().unwrap().to_owned();
    let other = call_to(&agent, "7003");
    until_state(&agent, &other, "Established");
    until_state(&agent, &side, "Held");
    agent.operate(&side, "CompleteConference");
    let both = agent.until_call("Established", 2);
    assert_eq!(both["id"], main.as_str());
    until_state(&agent, &other, "Held");
    // Back to the other one: it is the conference that is on hold now.
    agent.operate(&other, "Retrieve");
    until_state(&agent, &main, "Held");
    until_state(&agent, &other, "Established");
}

#[test]
fn a_call_that_none_of_our_devices_is_left_on_ends() {
    let server = Server::start();
    let agent = server.agent("15000");
    // Who adds a number and hangs up.
    let call = call_to(&agent, "7001");
    until_state(&agent, &call, "Established");
    operate(&agent, &call, &towards("SingleStepConference", "7002"));
    agent.until_call("Established", 2);
    until_living(&server, 1);
    agent.operate(&call, "Hangup");
    until_living(&server, 0);
    // Who transfers an outside number to another one, in one step or in two.
    let call = call_to(&agent, "7001");
    until_state(&agent, &call, "Established");
    until_living(&server, 1);
    operate(&agent, &call, &towards("SingleStepTransfer", "7003"));
    agent.until_calls(0);
    until_living(&server, 0);
    let call = call_to(&agent, "7001");
    until_state(&agent, &call, "Established");
    operate(&agent, &call, &towards("InitiateTransfer", "7003"));
    agent.until_call("Established", 1);
    until_living(&server, 2);
    agent.operate(&call, "CompleteTransfer");
    agent.until_calls(0);
    until_living(&server, 0);
    // One of ours keeps the call alive.
    let peer = server.agent("15001");
    let call = call_to(&agent, "7001");
    until_state(&agent, &call, "Established");
    operate(&agent, &call, &towards("SingleStepTransfer", "15001"));
    peer.until_call("Ringing", 1);
    peer.operate(&call, "Answer");
    agent.until_calls(0);
    until_state(&peer, &call, "Established");
}

#[test]
fn a_device_that_the_switch_does_not_know_neither_calls_nor_is_called() {
    let server = Server::with(&[("SIMULATED__UNREGISTERED", r#"["15001"]"#)]);
    let [agent, unknown] = ["15000", "15001"].map(|name| server.agent(name));
    let mut desk = Desk::open(agent.clone(), true, &["/v2/me/devices"]);
    let mut far = Desk::open(unknown.clone(), true, &["/v2/me/devices"]);
    let dial = unknown.post(&format!("me/devices/{}/calls", unknown.device()), &towards("Dial", "15000"));
    assert_eq!(verdict(&dial), (500, 4));
    assert_eq!(dial.json()["statusMessage"], "Device '15001' is not registered.");
    assert_eq!(error(&mut far), "Device '15001' is not registered.");
    let event = json!({"operationName": "SendUserEvent", "deviceId": unknown.device()}).to_string();
    let headers = [unknown.authorization(), ("Content-Type", "application/json")];
    let sent = request(server.address, "POST /internal-api/operations HTTP/1.1\r\n", &headers, event.as_bytes());
    assert_eq!(verdict(&sent), (500, 4));
    assert_eq!(error(&mut far), "Device '15001' is not registered.");
    assert_eq!(unknown.calls(), Vec::<Value>::new());
    assert_eq!(agent.calls(), Vec::<Value>::new());
    assert_eq!(agent.dial("15001"), json!({"statusCode": 0}));
    assert_eq!(error(&mut desk), "The destination is not a valid number.");
    agent.until_calls(0);
    let shown = unknown.get("me/devices?fields=*").json()["devices"][0].clone();
    assert_eq!((&shown["deviceState"], shown.get("userState")), (&json!("Inactive"), None));
    assert_eq!(agent.get("me/devices?fields=*").json()["devices"][0]["deviceState"], "Active");
}

/// An agent logs in, and is ready.
fn log_in(agent: &Agent) {
    let start = json!({"operationName": "StartContactCenterSession", "channels": ["voice"]});
    assert_eq!(verdict(&agent.post("me", &start)), (200, 0));
}

fn set(agent: &Agent, body: &Value) {
    assert_eq!(verdict(&agent.post(&format!("me/devices/{}", agent.device()), body)), (200, 0), "{body}");
}

fn forward(agent: &Agent, to: &str) {
    set(agent, &json!({"operationName": "ForwardCallsOn", "destination": to}));
}

fn stop_forwarding(agent: &Agent) {
    set(agent, &json!({"operationName": "ForwardCallsOff"}));
}

fn others(call: &Value) -> Vec<&str> {
    call["participants"].as_array().unwrap().iter().map(|one| one["phoneNumber"].as_str().unwrap()).collect()
}

#[test]
fn forwarded_calls_ring_where_the_last_one_sends_them_or_are_busy_there() {
    let server = Server::with(&[("SIMULATED__QUEUES", r#"["6000"]"#)]);
    let [agent, peer, last] = ["15000", "15001", "15002"].map(|name| server.agent(name));
    let mut desk = Desk::open(agent.clone(), true, &["/v2/me/devices"]);
    log_in(&peer);
    log_in(&last);
    // Nothing rings before the switch has heard of what a device is set to: a call that is made later is routed by it.
    forward(&peer, "15002");
    let call = call_to(&agent, "15001");
    assert_eq!(last.until_call("Ringing", 1)["id"], call.as_str());
    let shown = until(&agent, &call, |call| others(call) == ["15002"]);
    assert_eq!((&shown["dnis"], peer.calls()), (&json!("15001"), Vec::new()));
    agent.operate(&call, "Hangup");
    agent.until_calls(0);
    // The last one forwards to the outside.
    forward(&last, "7001");
    let call = call_to(&agent, "15001");
    let shown = until_state(&agent, &call, "Established");
    assert_eq!(others(&shown), ["7001"]);
    agent.operate(&call, "Hangup");
    agent.until_calls(0);
    // They forward to each other.
    stop_forwarding(&last);
    forward(&last, "15001");
    assert_eq!(agent.dial("15001"), json!({"statusCode": 0}));
    assert_eq!(error(&mut desk), "The switch could not carry out the operation.");
    agent.until_calls(0);
    // The last one is not to be disturbed.
    stop_forwarding(&last);
    set(&last, &json!({"operationName": "DoNotDisturbOn"}));
    assert_eq!(agent.dial("15001"), json!({"statusCode": 0}));
    assert_eq!(error(&mut desk), "The destination is busy.");
    agent.until_calls(0);
    set(&last, &json!({"operationName": "DoNotDisturbOff"}));
    // To a queue: whoever is ready gets the call.
    stop_forwarding(&peer);
    forward(&peer, "6000");
    let call = call_to(&agent, "15001");
    let ringing = last.until_call("Ringing", 1);
    assert_eq!(ringing["id"], call.as_str());
    assert!(ringing["capabilities"].as_array().unwrap().contains(&json!("Reject")), "{ringing}");
    last.operate(&call, "Answer");
    until_state(&agent, &call, "Established");
    assert_eq!(peer.calls(), Vec::<Value>::new());
}

#[test]
fn a_queue_that_an_agent_dials_rings_who_is_ready_and_then_another() {
    let server = Server::with(&[("SIMULATED__QUEUES", r#"["6000"]"#)]);
    let [agent, first, second] = ["15000", "15001", "15002"].map(|name| server.agent(name));
    log_in(&agent);
    let call = call_to(&agent, "6000");
    let waiting = until_state(&agent, &call, "Dialing");
    assert_eq!((others(&waiting), &waiting["callType"]), (vec!["6000"], &json!("Internal")));
    log_in(&first);
    let ringing = first.until_call("Ringing", 1);
    assert_eq!((others(&ringing), &ringing["callType"]), (vec!["15000"], &json!("Internal")));
    until(&agent, &call, |call| others(call) == ["15001"]);
    first.operate(&call, "Reject");
    first.until_calls(0);
    until(&agent, &call, |call| others(call) == ["6000"]);
    log_in(&second);
    second.until_call("Ringing", 1);
    second.operate(&call, "Answer");
    let talking = until_state(&agent, &call, "Established");
    assert_eq!(others(&talking), ["15002"]);
    // A queue that is added to the call adds whoever of it answers.
    operate(&agent, &call, &towards("SingleStepConference", "6000"));
    let ringing = first.until_call("Ringing", 2);
    assert!(ringing["capabilities"].as_array().unwrap().contains(&json!("Reject")), "{ringing}");
    first.operate(&call, "Answer");
    agent.until_call("Established", 2);
}

#[test]
fn a_customer_that_is_transferred_to_a_queue_waits_there_and_is_brought_to_another_agent() {
    let settings = [
        ("SIMULATED__QUEUES", r#"["6000", "6001"]"#),
        ("SIMULATED__ARRIVALS", "200ms"),
        ("SIMULATED__TALK_TIME", "1h"),
        ("SIMULATED__PATIENCE", "1h"),
    ];
    let server = Server::with(&settings);
    let [agent, other] = ["15000", "15001"].map(|name| server.agent(name));
    log_in(&agent);
    let call = agent.until_call("Ringing", 1);
    let (id, ani) = (call["id"].as_str().unwrap(), &call["ani"]);
    agent.operate(id, "Answer");
    until_state(&agent, id, "Established");
    assert_eq!(verdict(&agent.post("me/channels/voice", &json!({"operationName": "NotReady"}))), (200, 0));
    // In one step: nobody is ready, and who transfers the call has it no more.
    operate(&agent, id, &towards("SingleStepTransfer", "6001"));
    agent.until_calls(0);
    // Others have waited longer than that one: each of them is taken, and ends.
    log_in(&other);
    let deadline = clock::now() + PATIENCE;
    let brought = loop {
        assert!(clock::now() < deadline, "the customer is not brought to anybody");
        let ringing = other.until_call("Ringing", 1);
        if ringing["id"] == id {
            break ringing;
        }
        let theirs = ringing["id"].as_str().unwrap();
        other.operate(theirs, "Answer");
        until_state(&other, theirs, "Established");
        other.operate(theirs, "Hangup");
        while ids(&other.calls()).contains(&ringing["id"]) {
            assert!(clock::now() < deadline, "{theirs} does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    assert_eq!((&brought["callType"], &brought["ani"], &brought["dnis"]), (&json!("Inbound"), ani, &json!("6001")));
    assert!(brought["capabilities"].as_array().unwrap().contains(&json!("Reject")), "{brought}");
}

#[test]
fn agents_are_rung_by_the_queues_that_they_serve() {
    let settings = [
        ("SIMULATED__QUEUES", r#"["6000", "6001"]"#),
        ("SIMULATED__ROUTE_POINT", r#"[{ number = "5001", queue = "6001" }]"#),
        ("SIMULATED__ARRIVALS", "100ms"),
        ("SIMULATED__TALK_TIME", "1h"),
        ("SIMULATED__PATIENCE", "1h"),
    ];
    let server = Server::with(&settings);
    let [first, second, both] = ["15000", "15001", "15002"].map(|name| server.agent(name));
    for (agent, queue) in [(&first, "6000"), (&second, "6001")] {
        let start = json!({"operationName": "StartContactCenterSession", "channels": ["voice"], "queue": queue});
        assert_eq!(verdict(&agent.post("me", &start)), (200, 0));
    }
    // Who only goes offline comes back to its queue.
    for name in ["Offline", "Ready"] {
        assert_eq!(verdict(&first.post("me/channels/voice", &json!({"operationName": name}))), (200, 0));
    }
    for _ in 0..3 {
        for (agent, dnis) in [(&first, "6000"), (&second, "5001")] {
            let call = agent.until_call("Ringing", 1);
            assert_eq!(call["dnis"], dnis, "{call}");
            let id = call["id"].as_str().unwrap();
            agent.operate(id, "Answer");
            until_state(agent, id, "Established");
            agent.operate(id, "Hangup");
            agent.until_call("Ringing", 1);
        }
    }
    // A number that routes to a queue can be dialled; who names no queue serves all of them.
    for agent in [&first, &second] {
        assert_eq!(verdict(&agent.post("me/channels/voice", &json!({"operationName": "NotReady"}))), (200, 0));
    }
    let call = call_to(&both, "5001");
    let waiting = until_state(&both, &call, "Dialing");
    assert_eq!((&waiting["dnis"], &waiting["callType"]), (&json!("5001"), &json!("Internal")));
    until(&both, &call, |call| others(call) == ["6001"]);
    both.operate(&call, "Hangup");
    both.until_calls(0);
    log_in(&both);
    both.until_call("Ringing", 1);
}

const NOBODY: &str = "The destination does not answer.";

#[test]
fn a_queue_that_nobody_serves_is_given_up_whatever_brought_the_call_there() {
    let settings = [("SIMULATED__QUEUES", r#"["6000"]"#), ("SIMULATED__QUEUE_TIMEOUT", "300ms")];
    let server = Server::with(&settings);
    let [agent, peer] = ["15000", "15001"].map(|name| server.agent(name));
    let mut desk = Desk::open(agent.clone(), true, &["/v2/me/devices"]);
    call_to(&agent, "6000");
    assert_eq!(error(&mut desk), NOBODY);
    agent.until_calls(0);
    let call = call_to(&agent, "7001");
    until_state(&agent, &call, "Established");
    operate(&agent, &call, &towards("SingleStepConference", "6000"));
    assert_eq!(error(&mut desk), NOBODY);
    assert_eq!(others(&until_state(&agent, &call, "Established")), ["7001"]);
    operate(&agent, &call, &towards("InitiateTransfer", "6000"));
    assert_eq!(error(&mut desk), NOBODY);
    agent.until_calls(1);
    until_state(&agent, &call, "Held");
    // By a device that sends its calls there.
    forward(&peer, "6000");
    operate(&agent, &call, &towards("SingleStepTransfer", "15001"));
    agent.until_calls(0);
    assert_eq!(error(&mut desk), NOBODY);
    until_living(&server, 0);
}

#[test]
fn a_queue_that_is_asked_into_a_call_is_let_go_of_by_who_asked() {
    let server = Server::with(&[("SIMULATED__QUEUES", r#"["6000"]"#)]);
    let [agent, late] = ["15000", "15001"].map(|name| server.agent(name));
    let mut desk = Desk::open(agent.clone(), true, &["/v2/me/devices"]);
    let call = call_to(&agent, "7001");
    until_state(&agent, &call, "Established");
    operate(&agent, &call, &towards("SingleStepConference", "6000"));
    operate(&agent, &call, &json!({"operationName": "RemoveParticipantFromConference", "participant": "6000"}));
    assert_eq!(error(&mut desk), NOBODY);
    log_in(&late);
    operate(&agent, &call, &towards("SingleStepConference", "9001"));
    operate(&agent, &call, &json!({"operationName": "RemoveParticipantFromConference", "participant": "9001"}));
    assert_eq!(error(&mut desk), NOBODY);
    assert_eq!((others(&until_state(&agent, &call, "Established")), late.calls()), (vec!["7001"], Vec::new()));
}

#[test]
fn a_preview_that_an_agent_neither_accepts_nor_declines_is_taken_back() {
    let settings = [("SIMULATED__PREVIEWS", "200ms"), ("SIMULATED__PREVIEW_TIMEOUT", "200ms")];
    let server = Server::with(&settings);
    let agent = server.agent("15000");
    let mut desk = Desk::open(agent.clone(), true, &["/v2/me/calls"]);
    log_in(&agent);
    let told = desk.until(|message| message["data"]["call"]["state"] == "PreviewCancelled");
    let call = &told.last().unwrap()["data"]["call"];
    assert_eq!((&call["capabilities"], others(call).len()), (&json!([]), 1), "{call}");
    // It is offered another.
    desk.until(|message| message["data"]["call"]["state"] == "Preview" && message["data"]["call"]["id"] != call["id"]);
}

#[test]
fn what_waits_or_is_offered_while_the_server_is_killed_ends_in_its_time() {
    let settings = [
        ("SIMULATED__QUEUES", r#"["6000"]"#),
        ("SIMULATED__QUEUE_TIMEOUT", "3s"),
        ("SIMULATED__PREVIEWS", "100ms"),
        ("SIMULATED__PREVIEW_TIMEOUT", "3s"),
    ];
    let mut server = Server::with(&settings);
    let [caller, transferred, offered] = ["15000", "15001", "15002"].map(|name| server.agent(name));
    log_in(&offered);
    offered.until_call("Preview", 1);
    assert_eq!(verdict(&offered.post("me/channels/voice", &json!({"operationName": "NotReady"}))), (200, 0));
    let given = call_to(&caller, "15001");
    transferred.until_call("Ringing", 1);
    transferred.operate(&given, "Answer");
    until_state(&caller, &given, "Established");
    operate(&caller, &given, &towards("SingleStepTransfer", "6000"));
    until(&transferred, &given, |call| others(call) == ["6000"]);
    let call = call_to(&caller, "6000");
    until_state(&caller, &call, "Dialing");
    server.kill();
    server.restart();
    for agent in [&caller, &transferred, &offered] {
        agent.until_calls(0);
    }
    until_living(&server, 0);
}
