//! Each cell of the tables, and random days of an agent.

mod inputs;
mod kit;
mod monitoring;
mod operations;
mod random;
mod rights;
