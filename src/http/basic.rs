//! Basic credentials, in whichever encoding the client chose.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

/// A user name and a password, as one encoding reads them.
#[derive(Eq, PartialEq)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: Vec<u8>,
}

/// Credentials that are none: no base64, no colon, or too long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct BadCredentials;

/// Reads a header `Authorization`: `None` if it has another scheme than Basic. A client says nothing about the
/// encoding, so there is one reading as UTF-8, if it is that, and one as ISO-8859-1, if that differs.
pub(crate) fn parse(header: &[u8]) -> Option<Result<Vec<Credentials>, BadCredentials>> {
    let (scheme, token) = header.split_at_checked(SCHEME.len())?;
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return None;
    }
    Some(readings(token.trim_ascii()))
}

fn readings(token: &[u8]) -> Result<Vec<Credentials>, BadCredentials> {
    if token.len() > LONGEST {
        return Err(BadCredentials);
    }
    let decoded = STANDARD.decode(token).or_else(|_| STANDARD_NO_PAD.decode(token)).map_err(|_| BadCredentials)?;
    let mut readings = Vec::with_capacity(2);
    if let Ok(text) = str::from_utf8(&decoded) {
        readings.push(split(text)?);
    }
    if !decoded.is_ascii() {
        readings.push(split(&latin1(&decoded))?);
    }
    Ok(readings)
}

/// ISO-8859-1 as text: each byte is the character of its number.
pub(crate) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

fn split(text: &str) -> Result<Credentials, BadCredentials> {
    let (user, password) = text.split_once(':').ok_or(BadCredentials)?;
    Ok(Credentials { user: user.into(), password: password.as_bytes().into() })
}

const SCHEME: &[u8] = b"basic ";
const LONGEST: usize = 2048;
