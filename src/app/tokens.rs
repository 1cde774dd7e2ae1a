//! The keys that tokens are verified with: read at the start, and again when their file changes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::directory::{BadKeys, Directory, TokenConfig, TokenKeys, Tokens};

use super::sections::AuthConfig;

/// Which tokens are to be believed.
#[derive(Clone, Debug)]
pub struct TokenPlan {
    /// The file with the keys.
    pub file: PathBuf,
    /// See [`TokenConfig`].
    pub issuer: Option<String>,
    /// See [`TokenConfig`].
    pub audience: Option<String>,
    /// See [`TokenConfig`].
    pub subject: String,
    /// See [`TokenConfig`].
    pub leeway: Duration,
}

/// Why the keys cannot be had. Says nothing of what the file holds.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// They are none.
    #[error(transparent)]
    Bad(#[from] BadKeys),
    /// The file cannot be read.
    #[error(transparent)]
    Unreadable(#[from] io::Error),
}

impl TokenPlan {
    /// What the configuration says of tokens; `None` if none is believed.
    pub(super) fn new(auth: &AuthConfig) -> Option<Self> {
        Some(Self {
            file: auth.token_keys_file.clone()?,
            issuer: auth.token_issuer.clone(),
            audience: auth.token_audience.clone(),
            subject: auth.token_subject.clone(),
            leeway: auth.token_leeway,
        })
    }

    /// Reads the keys.
    pub(super) fn open(self, directory: Directory) -> Result<Tokens, KeysError> {
        let config = TokenConfig {
            keys: read(&self.file)?,
            issuer: self.issuer,
            audience: self.audience,
            subject: self.subject,
            leeway: self.leeway,
        };
        Ok(Tokens::new(directory, config))
    }
}

/// Believes the keys that are in the file, for as long as the server runs. A file that holds none changes nothing.
pub(super) async fn follow(tokens: Tokens, file: PathBuf) {
    let mut seen = state(&file);
    let mut interval = tokio::time::interval(LOOK);
    loop {
        interval.tick().await;
        let now = state(&file);
        if now == seen {
            continue;
        }
        seen = now;
        match read(&file) {
            Ok(keys) => {
                tokens.replace_keys(keys);
                tracing::info!(file = %file.display(), "the keys of tokens were replaced");
            }
            Err(error) => tracing::warn!(file = %file.display(), %error, "the keys of tokens stay as they were"),
        }
    }
}

fn read(file: &Path) -> Result<TokenKeys, KeysError> {
    Ok(TokenKeys::parse(&fs::read(file)?)?)
}

/// By which a change is noticed.
pub(super) fn state(file: &Path) -> Option<(SystemTime, u64)> {
    let state = fs::metadata(file).ok()?;
    Some((state.modified().ok()?, state.len()))
}

/// Small, and on the local disk: to look costs nothing.
const LOOK: Duration = Duration::from_secs(2);
