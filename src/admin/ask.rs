//! Reading what is asked: bounded bodies of JSON, queries, and the names of things in them.

use actix_web::{HttpRequest, web};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::bayeux::{Channel, is_sound};
use crate::ids::{AgentId, Position, SessionId};

use super::config::{AdminConfig, Api};
use super::errors::Failure;

/// A message for a channel, as it is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MessageWire<'a> {
    channel: &'a str,
    #[serde(borrow)]
    data: &'a RawValue,
}

impl MessageWire<'_> {
    pub(crate) fn read(&self, config: &AdminConfig) -> Result<(Channel, Bytes), Failure> {
        Ok((channel(self.channel)?, data(self.data, config)?))
    }
}

/// Reads a whole body, within its limits of size and time.
pub(crate) async fn body(api: &Api, payload: web::Payload) -> Result<Bytes, Failure> {
    let config = &api.0.config;
    let collected = tokio::time::timeout(config.body_timeout, payload.to_bytes_limited(config.max_body)).await;
    match collected {
        Ok(Ok(Ok(body))) => Ok(body),
        Ok(Ok(Err(_))) => Err(Failure::Broken),
        Ok(Err(_)) => Err(Failure::TooLarge("body")),
        Err(_) => Err(Failure::Late),
    }
}

/// JSON of a shape.
pub(crate) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| Failure::Malformed(format!("the body: {error}")))
}

/// A query of a shape.
pub(crate) fn query<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, Failure> {
    let query = web::Query::from_query(request.query_string());
    query.map(web::Query::into_inner).map_err(|error| Failure::Malformed(format!("the query: {error}")))
}

/// How many to list: 100, or as many as are asked for, at most 1,000.
pub(crate) fn limit(asked: Option<usize>) -> Result<usize, Failure> {
    match asked {
        None => Ok(USUAL),
        Some(limit) if (1..=MOST).contains(&limit) => Ok(limit),
        Some(_) => Err(Failure::Malformed(format!("limit must be 1 to {MOST}"))),
    }
}

/// A position. What is above the largest is none.
pub(crate) fn position(number: u64) -> Result<Position, Failure> {
    let position = Position::new(number);
    if position > Position::LARGEST {
        return Err(Failure::Malformed(format!("a position is at most {}", Position::LARGEST)));
    }
    Ok(position)
}

/// The session in the path. What is no handle is nobody's.
pub(crate) fn session(text: &str) -> Result<SessionId, Failure> {
    SessionId::parse(text).map_err(|_| Failure::Malformed("a session is 32 hexadecimal digits".to_owned()))
}

pub(crate) fn agent(text: &str) -> Result<AgentId, Failure> {
    AgentId::parse(text).map_err(|error| Failure::Malformed(format!("an agent {error}")))
}

pub(crate) fn channel(text: &str) -> Result<Channel, Failure> {
    Channel::parse(text).map_err(|error| Failure::Malformed(format!("channel: {error}")))
}

/// Data as it will be delivered: no larger and no deeper than what a client may send.
pub(crate) fn data(raw: &RawValue, config: &AdminConfig) -> Result<Bytes, Failure> {
    let text = raw.get();
    if text.len() > config.max_data {
        return Err(Failure::TooLarge("data"));
    }
    if !is_sound(text, config.json_depth) {
        let reason = format!("data nests deeper than {} levels, or has half a surrogate pair", config.json_depth);
        return Err(Failure::Malformed(reason));
    }
    Ok(Bytes::copy_from_slice(text.as_bytes()))
}

const USUAL: usize = 100;
const MOST: usize = 1000;
