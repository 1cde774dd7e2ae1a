//! Operations on calls: the real server, and what its desktops are told.

use partyline::directory::demo_agents;
use serde_json::{Value, json};

use crate::harness::{Agent, Desk, Server};

fn ok() -> Value {
    json!({"statusCode": 0})
}

fn operate(agent: &Agent, call: &str, body: &Value) -> Value {
    agent.post(&format!("me/calls/{call}"), body).json()
}

/// Dials, and returns the call's id.
fn call_to(agent: &Agent, number: &str) -> String {
    assert_eq!(agent.dial(number), ok());
    agent.calls()[0]["id"].as_str().unwrap().to_owned()
}

/// What a desktop is told of calls, a line each: the kind, the type of the call, its state, and with whom.
fn lines(messages: &[Value]) -> Vec<String> {
    let line = |message: &Value| {
        let (data, call) = (&message["data"], &message["data"]["call"]);
        let kind = data["notificationType"].as_str().unwrap_or("ErrorMessage");
        let with: Vec<&str> =
            call["participants"].as_array().unwrap().iter().map(|one| one["phoneNumber"].as_str().unwrap()).collect();
        format!("{kind} {} {} {}", call["callType"].as_str().unwrap(), call["state"].as_str().unwrap(), with.join(","))
    };
    messages.iter().map(line).collect()
}

/// All that a desktop is told up to a line.
fn until(desk: &mut Desk, last: &str) -> Vec<String> {
    lines(&desk.until(|message| lines(std::slice::from_ref(message)) == [last]))
}

#[test]
fn a_consult_call_is_told_and_completed_in_the_order_of_the_api() {
    let server = Server::start();
    let [agent, peer, target] = ["15000", "15001", "15002"].map(|name| server.agent(name));
    let mut desk = Desk::open(agent.clone(), true, &["/v2/me/calls"]);
    let mut far = Desk::open(target.clone(), true, &["/v2/me/calls"]);
    let main = call_to(&agent, "15001");
    peer.until_call("Ringing", 1);
    peer.operate(&main, "Answer");
    until(&mut desk, "StatusChange Internal Established 15001");
    let consult = json!({"operationName": "InitiateTransfer", "destination": {"phoneNumber": "15002"}});
    assert_eq!(operate(&agent, &main, &consult), ok());
    let told = until(&mut desk, "StatusChange Consult Dialing 15002");
    assert_eq!(told, ["StatusChange Internal Held 15001", "StatusChange Consult Dialing 15002"]);
    let shown = agent.get("me/calls?fields=*").json()["calls"].clone();
    let (held, side) = (&shown[0], &shown[1]);
    assert_eq!((&side["parentCallUri"], held["state"].as_str()), (&held["uri"], Some("Held")));
    assert_eq!(side["parentCallPath"], held["path"]);
    target.until_call("Ringing", 1);
    target.operate(side["id"].as_str().unwrap(), "Answer");
    until(&mut desk, "StatusChange Consult Established 15002");
    // It may be asked of the consult call as well, and names it by its address.
    let complete = json!({"operationName": "CompleteTransfer", "consultCallUri": side["uri"]});
    assert_eq!(operate(&agent, side["id"].as_str().unwrap(), &complete), ok());
    let told = until(&mut desk, "StatusChange Consult Released 15002");
    assert_eq!(told[told.len() - 2..], ["StatusChange Internal Released 15001", "StatusChange Consult Released 15002"]);
    let told = until(&mut far, "StatusChange Internal Established 15001");
    assert_eq!(
        told,
        [
            "StatusChange Consult Ringing 15000",
            "StatusChange Consult Established 15000",
            "StatusChange Consult Released 15000",
            "StatusChange Internal Ringing 15001",
            "StatusChange Internal Established 15001"
        ]
    );
    assert_eq!(target.calls()[0]["id"], main.as_str());
    assert_eq!(peer.calls()[0]["participants"][0]["phoneNumber"], "15002");
    assert_eq!(agent.calls(), Vec::<Value>::new());
}

#[test]
fn how_a_call_went_is_noted_also_after_it_and_by_nobody_else() {
    let server = Server::start();
    let [agent, stranger] = ["15000", "15002"].map(|name| server.agent(name));
    let call = call_to(&agent, "7001");
    agent.until_call("Established", 1);
    agent.operate(&call, "Hangup");
    agent.until_calls(0);
    let uri = format!("http://{}/api/v2/me/calls/{call}", server.address);
    let note = |agent: &Agent, body: Value| agent.post(&format!("me/devices/{}", agent.device()), &body);
    let disposition = json!({"operationName": "SetCallDisposition", "callUri": uri, "disposition": "Sold"});
    assert_eq!(note(&agent, disposition.clone()).json(), ok());
    assert_eq!(
        note(&agent, json!({"operationName": "SetCallDisposition", "callUuid": call, "disposition": "x"})).json(),
        ok()
    );
    let strange = note(&stranger, disposition);
    assert_eq!((strange.status, &strange.json()["statusCode"]), (404, &json!(6)));
    let late = agent.post(&format!("me/calls/{call}"), &json!({"operationName": "Hold"}));
    assert_eq!((late.status, &late.json()["statusCode"]), (400, &json!(2)));
    let nameless = note(&agent, json!({"operationName": "SetCallDisposition", "disposition": "x"}));
    assert_eq!((nameless.status, &nameless.json()["statusCode"]), (400, &json!(1)));
}

