//! An agent's channel and device, as desktops read them and are told of them.

use expect_test::{Expect, expect};

use crate::agents::{
    CustomMode, CustomState, Event, Failure, MonitorCalls, MonitorKind, MonitorScope, Monitoring, Operation,
    Registration, Right, Start, Voice, Watched, WorkMode,
};
use crate::gws::{
    Query, Rendering, agent_notification, agent_states_answer, channel_answer, channels_answer, device_answer,
    device_resource, partial_answer, user_answer,
};
use crate::ids::DeviceId;

use super::{BEGAN, agent, number, rendering, text, voice};

#[test]
fn a_change_of_state_is_told_of_the_device_and_of_the_channel() {
    check_told(
        &[Operation::NotReady { reason: Some("Tea \"time\"".into()) }],
        expect![[r#"
        /v2/me/devices: {"messageType":"DeviceStateChangeMessage","devices":[{"id":"2e36161a-e8d3-5139-ae7c-e7a70930b767","deviceState":"Active","userState":{"id":"900D55CC-2BB0-431F-8BF9-D3525B383BE6","displayName":"Not Ready","state":"NotReady","reason":"Tea \"time\""},"phoneNumber":"15000","description":"","e164Number":"","telephonyNetwork":"Private","doNotDisturb":"Off","voiceEnvironmentUri":"http://127.0.0.1:8080/api/v2/voice-environments/7e0f1a6c-3d52-4b89-b1c4-90e2d85f6a13","capabilities":["ForwardCallsOn","DoNotDisturbOn"],"channels":["voice"],"dynamicPhoneNumber":"","uri":"http://127.0.0.1:8080/api/v2/devices/2e36161a-e8d3-5139-ae7c-e7a70930b767","path":"/devices/2e36161a-e8d3-5139-ae7c-e7a70930b767"}]}
        /v2/me/channels: {"messageType":"ChannelStateChangeMessageV2","channels":[{"channel":"voice","userState":{"id":"900D55CC-2BB0-431F-8BF9-D3525B383BE6","displayName":"Not Ready","state":"NotReady","reason":"Tea \"time\""}}]}
    "#]],
    );
}

#[test]
fn a_setting_of_the_device_is_told_of_the_device_alone() {
    check_told(
        &[Operation::DoNotDisturbOn, Operation::ForwardCallsOn(number("5001"))],
        expect![[r#"
        /v2/me/devices: {"messageType":"DeviceStateChangeMessage","devices":[{"id":"2e36161a-e8d3-5139-ae7c-e7a70930b767","deviceState":"Active","userState":{"id":"9430250E-0A1B-421F-B372-F29E69366DED","displayName":"Ready","state":"Ready"},"phoneNumber":"15000","description":"","e164Number":"","telephonyNetwork":"Private","doNotDisturb":"On","forwardTo":"5001","voiceEnvironmentUri":"http://127.0.0.1:8080/api/v2/voice-environments/7e0f1a6c-3d52-4b89-b1c4-90e2d85f6a13","capabilities":["ForwardCallsOff","DoNotDisturbOff"],"channels":["voice"],"dynamicPhoneNumber":"","uri":"http://127.0.0.1:8080/api/v2/devices/2e36161a-e8d3-5139-ae7c-e7a70930b767","path":"/devices/2e36161a-e8d3-5139-ae7c-e7a70930b767"}]}
        /v2/me/devices: {"messageType":"DeviceStateChangeMessage","devices":[{"id":"2e36161a-e8d3-5139-ae7c-e7a70930b767","deviceState":"Active","userState":{"id":"9430250E-0A1B-421F-B372-F29E69366DED","displayName":"Ready","state":"Ready"},"phoneNumber":"15000","description":"","e164Number":"","telephonyNetwork":"Private","doNotDisturb":"On","forwardTo":"5001","voiceEnvironmentUri":"http://127.0.0.1:8080/api/v2/voice-environments/7e0f1a6c-3d52-4b89-b1c4-90e2d85f6a13","capabilities":["ForwardCallsOff","DoNotDisturbOff"],"channels":["voice"],"dynamicPhoneNumber":"","uri":"http://127.0.0.1:8080/api/v2/devices/2e36161a-e8d3-5139-ae7c-e7a70930b767","path":"/devices/2e36161a-e8d3-5139-ae7c-e7a70930b767"}]}
    "#]],
    );
}

#[test]
fn a_device_that_the_switch_does_not_know_is_inactive_and_nobody_is_at_it() {
    let mut voice = voice();
    voice.phone.registration = Registration::Unregistered;
    let mut out = Vec::new();
    device_resource(&mut out, &rendering(), &voice);
    let device: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!((&device["deviceState"], device.get("userState")), (&"Inactive".into(), None));
    assert_eq!(device["capabilities"], serde_json::json!([]));
}

#[test]
fn each_state_has_its_id() {
    let mut lines = String::new();
    let states = [
        Operation::Ready(WorkMode::ManualIn),
        Operation::NotReady { reason: None },
        Operation::AfterCallWork,
        Operation::AuxWork,
        Operation::Custom(lunch()),
        Operation::Offline,
    ];
    for state in states {
        let mut voice = logged_in();
        voice.handle_operation(BEGAN, state).unwrap();
        lines.push_str(&format!("{}\n", text(&channel_answer(&voice, &Query::default()))));
    }
    expect![[r#"
        {"statusCode":0,"channel":{"channel":"voice","userState":{"id":"9430250E-0A1B-421F-B372-F29E69366DED","displayName":"Ready","state":"Ready"}}}
        {"statusCode":0,"channel":{"channel":"voice","userState":{"id":"900D55CC-2BB0-431F-8BF9-D3525B383BE6","displayName":"Not Ready","state":"NotReady"}}}
        {"statusCode":0,"channel":{"channel":"voice","userState":{"id":"D3663509-3D82-4DD3-A82E-2EA8EFA02AEF","displayName":"AfterCallWork","state":"NotReady","workMode":"AfterCallWork"}}}
        {"statusCode":0,"channel":{"channel":"voice","userState":{"id":"2B36138D-C564-4562-A8CB-3C32D564F296","displayName":"AuxWork","state":"NotReady","workMode":"AuxWork"}}}
        {"statusCode":0,"channel":{"channel":"voice","userState":{"id":"D6A4CD6A-1F4B-4A5E-8B15-3C0E6F1B9C11","displayName":"Out to Lunch","state":"NotReady","workMode":"AuxWork","reason":"Lunch"}}}
        {"statusCode":0,"channel":{"channel":"voice","userState":{"id":"0F7F5003-EF26-4D13-A6Ef-D0C7EC819BEB","displayName":"Offline","state":"LoggedOut"}}}
    "#]].assert_eq(&lines);
}

#[test]
fn desktops_are_told_which_states_there_are() {
    let answer = agent_states_answer(&[lunch()], &Query::parse("fields=*"));
    expect![[r#"
        {"statusCode":0,"settings":[
        {"id":"9430250E-0A1B-421F-B372-F29E69366DED","operationName":"Ready","displayName":"Ready","state":"Ready"},
        {"id":"900D55CC-2BB0-431F-8BF9-D3525B383BE6","operationName":"NotReady","displayName":"Not Ready","state":"NotReady"},
        {"id":"D3663509-3D82-4DD3-A82E-2EA8EFA02AEF","operationName":"AfterCallWork","displayName":"AfterCallWork","state":"NotReady","workMode":"AfterCallWork"},
        {"id":"2B36138D-C564-4562-A8CB-3C32D564F296","operationName":"AuxWork","displayName":"AuxWork","state":"NotReady","workMode":"AuxWork"},
        {"id":"0F7F5003-EF26-4D13-A6Ef-D0C7EC819BEB","operationName":"Offline","displayName":"Offline","state":"Logout"},
        {"id":"D6A4CD6A-1F4B-4A5E-8B15-3C0E6F1B9C11","operationName":"OutToLunch","displayName":"Out to Lunch","state":"NotReady","workMode":"AuxWork","reason":"Lunch"}]}"#]].assert_eq(&text(&answer).replace("{\"id\"", "\n{\"id\""));
    assert_eq!(agent_states_answer(&[lunch()], &Query::default()), answer);
}

#[test]
fn states_are_found_by_their_members() {
    let found =
        ["state=NotReady", "operationName=Ready", "workMode=AuxWork", "reason=Lunch&state=NotReady", "state=x", "_=7"]
            .map(|query| {
                let query = Query::parse(&format!("{query}&fields=operationName"));
                text(&agent_states_answer(&[lunch()], &query)).replace("{\"statusCode\":0,\"settings\":", "")
            });
    expect![[r#"
        [{"operationName":"NotReady"},{"operationName":"AfterCallWork"},{"operationName":"AuxWork"},{"operationName":"OutToLunch"}]}
        [{"operationName":"Ready"}]}
        [{"operationName":"AuxWork"},{"operationName":"OutToLunch"}]}
        [{"operationName":"OutToLunch"}]}
        []}
        [{"operationName":"Ready"},{"operationName":"NotReady"},{"operationName":"AfterCallWork"},{"operationName":"AuxWork"},{"operationName":"Offline"},{"operationName":"OutToLunch"}]}"#]].assert_eq(&found.join("\n"));
}

#[test]
fn channels_are_addresses_or_with_fields_whole() {
    let lines = ["", "fields=*", "fields=channel", "channel=chat"]
        .map(|query| text(&channels_answer(&rendering(), &logged_in(), &Query::parse(query))));
    expect![[r#"
        {"statusCode":0,"uris":["http://127.0.0.1:8080/api/v2/me/channels/voice"]}
        {"statusCode":0,"channels":[{"channel":"voice","userState":{"id":"9430250E-0A1B-421F-B372-F29E69366DED","displayName":"Ready","state":"Ready"}}]}
        {"statusCode":0,"channels":[{"channel":"voice"}]}
        {"statusCode":0,"uris":[]}"#]].assert_eq(&lines.join("\n"));
}

#[test]
fn voice_is_listed_from_log_in_to_log_out_and_never_where_it_is_no_channel() {
    let shown = |rendering: &Rendering, voice: &Voice| {
        let [query, fields] = ["subresources=channels&fields=channels", "fields=*"].map(Query::parse);
        let user = user_answer(rendering, &agent(), voice, &[], BEGAN, &query);
        let user = serde_json::from_slice::<serde_json::Value>(&user).unwrap()["user"]["channels"].to_string();
        let told = agent_notification(rendering, voice, Event::ChannelChanged).is_some();
        format!("{user} {} told: {told}\n", text(&channels_answer(rendering, voice, &fields)))
    };
    let hidden = Rendering { voice_channel: false, ..rendering() };
    let mut lines = String::new();
    for rendering in [rendering(), hidden] {
        lines.push_str(&shown(&rendering, &voice()));
        lines.push_str(&shown(&rendering, &logged_in()));
    }
    expect![[r#"
        [] {"statusCode":0,"channels":[]} told: true
        [{"channel":"voice","userState":{"displayName":"Ready","id":"9430250E-0A1B-421F-B372-F29E69366DED","state":"Ready"}}] {"statusCode":0,"channels":[{"channel":"voice","userState":{"id":"9430250E-0A1B-421F-B372-F29E69366DED","displayName":"Ready","state":"Ready"}}]} told: true
        [] {"statusCode":0,"channels":[]} told: false
        [] {"statusCode":0,"channels":[]} told: false
    "#]].assert_eq(&lines);
}

#[test]
fn what_the_switch_cannot_do_is_told_as_an_error() {
    let told = agent_notification(&rendering(), &voice(), Event::Error(Failure::NotRegistered)).unwrap();
    assert_eq!(told.channel.as_str(), "/v2/me/devices");
    expect![[r#"{"messageType":"ErrorMessage","errorMessage":"Device '15000' is not registered.","devicePath":"/devices/2e36161a-e8d3-5139-ae7c-e7a70930b767","deviceUri":"http://127.0.0.1:8080/api/v2/devices/2e36161a-e8d3-5139-ae7c-e7a70930b767"}"#]].assert_eq(&text(&told.data));
}

#[test]
fn a_session_of_which_only_voice_could_be_started_is_partly_started() {
    expect![[r#"{"statusCode":7,"failed":[{"statusCode":4,"statusMessage":"There is no channel but voice.","channel":"multimedia"}],"succeeded":[{"statusCode":0,"channel":"voice"}]}"#]].assert_eq(&text(&partial_answer()));
}

#[test]
fn a_device_shows_what_can_be_done_with_it() {
    let shown = |voice: &Voice| {
        let query = Query::parse("fields=doNotDisturb,forwardTo,capabilities");
        text(&device_answer(&rendering(), voice, &query))
    };
    let mut voice = logged_in();
    let mut lines = vec![shown(&voice)];
    for operation in [Operation::ForwardCallsOn(number("5001")), Operation::DoNotDisturbOn, Operation::Offline] {
        voice.handle_operation(BEGAN, operation).unwrap();
        lines.push(shown(&voice));
    }
    expect![[r#"
        {"statusCode":0,"device":{"doNotDisturb":"Off","capabilities":["ForwardCallsOn","DoNotDisturbOn"]}}
        {"statusCode":0,"device":{"doNotDisturb":"Off","forwardTo":"5001","capabilities":["ForwardCallsOff","DoNotDisturbOn"]}}
        {"statusCode":0,"device":{"doNotDisturb":"On","forwardTo":"5001","capabilities":["ForwardCallsOff","DoNotDisturbOff"]}}
        {"statusCode":0,"device":{"doNotDisturb":"On","forwardTo":"5001","capabilities":["ForwardCallsOff","DoNotDisturbOff"]}}"#]].assert_eq(&lines.join("\n"));
}

#[test]
fn a_supervisors_device_shows_whom_it_watches_and_offers_to_end_that() {
    let shown = |voice: &Voice| {
        let query = Query::parse("fields=capabilities,supervisorMonitoringState");
        text(&device_answer(&rendering(), voice, &query))
    };
    let mut voice = logged_in();
    voice.phone.supervision = Right::Granted;
    let mut lines = vec![shown(&voice)];
    let watch = |kind, scope, calls| {
        let device = DeviceId::parse("9c14cad7-17c4-48d0-8492-7cf0ff92c224").unwrap();
        Operation::Monitor(Monitoring { target: Watched { device, number: number("5001") }, kind, scope, calls })
    };
    let operations = [
        watch(MonitorKind::ListenIn, MonitorScope::Call, MonitorCalls::All),
        watch(MonitorKind::Coach, MonitorScope::Agent, MonitorCalls::Next),
        watch(MonitorKind::BargeIn, MonitorScope::Call, MonitorCalls::Next),
        Operation::CancelSupervisorMonitoring,
    ];
    for operation in operations {
        voice.handle_operation(BEGAN, operation).unwrap();
        lines.push(shown(&voice));
    }
    expect![[r#"
        {"statusCode":0,"device":{"capabilities":["ForwardCallsOn","DoNotDisturbOn","ListenIn","Coach","BargeIn"]}}
        {"statusCode":0,"device":{"capabilities":["ForwardCallsOn","DoNotDisturbOn","ListenIn","Coach","BargeIn","CancelSupervisorMonitoring"],"supervisorMonitoringState":{"state":"ListenIn","mode":"AllCalls","scope":"Call","targetDeviceUri":"http://127.0.0.1:8080/api/v2/devices/9c14cad7-17c4-48d0-8492-7cf0ff92c224"}}}
        {"statusCode":0,"device":{"capabilities":["ForwardCallsOn","DoNotDisturbOn","ListenIn","Coach","BargeIn","CancelSupervisorMonitoring"],"supervisorMonitoringState":{"state":"Coach","mode":"NextCall","scope":"Agent","targetDeviceUri":"http://127.0.0.1:8080/api/v2/devices/9c14cad7-17c4-48d0-8492-7cf0ff92c224"}}}
        {"statusCode":0,"device":{"capabilities":["ForwardCallsOn","DoNotDisturbOn","ListenIn","Coach","BargeIn","CancelSupervisorMonitoring"],"supervisorMonitoringState":{"state":"BargeIn","mode":"NextCall","scope":"Call","targetDeviceUri":"http://127.0.0.1:8080/api/v2/devices/9c14cad7-17c4-48d0-8492-7cf0ff92c224"}}}
        {"statusCode":0,"device":{"capabilities":["ForwardCallsOn","DoNotDisturbOn","ListenIn","Coach","BargeIn"]}}"#]].assert_eq(&lines.join("\n"));
}

/// What an agent's desktops are told of all this.
fn check_told(operations: &[Operation], expected: Expect) {
    let mut voice = logged_in();
    for operation in operations {
        voice.handle_operation(BEGAN, operation.clone()).unwrap();
    }
    let events: Vec<Event> = std::mem::take(&mut voice.events).into();
    let told = events.into_iter().map(|event| {
        let notice = agent_notification(&rendering(), &voice, event).unwrap();
        format!("{}: {}\n", notice.channel, text(&notice.data))
    });
    expected.assert_eq(&told.collect::<String>());
}

fn logged_in() -> Voice {
    let mut voice = voice();
    voice.handle_operation(BEGAN, Operation::StartContactCenterSession(Start::default())).unwrap();
    voice.events.clear();
    voice
}

fn lunch() -> CustomState {
    CustomState {
        operation: "OutToLunch".into(),
        id: "D6A4CD6A-1F4B-4A5E-8B15-3C0E6F1B9C11".into(),
        display_name: "Out to Lunch".into(),
        mode: Some(CustomMode::AuxWork),
        reason: Some("Lunch".into()),
    }
}
