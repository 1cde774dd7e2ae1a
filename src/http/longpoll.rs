//! Bayeux over long-polling: a batch in by POST, and its answer when the broker has one.

use std::future::Future;
use std::sync::Arc;

use actix_web::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue, SET_COOKIE, USER_AGENT};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::future::Either;

use crate::bayeux::{Batch, Body};
use crate::broker::{Footing, Outcome, Peer, Receipt, Remote};
use crate::clock;
use crate::connections::is_excess;
use crate::directory::BadToken;
use crate::ids::BrowserCookie;
use crate::metrics::HandshakeOutcome;

use super::bearer;
use super::body;
use super::body::BadBody;
use super::callback;
use super::callback::{Callback, CallbackPolling};
use super::caller::{Caller, cookies};
use super::cors::{admit, is_preflight, preflight};
use super::delivery::DeliveryBody;
use super::errors::Failure;
use super::forms;
use super::origin::Source;
use super::place::Place;
use super::server::Shared;
use super::stream;
use super::stream::EventSource;
use super::upgrade;
use super::upgrade::upgrade;

/// Where the broker is to be found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mount {
    /// Under its customary name: anybody may come.
    Cometd,
    /// Where desktops look for it: only who is logged in.
    Desktops,
}

impl Mount {
    const fn place(self) -> Place {
        match self {
            Self::Cometd => Place::Cometd,
            Self::Desktops => Place::Notifications,
        }
    }
}

/// Clients append what they like to the path (`/handshake`, `/connect`, a slash), so it is not looked at.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    for mount in [Mount::Desktops, Mount::Cometd] {
        let handler = move |shared, request, payload| answer(mount, shared, request, payload);
        config.service(web::scope(mount.place().pattern()).default_service(web::to(handler)));
    }
}

async fn answer(mount: Mount, shared: web::Data<Shared>, request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let started = clock::now();
    let source = shared.config.origins.source(request.headers());
    let answered = match *request.method() {
        _ if is_excess(&request) => {
            body::put_by(&request, payload.into_inner());
            Err(Failure::Connections)
        }
        _ if upgrade::is_asked(&request) && source == Source::Foreign => Err(Failure::Origin),
        // What is rare is boxed, here and below: a parked connect's future is as large as the largest of these.
        _ if upgrade::is_asked(&request) => {
            Box::pin(upgrade(mount, web::Data::clone(&shared), &request, payload)).await
        }
        _ if is_preflight(request.method(), request.headers()) => Ok(preflight(&source)),
        _ if source == Source::Foreign => Err(Failure::Origin),
        Method::POST => take(mount, &shared, &request, payload).await,
        Method::GET
            if shared.config.event_source == EventSource::Spoken
                && mount == Mount::Cometd
                && stream::is_asked(request.headers()) =>
        {
            Box::pin(stream::open(&shared, &request)).await
        }
        Method::GET if shared.config.callback_polling == CallbackPolling::Spoken && mount == Mount::Cometd => {
            Box::pin(take_scripted(mount, &shared, &request)).await
        }
        Method::OPTIONS => Ok(HttpResponse::Ok().insert_header((ALLOW, "POST, OPTIONS")).finish()),
        _ => Err(Failure::Transport),
    };
    let (mut response, failure) = match answered {
        Ok(response) => (response, None),
        Err(failure) => {
            let response = failure.bayeux_response();
            (response.map_body(|_, body| body::hold_unread(&request, body)), Some(failure))
        }
    };
    admit(&source, response.headers_mut());
    shared.observe(mount.place(), response.status(), failure.as_ref(), started);
    upgrade::decline(&request, response)
}

