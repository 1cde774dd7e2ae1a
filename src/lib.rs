//! partyline: the server behind contact-centre agent desktops.
//!
//! It speaks the Genesys Web Services API v2 Voice operations over REST, and tells every desktop what
//! happened over Bayeux. Beneath the telephony it is a general, durable Bayeux broker. Everything that
//! happens is a record in one ordered log; `ARCHITECTURE.md` draws the map.
//!
//! Read from the bottom up: [`ids`] and [`clock`]; the pure rooms [`bayeux`], [`calls`], [`agents`] and
//! [`websocket`]; what is kept and who keeps it, [`records`] and [`log`]; the outside, [`switch`], [`upstream`], [`gws`],
//! [`directory`] and [`metrics`]; the owners of running state, [`exchange`] and [`broker`], and [`connections`]; the
//! doors, [`http`] and [`admin`]; and [`app`], with [`client`] and [`loadtest`] on the other side of the wire.

pub mod admin;
pub mod agents;
pub mod app;
pub mod bayeux;
pub mod broker;
pub mod calls;
pub mod client;
pub mod clock;
pub mod connections;
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
pub mod upstream;
pub mod websocket;
