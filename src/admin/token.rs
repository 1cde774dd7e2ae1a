//! The bearer token: whoever has it may do everything here.

use std::fmt;

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The token that opens the admin API. Only its hash is kept.
#[derive(Clone)]
pub struct Token([u8; 32]);

/// A text that is no token, or one that is too easily guessed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("must be 16 or more letters, digits and characters of -._~+/=")]
pub struct BadToken;

impl Token {
    /// Takes a token.
    ///
    /// # Errors
    /// [`BadToken`] if it could not stand in a header, or is shorter than 16 characters.
    pub fn parse(text: &str) -> Result<Self, BadToken> {
        let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b));
        if plain && text.len() >= SHORTEST { Ok(Self(digest(text.as_bytes()))) } else { Err(BadToken) }
    }

    /// Whether the request bears it. How long that takes tells nothing of the token, not even its length.
    pub(crate) fn opens(&self, headers: &HeaderMap) -> bool {
        let mut borne = headers.get_all(AUTHORIZATION);
        let (Some(value), None) = (borne.next(), borne.next()) else { return false };
        let Some((scheme, token)) = value.as_bytes().split_at_checked(SCHEME.len()) else { return false };
        scheme.eq_ignore_ascii_case(SCHEME) && bool::from(digest(token.trim_ascii()).ct_eq(&self.0))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(secret)")
    }
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

const SCHEME: &[u8] = b"Bearer ";
const SHORTEST: usize = 16;
