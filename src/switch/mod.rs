//! The link to telephony: what is asked of a switch, and what it reports.
//!
//! A switch carries out asks in the order in which they come and reports what comes of each, by the leg. It knows
//! nothing of who may do what, of conferences or of agents: that is decided before anything is asked.
//!
//! Read [`Switch`] first. [`Simulated`] plays the telephony in memory.

mod arrivals;
mod core;
mod face;
mod previews;
mod queues;
mod simulated;

#[cfg(test)]
mod tests;

pub use arrivals::{ArrivalConfig, CallerConfig};
pub use face::{Leg, Line, News, Reports, Setup, Switch};
pub use simulated::{Simulated, SimulatedConfig};
