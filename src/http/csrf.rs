//! The token that goes beside the cookie of a login, so that a page elsewhere cannot act with what a browser adds by itself.
//!
//! It is derived from the login, so it lives as long as that, survives a restart and stands in no table. It is told by
//! every answer to a GET, and asked for by whatever changes something in the API.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpMessage, HttpRequest};
use subtle::ConstantTimeEq;

use crate::clock;

use super::caller::cookie_login;
use super::cors::changes;
use super::errors::Failure;
use super::logins::Login;
use super::server::Shared;

/// Whether what changes something must bear a token beside the cookie.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Csrf {
    /// It need not.
    Off,
    /// It must.
    Required,
}

/// A token that the response to this request is to tell.
struct Told(HeaderValue);

/// Looks for the token of the login, if the request changes something; else leaves it for the response.
///
/// # Errors
/// [`Failure::Csrf`] if it is not there, or another's.
pub(crate) fn check(request: &HttpRequest, token: &str) -> Result<(), Failure> {
    if !changes(request.method()) {
        if let Ok(token) = HeaderValue::from_str(token) {
            request.extensions_mut().insert(Told(token));
        }
        return Ok(());
    }
    let borne = request.headers().get(X_CSRF_TOKEN).map(HeaderValue::as_bytes).unwrap_or_default();
    if bool::from(borne.ct_eq(token.as_bytes())) { Ok(()) } else { Err(Failure::Csrf) }
}

/// Leaves the token of the cookie's login for the response, where nobody has to be logged in.
pub(crate) fn tell_owner(shared: &Shared, request: &HttpRequest) {
    if shared.config.csrf == Csrf::Required
        && let Some(Login { agent, id, .. }) = cookie_login(shared, request.headers(), clock::wall())
        && let Some(Ok(token)) = shared.logins.csrf(&agent, &id).map(HeaderValue::try_from)
    {
        request.extensions_mut().insert(Told(token));
    }
}

/// Tells what was left for the response.
pub(crate) fn tell(request: &HttpRequest, headers: &mut HeaderMap) {
    if let Some(Told(token)) = request.extensions_mut().remove() {
        headers.insert(X_CSRF_HEADER, HeaderValue::from_static(NAME));
        headers.insert(X_CSRF_TOKEN, token);
    }
}

/// What clients are told to name the header.
const NAME: &str = "X-CSRF-TOKEN";
const X_CSRF_HEADER: HeaderName = HeaderName::from_static("x-csrf-header");
const X_CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");
