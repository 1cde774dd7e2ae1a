//! Channel rules: who may hear a channel, who may publish to it, and whether its publications are kept.
//!
//! The first rule whose pattern matches a channel decides; a channel that no rule matches is nobody's. A
//! wildcard subscription is filtered when something is delivered, so that a right on `/a/b` does not leak
//! through `/a/*` or `/**`; one that could match nothing that may be heard is refused.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::bayeux::{Channel, Family, Pattern};
use crate::ids::AgentId;
use crate::log::{Retain, Retained, Retention, Subject};
use crate::records::{ChannelPublished, Keep};
use crate::upstream::Endpoint;

/// Who may do a thing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Who {
    /// Everybody who is logged in.
    Agents,
    /// Everybody.
    Anyone,
    /// These agents.
    Named(BTreeSet<AgentId>),
    /// Nobody.
    Nobody,
}

/// What holds for the channels that a pattern matches.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rule {
    /// Which channels.
    pub pattern: Pattern,
    /// Who may hear them.
    pub subscribe: Who,
    /// Who may publish to them.
    pub publish: Who,
    /// Who may bring one of them into being: be the first to publish to it, or subscribe to it before that.
    pub create: Who,
    /// What becomes of their publications.
    pub store: Store,
    /// Who answers messages to them; for service channels only.
    pub upstream: Option<Endpoint>,
    /// How long a publication may wait for another reason to answer a connect; `None` for not at all.
    pub lazy: Option<Duration>,
    /// Whether a publisher that subscribed hears itself; `None` for as everywhere.
    pub broadcast_to_publisher: Option<bool>,
}

/// What becomes of the publications of a channel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Store {
    /// They are written down before they are answered, and kept as history.
    Durable {
        /// For how long, and how many.
        retain: Retain,
        /// Where a delivery carries its position.
        replay_id: ReplayId,
    },
    /// They take a position and stay in memory.
    Volatile,
}

/// Where a delivery of a durable channel carries its position.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ReplayId {
    /// In `ext.replay`, and in `data.event.replayId` if `data` has an object `event`.
    InData,
    /// In `ext.replay`.
    InExt,
}

/// Every channel rule, the first match first.
#[derive(Clone, Debug, Default)]
pub struct Rules(Vec<Rule>);

/// Where an agent's own feeds are: the same name is another feed for each agent.
const MINE: &str = "/v2/me";

/// Topics of the desktops' API that this server never publishes to, but that desktops subscribe to.
const SERVICES: &str = "/notifications/services";

impl Who {
    /// Whether that holds for this agent, or for nobody in particular.
    pub fn includes(&self, agent: Option<&AgentId>) -> bool {
        match self {
            Self::Agents => agent.is_some(),
            Self::Anyone => true,
            Self::Named(names) => agent.is_some_and(|agent| names.contains(agent)),
            Self::Nobody => false,
        }
    }
}

impl Rules {
    /// These rules, the first match first.
    pub fn new(rules: Vec<Rule>) -> Self {
        Self(rules)
    }

    fn rule(&self, channel: &Channel) -> Option<&Rule> {
        self.0.iter().find(|rule| rule.pattern.matches(channel))
    }

    /// Who may hear a broadcast channel.
    pub fn audience(&self, channel: &Channel) -> &Who {
        if channel.as_str() == SERVICES {
            return &Who::Agents;
        }
        if is_mine(channel.as_str()) {
            return &Who::Nobody;
        }
        self.rule(channel).map_or(&Who::Nobody, |rule| &rule.subscribe)
    }

    /// Whether a pattern may be subscribed to: a channel if it may be heard, a wildcard if it could match one that may.
    /// What is delivered for a wildcard is filtered channel by channel.
    pub fn may_subscribe(&self, agent: Option<&AgentId>, pattern: &Pattern) -> bool {
        if is_mine(pattern.as_str()) {
            return agent.is_some();
        }
        match pattern.channel() {
            Some(channel) => self.audience(&channel).includes(agent),
            None if agent.is_some() && (pattern.family() == Family::Service || reaches_feeds(pattern)) => true,
            None => self.0.iter().any(|rule| rule.subscribe.includes(agent) && rule.pattern.meets(pattern)),
        }
    }

    /// Whether whatever a pattern matches is a feed of an agent's own.
    pub fn is_feed(pattern: &Pattern) -> bool {
        is_mine(pattern.as_str())
    }

    /// Whether a channel comes into being by what clients do, and is not one of the desktops' own.
    pub fn is_made(&self, channel: &Channel) -> bool {
        channel.as_str() != SERVICES && !is_mine(channel.as_str())
    }

