//! The server as a whole: its command line, its configuration, its life and its end.
//!
//! A life in five verbs: a [`Config`] is loaded, which binds nothing; the rooms are built from it; they are
//! spawned; a signal comes; they are drained. The outcome is an [`Exit`].
//!
//! Read [`main`] first, then [`Config`], then [`serve()`].

mod admin;
mod agents;
mod cli;
mod config;
mod error;
mod health;
mod office;
mod pinned;
mod plan;
mod read;
mod reader;
mod readiness;
mod secrets;
mod sections;
mod serve;
mod settings;
mod telemetry;
mod telephony;
mod tls;
mod tokens;
mod upstream;
mod watch;

#[cfg(test)]
mod tests;

pub use admin::AdminPlan;
pub use agents::AgentsSection;
pub use cli::{Exit, main};
pub use config::Config;
pub use error::ConfigError;
pub use plan::{Drain, Plan, PlanError, cookie_key};
pub use sections::{
    AdminSection, AgentEntry, AuthConfig, BayeuxConfig, ChannelRule, DemoAgents, DesktopsConfig, DirectorySection,
    DrainConfig, Durability, GeneratedAgents, GwsConfig, LogConfig, LogFormat, RoutePoint, ServerConfig,
    SimulatedSection, SwitchConfig, TelemetryConfig, UpstreamSection, Who,
};
pub use serve::{Running, ServeError, build, serve};
pub use settings::{Origin, Sources};
pub use tls::TlsPlan;
pub use tokens::{KeysError, TokenPlan};
