//! What the operator is told: log lines on standard error.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

use super::sections::{LogFormat, TelemetryConfig};

/// Where the HTTP server logs as an error whatever a client sends that is no HTTP.
const HTTP_JUNK: &str = "actix_http::h1::dispatcher";

/// Sends log lines to standard error, in the configured shape. A second call in one process has no effect.
pub(super) fn start(config: &TelemetryConfig) {
    let filter = EnvFilter::builder().parse_lossy(directives(&config.log_level));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    let json = match config.log_format {
        LogFormat::Auto => !stderr().is_terminal(),
        LogFormat::Json => true,
        LogFormat::Text => false,
    };
    let started = if json { lines.json().flatten_event(true).try_init() } else { lines.try_init() };
    drop(started);
}

/// What the operator asked for, without the lines that any client can write at will; whoever names them gets them.
pub(super) fn directives(log_level: &str) -> String {
    let names = |directive: &str| {
        let target = directive.split(['=', '[']).next().unwrap_or_default().trim();
        HTTP_JUNK.strip_prefix(target).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    if log_level.split(',').any(names) { log_level.to_owned() } else { format!("{log_level},{HTTP_JUNK}=off") }
}
