//! What goes to a client: replies, advice and events.

use std::time::Duration;

use bytes::Bytes;
use smallvec::SmallVec;

use crate::ids::ClientId;

use super::channel::Channel;
use super::envelope::MessageId;
use super::error::Error;

/// What the client is to do next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reconnect {
    /// Begin again.
    Handshake,
    /// Go away.
    None,
    /// Connect again.
    Retry,
}

/// The `advice` of a reply.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ReplyAdvice {
    /// What to do next.
    pub reconnect: Reconnect,
    /// How long to wait first.
    pub interval: Option<Duration>,
    /// How long the next connect will be held.
    pub timeout: Option<Duration>,
    /// How long after `timeout` and `interval` the session is gone for sure, so that the client need not ask.
    pub max_interval: Option<Duration>,
    /// Whether another session of its browser has the one held connect of that browser.
    pub multiple_clients: bool,
}

/// Whether the client acknowledges.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Agreed {
    /// It does.
    Acknowledge {
        /// The number with which it begins, if messages may go with the handshake's reply.
        batch: Option<u64>,
    },
    /// It does not.
    Nothing,
}

/// A reply to one request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// To `/meta/connect`.
    Connect {
        /// The request's id.
        id: Option<MessageId>,
        /// Why it failed, or nothing.
        error: Option<Error>,
        /// Advice.
        advice: Option<ReplyAdvice>,
        /// `ext.ack`.
        ack: Option<u64>,
    },
    /// To `/meta/disconnect`.
    Disconnect {
        /// The request's id.
        id: Option<MessageId>,
        /// Why it failed, or nothing.
        error: Option<Error>,
    },
    /// To a handshake that succeeded.
    Handshake {
        /// The request's id.
        id: Option<MessageId>,
        /// The new session's secret.
        client: ClientId,
        /// The transports on offer, best first.
        types: &'static [&'static str],
        /// Advice.
        advice: ReplyAdvice,
        /// What `ext.ack` says.
        ack: Agreed,
        /// How many messages go with it, if the client is to be told.
        messages: Option<usize>,
        /// Whether `ext.replay` means something here.
        replay: bool,
    },
    /// To a handshake that failed.
    HandshakeFailed {
        /// The request's id.
        id: Option<MessageId>,
        /// Why.
        error: Error,
        /// Advice.
        advice: ReplyAdvice,
    },
    /// To a message that was refused whatever the session.
    Invalid {
        /// The request's id.
        id: Option<MessageId>,
        /// The channel as it was sent, as a JSON token.
        channel: Option<Bytes>,
        /// The subscription as it was sent, as a JSON token.
        subscription: Option<Bytes>,
        /// What is wrong with it.
        error: Error,
    },
    /// To a publication.
    Publish {
        /// The request's id.
        id: Option<MessageId>,
        /// The channel.
        channel: Channel,
        /// Why it failed, or nothing.
        error: Option<Error>,
    },
    /// To `/meta/subscribe` or `/meta/unsubscribe`.
    Subscription {
        /// The request's id.
        id: Option<MessageId>,
        /// Whether it was an unsubscribe.
        ended: bool,
        /// `subscription` as it was sent, as a JSON token.
        echo: Bytes,
        /// Why it failed, or nothing.
        error: Option<Error>,
    },
}

/// A delivery as it stands on the wire: one JSON object, rendered once and shared by all who are owed it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Event(pub Bytes);

/// Events that go to a client together. Mostly it is one, which then takes no memory of its own.
pub type Frame = SmallVec<[Event; 1]>;

impl ReplyAdvice {
    /// Begin again, at once: the session is unknown.
    pub const HANDSHAKE: Self = Self { interval: Some(Duration::ZERO), ..Self::only(Reconnect::Handshake) };

    /// Go away, and do not come back.
    pub const NONE: Self = Self::only(Reconnect::None);

    /// Connect again, after what the rest says.
    pub const RETRY: Self = Self::only(Reconnect::Retry);

    const fn only(reconnect: Reconnect) -> Self {
        Self { reconnect, interval: None, timeout: None, max_interval: None, multiple_clients: false }
    }
}
