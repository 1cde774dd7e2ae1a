//! Back ends that answer service channels in the configuration, and how they are asked.

use crate::broker::Rules;
use crate::upstream::{Endpoint, HttpUpstream, Secret, UpstreamConfig};

use super::admin::read_secret;
use super::config::Config;
use super::error::ConfigError;
use super::plan::PlanError;
use super::reader::{Entry, Reader};
use super::sections::UpstreamSection;

impl UpstreamSection {
    pub(super) fn read(from: &mut Reader) -> Result<Self, ConfigError> {
        Ok(Self {
            timeout: from.positive("upstream.timeout")?,
            concurrency: from.length("upstream.concurrency", 1)?,
            max_answer: from.length_in_bytes("upstream.max_answer")?,
            secret_file: Some(from.text("upstream.secret_file")?).filter(|path| !path.is_empty()).map(Into::into),
        })
    }
}

/// The back end of a channel rule. What is published to other channels is for subscribers, not for a back end.
pub(super) fn upstream(entry: &mut Entry, pattern: &str) -> Result<Option<String>, ConfigError> {
    let Some(field) = entry.field("upstream") else { return Ok(None) };
    let text = field.text(URL)?;
    if text.is_empty() {
        return Ok(None);
    }
    if !pattern.starts_with("/service/") {
        return Err(field.bad("\"\", for its pattern does not begin with /service/"));
    }
    if Endpoint::parse(&text).is_ok() { Ok(Some(text)) } else { Err(field.bad(URL)) }
}

/// The way to the back ends of all rules. Reads the file of the secret.
///
/// # Errors
/// [`PlanError`] if that cannot be read, or is empty.
pub(super) fn back_ends(config: &Config, rules: &Rules) -> Result<HttpUpstream, PlanError> {
    let section = &config.upstream;
    let secret = match &section.secret_file {
        None => None,
        Some(path) => {
            let secret = Secret::new(read_secret(path)?.as_bytes());
            let empty = || PlanError::Configuration(format!("upstream.secret_file: {} is empty", path.display()));
            Some(secret.ok_or_else(empty)?)
        }
    };
    let settings = UpstreamConfig {
        timeout: section.timeout,
        concurrency: section.concurrency,
        max_answer: section.max_answer,
        json_depth: config.bayeux.json_depth,
        secret,
    };
    Ok(HttpUpstream::new(settings, rules.upstreams().cloned()))
}

const URL: &str = "\"\", or a URL such as \"http://127.0.0.1:9000/path\"";
