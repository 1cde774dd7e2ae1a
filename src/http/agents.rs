//! The API, as far as it is about agents themselves: sessions, states, channels, and the settings of devices.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::clock;
use crate::exchange::AgentRequest;
use crate::gws::{
    DeviceRequest, SessionRequest, SessionStart, VOICE, agent_states_answer, channel_answer, channels_answer,
    ok_answer, parse_channel, parse_device, parse_session, partial_answer,
};
use crate::ids::IdempotencyKey;

use super::caller::{Caller, cookie_login, take_renewal};
use super::errors::Failure;
use super::frame::resource;
use super::place::Place;
use super::rest::{
    Look, answer, caller_only_reads, id, idempotency_key, is_own_device, look, query, read, read_body, reads,
    reads_and_posts,
};
use super::server::Shared;

pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config.service(resource(Place::AgentStates, vec![reads().to(agent_states)], web::to(caller_only_reads)));
    config.service(resource(Place::Channels, vec![reads().to(channels)], web::to(caller_only_reads)));
    let channel = vec![reads().to(channel), web::post().to(change_channel)];
    config.service(resource(Place::Channel, channel, web::to(reads_and_posts)));
}

async fn agent_states(
    caller: Caller,
    shared: web::Data<Shared>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let Look { position, .. } = look(&shared, &caller).await?;
    Ok(read(position, agent_states_answer(&shared.config.agent_states, &query(&request))))
}

async fn channels(caller: Caller, shared: web::Data<Shared>, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let Look { voice, position, .. } = look(&shared, &caller).await?;
    Ok(read(position, channels_answer(&shared.config.rendering, &voice, &query(&request))))
}

async fn channel(caller: Caller, shared: web::Data<Shared>, request: HttpRequest) -> Result<HttpResponse, Failure> {
    is_voice(&request)?;
    let Look { voice, position, .. } = look(&shared, &caller).await?;
    Ok(read(position, channel_answer(&voice, &query(&request))))
}

async fn change_channel(
    caller: Caller,
    shared: web::Data<Shared>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Failure> {
    let body = read_body(&shared, &request, payload).await?;
    is_voice(&request)?;
    let operation = parse_channel(&body, &shared.config.agent_states)?;
    let key = idempotency_key(request.headers())?;
    change(&shared, &caller, AgentRequest { operation, device: None }, key).await
}

/// `POST me`.
pub(crate) async fn change_me(
    caller: Caller,
    shared: web::Data<Shared>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Failure> {
    let body = read_body(&shared, &request, payload).await?;
    let wanted = parse_session(&body, &shared.config.agent_states)?;
    let key = idempotency_key(request.headers())?;
    match wanted {
        SessionRequest::End(operation) => {
            let ending = AgentRequest { operation, device: None };
            shared.state.exchange.change(caller.agent(), ending, key).await?;
            end_login(&shared, &caller, &request).await
        }
        SessionRequest::Operation(operation) => {
            change(&shared, &caller, AgentRequest { operation, device: None }, key).await
        }
        SessionRequest::Start(start) => start_session(&shared, &caller, start, key).await,
    }
}

/// `POST me/devices/{id}`.
pub(crate) async fn change_device(
    caller: Caller,
    shared: web::Data<Shared>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Failure> {
    let body = read_body(&shared, &request, payload).await?;
    is_own_device(&shared, &caller, id(&request))?;
    let wanted = parse_device(&body)?;
    let key = idempotency_key(request.headers())?;
    match wanted {
        DeviceRequest::Disposition(call, command) => {
            shared.state.exchange.operate(caller.agent(), call, command, key).await?;
            Ok(answer(ok_answer()))
        }
        DeviceRequest::Monitor(request) => {
            shared.state.exchange.monitor(caller.agent(), request, key).await?;
            Ok(answer(ok_answer()))
        }
        DeviceRequest::Setting(operation) => {
            change(&shared, &caller, AgentRequest { operation, device: None }, key).await
        }
    }
}

async fn change(
    shared: &Shared,
    caller: &Caller,
    request: AgentRequest,
    key: Option<IdempotencyKey>,
) -> Result<HttpResponse, Failure> {
    shared.state.exchange.change(caller.agent(), request, key).await?;
    Ok(answer(ok_answer()))
}

/// Channels that are not there fail softly, unless there is no other.
async fn start_session(
    shared: &Shared,
    caller: &Caller,
    SessionStart { voice, others, device, operation }: SessionStart,
    key: Option<IdempotencyKey>,
) -> Result<HttpResponse, Failure> {
    if !voice {
        return Err(Failure::Multimedia);
    }
    shared.state.exchange.change(caller.agent(), AgentRequest { operation, device }, key).await?;
    Ok(answer(if others { partial_answer() } else { ok_answer() }))
}

/// The login by which the request came is over, and no other begins with its answer. Who sends its password with every
/// request comes again as if for the first time.
async fn end_login(shared: &Shared, caller: &Caller, request: &HttpRequest) -> Result<HttpResponse, Failure> {
    let now = clock::wall();
    if let Some(login) = cookie_login(shared, request.headers(), now)
        && login.agent == *caller.agent()
    {
        shared.state.exchange.end_login(&login.agent, login.id, shared.logins.outlived(now)).await?;
    }
    drop(take_renewal(request));
    Ok(answer(ok_answer()))
}

fn is_voice(request: &HttpRequest) -> Result<(), Failure> {
    if id(request) == VOICE { Ok(()) } else { Err(Failure::NotFound) }
}
