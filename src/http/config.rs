//! What the doors are told at the start, and whom they hand things to.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;

use crate::agents::CustomState;
use crate::bayeux::Limits;
use crate::broker::Broker;
use crate::directory::{Directory, Passwords, Tokens};
use crate::exchange::Exchange;
use crate::gws::Rendering;
use crate::metrics::Metrics;

use super::callback::CallbackPolling;
use super::cookies::CookieConfig;
use super::csrf::Csrf;
use super::origin::Origins;
use super::proxies::Proxies;
use super::stream::EventSource;
use super::tls::Tls;
use super::upgrade::Websockets;

/// The settings of the doors.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// Where to listen; port 0 lets the system choose.
    pub listen: Vec<SocketAddr>,
    /// The certificate, if TLS is spoken there, and nothing else.
    pub tls: Option<Tls>,
    /// Threads that serve connections.
    pub workers: NonZeroUsize,
    /// Connections in all. Those beyond are told so and closed.
    pub max_connections: usize,
    /// Bytes of a request's body.
    pub max_body: usize,
    /// How long a client may take to send a body that it announced.
    pub body_timeout: Duration,
    /// The proxies in front, if they are to be believed.
    pub proxies: Proxies,
    /// The web pages that may call.
    pub origins: Origins,
    /// What a Bayeux body may hold.
    pub limits: Limits,
    /// Whether callback-polling is spoken.
    pub callback_polling: CallbackPolling,
    /// Whether server-sent events are spoken.
    pub event_source: EventSource,
    /// Whether websockets are spoken on the desktops' path.
    pub desktop_websockets: Websockets,
    /// How often a websocket is pinged, and a stream shows that it is alive. A websocket that says nothing for so long
    /// after that is closed.
    pub ping: Duration,
    /// How long a websocket may go without a message of its client and with no connect held.
    pub idle_socket: Duration,
    /// The status of a parked connect whose place a newer one took: 400 to 599.
    pub duplicate_connect_status: StatusCode,
    /// How long a login lives that is not used.
    pub idle: Duration,
    /// Whether what changes something must bear a token beside the cookie.
    pub csrf: Csrf,
    /// How clients are to keep cookies.
    pub cookies: CookieConfig,
    /// What logins are signed with.
    pub cookie_key: CookieKey,
    /// The public address.
    pub external_url: Arc<str>,
    /// How resources are shown.
    pub rendering: Rendering,
    /// The states of agents that the operator made up.
    pub agent_states: Arc<[CustomState]>,
    /// The version that `diagnostics/version` tells.
    pub version: Arc<str>,
    /// How long a stop waits for the requests that are being answered.
    pub stop_deadline: Duration,
}

/// The key that logins are signed with. Whoever has it can be anybody.
#[derive(Clone)]
pub struct CookieKey([u8; 32]);

impl CookieKey {
    /// The key with these bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for CookieKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CookieKey(secret)")
    }
}

/// Whom the doors hand things to.
#[derive(Clone)]
pub struct State {
    /// Takes batches of Bayeux messages.
    pub broker: Broker,
    /// Takes commands, and knows the calls.
    pub exchange: Exchange,
    /// Who exists.
    pub directory: Directory,
    /// Who they say they are.
    pub passwords: Passwords,
    /// Who their tokens say they are; `None` if no token is believed.
    pub tokens: Option<Tokens>,
    /// Where requests are counted.
    pub metrics: Metrics,
    /// Whether the server can serve.
    pub readiness: Arc<dyn Readiness>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}

/// Whether the server can serve, and why not.
pub trait Readiness: Send + Sync {
    /// Every check by its name, in a fixed order, with the reason if it fails.
    fn checks(&self) -> Vec<(&'static str, Result<(), String>)>;
}
