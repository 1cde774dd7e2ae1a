//! What a call is: its parties, what an agent may do with it, and what follows.
//!
//! A [`Family`] is a call and its consult calls. It takes in [`Operation`]s of agents and [`Report`]s of
//! the switch, and hands out [`Event`]s: who is to be told what. What it wants of the switch stands in it
//! as open [`Ask`]s until a report or a timeout closes them. It does no I/O, reads no clock, draws no random
//! number, and knows neither JSON nor HTTP.
//!
//! Read [`Family`] first, then [`Operation`] and [`Report`].

mod asks;
mod change;
mod consult;
mod departures;
mod dial;
mod limits;
mod model;
mod monitor;
mod operation;
mod operations;
mod preview;
mod queue;
mod reports;
mod table;
mod telephony;
mod transfer;
mod transitions;
mod user_data;
mod views;

#[cfg(test)]
mod tests;

pub use dial::{Arrival, Dial};
pub use model::{
    Call, CallType, Consult, Datum, Endpoint, Entered, Entry, Event, EventKind, Extension, Family, Home, Joining,
    Location, Monitor, MonitorMode, MonitorScope, Mute, Party, PartyState, Recording, Right, Rights, UserData,
};
pub use operation::{Asker, Operation, Purpose, RecordVerb, Refused, Target};
pub use operations::Accepted;
pub use preview::Preview;
pub use table::{Capability, ClearRule, MuteRule, Rules, capabilities};
pub use telephony::{Arrived, Ask, AskId, AskKind, Failure, Heard, LegId, Report, ReportKind, Term};
pub use user_data::{FIRST_CONFERENCE_PARTY, RECORDED};
pub use views::{LiveLeg, Seen};
