//! What desktops send: operations on calls and devices.

use std::sync::Arc;

use serde_json::value::RawValue;

use crate::bayeux::is_sound;
use crate::calls::{Datum, Location, MonitorMode, Operation, Purpose, RecordVerb, UserData};
use crate::ids::{CallId, DeviceId, Number};

use super::members::Members;
use super::status::{Refusal, StatusCode};

/// An operation as a desktop sends it: numbers are not yet anybody's.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Command {
    /// `Dial`.
    Dial(Destination),
    /// `InitiateConference` or `InitiateTransfer`.
    Initiate(Purpose, Destination),
    /// Whatever needs nobody who is not on the call.
    Operation(Operation),
    /// `SingleStepConference`.
    SingleStepConference(Destination),
    /// `SingleStepTransfer`.
    SingleStepTransfer(Destination),
}

/// Whom a call is to reach, and what goes with it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Destination {
    /// Whom.
    pub number: Number,
    /// Where the switch is to look for it.
    pub location: Option<Location>,
    /// Data for the call.
    pub user_data: UserData,
}

impl Command {
    /// Its name on the wire.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Dial(_) => "Dial",
            Self::Initiate(Purpose::Conference, _) => "InitiateConference",
            Self::Initiate(Purpose::Transfer, _) => "InitiateTransfer",
            Self::Operation(operation) => operation.name(),
            Self::SingleStepConference(_) => "SingleStepConference",
            Self::SingleStepTransfer(_) => "SingleStepTransfer",
        }
    }
}

/// Parses the body of `POST me/calls/{id}`. Members that it does not know are passed over.
///
/// # Errors
/// [`Refusal`]: code 1 for what is no JSON object, or lacks a parameter or has it in another type; code 2 for an
/// unknown operation; code 10 for a parameter that is too long.
pub fn parse_operation(body: &[u8]) -> Result<Command, Refusal> {
    let members = parse_body(body)?;
    let name = text(&members, "operationName", "operationName")?.ok_or_else(|| missing("operationName"))?;
    if let Some(operation) = PLAIN.iter().find(|plain| plain.name() == name) {
        return Ok(Command::Operation(operation.clone()));
    }
    let operation = match name.as_str() {
        "AttachUserData" => Operation::AttachUserData(some_user_data(&members)?),
        "CompleteConference" => complete(&members, Purpose::Conference)?,
        "CompleteTransfer" => complete(&members, Purpose::Transfer)?,
        "DeleteUserDataPair" => Operation::DeleteUserDataPair(key(&members)?),
        "InitiateConference" => return Ok(Command::Initiate(Purpose::Conference, destination(&members)?)),
        "InitiateTransfer" => return Ok(Command::Initiate(Purpose::Transfer, destination(&members)?)),
        "RemoveParticipantFromConference" => Operation::RemoveParticipant(participant(&members)?),
        "SendDtmf" => Operation::SendDtmf(digits(&members)?),
        "SingleStepConference" => return Ok(Command::SingleStepConference(destination(&members)?)),
        "SingleStepTransfer" => return Ok(Command::SingleStepTransfer(destination(&members)?)),
        "SwapCalls" => {
            let other = call_uri(&members, "otherCallUri")?.ok_or_else(|| missing("otherCallUri"))?;
            Operation::Swap { other }
        }
        // As a page of the API spells it.
        "SwitchToListenin" => Operation::SwitchMonitor(MonitorMode::ListenIn),
        "UpdateUserData" => Operation::UpdateUserData(some_user_data(&members)?),
        _ => return Err(unknown()),
    };
    Ok(Command::Operation(operation))
}

/// Parses the body of `POST me/devices/{id}/calls`. Its `operationName` may be left out.
///
/// # Errors
/// As [`parse_operation`].
pub fn parse_dial(body: &[u8]) -> Result<Command, Refusal> {
    let members = parse_body(body)?;
    if text(&members, "operationName", "operationName")?.is_some_and(|name| name != "Dial") {
        return Err(unknown());
    }
    Ok(Command::Dial(destination(&members)?))
}

