//! What a call is: its parties, what an agent may do with it, and what follows.
//!
//! A [`Family`] is a call and its consult calls. It takes in [`Operation`]s of agents and [`Report`]s of
//! the switch, and hands out [`Event`]s: who is to be told what. What it wants of the switch stands in it
//! as open [`Ask`]s until a report or a timeout closes them. It does no I/O, reads no clock, draws no random
//! number, and knows neither JSON nor HTTP.
//!
//! Read [`Family`] first, then [`Operation`] and [`Report`].

mod asks;
mod capabilities;
mod change;
mod model;
mod operations;
mod reports;
mod user_data;
mod views;

#[cfg(test)]
mod tests;

pub use capabilities::{Capability, MuteRule, capabilities};
pub use model::{
    Ask, AskId, AskKind, Call, CallType, Datum, Endpoint, Event, EventKind, Extension, Failure, Family, Heard, Home,
    Joining, LegId, Location, Operation, Party, PartyState, Refused, Report, ReportKind, Term, UserData,
};
pub use operations::{Accepted, Dial};
pub use user_data::FIRST_CONFERENCE_PARTY;
pub use views::LiveLeg;