#[test]
fn calls_come_in_by_themselves_and_a_rejected_one_goes_to_somebody_else() {
    let server = Server::with(&[
        ("SIMULATED__QUEUES", r#"["6000"]"#),
        ("SIMULATED__ARRIVALS", "200ms"),
        ("SIMULATED__TALK_TIME", "1h"),
        ("SIMULATED__PATIENCE", "1h"),
    ]);
    let [first, second] = ["15000", "15001"].map(|name| server.agent(name));
    let session = json!({"operationName": "StartContactCenterSession", "channels": ["voice"]});
    assert_eq!(first.post("me", &session).json(), ok());
    let call = first.until_call("Ringing", 1);
    assert_eq!((&call["callType"], &call["dnis"]), (&json!("Inbound"), &json!("6000")));
    assert!(call["ani"].as_str().unwrap().starts_with("+1916555"), "{call}");
    assert!(call["capabilities"].as_array().unwrap().contains(&json!("Reject")));
    assert_eq!(second.post("me", &session).json(), ok());
    second.until_call("Ringing", 1);
    let id = call["id"].as_str().unwrap();
    first.operate(id, "Reject");
    // Another call waits, and this one is somebody else's for a while.
    let next = loop {
        let ringing = first.until_call("Ringing", 1);
        if ringing["id"] != call["id"] {
            break ringing;
        }
    };
    first.operate(next["id"].as_str().unwrap(), "Answer");
    first.until_call("Established", 1);
}

#[test]
fn what_a_feature_is_missing_for_is_refused_with_code_5() {
    let features = ["\"api-voice\", \"api-voice-recording\"", "\"api-voice\"", "\"other\""];
    let accounts = demo_agents().into_iter().zip(features).map(|(agent, features)| {
        let (id, number, hash) = (&agent.id, &agent.number, &agent.password_hash);
        format!(r#"{{ user = "{id}", number = "{number}", password_hash = "{hash}", features = [{features}] }}"#)
    });
    let accounts = format!("[{}]", accounts.collect::<Vec<_>>().join(", "));
    let server = Server::with(&[("DIRECTORY__DEMO_AGENTS", "off"), ("DIRECTORY__AGENT", &accounts)]);
    let [agent, plain, bob] = ["15000", "15001", "15002"].map(|name| server.agent(name));
    let call = call_to(&agent, "15001");
    plain.until_call("Ringing", 1);
    plain.operate(&call, "Answer");
    agent.until_call("Established", 1);
    let record = json!({"operationName": "StartCallRecording"});
    let refused = plain.post(&format!("me/calls/{call}"), &record);
    assert_eq!((refused.status, &refused.json()["statusCode"]), (403, &json!(5)));
    assert_eq!(plain.calls()[0].get("recordingState"), None);
    let mut desk = Desk::open(agent.clone(), true, &["/v2/me/calls"]);
    assert_eq!(operate(&agent, &call, &record), ok());
    let told = desk.until(|message| message["data"]["notificationType"] == "CallRecordingStateChange");
    let shown = &told.last().unwrap()["data"]["call"];
    assert_eq!((&shown["recordingState"], &shown["userData"]["GSIP_RECORD"]), (&json!("Recording"), &json!("ON")));
    let denied = bob.post(&format!("me/calls/{call}"), &json!({"operationName": "Hangup"}));
    assert_eq!((denied.status, &denied.json()["statusCode"]), (403, &json!(5)));
}

#[test]
fn an_agent_accepts_or_declines_the_calls_that_it_is_offered() {
    let server = Server::with(&[("SIMULATED__PREVIEWS", "50ms"), ("SIMULATED__ANSWER_AFTER", "0s")]);
    let agent = server.agent("15000");
    let mut desk = Desk::open(agent.clone(), true, &["/v2/me/calls"]);
    let start = json!({"operationName": "StartContactCenterSession", "channels": ["voice"]});
    assert_eq!(agent.post("me", &start).json(), ok());
    let offered = |message: &Value| message["data"]["call"]["state"] == "Preview";
    let shown = desk.until(offered).pop().unwrap()["data"].clone();
    assert_eq!((&shown["notificationType"], &shown["call"]["callType"]), (&json!("StatusChange"), &json!("Outbound")));
    assert_eq!(shown["call"]["capabilities"], json!(["Accept", "Decline"]));
    let call = shown["call"]["id"].as_str().unwrap();
    assert_eq!(operate(&agent, call, &json!({"operationName": "Hangup"}))["statusCode"], 2);
    agent.operate(call, "Decline");
    let told = desk.until(|message| message["data"]["call"]["state"] == "PreviewCancelled");
    assert_eq!(told[0]["data"]["call"]["id"], call);
    assert_eq!(told[0]["data"]["call"]["capabilities"], json!([]));
    assert_eq!(agent.get(&format!("me/calls/{call}")).status, 404);
    // The next one is made.
    let calls = if told.iter().any(offered) { told } else { desk.until(offered) };
    let next = calls.iter().find(|message| offered(message)).unwrap()["data"]["call"].clone();
    let call = next["id"].as_str().unwrap();
    agent.operate(call, "Accept");
    let told = lines(&desk.until(|message| message["data"]["call"]["state"] == "Established"));
    let with = next["participants"][0]["phoneNumber"].as_str().unwrap();
    let expected = ["Dialing", "Established"].map(|state| format!("StatusChange Outbound {state} {with}"));
    assert_eq!(told, expected);
    agent.operate(call, "Hangup");
}
