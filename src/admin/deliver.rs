//! Delivering to one session, or to all sessions of an agent, whatever they subscribed to.

use actix_web::{HttpResponse, web};
use serde_json::{Value, json};

use super::answer;
use super::ask::{self, MessageWire};
use super::config::Api;
use super::errors::Failure;

pub(crate) async fn to_session(
    api: web::Data<Api>,
    id: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, Failure> {
    let body = ask::body(&api, payload).await?;
    let session = ask::session(&id)?;
    let (channel, data) = ask::parse::<MessageWire<'_>>(&body)?.read(&api.0.config)?;
    let position = api.0.admin.deliver_to_session(session, channel, data).await?;
    Ok(answer::ok(&json!({ "position": position.get() })))
}

pub(crate) async fn to_agent(
    api: web::Data<Api>,
    id: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, Failure> {
    let body = ask::body(&api, payload).await?;
    let agent = ask::agent(&id)?;
    let (channel, data) = ask::parse::<MessageWire<'_>>(&body)?.read(&api.0.config)?;
    let owed = api.0.admin.deliver_to_agent(agent, channel, data).await?;
    let deliveries: Vec<Value> = owed
        .iter()
        .map(|(session, position)| json!({ "session": session.to_string(), "position": position.get() }))
        .collect();
    Ok(answer::ok(&json!({ "deliveries": deliveries })))
}
