//! From bytes to requests: the envelope, its limits, and what a message can ask for.
//!
//! A body is refused whole only if it is no array of JSON objects within the limits. Whatever is wrong inside
//! one message concerns that message alone, and is answered in its place:
//!
//! | in a message | answer |
//! | --- | --- |
//! | no `channel` | `400::channel_missing` |
//! | a channel that breaks the grammar; a publication to a wildcard | `405::channel_invalid` |
//! | a channel below `/meta` that the protocol does not know | `403:denied_by_security_policy:channel_create_denied` |
//! | an `id` that is neither a number nor letters and digits | `405::message_id_invalid` |
//! | `channel`, `clientId`, `ext`, `advice` or `supportedConnectionTypes` of the wrong type | `400:<field>:field_invalid` |
//! | a publication without `data` | `400::data_missing` |
//! | `data` with half a surrogate pair, or a number beyond the floating point | `400:data:field_invalid` |
//! | `ext.binary` with half a surrogate pair, or longer than 1024 bytes | `400:ext:field_invalid` |
//! | `ext.replay` with half a surrogate pair in a name | `400:ext:field_invalid` |
//! | no `subscription`, or an empty array | `403::subscription_missing` |
//! | a `subscription` that is not, or not only, patterns | `403:<the first>:subscription_invalid` |
//! | a subscription below `/meta` | `403:denied_by_security_policy:subscribe_denied` |
//! | an unsubscribe below `/meta` | `403::unsubscribe_failed` |
//! | an entry of `ext.replay` for one of its patterns that is neither -1, -2 nor a position | `400:<pattern>:replay_id_invalid` |
//! | more patterns than the limit | `429::limit:subscriptions` |
//!
//! `null` counts as absent, but in `data`. A field that stands twice counts as it stood last. Fields that are
//! not named above, and `version`, `minimumVersion` and `connectionType`, may hold anything.

use std::time::Duration;

use bytes::Bytes;

use crate::ids::{ClientId, Position};

use super::channel::{Channel, Pattern};
use super::credential::Token;
use super::error::Error;
use super::message::Message;
use super::reply::{Reply, ReplyAdvice};
use super::scan;
use super::session::Delivery;
use super::timesync::TimeSync;

/// How much a client may send at once.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Messages in one batch.
    pub batch_messages: usize,
    /// Levels of nesting in the fields of a message, such as `data` and `ext`.
    pub json_depth: usize,
    /// Channel names and patterns in one subscribe or unsubscribe.
    pub subscriptions: usize,
}

/// A body that is no Bayeux envelope at all: the HTTP request fails, the websocket closes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadBatch {
    /// An empty array.
    #[error("the batch is empty")]
    Empty,
    /// Not JSON, or not an array of objects, or not UTF-8.
    #[error("the body is not an array of Bayeux messages")]
    Malformed,
    /// Nested more deeply than the limit.
    #[error("the body is nested too deeply")]
    TooDeep,
    /// More messages than the limit.
    #[error("the batch has too many messages")]
    TooMany,
}

/// The messages of one HTTP body or websocket frame, in order.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The messages; at least one.
    pub requests: Vec<Request>,
    /// The token that the first message with one bears in its `ext`.
    pub token: Option<Token>,
    /// Which of its replies events may go with, whatever the session says.
    pub delivery: Delivery,
}

/// A message's `id`: the JSON token as it came, quotes included, echoed as it came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MessageId(pub Bytes);

/// One message of a client.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its id.
    pub id: Option<MessageId>,
    /// The session it claims.
    pub client: Option<ClientId>,
    /// What it says of its client's clock; meta messages only.
    pub sync: Option<TimeSync>,
    /// What it asks for.
    pub body: Body,
}

/// What the client advises in a connect. Durations are at most a day.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Advice {
    /// How long this connect may be held.
    pub timeout: Option<Duration>,
    /// How long the client will pause after it.
    pub interval: Option<Duration>,
}

/// From where on a subscription is to be told what was published.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ReplayFrom {
    /// `n`: what has its place after that.
    After(Position),
    /// `-2`: all that is kept.
    All,
    /// `-1`: only what comes from now on.
    New,
}

