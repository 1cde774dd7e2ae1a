//! Scripts of whole calls, tables, and random runs.

mod conference;
mod hangup;
mod late;
mod operations;
mod random;
mod script;
mod two_parties;
