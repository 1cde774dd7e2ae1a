//! Where a client goes: the endpoint's address, its paths, and the login.

use std::fmt;
use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::Uri;
use hyper::header::HeaderValue;

use crate::bayeux::ClientRequestKind as Kind;

/// A text that names no endpoint.
#[derive(Debug, thiserror::Error)]
pub enum BadTarget {
    /// Only plain HTTP is spoken.
    #[error("{0:?} is not of the form http://host:port/path")]
    Malformed(Box<str>),
    /// The host has no address.
    #[error("{0:?} has no address")]
    Unresolved(Box<str>),
}

/// An endpoint, and the login for it.
#[derive(Clone)]
pub struct Target {
    addr: SocketAddr,
    host: HeaderValue,
    authorization: Option<HeaderValue>,
    connect: Uri,
    disconnect: Uri,
    handshake: Uri,
    plain: Uri,
}

impl Target {
    /// Parses `http://host[:port]/path` and looks the host up. `login` is a user name and a password.
    ///
    /// # Errors
    /// [`BadTarget`] if the text is something else, or the host is not known.
    ///
    /// # Cancel safety
    /// Nothing is kept when it is dropped.
    pub async fn resolve(url: &str, login: Option<(&str, &str)>) -> Result<Self, BadTarget> {
        let malformed = || BadTarget::Malformed(url.into());
        let uri: Uri = url.parse().map_err(|_| malformed())?;
        if uri.scheme_str() != Some("http") || uri.query().is_some() {
            return Err(malformed());
        }
        let authority = uri.authority().ok_or_else(malformed)?;
        let name = (authority.host().trim_matches(['[', ']']), authority.port_u16().unwrap_or(80));
        let addr = tokio::net::lookup_host(name).await.ok().and_then(|mut found| found.next());
        let base = uri.path().trim_end_matches('/');
        let path = |suffix: &str| format!("{base}/{suffix}").parse::<Uri>().map_err(|_| malformed());
        Ok(Self {
            addr: addr.ok_or_else(|| BadTarget::Unresolved(authority.host().into()))?,
            host: HeaderValue::from_str(authority.as_str()).map_err(|_| malformed())?,
            authorization: login.and_then(|(user, password)| basic(user, password)),
            connect: path("connect")?,
            disconnect: path("disconnect")?,
            handshake: path("handshake")?,
            plain: path("")?,
        })
    }

    /// The address that connections go to.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(super) fn host(&self) -> &HeaderValue {
        &self.host
    }

    pub(super) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    /// The path of a websocket.
    pub(super) fn plain_path(&self) -> &str {
        self.plain.path().trim_end_matches('/')
    }

    /// The path for a request, with the suffix that the official JavaScript client appends.
    pub(super) fn path(&self, kind: Kind) -> &Uri {
        match kind {
            Kind::Connect => &self.connect,
            Kind::Disconnect => &self.disconnect,
            Kind::Handshake => &self.handshake,
            Kind::Publish | Kind::Subscribe => &self.plain,
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("addr", &self.addr).field("path", &self.plain).finish_non_exhaustive()
    }
}

fn basic(user: &str, password: &str) -> Option<HeaderValue> {
    let token = STANDARD.encode(format!("{user}:{password}"));
    let mut value = HeaderValue::from_str(&format!("Basic {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}
