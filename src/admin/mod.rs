//! The admin API: what back ends and operators do over HTTP.
//!
//! This room owns the paths below `/admin/v1`, the bearer token that opens them, and the shapes of what is asked
//! and answered. It decides nothing about sessions or channels: [`broker::Admin`](crate::broker::Admin) does. It
//! knows a session by its public handle, never by its clientId.
//!
//! Read [`Door`] first, then [`routes`] and [`server()`].

mod answer;
mod ask;
mod channels;
mod config;
mod deliver;
mod doors;
mod errors;
mod events;
mod frame;
mod life;
mod publish;
mod server;
mod sessions;
mod token;

#[cfg(test)]
mod tests;

pub use config::{AdminConfig, Api};
pub use doors::Door;
pub use server::{routes, server};
pub use token::{BadToken, Token};
