//! Load for a Bayeux server on this machine: many simulated desktops, and a report of what reached them.
//!
//! This room owns the plans (so far [`Fanout`]), the check of every sequence (lost, doubled, out of order), the
//! latencies, and the [`Report`]. It never loads another machine than its own, and each plan is bounded in
//! clients, messages and time.
//!
//! Read [`Fanout`] first, then [`fanout()`], then [`Report`].

mod args;
mod board;
mod desk;
mod fanout;
mod output;
mod proc;
mod report;
mod sequence;
mod summary;

pub use args::{Args, BadUsage, Fanout, Plan, Transport};
pub use fanout::{Unable, fanout};
pub use output::{Outcome, run};
pub use report::{Clients, Generator, Http, Latency, Messages, Report, Server};

#[cfg(test)]
mod tests;
