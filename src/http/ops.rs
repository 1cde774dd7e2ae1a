//! What operators and their machines ask: is it up, can it serve, how is it doing.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpResponse, web};
use serde_json::{Map, Value, json};

use super::errors::Failure;
use super::frame::resource;
use super::place::Place;
use super::rest::reads;
use super::server::Shared;

pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config.service(resource(Place::Livez, vec![reads().to(livez)], web::to(only_reads)));
    config.service(resource(Place::Readyz, vec![reads().to(readyz)], web::to(only_reads)));
    config.service(resource(Place::OpenApi, vec![reads().to(openapi)], web::to(only_reads)));
    config.service(resource(Place::Metrics, vec![reads().to(metrics)], web::to(only_reads)));
}

async fn livez() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

async fn readyz(shared: web::Data<Shared>) -> HttpResponse {
    let checks = shared.state.readiness.checks();
    let ready = checks.iter().all(|(_, outcome)| outcome.is_ok());
    let mut response = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.insert_header((CONTENT_TYPE, "application/json")).body(readiness(ready, checks))
}

pub(crate) fn readiness(ready: bool, checks: Vec<(&'static str, Result<(), String>)>) -> String {
    let told = |(name, outcome): (&str, Result<(), String>)| {
        (name.to_owned(), Value::String(outcome.err().unwrap_or_else(|| "ok".into())))
    };
    let checks: Map<String, Value> = checks.into_iter().map(told).collect();
    json!({ "ready": ready, "checks": checks }).to_string()
}

async fn openapi() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(OPENAPI)
}

async fn metrics(shared: web::Data<Shared>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"))
        .body(shared.state.metrics.render())
}

/// What REST and the admin API are, for machines. Kept by hand; a test holds it to the routes.
const OPENAPI: &str = include_str!("openapi.json");

pub(crate) async fn only_reads() -> Result<HttpResponse, Failure> {
    Err(Failure::Method("GET, HEAD"))
}
