//! An agent at the telephone: whether it is logged in, ready or not and why, and how its device is set.
//!
//! A [`Voice`] takes in [`Operation`]s of its agent and what becomes of its calls, and hands out [`Event`]s: what its
//! desktops are to be told. Which operation is allowed when stands in one table, `table.rs`. It does no I/O, reads no
//! clock, draws no random number, and knows neither calls nor JSON.
//!
//! Read [`Voice`] first, then the table.

mod inputs;
mod model;
mod monitoring;
mod operations;
mod table;

#[cfg(test)]
mod tests;

pub use inputs::{AfterCall, Direction, NotAnswered, Rules};
pub use model::{
    CustomMode, CustomState, DoNotDisturb, Event, Failure, Operation, Permission, Phone, Presence, Refused,
    Registration, Right, Shift, Start, State, Voice, WorkMode,
};
pub use monitoring::{MonitorCalls, MonitorKind, MonitorScope, Monitoring, Watched};
pub use table::{Kind, Phase};
