//! A stream of what happens to sessions and subscriptions, as server-sent events. An event's id is its position in
//! the log; a stream that is broken off goes on after the last id.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::http::header::{CONTENT_TYPE, HeaderName};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::Stream;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;

use crate::broker::{Admin, Gap, Happened, Notice, Page};
use crate::ids::{AgentId, Position};

use super::ask;
use super::config::Api;
use super::errors::Failure;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventsQuery {
    after: Option<u64>,
    agent: Option<String>,
    types: Option<String>,
}

/// Streams notices after `Last-Event-ID`, or `after`, or from now on.
pub(crate) async fn stream(api: web::Data<Api>, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let query: EventsQuery = ask::query(&request)?;
    let wanted = Wanted {
        agent: query.agent.as_deref().map(ask::agent).transpose()?,
        types: query.types.as_deref().map(types).transpose()?,
    };
    let last = last_event_id(&request)?.or(query.after).map(ask::position).transpose()?;
    let permit = api.0.streams.clone().try_acquire_owned().map_err(|_| Failure::Streams)?;
    let admin = api.0.admin.clone();
    let after = match last {
        Some(after) => after,
        None => admin.read_through().await?,
    };
    let watching = Watching { admin, after, wanted, greeted: false, _permit: permit };
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((X_ACCEL_BUFFERING, "no"))
        .streaming(pieces(watching)))
}

/// Which events are wanted: all, or those of an agent, or of some types.
struct Wanted {
    agent: Option<AgentId>,
    types: Option<Vec<&'static str>>,
}

struct Watching {
    admin: Admin,
    /// Everything up to here was told.
    after: Position,
    wanted: Wanted,
    greeted: bool,
    _permit: OwnedSemaphorePermit,
}

fn pieces(watching: Watching) -> impl Stream<Item = Result<Bytes, Infallible>> {
    futures_util::stream::unfold(watching, |mut watching| async move {
        let piece = watching.next().await?;
        Some((Ok(piece.into()), watching))
    })
}

impl Watching {
    /// The next piece of the stream; `None` at its end.
    async fn next(&mut self) -> Option<String> {
        if !self.greeted {
            // A client that is cut off before the first event comes back with this id.
            self.greeted = true;
            return Some(format!("retry: {RETRY}\n{}", self.place()));
        }
        loop {
            match self.admin.notices(self.after, PAGE).await.ok()? {
                Err(Gap(oldest)) => {
                    let told = json!({ "after": self.after.get(), "oldest": oldest.get() });
                    self.after = oldest;
                    return Some(event("gap", Some(oldest), &told));
                }
                Ok(Page { notices, through }) => {
                    self.after = through;
                    let text = self.wanted.rendered(&notices);
                    if !text.is_empty() {
                        return Some(text);
                    }
                    // Nothing more for now: then whoever is not told anything at least stays near the newest.
                    if notices.is_empty() && !self.admin.grown(self.after, KEEP_ALIVE).await.ok()? {
                        return Some(format!(":\n{}", self.place()));
                    }
                }
            }
        }
    }

    /// Sets the client's last event id, and is no event.
    fn place(&self) -> String {
        format!("id: {}\n\n", self.after)
    }
}

impl Wanted {
    /// Only the last event of a position bears its id: a client never goes on in the middle of one.
    fn rendered(&self, notices: &[Notice]) -> String {
        let mut wanted = notices.iter().filter(|notice| self.wants(notice)).peekable();
        let mut text = String::new();
        while let Some(notice) = wanted.next() {
            let last = wanted.peek().is_none_or(|next| next.at != notice.at);
            text.push_str(&event(name(&notice.what), last.then_some(notice.at), &shown(notice)));
        }
        text
    }

    fn wants(&self, notice: &Notice) -> bool {
        let agent = self.agent.is_none() || self.agent == notice.agent;
        agent && self.types.as_ref().is_none_or(|types| types.contains(&name(&notice.what)))
    }
}

fn event(name: &str, id: Option<Position>, data: &Value) -> String {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    format!("{id}event: {name}\ndata: {data}\n\n")
}

const fn name(what: &Happened) -> &'static str {
    match what {
        Happened::Added => "session.added",
        Happened::ChannelAdded(_) => "channel.added",
        Happened::ChannelRemoved(_) => "channel.removed",
        Happened::Removed { .. } => "session.removed",
        Happened::Subscribed(_) => "subscribed",
        Happened::Unsubscribed(_) => "unsubscribed",
    }
}

fn shown(notice: &Notice) -> Value {
    let mut shown = json!({
        "position": notice.at.get(),
        "session": notice.session.to_string(),
        "agent": notice.agent.as_ref().map(ToString::to_string),
    });
    match &notice.what {
        Happened::Added => {}
        Happened::Removed { reason } => shown["reason"] = json!(reason),
        Happened::ChannelAdded(pattern)
        | Happened::ChannelRemoved(pattern)
        | Happened::Subscribed(pattern)
        | Happened::Unsubscribed(pattern) => shown["channel"] = json!(pattern.as_str()),
    }
    shown
}

/// The wanted types, between commas.
fn types(text: &str) -> Result<Vec<&'static str>, Failure> {
    let known = |name: &str| TYPES.iter().copied().find(|known| *known == name);
    let all: Option<Vec<&'static str>> = text.split(',').map(known).collect();
    all.ok_or_else(|| Failure::Malformed(format!("types must be some of {}", TYPES.join(","))))
}

fn last_event_id(request: &HttpRequest) -> Result<Option<u64>, Failure> {
    let Some(value) = request.headers().get(LAST_EVENT_ID) else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.parse().ok());
    number.map(Some).ok_or_else(|| Failure::Malformed("Last-Event-ID must be a position".to_owned()))
}

const TYPES: [&str; 6] =
    ["channel.added", "channel.removed", "session.added", "session.removed", "subscribed", "unsubscribed"];
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// How many notices are written at a time.
const PAGE: usize = 256;
/// After how long a silent stream says that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// After how many milliseconds a client comes back.
const RETRY: u32 = 1000;
