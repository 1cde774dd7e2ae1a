//! The doors: REST, long-polling, websockets, server-sent events, and the pages for operators.
//!
//! This room owns who is calling, what a request may look like, and which status an answer has. It decides
//! nothing about calls or sessions: it hands batches to the broker and commands to the exchange, and writes
//! down what they say. Nothing else knows status codes.
//!
//! Read [`server()`] first, then [`State`] and [`HttpConfig`].

mod agents;
mod basic;
mod bearer;
mod body;
mod callback;
mod caller;
mod catalog;
mod config;
mod cookies;
mod cors;
mod csrf;
mod delivery;
mod errors;
mod forms;
mod frame;
mod logins;
mod longpoll;
mod ops;
mod origin;
mod people;
mod place;
mod proxies;
mod rest;
mod server;
mod socket;
mod stream;
mod tls;
mod upgrade;

#[cfg(test)]
mod tests;

pub use callback::{BadCallback, Callback, CallbackPolling};
pub use config::{CookieKey, HttpConfig, Readiness, State};
pub use cookies::{CookieConfig, CookieSecure, SameSite};
pub use csrf::Csrf;
pub use origin::{BadOrigin, Origins};
pub use proxies::{BadNetwork, Proxies};
pub use server::server;
pub use stream::EventSource;
pub use tls::{BadCertificate, Certificate, Tls, provider};
pub use upgrade::Websockets;
