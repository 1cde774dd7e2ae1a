//! Calls of customers, as they go from agent to agent.

use serde_json::{Value, json};

use crate::harness::{Agent, Server};

/// An agent that talks with a customer whom a queue brought, and the customer's number.
fn talks_with_a_customer(agent: &Agent) -> (String, String) {
    let session = json!({"operationName": "StartContactCenterSession", "channels": ["voice"]});
    assert_eq!(agent.post("me", &session).status, 200);
    let call = agent.until_call("Ringing", 1);
    let (id, ani) = (call["id"].as_str().unwrap().to_owned(), call["ani"].as_str().unwrap().to_owned());
    assert_eq!(call["participants"][0]["phoneNumber"].as_str().map(|number| ani.ends_with(number)), Some(true));
    // No other one comes.
    assert_eq!(agent.post("me", &json!({"operationName": "NotReady"})).status, 200);
    agent.operate(&id, "Answer");
    agent.until_call("Established", 1);
    (id, ani)
}

fn server() -> Server {
    Server::with(&[
        ("SIMULATED__QUEUES", r#"["6000"]"#),
        ("SIMULATED__ARRIVALS", "100ms"),
        ("SIMULATED__TALK_TIME", "1h"),
        ("SIMULATED__PATIENCE", "1h"),
    ])
}

fn bring_in(agent: &Agent, call: &str, operation: &str, number: &str) {
    let body = json!({"operationName": operation, "destination": {"phoneNumber": number}});
    assert_eq!(agent.post(&format!("me/calls/{call}"), &body).status, 200);
}

/// Whose call it is, as an agent reads it.
fn whose(call: &Value) -> (&str, Option<&str>) {
    (call["callType"].as_str().unwrap(), call["ani"].as_str())
}

#[test]
fn who_is_brought_in_sees_whose_call_it_is() {
    let server = server();
    let [first, second, third] = ["15000", "15001", "15002"].map(|name| server.agent(name));
    let (call, ani) = talks_with_a_customer(&first);
    let inbound = ("Inbound", Some(ani.as_str()));
    bring_in(&first, &call, "SingleStepTransfer", "15001");
    assert_eq!(whose(&second.until_call("Ringing", 1)), inbound);
    second.operate(&call, "Answer");
    second.until_call("Established", 1);
    bring_in(&second, &call, "SingleStepConference", "15002");
    assert_eq!(whose(&third.until_call("Ringing", 2)), inbound);
    third.operate(&call, "Answer");
    assert_eq!(whose(&third.until_call("Established", 2)), inbound);
    // A call that an agent made to a customer is one for whom it is given to.
    assert_eq!(first.dial("7001"), json!({"statusCode": 0}));
    let made = first.until_call("Established", 1)["id"].as_str().unwrap().to_owned();
    third.operate(&call, "Hangup");
    third.until_calls(0);
    bring_in(&first, &made, "SingleStepTransfer", "15002");
    assert_eq!(whose(&third.until_call("Ringing", 1)), ("Outbound", None));
}

#[test]
fn whose_call_it_is_stays_when_the_customer_has_left() {
    let server = server();
    let [first, second] = ["15000", "15001"].map(|name| server.agent(name));
    let (call, ani) = talks_with_a_customer(&first);
    let customer = first.calls()[0]["participants"][0]["phoneNumber"].clone();
    bring_in(&first, &call, "SingleStepConference", "15001");
    second.until_call("Ringing", 2);
    second.operate(&call, "Answer");
    first.until_call("Established", 2);
    let remove = json!({"operationName": "RemoveParticipantFromConference", "participant": customer});
    assert_eq!(first.post(&format!("me/calls/{call}"), &remove).status, 200);
    first.until_call("Established", 1);
    first.operate(&call, "Hold");
    for (agent, state) in [(&first, "Held"), (&second, "Established")] {
        assert_eq!(whose(&agent.until_call(state, 1)), ("Inbound", Some(ani.as_str())));
    }
}

#[test]
fn a_rejected_call_comes_to_another_agent() {
    let server = server();
    let [first, second] = ["15000", "15001"].map(|name| server.agent(name));
    let ready = json!({"operationName": "Ready"});
    assert_eq!(first.post("me", &ready).status, 200);
    let call = first.until_call("Ringing", 1);
    let id = call["id"].as_str().unwrap();
    assert_eq!(first.post("me", &json!({"operationName": "NotReady"})).status, 200);
    first.operate(id, "Reject");
    first.until_calls(0);
    assert_eq!(second.post("me", &ready).status, 200);
    // Those that came meanwhile may ring there first.
    let mut ringing = second.until_call("Ringing", 1);
    while ringing["id"] != call["id"] {
        second.operate(ringing["id"].as_str().unwrap(), "Reject");
        let last = std::mem::take(&mut ringing);
        while ringing.is_null() || ringing["id"] == last["id"] {
            ringing = second.until_call("Ringing", 1);
        }
    }
    assert_eq!(whose(&ringing), whose(&call));
    second.operate(id, "Answer");
    second.until_call("Established", 1);
    assert_eq!(first.calls(), Vec::<Value>::new());
}

#[test]
fn a_customer_that_talks_over_a_restart_hangs_up_all_the_same() {
    let mut server = Server::with(&[
        ("SIMULATED__QUEUES", r#"["6000"]"#),
        ("SIMULATED__ARRIVALS", "100ms"),
        ("SIMULATED__TALK_TIME", "3s"),
        ("SIMULATED__PATIENCE", "1h"),
    ]);
    let agent = server.agent("15000");
    talks_with_a_customer(&agent);
    server.kill();
    server.restart();
    agent.until_calls(0);
}

/// The first callers that an agent is rung by, who takes none of them.
fn callers(seed: &str) -> Vec<String> {
    let server = Server::with(&[
        ("SIMULATED__SEED", seed),
        ("SIMULATED__QUEUES", r#"["6000"]"#),
        ("SIMULATED__ARRIVALS", "200ms"),
        ("SIMULATED__PATIENCE", "1h"),
    ]);
    let agent = server.agent("15000");
    assert_eq!(agent.post("me", &json!({"operationName": "Ready"})).status, 200);
    let mut callers = Vec::new();
    while callers.len() < 3 {
        let call = agent.until_call("Ringing", 1);
        let caller = call["ani"].as_str().unwrap().to_owned();
        if !callers.contains(&caller) {
            callers.push(caller);
            agent.operate(call["id"].as_str().unwrap(), "Reject");
        }
    }
    callers
}

#[test]
fn the_same_seed_brings_the_same_callers() {
    let first = callers("7");
    assert_eq!(callers("7"), first);
    assert_ne!(callers("8"), first);
}

#[test]
fn a_number_outside_is_shown_as_its_region_writes_it() {
    let server = Server::with(&[("GWS__REGION", "US")]);
    let agent = server.agent("15000");
    assert_eq!(agent.dial("9165550104"), json!({"statusCode": 0}));
    let outside = json!({
        "e164Number": "+19165550104",
        "formattedPhoneNumber": "(916) 555-0104",
        "phoneNumber": "9165550104",
        "digits": "9165550104",
        "country": {"name": "United States of America", "code": "US", "callingCode": "1"},
    });
    let call = agent.until_call("Dialing", 1);
    assert_eq!(call["participants"], json!([outside]));
    agent.operate(call["id"].as_str().unwrap(), "Hangup");
    agent.until_calls(0);
    assert_eq!(agent.dial("15001"), json!({"statusCode": 0}));
    let inside = json!({"e164Number": "", "formattedPhoneNumber": "15001", "phoneNumber": "15001", "digits": "15001"});
    assert_eq!(agent.until_call("Dialing", 1)["participants"], json!([inside]));
}

#[test]
fn a_region_that_nobody_knows_keeps_the_server_from_starting() {
    let mut server = Server::starting(&[("GWS__REGION", "ZZ")]);
    assert_ne!(server.wait(), Some(0));
    assert!(server.log().contains("gws.region"), "{}", server.log());
}
