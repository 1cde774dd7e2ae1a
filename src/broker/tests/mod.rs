//! The sessions of one home, driven by hand over a log in memory.

mod kit;

mod acknowledgement;
mod actors;
mod delivery;
mod ending;
mod failures;
mod handshakes;
mod lazy;
mod lives;
mod own_feeds;
