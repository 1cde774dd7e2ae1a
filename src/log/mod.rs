//! The one ordered log: frames, positions, append, newest of a subject, follow, ring, retention.
//!
//! It moves `(subject, kind, bytes)` and knows nothing of what they mean. What a record says is owned by
//! `records`; who is told, by `broker`. Two engines stand behind one trait, and one conformance suite
//! runs over both.
//!
//! Read [`Log`] first, then [`Record`] and [`Follower`].

mod face;

mod batch;
mod config;
mod directory;
mod disk;
mod embedded;
mod emptied;
mod epoch;
mod frame;
mod history;
mod index;
mod inspect;
mod memory;
mod past;
mod published;
mod queue;
mod recovery;
mod retention;
mod ring;
mod segment;
mod tail;
mod writer;

#[cfg(test)]
mod tests;

pub use config::{Cut, Durability, EmbeddedConfig, Left, LogObserver, OpenError, Recovery};
pub use embedded::EmbeddedLog;
pub use epoch::LOG_KIND;
pub use face::{
    Among, Appending, Expected, Follower, Health, Kind, Lagged, Log, NewRecord, Outcome, Past, ReadError, Record,
    Stretch, Subject,
};
pub use history::{Retain, Retained, Retention};
pub use inspect::{BadLogFile, LogFile};
