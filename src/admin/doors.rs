//! Every door of the admin API: its method, its path, and what is behind it.

use actix_web::http::Method;
use actix_web::{Route, web};

use super::{channels, deliver, events, life, publish, sessions};

/// A door of the admin API.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Door {
    /// Lists patterns that somebody subscribed to.
    Channels,
    /// Delivers to all sessions of an agent.
    DeliverToAgent,
    /// Delivers to one session.
    DeliverToSession,
    /// Drains the server.
    Drain,
    /// Streams what happens to sessions.
    Events,
    /// Lists who hears a channel.
    Presence,
    /// Publishes one message.
    Publish,
    /// Publishes many.
    PublishBatch,
    /// Lists sessions.
    Sessions,
    /// Ends the sessions whose time is up.
    Sweep,
}

impl Door {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Channels,
        Self::DeliverToAgent,
        Self::DeliverToSession,
        Self::Drain,
        Self::Events,
        Self::Presence,
        Self::Publish,
        Self::PublishBatch,
        Self::Sessions,
        Self::Sweep,
    ];

    /// Its path below `/admin/v1`.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Channels => "/channels",
            Self::DeliverToAgent => "/agents/{id}/deliver",
            Self::DeliverToSession => "/sessions/{id}/deliver",
            Self::Drain => "/drain",
            Self::Events => "/events",
            Self::Presence => "/presence",
            Self::Publish => "/publish",
            Self::PublishBatch => "/publish-batch",
            Self::Sessions => "/sessions",
            Self::Sweep => "/sweep",
        }
    }

    /// Its method.
    pub fn method(self) -> Method {
        match self {
            Self::Channels | Self::Events | Self::Presence | Self::Sessions => Method::GET,
            Self::DeliverToAgent
            | Self::DeliverToSession
            | Self::Drain
            | Self::Publish
            | Self::PublishBatch
            | Self::Sweep => Method::POST,
        }
    }

    /// The methods that its path takes.
    pub(crate) const fn allowed(self) -> &'static str {
        match self {
            Self::Channels | Self::Events | Self::Presence | Self::Sessions => "GET",
            Self::DeliverToAgent
            | Self::DeliverToSession
            | Self::Drain
            | Self::Publish
            | Self::PublishBatch
            | Self::Sweep => "POST",
        }
    }

    /// What is behind it.
    pub(crate) fn route(self) -> Route {
        let route = web::method(self.method());
        match self {
            Self::Channels => route.to(channels::list),
            Self::DeliverToAgent => route.to(deliver::to_agent),
            Self::DeliverToSession => route.to(deliver::to_session),
            Self::Drain => route.to(life::drain),
            Self::Events => route.to(events::stream),
            Self::Presence => route.to(channels::presence),
            Self::Publish => route.to(publish::one),
            Self::PublishBatch => route.to(publish::batch),
            Self::Sessions => route.to(sessions::list),
            Self::Sweep => route.to(life::sweep),
        }
    }
}
