//! Writing answers.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Serialize;

/// What was asked for.
pub(crate) fn ok(json: &impl Serialize) -> HttpResponse {
    with(StatusCode::OK, json)
}

/// It will be done.
pub(crate) fn accepted(json: &impl Serialize) -> HttpResponse {
    with(StatusCode::ACCEPTED, json)
}

fn with(status: StatusCode, json: &impl Serialize) -> HttpResponse {
    HttpResponse::build(status).json(json)
}