/// When the client goes away this is dropped, and the broker's future with it: that gives up a parked connect.
async fn take(
    mount: Mount,
    shared: &Shared,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Failure> {
    let arrival = arrive(mount, shared, request, payload).await?;
    match hand(shared, arrival) {
        Ok((told, cookies)) => respond(shared, told.await, cookies, delivery),
        Err(refusal) => Ok(delivery(refusal, None)),
    }
}

/// As [`take`], with the messages in the query and the answer as a script.
async fn take_scripted(mount: Mount, shared: &Shared, request: &HttpRequest) -> Result<HttpResponse, Failure> {
    if shared.config.origins.source_of_script(request.headers()) == Source::Foreign {
        return Err(Failure::Origin);
    }
    let callback = Callback::parse(request.query_string())?;
    let write = move |body: Vec<u8>, receipt| callback.delivery(&body, receipt);
    let arrival = arrive_scripted(mount, shared, request).await?;
    match hand(shared, arrival) {
        Ok((told, cookies)) => respond(shared, told.await, cookies, write),
        Err(refusal) => Ok(write(refusal, None)),
    }
}

/// Hands a batch over. Only what comes of it, and what goes with that, is kept while it waits.
fn hand(
    shared: &Shared,
    arrival: Result<Arrival, Refusal>,
) -> Result<(impl Future<Output = Outcome> + use<'_>, NewCookies), Refusal> {
    let Arrival { batch, peer, cookies } = arrival?;
    let told = match peer.footing {
        Footing::Good => Either::Left(shared.state.broker.take(peer, batch)),
        Footing::Leaving => Either::Right(Box::pin(take_leave(shared, peer, batch))),
    };
    Ok((told, cookies))
}

/// Hands over what came by a login that is over. What concerns no session of that login may be of one that is nobody's in
/// particular, where such have sessions.
async fn take_leave(shared: &Shared, peer: Peer, batch: Batch) -> Outcome {
    let nobody = Peer { agent: None, login: None, footing: Footing::Good, ..peer.clone() };
    match shared.state.broker.take(peer, batch.clone()).await {
        Outcome::Denied if !nobody.desktop => shared.state.broker.take(nobody, batch).await,
        outcome @ (Outcome::Answer { .. } | Outcome::Busy | Outcome::Denied | Outcome::Superseded) => outcome,
    }
}

fn respond(
    shared: &Shared,
    outcome: Outcome,
    cookies: NewCookies,
    write: impl FnOnce(Vec<u8>, Option<Receipt>) -> HttpResponse,
) -> Result<HttpResponse, Failure> {
    let mut response = match outcome {
        Outcome::Answer { body, receipt } => write(body, receipt),
        Outcome::Busy => return Err(Failure::Busy),
        Outcome::Denied => return Err(Failure::Denied),
        Outcome::Superseded => return Ok(HttpResponse::new(shared.config.duplicate_connect_status)),
    };
    for cookie in cookies.into_iter().flatten() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// A batch that is answered without the broker.
type Refusal = Vec<u8>;

/// The cookies that an answer is to set.
type NewCookies = [Option<HeaderValue>; 2];

/// A batch that came in whole.
struct Arrival {
    batch: Batch,
    peer: Peer,
    cookies: NewCookies,
}

async fn arrive(
    mount: Mount,
    shared: &Shared,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<Result<Arrival, Refusal>, Failure> {
    let caller = welcome(mount, shared, request).await?;
    let body = body::read_of(request, payload, shared.config.max_body, shared.config.body_timeout).await?;
    let batch = forms::decode(&body, &shared.config.limits)?;
    admit_batch(mount, shared, request, caller, batch)
}

async fn arrive_scripted(
    mount: Mount,
    shared: &Shared,
    request: &HttpRequest,
) -> Result<Result<Arrival, Refusal>, Failure> {
    let caller = welcome(mount, shared, request).await?;
    let query = request.query_string();
    if query.len() > shared.config.max_body {
        return Err(BadBody::TooLarge.into());
    }
    let batch = callback::batch(query, &shared.config.limits)?;
    admit_batch(mount, shared, request, caller, batch)
}

/// Who calls, as far as the head of the request tells: nothing more is read of somebody who may not come.
async fn welcome(mount: Mount, shared: &Shared, request: &HttpRequest) -> Result<Option<Caller>, Failure> {
    let caller = Caller::identify(shared, request).await?;
    let may_come = || shared.state.tokens.is_some() || Caller::leaving(shared, request).is_some();
    if caller.is_none() && mount == Mount::Desktops && !may_come() { Err(Failure::Denied) } else { Ok(caller) }
}

fn admit_batch(
    mount: Mount,
    shared: &Shared,
    request: &HttpRequest,
    mut caller: Option<Caller>,
    batch: Batch,
) -> Result<Result<Arrival, Refusal>, Failure> {
    if let Some(token) = &batch.token {
        caller = match Caller::with_token(caller, shared, request, token) {
            Ok(caller) => caller,
            Err(bad) => return Ok(Err(refuse(shared, batch, bad))),
        };
    }
    let mut footing = Footing::Good;
    if caller.is_none() && may_leave_by(&batch) {
        caller = Caller::leaving(shared, request);
        footing = if caller.is_some() { Footing::Leaving } else { Footing::Good };
    }
    if caller.is_none() && mount == Mount::Desktops {
        return Err(Failure::Denied);
    }
    let (cookie, drawn) = browser_cookie(request.headers());
    let fresh = drawn == Drawn::Now && batch.handshake().is_some();
    let browser = if fresh { shared.cookies.set(BROWSER, cookie.reveal(), request) } else { None };
    let login = caller.as_mut().and_then(Caller::take_renewal);
    let (agent, begun_by) = caller.map(Caller::into_agent_and_login).unzip();
    let user_agent = batch.handshake().and_then(|_| user_agent(request.headers()));
    let remote = Remote { address: shared.config.proxies.client(request), user_agent };
    let (begun_by, desktop) = (begun_by.flatten(), mount == Mount::Desktops);
    let peer = Peer { agent, login: begun_by, cookie, desktop, footing, remote };
    Ok(Ok(Arrival { batch, peer, cookies: [login, browser] }))
}

/// Whether a batch may come by a login that is over: it asks whether the session is, too, or disconnects it.
fn may_leave_by(batch: &Batch) -> bool {
    let mut bodies = batch.requests.iter().map(|request| &request.body);
    bodies.clone().all(|body| matches!(body, Body::Disconnect))
        || bodies.all(|body| matches!(body, Body::Connect { .. }))
}

fn refuse(shared: &Shared, batch: Batch, bad: BadToken) -> Refusal {
    if batch.handshake().is_some() {
        shared.state.metrics.handshakes_total.of(HandshakeOutcome::Refused).inc();
    }
    bearer::refusal(batch, bad)
}

fn delivery(body: Vec<u8>, receipt: Option<Receipt>) -> HttpResponse {
    HttpResponse::build(StatusCode::OK)
        .insert_header((CONTENT_TYPE, HeaderValue::from_static(JSON)))
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .body(DeliveryBody::new(body, receipt))
}

/// Whether the client brought its cookie.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Drawn {
    /// It brought one.
    Before,
    /// It has none yet.
    Now,
}

/// The cookie that binds a session to its client.
pub(crate) fn browser_cookie(headers: &HeaderMap) -> (BrowserCookie, Drawn) {
    let brought = cookies(headers, BROWSER).next().filter(|text| (1..=LONGEST_COOKIE).contains(&text.len()));
    match brought {
        Some(text) => (BrowserCookie::presented(text), Drawn::Before),
        None => (BrowserCookie::draw(), Drawn::Now),
    }
}

/// What a client calls itself, cut to what fits in a list.
pub(crate) fn user_agent(headers: &HeaderMap) -> Option<Arc<str>> {
    let text = headers.get(USER_AGENT)?.to_str().ok()?;
    Some(text.get(..LONGEST_USER_AGENT).unwrap_or(text).into())
}

pub(crate) const BROWSER: &str = "BAYEUX_BROWSER";
const JSON: &str = "application/json;charset=UTF-8";
const LONGEST_COOKIE: usize = 128;
const LONGEST_USER_AGENT: usize = 256;
