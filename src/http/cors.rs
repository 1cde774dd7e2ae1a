//! What is told to pages of other origins that may call: that they may, and what they may send and read.

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    HeaderMap, HeaderValue, ORIGIN, VARY,
};

use super::origin::Source;

/// Lets the page that asked read the answer. Says nothing to a page of the server's own, or to one that may not call.
pub(crate) fn admit(source: &Source, headers: &mut HeaderMap) {
    match source {
        Source::Listed(origin) => {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
            headers.append(VARY, HeaderValue::from_static("Origin"));
        }
        Source::Foreign | Source::Own => {}
    }
}

/// Whether a browser asks, on behalf of a page of another origin, what the page may do. It bears no credentials.
pub(crate) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) && headers.contains_key(ORIGIN)
}

/// The answer to a preflight. A page that may not call is told nothing, so that its browser does not go on.
pub(crate) fn preflight(source: &Source) -> HttpResponse {
    let mut response = HttpResponse::NoContent().finish();
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("Origin"));
    match source {
        Source::Listed(origin) => {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(HEADERS));
            headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
        }
        Source::Foreign | Source::Own => {}
    }
    response
}

/// Whether a request changes something: what a page that may not call must not be let do, though it could not read
/// the answer.
pub(crate) fn changes(method: &Method) -> bool {
    ![Method::GET, Method::HEAD, Method::OPTIONS].contains(method)
}

const METHODS: &str = "GET, HEAD, POST, PUT, DELETE, OPTIONS";
/// What desktops send, those of the Genesys API included, and Faye's client (`Pragma`).
const HEADERS: &str = "Accept, Authorization, Content-Type, ContactCenterId, Idempotency-Key, Origin, Pragma, ssid, \
                       surl, X-CSRF-TOKEN, X-Request-Id, X-Requested-With";
const EXPOSED: &str = "X-CSRF-HEADER, X-CSRF-TOKEN, X-Partyline-Position, X-Request-Id";
/// In seconds. Browsers remember it no longer than two hours.
const MAX_AGE: &str = "600";
