//! What operators may see of a home's sessions.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Instant;

use crate::bayeux::Channel;
use crate::broker::attach::Attached;
use crate::broker::live::{Live, Stage};
use crate::broker::sessions::{Seat, Sessions};
use crate::ids::{AgentId, Position, SessionId};
use crate::metrics::Transport;
use crate::records::{Keep, SessionState, Start};

/// A session as operators see it. No secret is in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SessionView {
    /// Its public handle.
    pub session: SessionId,
    /// Whose it is; `None` for an anonymous one.
    pub agent: Option<AgentId>,
    /// Where its handshake came from; `None` if this process did not see it.
    pub address: Option<IpAddr>,
    /// What its client called itself in the handshake; as `address`.
    pub user_agent: Option<Arc<str>>,
    /// How its messages reach it.
    pub transport: Transport,
    /// Whether its client is there.
    pub attendance: Attendance,
    /// Whether it acknowledges.
    pub ack: bool,
    /// Whether it was made on the desktops' path.
    pub desktop: bool,
    /// How many patterns it subscribed to.
    pub subscriptions: usize,
    /// How many messages it is owed.
    pub queue_messages: usize,
    /// How many bytes they are.
    pub queue_bytes: usize,
    /// Where its handshake is in the log.
    pub since: Position,
}

/// Whether a session's client is there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Attendance {
    /// Between two connects.
    Away,
    /// Gone; when it comes back it is served from the newest records.
    Behind,
    /// A connect is held.
    Connected,
}

/// Who hears a channel.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Listener {
    /// The session's public handle.
    pub session: SessionId,
    /// Whose it is.
    pub agent: Option<AgentId>,
}

impl<T> Sessions<T> {
    /// Up to `limit` sessions after a handle, in the order of handles; of one agent, if it is named.
    pub(super) fn views(&self, agent: Option<&AgentId>, after: Option<SessionId>, limit: usize) -> Vec<SessionView> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.seats
            .range((from, Bound::Unbounded))
            .filter_map(|(_, seat)| self.live.get(*seat))
            .filter(|live| agent.is_none() || live.state.agent.as_ref() == agent)
            .map(view)
            .take(limit)
            .collect()
    }

    /// Whether what is for a session alone is written down, if the session lives here: one that acknowledges outlives
    /// the server, in whatever way that ends.
    pub(super) fn keeps(&self, session: SessionId) -> Option<Keep> {
        self.seats.get(&session).and_then(|seat| self.live.get(*seat)).map(|live| keep(&live.state))
    }

    /// The sessions of an agent that live here, and whether what is for each alone is written down.
    pub(super) fn sessions_of(&self, agent: &AgentId) -> Vec<(SessionId, Keep)> {
        let seats = self.agents.get(agent).into_iter().flatten();
        seats.filter_map(|seat| self.live.get(*seat)).map(|live| (live.state.session, keep(&live.state))).collect()
    }

    /// How many subscribed to each pattern that begins with `prefix`.
    pub(super) fn tally(&self, prefix: &str) -> BTreeMap<Box<str>, usize> {
        let mut tally = BTreeMap::new();
        self.subscriptions.tally(prefix, &mut tally);
        tally
    }

    /// Who would be told what is published to a channel now.
    pub(super) fn listeners(&self, channel: &Channel) -> Vec<Listener> {
        let mut seats: Vec<Seat> = Vec::new();
        self.subscriptions.matching(channel, &mut seats);
        let rules = &self.settings.rules;
        seats
            .into_iter()
            .filter_map(|seat| self.live.get(seat))
            .filter(|live| rules.may_hear(live.state.agent.as_ref(), channel))
            .map(|live| Listener { session: live.state.session, agent: live.state.agent.clone() })
            .collect()
    }

    /// Looks at every session now instead of when its timer comes. Says how many ended.
    pub(super) fn sweep(&mut self, now: Instant) -> usize {
        let before = self.live.len();
        self.handle_timeout(now);
        before - self.live.len()
    }
}

fn keep(state: &SessionState) -> Keep {
    if state.ack { Keep::Stored } else { Keep::Volatile }
}

fn view(live: &Live) -> SessionView {
    let (attendance, (queue_messages, queue_bytes)) = match &live.stage {
        Stage::Behind { .. } => (Attendance::Behind, (0, 0)),
        Stage::Streaming(session) if session.is_parked() => (Attendance::Connected, session.owed()),
        Stage::Streaming(session) => (Attendance::Away, session.owed()),
    };
    SessionView {
        session: live.state.session,
        agent: live.state.agent.clone(),
        address: live.remote.address,
        user_agent: live.remote.user_agent.clone(),
        transport: live.attached.as_ref().map_or(Transport::LongPolling, Attached::transport),
        attendance,
        ack: live.state.ack,
        desktop: live.state.desktop,
        subscriptions: live.state.patterns.len(),
        queue_messages,
        queue_bytes,
        since: match live.state.since {
            Start::At(position) => position,
            Start::Here => live.position,
        },
    }
}
