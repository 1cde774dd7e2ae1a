//! What is true of records, whichever kind they are.

mod golden;
mod round_trip;
