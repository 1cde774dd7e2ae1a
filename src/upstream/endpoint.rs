//! Where a back end is.

use std::fmt;

use hyper::Uri;

/// The address of a back end: an absolute `http` URL.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Endpoint(Uri);

/// A text that is no address of a back end.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("must be a URL such as \"http://127.0.0.1:9000/path\"")]
pub struct BadEndpoint;

impl Endpoint {
    /// Takes a URL. Only plain HTTP is spoken, and no user name may stand in it.
    ///
    /// # Errors
    /// [`BadEndpoint`] if it is anything else.
    pub fn parse(text: &str) -> Result<Self, BadEndpoint> {
        let uri: Uri = text.parse().map_err(|_| BadEndpoint)?;
        let host = uri.authority().ok_or(BadEndpoint)?;
        let plain = uri.scheme_str() == Some("http") && !host.as_str().contains('@') && !text.contains('#');
        if plain && !host.host().is_empty() { Ok(Self(uri)) } else { Err(BadEndpoint) }
    }

    pub(super) fn uri(&self) -> &Uri {
        &self.0
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
