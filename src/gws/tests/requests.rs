//! What desktops want of sessions, channels and devices.

use std::fmt::Debug;

use expect_test::expect;

use crate::agents::{CustomState, Kind};
use crate::gws::{
    DeviceRequest, Refusal, SessionRequest, is_free_state_name, parse_channel, parse_device, parse_session,
};

#[test]
fn sessions_begin_and_end() {
    let bodies = [
        r#"{"operationName":"StartContactCenterSession","channels":["voice"]}"#,
        r#"{"operationName":"StartContactCenterSession","channels":["voice","chat"],"place":"P 1","loginCode":"100","queue":"7001","mobileSession":{"a":1}}"#,
        r#"{"operationName":"StartContactCenterSession","channels":["chat"],"place":"","queue":null,"devicePath":"/devices/631608b3-ceb1-472b-ba05-2ae39555b0d1"}"#,
        r#"{"operationName":"StartContactCenterSession"}"#,
        r#"{"operationName":"StartContactCenterSession","channels":[]}"#,
        r#"{"operationName":"StartContactCenterSession","channels":"voice"}"#,
        r#"{"operationName":"StartContactCenterSession","channels":["voice"],"place":7}"#,
        r#"{"operationName":"StartContactCenterSession","channels":["voice"],"devicePath":"/devices/"}"#,
        r#"{"operationName":"EndContactCenterSession"}"#,
        r#"{"operationName":"DoNotDisturbOn"}"#,
        r#"{"operationName":"Ready"}"#,
        r#"{"operationName":"Answer"}"#,
        r#"{}"#,
        r#"[]"#,
    ];
    let lines: Vec<String> = bodies.iter().map(|body| line(body, parse_session(body.as_bytes(), &[lunch()]))).collect();
    expect![[r#"
        {"operationName":"StartContactCenterSession","channels":["voice"]}
          Start(SessionStart { voice: true, others: false, device: None, operation: StartContactCenterSession(Start { place: None, login_code: None, queue: None }) })
        {"operationName":"StartContactCenterSession","channels":["voice","chat"],"place":"P 1","loginCode":"100","queue":"7001","mobileSession":{"a":1}}
          Start(SessionStart { voice: true, others: true, device: None, operation: StartContactCenterSession(Start { place: Some("P 1"), login_code: Some("100"), queue: Some("7001") }) })
        {"operationName":"StartContactCenterSession","channels":["chat"],"place":"","queue":null,"devicePath":"/devices/631608b3-ceb1-472b-ba05-2ae39555b0d1"}
          Start(SessionStart { voice: false, others: true, device: Some(DeviceId("631608b3-ceb1-472b-ba05-2ae39555b0d1")), operation: StartContactCenterSession(Start { place: None, login_code: None, queue: None }) })
        {"operationName":"StartContactCenterSession"}
          1: The parameter 'channels' is missing.
        {"operationName":"StartContactCenterSession","channels":[]}
          1: The parameter 'channels' is missing.
        {"operationName":"StartContactCenterSession","channels":"voice"}
          1: The parameter 'channels' must be an array of strings.
        {"operationName":"StartContactCenterSession","channels":["voice"],"place":7}
          1: The parameter 'place' must be a string.
        {"operationName":"StartContactCenterSession","channels":["voice"],"devicePath":"/devices/"}
          1: The parameter 'devicePath' must be the path of a device.
        {"operationName":"EndContactCenterSession"}
          End(EndContactCenterSession)
        {"operationName":"DoNotDisturbOn"}
          Operation(DoNotDisturbOn)
        {"operationName":"Ready"}
          Operation(Ready(AsConfigured))
        {"operationName":"Answer"}
          2: The operation is not known.
        {}
          1: The parameter 'operationName' is missing.
        []
          1: The body is not a JSON object."#]].assert_eq(&lines.join("\n"));
}

#[test]
fn channels_take_states_alone() {
    let bodies = [
        r#"{"operationName":"Ready"}"#,
        r#"{"operationName":"Ready","workmode":"ManualIn"}"#,
        r#"{"operationName":"Ready","workmode":"AutoIn"}"#,
        r#"{"operationName":"Ready","workmode":"Sometimes"}"#,
        r#"{"operationName":"NotReady"}"#,
        r#"{"operationName":"NotReady","reason":"Tea"}"#,
        r#"{"operationName":"NotReady","reason":["Tea"]}"#,
        r#"{"operationName":"AfterCallWork"}"#,
        r#"{"operationName":"AuxWork"}"#,
        r#"{"operationName":"Offline"}"#,
        r#"{"operationName":"OutToLunch"}"#,
        r#"{"operationName":"outtolunch"}"#,
        r#"{"operationName":"EndContactCenterSession"}"#,
        r#"{"operationName":"DoNotDisturbOn"}"#,
    ];
    let lines: Vec<String> = bodies.iter().map(|body| line(body, parse_channel(body.as_bytes(), &[lunch()]))).collect();
    expect![[r#"
        {"operationName":"Ready"}
          Ready(AsConfigured)
        {"operationName":"Ready","workmode":"ManualIn"}
          Ready(ManualIn)
        {"operationName":"Ready","workmode":"AutoIn"}
          Ready(AutoIn)
        {"operationName":"Ready","workmode":"Sometimes"}
          10: The parameter 'workmode' must be ManualIn or AutoIn.
        {"operationName":"NotReady"}
          NotReady { reason: None }
        {"operationName":"NotReady","reason":"Tea"}
          NotReady { reason: Some("Tea") }
        {"operationName":"NotReady","reason":["Tea"]}
          1: The parameter 'reason' must be a string.
        {"operationName":"AfterCallWork"}
          AfterCallWork
        {"operationName":"AuxWork"}
          AuxWork
        {"operationName":"Offline"}
          Offline
        {"operationName":"OutToLunch"}
          Custom(CustomState { operation: "OutToLunch", id: "1", display_name: "Out to Lunch", mode: None, reason: None })
        {"operationName":"outtolunch"}
          2: The operation is not known.
        {"operationName":"EndContactCenterSession"}
          2: The operation is not known.
        {"operationName":"DoNotDisturbOn"}
          2: The operation is not known."#]].assert_eq(&lines.join("\n"));
    let long = format!(r#"{{"operationName":"NotReady","reason":"{}"}}"#, "x".repeat(256));
    expect!["The parameter 'reason' is too long."]
        .assert_eq(&parse_channel(long.as_bytes(), &[]).unwrap_err().to_string());
}

#[test]
fn devices_take_settings() {
    let bodies = [
        r#"{"operationName":"DoNotDisturbOn"}"#,
        r#"{"operationName":"DoNotDisturbOff"}"#,
        r#"{"operationName":"ForwardCallsOn","destination":"5001"}"#,
        r#"{"operationName":"ForwardCallsOn","destination":{"phoneNumber":"5001"}}"#,
        r#"{"operationName":"ForwardCallsOn","destination":""}"#,
        r#"{"operationName":"ForwardCallsOn","destination":{}}"#,
        r#"{"operationName":"ForwardCallsOn","destination":"a/b"}"#,
        r#"{"operationName":"ForwardCallsOn","destination":5001}"#,
        r#"{"operationName":"ForwardCallsOn"}"#,
        r#"{"operationName":"ForwardCallsOff"}"#,
        r#"{"operationName":"Ready"}"#,
        r#"{"operationName":"ListenIn","targetDeviceUri":"http://localhost:8080/api/v2/devices/9c14cad7-17c4-48d0-8492-7cf0ff92c224"}"#,
        r#"{"operationName":"Coach","phoneNumber":"15001","supervisorMonitoringScope":"Agent","supervisorMonitoringMode":"NextCall"}"#,
        r#"{"operationName":"BargeIn","targetDeviceUri":"/devices/9c14","phoneNumber":"15001","scope":"Call","mode":"AllCalls"}"#,
        r#"{"operationName":"ListenIn"}"#,
        r#"{"operationName":"ListenIn","targetDeviceUri":"/devices/"}"#,
        r#"{"operationName":"ListenIn","phoneNumber":"a/b"}"#,
        r#"{"operationName":"ListenIn","phoneNumber":"15001","supervisorMonitoringScope":"Queue"}"#,
        r#"{"operationName":"ListenIn","phoneNumber":"15001","supervisorMonitoringMode":"agent"}"#,
        r#"{"operationName":"CancelSupervisorMonitoring"}"#,
    ];
    let lines: Vec<String> = bodies.iter().map(|body| line(body, parse_device(body.as_bytes()))).collect();
    expect![[r#"
        {"operationName":"DoNotDisturbOn"}
          Setting(DoNotDisturbOn)
        {"operationName":"DoNotDisturbOff"}
          Setting(DoNotDisturbOff)
        {"operationName":"ForwardCallsOn","destination":"5001"}
          Setting(ForwardCallsOn(Number("5001")))
        {"operationName":"ForwardCallsOn","destination":{"phoneNumber":"5001"}}
          Setting(ForwardCallsOn(Number("5001")))
        {"operationName":"ForwardCallsOn","destination":""}
          1: The parameter 'destination' is missing.
        {"operationName":"ForwardCallsOn","destination":{}}
          1: The parameter 'destination' is missing.
        {"operationName":"ForwardCallsOn","destination":"a/b"}
          1: The parameter 'destination' must be a number: must be 1 to 128 characters, with no control character, quote, backslash or slash.
        {"operationName":"ForwardCallsOn","destination":5001}
          1: The parameter 'destination' must be a string.
        {"operationName":"ForwardCallsOn"}
          1: The parameter 'destination' is missing.
        {"operationName":"ForwardCallsOff"}
          Setting(ForwardCallsOff)
        {"operationName":"Ready"}
          2: The operation is not known.
        {"operationName":"ListenIn","targetDeviceUri":"http://localhost:8080/api/v2/devices/9c14cad7-17c4-48d0-8492-7cf0ff92c224"}
          Monitor(MonitorRequest { kind: ListenIn, scope: Call, calls: All, target: Device(DeviceId("9c14cad7-17c4-48d0-8492-7cf0ff92c224")) })
        {"operationName":"Coach","phoneNumber":"15001","supervisorMonitoringScope":"Agent","supervisorMonitoringMode":"NextCall"}
          Monitor(MonitorRequest { kind: Coach, scope: Agent, calls: Next, target: Number(Number("15001")) })
        {"operationName":"BargeIn","targetDeviceUri":"/devices/9c14","phoneNumber":"15001","scope":"Call","mode":"AllCalls"}
          Monitor(MonitorRequest { kind: BargeIn, scope: Call, calls: All, target: Device(DeviceId("9c14")) })
        {"operationName":"ListenIn"}
          1: The parameter 'targetDeviceUri' is missing.
        {"operationName":"ListenIn","targetDeviceUri":"/devices/"}
          1: The parameter 'targetDeviceUri' must be the path of a device.
        {"operationName":"ListenIn","phoneNumber":"a/b"}
          1: The parameter 'phoneNumber' must be a number: must be 1 to 128 characters, with no control character, quote, backslash or slash.
        {"operationName":"ListenIn","phoneNumber":"15001","supervisorMonitoringScope":"Queue"}
          10: The parameter 'supervisorMonitoringScope' must be Agent or Call.
        {"operationName":"ListenIn","phoneNumber":"15001","supervisorMonitoringMode":"agent"}
          10: The parameter 'supervisorMonitoringMode' must be NextCall or AllCalls.
        {"operationName":"CancelSupervisorMonitoring"}
          Setting(CancelSupervisorMonitoring)"#]].assert_eq(&lines.join("\n"));
}

#[test]
fn an_operators_state_bears_no_fixed_name() {
    assert!(is_free_state_name("OutToLunch"));
    for taken in ["Ready", "Offline", "EndContactCenterSession", "DoNotDisturbOn"] {
        assert!(!is_free_state_name(taken), "{taken}");
    }
}

fn line(body: &str, parsed: Result<impl Debug, Refusal>) -> String {
    match parsed {
        Ok(parsed) => format!("{body}\n  {parsed:?}"),
        Err(refusal) => format!("{body}\n  {}: {refusal}", refusal.code.number()),
    }
}

fn lunch() -> CustomState {
    CustomState {
        operation: "OutToLunch".into(),
        id: "1".into(),
        display_name: "Out to Lunch".into(),
        mode: None,
        reason: None,
    }
}

#[test]
fn an_agents_operation_is_asked_for_by_its_own_name() {
    let kinds = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Custom);
    for name in kinds.map(Kind::name) {
        let body = format!(
            r#"{{"operationName":"{name}","channels":["voice"],"destination":"5001","targetDeviceUri":"/devices/1"}}"#
        );
        let of_the_device = match parse_device(body.as_bytes()) {
            Ok(DeviceRequest::Setting(operation)) => Some(operation.kind()),
            Ok(DeviceRequest::Monitor(request)) => Some(request.kind.operation()),
            Ok(DeviceRequest::Disposition(..)) | Err(_) => None,
        };
        let of_the_session = match parse_session(body.as_bytes(), &[]) {
            Ok(SessionRequest::End(operation) | SessionRequest::Operation(operation)) => Some(operation.kind()),
            Ok(SessionRequest::Start(start)) => Some(start.operation.kind()),
            Err(_) => None,
        };
        let known: Vec<&str> = of_the_device.into_iter().chain(of_the_session).map(Kind::name).collect();
        assert!(!known.is_empty() && known.iter().all(|known| *known == name), "{name}: {known:?}");
    }
}
