//! What a desktop sends to everybody who listens at its telephone.

use super::operations::{missing, parse_body, text, unknown, user_data};
use super::status::Refusal;

/// Parses the body of `POST /internal-api/operations`, which must be `SendUserEvent`: the id of the device.
///
/// # Errors
/// [`Refusal`]: code 1 for what is no JSON object or lacks the device; code 2 for another operation.
pub fn parse_user_event(body: &[u8]) -> Result<String, Refusal> {
    let members = parse_body(body)?;
    match text(&members, "operationName", "operationName")?.as_deref() {
        None => Err(missing("operationName")),
        Some("SendUserEvent") => {
            // Nobody reads it, but it must be what the others would read.
            user_data(&members)?;
            text(&members, "deviceId", "deviceId")?.ok_or_else(|| missing("deviceId"))
        }
        Some(_) => Err(unknown()),
    }
}
