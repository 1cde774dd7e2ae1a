//! The API: what agents read of themselves and their calls, and what they do to them.

use std::sync::Arc;

use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderName};
use actix_web::{HttpRequest, HttpResponse, Route, guard, web};
use bytes::Bytes;

use crate::agents::Voice;
use crate::calls::Seen;
use crate::clock;
use crate::directory::Agent;
use crate::exchange::{CallView, Snapshot};
use crate::gws::{
    Query, call_answer, calls_answer, device_answer, devices_answer, ok_answer, parse_dial, parse_operation,
    user_answer, version_answer,
};
use crate::ids::{CallId, IdempotencyKey, Position};

use super::agents;
use super::agents::{change_device, change_me};
use super::body;
use super::caller::Caller;
use super::csrf;
use super::errors::Failure;
use super::frame::resource;
use super::ops::only_reads;
use super::place::Place;
use super::server::Shared;
use super::{catalog, people};

pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config.service(resource(Place::Version, vec![reads().to(version)], web::to(only_reads)));
    config.service(resource(Place::Me, vec![reads().to(me), web::post().to(change_me)], web::to(reads_and_posts)));
    config.service(resource(Place::Calls, vec![reads().to(calls)], web::to(caller_only_reads)));
    config.service(resource(Place::Devices, vec![reads().to(devices)], web::to(caller_only_reads)));
    let device = vec![reads().to(device), web::post().to(change_device)];
    config.service(resource(Place::Device, device, web::to(reads_and_posts)));
    agents::routes(config);
    config.service(resource(Place::Call, vec![reads().to(call), web::post().to(operate)], web::to(reads_and_posts)));
    config.service(resource(Place::DeviceCalls, vec![web::post().to(dial)], web::to(only_posts)));
    people::routes(config);
    catalog::routes(config);
    config.service(resource(Place::UnknownResource, Vec::new(), web::to(unknown)));
    config.service(resource(Place::Elsewhere, Vec::new(), web::to(elsewhere)));
}

/// A route that reads. Who asks for the head alone gets it.
pub(crate) fn reads() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

async fn version(shared: web::Data<Shared>, request: HttpRequest) -> HttpResponse {
    csrf::tell_owner(&shared, &request);
    answer(version_answer(&shared.config.version))
}

async fn me(caller: Caller, shared: web::Data<Shared>, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let Look { agent, voice, calls, position } = look(&shared, &caller).await?;
    let rendering = &shared.config.rendering;
    Ok(read(position, user_answer(rendering, agent, &voice, &seen(&calls), clock::wall(), &query(&request))))
}

async fn calls(caller: Caller, shared: web::Data<Shared>, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let Look { calls, position, .. } = look(&shared, &caller).await?;
    let rendering = &shared.config.rendering;
    Ok(read(position, calls_answer(rendering, &seen(&calls), clock::wall(), &query(&request))))
}

async fn call(caller: Caller, shared: web::Data<Shared>, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let Look { calls, position, .. } = look(&shared, &caller).await?;
    let view = calls.iter().find(|view| view.call.id.as_str() == id(&request)).ok_or(Failure::NotFound)?;
    let rendering = &shared.config.rendering;
    Ok(read(position, call_answer(rendering, view.seen(), clock::wall(), &query(&request))))
}

async fn devices(caller: Caller, shared: web::Data<Shared>, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let Look { voice, position, .. } = look(&shared, &caller).await?;
    Ok(read(position, devices_answer(&shared.config.rendering, &voice, &query(&request))))
}

async fn device(caller: Caller, shared: web::Data<Shared>, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let Look { voice, position, .. } = look(&shared, &caller).await?;
    if id(&request) != voice.phone.device.as_str() {
        return Err(Failure::NotFound);
    }
    Ok(read(position, device_answer(&shared.config.rendering, &voice, &query(&request))))
}

