//! Sessions, and who is told.
//!
//! Each home is a core, `Sessions`, owned by an actor that follows the log. The broker knows nothing of
//! commands: what `exchange` decides reaches it as records. It knows no status codes, and of transports only that a
//! request has one answer, and that a [`Line`] takes frames at any time, of one make or the other.
//!
//! Read [`Broker`] first, then `sessions.rs`, `requests.rs`, `lifecycle.rs` and `attach.rs`.

mod activity;
mod adjustment;
mod admin;
mod agents;
mod attach;
mod begun;
mod browsers;
mod buckets;
mod conversation;
mod ending;
mod feeds;
mod handle;
mod hearing;
mod history;
mod keeper;
mod keyed;
mod lifecycle;
mod line;
mod live;
mod look;
mod mail;
mod notices;
mod office;
mod order;
mod pages;
mod publications;
mod quota;
mod receipt;
mod recent;
mod replay;
mod requests;
mod resume;
mod rules;
mod service;
mod session_rules;
mod sessions;
mod settings;
mod slow;
mod streams;
mod subscribe;
mod telling;
mod together;
mod total;
mod wire;

#[cfg(test)]
mod tests;

pub use adjustment::Adjustment;
pub use admin::{Admin, AdminError, Closed, Publication};
pub use handle::{Broker, Footing, Outcome, Peer, Receipt, Remote};
pub use history::{History, HistoryError, Message};
pub use line::{Busy, Delivery, Line, Shown};
pub use look::{Attendance, Listener, SessionView};
pub use notices::{Gap, Happened, Notice, Page};
pub use rules::{ReplayId, Rule, Rules, Store, Who};
pub use session_rules::{Activity, SessionRules, Stamp};
pub use settings::{Anonymous, Binding, Settings, Transports};
pub use streams::NoStream;