/// Reads `SetCallDisposition`: on which call, and what is said of it.
pub(super) fn disposition(members: &Members<'_>) -> Result<(CallId, Command), Refusal> {
    let call = match call_uri(members, "callUri")? {
        Some(call) => call,
        None => {
            let uuid = text(members, "callUuid", "callUuid")?.ok_or_else(|| missing("callUri"))?;
            CallId::parse(&uuid).map_err(|_| wrong("callUuid", "the name of a call"))?
        }
    };
    let disposition = members.get("disposition").ok_or_else(|| missing("disposition"))?;
    let key = text(members, "dispositionKey", "dispositionKey")?.filter(|key| !key.is_empty());
    let key = key.unwrap_or_else(|| DISPOSITION.to_owned());
    if key.len() > KEY_BYTES || disposition.get().len() > DATA_BYTES {
        return Err(too_long("disposition"));
    }
    let value = readable(disposition, "disposition")?;
    let mut data = user_data(members)?;
    data.0.push((key.into(), Datum(value.into())));
    Ok((call, Command::Operation(Operation::SetDisposition(data))))
}

pub(super) fn parse_body(body: &[u8]) -> Result<Members<'_>, Refusal> {
    Members::parse(body).map_err(|what| Refusal::new(StatusCode::MissingParameter, format!("The body is {what}.")))
}

fn destination(members: &Members<'_>) -> Result<Destination, Refusal> {
    let destination = members.get("destination").ok_or_else(|| missing("destination"))?;
    let destination = Members::parse(destination.get().as_bytes()).map_err(|_| wrong("destination", "an object"))?;
    Ok(Destination {
        number: number(&destination, "phoneNumber", "destination.phoneNumber")?,
        location: location(members)?,
        user_data: user_data(members)?,
    })
}

fn number(members: &Members<'_>, name: &str, path: &str) -> Result<Number, Refusal> {
    let number = text(members, name, path)?.filter(|number| !number.is_empty()).ok_or_else(|| missing(path))?;
    read_number(&number, path)
}

/// A number that is named by this parameter.
pub(super) fn read_number(text: &str, parameter: &str) -> Result<Number, Refusal> {
    Number::parse(text).map_err(|error| wrong(parameter, &format!("a number: {error}")))
}

fn participant(members: &Members<'_>) -> Result<Number, Refusal> {
    number(members, "participant", "participant")
}

fn digits(members: &Members<'_>) -> Result<Arc<str>, Refusal> {
    let digits = text(members, "digits", "digits")?.filter(|d| !d.is_empty()).ok_or_else(|| missing("digits"))?;
    if digits.len() > DIGITS {
        return Err(too_long("digits"));
    }
    if !digits.bytes().all(|digit| digit.is_ascii_digit() || b"*#ABCDabcd,".contains(&digit)) {
        return Err(wrong("digits", "digits, *, # and A to D"));
    }
    Ok(digits.into())
}

fn complete(members: &Members<'_>, purpose: Purpose) -> Result<Operation, Refusal> {
    Ok(Operation::Complete { purpose, consult: call_uri(members, "consultCallUri")? })
}

/// A call named by its address, its path, or its id alone.
fn call_uri(members: &Members<'_>, name: &str) -> Result<Option<CallId>, Refusal> {
    let Some(uri) = text(members, name, name)?.filter(|uri| !uri.is_empty()) else { return Ok(None) };
    let id = uri.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    CallId::parse(id).map(Some).map_err(|_| wrong(name, "the address of a call"))
}

/// A device named by its address, its path, or its id alone.
pub(super) fn device_uri(members: &Members<'_>, name: &str) -> Result<Option<DeviceId>, Refusal> {
    let Some(uri) = text(members, name, name)?.filter(|uri| !uri.is_empty()) else { return Ok(None) };
    let id = uri.rsplit('/').next().unwrap_or_default();
    DeviceId::parse(id).map(Some).map_err(|_| wrong(name, "the path of a device"))
}

