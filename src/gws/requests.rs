//! What desktops want of an agent's session, channel and device.

use std::sync::Arc;

use crate::agents::{CustomState, Kind, MonitorCalls, MonitorKind, MonitorScope, Operation, Start, WorkMode};
use crate::ids::{CallId, DeviceId, Number};

use super::agents::VOICE;
use super::members::Members;
use super::operations::{
    Command, device_uri, disposition, missing, parse_body, read_number, text, too_long, unknown, wrong,
};
use super::status::{Refusal, StatusCode};

/// What a desktop wants of an agent's session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SessionRequest {
    /// `EndContactCenterSession`, after which the login is over.
    End(Operation),
    /// An operation on all channels.
    Operation(Operation),
    /// `StartContactCenterSession`.
    Start(SessionStart),
}

/// A session that a desktop starts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SessionStart {
    /// Whether voice is among its channels.
    pub voice: bool,
    /// Whether others are, which this server does not have.
    pub others: bool,
    /// The device that the agent wants, if it said so.
    pub device: Option<DeviceId>,
    /// What it means for voice.
    pub operation: Operation,
}

/// What a desktop wants of a device.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum DeviceRequest {
    /// How a call went is to be noted.
    Disposition(CallId, Command),
    /// Another agent is to be watched.
    Monitor(MonitorRequest),
    /// A setting is to be changed.
    Setting(Operation),
}

/// A supervisor's wish to be brought into the calls of somebody, who is not yet known.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MonitorRequest {
    /// Who is to hear the supervisor.
    pub kind: MonitorKind,
    /// How long it is to stay.
    pub scope: MonitorScope,
    /// Into how many calls.
    pub calls: MonitorCalls,
    /// Whose.
    pub target: MonitorTarget,
}

/// Who is to be watched, as a desktop names it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum MonitorTarget {
    /// By the device.
    Device(DeviceId),
    /// By the number.
    Number(Number),
}

/// Parses the body of `POST me`.
///
/// # Errors
/// [`Refusal`]: code 1 for what is no JSON object, or lacks a parameter or has it in another type; code 2 for an
/// unknown operation; code 10 for a parameter that is too long or has a value that it cannot have.
pub fn parse_session(body: &[u8], custom: &[CustomState]) -> Result<SessionRequest, Refusal> {
    let members = parse_body(body)?;
    match &*operation_name(&members)? {
        "EndContactCenterSession" => Ok(SessionRequest::End(Operation::EndContactCenterSession)),
        "StartContactCenterSession" => parse_start(&members).map(SessionRequest::Start),
        "DoNotDisturbOff" => Ok(SessionRequest::Operation(Operation::DoNotDisturbOff)),
        "DoNotDisturbOn" => Ok(SessionRequest::Operation(Operation::DoNotDisturbOn)),
        name => parse_state(&members, name, custom).map(SessionRequest::Operation),
    }
}

/// Parses the body of `POST me/channels/voice`.
///
/// # Errors
/// As [`parse_session`].
pub fn parse_channel(body: &[u8], custom: &[CustomState]) -> Result<Operation, Refusal> {
    let members = parse_body(body)?;
    parse_state(&members, &operation_name(&members)?, custom)
}

/// Parses the body of `POST me/devices/{id}`.
///
/// # Errors
/// As [`parse_session`].
pub fn parse_device(body: &[u8]) -> Result<DeviceRequest, Refusal> {
    let members = parse_body(body)?;
    let setting = match &*operation_name(&members)? {
        "SetCallDisposition" => {
            let (call, command) = disposition(&members)?;
            return Ok(DeviceRequest::Disposition(call, command));
        }
        "BargeIn" => return parse_monitor(&members, MonitorKind::BargeIn),
        "Coach" => return parse_monitor(&members, MonitorKind::Coach),
        "ListenIn" => return parse_monitor(&members, MonitorKind::ListenIn),
        "CancelSupervisorMonitoring" => Operation::CancelSupervisorMonitoring,
        "DoNotDisturbOff" => Operation::DoNotDisturbOff,
        "DoNotDisturbOn" => Operation::DoNotDisturbOn,
        "ForwardCallsOff" => Operation::ForwardCallsOff,
        "ForwardCallsOn" => Operation::ForwardCallsOn(parse_destination(&members)?),
        _ => return Err(unknown()),
    };
    Ok(DeviceRequest::Setting(setting))
}

fn operation_name(members: &Members<'_>) -> Result<String, Refusal> {
    text(members, "operationName", "operationName")?.ok_or_else(|| missing("operationName"))
}

