//! Logins: signed tokens in the cookie `JSESSIONID`, so that they survive a restart and need no table.
//!
//! Invariants: a token names its agent only if this key signed it; nobody is shown a token but its owner.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Builder;

use crate::ids::{AgentId, LoginId, WallTime};

use super::config::CookieKey;

/// Issues and verifies logins.
pub(crate) struct Logins {
    keyed: Option<Hmac<Sha256>>,
    idle: Duration,
}

/// A login that a token proved.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Login {
    pub(crate) agent: AgentId,
    pub(crate) id: LoginId,
    /// When it ends however much it is used: with the token that it was made by.
    pub(crate) until: Option<WallTime>,
    /// Whether its token is old enough to be issued again.
    pub(crate) age: Age,
}

/// How old a token is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Age {
    /// It serves on.
    Fresh,
    /// It is to be issued again, so that a login in use does not end.
    Stale,
}

impl Logins {
    pub(crate) fn new(key: &CookieKey, idle: Duration) -> Self {
        Self { keyed: Hmac::new_from_slice(key.bytes()).ok(), idle }
    }

    /// A token for this login, as of `now`; with an end, if it has one.
    pub(crate) fn issue(
        &self,
        agent: &AgentId,
        login: &LoginId,
        until: Option<WallTime>,
        now: WallTime,
    ) -> Option<String> {
        let mut token = Vec::with_capacity(128);
        token.push(if until.is_some() { VERSION_WITH_END } else { VERSION });
        token.extend_from_slice(&now.millis().to_be_bytes());
        if let Some(until) = until {
            token.extend_from_slice(&until.millis().to_be_bytes());
        }
        token.extend_from_slice(login.as_str().as_bytes());
        token.push(SEPARATOR);
        token.extend_from_slice(agent.as_str().as_bytes());
        let mut mac = self.keyed.clone()?;
        mac.update(&token);
        token.extend_from_slice(&mac.finalize().into_bytes());
        Some(URL_SAFE_NO_PAD.encode(&token))
    }

    /// What goes beside a login's cookie in requests that change something. It is no login: what is signed here begins as
    /// no token does.
    pub(crate) fn csrf(&self, agent: &AgentId, login: &LoginId) -> Option<String> {
        let mut mac = self.keyed.clone()?;
        for part in [&[CSRF], login.as_str().as_bytes(), &[SEPARATOR], agent.as_str().as_bytes()] {
            mac.update(part);
        }
        let start = *mac.finalize().into_bytes().first_chunk()?;
        Some(Builder::from_custom_bytes(start).into_uuid().to_string())
    }

    /// When no cookie that was issued until now is worth anything any more.
    pub(crate) fn outlived(&self, now: WallTime) -> WallTime {
        let longest = self.idle + self.idle / 4 + SKEW;
        WallTime::from_millis(now.millis().saturating_add(u64::try_from(longest.as_millis()).unwrap_or(u64::MAX)))
    }

    /// The login that a token proves, if this key signed it and it was used lately. As a token is issued again
    /// only when a quarter of `idle` has gone by, a login that is not used lives `idle` to five quarters of it.
    pub(crate) fn verify(&self, token: &str, now: WallTime) -> Option<Login> {
        if token.len() > LONGEST {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (signed, signature) = bytes.split_at_checked(bytes.len().checked_sub(SIGNATURE)?)?;
        let mut mac = self.keyed.clone()?;
        mac.update(signed);
        mac.verify_slice(signature).ok()?;
        self.read(signed, now)
    }

    fn read(&self, signed: &[u8], now: WallTime) -> Option<Login> {
        let (version, rest) = signed.split_first()?;
        let (issued, rest) = time(rest)?;
        let (until, names) = match *version {
            VERSION => (None, rest),
            VERSION_WITH_END => time(rest).map(|(until, names)| (Some(until), names))?,
            _ => return None,
        };
        if issued.since(now) > SKEW || now.since(issued) >= self.idle + self.idle / 4 {
            return None;
        }
        if until.is_some_and(|until| now >= until) {
            return None;
        }
        let (login, agent) = str::from_utf8(names).ok()?.split_once(char::from(SEPARATOR))?;
        Some(Login {
            agent: AgentId::parse(agent).ok()?,
            id: LoginId::parse(login).ok()?,
            until,
            age: if now.since(issued) >= self.idle / 4 { Age::Stale } else { Age::Fresh },
        })
    }
}

fn time(bytes: &[u8]) -> Option<(WallTime, &[u8])> {
    let (time, rest) = bytes.split_first_chunk::<8>()?;
    Some((WallTime::from_millis(u64::from_be_bytes(*time)), rest))
}

const VERSION: u8 = 1;
const VERSION_WITH_END: u8 = 2;
/// What is signed for another purpose than a login.
const CSRF: u8 = 3;
/// No name has a slash.
const SEPARATOR: u8 = b'/';
const SIGNATURE: usize = 32;
const LONGEST: usize = 1024;
/// How far apart the clocks of two servers may be.
const SKEW: Duration = Duration::from_secs(60);