    /// Whether an agent may be the first to publish to a channel, or subscribe to it before that.
    pub fn may_create(&self, agent: Option<&AgentId>, channel: &Channel) -> bool {
        self.rule(channel).is_some_and(|rule| rule.create.includes(agent))
    }

    /// Whether an agent is told what is on a channel, if it subscribed.
    pub fn may_hear(&self, agent: Option<&AgentId>, channel: &Channel) -> bool {
        if is_mine(channel.as_str()) { agent.is_some() } else { self.audience(channel).includes(agent) }
    }

    /// Whether some rule is for a channel, and it is no agent's own feed.
    pub fn covers(&self, channel: &Channel) -> bool {
        !is_mine(channel.as_str()) && self.rule(channel).is_some()
    }

    /// Whether something may be kept that a pattern matches.
    pub fn may_keep(&self, pattern: &Pattern) -> bool {
        self.0.iter().any(|rule| rule.store != Store::Volatile && rule.pattern.meets(pattern))
    }

    /// Whether an agent may be told something that a pattern matches and that is in memory only.
    pub fn may_forget(&self, agent: Option<&AgentId>, pattern: &Pattern) -> bool {
        if is_mine(pattern.as_str()) || pattern.family() != Family::Broadcast {
            return false;
        }
        if let Ok(services) = Channel::parse(SERVICES)
            && pattern.matches(&services)
            && self.covers(&services)
            && self.store(&services) == Store::Volatile
            && self.may_hear(agent, &services)
        {
            return true;
        }
        for rule in self.0.iter().filter(|rule| rule.pattern.meets(pattern)) {
            if rule.store == Store::Volatile && rule.subscribe.includes(agent) {
                return true;
            }
            // No later rule decides of what it matches.
            if rule.pattern.contains(pattern) {
                return false;
            }
        }
        false
    }

    /// Whether anything is kept at all.
    pub fn keep_anything(&self) -> bool {
        self.0.iter().any(|rule| rule.store != Store::Volatile)
    }

    /// Whether a channel may be published to.
    pub fn may_publish(&self, agent: Option<&AgentId>, channel: &Channel) -> bool {
        !is_mine(channel.as_str()) && self.rule(channel).is_some_and(|rule| rule.publish.includes(agent))
    }

    /// How long a publication may wait for another reason to answer a connect.
    pub fn lazy(&self, channel: &Channel) -> Option<Duration> {
        self.rule(channel).and_then(|rule| rule.lazy)
    }

    /// Whether a publisher that subscribed hears itself.
    pub fn broadcast_to_publisher(&self, channel: &Channel) -> Option<bool> {
        self.rule(channel).and_then(|rule| rule.broadcast_to_publisher)
    }

    /// Everybody who answers messages to service channels.
    pub fn upstreams(&self) -> impl Iterator<Item = &Endpoint> {
        self.0.iter().filter_map(|rule| rule.upstream.as_ref())
    }

    /// Who answers messages to a service channel.
    pub fn upstream(&self, channel: &Channel) -> Option<&Endpoint> {
        self.rule(channel).and_then(|rule| rule.upstream.as_ref())
    }

    /// What becomes of a channel's publications.
    pub fn store(&self, channel: &Channel) -> Store {
        self.rule(channel).map_or(Store::Volatile, |rule| rule.store)
    }
}

impl Store {
    /// Whether publications are written down before they are answered.
    pub fn keep(self) -> Keep {
        match self {
            Self::Durable { .. } => Keep::Stored,
            Self::Volatile => Keep::Volatile,
        }
    }
}

/// The log keeps the history of durable channels.
impl Retention for Rules {
    fn of(&self, subject: &Subject) -> Retained {
        let Some(channel) = ChannelPublished::channel_of(subject) else { return Retained::Newest };
        match self.store(&channel) {
            Store::Durable { retain, .. } => Retained::History(retain),
            // Written down for its key alone, or when its rule was another one.
            Store::Volatile => Retained::Nothing,
        }
    }
}

/// Whether a wildcard is one with which desktops ask for their own feeds, or for whatever there is.
fn reaches_feeds(pattern: &Pattern) -> bool {
    if pattern.stem().is_empty() {
        return true;
    }
    let feeds = ["/v2/me", "/v2/me/**", SERVICES];
    feeds.iter().filter_map(|feed| Pattern::parse(feed).ok()).any(|feed| feed.meets(pattern))
}

fn is_mine(name: &str) -> bool {
    name.strip_prefix(MINE).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
