//! What every request of the admin API goes through: the token, the request's id, a place in the metrics.

use actix_web::Error;
use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;

use crate::clock;
use crate::connections::close_excess;
use crate::ids::RequestId;
use crate::metrics::{Route, Status};

use super::config::Api;
use super::errors::Failure;

pub(crate) async fn frame(
    api: Api,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = clock::now();
    let (id, told) = request_id(request.headers());
    let mut response = if api.0.config.token.opens(request.headers()) {
        next.call(request).await?
    } else {
        request.into_response(Failure::Unauthorized.answer(&id))
    };
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        tracing::warn!(request = id.as_str(), "a request of the admin API was not carried out");
    }
    let failure = response.response().error().and_then(|error| error.as_error::<Failure>()).cloned();
    if let Some(failure) = failure {
        response = response.into_response(failure.answer(&id));
    }
    close_excess(&mut response);
    let headers = response.headers_mut();
    headers.insert(X_REQUEST_ID, told);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let metrics = &api.0.metrics;
    metrics.http_requests_total.of(Route::Admin, Status::from_code(response.status().as_u16())).inc();
    let took = clock::now().saturating_duration_since(started);
    metrics.http_request_seconds.of(Route::Admin).observe(took.as_secs_f64());
    Ok(response)
}

/// The request's id, and the header that tells it.
pub(crate) fn request_id(headers: &HeaderMap) -> (RequestId, HeaderValue) {
    let id = RequestId::of(headers.get(X_REQUEST_ID).map(HeaderValue::as_bytes));
    let value = HeaderValue::from_str(id.as_str()).unwrap_or(HeaderValue::from_static("-"));
    (id, value)
}

pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
