//! The token that a message may bear in its `ext`, for clients that cannot set a header.

use std::fmt;

use serde_json::Value;

/// A token as a client presented it. Shows nothing of itself.
#[derive(Clone, Eq, PartialEq)]
pub struct Token(Box<str>);

impl Token {
    /// The token in an `ext`, which is a JSON token: `ext.authentication.token`, else `ext.token`, else
    /// `ext.authToken`.
    pub(super) fn of(ext: &str) -> Option<Self> {
        // Nearly no message has one, so nearly none is parsed for it. A name may be written with escapes.
        if !ext.contains("oken\"") && !ext.contains("\\u") {
            return None;
        }
        let ext: Value = serde_json::from_str(ext).ok()?;
        let places = ["/authentication/token", "/token", "/authToken"];
        places.iter().find_map(|place| Some(Self(ext.pointer(place)?.as_str()?.into())))
    }

    /// The secret itself, to be verified and nothing else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(secret)")
    }
}
