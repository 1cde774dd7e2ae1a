//! Every door of the admin API: its method, its path, and what is behind it.

use actix_web::http::Method;
use actix_web::{Route, web};

use super::{channels, deliver, events, life, publish, sessions};

/// A door of the admin API.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Door {
    /// Has something else hold for a session.
    AdjustSession,
    /// Lists patterns that somebody subscribed to.
    Channels,
    /// Delivers to all sessions of an agent.
    DeliverToAgent,
    /// Delivers to one session.
    DeliverToSession,
    /// Drains the server.
    Drain,
    /// Ends a session.
    EndSession,
    /// Streams what happens to sessions.
    Events,
    /// Reads what was published to a channel.
    History,
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
    pub const ALL: [Self; 13] = [
        Self::AdjustSession,
        Self::Channels,
        Self::DeliverToAgent,
        Self::DeliverToSession,
        Self::Drain,
        Self::EndSession,
        Self::Events,
        Self::History,
        Self::Presence,
        Self::Publish,
        Self::PublishBatch,
        Self::Sessions,
        Self::Sweep,
    ];

    /// Its path below `/admin/v1`.
    pub const fn path(self) -> &'static str {
        match self {
            Self::AdjustSession | Self::EndSession => "/sessions/{id}",
            Self::Channels => "/channels",
            Self::DeliverToAgent => "/agents/{id}/deliver",
            Self::DeliverToSession => "/sessions/{id}/deliver",
            Self::Drain => "/drain",
            Self::Events => "/events",
            Self::History => "/channels/history",
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
            Self::AdjustSession => Method::PATCH,
            Self::Channels | Self::Events | Self::History | Self::Presence | Self::Sessions => Method::GET,
            Self::DeliverToAgent
            | Self::DeliverToSession
            | Self::Drain
            | Self::Publish
            | Self::PublishBatch
            | Self::Sweep => Method::POST,
            Self::EndSession => Method::DELETE,
        }
    }

    /// The doors at its path.
    pub(crate) fn neighbours(self) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |door| door.path() == self.path())
    }

    /// What is behind it.
    pub(crate) fn route(self) -> Route {
        let route = web::method(self.method());
        match self {
            Self::AdjustSession => route.to(sessions::adjust),
            Self::Channels => route.to(channels::list),
            Self::DeliverToAgent => route.to(deliver::to_agent),
            Self::DeliverToSession => route.to(deliver::to_session),
            Self::Drain => route.to(life::drain),
            Self::EndSession => route.to(sessions::end),
            Self::Events => route.to(events::stream),
            Self::History => route.to(channels::history),
            Self::Presence => route.to(channels::presence),
            Self::Publish => route.to(publish::one),
            Self::PublishBatch => route.to(publish::batch),
            Self::Sessions => route.to(sessions::list),
            Self::Sweep => route.to(life::sweep),
        }
    }
}
