//! Supervisors: the real server, its simulated switch, and two agents whose calls a third one is brought into.

use std::time::Duration;

use partyline::clock;
use partyline::directory::{Agent as Account, demo_agents};
use serde_json::{Value, json};

use crate::harness::{Agent, Answer, Desk, PATIENCE, Server};

/// A server on which 15002 may watch the others.
fn office() -> Server {
    let account = |agent: &Account, features: &str| {
        format!(
            "{{ user = \"{}\", password_hash = \"{}\", number = \"{}\", features = [{features}] }}",
            agent.id, agent.password_hash, agent.number
        )
    };
    let features = ["\"api-voice\"", "\"api-voice\"", "\"api-voice\", \"api-supervisor-monitoring\""];
    let accounts: Vec<String> =
        demo_agents().iter().zip(features).map(|(agent, features)| account(agent, features)).collect();
    let accounts = format!("[{}]", accounts.join(", "));
    Server::with(&[("DIRECTORY__DEMO_AGENTS", "off"), ("DIRECTORY__AGENT", &accounts)])
}

fn accept(answer: &Answer) {
    assert_eq!((answer.status, answer.json()), (200, json!({"statusCode": 0})));
}

fn log_in(agent: &Agent) {
    accept(&agent.post("me", &json!({"operationName": "StartContactCenterSession", "channels": ["voice"]})));
}

fn device(agent: &Agent, body: &Value) -> Answer {
    agent.post(&format!("me/devices/{}", agent.device()), body)
}

fn cancel(agent: &Agent) -> Answer {
    device(agent, &json!({"operationName": "CancelSupervisorMonitoring"}))
}

/// The agent's device as a read shows it.
fn shown(agent: &Agent) -> Value {
    agent.get("me/devices?fields=*").json()["devices"][0].clone()
}

/// 15000 and 15001 talk: the call.
fn talk(caller: &Agent, called: &Agent) -> String {
    assert_eq!(caller.dial(&called.name), json!({"statusCode": 0}));
    let call = called.until_call("Ringing", 1)["id"].as_str().unwrap().to_owned();
    called.operate(&call, "Answer");
    caller.until_call("Established", 1);
    call
}

