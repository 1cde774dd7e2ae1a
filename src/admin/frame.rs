//! What every request of the admin API goes through: the token, the request's id, a place in the metrics.

use actix_web::Error;
use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;

use crate::clock;
use crate::ids::{hex, random};
use crate::metrics::{Route, Status};

use super::config::Api;
use super::errors::Failure;

pub(crate) async fn frame(
    api: Api,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = clock::now();
    let id = request_id(request.headers());
    let mut response = if api.0.config.token.opens(request.headers()) {
        next.call(request).await?
    } else {
        request.into_response(Failure::Unauthorized.answer(&id))
    };
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        tracing::warn!(request = id.to_str().unwrap_or_default(), "a request of the admin API was not carried out");
    }
    let failure = response.response().error().and_then(|error| error.as_error::<Failure>()).cloned();
    if let Some(failure) = failure {
        response = response.into_response(failure.answer(&id));
    }
    let headers = response.headers_mut();
    headers.insert(X_REQUEST_ID, id);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let metrics = &api.0.metrics;
    metrics.http_requests_total.of(Route::Admin, Status::from_code(response.status().as_u16())).inc();
    let took = clock::now().saturating_duration_since(started);
    metrics.http_request_seconds.of(Route::Admin).observe(took.as_secs_f64());
    Ok(response)
}

/// The client's own id, if it is short and plain enough to stand in a log; else a fresh one.
pub(crate) fn request_id(headers: &HeaderMap) -> HeaderValue {
    let sane = |value: &&HeaderValue| {
        let bytes = value.as_bytes();
        (1..=64).contains(&bytes.len())
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    let drawn = || HeaderValue::try_from(hex(&random::<8>())).unwrap_or(HeaderValue::from_static("-"));
    headers.get(X_REQUEST_ID).filter(sane).cloned().unwrap_or_else(drawn)
}

pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
