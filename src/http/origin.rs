//! Which web pages may call: those of this server, and those that are listed. What names no origin is no page.
//!
//! Invariants: an origin that is neither this server's nor listed is never allowed, whatever else the request says;
//! the opaque origin `null` is never allowed.

use actix_web::http::header::{HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, REFERER};

/// The origins whose pages may call.
#[derive(Clone, Debug)]
pub struct Origins {
    /// The server's own public address, as an origin.
    own: String,
    listed: Vec<Listed>,
}

/// An entry of the list.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Listed {
    /// `https://*.example.org`: every name below that one, with this scheme and port.
    Below {
        /// `https://`.
        scheme: String,
        /// `.example.org`, and the port if there is one.
        rest: String,
    },
    /// `https://desk.example.org`.
    One(String),
}

/// A text that is no origin: a scheme, a host, and a port unless it is the usual one.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("must be an origin such as \"https://desk.example.org\" or \"https://*.example.org\"")]
pub struct BadOrigin;

/// Where a request comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Source {
    /// A page that may not call.
    Foreign,
    /// A page of another origin that may call: the answer has to name it.
    Listed(HeaderValue),
    /// No page, or one of this server.
    Own,
}

impl Origins {
    /// The origins of these entries, and that of the server's own address.
    ///
    /// # Errors
    /// [`BadOrigin`] if an entry is none.
    pub fn new(external_url: &str, listed: &[impl AsRef<str>]) -> Result<Self, BadOrigin> {
        let listed = listed.iter().map(|entry| Listed::parse(entry.as_ref())).collect::<Result<_, _>>()?;
        Ok(Self { own: origin_of(&external_url.to_ascii_lowercase()).unwrap_or_default(), listed })
    }

    /// Whether pages of `origin` may call this server under the name `host`, as the headers of the request say.
    pub(crate) fn allows(&self, origin: &str, host: &str) -> bool {
        self.is_own(origin, host) || self.is_listed(origin)
    }

    /// Where a request comes from. A request that is no page's costs one look-up.
    pub(crate) fn source(&self, headers: &HeaderMap) -> Source {
        let Some(value) = headers.get(ORIGIN) else { return Source::Own };
        let Ok(origin) = value.to_str() else { return Source::Foreign };
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        if self.is_own(origin, host) || is_of_its_own_page(headers) {
            Source::Own
        } else if self.allows(origin, host) {
            Source::Listed(value.clone())
        } else {
            Source::Foreign
        }
    }

    /// Where a request for a script comes from. A browser that runs one names no origin, but the page or what it has to
    /// do with this server. Who names neither is no browser, or one too old to say.
    pub(crate) fn source_of_script(&self, headers: &HeaderMap) -> Source {
        let named = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
        let page = named(REFERER).filter(|page| !page.is_empty());
        let host = named(HOST).unwrap_or_default();
        match (page, named(SEC_FETCH_SITE)) {
            (_, Some("none" | "same-origin")) | (None, None) => Source::Own,
            (None, Some(_)) => Source::Foreign,
            (Some(page), _) => match origin_of(&page.to_ascii_lowercase()) {
                Some(origin) if self.allows(&origin, host) => Source::Own,
                Some(_) | None => Source::Foreign,
            },
        }
    }

    fn is_own(&self, origin: &str, host: &str) -> bool {
        if origin.eq_ignore_ascii_case(&self.own) {
            return true;
        }
        let Some((scheme, authority)) = origin.split_once("://") else { return false };
        let same = |other: &str| {
            other.eq_ignore_ascii_case(authority)
                || usual_port(scheme).is_some_and(|port| {
                    other.strip_suffix(port).is_some_and(|name| name.eq_ignore_ascii_case(authority))
                })
        };
        // A page that came in the clear may not speak for one that is served over TLS.
        let downgraded = self.own.strip_prefix("https://").is_some_and(same) && !scheme.eq_ignore_ascii_case("https");
        !authority.is_empty() && same(host) && !downgraded
    }

    fn is_listed(&self, origin: &str) -> bool {
        self.listed.iter().any(|listed| listed.allows(origin))
    }
}

impl Listed {
    fn parse(text: &str) -> Result<Self, BadOrigin> {
        let text = text.strip_suffix('/').unwrap_or(text).to_ascii_lowercase();
        match text.split_once("://*.") {
            None => origin_of(&text).filter(|origin| *origin == text || is_usual(&text, origin)).map(Self::One),
            Some((scheme, rest)) => origin_of(&format!("{scheme}://{rest}")).and_then(|origin| {
                let (scheme, name) = origin.split_once("://")?;
                Some(Self::Below { scheme: format!("{scheme}://"), rest: format!(".{name}") })
            }),
        }
        .ok_or(BadOrigin)
    }

    fn allows(&self, origin: &str) -> bool {
        match self {
            Self::Below { scheme, rest } => {
                let origin = origin.to_ascii_lowercase();
                let below = origin.strip_prefix(scheme.as_str()).and_then(|name| name.strip_suffix(rest.as_str()));
                below.is_some_and(|below| !below.is_empty() && below.bytes().all(is_of_a_name))
            }
            Self::One(one) => origin.eq_ignore_ascii_case(one),
        }
    }
}

/// A browser says itself whether the page is of the server that it asks, and lets no page say it: so a proxy that
/// rewrites `Host` does no harm.
fn is_of_its_own_page(headers: &HeaderMap) -> bool {
    headers.get(SEC_FETCH_SITE).is_some_and(|site| site.as_bytes() == b"same-origin")
}

/// The origin of a URL in lower case, without the usual port.
fn origin_of(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split('/').next().unwrap_or_default();
    let named = scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    let hosted = !authority.is_empty() && authority.bytes().all(|b| is_of_a_name(b) || matches!(b, b':' | b'[' | b']'));
    let authority = usual_port(scheme).and_then(|port| authority.strip_suffix(port)).unwrap_or(authority);
    (named && hosted).then(|| format!("{scheme}://{authority}"))
}

/// Whether a text is an origin with the usual port written out.
fn is_usual(text: &str, origin: &str) -> bool {
    let scheme = origin.split("://").next().unwrap_or_default();
    usual_port(scheme).is_some_and(|port| text.strip_suffix(port) == Some(origin))
}

const fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}

fn usual_port(scheme: &str) -> Option<&'static str> {
    match scheme {
        "http" => Some(":80"),
        "https" => Some(":443"),
        _ => None,
    }
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