/// Until the agent's own call has this member with this value.
fn until_member(agent: &Agent, member: &str, value: &Value) {
    let deadline = clock::now() + PATIENCE;
    while agent.calls().first().and_then(|call| call.get(member)) != Some(value) {
        assert!(clock::now() < deadline, "{} has no call with {member}: {:?}", agent.name, agent.calls());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_supervisor_is_brought_into_the_calls_of_an_agent_until_it_cancels_also_over_a_kill() {
    let mut server = office();
    let [caller, watched, supervisor] = ["15000", "15001", "15002"].map(|name| server.agent(name));
    log_in(&supervisor);
    let mut desk = Desk::open(supervisor.clone(), true, &["/v2/me/devices", "/v2/me/calls"]);
    let target = shown(&watched)["uri"].clone();
    accept(&device(&supervisor, &json!({"operationName": "ListenIn", "targetDeviceUri": target})));
    let told = desk.until(|message| message["channel"] == "/v2/me/devices");
    let state = json!({"state": "ListenIn", "mode": "AllCalls", "scope": "Call", "targetDeviceUri": target});
    assert_eq!(told[0]["data"]["messageType"], "DeviceStateChangeMessage");
    assert_eq!(told[0]["data"]["devices"][0], shown(&supervisor));
    assert_eq!(shown(&supervisor)["supervisorMonitoringState"], state);
    let call = talk(&caller, &watched);
    let ringing = supervisor.until_call("Ringing", 2);
    assert_eq!((&ringing["id"], &ringing["mute"]), (&json!(call), &json!("On")));
    supervisor.operate(&call, "Answer");
    until_member(&supervisor, "state", &json!("Established"));
    until_member(&watched, "supervisorListeningIn", &json!(true));
    assert_eq!(supervisor.calls()[0]["monitoring"], true);
    assert_eq!(watched.calls()[0]["participants"].as_array().unwrap().len(), 1);
    // It takes part, whispers, and listens again.
    supervisor.operate(&call, "SwitchToBargeIn");
    caller.until_call("Established", 2);
    supervisor.operate(&call, "SwitchToCoach");
    caller.until_call("Established", 1);
    until_member(&supervisor, "mute", &json!("Off"));
    supervisor.operate(&call, "SwitchToListenIn");
    until_member(&supervisor, "mute", &json!("On"));
    server.kill();
    server.restart();
    assert_eq!(shown(&supervisor)["supervisorMonitoringState"], state);
    caller.operate(&call, "Hangup");
    supervisor.until_calls(0);
    assert_eq!(shown(&supervisor)["userState"]["state"], "Ready");
    // The next call comes, too; and cancelling ends that.
    let call = talk(&watched, &caller);
    supervisor.until_call("Ringing", 2);
    supervisor.operate(&call, "Answer");
    until_member(&supervisor, "state", &json!("Established"));
    accept(&cancel(&supervisor));
    supervisor.until_calls(0);
    caller.until_call("Established", 1);
    assert_eq!(shown(&supervisor).get("supervisorMonitoringState"), None);
    desk.until(|message| message["data"]["call"]["state"] == "Released" && message["data"]["call"]["id"] == call);
    let refused = cancel(&supervisor);
    assert_eq!((refused.status, &refused.json()["statusCode"]), (400, &json!(2)));
}

#[test]
fn a_supervisor_that_coaches_one_call_is_brought_into_that_which_there_is() {
    let server = office();
    let [caller, watched, supervisor] = ["15000", "15001", "15002"].map(|name| server.agent(name));
    log_in(&supervisor);
    let call = talk(&caller, &watched);
    let body = json!({"operationName": "Coach", "phoneNumber": "15001", "supervisorMonitoringMode": "NextCall",
        "supervisorMonitoringScope": "Agent"});
    accept(&device(&supervisor, &body));
    supervisor.until_call("Ringing", 2);
    supervisor.operate(&call, "Answer");
    until_member(&supervisor, "state", &json!("Established"));
    assert_eq!(shown(&supervisor)["supervisorMonitoringState"]["mode"], "NextCall");
    // Its agent gives the call away, and with it goes the supervisor; then it watches nobody.
    let transfer = json!({"operationName": "SingleStepTransfer", "destination": {"phoneNumber": "7000"}});
    accept(&watched.post(&format!("me/calls/{call}"), &transfer));
    supervisor.until_calls(0);
    let mut desk = Desk::open(supervisor.clone(), true, &["/v2/me/devices"]);
    if shown(&supervisor).get("supervisorMonitoringState").is_some() {
        desk.until(|message| message["data"]["devices"][0].get("supervisorMonitoringState").is_none());
    }
    assert_eq!(shown(&supervisor).get("supervisorMonitoringState"), None);
}

#[test]
fn what_a_supervisor_may_not_do_is_told_with_its_code() {
    let server = office();
    let [agent, supervisor] = ["15000", "15002"].map(|name| server.agent(name));
    let code = |agent: &Agent, body: &Value| {
        let answer = device(agent, body);
        (answer.status, answer.json()["statusCode"].as_u64().unwrap())
    };
    let watch = |number: &str| json!({"operationName": "BargeIn", "phoneNumber": number});
    log_in(&agent);
    assert_eq!(code(&agent, &watch("15002")), (403, 5));
    assert_eq!(code(&agent, &json!({"operationName": "CancelSupervisorMonitoring"})), (403, 5));
    assert_eq!(code(&supervisor, &watch("15000")), (400, 2));
    log_in(&supervisor);
    assert_eq!(code(&supervisor, &watch("7000")), (404, 6));
    assert_eq!(code(&supervisor, &watch("15002")), (400, 2));
    assert_eq!(code(&supervisor, &json!({"operationName": "BargeIn"})), (400, 1));
    let strange = json!({"operationName": "BargeIn", "targetDeviceUri": "http://other/api/v2/devices/none"});
    assert_eq!(code(&supervisor, &strange), (404, 6));
    // A device that takes no calls cannot be rung: the watching stays, and the desktop is told.
    accept(&device(&supervisor, &json!({"operationName": "DoNotDisturbOn"})));
    let mut desk = Desk::open(supervisor.clone(), true, &["/v2/me/devices"]);
    let other = server.agent("15001");
    talk(&agent, &other);
    accept(&device(&supervisor, &watch("15000")));
    desk.until(|message| message["data"]["messageType"] == "ErrorMessage");
    assert_eq!(shown(&supervisor)["supervisorMonitoringState"]["state"], "BargeIn");
}
