//! The Bayeux protocol, with no server attached.
//!
//! This room owns the channel grammar, the envelope and its limits, the life of one client's session,
//! the subscription index, and the client's half: [`Client`] decides what to send next. It does no I/O, reads no clock and draws no random number: the caller passes in
//! `now`, and carries out what it polls.
//!
//! Read [`Channel`] and [`Pattern`] first, then [`Batch`] and [`Request`], then [`Session`]; [`Client`] is the other
//! end of the line.

mod channel;
mod client;
mod client_reply;
mod client_request;
mod credential;
mod envelope;
mod error;
mod message;
mod owed;
mod render;
mod reply;
mod scan;
mod session;
mod slow;
mod splice;
mod stamp;
mod subscriptions;
#[cfg(test)]
mod tests;
mod timesync;
mod way;

pub use channel::{BadChannel, Channel, Family, Pattern};
pub use client::{Arrival, Client, ClientEnded};
pub use client_reply::{Malformed, PublishOutcome};
pub use client_request::{ClientConnection, ClientOptions, ClientRequest, ClientRequestKind};
pub use credential::Token;
pub use envelope::{Advice, BadBatch, Batch, Body, Limits, MessageId, ReplayFrom, Request};
pub use error::{BadError, Error};
pub use render::{body, body_with};
pub use reply::{Agreed, Event, Frame, Reconnect, Reply, ReplyAdvice};
pub use scan::is_sound;
pub use session::{Answer, Connect, ConnectKey, Delivery, Hold, Session, Terms, UnknownAck};
pub use slow::{Overrun, QueueLimit, SlowConsumer};
pub use stamp::Extra;
pub use subscriptions::Subscriptions;
pub use timesync::{Synced, TimeSync};
