//! A websocket, as the body of the response that opened it: one task for both ways, the connection's own.
//!
//! The connection polls the body whenever it has room to write, and whenever something came. What the body hands out
//! is written; a body that is dropped is a client that is gone. While the connection has no room it does not poll, so a
//! client that does not read gets no more than that; the system ends its connection (`server.rs` says when).

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web;
use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use tokio::time::{Sleep, sleep_until};

use crate::bayeux::{BadBatch, Batch};
use crate::broker::{Delivery, Line};
use crate::clock;
use crate::directory::Bearer;
use crate::ids::WallTime;
use crate::metrics::{HandshakeOutcome, Limit};
use crate::websocket::{self, Decoder, Message, Role, Violation};

use super::bearer;
use super::caller::Caller;
use super::errors::Failure;
use super::place::observe_failure;
use super::server::Shared;

/// A websocket.
pub(crate) struct Socket {
    shared: web::Data<Shared>,
    payload: web::Payload,
    /// What came and is not a whole frame.
    came: BytesMut,
    decoder: Decoder,
    line: Line,
    login: Standing,
    stage: Stage,
    watch: Watch,
}

/// How the socket's client is logged in; as whom, its line knows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    /// Whether the upgrade bore credentials: they go before a token in a message.
    credentials: bool,
    /// When the login ends however much it is used.
    until: Option<WallTime>,
    /// When the first of those logins of other agents ends that it took the place of: sessions of the socket may rest on
    /// them still.
    bound: Option<WallTime>,
}

/// How far it has come.
enum Stage {
    /// A last frame, and then nothing.
    Closing(Bytes),
    /// Nothing more.
    Ended,
    /// Both ways are open. A frame of this room's own may be due: a pong, or word that a token is not believed.
    Open(Option<Bytes>),
}

/// Looks whether the client is still there.
struct Watch {
    /// For the next look, or for the end of the login if that is earlier.
    timer: Pin<Box<Sleep>>,
    /// When to look next.
    due: Instant,
    /// Whether anything came since the last look.
    heard: bool,
    /// When a message came last.
    asked: Instant,
}

/// Whether something was done, so that there may be more to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Step {
    Done,
    Nothing,
}

/// Why the server closes a socket: codes of RFC 6455.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Reason {
    Binary,
    Busy,
    Denied,
    Idle,
    Malformed(BadBatch),
    Silent,
    Stopping,
    TooLarge,
    Violation(Violation),
}

impl Socket {
    pub(crate) fn new(shared: web::Data<Shared>, payload: web::Payload, line: Line, login: Standing) -> Self {
        let decoder = Decoder::new(Role::Server, shared.config.max_body);
        let watch = Watch::new(shared.config.ping, login);
        Self { shared, payload, came: BytesMut::new(), decoder, line, login, stage: Stage::Open(None), watch }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            match std::mem::replace(&mut self.stage, Stage::Ended) {
                Stage::Closing(last) => return Poll::Ready(Some(last)),
                Stage::Ended => return Poll::Ready(None),
                Stage::Open(pong) => self.stage = Stage::Open(pong),
            }
            match self.line.poll_delivery(cx) {
                Poll::Ready(Delivery::Frame(frame)) => return Poll::Ready(Some(frame)),
                Poll::Ready(Delivery::Closing | Delivery::Last(_)) => self.close(Reason::Stopping),
                Poll::Ready(Delivery::Overloaded) => self.close(Reason::Busy),
                Poll::Pending => {
                    if let Stage::Open(pong) = &mut self.stage
                        && let Some(pong) = pong.take()
                    {
                        return Poll::Ready(Some(pong));
                    }
                    if self.read(cx) == Step::Nothing {
                        return self.look(cx);
                    }
                }
            }
        }
    }

    /// Takes in the next message, or more bytes. With many requests under way nothing is read, so that a client that
    /// asks and does not read its answers has to wait.
    fn read(&mut self, cx: &mut Context<'_>) -> Step {
        if self.line.is_full() {
            self.watch.heard = true;
            return Step::Nothing;
        }
        match self.decoder.next(&mut self.came) {
            Ok(Some(message)) => self.take(message),
            Ok(None) => return self.read_more(cx),
            Err(Violation::TooLarge) => self.close(Reason::TooLarge),
            Err(violation @ Violation::Protocol(_)) => self.close(Reason::Violation(violation)),
        }
        Step::Done
    }

    fn read_more(&mut self, cx: &mut Context<'_>) -> Step {
        if self.came.is_empty() {
            // A socket is mostly idle: it keeps no memory for what may come.
            self.came = BytesMut::new();
        }
        match Pin::new(&mut self.payload).poll_next(cx) {
            Poll::Pending => Step::Nothing,
            Poll::Ready(Some(Ok(bytes))) => {
                self.watch.heard = true;
                self.came.extend_from_slice(&bytes);
                Step::Done
            }
            Poll::Ready(None | Some(Err(_))) => {
                self.stage = Stage::Ended;
                Step::Done
            }
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Binary => self.close(Reason::Binary),
            Message::Close(code) => {
                self.stage = Stage::Closing(websocket::close(code.unwrap_or(NORMAL), ""));
            }
            Message::Ping(payload) => self.stage = Stage::Open(Some(websocket::pong(&payload))),
            Message::Pong => {}
            Message::Text(text) => {
                self.watch.asked = clock::now();
                // The id of a held connect lives long, and would keep all that came with it.
                let text = Bytes::copy_from_slice(&text);
                match Batch::decode(&text, &self.shared.config.limits) {
                    Ok(batch) => self.ask(batch),
                    // Some clients keep a socket alive by it.
                    Err(BadBatch::Empty) => {}
                    Err(bad @ (BadBatch::Malformed | BadBatch::TooDeep | BadBatch::TooMany)) => {
                        observe_failure(&self.shared.state.metrics, &Failure::Batch(bad));
                        self.close(Reason::Malformed(bad));
                    }
                }
            }
        }
    }

    /// Hands a batch on, once its token is looked at: who was logged in by the upgrade stays so.
    fn ask(&mut self, batch: Batch) {
        if let (Some(token), Some(tokens)) = (&batch.token, &self.shared.state.tokens)
            && !self.login.credentials
        {
            match bearer::verify(tokens, token.reveal()) {
                Ok(Bearer { agent, until }) => {
                    self.login = match self.line.agent() {
                        Some(known) if *known == agent => self.login.prolong(until),
                        Some(_) | None => self.login.replace(until),
                    };
                    self.watch.arm(self.login);
                    self.line.log_in(agent);
                }
                Err(bad) => {
                    if batch.handshake().is_some() {
                        self.shared.state.metrics.handshakes_total.of(HandshakeOutcome::Refused).inc();
                    }
                    self.stage = Stage::Open(Some(websocket::text(&bearer::refusal(batch, bad))));
                    return;
                }
            }
        }
        if self.login.is_over() || self.line.needs_login() {
            self.close(Reason::Denied);
        } else if self.line.take(batch).is_err() {
            self.close(Reason::Busy);
        }
    }

    /// Pings, or ends what does not answer, or what nobody uses, or what nobody is logged in to any more.
    fn look(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.watch.timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        let now = clock::now();
        let idle = now.saturating_duration_since(self.watch.asked);
        if self.login.is_over() {
            self.close(Reason::Denied);
        } else if now < self.watch.due {
            // It was set for the end of a login that was prolonged since.
            self.watch.arm(self.login);
        } else if !self.watch.heard {
            self.close(Reason::Silent);
        } else if !self.line.is_waiting() && idle >= self.shared.config.idle_socket {
            self.close(Reason::Idle);
        } else {
            self.watch.rearm(self.shared.config.ping, self.login);
            // The timer is polled by the next turn, which follows what is handed out here.
            return Poll::Ready(Some(Bytes::from_static(websocket::PING)));
        }
        self.poll(cx)
    }

    fn close(&mut self, reason: Reason) {
        if reason == Reason::TooLarge {
            self.shared.state.metrics.rejected_total.of(Limit::Body).inc();
        }
        let (code, text) = reason.told();
        self.stage = Stage::Closing(websocket::close(code, &text));
    }
}