async fn dial(
    caller: Caller,
    shared: web::Data<Shared>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Failure> {
    let body = read_body(&shared, &request, payload).await?;
    is_own_device(&shared, &caller, id(&request))?;
    let command = parse_dial(&body)?;
    let key = idempotency_key(request.headers())?;
    shared.state.exchange.dial(caller.agent(), command, key).await?;
    Ok(answer(ok_answer()))
}

async fn operate(
    caller: Caller,
    shared: web::Data<Shared>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Failure> {
    let body = read_body(&shared, &request, payload).await?;
    let call = CallId::parse(id(&request)).map_err(|_| Failure::NotFound)?;
    let command = parse_operation(&body)?;
    let key = idempotency_key(request.headers())?;
    shared.state.exchange.operate(caller.agent(), call, command, key).await?;
    Ok(answer(ok_answer()))
}

async fn unknown(_: Caller) -> Result<HttpResponse, Failure> {
    Err(Failure::NotFound)
}

async fn elsewhere() -> Result<HttpResponse, Failure> {
    Err(Failure::NotFound)
}

pub(crate) async fn caller_only_reads(_: Caller) -> Result<HttpResponse, Failure> {
    only_reads().await
}

pub(crate) async fn only_posts(_: Caller) -> Result<HttpResponse, Failure> {
    Err(Failure::Method("POST"))
}

pub(crate) async fn reads_and_posts(_: Caller) -> Result<HttpResponse, Failure> {
    Err(Failure::Method("GET, HEAD, POST"))
}

/// An account, its state and its calls: whatever is read is as of one position.
pub(crate) struct Look<'a> {
    pub(crate) agent: &'a Agent,
    pub(crate) voice: Arc<Voice>,
    pub(crate) calls: Vec<CallView>,
    pub(crate) position: Position,
}

pub(crate) async fn look<'a>(shared: &'a Shared, caller: &Caller) -> Result<Look<'a>, Failure> {
    look_at(shared, account(shared, caller)?).await
}

pub(crate) async fn look_at<'a>(shared: &'a Shared, agent: &'a Agent) -> Result<Look<'a>, Failure> {
    let Snapshot { calls, voice, position } = shared.state.exchange.calls(&agent.id).await?;
    Ok(Look { agent, voice, calls, position })
}

pub(crate) fn seen(calls: &[CallView]) -> Vec<Seen<'_>> {
    calls.iter().map(CallView::seen).collect()
}

pub(crate) fn query(request: &HttpRequest) -> Query {
    Query::parse(request.query_string())
}

pub(crate) fn account<'a>(shared: &'a Shared, caller: &Caller) -> Result<&'a Agent, Failure> {
    shared.state.directory.agent(caller.agent()).ok_or(Failure::Denied)
}

/// Somebody else's device is not there, as far as what changes something goes.
pub(crate) fn is_own_device(shared: &Shared, caller: &Caller, id: &str) -> Result<(), Failure> {
    if account(shared, caller)?.device.as_str() == id { Ok(()) } else { Err(Failure::NotFound) }
}

/// The id in the path. What is no id names nothing.
pub(crate) fn id(request: &HttpRequest) -> &str {
    request.match_info().get("id").unwrap_or_default()
}

pub(crate) async fn read_body(shared: &Shared, request: &HttpRequest, payload: web::Payload) -> Result<Bytes, Failure> {
    Ok(body::read_of(request, payload, shared.config.max_body, shared.config.body_timeout).await?)
}

/// The key by which a retry is known, if the client gave one.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Failure> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let text = value.to_str().map_err(|_| Failure::Key)?;
    IdempotencyKey::parse(text).map(Some).map_err(|_| Failure::Key)
}

pub(crate) fn read(position: Position, json: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, JSON))
        .insert_header((X_PARTYLINE_POSITION, position.get()))
        .body(json)
}

pub(crate) fn answer(json: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, JSON)).body(json)
}

const JSON: &str = "application/json";
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const X_PARTYLINE_POSITION: HeaderName = HeaderName::from_static("x-partyline-position");
