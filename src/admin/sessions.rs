//! Sessions, page by page.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::bayeux::Delivery;
use crate::broker::{Adjustment, Attendance, SessionView};
use crate::metrics::Label;

use super::answer;
use super::ask;
use super::config::Api;
use super::errors::Failure;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    agent: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

pub(crate) async fn list(api: web::Data<Api>, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let query: ListQuery = ask::query(&request)?;
    let limit = ask::limit(query.limit)?;
    let agent = query.agent.as_deref().map(ask::agent).transpose()?;
    let after = query.after.as_deref().map(ask::session).transpose()?;
    // One more than is shown tells whether there are more.
    let mut views = api.0.admin.sessions(agent, after, limit + 1).await?;
    let more = views.len() > limit;
    views.truncate(limit);
    let next = views.last().filter(|_| more).map(|view| view.session.to_string());
    let sessions: Vec<Value> = views.iter().map(shown).collect();
    Ok(answer::ok(&json!({ "sessions": sessions, "next": next })))
}

pub(crate) async fn end(api: web::Data<Api>, id: web::Path<String>) -> Result<HttpResponse, Failure> {
    api.0.admin.end(ask::session(&id)?).await?;
    Ok(answer::ok(&json!({ "ended": true })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct AdjustmentWire {
    timeout: Option<u64>,
    interval: Option<u64>,
    max_interval: Option<u64>,
    meta_connect_deliver_only: Option<bool>,
    broadcast_to_publisher: Option<bool>,
}

pub(crate) async fn adjust(
    api: web::Data<Api>,
    id: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, Failure> {
    let body = ask::body(&api, payload).await?;
    let wire: AdjustmentWire = ask::parse(&body)?;
    let times = [wire.timeout, wire.interval, wire.max_interval];
    if times.iter().flatten().any(|millis| *millis > LONGEST) {
        return Err(Failure::Malformed(format!("a time must be at most {LONGEST} ms")));
    }
    let [timeout, interval, max_interval] = times.map(|time| time.map(Duration::from_millis));
    let delivery = wire.meta_connect_deliver_only.map(|only| match only {
        true => Delivery::ConnectOnly,
        false => Delivery::AnyReply,
    });
    let broadcast_to_publisher = wire.broadcast_to_publisher;
    let adjustment = Adjustment { timeout, interval, max_interval, delivery, broadcast_to_publisher };
    api.0.admin.adjust(ask::session(&id)?, adjustment).await?;
    Ok(answer::ok(&json!({ "adjusted": true })))
}

/// A day.
const LONGEST: u64 = 24 * 60 * 60 * 1000;

fn shown(view: &SessionView) -> Value {
    json!({
        "id": view.session.to_string(),
        "agent": view.agent.as_ref().map(ToString::to_string),
        "transport": view.transport.as_str(),
        "state": match view.attendance {
            Attendance::Away => "away",
            Attendance::Behind => "behind",
            Attendance::Connected => "connected",
        },
        "address": view.address,
        "userAgent": view.user_agent,
        "ack": view.ack,
        "desktop": view.desktop,
        "subscriptions": view.subscriptions,
        "queue": { "messages": view.queue_messages, "bytes": view.queue_bytes },
        "since": view.since.get(),
    })
}
