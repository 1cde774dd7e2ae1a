//! What is true of records, whichever kind they are.

mod agents;
mod golden;
mod round_trip;
