//! Agents at their telephones: the real server, and every desktop of an agent.

use serde_json::{Value, json};

use crate::harness::{Agent, Answer, Desk, Server, request};

const LUNCH: &str =
    r#"[{ operation = "OutToLunch", display_name = "Out to Lunch", work_mode = "AuxWork", reason = "Lunch" }]"#;

fn session(channels: &[&str]) -> Value {
    json!({"operationName": "StartContactCenterSession", "channels": channels})
}

fn accept(answer: &Answer) {
    assert_eq!((answer.status, answer.json()), (200, json!({"statusCode": 0})));
}

fn state(agent: &Agent, operation: &str) -> Answer {
    agent.post("me/channels/voice", &json!({"operationName": operation}))
}

fn setting(agent: &Agent, body: &Value) -> Answer {
    agent.post(&format!("me/devices/{}", agent.device()), body)
}

/// The agent's state as each read shows it.
fn user_state(agent: &Agent) -> Value {
    let me = agent.get("me?subresources=devices,channels").json()["user"].clone();
    let device = me["devices"][0]["userState"].clone();
    let listed = match device["state"].as_str() {
        Some("LoggedOut") => json!([]),
        _ => json!([{"channel": "voice", "userState": device}]),
    };
    assert_eq!(me["channels"], listed);
    assert_eq!(agent.get("me/channels?fields=*").json()["channels"], listed);
    assert_eq!(agent.get("me/devices?fields=*").json()["devices"][0]["userState"], device);
    assert_eq!(agent.get("me/channels/voice").json()["channel"]["userState"], device);
    device
}

fn told(messages: &[Value]) -> Vec<String> {
    let line = |message: &Value| {
        let data = &message["data"];
        let user = if data["devices"].is_array() { &data["devices"][0] } else { &data["channels"][0] };
        format!(
            "{} {} {}",
            message["channel"].as_str().unwrap(),
            data["messageType"].as_str().unwrap(),
            user["userState"]["displayName"].as_str().or_else(|| data["errorMessage"].as_str()).unwrap_or("-")
        )
    };
    messages.iter().map(line).collect()
}

/// The next so many things that a desktop is told.
fn next(desk: &mut Desk, count: usize) -> Vec<String> {
    let mut all = Vec::new();
    while all.len() < count {
        all.extend(told(&desk.until(|_| true)));
    }
    assert_eq!(all.len(), count, "{all:?}");
    all
}

#[test]
fn every_desktop_of_an_agent_is_told_and_nobody_elses() {
    let server = Server::with(&[("AGENTS__STATE", LUNCH)]);
    let [agent, other] = ["15000", "15001"].map(|name| server.agent(name));
    let mut first = Desk::open(agent.clone(), true, &["/v2/me/*"]);
    let mut second = Desk::open(agent.clone(), false, &["/v2/me/devices", "/v2/me/channels"]);
    let mut strange = Desk::open(other.clone(), true, &["/**"]);
    accept(&agent.post("me", &session(&["voice"])));
    accept(&state(&agent, "NotReady"));
    accept(&state(&agent, "OutToLunch"));
    accept(&setting(&agent, &json!({"operationName": "DoNotDisturbOn"})));
    accept(&agent.post("me", &json!({"operationName": "Ready"})));
    let expected = [
        "/v2/me/devices DeviceStateChangeMessage Ready",
        "/v2/me/channels ChannelStateChangeMessageV2 Ready",
        "/v2/me/devices DeviceStateChangeMessage Not Ready",
        "/v2/me/channels ChannelStateChangeMessageV2 Not Ready",
        "/v2/me/devices DeviceStateChangeMessage Out to Lunch",
        "/v2/me/channels ChannelStateChangeMessageV2 Out to Lunch",
        "/v2/me/devices DeviceStateChangeMessage Out to Lunch",
        "/v2/me/devices DeviceStateChangeMessage Ready",
        "/v2/me/channels ChannelStateChangeMessageV2 Ready",
    ];
    for desk in [&mut first, &mut second] {
        assert_eq!(next(desk, expected.len()), expected);
    }
    let (messages, _) = strange.connect(Some(0));
    assert_eq!(messages, Vec::<Value>::new());
    assert_eq!(user_state(&other)["state"], "LoggedOut");
}

