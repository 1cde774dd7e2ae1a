//! Listening, and which path leads where.

use std::any::Any;
use std::cell::OnceCell;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::Server;
use actix_web::http::StatusCode;
use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpServer, web};
use socket2::SockRef;

use crate::clock;
use crate::connections::Connections;

use super::config::{HttpConfig, State};
use super::cookies::Cookies;
use super::errors::Failure;
use super::logins::Logins;
use super::place::{Place, observe, observe_failure};
use super::tls::Tls;
use super::{longpoll, ops, rest};

/// Binds every address and makes the server, which serves once it is awaited. It installs no signal handlers.
/// `more` adds routes of other rooms. Returns the addresses too, with the ports that the system chose.
///
/// # Errors
/// If an address cannot be bound.
pub fn server(
    config: HttpConfig,
    state: State,
    more: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
) -> io::Result<(Server, Vec<SocketAddr>)> {
    let listen = config.listen.clone();
    let workers = config.workers.get();
    let most = config.max_connections.div_ceil(workers).saturating_add(HEAD_ROOM);
    let connections = Connections::new(config.max_connections, state.metrics.connections.clone());
    let stop_seconds = config.stop_deadline.as_secs();
    let silence = config.ping.saturating_mul(2);
    let tls = config.tls.as_ref().map(Tls::config).transpose().map_err(io::Error::other)?;
    let shared = web::Data::new(Shared::new(config, state));
    let factory = move || {
        // Called once a worker for each address that is listened on; a worker's thread has one home.
        HOME.with(|home| *home.get_or_init(|| shared.state.broker.open_here()));
        App::new().app_data(shared.clone()).configure(|config| routes(config, &more))
    };
    let mut server = HttpServer::new(factory)
        .workers(workers)
        .max_connections(most)
        .backlog(BACKLOG)
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(HEAD_TIMEOUT)
        .client_disconnect_timeout(CLOSE_TIMEOUT)
        .tls_handshake_timeout(HEAD_TIMEOUT)
        // A client that went away must drop its parked connect at once: what it was owed is owed again.
        .h1_allow_half_closed(false)
        .tcp_nodelay(true)
        .on_connect(move |io, data| {
            limit_silence(io, silence);
            connections.seat(data);
        })
        .shutdown_timeout(stop_seconds)
        .disable_signals();
    for address in listen {
        server = match &tls {
            Some(tls) => server.bind_rustls_0_23(address, tls.clone())?,
            None => server.bind(address)?,
        };
    }
    let addresses = server.addrs();
    Ok((server.run(), addresses))
}

/// What every request needs: one for all workers.
pub(crate) struct Shared {
    pub(crate) config: HttpConfig,
    pub(crate) state: State,
    pub(crate) logins: Logins,
    pub(crate) cookies: Cookies,
}

impl Shared {
    fn new(config: HttpConfig, state: State) -> Self {
        let logins = Logins::new(&config.cookie_key, config.idle);
        let cookies = Cookies::new(config.cookies, &config.external_url, config.proxies.clone());
        Self { config, state, logins, cookies }
    }

    /// Counts an answer, and the failure that it tells of.
    pub(crate) fn observe(&self, place: Place, status: StatusCode, failure: Option<&Failure>, started: Instant) {
        let took = clock::now().saturating_duration_since(started);
        observe(&self.state.metrics, place, status, took);
        if let Some(failure) = failure {
            observe_failure(&self.state.metrics, failure);
        }
    }
}

/// A client that takes nothing of what was sent to it for so long is given up by the system: while its connection has no
/// room, nothing else here looks at it.
fn limit_silence(io: &dyn Any, limit: Duration) {
    let encrypted = io.downcast_ref::<TlsStream<TcpStream>>().map(|stream| stream.get_ref().0);
    if let Some(stream) = io.downcast_ref::<TcpStream>().or(encrypted) {
        // Where the system cannot do that, its own retransmissions decide.
        let _ = SockRef::from(stream).set_tcp_user_timeout(Some(limit));
    }
}

/// Bayeux stands first and bare: it is asked for most often, and no middleware is on its way. The API stands last,
/// for it answers whatever nobody else does.
fn routes(config: &mut web::ServiceConfig, more: &impl Fn(&mut web::ServiceConfig)) {
    longpoll::routes(config);
    ops::routes(config);
    more(config);
    rest::routes(config);
}

thread_local! {
    /// Set once this thread has opened its home.
    static HOME: OnceCell<()> = const { OnceCell::new() };
}

const BACKLOG: u32 = 4096;
/// Connections of a worker beyond its share, to be told that they are too many.
const HEAD_ROOM: usize = 256;
const KEEP_ALIVE: Duration = Duration::from_secs(75);
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
