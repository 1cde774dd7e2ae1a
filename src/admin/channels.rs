//! Channels: what is subscribed to, and who hears one.

use std::ops::Bound;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::broker::AdminError;

use super::answer;
use super::ask;
use super::config::Api;
use super::errors::Failure;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    prefix: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PresenceQuery {
    channel: String,
    limit: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HistoryQuery {
    channel: String,
    after: Option<u64>,
    limit: Option<usize>,
}

#[derive(Serialize)]
struct HistoryShown<'a> {
    messages: Vec<MessageShown<'a>>,
    next: u64,
    complete: bool,
}

#[derive(Serialize)]
struct MessageShown<'a> {
    position: u64,
    time: u64,
    data: &'a RawValue,
}

pub(crate) async fn list(api: web::Data<Api>, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let query: ListQuery = ask::query(&request)?;
    let limit = ask::limit(query.limit)?;
    let tally = api.0.admin.channels(query.prefix.unwrap_or_default().into()).await?;
    let from = query.after.map_or(Bound::Unbounded, |after| Bound::Excluded(after.into_boxed_str()));
    let mut rest = tally.range((from, Bound::Unbounded));
    let page: Vec<(&str, usize)> = rest.by_ref().take(limit).map(|(pattern, count)| (&**pattern, *count)).collect();
    let next = page.last().filter(|_| rest.next().is_some()).map(|(pattern, _)| *pattern);
    let channels: Vec<Value> =
        page.iter().map(|(pattern, count)| json!({ "channel": pattern, "subscribers": count })).collect();
    Ok(answer::ok(&json!({ "channels": channels, "next": next })))
}

pub(crate) async fn history(api: web::Data<Api>, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let query: HistoryQuery = ask::query(&request)?;
    let limit = ask::limit(query.limit)?;
    let after = ask::position(query.after.unwrap_or_default())?;
    let history = api.0.admin.history(ask::channel(&query.channel)?, after, limit).await?;
    let messages = history.messages.iter().map(|message| {
        let data = serde_json::from_slice(&message.data).ok()?;
        Some(MessageShown { position: message.position.get(), time: message.time.millis(), data })
    });
    let messages = messages.collect::<Option<Vec<_>>>().ok_or(AdminError::LogUnavailable)?;
    Ok(answer::ok(&HistoryShown { messages, next: history.next.get(), complete: history.complete }))
}

pub(crate) async fn presence(api: web::Data<Api>, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let query: PresenceQuery = ask::query(&request)?;
    let limit = ask::limit(query.limit)?;
    let listeners = api.0.admin.listeners(ask::channel(&query.channel)?).await?;
    let sessions: Vec<Value> = listeners
        .iter()
        .take(limit)
        .map(|listener| {
            let agent = listener.agent.as_ref().map(ToString::to_string);
            json!({ "session": listener.session.to_string(), "agent": agent })
        })
        .collect();
    Ok(answer::ok(&json!({ "count": listeners.len(), "sessions": sessions })))
}