fn parse_state(members: &Members<'_>, name: &str, custom: &[CustomState]) -> Result<Operation, Refusal> {
    if let Some(custom) = custom.iter().find(|custom| *custom.operation == *name) {
        return Ok(Operation::Custom(custom.clone()));
    }
    match name {
        "AfterCallWork" => Ok(Operation::AfterCallWork),
        "AuxWork" => Ok(Operation::AuxWork),
        "NotReady" => Ok(Operation::NotReady { reason: label(members, "reason")? }),
        "Offline" => Ok(Operation::Offline),
        "Ready" => Ok(Operation::Ready(parse_work_mode(members)?)),
        _ => Err(unknown()),
    }
}

fn parse_work_mode(members: &Members<'_>) -> Result<WorkMode, Refusal> {
    match text(members, "workmode", "workmode")?.as_deref() {
        None | Some("") => Ok(WorkMode::AsConfigured),
        Some("AutoIn") => Ok(WorkMode::AutoIn),
        Some("ManualIn") => Ok(WorkMode::ManualIn),
        Some(_) => Err(not_among("workmode", ["ManualIn", "AutoIn"])),
    }
}

fn parse_start(members: &Members<'_>) -> Result<SessionStart, Refusal> {
    let channels = members.get("channels").ok_or_else(|| missing("channels"))?;
    let channels: Vec<String> =
        serde_json::from_str(channels.get()).map_err(|_| wrong("channels", "an array of strings"))?;
    if channels.is_empty() {
        return Err(missing("channels"));
    }
    Ok(SessionStart {
        voice: channels.iter().any(|channel| channel == VOICE),
        others: channels.iter().any(|channel| channel != VOICE),
        device: device_uri(members, "devicePath")?,
        operation: Operation::StartContactCenterSession(Start {
            place: label(members, "place")?,
            login_code: label(members, "loginCode")?,
            queue: label(members, "queue")?,
        }),
    })
}

fn parse_monitor(members: &Members<'_>, kind: MonitorKind) -> Result<DeviceRequest, Refusal> {
    let scope = match either(members, ["supervisorMonitoringScope", "scope"])?.as_deref() {
        None | Some("" | "Call") => MonitorScope::Call,
        Some("Agent") => MonitorScope::Agent,
        Some(_) => return Err(not_among("supervisorMonitoringScope", ["Agent", "Call"])),
    };
    let calls = match either(members, ["supervisorMonitoringMode", "mode"])?.as_deref() {
        None | Some("" | "AllCalls") => MonitorCalls::All,
        Some("NextCall") => MonitorCalls::Next,
        Some(_) => return Err(not_among("supervisorMonitoringMode", ["NextCall", "AllCalls"])),
    };
    let target = match device_uri(members, "targetDeviceUri")? {
        Some(device) => MonitorTarget::Device(device),
        None => {
            let number = text(members, "phoneNumber", "phoneNumber")?.filter(|number| !number.is_empty());
            let number = number.ok_or_else(|| missing("targetDeviceUri"))?;
            MonitorTarget::Number(read_number(&number, "phoneNumber")?)
        }
    };
    Ok(DeviceRequest::Monitor(MonitorRequest { kind, scope, calls, target }))
}

/// A parameter that goes by two names: what the API's pages call it, and what the device calls it.
fn either(members: &Members<'_>, [name, short]: [&str; 2]) -> Result<Option<String>, Refusal> {
    Ok(text(members, name, name)?.or(text(members, short, short)?))
}

fn not_among(parameter: &str, [one, other]: [&str; 2]) -> Refusal {
    Refusal::new(StatusCode::OutOfRange, format!("The parameter '{parameter}' must be {one} or {other}."))
}

/// The number that calls are to go to: a text here, and not an object as elsewhere. Both are taken.
fn parse_destination(members: &Members<'_>) -> Result<Number, Refusal> {
    let destination = members.get("destination").ok_or_else(|| missing("destination"))?;
    let number = match Members::parse(destination.get().as_bytes()) {
        Ok(object) => text(&object, "phoneNumber", "destination.phoneNumber")?,
        Err(_) => text(members, "destination", "destination")?,
    };
    let number = number.filter(|number| !number.is_empty()).ok_or_else(|| missing("destination"))?;
    read_number(&number, "destination")
}

/// A short text that people or the switch gave to something. An empty one is none.
fn label(members: &Members<'_>, name: &str) -> Result<Option<Arc<str>>, Refusal> {
    match text(members, name, name)? {
        Some(label) if label.len() > LABEL_BYTES => Err(too_long(name)),
        Some(label) if !label.is_empty() => Ok(Some(label.into())),
        Some(_) | None => Ok(None),
    }
}

/// Whether the name of a state that the operator makes up is free.
pub fn is_free_state_name(name: &str) -> bool {
    Kind::ALL.iter().all(|kind| kind.name() != name)
}

/// How long a place, a login code, a queue or a reason may be.
const LABEL_BYTES: usize = 255;
