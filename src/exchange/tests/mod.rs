//! The exchange with its real actors over a log in memory, and a switch that does what the test says.

mod kit;
mod supervision;

mod agents;
mod commands;
mod deaths;
mod families;
mod turned_away;
