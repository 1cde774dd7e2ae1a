//! The simulated switch, by what it is asked and what it tells.

mod kit;

mod callers;
mod contract;
mod previews;
mod queues;
mod restart;
