//! Writing answers.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde_json::Value;

/// What was asked for.
pub(crate) fn ok(json: &Value) -> HttpResponse {
    with(StatusCode::OK, json)
}

/// It will be done.
pub(crate) fn accepted(json: &Value) -> HttpResponse {
    with(StatusCode::ACCEPTED, json)
}

fn with(status: StatusCode, json: &Value) -> HttpResponse {
    HttpResponse::build(status).content_type("application/json").body(json.to_string())
}
