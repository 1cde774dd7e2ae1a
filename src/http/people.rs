//! The API, of other people: colleagues, their devices, and contacts.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::clock;
use crate::directory::Agent;
use crate::gws::{
    colleague_answer, colleague_device_answer, contact_answer, contacts_answer, device_answer, device_settings_answer,
    user_answer,
};
use crate::ids::DeviceId;

use super::caller::Caller;
use super::errors::Failure;
use super::frame::resource;
use super::place::Place;
use super::rest::{Look, caller_only_reads, id, look, look_at, query, read, reads, seen};
use super::server::Shared;

pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config.service(resource(Place::User, vec![reads().to(user)], web::to(caller_only_reads)));
    config.service(resource(Place::ColleagueDevice, vec![reads().to(device)], web::to(caller_only_reads)));
    config.service(resource(Place::ColleagueDeviceSettings, vec![reads().to(settings)], web::to(caller_only_reads)));
    config.service(resource(Place::Contacts, vec![reads().to(contacts)], web::to(caller_only_reads)));
    config.service(resource(Place::Contact, vec![reads().to(contact)], web::to(caller_only_reads)));
}

/// Of oneself it is what `me` says.
async fn user(caller: Caller, shared: web::Data<Shared>, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let other = shared.state.directory.agent_with(id(&request)).ok_or(Failure::NotFound)?;
    let Look { agent, voice, calls, position } = look_at(&shared, other).await?;
    let rendering = &shared.config.rendering;
    let json = if agent.id == *caller.agent() {
        user_answer(rendering, agent, &voice, &seen(&calls), clock::wall(), &query(&request))
    } else {
        colleague_answer(rendering, agent, &voice, &query(&request))
    };
    Ok(read(position, json))
}

async fn device(caller: Caller, shared: web::Data<Shared>, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let Look { agent, voice, position, .. } = look_at(&shared, at_device(&shared, &request)?).await?;
    let rendering = &shared.config.rendering;
    let json = if agent.id == *caller.agent() {
        device_answer(rendering, &voice, &query(&request))
    } else {
        colleague_device_answer(rendering, &voice, &query(&request))
    };
    Ok(read(position, json))
}

async fn settings(caller: Caller, shared: web::Data<Shared>, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let Look { position, .. } = look(&shared, &caller).await?;
    at_device(&shared, &request)?;
    let group = request.match_info().get("group").unwrap_or_default();
    Ok(read(position, device_settings_answer(group).ok_or(Failure::NotFound)?))
}

async fn contacts(caller: Caller, shared: web::Data<Shared>, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let Look { position, .. } = look(&shared, &caller).await?;
    let agents = shared.state.directory.agents();
    Ok(read(position, contacts_answer(&shared.config.rendering, agents, &query(&request))?))
}

async fn contact(caller: Caller, shared: web::Data<Shared>, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let Look { position, .. } = look(&shared, &caller).await?;
    let other = shared.state.directory.agent_with(id(&request)).ok_or(Failure::NotFound)?;
    Ok(read(position, contact_answer(&shared.config.rendering, other, &query(&request))))
}

/// The agent of the device in the path.
fn at_device<'a>(shared: &'a Shared, request: &HttpRequest) -> Result<&'a Agent, Failure> {
    let device = DeviceId::parse(id(request)).map_err(|_| Failure::NotFound)?;
    shared.state.directory.agent_at(&device).ok_or(Failure::NotFound)
}
