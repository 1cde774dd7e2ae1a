//! The kinds of record, and their versioned encoding, converted by hand from and to the values of the pure rooms.
//!
//! It owns what the numbers of kinds mean and what a payload looks like. It never appends, and no secret can be
//! said in it: a session is named by the hash of its clientId.
//!
//! | kind | number | subject | payload, version 1 |
//! | --- | --- | --- | --- |
//! | log.opened | 1 | the log's own | the log's own |
//! | call.changed | 10 | `call/<root>` | JSON |
//! | session.state | 20 | `session/<hash>` | JSON |
//! | session.ended | 21 | `session/<hash>` | JSON |
//! | channel.published | 30 | `channel/<name>` | binary |
//! | owed.direct | 40 | `owed/<hash>` | binary; version 2 is a refusal |
//! | owed.page | 41 | `session/<hash>` | JSON |
//! | agent.changed | 50 | `agent/<user>` | JSON |
//! | login.ended | 51 | `login/<id>` | JSON; a second one ends the subject when the cookie would have |
//!
//! Members of JSON and fields of binary that are not known are passed over. A number that stood for a kind once
//! never stands for another.
//!
//! Read [`Payload`] first, then [`decode`].

mod agent;
mod asks;
mod call;
mod channel;
mod codec;
mod family;
mod login;
mod owed;
mod page;
mod session;
mod voice;

#[cfg(test)]
mod tests;

pub use agent::{AgentCause, AgentChanged};
pub use call::{CallChanged, Cause, CommandKey};
pub use channel::{ChannelPublished, Keep};
pub use codec::{BadRecord, Payload, decode, is_of_sessions_or_channels, kind_name};
pub use login::LoginEnded;
pub use owed::Direct;
pub use page::{OwedPage, Rest};
pub use session::{Reached, Replay, SessionEnded, SessionState, Start};
