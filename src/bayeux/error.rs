//! What was wrong, as Bayeux tells it.

use super::channel::{Channel, Pattern};

/// What was wrong, as Bayeux tells it: `code:args:text`.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{code:03}:{args}:{text}")]
pub struct Error {
    /// Three digits.
    pub code: u16,
    /// The culprit, or nothing.
    pub args: Box<str>,
    /// A symbol, or words.
    pub text: Box<str>,
}

/// A text that is no Bayeux error.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("must be three digits, a colon, arguments or nothing, a colon, and a text")]
pub struct BadError;

/// The reason that goes with a refusal when nobody may do such a thing, ever.
const NEVER: &str = "denied_by_security_policy";

impl Error {
    /// Parses `code:args:text`. The text may have colons of its own.
    ///
    /// # Errors
    /// [`BadError`] if the text has another form.
    pub fn parse(text: &str) -> Result<Self, BadError> {
        let (code, rest) = text.split_once(':').ok_or(BadError)?;
        let (args, words) = rest.split_once(':').ok_or(BadError)?;
        let digits = code.len() == 3 && code.bytes().all(|b| b.is_ascii_digit());
        if !digits || words.is_empty() {
            return Err(BadError);
        }
        Ok(Self { code: code.parse().map_err(|_| BadError)?, args: args.into(), text: words.into() })
    }

    /// A message has no channel.
    pub fn channel_missing() -> Self {
        Self::plain(400, "channel_missing")
    }

    /// A publication has no `data`.
    pub fn data_missing() -> Self {
        Self::plain(400, "data_missing")
    }

    /// A field has a value of the wrong type.
    pub fn field_invalid(field: &str) -> Self {
        Self::about(400, field, "field_invalid")
    }

    /// A replay id that is none, or is beyond the newest position, or from which on something is kept no more: ask with
    /// -2 for all that is kept, or with -1 for what is new.
    pub fn replay_id_invalid(pattern: &Pattern) -> Self {
        Self::about(400, pattern.as_str(), "replay_id_invalid")
    }

    /// Client and server have no connection type in common.
    pub fn connection_types_unsupported(offered: &[Box<str>]) -> Self {
        let offered: Vec<String> = offered.iter().take(8).map(|name| culprit(name)).collect();
        Self { code: 301, args: offered.join(",").into(), text: "Connection types not supported".into() }
    }

    /// The token was good once; the client gets another.
    pub fn token_expired() -> Self {
        Self::plain(401, "token_expired")
    }

    /// The token is not believed.
    pub fn token_invalid() -> Self {
        Self::plain(401, "token_invalid")
    }

    /// Nobody has this session; the client begins again.
    pub fn session_unknown() -> Self {
        Self::plain(402, "session_unknown")
    }

    /// A publication would have made a meta channel, or one that may not be made; `reason` is a symbol.
    pub fn channel_create_denied(reason: &str) -> Self {
        Self::about(403, reason, "channel_create_denied")
    }

    /// A subscription would have made a channel that may not be made; `reason` is a symbol.
    pub fn create_denied(reason: &str) -> Self {
        Self::about(403, reason, "create_denied")
    }

    /// The client may not handshake.
    pub fn handshake_denied() -> Self {
        Self::plain(403, "handshake_denied")
    }

    /// The client may not publish there; `reason` is a symbol.
    pub fn publish_denied(reason: &str) -> Self {
        Self::about(403, reason, "publish_denied")
    }

    /// The client may not subscribe to that; `reason` is a symbol.
    pub fn subscribe_denied(reason: &str) -> Self {
        Self::about(403, reason, "subscribe_denied")
    }

    /// A subscription that is neither pattern nor array of patterns; `text` is the one that is none.
    pub fn subscription_invalid(text: &str) -> Self {
        Self::about(403, text, "subscription_invalid")
    }

    /// A subscribe or unsubscribe says not to what.
    pub fn subscription_missing() -> Self {
        Self::plain(403, "subscription_missing")
    }

    /// The subscription could not be ended.
    pub fn unsubscribe_failed() -> Self {
        Self::plain(403, "unsubscribe_failed")
    }

    /// A channel that breaks the grammar, or a publication to a wildcard.
    pub fn channel_invalid() -> Self {
        Self::plain(405, "channel_invalid")
    }

    /// An id that is neither number nor letters and digits.
    pub fn message_id_invalid() -> Self {
        Self::plain(405, "message_id_invalid")
    }

    /// More than this limit of ours allows.
    pub fn limit(name: &str) -> Self {
        Self::plain(429, &format!("limit:{name}"))
    }

    /// The log takes no writes: what would have been written down was not done.
    pub fn log_unavailable() -> Self {
        Self::plain(503, "log_unavailable")
    }

    /// No service listens there.
    pub fn service_unknown(channel: &Channel) -> Self {
        Self::about(404, channel.as_str(), "service_unknown")
    }

    /// The connection to whoever answers there broke: nobody knows whether the message was taken.
    pub fn upstream_broken(channel: &Channel) -> Self {
        Self::about(502, channel.as_str(), "upstream_broken")
    }

    /// Whoever answers there has as much to answer as it may have; it was not sent there.
    pub fn upstream_busy(channel: &Channel) -> Self {
        Self::about(503, channel.as_str(), "upstream_busy")
    }

    /// What came back from there is no answer.
    pub fn upstream_invalid(channel: &Channel) -> Self {
        Self::about(502, channel.as_str(), "upstream_invalid")
    }

    /// Whoever answers there said no; `data` says why.
    pub fn upstream_refused(channel: &Channel) -> Self {
        Self::about(400, channel.as_str(), "upstream_refused")
    }

    /// Whoever answers there did not do so in time.
    pub fn upstream_timeout(channel: &Channel) -> Self {
        Self::about(504, channel.as_str(), "upstream_timeout")
    }

    /// Whoever answers there cannot be reached; it was not sent there.
    pub fn upstream_unreachable(channel: &Channel) -> Self {
        Self::about(502, channel.as_str(), "upstream_unreachable")
    }

    /// The server is about to stop.
    pub fn draining() -> Self {
        Self::plain(503, "draining")
    }

    pub(super) fn never_created() -> Self {
        Self::channel_create_denied(NEVER)
    }

    pub(super) fn never_subscribed() -> Self {
        Self::subscribe_denied(NEVER)
    }

    fn plain(code: u16, text: &str) -> Self {
        Self { code, args: "".into(), text: text.into() }
    }

    fn about(code: u16, args: &str, text: &str) -> Self {
        Self { code, args: culprit(args).into(), text: text.into() }
    }
}

/// A culprit as it can stand between the colons: what would end it, or split it in two, is percent-encoded,
/// and so is whatever a terminal or a log should not get to see. Cut at 128 bytes.
fn culprit(text: &str) -> String {
    let mut args = String::new();
    for byte in text.bytes().take(128) {
        if byte.is_ascii_graphic() && !matches!(byte, b':' | b',') {
            args.push(char::from(byte));
        } else {
            args.push_str(&format!("%{byte:02X}"));
        }
    }
    args
}
