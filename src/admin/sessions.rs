//! Sessions, page by page.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::broker::{Attendance, SessionView};
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
        "ack": view.ack,
        "desktop": view.desktop,
        "subscriptions": view.subscriptions,
        "queue": { "messages": view.queue_messages, "bytes": view.queue_bytes },
        "since": view.since.get(),
    })
}
