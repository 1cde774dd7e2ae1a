//! The shell of the core: it sends what the core polls, and feeds it what comes back.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, HeaderValue, SET_COOKIE};
use hyper::{Method, StatusCode};
use parking_lot::Mutex;

use crate::bayeux;
use crate::bayeux::{
    Arrival as Event, ClientConnection, ClientEnded as Ended, ClientOptions as Options, ClientRequest, Malformed,
    PublishOutcome,
};
use crate::clock;

use super::jar::Jar;
use super::lane::{Lane, LaneError, Tally};
use super::socket::Socket;
use super::target::Target;

/// What a client could not do.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server does not know the login.
    #[error("the login was refused with status {0}")]
    Denied(u16),
    /// There is nothing more to do with this client.
    #[error(transparent)]
    Ended(#[from] Ended),
    /// The network failed.
    #[error(transparent)]
    Lost(#[from] LaneError),
    /// The answer made no sense.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// There is no session to do it in.
    #[error("there is no session")]
    NotJoined,
    /// The server answered with another status than 200.
    #[error("the server answered with status {0}")]
    Status(u16),
}

/// One Bayeux client: what a desktop is to the server.
pub struct Client {
    shared: Arc<Shared>,
    lane: Lane,
    way: Way,
}

/// How a client is connected.
enum Way {
    Polling,
    Socket {
        socket: Socket,
        /// Until when the request that was sent last may be unanswered.
        until: Instant,
    },
}

/// Publishes in the session of a [`Client`], on a connection of its own.
pub struct Publisher {
    shared: Arc<Shared>,
    lane: Lane,
}

struct Shared {
    target: Arc<Target>,
    tally: Arc<Tally>,
    core: Mutex<bayeux::Client>,
    jar: Mutex<Jar>,
}

impl Client {
    /// A client that has done nothing yet.
    pub fn new(target: &Arc<Target>, options: Options, tally: &Arc<Tally>) -> Self {
        Self::over(target, options, tally, ClientConnection::LongPolling)
    }

    /// A client that has done nothing yet, connected in this way.
    pub fn over(target: &Arc<Target>, options: Options, tally: &Arc<Tally>, connection: ClientConnection) -> Self {
        let shared = Shared {
            target: Arc::clone(target),
            tally: Arc::clone(tally),
            core: Mutex::new(bayeux::Client::new(clock::now(), options).over(connection)),
            jar: Mutex::new(Jar::default()),
        };
        let way = match connection {
            ClientConnection::LongPolling => Way::Polling,
            ClientConnection::Websocket => Way::Socket { socket: Socket::default(), until: clock::now() },
        };
        Self { shared: Arc::new(shared), lane: Lane::default(), way }
    }

    /// Makes a session: one try.
    ///
    /// # Errors
    /// Why there is none.
    ///
    /// # Cancel safety
    /// A handshake under way is lost; another may be begun.
    pub async fn handshake(&mut self) -> Result<(), ClientError> {
        while !self.shared.core.lock().is_joined() {
            self.step().await?;
        }
        Ok(())
    }

    /// Subscribes, and stays subscribed through later handshakes.
    ///
    /// # Errors
    /// Why it is not subscribed. A later [`next_events`](Self::next_events) tries again where that makes sense.
    ///
    /// # Cancel safety
    /// The patterns stay wanted.
    pub async fn subscribe(&mut self, patterns: &[&str]) -> Result<(), ClientError> {
        for pattern in patterns {
            self.shared.core.lock().subscribe(clock::now(), pattern);
        }
        while !self.shared.core.lock().is_subscribed() {
            self.step().await?;
        }
        Ok(())
    }

    /// Connects, again and again, until messages come; handshakes and subscribes again where the server
    /// wants it, and comes back after a pause where the network failed.
    ///
    /// # Errors
    /// [`ClientError::Ended`] or [`ClientError::Denied`]: trying again is of no use.
    ///
    /// # Cancel safety
    /// A connect under way is lost, and with it what the server sent meanwhile, unless the session acknowledges.
    pub async fn next_events(&mut self) -> Result<Vec<Event>, ClientError> {
        loop {
            let events = self.take_events();
            if !events.is_empty() {
                return Ok(events);
            }
            match self.step().await {
                Ok(()) | Err(ClientError::Lost(_) | ClientError::Malformed(_) | ClientError::Status(_)) => {}
                Err(ClientError::NotJoined) => {}
                Err(error @ (ClientError::Denied(_) | ClientError::Ended(_))) => return Err(error),
            }
        }
    }

    /// Publishes `data` (JSON). It waits its turn: a [`Publisher`] does not.
    ///
    /// # Errors
    /// Why it is not known what became of it.
    ///
    /// # Cancel safety
    /// It is not known what became of it.
    pub async fn publish(&mut self, channel: &str, data: &[u8]) -> Result<PublishOutcome, ClientError> {
        self.shared.publish(&mut self.lane, channel, data).await
    }

    /// One that publishes in this session while this client waits for messages.
    pub fn publisher(&self) -> Publisher {
        Publisher { shared: Arc::clone(&self.shared), lane: Lane::default() }
    }

    /// How many handshakes succeeded after the first.
    pub fn rehandshakes(&self) -> u64 {
        self.shared.core.lock().rehandshakes()
    }

    /// Ends the session.
    ///
    /// # Errors
    /// Why the server may not know; it will find out by itself.
    ///
    /// # Cancel safety
    /// The server may not know; it will find out by itself.
    pub async fn disconnect(mut self) -> Result<(), ClientError> {
        let request = self.shared.core.lock().disconnect();
        if let Some(request) = request {
            match &mut self.way {
                Way::Polling => drop(self.shared.send(&mut self.lane, request).await?),
                Way::Socket { socket, .. } if socket.is_open() => {
                    socket.send(&request.body).await?;
                    // The reply is waited for, so that the server has heard it before the socket goes.
                    let _ = tokio::time::timeout(request.patience, socket.receive()).await;
                }
                Way::Socket { .. } => {}
            }
        }
        Ok(())
    }

    fn take_events(&self) -> Vec<Event> {
        let mut core = self.shared.core.lock();
        std::iter::from_fn(|| core.poll_event()).collect()
    }

    /// Sends the next request and takes its answer in, or waits until one is due.
    async fn step(&mut self) -> Result<(), ClientError> {
        if let Way::Socket { socket, until } = &mut self.way {
            return self.shared.step(socket, until).await;
        }
        let (request, due) = {
            let mut core = self.shared.core.lock();
            if let Some(ended) = core.ended() {
                return Err(ended.clone().into());
            }
            (core.poll_request(clock::now()), core.poll_timeout())
        };
        let Some(request) = request else {
            if let Some(due) = due {
                tokio::time::sleep_until(due.into()).await;
            }
            return Ok(());
        };
        let answer = self.shared.send(&mut self.lane, request).await;
        let mut core = self.shared.core.lock();
        match answer {
            Ok(body) => {
                Ok(core.handle_response(clock::now(), &body).inspect_err(|_| self.shared.tally.count_error())?)
            }
            Err(error) => {
                core.handle_lost(clock::now());
                Err(error)
            }
        }
    }
}

impl Publisher {
    /// Publishes `data` (JSON).
    ///
    /// # Errors
    /// Why it is not known what became of it.
    ///
    /// # Cancel safety
    /// It is not known what became of it.
    pub async fn publish(&mut self, channel: &str, data: &[u8]) -> Result<PublishOutcome, ClientError> {
        self.shared.publish(&mut self.lane, channel, data).await
    }
}

impl Shared {
    /// Sends the next request if one is due, or takes the next frame in.
    async fn step(&self, socket: &mut Socket, until: &mut Instant) -> Result<(), ClientError> {
        let (request, due) = {
            let mut core = self.core.lock();
            if let Some(ended) = core.ended() {
                return Err(ended.clone().into());
            }
            if core.is_waiting() {
                (None, *until)
            } else {
                let request = core.poll_request(clock::now());
                (request, core.poll_timeout().unwrap_or_else(clock::now))
            }
        };
        let outcome = match request {
            Some(request) => {
                *until = clock::now() + request.patience;
                self.send_frame(socket, &request).await
            }
            None => tokio::select! {
                frame = socket.receive(), if socket.is_open() => self.take_frame(frame),
                () = tokio::time::sleep_until(due.into()) => {
                    if self.core.lock().is_waiting() { Err(LaneError::Late.into()) } else { Ok(()) }
                }
            },
        };
        if outcome.is_err() {
            self.tally.count_error();
            socket.close();
            self.core.lock().handle_lost(clock::now());
        }
        outcome
    }

    fn take_frame(&self, frame: Result<Bytes, LaneError>) -> Result<(), ClientError> {
        Ok(self.core.lock().handle_frame(clock::now(), &frame?)?)
    }

    async fn send_frame(&self, socket: &mut Socket, request: &ClientRequest) -> Result<(), ClientError> {
        self.tally.count_request();
        if !socket.is_open() {
            let (cookies, login) = {
                let jar = self.jar.lock();
                (jar.header().cloned(), self.target.authorization().filter(|_| !jar.has_login()).cloned())
            };
            let upgrade = socket.open(&self.target, cookies.as_ref(), login.as_ref(), request.patience).await?;
            for cookie in &upgrade.cookies {
                self.jar.lock().set(cookie);
            }
            if upgrade.status != StatusCode::SWITCHING_PROTOCOLS.as_u16() {
                let status = StatusCode::from_u16(upgrade.status).map_err(|_| Malformed)?;
                return Err(self.refused(status));
            }
        }
        Ok(socket.send(&request.body).await?)
    }

    async fn publish(&self, lane: &mut Lane, channel: &str, data: &[u8]) -> Result<PublishOutcome, ClientError> {
        let request = self.core.lock().publish(channel, data);
        let body = self.send(lane, request.ok_or(ClientError::NotJoined)?).await?;
        let outcome = self.core.lock().handle_published(clock::now(), &body);
        Ok(outcome.inspect_err(|_| self.tally.count_error())?)
    }

    /// Sends a request of the core's; the body of a response with status 200.
    async fn send(&self, lane: &mut Lane, request: ClientRequest) -> Result<Bytes, ClientError> {
        self.tally.count_request();
        let response = lane.send(self.target.addr(), self.dress(&request)?, request.patience).await;
        let response = response.inspect_err(|_| self.tally.count_error())?;
        let cookies = response.headers().get_all(SET_COOKIE);
        for cookie in cookies.iter().filter_map(|value| value.to_str().ok()) {
            self.jar.lock().set(cookie);
        }
        match response.status() {
            StatusCode::OK => Ok(response.into_body()),
            status => {
                self.tally.count_error();
                Err(self.refused(status))
            }
        }
    }

    /// A request with the headers that a browser would send.
    fn dress(&self, request: &ClientRequest) -> Result<hyper::Request<Full<Bytes>>, ClientError> {
        let mut builder = hyper::Request::builder()
            .method(Method::POST)
            .uri(self.target.path(request.kind).clone())
            .header(HOST, self.target.host().clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json;charset=UTF-8"));
        let jar = self.jar.lock();
        if let Some(cookies) = jar.header() {
            builder = builder.header(COOKIE, cookies.clone());
        }
        if let Some(login) = self.target.authorization().filter(|_| !jar.has_login()) {
            builder = builder.header(AUTHORIZATION, login.clone());
        }
        builder.body(Full::new(request.body.clone())).map_err(|_| ClientError::Malformed(Malformed))
    }

    /// What a status other than 200 means. A login that lapsed is tried again with the password.
    fn refused(&self, status: StatusCode) -> ClientError {
        if status != StatusCode::FORBIDDEN && status != StatusCode::UNAUTHORIZED {
            return ClientError::Status(status.as_u16());
        }
        let mut jar = self.jar.lock();
        if jar.has_login() && self.target.authorization().is_some() {
            jar.forget_login();
            return ClientError::Status(status.as_u16());
        }
        ClientError::Denied(status.as_u16())
    }
}
