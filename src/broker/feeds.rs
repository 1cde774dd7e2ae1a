//! An agent's own feeds for who read the state of things first: a subscription that says at which position that was is told
//! what has changed since. It is told all of it at the position of its own record.

use std::time::Instant;

use crate::bayeux::{Channel, Error, Event, Pattern, ReplayFrom};
use crate::broker::hearing::hears;
use crate::broker::resume::Torn;
use crate::broker::rules::Who;
use crate::broker::sessions::{Seat, Sessions};
use crate::ids::{AgentId, Position};
use crate::log::Record;
use crate::records;
use crate::records::{Keep, Payload, SessionState, Start};

impl<T> Sessions<T> {
    /// After which position a subscription to feeds catches up; `None` if it wants only what is new, which is all that is
    /// kept of them.
    ///
    /// # Errors
    /// What the client is told if that is not among the newest records.
    pub(super) fn catches_up(&self, pattern: &Pattern, from: ReplayFrom) -> Result<Option<Position>, Error> {
        let ReplayFrom::After(from) = from else { return Ok(None) };
        let served = self.log.floor() <= from && from <= self.log.head();
        if served { Ok(Some(from)) } else { Err(Error::replay_id_invalid(pattern)) }
    }

    /// Whether all that a session asks to catch up with may be owed at once.
    ///
    /// # Errors
    /// What the client is told if it may not.
    pub(super) fn may_catch_up(&self, state: &SessionState) -> Result<(), Error> {
        let Some((pattern, _)) = state.catch_up.first() else { return Ok(()) };
        let events = self.caught_up(state, self.applied.next(), &state.catch_up);
        let fits = events.is_ok_and(|events| {
            let bytes: usize = events.iter().map(|event| event.0.len()).sum();
            events.len() <= self.settings.queue_messages && bytes <= self.settings.queue_bytes
        });
        if fits { Ok(()) } else { Err(Error::replay_id_invalid(pattern)) }
    }

    /// The record at `at` was applied, and says that feeds catch up.
    pub(super) fn catch_up(&mut self, now: Instant, seat: Seat, at: Position, feeds: &[(Pattern, Position)]) {
        let Some(live) = self.live.get(seat) else { return };
        match self.caught_up(&live.state, at, feeds) {
            Ok(events) => {
                for event in &events {
                    self.deliver(now, seat, at, event, None, &Who::Agents);
                }
            }
            // It is told what it missed when its client comes back, or that this cannot be done.
            Err(Torn) => self.overrun(now, seat),
        }
    }

    /// What a session is owed by its record at `at`: what was told on these feeds since, but for what it heard by
    /// subscriptions of before.
    ///
    /// # Errors
    /// [`Torn`] if some of it has left the newest records.
    pub(super) fn caught_up(
        &self,
        state: &SessionState,
        at: Position,
        feeds: &[(Pattern, Position)],
    ) -> Result<Vec<Event>, Torn> {
        let (Some(agent), Some(first)) = (&state.agent, feeds.iter().map(|(_, from)| *from).min()) else {
            return Ok(Vec::new());
        };
        let mut places = Vec::new();
        self.recent.of_agent(agent, first, &mut places);
        places.retain(|place| *place < at);
        // A subscription that begins with this record has brought nothing.
        let before = state.patterns.iter().filter(|(_, start)| *start != Start::Here);
        let patterns = before.filter(|(known, _)| feeds.iter().all(|(feed, _)| feed != known));
        let others = SessionState { patterns: patterns.cloned().collect(), ..state.clone() };
        let mut out = Vec::new();
        for place in places {
            let record = self.log.recall(place).ok_or(Torn)?;
            let Ok(payload) = records::decode(&record) else { continue };
            for (channel, event) in self.of_feeds(Some(agent), &record, &payload) {
                let wanted = feeds.iter().any(|(feed, from)| *from < place && feed.matches(&channel));
                if wanted && !hears(&others, &channel, place, Keep::Volatile) {
                    out.push(event);
                }
            }
        }
        if self.log.floor() > first { Err(Torn) } else { Ok(out) }
    }

    /// What a record tells an agent on its own feeds.
    pub(super) fn of_feeds(
        &self,
        agent: Option<&AgentId>,
        record: &Record,
        payload: &Payload,
    ) -> Vec<(Channel, Event)> {
        match payload {
            Payload::AgentChanged(changed) if Some(&changed.voice.agent) == agent => {
                let told = changed.events.iter();
                told.filter_map(|event| self.render_agent(&changed.voice, *event, record.time)).collect()
            }
            Payload::CallChanged(changed) => {
                let told = changed.events.iter().enumerate().filter(|(_, event)| Some(&event.to.agent) == agent);
                let told = told.map(|(index, _)| self.render(&changed.family, &changed.events, index, record.time));
                told.flatten().collect()
            }
            Payload::AgentChanged(_)
            | Payload::ChannelPublished(_)
            | Payload::Direct(_)
            | Payload::LogOpened
            | Payload::LoginEnded(_)
            | Payload::Page(_)
            | Payload::SessionEnded(_)
            | Payload::SessionState(_) => Vec::new(),
        }
    }
}
