//! Scripts, tables and random runs.

mod acknowledgement;
mod batches;
mod channels;
mod client;
mod messages;
mod play;
mod random_sessions;
mod replies;
mod sessions;
mod subscribers;
