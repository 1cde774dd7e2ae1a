//! What desktops send: operations on calls and devices.

use crate::calls::{Datum, Location, UserData};
use crate::ids::Number;

use super::members::Members;
use super::status::{Refusal, StatusCode};

/// An operation as a desktop sends it: numbers are not yet anybody's.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Command {
    /// `Answer`.
    Answer,
    /// `Dial`.
    Dial {
        /// Whom.
        destination: Number,
        /// Where the switch is to look for it.
        location: Option<Location>,
        /// Data for the call.
        user_data: UserData,
    },
    /// `Hangup`.
    Hangup,
    /// `Hold`.
    Hold,
    /// `Retrieve`.
    Retrieve,
    /// `SingleStepConference`.
    SingleStepConference {
        /// Whom.
        destination: Number,
        /// Where the switch is to look for it.
        location: Option<Location>,
        /// Data for the call.
        user_data: UserData,
    },
}

impl Command {
    /// Its name on the wire.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Answer => "Answer",
            Self::Dial { .. } => "Dial",
            Self::Hangup => "Hangup",
            Self::Hold => "Hold",
            Self::Retrieve => "Retrieve",
            Self::SingleStepConference { .. } => "SingleStepConference",
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
    match name.as_str() {
        "Answer" => Ok(Command::Answer),
        "Hangup" => Ok(Command::Hangup),
        "Hold" => Ok(Command::Hold),
        "Retrieve" => Ok(Command::Retrieve),
        "SingleStepConference" => {
            let Target { destination, location, user_data } = parse_target(&members)?;
            Ok(Command::SingleStepConference { destination, location, user_data })
        }
        _ => Err(unknown()),
    }
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
    let Target { destination, location, user_data } = parse_target(&members)?;
    Ok(Command::Dial { destination, location, user_data })
}

/// The parameters of what brings somebody into a call.
struct Target {
    destination: Number,
    location: Option<Location>,
    user_data: UserData,
}

pub(super) fn parse_body(body: &[u8]) -> Result<Members<'_>, Refusal> {
    Members::parse(body).map_err(|what| Refusal::new(StatusCode::MissingParameter, format!("The body is {what}.")))
}

fn parse_target(members: &Members<'_>) -> Result<Target, Refusal> {
    let destination = members.get("destination").ok_or_else(|| missing("destination"))?;
    let destination = Members::parse(destination.get().as_bytes()).map_err(|_| wrong("destination", "an object"))?;
    let number = text(&destination, "phoneNumber", "destination.phoneNumber")?;
    let number = number.filter(|n| !n.is_empty()).ok_or_else(|| missing("destination.phoneNumber"))?;
    Ok(Target {
        destination: Number::parse(&number).map_err(|e| wrong("destination.phoneNumber", &format!("a number: {e}")))?,
        location: parse_location(members)?,
        user_data: parse_user_data(members)?,
    })
}

fn parse_location(members: &Members<'_>) -> Result<Option<Location>, Refusal> {
    match text(members, "location", "location")? {
        Some(location) if location.len() > LOCATION_BYTES => Err(too_long("location")),
        Some(location) if !location.is_empty() => Ok(Some(Location(location.into()))),
        Some(_) | None => Ok(None),
    }
}

fn parse_user_data(members: &Members<'_>) -> Result<UserData, Refusal> {
    let Some(data) = members.get("userData") else { return Ok(UserData::default()) };
    if data.get().len() > DATA_BYTES {
        return Err(too_long("userData"));
    }
    let Members(pairs) = Members::parse(data.get().as_bytes()).map_err(|_| wrong("userData", "an object"))?;
    if pairs.len() > DATA_KEYS {
        return Err(too_long("userData"));
    }
    Ok(UserData(pairs.into_iter().map(|(key, value)| (key.into(), Datum(value.get().into()))).collect()))
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

/// How many keys attached data may have.
const DATA_KEYS: usize = 256;

/// How long attached data may be, as JSON.
const DATA_BYTES: usize = 16 * 1024;

/// How long a location may be.
const LOCATION_BYTES: usize = 255;
