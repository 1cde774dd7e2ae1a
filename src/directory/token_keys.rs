//! The keys that tokens are verified with, from a file: a secret, public keys in PEM, or a JWKS.
//!
//! Invariants: a key verifies only the algorithms of its own family, so that a public key never serves as a secret;
//! a key shows nothing of itself.

use std::fmt;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};

/// The keys that tokens are verified with; at least one.
#[derive(Clone)]
pub struct TokenKeys(Vec<Key>);

/// A key, and what it may be used for.
#[derive(Clone)]
pub(super) struct Key {
    /// Its name in the header of a token; none of a key that was not named.
    pub(super) id: Option<Box<str>>,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) verifies: DecodingKey,
}

/// A file that holds no keys. Says nothing of what it holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadKeys {
    /// It holds a private key, which is not for a server that only verifies.
    #[error("holds a private key: expected public keys")]
    Private,
    /// A secret that could be guessed.
    #[error("holds too short a secret: expected {SHORTEST_SECRET} bytes or more, public keys in PEM, or a JWKS")]
    Short,
    /// More keys than would be tried.
    #[error("holds more than {MOST} keys")]
    TooMany,
    /// It has the form of keys, and none can be used.
    #[error("holds no usable key: expected a secret, public keys in PEM (RSA, P-256, P-384, Ed25519), or a JWKS")]
    Unusable,
}

impl TokenKeys {
    /// The keys in a file: a JWKS or a JWK if it is JSON, public keys if it is PEM, else a secret for HMAC.
    ///
    /// # Errors
    /// [`BadKeys`] if it holds none.
    pub fn parse(file: &[u8]) -> Result<Self, BadKeys> {
        let text = str::from_utf8(file).ok().map(str::trim);
        let keys = match text {
            Some(text) if text.starts_with('{') => jwks(text)?,
            Some(text) if text.starts_with("-----BEGIN") => pem(text)?,
            Some(text) => vec![secret(text.as_bytes(), None)?],
            None => vec![secret(file, None)?],
        };
        match keys.len() {
            0 => Err(BadKeys::Unusable),
            1..=MOST => Ok(Self(keys)),
            _ => Err(BadKeys::TooMany),
        }
    }

    /// The keys that may have signed a token with this header: those that it names, or if it names none, or no key
    /// here has a name, all of its algorithm.
    pub(super) fn candidates(&self, id: Option<&str>, algorithm: Algorithm) -> impl Iterator<Item = &Key> {
        let named = id.filter(|_| self.0.iter().any(|key| key.id.is_some()));
        self.0.iter().filter(move |key| {
            key.algorithms.contains(&algorithm) && named.is_none_or(|id| key.id.as_deref() == Some(id))
        })
    }
}

impl fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenKeys({} keys)", self.0.len())
    }
}

/// An algorithm takes no secret that is shorter than its hash.
fn secret(bytes: &[u8], only: Option<Algorithm>) -> Result<Key, BadKeys> {
    let all = [(Algorithm::HS256, SHORTEST_SECRET), (Algorithm::HS384, 48), (Algorithm::HS512, 64)];
    let long_enough = all.into_iter().filter(|(_, length)| bytes.len() >= *length).map(|(algorithm, _)| algorithm);
    let algorithms: Vec<_> = long_enough.filter(|algorithm| only.is_none_or(|only| only == *algorithm)).collect();
    if algorithms.is_empty() {
        return Err(BadKeys::Short);
    }
    Ok(Key { id: None, algorithms, verifies: DecodingKey::from_secret(bytes) })
}

fn pem(text: &str) -> Result<Vec<Key>, BadKeys> {
    let blocks = text.split("-----BEGIN").filter(|block| !block.trim().is_empty());
    blocks.map(|block| public(&format!("-----BEGIN{block}"))).collect()
}

fn public(block: &str) -> Result<Key, BadKeys> {
    if block.lines().next().is_some_and(|first| first.contains("PRIVATE")) {
        return Err(BadKeys::Private);
    }
    let block = block.as_bytes();
    let rsa = DecodingKey::from_rsa_pem(block).map(|key| (RSA.to_vec(), key));
    let ec = || DecodingKey::from_ec_pem(block).map(|key| (EC.to_vec(), key));
    let ed = || DecodingKey::from_ed_pem(block).map(|key| (vec![Algorithm::EdDSA], key));
    let (algorithms, verifies) = rsa.or_else(|_| ec()).or_else(|_| ed()).map_err(|_| BadKeys::Unusable)?;
    Ok(Key { id: None, algorithms, verifies })
}

fn jwks(text: &str) -> Result<Vec<Key>, BadKeys> {
    let set: JwkSet = serde_json::from_str(text)
        .or_else(|_| serde_json::from_str(text).map(|key: Jwk| JwkSet { keys: vec![key] }))
        .map_err(|_| BadKeys::Unusable)?;
    Ok(set.keys.iter().filter_map(jwk).collect())
}

/// A set may hold keys for other things: they are passed over.
fn jwk(jwk: &Jwk) -> Option<Key> {
    let common = &jwk.common;
    if common.public_key_use.as_ref().is_some_and(|usage| *usage != PublicKeyUse::Signature) {
        return None;
    }
    let only = match common.key_algorithm {
        Some(algorithm) => Some(Algorithm::try_from(algorithm).ok()?),
        None => None,
    };
    let verifies = DecodingKey::from_jwk(jwk).ok()?;
    let algorithms: &[Algorithm] = match &jwk.algorithm {
        AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P256 => &[Algorithm::ES256],
        AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P384 => &[Algorithm::ES384],
        AlgorithmParameters::OctetKey(_) => &secret(verifies.try_get_as_bytes().ok()?, None).ok()?.algorithms,
        AlgorithmParameters::OctetKeyPair(_) => &[Algorithm::EdDSA],
        AlgorithmParameters::RSA(_) => &RSA,
        AlgorithmParameters::EllipticCurve(_) | AlgorithmParameters::Other(_) | _ => return None,
    };
    let algorithms: Vec<_> =
        algorithms.iter().copied().filter(|algorithm| only.is_none_or(|only| only == *algorithm)).collect();
    (!algorithms.is_empty()).then(|| Key { id: common.key_id.as_deref().map(Into::into), algorithms, verifies })
}

const RSA: [Algorithm; 6] =
    [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384, Algorithm::PS512];
const EC: [Algorithm; 2] = [Algorithm::ES256, Algorithm::ES384];
/// A token that names no key is tried with each.
const MOST: usize = 32;
const SHORTEST_SECRET: usize = 32;
