//! The real server over real sockets, and the house rules that a compiler does not know.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod admin;
mod agents;
mod bad_input;
mod conference;
mod corpus;
mod crash;
mod csrf;
mod customers;
mod deploy;
mod documents;
mod ends;
mod harness;
mod life;
mod logout;
mod memory;
mod openapi;
mod origins;
mod parties;
mod patience;
mod reads;
mod replay;
mod secrets;
mod slow;
mod socket;
mod streams;
mod supervisors;
mod switch;
mod tidy;
mod tls;
mod tokens;
mod transports;
mod upstream;
mod voice;
mod walk;
mod websocket;
