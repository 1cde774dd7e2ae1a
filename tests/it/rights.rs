//! Agents who may do nothing, and devices that the switch does not know: what is offered is what is accepted, in what
//! desktops read and in what they are told.

use partyline::directory::demo_agents;
use serde_json::{Value, json};

use crate::harness::{Agent, Answer, Desk, Server};
use crate::refusals::operations;

/// The three agents, with these features.
fn accounts(features: [&str; 3]) -> String {
    let account = |(agent, features): (partyline::directory::Agent, &str)| {
        let (id, number, hash) = (&agent.id, &agent.number, &agent.password_hash);
        format!(r#"{{ user = "{id}", number = "{number}", password_hash = "{hash}", features = [{features}] }}"#)
    };
    let accounts: Vec<String> = demo_agents().into_iter().zip(features).map(account).collect();
    format!("[{}]", accounts.join(", "))
}

fn settings(accounts: &str) -> [(&str, &str); 3] {
    [("DIRECTORY__DEMO_AGENTS", "off"), ("DIRECTORY__AGENT", accounts), ("SIMULATED__RING_TIMEOUT", "1h")]
}

const VOICE: &str = r#""api-voice""#;
const OTHER: &str = r#""api-other", "api-voice-recording", "api-supervisor-monitoring""#;

/// What an agent can want of itself: where, and what.
fn wishes(agent: &Agent) -> Vec<(String, Value)> {
    let device = format!("me/devices/{}", agent.device());
    let other = "/devices/2e36161a-e8d3-5139-ae7c-e7a70930b767";
    let states = ["Ready", "NotReady", "AfterCallWork", "AuxWork", "Offline"];
    let mut all: Vec<(String, Value)> =
        states.map(|state| ("me/channels/voice".to_owned(), json!({"operationName": state}))).into();
    all.push(("me".to_owned(), json!({"operationName": "StartContactCenterSession", "channels": ["voice"]})));
    let settings = ["DoNotDisturbOff", "DoNotDisturbOn", "ForwardCallsOff", "ForwardCallsOn"];
    for setting in settings {
        all.push((device.clone(), json!({"operationName": setting, "destination": "15002"})));
    }
    all.push((format!("{device}/calls"), json!({"destination": {"phoneNumber": "15002"}})));
    if agent.name != "15000" {
        for watch in ["ListenIn", "Coach", "BargeIn", "CancelSupervisorMonitoring"] {
            all.push((device.clone(), json!({"operationName": watch, "targetDeviceUri": other})));
        }
    }
    all
}

fn code(answer: &Answer) -> (u16, u64) {
    (answer.status, answer.json()["statusCode"].as_u64().unwrap())
}

/// What the agent's device offers, as each read shows it.
fn offered_by_the_device(agent: &Agent) -> Value {
    let device = agent.get(&format!("me/devices/{}", agent.device())).json()["device"]["capabilities"].clone();
    assert_eq!(agent.get("me/devices?fields=*").json()["devices"][0]["capabilities"], device);
    assert_eq!(agent.get("me?subresources=*").json()["user"]["devices"][0]["capabilities"], device);
    device
}

/// What its calls offer, as each read shows it.
fn offered_by_calls(agent: &Agent) -> Vec<Value> {
    let offered = |calls: &Value| -> Vec<Value> {
        calls.as_array().unwrap().iter().map(|call| call["capabilities"].clone()).collect()
    };
    let calls = offered(&agent.get("me/calls?fields=*").json()["calls"]);
    assert_eq!(offered(&agent.get("me?subresources=calls").json()["user"]["calls"]), calls);
    calls
}

/// The agent logs out, which it always may, and is told of its device, which still offers nothing.
fn logs_out(agent: &Agent, desk: &mut Desk) {
    assert_eq!(agent.post("me", &plain("EndContactCenterSession")).json(), json!({"statusCode": 0}));
    let is_of_the_device = |message: &Value| message["data"]["messageType"] == "DeviceStateChangeMessage";
    let told = desk.until(is_of_the_device).into_iter().find(is_of_the_device).unwrap();
    assert_eq!(told["data"]["devices"][0]["capabilities"], json!([]));
    assert_eq!(offered_by_the_device(agent), json!([]));
}

#[test]
fn who_lacks_the_feature_is_offered_nothing_and_refused_with_code_5() {
    let accounts = accounts([VOICE, OTHER, VOICE]);
    let server = Server::with(&settings(&accounts));
    let [caller, agent] = ["15000", "15001"].map(|name| server.agent(name));
    let mut desk = Desk::open(agent.clone(), true, &["/v2/me/*"]);
    let wishes = wishes(&agent);
    let refused = |wishes: &[(String, Value)]| {
        let before = agent.get("me?subresources=devices,channels").json();
        assert_eq!(offered_by_the_device(&agent), json!([]));
        for (place, wish) in wishes {
            assert_eq!(code(&agent.post(place, wish)), (403, 5), "{wish}");
        }
        assert_eq!(agent.get("me?subresources=devices,channels").json(), before);
    };
    refused(&wishes);
    // It is rung like everybody, and can do nothing about it.
    assert_eq!(caller.dial("15001"), json!({"statusCode": 0}));
    let told = desk.until(|message| message["data"]["call"]["state"] == "Ringing").pop().unwrap();
    let call = told["data"]["call"]["id"].as_str().unwrap().to_owned();
    assert_eq!(told["data"]["call"]["capabilities"], json!([]));
    assert_eq!(offered_by_calls(&agent), [json!([])]);
    let before = agent.calls()[0]["userData"].clone();
    let disposition = json!({"operationName": "SetCallDisposition", "callUuid": call, "disposition": "none"});
    assert_eq!(code(&agent.post(&format!("me/devices/{}", agent.device()), &disposition)), (403, 5));
    for operation in operations("http://127.0.0.1/api/v2/me/calls/NONE") {
        assert_eq!(code(&agent.post(&format!("me/calls/{call}"), &operation)), (403, 5), "{operation}");
    }
    assert_eq!(agent.calls()[0]["userData"], before);
    refused(&wishes);
    caller.operate(&call, "Hangup");
    let told = desk.until(|message| message["data"]["call"]["state"] == "Released");
    // It is told of nothing that it was refused.
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["data"]["call"]["capabilities"], json!([]));
    assert_eq!(code(&agent.post(&format!("me/calls/{call}"), &plain("Hangup"))), (403, 5));
    logs_out(&agent, &mut desk);
}