/// What a message asks for.
#[derive(Clone, Debug)]
pub enum Body {
    /// `/meta/connect`.
    Connect {
        /// `ext.ack`.
        ack: Option<u64>,
        /// The client's advice; `None` if it sent none.
        advice: Option<Advice>,
    },
    /// `/meta/disconnect`.
    Disconnect,
    /// `/meta/handshake`.
    Handshake {
        /// Whether `ext.ack` asks for acknowledgement.
        ack: bool,
        /// `supportedConnectionTypes`, if it was sent.
        types: Option<Vec<Box<str>>>,
    },
    /// A message that is refused whatever the session: `channel` and `subscription` are echoed.
    Invalid {
        /// The channel as it was sent, as a JSON token; `None` if there was none.
        channel: Option<Bytes>,
        /// The subscription as it was sent, as a JSON token.
        subscription: Option<Bytes>,
        /// What is wrong with it.
        error: Error,
    },
    /// A publication, to a broadcast or a service channel.
    Publish {
        /// To where.
        channel: Channel,
        /// What: JSON as it came.
        data: Bytes,
        /// `ext.binary`, a JSON token: `data.data` is bytes, written as Z85. Nothing else of `ext` is passed on, for it may
        /// be a secret of the publisher.
        binary: Option<Bytes>,
    },
    /// `/meta/subscribe`.
    Subscribe {
        /// To what, at least one.
        patterns: Vec<Pattern>,
        /// From where on, of those for which `ext.replay` says so.
        replay: Vec<(Pattern, ReplayFrom)>,
        /// `subscription` as it was sent, as a JSON token.
        echo: Bytes,
    },
    /// `/meta/unsubscribe`.
    Unsubscribe {
        /// From what, at least one.
        patterns: Vec<Pattern>,
        /// `subscription` as it was sent, as a JSON token.
        echo: Bytes,
    },
}

impl Batch {
    /// Decodes a body: an array of messages, or one message. Slices of `body` are kept, not copied.
    ///
    /// # Errors
    /// [`BadBatch`] if it is no envelope at all. What is wrong with one message only becomes a
    /// [`Body::Invalid`] in its place.
    pub fn decode(body: &Bytes, limits: &Limits) -> Result<Self, BadBatch> {
        let text = std::str::from_utf8(body).map_err(|_| BadBatch::Malformed)?;
        scan::check(text, limits)?;
        let messages: Vec<Message<'_>> = if text.trim_ascii_start().starts_with('[') {
            serde_json::from_str(text).map_err(|_| BadBatch::Malformed)?
        } else {
            vec![serde_json::from_str(text).map_err(|_| BadBatch::Malformed)?]
        };
        if messages.is_empty() {
            return Err(BadBatch::Empty);
        }
        let token = messages.iter().find_map(Message::token);
        Ok(Self {
            requests: messages.iter().map(|message| message.request(body, limits)).collect(),
            token,
            delivery: Delivery::AnyReply,
        })
    }

    /// This batch, and then `other`: the one that a client had to cut in two.
    ///
    /// # Errors
    /// [`BadBatch::TooMany`] if there are more messages than one batch may have.
    pub fn join(mut self, other: Self, limits: &Limits) -> Result<Self, BadBatch> {
        self.requests.extend(other.requests);
        self.token = self.token.or(other.token);
        if self.requests.len() > limits.batch_messages { Err(BadBatch::TooMany) } else { Ok(self) }
    }

    /// Where the handshake is, if there is one. It should be alone; if it is not, it is carried out, and every
    /// other message, a second handshake too, gets [`Request::session_unknown`]: none can know the new session.
    pub fn handshake(&self) -> Option<usize> {
        self.requests.iter().position(|request| matches!(request.body, Body::Handshake { .. }))
    }
}

impl Request {
    /// The reply that refuses it. A handshake is told to go away, the rest get no advice.
    pub fn refused(self, error: Error) -> Reply {
        let id = self.id;
        match self.body {
            Body::Connect { .. } => Reply::Connect { id, error: Some(error), advice: None, ack: None },
            Body::Disconnect => Reply::Disconnect { id, error: Some(error) },
            Body::Handshake { .. } => Reply::HandshakeFailed { id, error, advice: ReplyAdvice::NONE },
            Body::Invalid { channel, subscription, error } => Reply::Invalid { id, channel, subscription, error },
            Body::Publish { channel, .. } => Reply::Publish { id, channel, error: Some(error) },
            Body::Subscribe { echo, .. } => Reply::Subscription { id, ended: false, echo, error: Some(error) },
            Body::Unsubscribe { echo, .. } => Reply::Subscription { id, ended: true, echo, error: Some(error) },
        }
    }

    /// The reply to a message whose token is not believed. A connect is advised to handshake, for which the client may
    /// get another token; a handshake is told to go away.
    pub fn token_refused(self, error: Error) -> Reply {
        match self.body {
            Body::Handshake { .. } => self.refused(error),
            Body::Connect { .. }
            | Body::Disconnect
            | Body::Invalid { .. }
            | Body::Publish { .. }
            | Body::Subscribe { .. }
            | Body::Unsubscribe { .. } => self.session_unknown(error),
        }
    }

    /// The reply to a message of a session that nobody has, with `error` for what it is called here. A connect
    /// or a handshake is advised to handshake at once. An invalid message keeps its own error.
    pub fn session_unknown(self, error: Error) -> Reply {
        let advice = ReplyAdvice::HANDSHAKE;
        match self.body {
            Body::Connect { .. } => Reply::Connect { id: self.id, error: Some(error), advice: Some(advice), ack: None },
            Body::Handshake { .. } => Reply::HandshakeFailed { id: self.id, error, advice },
            Body::Disconnect
            | Body::Invalid { .. }
            | Body::Publish { .. }
            | Body::Subscribe { .. }
            | Body::Unsubscribe { .. } => self.refused(error),
        }
    }
}
