//! From the server's bytes to messages, and from requests to bytes: the client's view of the envelope.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

/// A response that is no array of Bayeux messages, or one that lacks the reply it should bear.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the response is no Bayeux reply to what was asked")]
pub struct Malformed;

/// What became of a publication.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PublishOutcome {
    /// The server took it.
    Accepted,
    /// The server refused it, with this error (`code:args:text`).
    Refused(Box<str>),
}

/// One message of a response, as far as a client cares.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) channel: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) data: Option<&'a RawValue>,
    #[serde(default)]
    pub(super) successful: Option<bool>,
    #[serde(borrow, default)]
    pub(super) client_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) error: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) advice: Option<Advice<'a>>,
    #[serde(borrow, default)]
    pub(super) ext: Option<Ext<'a>>,
}

/// The `advice` of a reply. Times are milliseconds.
#[derive(Debug, Deserialize)]
pub(super) struct Advice<'a> {
    #[serde(borrow, default)]
    reconnect: Option<Cow<'a, str>>,
    #[serde(default)]
    interval: Option<f64>,
    #[serde(default)]
    timeout: Option<f64>,
}

/// The `ext` of a reply. Only `ack` means anything here.
#[derive(Debug, Deserialize)]
pub(super) struct Ext<'a> {
    #[serde(borrow, default)]
    ack: Option<&'a RawValue>,
}

/// What the server advises to do next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reconnect {
    Handshake,
    None,
    Retry,
}

/// The messages of a response body.
pub(super) fn parse(body: &Bytes) -> Result<Vec<Message<'_>>, Malformed> {
    serde_json::from_slice(body).map_err(|_| Malformed)
}

impl Message<'_> {
    pub(super) fn is_successful(&self) -> bool {
        self.successful == Some(true)
    }

    /// The error in words; a reply that failed without one has none to tell.
    pub(super) fn error_text(&self) -> Box<str> {
        self.error.as_deref().unwrap_or("no error was given").into()
    }

    /// The advice about what to do next; an unknown session without advice means handshake.
    pub(super) fn reconnect(&self) -> Option<Reconnect> {
        match self.advice.as_ref().and_then(|advice| advice.reconnect.as_deref()) {
            Some("handshake") => Some(Reconnect::Handshake),
            Some("none") => Some(Reconnect::None),
            Some(_) => Some(Reconnect::Retry),
            None if self.error.as_deref().is_some_and(|error| error.starts_with("402")) => Some(Reconnect::Handshake),
            None => None,
        }
    }

    pub(super) fn interval(&self) -> Option<Duration> {
        millis(self.advice.as_ref()?.interval)
    }

    pub(super) fn timeout(&self) -> Option<Duration> {
        millis(self.advice.as_ref()?.timeout)
    }

    /// Whether a handshake reply agreed on acknowledgement: `true`, or an object with `enabled`.
    pub(super) fn agrees_to_ack(&self) -> bool {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Agreed {
            Plain(bool),
            Enabled { enabled: bool },
        }
        match self.ack_token().and_then(|token| serde_json::from_str(token).ok()) {
            Some(Agreed::Plain(agreed) | Agreed::Enabled { enabled: agreed }) => agreed,
            None => false,
        }
    }

    /// The number that a connect reply asks to be acknowledged.
    pub(super) fn ack_number(&self) -> Option<u64> {
        self.ack_token()?.parse().ok()
    }

    fn ack_token(&self) -> Option<&str> {
        Some(self.ext.as_ref()?.ack?.get())
    }
}

/// Appends `text` as a JSON string.
pub(super) fn push_string(out: &mut Vec<u8>, text: &str) {
    // Writing a string into a vector cannot fail.
    let _ = serde_json::to_writer(out, text);
}

fn millis(value: Option<f64>) -> Option<Duration> {
    Duration::try_from_secs_f64(value? / 1000.0).ok().map(|time| time.min(LONGEST_ADVICE))
}

/// An advice beyond this is taken for this: a client must not be put to sleep for ever by a typing slip.
const LONGEST_ADVICE: Duration = Duration::from_secs(600);