#[test]
fn a_device_that_is_not_registered_offers_nothing_and_fails_with_code_4() {
    let accounts = accounts([VOICE, VOICE, r#""api-voice", "api-supervisor-monitoring""#]);
    let [off, agents, _] = settings(&accounts);
    let server = Server::with(&[off, agents, ("SIMULATED__UNREGISTERED", r#"["15002"]"#)]);
    let agent = server.agent("15002");
    let mut desk = Desk::open(agent.clone(), true, &["/v2/me/*"]);
    let before = agent.get("me?subresources=*").json();
    assert_eq!(before["user"]["devices"][0]["deviceState"], "Inactive");
    assert_eq!(offered_by_the_device(&agent), json!([]));
    for (place, wish) in wishes(&agent) {
        assert_eq!(code(&agent.post(&place, &wish)), (500, 4), "{wish}");
        let told = desk.until(|message| message["data"]["messageType"] == "ErrorMessage");
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0]["data"]["errorMessage"], "Device '15002' is not registered.");
        assert_eq!(agent.get("me?subresources=*").json(), before, "{wish}");
    }
    logs_out(&agent, &mut desk);
}

#[test]
fn who_is_on_a_call_keeps_there_the_rights_with_which_it_came() {
    let (before, after) = (accounts([VOICE, VOICE, OTHER]), accounts([VOICE, OTHER, VOICE]));
    let mut server = Server::with(&settings(&before));
    let [caller, loses, gains] = ["15000", "15001", "15002"].map(|name| server.agent(name));
    assert_eq!(caller.dial("15001"), json!({"statusCode": 0}));
    let call = loses.until_call("Ringing", 1)["id"].as_str().unwrap().to_owned();
    loses.operate(&call, "Answer");
    caller.until_call("Established", 1);
    let add = json!({"operationName": "SingleStepConference", "destination": {"phoneNumber": "15002"}});
    assert_eq!(caller.post(&format!("me/calls/{call}"), &add).json(), json!({"statusCode": 0}));
    gains.until_call("Ringing", 2);
    let offered = [&loses, &gains].map(offered_by_calls);
    server.kill();
    server.restart_with(&settings(&after));
    assert_eq!([&loses, &gains].map(offered_by_calls), offered);
    assert_eq!((offered[0][0].as_array().unwrap().len() > 5, &offered[1]), (true, &vec![json!([])]));
    let operate = |agent: &Agent, name: &str| code(&agent.post(&format!("me/calls/{call}"), &plain(name)));
    assert_eq!(operate(&gains, "Answer"), (403, 5));
    assert_eq!(operate(&loses, "Hold"), (200, 0));
    loses.until_call("Held", 1);
    // Their devices and new calls are another matter.
    let ready = |agent: &Agent| code(&agent.post("me/channels/voice", &plain("Ready")));
    assert_eq!((offered_by_the_device(&loses), ready(&loses)), (json!([]), (403, 5)));
    assert_eq!(offered_by_the_device(&gains), json!(["ForwardCallsOn", "DoNotDisturbOn"]));
    assert_eq!(ready(&gains), (200, 0));
    assert_eq!(loses.dial("7001")["statusCode"], 5);
    assert_eq!(operate(&loses, "Hangup"), (200, 0));
    loses.until_calls(0);
    assert_eq!(operate(&loses, "Hangup"), (403, 5));
}

fn plain(operation: &str) -> Value {
    json!({"operationName": operation})
}
