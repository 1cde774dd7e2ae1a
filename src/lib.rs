//! partyline: the server behind contact-centre agent desktops.

pub mod bayeux;
pub mod broker;
pub mod calls;
pub mod client;
pub mod clock;
pub mod directory;
pub mod exchange;
pub mod gws;
pub mod http;
pub mod ids;
pub mod loadtest;
pub mod log;
pub mod metrics;
pub mod records;
pub mod switch;
