//! Scripts, tables and random runs.

mod acknowledgement;
mod batches;
mod channels;
mod client;
mod direct;
mod lazy;
mod messages;
mod play;
mod promises;
mod random_sessions;
mod replay;
mod replies;
mod sessions;
mod slow;
mod stamps;
mod subscribers;
