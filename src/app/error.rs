//! What can be wrong with a configuration, for the operator who wrote it.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::settings::Origin;

/// The server cannot start with this configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A setting has a value that it cannot have.
    #[error("{origin}: {key} = {value}: expected {expected}")]
    BadValue {
        /// Where it stands.
        origin: Origin,
        /// The setting.
        key: String,
        /// Its value, as TOML; a secret is not shown.
        value: String,
        /// What it may be.
        expected: String,
    },
    /// Cookies that browsers would not take.
    #[error(
        "{origin}: auth.cookie_same_site = \"none\" or auth.cookie_partitioned = true: expected cookies over TLS, for \
         browsers take such cookies no other way; set auth.cookie_secure = \"always\", or \"auto\" with a \
         server.external_url that begins with https://"
    )]
    CookiesRefused {
        /// Where one of the two stands.
        origin: Origin,
    },
    /// Demo agents, whose passwords everybody knows, where others can reach them.
    #[error(
        "{origin}: server.listen = \"{listen}\": expected a loopback address while the demo agents exist, for \
         everybody knows their passwords; set directory.demo_agents = \"off\", or \"allow\" for a test"
    )]
    DemoAgentsExposed {
        /// Where the address stands.
        origin: Origin,
        /// The address.
        listen: SocketAddr,
    },
    /// Not TOML.
    #[error("{origin}: expected TOML: {reason}")]
    Syntax {
        /// Where it stands.
        origin: Origin,
        /// What the parser said.
        reason: String,
    },
    /// No such setting.
    #[error("{origin}: {key} = {value}: expected a known key{}", meant.as_ref().map(|key| format!("; did you mean {key}?")).unwrap_or_default())]
    UnknownKey {
        /// Where it stands.
        origin: Origin,
        /// The setting.
        key: String,
        /// Its value, as TOML; a secret is not shown.
        value: String,
        /// One with almost this name.
        meant: Option<String>,
    },
    /// The file cannot be read.
    #[error("{}: expected a readable file: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the file system said.
        source: std::io::Error,
    },
}
