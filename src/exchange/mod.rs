//! Commands, calls and agents: who may do what to a call or to itself, one change at a time, and what the switch is
//! asked.
//!
//! An operation becomes a record of its call before anybody hears of it; the holder of the link to the switch reads
//! from the log what is to be asked of it. The exchange knows nothing of sessions, and no status codes.
//!
//! Read [`Exchange`] first, then `ingress.rs`, `call.rs` and `roster.rs`.

mod agents;
mod call;
mod handle;
mod ingress;
mod keys;
mod ledger;
mod link;
mod news;
mod roster;
mod routing;
mod settings;
mod supervision;
mod watch;

#[cfg(test)]
mod tests;

pub use agents::AgentRequest;
pub use handle::{CallView, CommandError, Exchange, Snapshot};
pub use settings::Settings;
