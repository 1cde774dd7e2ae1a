//! The metric families, passed as values.
//!
//! This room owns every metric's name, its labels and the page that shows them. There are no globals: whoever
//! counts is handed a [`Metrics`]. A label is a small enum, so the page is bounded, and no client, agent or
//! channel can become one. What a delivery counts was looked up before: a family holds its children.
//!
//! Read [`Metrics`] first, then [`Families`].

mod families;
mod family;
mod labels;
mod page;
mod waiting;

#[cfg(test)]
mod tests;

pub use families::Families;
pub use family::{Counters, Gauges, Histograms, Label, Pairs};
pub use labels::{
    Actor, AskOutcome, CallState, CommandOutcome, ConnectOutcome, EndReason, HandshakeOutcome, Limit, LogKind,
    LogOutcome, OperationName, RedeliveryCause, Route, Source, Status, Transport, UpstreamOutcome,
};
pub use page::Metrics;
pub use prometheus::{Histogram, IntCounter, IntGauge};
pub use waiting::Waiting;