#[test]
fn an_agents_state_survives_a_kill() {
    let mut server = Server::with(&[("AGENTS__STATE", LUNCH)]);
    let agent = server.agent("15000");
    let mut desk = Desk::open(agent.clone(), true, &["/v2/me/*"]);
    let offline = json!({"id": "0F7F5003-EF26-4D13-A6Ef-D0C7EC819BEB", "displayName": "Offline", "state": "LoggedOut"});
    assert_eq!(user_state(&agent), offline);
    accept(&agent.post("me", &session(&["voice"])));
    accept(&setting(&agent, &json!({"operationName": "ForwardCallsOn", "destination": "5001"})));
    accept(&state(&agent, "OutToLunch"));
    let before = agent.get("me?subresources=*").json();
    assert_eq!(before["user"]["devices"][0]["forwardTo"], "5001");
    assert_eq!(before["user"]["devices"][0]["capabilities"], json!(["ForwardCallsOff", "DoNotDisturbOn"]));
    server.kill();
    server.restart();
    assert_eq!(agent.get("me?subresources=*").json(), before);
    // The desktop goes on with its session, and is told what it has not acknowledged.
    assert_eq!(next(&mut desk, 5)[4], "/v2/me/channels ChannelStateChangeMessageV2 Out to Lunch");
    accept(&state(&agent, "Ready"));
    assert_eq!(user_state(&agent)["state"], "Ready");
}

#[test]
fn channels_that_are_not_there_fail_softly() {
    let server = Server::start();
    let agent = server.agent("15000");
    let partly = agent.post("me", &session(&["voice", "chat", "email"]));
    assert_eq!((partly.status, &partly.json()["statusCode"]), (200, &json!(7)));
    assert_eq!(partly.json()["succeeded"], json!([{"statusCode": 0, "channel": "voice"}]));
    assert_eq!(user_state(&agent)["state"], "Ready");
    let none = agent.post("me", &session(&["chat"]));
    assert_eq!((none.status, &none.json()["statusCode"]), (503, &json!(4)));
    let start = |more: Value| {
        let mut body = session(&["voice"]);
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = agent.post("me/", &body);
        (answer.status, answer.json()["statusCode"].as_u64().unwrap())
    };
    let other = server.agent("15001").device();
    assert_eq!(start(json!({"place": "15001"})), (409, 19));
    assert_eq!(start(json!({"devicePath": format!("/devices/{other}")})), (409, 19));
    assert_eq!(start(json!({"devicePath": "/devices/none"})), (404, 6));
    assert_eq!(start(json!({"place": "Place 1", "loginCode": "100", "queue": "7001"})), (200, 0));
}

#[test]
fn what_is_not_allowed_says_so_and_changes_nothing() {
    let server = Server::start();
    let agent = server.agent("15000");
    let code = |answer: Answer| (answer.status, answer.json()["statusCode"].as_u64().unwrap());
    assert_eq!(code(state(&agent, "Offline")), (400, 2));
    assert_eq!(code(state(&agent, "OutToLunch")), (400, 2));
    assert_eq!(code(agent.post("me/channels/chat", &json!({"operationName": "Ready"}))), (404, 6));
    assert_eq!(code(agent.get("me/channels/chat")), (404, 6));
    assert_eq!(code(agent.post("me/devices/none", &json!({"operationName": "DoNotDisturbOn"}))), (404, 6));
    // In each state, what the device does not offer, and nothing comes of it.
    let settings = ["DoNotDisturbOff", "DoNotDisturbOn", "ForwardCallsOff", "ForwardCallsOn"];
    let mut desk = Desk::open(agent.clone(), true, &["/v2/me/*"]);
    for operation in ["Offline", "Ready", "NotReady", "AfterCallWork", "AuxWork"] {
        if operation != "Offline" {
            accept(&state(&agent, operation));
        }
        for on in [false, true] {
            let before = agent.get("me?subresources=*").json();
            let offered = before["user"]["devices"][0]["capabilities"].as_array().unwrap();
            let (accepted, refused): (Vec<&str>, Vec<&str>) =
                settings.into_iter().partition(|setting| offered.contains(&json!(setting)));
            assert!(refused.iter().all(|setting| setting.ends_with("On") == on), "{refused:?}");
            let set =
                |setting_name: &&str| setting(&agent, &json!({"operationName": setting_name, "destination": "5001"}));
            assert!(refused.iter().all(|name| code(set(name)) == (400, 2)), "{operation}: {refused:?}");
            assert_eq!(agent.get("me?subresources=*").json(), before);
            accepted.iter().for_each(|name| accept(&set(name)));
        }
    }
    assert_eq!(next(&mut desk, 4 * 2 + 5 * 4).len(), 28);
    accept(&agent.post("me", &session(&["voice"])));
    assert_eq!(code(setting(&agent, &json!({"operationName": "ForwardCallsOff"}))), (400, 2));
    assert_eq!(code(setting(&agent, &json!({"operationName": "ForwardCallsOn"}))), (400, 1));
    accept(&setting(&agent, &json!({"operationName": "ForwardCallsOn", "destination": "5001"})));
    assert_eq!(code(setting(&agent, &json!({"operationName": "ForwardCallsOn", "destination": "5002"}))), (400, 2));
    assert_eq!(user_state(&agent)["displayName"], "AuxWork");
}

