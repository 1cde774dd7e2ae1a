//! What every answer of the API has around it: the request's id, the login's cookie, a place in the metrics.

use actix_web::body::BoxBody;
use actix_web::dev::{HttpServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderName, HeaderValue, SET_COOKIE};
use actix_web::middleware::{Next, from_fn};
use actix_web::{Error, Resource, Route, web};
use tracing::error;
use tracing::field::display;

use crate::clock;
use crate::connections::{close_excess, is_excess_service};
use crate::ids::RequestId;

use super::body::{hold_unread, put_by};
use super::caller::take_renewal;
use super::cors::{admit, changes, is_preflight, preflight};
use super::csrf;
use super::errors::Failure;
use super::origin::Source;
use super::place::Place;
use super::server::Shared;

/// A resource of these routes; `otherwise` answers whatever none of them takes.
pub(crate) fn resource(place: Place, routes: Vec<Route>, otherwise: Route) -> impl HttpServiceFactory + 'static {
    let empty: Resource = web::resource(place.patterns());
    routes
        .into_iter()
        .fold(empty, Resource::route)
        .default_service(otherwise)
        .wrap(from_fn(move |request, next| frame(place, request, next)))
}

async fn frame(place: Place, request: ServiceRequest, next: Next<BoxBody>) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = clock::now();
    let id = RequestId::of(request.headers().get(X_REQUEST_ID).map(HeaderValue::as_bytes));
    let shared = request.app_data::<web::Data<Shared>>().cloned();
    let source = shared.as_ref().map_or(Source::Own, |shared| shared.config.origins.source(request.headers()));
    let mut response = if is_excess_service(&request) && !place.tells_how_it_is() {
        refuse(request)
    } else if is_preflight(request.method(), request.headers()) {
        request.into_response(preflight(&source))
    } else if source == Source::Foreign && changes(request.method()) {
        request.error_response(Failure::Origin)
    } else {
        next.call(request).await?
    };
    if response.status() == StatusCode::INTERNAL_SERVER_ERROR {
        let cause = response.response().error().map(display);
        error!(route = place.pattern(), request = id.as_str(), error = cause, "a request failed");
    }
    let asked = response.request().clone();
    close_excess(&mut response);
    let headers = response.headers_mut();
    headers.insert(X_REQUEST_ID, HeaderValue::from_str(id.as_str()).unwrap_or(HeaderValue::from_static("-")));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(renewal) = take_renewal(&asked) {
        headers.append(SET_COOKIE, renewal);
    }
    csrf::tell(&asked, headers);
    admit(&source, headers);
    if let Some(shared) = shared {
        let failure = response.response().error().and_then(|error| error.as_error::<Failure>());
        shared.observe(place, response.status(), failure, started);
    }
    Ok(response.map_body(|_, body| hold_unread(&asked, body)))
}

/// What nobody reads of it is held until the answer is written.
fn refuse(request: ServiceRequest) -> ServiceResponse<BoxBody> {
    let (request, payload) = request.into_parts();
    put_by(&request, payload);
    ServiceResponse::from_err(Failure::Connections, request)
}

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
