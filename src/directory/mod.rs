//! Agents' accounts: credentials, devices, roles; from the configuration first.
//!
//! It owns who exists and whether a password is right. It never sees a request, and stores no password:
//! what it remembers of one is a keyed digest, for a while.
//!
//! Read [`Directory`] first, then [`Passwords`].

mod accounts;
mod password;
mod samples;

#[cfg(test)]
mod tests;

pub use accounts::{Agent, Directory, DirectoryConfig, device_of};
pub use password::{BadHash, Passwords, Verdict, hash_password};
pub use samples::{Generated, demo_agents, generated_agents};
