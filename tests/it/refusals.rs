//! What is not offered is refused: of every operation on a call, in each state that a call can be in.

use std::thread::sleep;
use std::time::Duration;

use partyline::clock;
use partyline::directory::demo_agents;
use serde_json::{Value, json};

use crate::harness::{Agent, Desk, PATIENCE, Server};

/// An agent with a desktop, and how many refusals it has had.
struct Seat {
    agent: Agent,
    desk: Desk,
    refused: usize,
}

/// Every operation on calls, with parameters that would do.
pub(crate) fn operations(other_call: &str) -> Vec<Value> {
    let plain = "Accept Answer ClearCall CompleteConference CompleteTransfer Decline DeleteUserData Hangup Hold MuteCall \
                 PauseCallRecording Reject ResumeCallRecording Retrieve StartCallRecording StopCallRecording \
                 SwitchToBargeIn SwitchToCoach SwitchToListenIn UnmuteCall";
    let mut all: Vec<Value> = plain.split_whitespace().map(|name| json!({"operationName": name})).collect();
    let to = json!({"phoneNumber": "7009"});
    for name in ["InitiateConference", "InitiateTransfer", "SingleStepConference", "SingleStepTransfer"] {
        all.push(json!({"operationName": name, "destination": to}));
    }
    for name in ["AttachUserData", "UpdateUserData"] {
        all.push(json!({"operationName": name, "userData": {"key": "value"}}));
    }
    all.push(json!({"operationName": "DeleteUserDataPair", "key": "key"}));
    all.push(json!({"operationName": "RemoveParticipantFromConference", "participant": "15001"}));
    all.push(json!({"operationName": "SendDtmf", "digits": "1"}));
    all.push(json!({"operationName": "SwapCalls", "otherCallUri": other_call}));
    all
}

/// What is accepted without being offered, because desktops send it all the same.
fn is_quietly_accepted(operation: &str, call: Option<&Value>) -> bool {
    let Some(call) = call else { return operation == "UpdateUserData" };
    let is_conference = call["participants"].as_array().unwrap().len() > 1;
    match operation {
        "ClearCall" => is_conference,
        "Hangup" => call["state"] == "Ringing",
        _ => false,
    }
}

impl Seat {
    fn new(server: &Server, name: &str) -> Self {
        let agent = server.agent(name);
        let session = json!({"operationName": "StartContactCenterSession", "channels": ["voice"]});
        assert_eq!(agent.post("me", &session).status, 200);
        let desk = Desk::open(agent.clone(), true, &["/v2/me/*"]);
        Self { agent, desk, refused: 0 }
    }

    /// All that the desktop is told up to now: a change of state is told after it.
    fn told(&mut self) -> Vec<Value> {
        let mark = self.refused.to_string();
        let marked = json!({"operationName": "NotReady", "reason": mark});
        assert_eq!(self.agent.post("me/channels/voice", &marked).status, 200);
        let is_mark = |message: &Value| message["data"]["channels"][0]["userState"]["reason"] == mark;
        let mut told = self.desk.until(is_mark);
        told.retain(|message| message["data"]["messageType"] == "CallStateChangeMessage");
        told
    }

    /// The agent's calls, but for how long they take.
    fn calls(&self) -> Vec<Value> {
        let mut calls = self.agent.calls();
        calls.iter_mut().for_each(|call| call["duration"] = Value::Null);
        calls
    }

    /// Has all refused that this call does not offer now, and nothing comes of it.
    fn is_refused_the_rest(&mut self, id: &str, state: &str) {
        self.told();
        let before = self.calls();
        let call = before.iter().find(|call| call["id"] == id);
        assert_eq!(call.map_or("Released", |call| call["state"].as_str().unwrap()), state);
        let offered = call.map(|call| call["capabilities"].as_array().unwrap().clone()).unwrap_or_default();
        let other = before.iter().find(|call| call["id"] != id).map(|call| call["uri"].as_str().unwrap());
        for operation in operations(other.unwrap_or("http://127.0.0.1/api/v2/me/calls/NONE")) {
            let name = operation["operationName"].as_str().unwrap();
            if offered.contains(&operation["operationName"]) || is_quietly_accepted(name, call) {
                continue;
            }
            let answer = self.agent.post(&format!("me/calls/{id}"), &operation);
            let got = (answer.status, &answer.json()["statusCode"]);
            assert_eq!(got, (400, &json!(2)), "{name} while {state}: {}", answer.body);
            self.refused += 1;
        }
        assert_eq!(self.told(), Vec::<Value>::new(), "{state}");
        assert_eq!(self.calls(), before);
    }

    fn operate(&self, call: &str, operation: &Value) {
        let answer = self.agent.post(&format!("me/calls/{call}"), operation);
        assert_eq!((answer.status, answer.json()), (200, json!({"statusCode": 0})), "{operation}");
    }

    /// Waits until this call is as wanted.
    fn until(&self, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = clock::now() + PATIENCE;
        loop {
            let calls = self.agent.calls();
            if let Some(call) = calls.iter().find(|call| call["id"] == id && wanted(call)) {
                return call.clone();
            }
            assert!(clock::now() < deadline, "{} has {calls:?}", self.agent.name);
            sleep(Duration::from_millis(5));
        }
    }

    fn until_state(&self, id: &str, state: &str) {
        self.until(id, |call| call["state"] == state);
    }
}

