//! The admin API in the configuration, and what it is told.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use crate::admin::{AdminConfig, Token};

use super::config::Config;
use super::error::ConfigError;
use super::plan::PlanError;
use super::reader::Reader;
use super::sections::AdminSection;

/// The admin API, when there is a token.
#[derive(Debug)]
pub struct AdminPlan {
    /// An address of its own; `None` for that of the server.
    pub listen: Option<SocketAddr>,
    /// Its settings.
    pub config: AdminConfig,
}

impl AdminSection {
    pub(super) fn read(from: &mut Reader) -> Result<Self, ConfigError> {
        let address = "\"\", or an address and a port such as \"127.0.0.1:8081\"";
        let token = "\"\", or 16 or more letters, digits and characters of -._~+/=";
        let good = |text: &str| (text.is_empty() || Token::parse(text).is_ok()).then(|| text.to_owned());
        Ok(Self {
            listen: from.parsed("admin.listen", address, |text| match text {
                "" => Some(None),
                text => text.parse().ok().map(Some),
            })?,
            token: Some(from.parsed("admin.token", token, good)?).filter(|token| !token.is_empty()),
            token_file: Some(from.text("admin.token_file")?).filter(|path| !path.is_empty()).map(Into::into),
            max_body: from.length_in_bytes("admin.max_body")?,
        })
    }
}

/// What the admin API is told; `None` without a token. Reads the token's file.
///
/// # Errors
/// [`PlanError`] if there are two tokens, or the file has none.
pub(super) fn admin_plan(config: &Config) -> Result<Option<AdminPlan>, PlanError> {
    let section = &config.admin;
    let token = match (&section.token, &section.token_file) {
        (None, None) => return Ok(None),
        (None, Some(path)) => read_secret(path)?,
        (Some(token), None) => token.clone(),
        (Some(_), Some(_)) => {
            return Err(PlanError::Configuration("admin.token and admin.token_file: only one may be set".into()));
        }
    };
    let token = Token::parse(&token).map_err(|error| PlanError::Configuration(format!("the admin token {error}")))?;
    Ok(Some(AdminPlan {
        listen: section.listen,
        config: AdminConfig {
            token,
            max_body: section.max_body,
            body_timeout: config.server.body_timeout,
            max_data: config.server.max_body,
            json_depth: config.bayeux.json_depth,
        },
    }))
}

/// The text of a file, without the line end that editors put after it.
pub(super) fn read_secret(path: &Path) -> Result<String, PlanError> {
    let text = fs::read_to_string(path).map_err(|source| PlanError::SecretFile { path: path.into(), source })?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}
