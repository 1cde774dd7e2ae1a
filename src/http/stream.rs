//! Bayeux over server-sent events (`eventsource`): a response without end with the events of one session, beside the
//! requests of its client.
//!
//! As with a websocket, the connection polls the body whenever it has room: what the body hands out is written, and a body
//! that is dropped is a client that is gone.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, SET_COOKIE};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use tokio::time::{Sleep, sleep_until};

use crate::broker::{Delivery, Footing, Line, NoStream, Peer, Remote};
use crate::clock;
use crate::ids::ClientId;

use super::caller::Caller;
use super::errors::Failure;
use super::longpoll::browser_cookie;
use super::server::Shared;
use super::socket::Standing;

/// Whether server-sent events are spoken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EventSource {
    /// They are not.
    Refused,
    /// They are, under the customary path.
    Spoken,
}

/// A stream of server-sent events.
pub(crate) struct EventStream {
    line: Line,
    login: Standing,
    stage: Stage,
    ping: Duration,
    /// For the next comment, or for the end of the login if that is earlier.
    timer: Pin<Box<Sleep>>,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    /// Nothing more.
    Ended,
    /// Nothing was sent yet.
    New,
    /// Events go as they come.
    Open,
}

/// Whether a client asks for server-sent events.
pub(crate) fn is_asked(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    accepted
        .map(|kind| kind.split(';').next().unwrap_or_default().trim())
        .any(|kind| kind.eq_ignore_ascii_case(EVENT_STREAM))
}

/// Opens the stream of the session whose clientId is the last part of the path. It may be opened by whoever may send a
/// message of that session.
pub(crate) async fn open(shared: &Shared, request: &HttpRequest) -> Result<HttpResponse, Failure> {
    let mut caller = Caller::identify(shared, request).await?;
    let (cookie, _) = browser_cookie(request.headers());
    let renewal = caller.as_mut().and_then(Caller::take_renewal);
    let login = Standing::of(caller.as_ref());
    let (agent, begun_by) = caller.map(Caller::into_agent_and_login).unzip();
    let (footing, remote) = (Footing::Good, Remote::default());
    let peer = Peer { agent, login: begun_by.flatten(), cookie, desktop: false, footing, remote };
    let client = ClientId::presented(request.path().rsplit('/').next().unwrap_or_default());
    let line = shared.state.broker.stream(peer, &client).await.map_err(|refused| match refused {
        NoStream::Busy => Failure::Busy,
        NoStream::Unknown => Failure::NotFound,
        NoStream::Unsuited => Failure::Transport,
    })?;
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CONTENT_TYPE, EVENT_STREAM))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((X_ACCEL_BUFFERING, "no"));
    if let Some(renewal) = renewal {
        response.insert_header((SET_COOKIE, renewal));
    }
    Ok(response.body(EventStream::new(line, login, shared.config.ping)))
}

impl EventStream {
    fn new(line: Line, login: Standing, ping: Duration) -> Self {
        let timer = Box::pin(sleep_until(login.look_by(clock::now() + ping).into()));
        Self { line, login, stage: Stage::New, ping, timer }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        match self.stage {
            Stage::Ended => return Poll::Ready(None),
            Stage::New => {
                self.stage = Stage::Open;
                return Poll::Ready(Some(Bytes::from_static(RETRY)));
            }
            Stage::Open => {}
        }
        match self.line.poll_delivery(cx) {
            Poll::Ready(Delivery::Frame(frame)) => Poll::Ready(Some(frame)),
            Poll::Ready(Delivery::Last(last)) => self.end(last),
            Poll::Ready(Delivery::Closing | Delivery::Overloaded) => self.end(None),
            Poll::Pending => self.look(cx),
        }
    }

    /// Shows proxies and clients that it is alive, or ends with its login.
    fn look(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        if self.login.is_over() {
            return self.end(None);
        }
        self.timer.as_mut().reset(self.login.look_by(clock::now() + self.ping).into());
        Poll::Ready(Some(Bytes::from_static(COMMENT)))
    }

    fn end(&mut self, last: Option<Bytes>) -> Poll<Option<Bytes>> {
        self.stage = Stage::Ended;
        Poll::Ready(last)
    }
}

impl MessageBody for EventStream {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        self.poll(cx).map(|piece| piece.map(Ok))
    }
}

const EVENT_STREAM: &str = "text/event-stream";
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// After how many milliseconds a client comes back.
const RETRY: &[u8] = b"retry: 1000\n\n";
const COMMENT: &[u8] = b":\n\n";
