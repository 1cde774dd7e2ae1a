//! Scripts of whole calls, tables, and random runs.

mod completions;
mod conference;
mod consults;
mod customers;
mod data;
mod dialled_queues;
mod hangup;
mod late;
mod limits;
mod many;
mod media;
mod operations;
mod previews;
mod queues;
mod random;
mod rights;
mod script;
mod supervisors;
mod transfers;
mod transitions;
mod two_parties;
mod unanswered_queues;
