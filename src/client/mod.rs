//! A Bayeux client over HTTP long-polling, cheap enough that thousands of them share a process.
//!
//! This room owns the client's half of the protocol: [`Core`] decides what to send next (handshake,
//! subscribe, connect), what the server's advice means, and which number to acknowledge. It does no I/O.
//! [`Client`] is its shell: one keep-alive connection on which requests follow each other, and one more
//! for a [`Publisher`], so that a publication need not wait for a parked connect. It sends what the
//! official JavaScript client sends, and trusts nothing that it receives.
//!
//! Read [`Core`] first, then [`Client`].

mod core;
mod jar;
mod lane;
mod message;
mod request;
mod session;
mod target;

pub use self::core::{Core, Ended, Event};
pub use lane::{LaneError, Tally, TallyCounts};
pub use message::{Malformed, PublishOutcome};
pub use request::{Kind, Options, Request};
pub use session::{Client, ClientError, Publisher};
pub use target::{BadTarget, Target};

#[cfg(test)]
mod tests;