impl Standing {
    pub(crate) fn of(caller: Option<&Caller>) -> Self {
        let until = caller.and_then(Caller::until);
        Self { credentials: caller.is_some_and(Caller::has_credentials), until, bound: None }
    }

    /// The same agent has another token: whichever ends last counts.
    pub(crate) fn prolong(self, until: WallTime) -> Self {
        Self { until: self.until.map(|ends| ends.max(until)), ..self }
    }

    /// Another agent has a token. What the socket's sessions rested on so far ends no later for it.
    pub(crate) fn replace(self, until: WallTime) -> Self {
        Self { until: Some(until), bound: self.ends(), ..self }
    }

    /// When the socket is to be closed.
    pub(crate) fn ends(self) -> Option<WallTime> {
        self.until.into_iter().chain(self.bound).min()
    }

    /// When to look whether it is over: by then, or earlier if it ends earlier.
    pub(crate) fn look_by(self, due: Instant) -> Instant {
        let ends = self.ends().and_then(|ends| clock::now().checked_add(ends.since(clock::wall())));
        ends.map_or(due, |ends| ends.min(due))
    }

    pub(crate) fn is_over(self) -> bool {
        self.ends().is_some_and(|ends| ends <= clock::wall())
    }
}

impl Watch {
    fn new(ping: Duration, login: Standing) -> Self {
        let now = clock::now();
        let due = now + ping;
        Self { timer: Box::pin(sleep_until(login.look_by(due).into())), due, heard: true, asked: now }
    }

    fn rearm(&mut self, ping: Duration, login: Standing) {
        self.heard = false;
        self.due = clock::now() + ping;
        self.arm(login);
    }

    fn arm(&mut self, login: Standing) {
        self.timer.as_mut().reset(login.look_by(self.due).into());
    }
}

impl Reason {
    /// The code, and a text for whoever reads the client's log. Never more than what is wrong with what it sent.
    fn told(self) -> (u16, String) {
        match self {
            Self::Binary => (1003, "only text messages are spoken here".into()),
            Self::Busy => (1013, "the server is busy".into()),
            Self::Denied => (1008, "Access denied".into()),
            Self::Idle => (NORMAL, "there is no session".into()),
            Self::Malformed(bad @ (BadBatch::Empty | BadBatch::Malformed)) => (1007, bad.to_string()),
            Self::Malformed(bad @ (BadBatch::TooDeep | BadBatch::TooMany)) => (1008, bad.to_string()),
            Self::Silent => (1001, "no answer to a ping".into()),
            Self::Stopping => (1001, "the server stops".into()),
            Self::TooLarge => (1009, "the message is too large".into()),
            Self::Violation(violation) => (1002, violation.to_string()),
        }
    }
}

impl MessageBody for Socket {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        self.poll(cx).map(|frame| frame.map(Ok))
    }
}

const NORMAL: u16 = 1000;
