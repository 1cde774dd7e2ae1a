//! Passwords: hashed with argon2, verified off the workers, a few at a time.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use dashmap::DashMap;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use crate::clock;
use crate::ids::{AgentId, random};

use super::accounts::Directory;

/// A text that is no password hash.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not an argon2 hash in PHC form")]
pub struct BadHash;

/// Hashes a password for the configuration.
///
/// # Errors
/// [`BadHash`] if argon2 refuses the password.
pub fn hash_password(password: &str) -> Result<String, BadHash> {
    hash_with(&Argon2::default(), password)
}

/// What came of a verification.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Too many verifications are waiting.
    Busy,
    /// It is this agent.
    Right(AgentId),
    /// No such agent, or another password. It takes as long as a right one.
    Wrong,
}

/// Verifies passwords. Successes are remembered for a while, so that Basic on every request costs no hash each.
/// Cheap to clone.
///
/// Two are verified at a time and 64 wait; more are answered [`Verdict::Busy`].
/// One success is remembered for each agent, so the directory bounds how many there are.
#[derive(Clone)]
pub struct Passwords(pub(super) Arc<Inner>);

pub(super) struct Inner {
    directory: Directory,
    /// What a name that nobody has is verified against, to take as long.
    pub(super) decoy: Arc<str>,
    remember: Duration,
    remembered: DashMap<AgentId, Success>,
    /// Drawn for each process, so that a digest tells nothing outside of it.
    key: [u8; 64],
    pub(super) admitted: Semaphore,
    pub(super) working: Arc<Semaphore>,
}

struct Success {
    digest: [u8; 32],
    until: Instant,
}

impl Passwords {
    /// Verifies against `directory`, remembering successes for `remember`.
    pub fn new(directory: Directory, remember: Duration) -> Self {
        Self(Arc::new(Inner {
            decoy: decoy(&directory),
            directory,
            remember,
            remembered: DashMap::new(),
            key: random(),
            admitted: Semaphore::new(WORKING + WAITING),
            working: Arc::new(Semaphore::new(WORKING)),
        }))
    }

    /// Verifies a user name and a password.
    ///
    /// # Cancel safety
    /// A verification that has begun goes on, and counts as working until it is through.
    pub async fn verify(&self, user: &str, password: &[u8]) -> Verdict {
        let agent = AgentId::parse(user).ok().and_then(|id| self.0.directory.agent(&id));
        let digest = self.0.digest(user, password);
        if let Some(agent) = agent
            && self.0.remembers(&agent.id, &digest)
        {
            return Verdict::Right(agent.id.clone());
        }
        let hash = agent.map_or_else(|| self.0.decoy.clone(), |agent| agent.password_hash.as_str().into());
        match (self.0.check(hash, password.to_vec()).await, agent) {
            (None, _) => Verdict::Busy,
            (Some(true), Some(agent)) => {
                self.0.remember(agent.id.clone(), digest);
                Verdict::Right(agent.id.clone())
            }
            (Some(_), _) => Verdict::Wrong,
        }
    }
}

impl Inner {
    /// Whether the password is right; `None` if too many are waiting.
    async fn check(&self, hash: Arc<str>, password: Vec<u8>) -> Option<bool> {
        let _admitted = self.admitted.try_acquire().ok()?;
        let working = self.working.clone().acquire_owned().await.ok()?;
        let checking = tokio::task::spawn_blocking(move || {
            let right = is_right(&hash, &password);
            drop(working);
            right
        });
        Some(checking.await.unwrap_or(false))
    }

    fn digest(&self, user: &str, password: &[u8]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new(&self.key.into());
        mac.update(user.as_bytes());
        mac.update(&[0]);
        mac.update(password);
        mac.finalize().into_bytes().into()
    }

    fn remembers(&self, agent: &AgentId, digest: &[u8; 32]) -> bool {
        let Some(success) = self.remembered.get(agent) else { return false };
        let same = bool::from(success.digest.ct_eq(digest));
        same && clock::now() < success.until
    }

    fn remember(&self, agent: AgentId, digest: [u8; 32]) {
        self.remembered.insert(agent, Success { digest, until: clock::now() + self.remember });
    }
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passwords").field("remembered", &self.0.remembered.len()).finish_non_exhaustive()
    }
}

/// Hashes with the least that argon2 takes: for passwords that protect nothing.
pub(super) fn hash_cheaply(password: &str) -> Result<String, BadHash> {
    let params = Params::new(Params::MIN_M_COST, Params::MIN_T_COST, 1, None).map_err(|_| BadHash)?;
    hash_with(&Argon2::new(Algorithm::Argon2id, Version::V0x13, params), password)
}

/// Whether a text can be verified against.
pub(super) fn check_hash(hash: &str) -> Result<(), BadHash> {
    parse_hash(hash).map(drop)
}

fn hash_with(argon2: &Argon2<'_>, password: &str) -> Result<String, BadHash> {
    let hash: PasswordHash = argon2.hash_password(password.as_bytes()).map_err(|_| BadHash)?;
    Ok(hash.to_string())
}

fn parse_hash(hash: &str) -> Result<(PasswordHash, Params), BadHash> {
    let hash = PasswordHash::new(hash).map_err(|_| BadHash)?;
    Algorithm::try_from(hash.algorithm.as_str()).map_err(|_| BadHash)?;
    let params = Params::try_from(&hash).map_err(|_| BadHash)?;
    if hash.salt.is_some() && hash.hash.is_some() { Ok((hash, params)) } else { Err(BadHash) }
}

fn is_right(hash: &str, password: &[u8]) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| Argon2::default().verify_password(password, &hash).is_ok())
}

/// The costliest hash there is, so that a name that nobody has is not known by its speed.
fn decoy(directory: &Directory) -> Arc<str> {
    let cost = |hash: &str| parse_hash(hash).map_or(0, |(_, p)| u64::from(p.m_cost()) * u64::from(p.t_cost()));
    let costliest = directory.agents().map(|agent| agent.password_hash.as_str()).max_by_key(|hash| cost(hash));
    costliest.map_or_else(|| hash_password("").unwrap_or_default().into(), Into::into)
}

/// How many are verified at a time: a hash takes 19 MiB and tens of milliseconds of a core.
const WORKING: usize = 2;

/// How many wait for their turn.
const WAITING: usize = 64;
