//! Bayeux over callback-polling (JSONP): messages in by the query of a GET, and their answer as a script that calls.
//!
//! Invariants: the script begins with a comment, so that no client chooses the first bytes of a response; what follows is
//! one call of a name that is plain.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};

use crate::bayeux::{Batch, Delivery, Limits};
use crate::broker::Receipt;

use super::delivery::DeliveryBody;
use super::errors::Failure;
use super::forms::{fields, join, messages};

/// Whether callback-polling is spoken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CallbackPolling {
    /// It is not.
    Refused,
    /// It is, under the customary path.
    Spoken,
}

/// The function that the answer is to call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Callback(String);

/// A query that names several functions, or what is no plain name.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the callback must be one name of 1 to 64 letters, digits, dots, hyphens and underscores")]
pub struct BadCallback;

impl Callback {
    /// The function that a query names by `jsonp`.
    ///
    /// # Errors
    /// [`BadCallback`] if it names several, or what is no name.
    pub fn parse(query: &str) -> Result<Self, BadCallback> {
        let mut named = fields(query.as_bytes()).filter(|(name, _)| &**name == b"jsonp").map(|(_, value)| value);
        let Some(first) = named.next() else { return Ok(Self(USUAL.into())) };
        let plain = (1..=LONGEST).contains(&first.len())
            && first.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
        match String::from_utf8(first.into_owned()) {
            Ok(name) if plain && named.next().is_none() => Ok(Self(name)),
            Ok(_) | Err(_) => Err(BadCallback),
        }
    }

    /// The answer: a call with this JSON.
    pub(crate) fn delivery(&self, json: &[u8], receipt: Option<Receipt>) -> HttpResponse {
        HttpResponse::build(StatusCode::OK)
            .insert_header((CONTENT_TYPE, "text/javascript;charset=UTF-8"))
            .insert_header((CACHE_CONTROL, "no-store"))
            .insert_header((X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
            // A browser that is led here saves it, and does not show it.
            .insert_header((CONTENT_DISPOSITION, "attachment; filename=f.txt"))
            .body(DeliveryBody::new(self.script(json), receipt))
    }

    /// `/**/name([…]);`. JSON may have two characters that end a line in the scripts of older browsers.
    pub fn script(&self, json: &[u8]) -> Vec<u8> {
        let mut script = Vec::with_capacity(json.len() + self.0.len() + 16);
        script.extend_from_slice(b"/**/");
        script.extend_from_slice(self.0.as_bytes());
        script.push(b'(');
        let mut rest = json;
        while let Some(place) = rest.windows(3).position(|three| LINE_ENDS.iter().any(|(end, _)| three == *end)) {
            let (before, from) = rest.split_at(place);
            script.extend_from_slice(before);
            for (_, escape) in LINE_ENDS.iter().filter(|(end, _)| from.starts_with(*end)) {
                script.extend_from_slice(*escape);
            }
            rest = from.get(3..).unwrap_or_default();
        }
        script.extend_from_slice(rest);
        script.extend_from_slice(b");");
        script
    }
}

/// The batch in a query: each `message` is a batch, for a client has to cut what makes a URL too long. Events go with
/// connects only, for a browser may run the scripts of two answers in any order.
///
/// # Errors
/// [`Failure::Batch`].
pub(crate) fn batch(query: &str, limits: &Limits) -> Result<Batch, Failure> {
    let batch = join(messages(query.as_bytes()), limits)?;
    Ok(Batch { delivery: Delivery::ConnectOnly, ..batch })
}

/// What is called if the query names nothing: the protocol says so.
const USUAL: &str = "jsonpcallback";
const LONGEST: usize = 64;
/// U+2028 and U+2029.
const LINE_ENDS: [(&[u8; 3], &[u8; 6]); 2] = [(b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029")];