#[test]
fn a_device_is_set_also_while_its_agent_is_logged_out() {
    let server = Server::start();
    let [caller, callee] = ["15000", "15001"].map(|name| server.agent(name));
    let mut desk = Desk::open(caller.clone(), true, &["/v2/me/devices"]);
    let set = |operation: &str| setting(&callee, &json!({"operationName": operation, "destination": "15002"}));
    let offers = || callee.get("me/devices?fields=*").json()["devices"][0]["capabilities"].clone();
    let mut seen = vec![offers()];
    for operation in ["DoNotDisturbOn", "ForwardCallsOn"] {
        accept(&set(operation));
        assert_eq!(set(operation).json()["statusCode"], 2);
        seen.push(offers());
    }
    accept(&set("ForwardCallsOff"));
    assert_eq!(caller.dial("15001"), json!({"statusCode": 0}));
    let told = told(&desk.until(|message| message["data"]["messageType"] == "ErrorMessage"));
    assert!(told.last().unwrap().contains("busy"), "{told:?}");
    // They outlive a shift, and can be taken back after it.
    accept(&callee.post("me", &session(&["voice"])));
    accept(&state(&callee, "Offline"));
    seen.push(offers());
    accept(&set("DoNotDisturbOff"));
    assert_eq!(user_state(&callee)["state"], "LoggedOut");
    assert_eq!(caller.dial("15001"), json!({"statusCode": 0}));
    callee.until_call("Ringing", 1);
    let expected = [
        ["ForwardCallsOn", "DoNotDisturbOn"],
        ["ForwardCallsOn", "DoNotDisturbOff"],
        ["ForwardCallsOff", "DoNotDisturbOff"],
        ["ForwardCallsOn", "DoNotDisturbOff"],
    ];
    assert_eq!(json!(seen), json!(expected));
}

#[test]
fn a_state_asked_for_while_logged_out_logs_in_to_it() {
    let server = Server::with(&[("AGENTS__STATE", LUNCH)]);
    let agent = server.agent("15000");
    let mut desk = Desk::open(agent.clone(), true, &["/v2/me/channels"]);
    let states = ["NotReady", "AfterCallWork", "AuxWork", "OutToLunch", "Ready"];
    for operation in states {
        accept(&state(&agent, operation));
        assert_ne!(user_state(&agent)["state"], "LoggedOut", "{operation}");
        accept(&state(&agent, "Offline"));
        assert_eq!(user_state(&agent)["state"], "LoggedOut");
        assert_eq!(state(&agent, "Offline").json()["statusCode"], 2);
    }
    let shown = ["Not Ready", "AfterCallWork", "AuxWork", "Out to Lunch", "Ready"];
    let expected = shown.iter().flat_map(|shown| [*shown, "Offline"]);
    let expected: Vec<String> =
        expected.map(|shown| format!("/v2/me/channels ChannelStateChangeMessageV2 {shown}")).collect();
    assert_eq!(next(&mut desk, expected.len()), expected);
    // A session and a state, asked for at once: whichever comes first, neither is refused.
    for _ in 0..5 {
        std::thread::scope(|scope| {
            let both =
                [scope.spawn(|| agent.post("me", &session(&["voice"]))), scope.spawn(|| state(&agent, "NotReady"))];
            both.into_iter().for_each(|asked| accept(&asked.join().unwrap()));
        });
        assert_eq!(user_state(&agent)["state"], "NotReady");
        accept(&state(&agent, "Offline"));
    }
}

