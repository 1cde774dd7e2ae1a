//! Each cell of the tables, and random days of an agent.

mod inputs;
mod kit;
mod operations;
mod random;
