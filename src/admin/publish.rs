//! Publishing: one message, or many in order.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::broker::{AdminError, Publication};
use crate::ids::{IdempotencyKey, Position};

use super::answer;
use super::ask;
use super::config::{AdminConfig, Api};
use super::errors::Failure;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct PublicationWire<'a> {
    channel: &'a str,
    #[serde(borrow)]
    data: &'a RawValue,
    idempotency_key: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BatchWire<'a> {
    #[serde(borrow)]
    messages: Vec<PublicationWire<'a>>,
}

pub(crate) async fn one(api: web::Data<Api>, payload: web::Payload) -> Result<HttpResponse, Failure> {
    let body = ask::body(&api, payload).await?;
    let publication = ask::parse::<PublicationWire<'_>>(&body)?.read(&api.0.config)?;
    let outcomes = api.0.admin.publish(vec![publication]).await.map_err(|(_, error)| error)?;
    let position = outcomes.into_iter().next().unwrap_or(Err(AdminError::Busy))?;
    Ok(answer::ok(&json!({ "position": position.get() })))
}

/// All are checked before the first is published.
pub(crate) async fn batch(api: web::Data<Api>, payload: web::Payload) -> Result<HttpResponse, Failure> {
    let body = ask::body(&api, payload).await?;
    let BatchWire { messages } = ask::parse(&body)?;
    if messages.is_empty() || messages.len() > MOST {
        return Err(Failure::Malformed(format!("messages must be 1 to {MOST}")));
    }
    let item = |(place, message): (usize, &PublicationWire<'_>)| {
        message.read(&api.0.config).map_err(|failure| Failure::Item(place, Box::new(failure)))
    };
    let publications = messages.iter().enumerate().map(item).collect::<Result<Vec<_>, _>>()?;
    let outcomes = api.0.admin.publish(publications).await.map_err(|(place, error)| match error {
        AdminError::Busy => Failure::Admin(error),
        AdminError::Channels
        | AdminError::DurableChannels
        | AdminError::KeyReused
        | AdminError::SlowConsumer
        | AdminError::LogUnavailable
        | AdminError::NobodyHears
        | AdminError::NotDeliverable
        | AdminError::SessionUnknown => Failure::Item(place, Box::new(Failure::Admin(error))),
    })?;
    let positions = positions(&outcomes)?;
    Ok(answer::ok(&json!({ "positions": positions })))
}

fn positions(outcomes: &[Result<Position, AdminError>]) -> Result<Vec<u64>, Failure> {
    let reused = outcomes.iter().position(|outcome| *outcome == Err(AdminError::KeyReused));
    if let Some(place) = reused {
        return Err(Failure::Item(place, Box::new(Failure::Admin(AdminError::KeyReused))));
    }
    let done: Vec<u64> = outcomes.iter().filter_map(|outcome| outcome.ok().map(Position::get)).collect();
    if done.len() < outcomes.len() {
        return Err(Failure::Partly { done: done.len(), all: outcomes.len() });
    }
    Ok(done)
}

impl PublicationWire<'_> {
    fn read(&self, config: &AdminConfig) -> Result<Publication, Failure> {
        let key = self.idempotency_key.map(IdempotencyKey::parse).transpose();
        Ok(Publication {
            channel: ask::channel(self.channel)?,
            data: ask::data(self.data, config)?,
            key: key.map_err(|error| Failure::Malformed(format!("idempotencyKey {error}")))?,
        })
    }
}

const MOST: usize = 1000;