/// Three agents who may have calls recorded and watch each other.
fn server() -> Server {
    let features = r#"["api-voice", "api-voice-recording", "api-supervisor-monitoring"]"#;
    let accounts = demo_agents().into_iter().map(|agent| {
        let (id, number, hash) = (&agent.id, &agent.number, &agent.password_hash);
        format!(r#"{{ user = "{id}", number = "{number}", password_hash = "{hash}", features = {features} }}"#)
    });
    let accounts = format!("[{}]", accounts.collect::<Vec<_>>().join(", "));
    Server::with(&[
        ("DIRECTORY__DEMO_AGENTS", "off"),
        ("DIRECTORY__AGENT", &accounts),
        ("SIMULATED__RING_TIMEOUT", "1h"),
    ])
}

fn plain(name: &str) -> Value {
    json!({"operationName": name})
}

#[test]
fn what_a_call_does_not_offer_is_refused_and_nothing_comes_of_it() {
    let server = server();
    let [mut caller, mut callee, mut third] = ["15000", "15001", "15002"].map(|name| Seat::new(&server, name));
    assert_eq!(caller.agent.dial("15001"), json!({"statusCode": 0}));
    let call = callee.agent.until_call("Ringing", 1)["id"].as_str().unwrap().to_owned();
    caller.is_refused_the_rest(&call, "Dialing");
    callee.is_refused_the_rest(&call, "Ringing");
    callee.operate(&call, &plain("Answer"));
    caller.until_state(&call, "Established");
    caller.is_refused_the_rest(&call, "Established");
    callee.is_refused_the_rest(&call, "Established");
    caller.operate(&call, &plain("Hold"));
    caller.until_state(&call, "Held");
    caller.is_refused_the_rest(&call, "Held");

    let consult = json!({"operationName": "InitiateConference", "destination": {"phoneNumber": "15002"}});
    caller.operate(&call, &consult);
    let side = third.agent.until_call("Ringing", 1)["id"].as_str().unwrap().to_owned();
    caller.is_refused_the_rest(&call, "Held");
    caller.is_refused_the_rest(&side, "Dialing");
    third.is_refused_the_rest(&side, "Ringing");
    third.operate(&side, &plain("Answer"));
    caller.until_state(&side, "Established");
    caller.is_refused_the_rest(&call, "Held");
    caller.is_refused_the_rest(&side, "Established");
    third.is_refused_the_rest(&side, "Established");

    // To and fro, and then all three together.
    let uri = caller.until(&side, |_| true)["uri"].clone();
    caller.operate(&call, &json!({"operationName": "SwapCalls", "otherCallUri": uri}));
    caller.until_state(&call, "Established");
    caller.until_state(&side, "Held");
    let swapped = caller.told();
    let lines: Vec<[&Value; 2]> = swapped
        .iter()
        .map(|message| [&message["data"]["notificationType"], &message["data"]["call"]["state"]])
        .collect();
    assert_eq!(json!(lines), json!([["StatusChange", "Held"], ["StatusChange", "Established"]]));
    caller.is_refused_the_rest(&call, "Established");
    caller.is_refused_the_rest(&side, "Held");
    caller.operate(&call, &plain("CompleteConference"));
    caller.until(&call, |call| call["participants"].as_array().unwrap().len() == 2);
    let together = caller.told();
    let last = &together.last().unwrap()["data"];
    assert_eq!(
        (&last["notificationType"], &last["call"]["state"]),
        (&json!("ParticipantsUpdated"), &json!("Established"))
    );
    let gone = together.iter().find(|message| message["data"]["call"]["id"] == side.as_str()).unwrap();
    let gone = &gone["data"]["call"];
    assert_eq!((&gone["state"], &gone["capabilities"]), (&json!("Released"), &json!([])));
    for seat in [&mut caller, &mut callee, &mut third] {
        seat.is_refused_the_rest(&call, "Established");
    }
    third.is_refused_the_rest(&side, "Released");

    for (operation, mute) in [("MuteCall", "On"), ("UnmuteCall", "Off")] {
        callee.operate(&call, &plain(operation));
        callee.until(&call, |call| call["mute"] == mute);
        callee.is_refused_the_rest(&call, "Established");
    }
    let recording = [
        ("StartCallRecording", "Recording"),
        ("PauseCallRecording", "Paused"),
        ("ResumeCallRecording", "Recording"),
        ("StopCallRecording", "Stopped"),
    ];
    for (operation, state) in recording {
        callee.told();
        callee.operate(&call, &plain(operation));
        let shown = callee.until(&call, |call| call["recordingState"] == state);
        let told = callee.told().pop().unwrap()["data"].clone();
        assert_eq!(told["notificationType"], "CallRecordingStateChange");
        assert_eq!(told["call"]["userData"], shown["userData"], "{operation}");
        callee.is_refused_the_rest(&call, "Established");
    }

    caller.operate(&call, &plain("Hangup"));
    callee.until(&call, |call| call["participants"].as_array().unwrap().len() == 1);
    caller.is_refused_the_rest(&call, "Released");
    callee.is_refused_the_rest(&call, "Established");
    let refused = [&caller, &callee, &third].map(|seat| seat.refused);
    assert!(refused.iter().sum::<usize>() > 350, "{refused:?}");
}
