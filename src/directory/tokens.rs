//! Tokens that another server gave an agent: JWTs, verified with keys that an operator trusts.
//!
//! Invariants: nothing in a token is believed before its signature is verified, by a key of the algorithm's own
//! family; a token without an end is refused; `none` is no algorithm.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Header, Validation, decode, decode_header};
use parking_lot::RwLock;
use serde_json::{Map, Value};

use crate::ids::{AgentId, WallTime};

use super::accounts::Directory;
use super::token_keys::TokenKeys;

/// What a token must be, to be believed.
#[derive(Clone, Debug)]
pub struct TokenConfig {
    /// Who may have signed it.
    pub keys: TokenKeys,
    /// Its `iss`; any, or none, if this is `None`.
    pub issuer: Option<String>,
    /// What its `aud` must name; if this is `None`, it may have no `aud`.
    pub audience: Option<String>,
    /// The claim that names the agent.
    pub subject: String,
    /// How far clocks may be apart.
    pub leeway: Duration,
}

/// Verifies tokens. Cheap to clone.
#[derive(Clone)]
pub struct Tokens(Arc<Inner>);

struct Inner {
    directory: Directory,
    /// Replaced when their file changes. Held for a look only, never with another lock.
    keys: RwLock<Arc<TokenKeys>>,
    config: TokenConfig,
}

/// Whom a token names, and for how long.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bearer {
    /// The agent.
    pub agent: AgentId,
    /// When the token ends, leeway included.
    pub until: WallTime,
}

/// Why a token is not believed. Only [`Expired`](Self::Expired) is told to the client, who can get a new one; the
/// rest is for the operator.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadToken {
    /// It is for somebody else.
    #[error("the audience is another")]
    Audience,
    /// It was good once.
    #[error("the token expired")]
    Expired,
    /// Somebody else gave it.
    #[error("the issuer is another")]
    Issuer,
    /// No key here is of its name and algorithm.
    #[error("no key has this name and algorithm")]
    Key,
    /// It is no token, or lacks what it must have.
    #[error("it is no token, or a claim is missing")]
    Malformed,
    /// It is not good yet.
    #[error("it is not valid yet")]
    NotYet,
    /// Nobody trusted signed it.
    #[error("the signature is wrong")]
    Signature,
    /// It names nobody of the directory.
    #[error("the directory has no such agent")]
    Stranger,
}

impl Tokens {
    /// Verifies for agents of `directory`.
    pub fn new(directory: Directory, config: TokenConfig) -> Self {
        Self(Arc::new(Inner { directory, keys: RwLock::new(Arc::new(config.keys.clone())), config }))
    }

    /// Believes these keys from now on, and no others.
    pub fn replace_keys(&self, keys: TokenKeys) {
        *self.0.keys.write() = Arc::new(keys);
    }

    /// The agent that a token names.
    ///
    /// # Errors
    /// [`BadToken`] if it is not to be believed.
    pub fn verify(&self, token: &str, now: WallTime) -> Result<Bearer, BadToken> {
        if token.len() > LONGEST {
            return Err(BadToken::Malformed);
        }
        let header = decode_header(token).map_err(|_| BadToken::Malformed)?;
        if header.crit.is_some() {
            // It says that whoever does not understand its extensions must refuse it.
            return Err(BadToken::Malformed);
        }
        let claims = self.claims(token, &header)?;
        self.check(&claims, now)
    }

    /// The claims, once the signature is known to be right. What they say is judged with our own clock.
    fn claims(&self, token: &str, header: &Header) -> Result<Map<String, Value>, BadToken> {
        let mut validation = Validation::new(header.alg);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let keys = Arc::clone(&self.0.keys.read());
        let mut told = BadToken::Key;
        for key in keys.candidates(header.kid.as_deref(), header.alg) {
            match decode(token, &key.verifies, &validation) {
                Ok(decoded) => return Ok(decoded.claims),
                Err(error)
                    if matches!(error.kind(), ErrorKind::Base64(_) | ErrorKind::Json(_) | ErrorKind::Utf8(_)) =>
                {
                    return Err(BadToken::Malformed);
                }
                Err(_) => told = BadToken::Signature,
            }
        }
        Err(told)
    }

    fn check(&self, claims: &Map<String, Value>, now: WallTime) -> Result<Bearer, BadToken> {
        let config = &self.0.config;
        let until = time(claims, "exp")?.ok_or(BadToken::Malformed)?;
        let until = WallTime::from_millis(until.millis().saturating_add(millis(config.leeway)));
        if now >= until {
            return Err(BadToken::Expired);
        }
        if let Some(begins) = time(claims, "nbf")?
            && begins.since(now) > config.leeway
        {
            return Err(BadToken::NotYet);
        }
        if config.issuer.as_deref().is_some_and(|issuer| claims.get("iss").and_then(Value::as_str) != Some(issuer)) {
            return Err(BadToken::Issuer);
        }
        if !is_for(claims.get("aud"), config.audience.as_deref()) {
            return Err(BadToken::Audience);
        }
        let name = claims.get(&config.subject).and_then(Value::as_str).ok_or(BadToken::Malformed)?;
        let agent = AgentId::parse(name).ok().and_then(|id| self.0.directory.agent(&id)).ok_or(BadToken::Stranger)?;
        Ok(Bearer { agent: agent.id.clone(), until })
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

/// Who is not named by a token that names somebody must refuse it.
fn is_for(claim: Option<&Value>, audience: Option<&str>) -> bool {
    let Some(audience) = audience else { return claim.is_none() };
    match claim {
        Some(Value::String(one)) => one == audience,
        Some(Value::Array(several)) => several.iter().any(|one| one.as_str() == Some(audience)),
        Some(Value::Bool(_) | Value::Null | Value::Number(_) | Value::Object(_)) | None => false,
    }
}

/// A time in seconds, with or without a fraction.
fn time(claims: &Map<String, Value>, claim: &str) -> Result<Option<WallTime>, BadToken> {
    let Some(value) = claims.get(claim) else { return Ok(None) };
    let seconds = value.as_f64().filter(|seconds| *seconds >= 0.0).ok_or(BadToken::Malformed)?;
    // Beyond its range the conversion keeps to the greatest number.
    Ok(Some(WallTime::from_millis((seconds * 1000.0) as u64)))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

const LONGEST: usize = 8 * 1024;
