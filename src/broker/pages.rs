//! Reading what is not at hand: the next page of a session's history, and pages that are owed again. It is done off the
//! home's thread, and changes nothing.

use std::sync::Arc;

use crate::bayeux::Event;
use crate::broker::begun::{Begun, Told, hash};
use crate::broker::hearing::{asked, asks, is_owed};
use crate::broker::publications::told;
use crate::broker::settings::Settings;
use crate::ids::{Position, SessionId};
use crate::log::{Among, Log, Past, ReadError, Record, Subject};
use crate::records;
use crate::records::{ChannelPublished, Payload, Rest, SessionState};

/// What a home wants to have read.
#[derive(Debug)]
pub(super) enum Wanted {
    /// The next page of a session's history.
    Page(Box<NextPage>),
    /// The records of pages that are owed again.
    Records {
        /// Whose.
        session: SessionId,
        /// Where they are, rising.
        positions: Vec<Position>,
    },
}

/// The next page of a session's history.
#[derive(Debug)]
pub(super) struct NextPage {
    /// What the session's record says.
    pub state: SessionState,
    /// Where that record is.
    pub position: Position,
    /// How far the replays are.
    pub after: Position,
    /// How far the home is.
    pub through: Position,
    /// What of it has begun to be told.
    pub begun: Begun,
    /// Whether it hears what it published itself; `None` if that is as for all.
    pub own: Option<bool>,
    /// How many publications at most.
    pub messages: usize,
    /// How many bytes of them, unless a single one has more.
    pub bytes: usize,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Read {
    /// Whose it is.
    pub session: SessionId,
    /// What was read.
    pub what: What,
}

/// What was read.
#[derive(Debug)]
pub(super) enum What {
    /// A page.
    Page {
        /// Where the session's record was.
        position: Position,
        /// The page, or why there is none.
        page: Result<Page, Unserved>,
    },
    /// Records, or none if they cannot be read.
    Records(Vec<Arc<Record>>),
}

/// A page that was read.
#[derive(Debug)]
pub(super) struct Page {
    /// It begins just after this.
    pub after: Position,
    /// It ends with this.
    pub through: Position,
    /// Whether there was more.
    pub rest: Rest,
    /// Where its publications are.
    pub positions: Vec<Position>,
    /// They themselves.
    pub events: Vec<Event>,
    /// Of which channels they are.
    pub told: Told,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unserved {
    /// Some of it has left the history.
    #[error("history left before it was told")]
    Gone,
    /// It cannot be read.
    #[error(transparent)]
    Log(#[from] ReadError),
}

impl Wanted {
    /// Whose it is.
    pub(super) fn session(&self) -> SessionId {
        match self {
            Self::Page(next) => next.state.session,
            Self::Records { session, .. } => *session,
        }
    }

    /// Reads it.
    pub(super) fn read(&self, log: &dyn Log, settings: &Settings) -> Read {
        let what = match self {
            Self::Page(next) => What::Page { position: next.position, page: next.read(log, settings) },
            Self::Records { positions, .. } => What::Records(log.select(positions).unwrap_or_else(|error| {
                tracing::error!(%error, "history cannot be read");
                Vec::new()
            })),
        };
        Read { session: self.session(), what }
    }
}

impl NextPage {
    fn read(&self, log: &dyn Log, settings: &Settings) -> Result<Page, Unserved> {
        let rules = &settings.rules;
        let agent = self.state.agent.as_ref();
        let wanted = |channel| asks(&self.state, &channel) && rules.audience(&channel).includes(agent);
        let Self { after, through, messages, bytes, .. } = *self;
        let among: Vec<Among> = asked(&self.state).map(ChannelPublished::among).collect();
        let (positions, events, told_now) = (Vec::new(), Vec::new(), Told::new());
        let mut page = Page { after, through, rest: Rest::Nothing, positions, events, told: told_now };
        let told_before = |subject: Option<&Subject>| match subject.map(ChannelPublished::channel_of) {
            Some(channel) => channel.map_or(Position::ZERO, |channel| self.begun.told(&self.state, &channel)),
            None => self.begun.told_of_unknown(&self.state),
        };
        let mut from = after;
        loop {
            let past = Past {
                among: &among,
                wanted: &|subject| ChannelPublished::channel_of(subject).is_some_and(wanted),
                told: &told_before,
                after: from,
                through,
                records: messages,
                bytes,
            };
            let stretch = log.history(&past)?;
            // Who asks for all that is kept gets what is left of each channel, but no hole once that has begun.
            if stretch.dropped > from {
                return Err(Unserved::Gone);
            }
            for record in &stretch.records {
                if let Ok(Payload::ChannelPublished(published)) = records::decode(record)
                    && is_owed(&self.state, &published.channel, record.position)
                    && self.hears(settings, &published)
                {
                    page.positions.push(record.position);
                    page.told.push((hash(&published.channel), record.position));
                    page.events.push(told(settings, &published, record));
                }
            }
            from = stretch.through.max(from);
            if from >= through {
                return Ok(page);
            }
            if !page.events.is_empty() {
                return Ok(Page { through: from, rest: Rest::More, ..page });
            }
        }
    }

    /// Not everybody hears what is their own.
    fn hears(&self, settings: &Settings, published: &ChannelPublished) -> bool {
        let usual = || {
            let rule = settings.rules.broadcast_to_publisher(&published.channel);
            rule.unwrap_or(settings.session_rules.broadcast_to_publisher)
        };
        published.publisher != Some(self.state.session) || self.own.unwrap_or_else(usual)
    }
}
