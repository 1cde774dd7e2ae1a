//! How sessions are kept.

use std::sync::Arc;
use std::time::Duration;

use crate::bayeux;
use crate::broker::handle::Peer;
use crate::broker::line::Shown;
use crate::broker::rules::Rules;
use crate::broker::session_rules::SessionRules;
use crate::gws::Rendering;
use crate::ids::{AgentId, CookieHash};
use crate::upstream::Upstream;

/// How sessions are kept.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a connect is held.
    pub timeout: Duration,
    /// How long clients pause between connects.
    pub interval: Duration,
    /// How long after that a session lives on without a connect.
    pub max_interval: Duration,
    /// How long after that a session that acknowledges can still be resumed from the ring.
    pub resume: Duration,
    /// What else holds for sessions.
    pub session_rules: SessionRules,
    /// How many messages a session may be owed.
    pub queue_messages: usize,
    /// How many bytes a session may be owed.
    pub queue_bytes: usize,
    /// How many sessions there may be.
    pub sessions: usize,
    /// How many sessions one agent may have.
    pub sessions_per_agent: usize,
    /// How many patterns one session may subscribe to.
    pub subscriptions_per_session: usize,
    /// The connection types on offer.
    pub transports: Transports,
    /// Whether a clientId is enough without the cookie that came with it.
    pub binding: Binding,
    /// Whether those who are not logged in may handshake.
    pub anonymous: Anonymous,
    /// What desktops are told of a session that does not exist.
    pub desktop_unknown: bayeux::Error,
    /// Channel rules.
    pub rules: Rules,
    /// Who answers messages to service channels.
    pub upstream: Arc<dyn Upstream>,
    /// How notifications look.
    pub rendering: Rendering,
    /// The name of this node.
    pub node: Arc<str>,
    /// How many homes there are.
    pub homes: usize,
}

/// The connection types on offer, best first, as a handshake's reply tells them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Transports {
    /// Under the customary name.
    pub cometd: &'static [&'static str],
    /// On the desktops' path.
    pub desktops: &'static [&'static str],
}

/// What a request must show, besides the clientId and the login, to speak for a session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Binding {
    /// Nothing.
    ClientId,
    /// The browser cookie of the handshake.
    Cookie,
}

impl Binding {
    /// Whether this client may speak for a session that this agent began with this browser. A session without a cookie
    /// is bound to its login alone, and so is any for a client that opened its socket before it had a cookie.
    pub(super) fn allows(self, peer: &Peer, shown: Shown, agent: Option<&AgentId>, cookie: Option<CookieHash>) -> bool {
        let same_browser = match (self, cookie) {
            (Self::ClientId, _) => true,
            (Self::Cookie, None) => agent.is_some(),
            (Self::Cookie, Some(cookie)) if cookie == peer.cookie.hash() => true,
            (Self::Cookie, Some(_)) => shown == Shown::Nothing && agent.is_some(),
        };
        same_browser && agent == peer.agent.as_ref()
    }
}

/// Whether those who are not logged in may handshake.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Anonymous {
    /// They may.
    Allow,
    /// They may not.
    Refuse,
}
