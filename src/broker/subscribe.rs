//! What clients ask of their subscriptions: a change of them is a change of the session's record.

use std::time::Instant;

use bytes::Bytes;

use crate::bayeux::{ConnectKey, Error, Family, MessageId, Pattern, ReplayFrom, Reply};
use crate::broker::hearing::progress;
use crate::broker::live::{Changing, Stage};
use crate::broker::rules::Rules;
use crate::broker::sessions::{Awaited, Seat, Sessions};
use crate::ids::Position;
use crate::log::Expected;
use crate::metrics::{Label, Limit};
use crate::records::{Reached, Replay, SessionState, Start};

/// What the reply to a subscribe or an unsubscribe repeats of it.
#[derive(Debug)]
pub(super) struct Told {
    /// The message's id.
    pub id: Option<MessageId>,
    /// Whether it was an unsubscribe.
    pub ended: bool,
    /// `subscription` as it was sent.
    pub echo: Bytes,
}

impl Told {
    fn reply(self, error: Option<Error>) -> Reply {
        Reply::Subscription { id: self.id, ended: self.ended, echo: self.echo, error }
    }
}

impl<T> Sessions<T> {
    /// `replay` says of some of the patterns from where on they want history.
    pub(super) fn subscribe(
        &mut self,
        now: Instant,
        key: ConnectKey,
        seat: Seat,
        patterns: &[Pattern],
        replay: &[(Pattern, ReplayFrom)],
        told: Told,
    ) {
        let Some(mut state) = self.heard(now, seat) else { return };
        let agent = state.agent.as_ref();
        let denied = patterns.iter().find(|pattern| match pattern.family() {
            Family::Broadcast => !self.settings.rules.may_subscribe(agent, pattern),
            Family::Meta => true,
            // It changes nothing: an answer goes to its asker. Clients that know no remote calls begin with it.
            Family::Service => false,
        });
        if let Some(pattern) = denied {
            let error = Error::subscribe_denied(pattern.as_str());
            return self.reply(key, told.reply(Some(error)));
        }
        // Asked last, so that only who may hear a channel learns whether it is there.
        if let Some(pattern) = patterns.iter().find(|pattern| !self.may_be_there(&state, pattern)) {
            let error = Error::create_denied(pattern.as_str());
            return self.reply(key, told.reply(Some(error)));
        }
        for pattern in patterns.iter().filter(|pattern| pattern.family() != Family::Service) {
            if !state.patterns.iter().any(|(known, _)| known == pattern) {
                state.patterns.push((pattern.clone(), Start::Here));
            }
        }
        for (pattern, from) in replay.iter().filter(|(pattern, _)| pattern.family() != Family::Service) {
            match self.begins(state.agent.as_ref(), pattern, *from) {
                Ok(Some(from)) if Rules::is_feed(pattern) => state.catch_up.push((pattern.clone(), from)),
                Ok(Some(from)) => begin(&mut state, pattern, from),
                Ok(None) => {}
                Err(error) => return self.reply(key, told.reply(Some(error))),
            }
        }
        if let Err(error) = self.may_catch_up(&state) {
            return self.reply(key, told.reply(Some(error)));
        }
        if state.patterns.len() > self.settings.subscriptions_per_session {
            self.metrics.rejected_total.of(Limit::Subscriptions).inc();
            let error = Error::limit(Limit::Subscriptions.as_str());
            return self.reply(key, told.reply(Some(error)));
        }
        let is_new = |(pattern, _): &&(Pattern, Start)| !self.subscriptions.contains(pattern);
        let created = state.patterns.iter().filter(is_new).count();
        if created > 0 && self.total.patterns() + created > self.settings.session_rules.channels {
            self.metrics.rejected_total.of(Limit::Channels).inc();
            let error = Error::limit(Limit::Channels.as_str());
            return self.reply(key, told.reply(Some(error)));
        }
        self.change(now, key, seat, state, told);
    }

    pub(super) fn unsubscribe(&mut self, now: Instant, key: ConnectKey, seat: Seat, patterns: &[Pattern], told: Told) {
        let Some(mut state) = self.heard(now, seat) else { return };
        state.patterns.retain(|(known, _)| !patterns.contains(known));
        state.replays.retain(|replay| !patterns.contains(&replay.pattern));
        self.change(now, key, seat, state, told);
    }

    /// Whether a subscription brings nothing into being that its session may not: it is a wildcard, or there already, or
    /// to a channel that is there, or that the session may create.
    fn may_be_there(&self, state: &SessionState, pattern: &Pattern) -> bool {
        if pattern.family() != Family::Broadcast || state.patterns.iter().any(|(known, _)| known == pattern) {
            return true;
        }
        let Some(channel) = pattern.channel() else { return true };
        !self.settings.rules.is_made(&channel) || self.may_create(state.agent.as_ref(), &channel)
    }

    /// A message that is no connect came: the session lives on. What it is now.
    fn heard(&mut self, now: Instant, seat: Seat) -> Option<SessionState> {
        let live = self.live.get_mut(seat)?;
        if let Stage::Streaming(session) = &mut live.stage {
            session.handle_message(now);
        }
        Some(live.state.clone())
    }

    /// Writes down a session's new state, unless nothing changed.
    fn change(&mut self, now: Instant, key: ConnectKey, seat: Seat, state: SessionState, told: Told) {
        let Some(live) = self.live.get_mut(seat) else { return };
        if live.state == state {
            return self.reply(key, told.reply(None));
        }
        // Each change is a record, and takes the place of one that somebody may need to resume.
        if let Err(error) = self.within_rate(now, seat) {
            return self.reply(key, told.reply(Some(error)));
        }
        let Some(live) = self.live.get_mut(seat) else { return };
        live.changing = Changing::Request(key);
        let expected = Expected::At(live.position);
        let slot = self.reserve(key);
        let (session, reply) = (state.session, told.reply(None));
        self.append_state(&state, expected, Awaited::Change { key, slot, reply, session });
        self.block(key);
    }
}

/// Has a subscription begin with history, also if it was there before.
fn begin(state: &mut SessionState, pattern: &Pattern, from: Position) {
    if progress(state).is_none() {
        state.begun = None;
    }
    state.replays.retain(|replay| replay.pattern != *pattern);
    state.replays.push(Replay { pattern: pattern.clone(), from, reached: Reached::UpTo(from) });
}
