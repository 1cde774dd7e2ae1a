//! Agents' accounts: credentials, devices, roles; from the configuration first.
//!
//! It owns who exists and what they may do, and whether a password or a token is right. It never sees a request, and stores no password:
//! what it remembers of one is a keyed digest, for a while.
//!
//! Read [`Directory`] first, then [`Passwords`] and [`Tokens`].

mod accounts;
mod ended;
mod features;
mod password;
mod samples;
mod token_keys;
mod tokens;

#[cfg(test)]
mod tests;

pub use accounts::{Agent, Directory, DirectoryConfig, device_of, user_id};
pub use ended::EndedLogins;
pub use features::Feature;
pub use password::{BadHash, Passwords, Verdict, hash_password};
pub use samples::{Generated, demo_agents, generated_agents};
pub use token_keys::{BadKeys, TokenKeys};
pub use tokens::{BadToken, Bearer, TokenConfig, Tokens};
