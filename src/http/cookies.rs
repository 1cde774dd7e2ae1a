//! The cookies of this server as a client is told to keep them.

use actix_web::HttpRequest;
use actix_web::http::header::HeaderValue;

use super::proxies::Proxies;

/// How clients are to keep cookies.
#[derive(Clone, Copy, Debug)]
pub struct CookieConfig {
    /// Whether they are sent over TLS only.
    pub secure: CookieSecure,
    /// Whether they are sent with what pages of other sites ask.
    pub same_site: SameSite,
    /// Whether a browser keeps them apart for each site that embeds this one. Needs `Secure`.
    pub partitioned: bool,
}

/// Whether cookies are sent over TLS only.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CookieSecure {
    /// Always.
    Always,
    /// If the client came over TLS, as far as that is known.
    Auto,
    /// Never.
    Never,
}

/// What a page of another site must be doing for cookies to go with it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SameSite {
    /// Leading the user here.
    Lax,
    /// Anything. Needs `Secure`.
    None,
    /// They never do.
    Strict,
}

/// Makes the values of `Set-Cookie`.
pub(crate) struct Cookies {
    secure: CookieSecure,
    proxies: Proxies,
    /// What stands behind the value, if the client came in the clear.
    plain: String,
    /// And if it came over TLS.
    over_tls: String,
}

impl Cookies {
    /// `external_url` is the address that clients know; behind an `https` all of them come over TLS.
    pub(crate) fn new(config: CookieConfig, external_url: &str, proxies: Proxies) -> Self {
        let secure = match config.secure {
            CookieSecure::Auto if is_https(external_url) => CookieSecure::Always,
            CookieSecure::Always | CookieSecure::Auto | CookieSecure::Never => config.secure,
        };
        let same_site = match config.same_site {
            SameSite::Lax => "Lax",
            SameSite::None => "None",
            SameSite::Strict => "Strict",
        };
        let plain = format!("; Path=/; HttpOnly; SameSite={same_site}");
        let partitioned = if config.partitioned { "; Partitioned" } else { "" };
        Self { secure, proxies, over_tls: format!("{plain}; Secure{partitioned}"), plain }
    }

    /// A cookie for the answer to this request.
    pub(crate) fn set(&self, name: &str, value: &str, request: &HttpRequest) -> Option<HeaderValue> {
        let over_tls = match self.secure {
            CookieSecure::Always => true,
            CookieSecure::Auto => request.app_config().secure() || self.proxies.took_over_tls(request),
            CookieSecure::Never => false,
        };
        let attributes = if over_tls { &self.over_tls } else { &self.plain };
        HeaderValue::try_from(format!("{name}={value}{attributes}")).ok()
    }
}

impl CookieConfig {
    /// Whether browsers take such cookies: those for pages of other sites, and partitioned ones, they take with
    /// `Secure` only, which must then not depend on the request.
    pub fn is_taken(&self, external_url: &str) -> bool {
        let secure = match self.secure {
            CookieSecure::Always => true,
            CookieSecure::Auto => is_https(external_url),
            CookieSecure::Never => false,
        };
        secure || (self.same_site != SameSite::None && !self.partitioned)
    }
}

fn is_https(url: &str) -> bool {
    url.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"))
}
