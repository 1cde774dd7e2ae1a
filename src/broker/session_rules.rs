//! What holds for sessions beyond their times and limits, with what holds if nobody says otherwise.

use std::time::Duration;

use crate::bayeux::Delivery;

/// What holds for sessions beyond their times and limits.
#[derive(Clone, Copy, Debug)]
pub struct SessionRules {
    /// How long a message of a lazy channel may wait at most.
    pub max_lazy: Duration,
    /// Which responses carry messages to clients that do not acknowledge.
    pub delivery: Delivery,
    /// Whether clients are told for how long a lost session is still there.
    pub handshake_reconnect: bool,
}

impl Default for SessionRules {
    fn default() -> Self {
        Self { max_lazy: Duration::from_secs(5), delivery: Delivery::AnyReply, handshake_reconnect: false }
    }
}