#[test]
fn voice_is_no_channel_for_desktops_that_take_it_for_a_medium_of_its_own() {
    let server = Server::with(&[("GWS__VOICE_CHANNEL", "false")]);
    let agent = server.agent("15000");
    let mut desk = Desk::open(agent.clone(), true, &["/v2/me/*"]);
    accept(&agent.post("me", &session(&["voice"])));
    accept(&state(&agent, "NotReady"));
    let user = agent.get("me?subresources=devices,channels").json()["user"].clone();
    assert_eq!((&user["channels"], &user["devices"][0]["channels"]), (&json!([]), &json!(["voice"])));
    assert_eq!(agent.get("me/channels").json()["uris"], json!([]));
    assert_eq!(agent.get("me/channels/voice").json()["channel"]["userState"], user["devices"][0]["userState"]);
    accept(&state(&agent, "Offline"));
    let expected = ["Ready", "Not Ready", "Offline"];
    assert_eq!(next(&mut desk, 3), expected.map(|shown| format!("/v2/me/devices DeviceStateChangeMessage {shown}")));
}

#[test]
fn desktops_can_ask_which_states_there_are() {
    let server = Server::with(&[("AGENTS__STATE", LUNCH)]);
    let agent = server.agent("15000");
    let states = agent.get("settings/agent-states").json()["settings"].as_array().unwrap().clone();
    let names: Vec<&str> = states.iter().map(|state| state["operationName"].as_str().unwrap()).collect();
    assert_eq!(names, ["Ready", "NotReady", "AfterCallWork", "AuxWork", "Offline", "OutToLunch"]);
    assert_eq!(states[5]["reason"], "Lunch");
    assert_eq!(agent.get("settings/agent-states?fields=*").json()["settings"], json!(states));
    accept(&agent.post("me", &session(&["voice"])));
    accept(&state(&agent, "OutToLunch"));
    assert_eq!(user_state(&agent)["id"], states[5]["id"]);
    let anonymous = request(server.address, "GET /api/v2/settings/agent-states HTTP/1.1\r\n", &[], b"");
    assert_eq!(anonymous.status, 403);
}

#[test]
fn work_comes_after_a_call_and_ends_in_time() {
    let server = Server::with(&[("AGENTS__AFTER_CALL_WORK", "received"), ("AGENTS__AFTER_CALL_TIME", "50ms")]);
    let [caller, callee] = ["15000", "15001"].map(|name| server.agent(name));
    for agent in [&caller, &callee] {
        accept(&agent.post("me", &session(&["voice"])));
    }
    let mut desk = Desk::open(callee.clone(), true, &["/v2/me/channels"]);
    assert_eq!(caller.dial("15001"), json!({"statusCode": 0}));
    let call = callee.until_call("Ringing", 1)["id"].as_str().unwrap().to_owned();
    callee.operate(&call, "Answer");
    caller.until_call("Established", 1);
    callee.operate(&call, "Hangup");
    let told = next(&mut desk, 2);
    assert!(told[0].ends_with("AfterCallWork") && told[1].ends_with("Ready"), "{told:?}");
    assert_eq!(user_state(&callee)["state"], "Ready");
    assert_eq!(user_state(&caller)["state"], "Ready");
}