fn key(members: &Members<'_>) -> Result<Arc<str>, Refusal> {
    let key = text(members, "key", "key")?.ok_or_else(|| missing("key"))?;
    if key.len() > KEY_BYTES { Err(too_long("key")) } else { Ok(key.into()) }
}

fn location(members: &Members<'_>) -> Result<Option<Location>, Refusal> {
    match text(members, "location", "location")? {
        Some(location) if location.len() > LOCATION_BYTES => Err(too_long("location")),
        Some(location) if !location.is_empty() => Ok(Some(Location(location.into()))),
        Some(_) | None => Ok(None),
    }
}

fn some_user_data(members: &Members<'_>) -> Result<UserData, Refusal> {
    if members.get("userData").is_none() { Err(missing("userData")) } else { user_data(members) }
}

pub(super) fn user_data(members: &Members<'_>) -> Result<UserData, Refusal> {
    let Some(data) = members.get("userData") else { return Ok(UserData::default()) };
    if data.get().len() > DATA_BYTES {
        return Err(too_long("userData"));
    }
    let Members(pairs) = Members::parse(data.get().as_bytes()).map_err(|_| wrong("userData", "an object"))?;
    if pairs.len() > DATA_KEYS {
        return Err(too_long("userData"));
    }
    readable(data, "userData")?;
    Ok(UserData(pairs.into_iter().map(|(key, value)| (key.into(), Datum(value.get().into()))).collect()))
}

/// JSON that is told as it came. With half a surrogate pair or a number beyond the floating point in it, the desktops of
/// all parties could read nothing of what they are told.
fn readable<'a>(value: &'a RawValue, name: &str) -> Result<&'a str, Refusal> {
    let sound = is_sound(value.get(), usize::MAX);
    if sound { Ok(value.get()) } else { Err(wrong(name, "JSON with whole characters and finite numbers")) }
}

/// A member that is a text, if it is there.
pub(super) fn text(members: &Members<'_>, name: &str, path: &str) -> Result<Option<String>, Refusal> {
    members.get(name).map(|value| serde_json::from_str(value.get()).map_err(|_| wrong(path, "a string"))).transpose()
}

pub(super) fn missing(parameter: &str) -> Refusal {
    Refusal::new(StatusCode::MissingParameter, format!("The parameter '{parameter}' is missing."))
}

pub(super) fn wrong(parameter: &str, expected: &str) -> Refusal {
    Refusal::new(StatusCode::MissingParameter, format!("The parameter '{parameter}' must be {expected}."))
}

pub(super) fn too_long(parameter: &str) -> Refusal {
    Refusal::new(StatusCode::OutOfRange, format!("The parameter '{parameter}' is too long."))
}

/// It does not repeat the name, which may be long.
pub(super) fn unknown() -> Refusal {
    Refusal::new(StatusCode::InvalidState, "The operation is not known.")
}

/// The operations without parameters.
const PLAIN: [Operation; 18] = [
    Operation::Accept,
    Operation::Answer,
    Operation::ClearCall,
    Operation::Decline,
    Operation::DeleteUserData,
    Operation::Hangup,
    Operation::Hold,
    Operation::MuteCall,
    Operation::Record(RecordVerb::Pause),
    Operation::Reject,
    Operation::Record(RecordVerb::Resume),
    Operation::Retrieve,
    Operation::Record(RecordVerb::Start),
    Operation::Record(RecordVerb::Stop),
    Operation::SwitchMonitor(MonitorMode::BargeIn),
    Operation::SwitchMonitor(MonitorMode::Coach),
    Operation::SwitchMonitor(MonitorMode::ListenIn),
    Operation::UnmuteCall,
];

/// The key of a disposition that is sent without one.
const DISPOSITION: &str = "DispositionCode";

/// How many tones can be sent at once.
const DIGITS: usize = 64;

/// How long a key of attached data may be.
const KEY_BYTES: usize = 1024;

/// How many keys attached data may have.
const DATA_KEYS: usize = 256;

/// How long attached data may be, as JSON.
const DATA_BYTES: usize = 16 * 1024;

/// How long a location may be.
const LOCATION_BYTES: usize = 255;
