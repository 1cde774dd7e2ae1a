//! A Bayeux client over HTTP long-polling or a websocket, cheap enough that thousands of them share a process.
//!
//! This room owns the shell of [`bayeux::Client`](crate::bayeux::Client), which decides what to send next:
//! [`Client`] has one keep-alive connection on which requests follow each other, and one more for a
//! [`Publisher`], which publishes over HTTP whatever its client is connected by, so that a publication need not wait for a parked connect. It sends what the official
//! JavaScript client sends, and trusts nothing that it receives.
//!
//! Read [`Client`] first.

mod jar;
mod lane;
mod session;
mod socket;
mod target;

pub use crate::bayeux::{
    Arrival as Event, ClientConnection as Connection, ClientEnded as Ended, ClientOptions as Options, PublishOutcome,
};
pub use lane::{LaneError, Tally, TallyCounts};
pub use session::{Client, ClientError, Publisher};
pub use target::{BadTarget, Target};

#[cfg(test)]
mod tests;