#[test]
fn what_an_agent_said_when_it_got_ready_goes_before_the_rule() {
    for (rule, mode, shown) in [("never", "ManualIn", "AfterCallWork"), ("always", "AutoIn", "Ready")] {
        let server = Server::with(&[("AGENTS__AFTER_CALL_WORK", rule)]);
        let [caller, callee] = ["15000", "15001"].map(|name| server.agent(name));
        accept(&caller.post("me", &session(&["voice"])));
        accept(&callee.post("me/channels/voice", &json!({"operationName": "Ready", "workmode": mode})));
        let mut desk = Desk::open(caller.clone(), true, &["/v2/me/channels"]);
        let mut far = Desk::open(callee.clone(), true, &["/v2/me/channels"]);
        assert_eq!(caller.dial("15001"), json!({"statusCode": 0}));
        let call = callee.until_call("Ringing", 1)["id"].as_str().unwrap().to_owned();
        callee.operate(&call, "Answer");
        caller.until_call("Established", 1);
        callee.operate(&call, "Hangup");
        // The end of the call is the end for both: whoever has work has it by when the other is told.
        let told = if mode == "AutoIn" { next(&mut desk, 1) } else { next(&mut far, 1) };
        assert!(told[0].ends_with("AfterCallWork"), "{rule} {mode}: {told:?}");
        assert_eq!(user_state(&callee)["displayName"], shown, "{rule} {mode}");
        accept(&state(&callee, "AuxWork"));
        assert_eq!(next(&mut far, 1), ["/v2/me/channels ChannelStateChangeMessageV2 AuxWork"]);
    }
}

#[test]
fn what_the_switch_is_silent_about_is_told_as_an_error() {
    let server = Server::with(&[("SWITCH__ASK_TIMEOUT", "1ms"), ("SIMULATED__ANSWER_AFTER", "10ms")]);
    let agent = server.agent("15000");
    let mut desk = Desk::open(agent.clone(), true, &["/v2/me/*"]);
    // No switch is that quick each time.
    let error = (0..100).find_map(|_| {
        assert_eq!(agent.dial("7001"), json!({"statusCode": 0}));
        let is_over = |message: &Value| {
            let (data, state) = (&message["data"], &message["data"]["call"]["state"]);
            data["messageType"] == "ErrorMessage" || state == "Established"
        };
        let told = desk.until(is_over);
        // What is late may be of the call before, so that there are two; and so may be the end of each.
        let over = (0..1000).any(|_| {
            let calls = agent.calls();
            for call in &calls {
                agent.post(&format!("me/calls/{}", call["id"].as_str().unwrap()), &json!({"operationName": "Hangup"}));
            }
            calls.is_empty()
        });
        assert!(over, "{:?}", agent.calls());
        told.into_iter().find(|message| message["data"]["messageType"] == "ErrorMessage")
    });
    let error = error.unwrap()["data"].clone();
    assert_eq!(error["errorMessage"], "The switch did not answer in time.");
    assert_eq!(error["devicePath"], json!(format!("/devices/{}", agent.device())));
}

#[test]
fn who_lets_a_call_of_a_queue_ring_is_not_ready() {
    let server = Server::with(&[
        ("SIMULATED__QUEUES", r#"["7900"]"#),
        ("SIMULATED__ARRIVALS", "50ms"),
        ("SIMULATED__RING_TIMEOUT", "100ms"),
        ("AGENTS__NOT_ANSWERED", "not-ready"),
    ]);
    let agent = server.agent("15001");
    let mut desk = Desk::open(agent.clone(), true, &["/v2/me/channels"]);
    accept(&agent.post("me", &session(&["voice"])));
    let told = next(&mut desk, 2);
    assert!(told[0].ends_with(" Ready") && told[1].ends_with("Not Ready"), "{told:?}");
    assert_eq!(user_state(&agent)["state"], "NotReady");
}

#[test]
fn what_the_switch_does_not_know_fails_twice() {
    let server = Server::with(&[("SIMULATED__UNREGISTERED", r#"["15000"]"#)]);
    let agent = server.agent("15000");
    let mut desk = Desk::open(agent.clone(), true, &["/v2/me/devices"]);
    let failed = state(&agent, "NotReady");
    let message = "Device '15000' is not registered.";
    assert_eq!((failed.status, failed.json()), (500, json!({"statusCode": 4, "statusMessage": message})));
    let messages = desk.until(|message| message["data"]["messageType"] == "ErrorMessage");
    assert_eq!(told(&messages), [format!("/v2/me/devices ErrorMessage {message}")]);
    assert_eq!(messages[0]["data"]["devicePath"], json!(format!("/devices/{}", agent.device())));
}
