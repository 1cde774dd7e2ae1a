//! What holds for sessions beyond their times and limits, with what holds if nobody says otherwise.

use std::time::Duration;

use crate::bayeux::{Delivery, SlowConsumer};

/// What bears the time at which it came to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stamp {
    /// Each message to a client.
    Everything,
    /// None.
    Nothing,
}

/// What a session must do lest it is idle.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Activity {
    /// Send something that is no connect.
    Client,
    /// That, or be sent something.
    ClientServer,
}

/// What holds for sessions beyond their times and limits.
#[derive(Clone, Copy, Debug)]
pub struct SessionRules {
    /// How long a message of a lazy channel may wait at most.
    pub max_lazy: Duration,
    /// Which responses carry messages to clients that do not acknowledge.
    pub delivery: Delivery,
    /// Whether clients are told for how long a lost session is still there.
    pub handshake_reconnect: bool,
    /// Whether messages may go out with the reply to a handshake.
    pub deliver_in_handshake: bool,
    /// How long a connect may be held whatever its client asks for; `None` for as long as it asks for.
    pub max_processing: Option<Duration>,
    /// How many sessions of one browser may hold a connect; `None` for all of them.
    pub sessions_per_browser: Option<usize>,
    /// How long the clients of the others pause between two connects. Nothing sends them away.
    pub multi_session_interval: Duration,
    /// Whether a session that published to a channel that it subscribed to hears that.
    pub broadcast_to_publisher: bool,
    /// What bears the time at which it came to be.
    pub stamp: Stamp,
    /// How long a session may be idle before its next connect ends it; `None` for ever.
    pub max_inactivity: Option<Duration>,
    /// What counts as not idle.
    pub activity: Activity,
    /// What becomes of clients that do not take what they are owed.
    pub slow_consumer: SlowConsumer,
    /// How many messages a session may publish in a second on average, and ten times as many at once; `None` for any.
    pub publish_rate: Option<u32>,
    /// How many times an agent may handshake in a second on average, and ten times as many or for as many sessions as it may
    /// have at once; `None` for any.
    pub handshake_rate: Option<u32>,
    /// The same for all that are nobody in particular and come from one address that is not this machine's own.
    pub handshake_rate_per_address: Option<u32>,
    /// How many sessions may come from one address that is not this machine's own; `None` for any.
    pub sessions_per_address: Option<usize>,
    /// How many channels and patterns there may be that somebody subscribed to, and how many channels in the ring.
    pub channels: usize,
    /// Of how many durable channels something may be kept.
    pub durable_channels: usize,
}

impl Default for SessionRules {
    fn default() -> Self {
        Self {
            max_lazy: Duration::from_secs(5),
            delivery: Delivery::AnyReply,
            handshake_reconnect: false,
            deliver_in_handshake: false,
            max_processing: None,
            sessions_per_browser: Some(1),
            multi_session_interval: Duration::from_secs(2),
            broadcast_to_publisher: true,
            stamp: Stamp::Nothing,
            max_inactivity: None,
            activity: Activity::Client,
            slow_consumer: SlowConsumer::Expire,
            publish_rate: Some(100),
            handshake_rate: Some(10),
            handshake_rate_per_address: Some(100),
            sessions_per_address: Some(10_000),
            channels: 100_000,
            durable_channels: 100_000,
        }
    }
}
