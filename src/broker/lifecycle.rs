//! How a session comes, is served, falls behind, comes back and goes.

use std::sync::Arc;
use std::time::Instant;

use crate::bayeux::{Answer, ConnectKey, Delivery, Error, Pattern, Reply, ReplyAdvice, Session};
use crate::broker::adjustment::Adjustment;
use crate::broker::begun::Begun;
use crate::broker::conversation::Blocked;
use crate::broker::ending::{Word, begin_again, is_told};
use crate::broker::hearing::progress;
use crate::broker::live::{Changing, Flight, Live, Paging, Stage};
use crate::broker::publications::goodbye;
use crate::broker::receipt::Fate;
use crate::broker::sessions::{Answered, Awaited, Output, Seat, Sessions, home_of};
use crate::clock;
use crate::ids::{Position, RecordId, SessionId};
use crate::log::{Expected, NewRecord, Outcome, Record};
use crate::metrics::{ConnectOutcome, EndReason, HandshakeOutcome, Label, RedeliveryCause, Transport};
use crate::records::{ChannelPublished, Direct, Keep, SessionEnded, SessionState};

impl<T> Sessions<T> {
    /// An append failed: whoever waits for it is told so.
    pub(super) fn handle_failed(&mut self, now: Instant, id: RecordId, outcome: Outcome) {
        let Some(awaited) = self.awaited.remove(&id) else { return };
        let error = match outcome {
            Outcome::Appended(_) | Outcome::Full | Outcome::Unknown => Error::log_unavailable(),
            Outcome::Conflict => Error::session_unknown(),
        };
        self.fail(now, awaited, error);
    }

    /// What was waited for will not come.
    pub(super) fn fail(&mut self, now: Instant, awaited: Awaited, error: Error) {
        match awaited {
            Awaited::Change { key, slot, reply, session } => {
                let reply = refused(reply, error);
                self.complete(now, Awaited::Change { key, slot, reply, session });
            }
            Awaited::Handshake { key, slot, id, agent, remote, .. } => {
                self.shaken(agent.as_ref());
                self.leave(&remote);
                let advice = ReplyAdvice { interval: Some(self.settings.max_interval), ..ReplyAdvice::HANDSHAKE };
                self.metrics.handshakes_total.of(HandshakeOutcome::Busy).inc();
                self.fill(key, slot, Reply::HandshakeFailed { id, error, advice });
                self.finish(now, key);
            }
            Awaited::Nobody => {}
            Awaited::Page { session, .. } => self.page_failed(now, session),
            Awaited::Publication { key, slot, reply } => {
                self.fill(key, slot, refused(reply, error));
                self.go_on(now, key);
            }
            Awaited::Settled { session } => self.settled(now, session),
        }
    }

    /// What was waited for has come.
    pub(super) fn complete(&mut self, now: Instant, awaited: Awaited) {
        match awaited {
            Awaited::Change { key, slot, reply, session } => {
                self.fill(key, slot, reply);
                self.resume(now, key);
                self.settled(now, session);
                self.dismiss_orphans(now, key);
            }
            Awaited::Handshake { key, slot, id, agent, client, remote } => {
                self.shaken(agent.as_ref());
                let seat = self.seats.get(&client.session()).copied();
                match seat.and_then(|seat| self.live.get_mut(seat)) {
                    None => self.leave(&remote),
                    Some(live) => live.remote = remote,
                }
                self.begin_at(now, key);
                self.welcome(key, slot, id, client);
                self.finish(now, key);
            }
            Awaited::Nobody => {}
            Awaited::Page { session, .. } => self.settled(now, session),
            Awaited::Publication { key, slot, reply } => {
                self.fill(key, slot, reply);
                self.go_on(now, key);
            }
            Awaited::Settled { session } => self.settled(now, session),
        }
    }

    /// A change of a session's record is no longer under way: those that waited for it go on.
    fn settled(&mut self, now: Instant, session: SessionId) {
        self.departed.ending.remove(&session);
        let Some(seat) = self.seats.get(&session).copied() else { return };
        let Some(live) = self.live.get_mut(seat) else { return };
        live.changing = Changing::Nothing;
        self.release_waiting(now, seat);
        self.turn_page(seat);
    }

    /// Those that waited for a session go on.
    pub(super) fn release_waiting(&mut self, now: Instant, seat: Seat) {
        while let Some(next) = self.next_waiting(seat) {
            self.resume(now, next);
        }
    }

    fn next_waiting(&mut self, seat: Seat) -> Option<ConnectKey> {
        let live = self.live.get_mut(seat)?;
        if live.changing == Changing::Nothing { live.waiting.pop_front() } else { None }
    }

    pub(super) fn resume(&mut self, now: Instant, key: ConnectKey) {
        if let Some(conversation) = self.conversations.get_mut(&key) {
            conversation.blocked = Blocked::No;
            self.advance(now, key);
        }
    }

    /// A session's record was applied.
    pub(super) fn apply_session(&mut self, now: Instant, record: &Record, mut state: SessionState) {
        if home_of(&self.settings, state.agent.as_ref(), state.cookie, state.session) != self.home {
            return;
        }
        let catch_up = std::mem::take(&mut state.catch_up);
        if !catch_up.is_empty() {
            self.recent.owed(state.session, record.position, self.log.floor());
        }
        let Some(seat) = self.seats.get(&state.session).copied() else {
            let stage = match self.awaited.get(&record.id) {
                Some(Awaited::Handshake { .. }) => {
                    Stage::Streaming(Session::new(now, self.terms(&state, Adjustment::default()), record.position))
                }
                // A session that was alive then was given its seat when the sessions were restored.
                _ if record.position <= self.restored => return,
                _ if self.departed.ending.contains(&state.session) => return,
                _ if state.ack || state.cursor.is_some() => Stage::Behind { ends: now + self.settings.resume },
                _ => {
                    // It ended here while this change of it was on its way, or its handshake was given up.
                    let expected = Expected::At(record.position);
                    return self.append_end(state.session, expected, EndReason::Lost, Awaited::Nobody);
                }
            };
            self.seat(now, state, record.position, stage);
            return;
        };
        let Some(live) = self.live.get_mut(seat) else { return };
        if record.position <= live.position {
            return;
        }
        if let Stage::Streaming(_) = live.stage {
            for (gone, _) in live.state.patterns.iter().filter(|(known, _)| !has(&state, known)) {
                self.subscriptions.remove(gone, seat);
            }
            for (new, _) in state.patterns.iter().filter(|(known, _)| !has(&live.state, known)) {
                self.subscriptions.insert(new, seat);
            }
        }
        // It may hear something else from now on, and so be waited for by others.
        let slow = std::mem::take(&mut live.slow);
        let before = std::mem::replace(&mut live.state, state);
        live.position = record.position;
        if progress(&live.state).is_none() {
            live.begun = Begun::Nothing;
        }
        if slow {
            self.total.crowd.leave(&before);
            self.weigh(seat);
        }
        if !catch_up.is_empty() {
            self.catch_up(now, seat, record.position, &catch_up);
        }
    }

    /// Gives a session its seat.
    pub(super) fn seat(&mut self, now: Instant, mut state: SessionState, position: Position, stage: Stage) {
        // That is its record's, and no part of what it goes on with.
        state.catch_up.clear();
        let (session, agent, cookie) = (state.session, state.agent.clone(), state.cookie);
        let seat = self.live.insert(Live::new(now, state, position, stage));
        self.seats.insert(session, seat);
        if let Some(cookie) = cookie {
            self.browsers.enter(cookie, seat);
        }
        if let Some(agent) = agent {
            self.agents.entry(agent).or_default().insert(seat);
        }
        self.total.add();
        self.rearm(seat);
    }

    /// A session's time is up. One that acknowledges can still be resumed for a while.
    pub(super) fn expire(&mut self, now: Instant, seat: Seat) {
        let Some(live) = self.live.get(seat) else { return };
        match live.stage {
            Stage::Streaming(_) if live.state.ack => self.fall_behind(now, seat),
            Stage::Behind { .. } | Stage::Streaming(_) => {
                let (session, position) = (live.state.session, live.position);
                self.end(now, session, position, EndReason::Expired);
            }
        }
    }

    /// A parked connect gets what is owed so far; the rest is read from the ring when the client comes back.
    pub(super) fn fall_behind(&mut self, now: Instant, seat: Seat) {
        let advice = self.come_back(self.settings.interval);
        self.with_session(seat, |session| session.handle_release(now, advice));
        self.flush(now, seat);
        self.detach(seat);
        let Some(live) = self.live.get_mut(seat) else { return };
        if std::mem::take(&mut live.slow) {
            self.total.crowd.leave(&live.state);
        }
        live.stage = Stage::Behind { ends: now + self.settings.resume };
        live.paging = Paging::Idle;
        live.in_flight.clear();
        for (pattern, _) in &live.state.patterns {
            self.subscriptions.remove(pattern, seat);
        }
        self.rearm(seat);
    }

    /// A session is over.
    pub(super) fn remove(&mut self, now: Instant, session: SessionId, reason: EndReason) {
        let Some(seat) = self.seats.remove(&session) else { return };
        let Some(mut live) = self.live.try_remove(seat) else { return };
        self.lighten(&mut live);
        let word = self.word(&live, reason);
        self.leave(&live.remote);
        self.metrics.sessions_ended_total.of(reason).inc();
        self.total.remove();
        if let Some(deadline) = live.deadline {
            self.deadlines.remove(&(deadline, seat));
        }
        if let Some(attached) = &live.attached {
            self.forget_line(attached.line(), seat);
            self.part_from(attached, word.as_ref());
        }
        for (pattern, _) in &live.state.patterns {
            self.subscriptions.remove(pattern, seat);
        }
        if let Some(cookie) = live.state.cookie {
            self.browsers.leave(cookie, seat);
        }
        if let Some(agent) = &live.state.agent
            && let Some(seats) = self.agents.get_mut(agent)
        {
            seats.remove(&seat);
            if seats.is_empty() {
                self.agents.remove(agent);
            }
        }
        let later = reason == EndReason::LoggedOut || !live.is_parked();
        if later && let Some(word) = word.clone().filter(|_| is_told(reason)) {
            self.depart(now, &live.state, word);
        }
        if let Stage::Streaming(stream) = live.stage {
            self.let_go(now, stream, word.as_ref());
        }
        self.dismiss_waiting(now, live.changing, live.waiting);
    }

    /// A session ends here, before its record says so.
    pub(super) fn end(&mut self, now: Instant, session: SessionId, position: Position, reason: EndReason) {
        let seat = self.seats.get(&session).and_then(|seat| self.live.get(*seat));
        // A change that is on its way comes first, and must not keep the session alive.
        let changing = seat.is_some_and(|live| live.changing != Changing::Nothing);
        let expected = if changing { Expected::Any } else { Expected::At(position) };
        self.departed.ending.insert(session);
        self.append_end(session, expected, reason, Awaited::Settled { session });
        self.remove(now, session, reason);
    }

    /// Answers the parked connect of a session that is over: after a disconnect with what is owed, if the server wanted
    /// it so with word of that, else that the client must handshake.
    fn let_go(&mut self, now: Instant, mut stream: Session, word: Option<&Word>) {
        stream.handle_farewell();
        stream.handle_release(now, ReplyAdvice::NONE);
        while let Some(answer) = stream.poll_answer(now, self.applied) {
            let answer = match (answer, word) {
                (Answer::Reply { key, mut events, reply }, Some(Word::Away)) => {
                    events.push(goodbye(&self.settings));
                    Answer::Reply { key, events, reply }
                }
                (Answer::Reply { key, reply: Reply::Connect { id, .. }, .. }, Some(Word::Handshake(error))) => {
                    Answer::Reply { key, events: Vec::new(), reply: begin_again(id, error.clone()) }
                }
                (answer @ (Answer::Reply { .. } | Answer::Superseded(_)), _) => answer,
            };
            self.answer_connect(now, None, answer);
        }
    }

    /// Answers what can be answered of a session's connects, and arms its timer.
    pub(super) fn flush(&mut self, now: Instant, seat: Seat) {
        let cursor = self.applied;
        let Some(live) = self.live.get_mut(seat) else { return };
        live.dirty = false;
        self.settle(now, seat);
        self.push(now, seat);
        while let Some(Live { stage: Stage::Streaming(session), .. }) = self.live.get_mut(seat) {
            let Some(answer) = session.poll_answer(now, cursor) else { break };
            self.answer_connect(now, Some(seat), answer);
        }
        if self.weigh(seat) || self.live.get(seat).is_some_and(Live::await_word) {
            return self.flush(now, seat);
        }
        self.count_dropped(seat);
        self.turn_page(seat);
        self.rearm(seat);
    }

    fn answer_connect(&mut self, now: Instant, seat: Option<Seat>, answer: Answer) {
        match answer {
            Answer::Reply { key, events, reply } => {
                let transport = self.transport(key);
                self.count_answer(&reply, events.len(), transport);
                let fate = if events.is_empty() { None } else { self.track(seat, key, events.len()) };
                let Some(conversation) = self.conversations.get_mut(&key) else { return };
                conversation.reply(reply);
                conversation.carry(events, fate);
                conversation.blocked = Blocked::No;
                self.advance(now, key);
            }
            Answer::Superseded(key) => self.supersede(key),
        }
    }

    /// Another one took the place of a connect.
    pub(super) fn supersede(&mut self, key: ConnectKey) {
        self.metrics.connects_total.of(ConnectOutcome::Superseded).inc();
        if let Some(conversation) = self.conversations.remove(&key) {
            let answer = Answered::Superseded;
            self.outputs.push_back(Output::Answer { tell: conversation.tell, answer });
        }
    }

    fn count_answer(&self, reply: &Reply, events: usize, transport: Transport) {
        let refused = matches!(reply, Reply::Connect { error: Some(_), .. });
        let outcome = match events {
            _ if refused => ConnectOutcome::Refused,
            0 => ConnectOutcome::Answered,
            _ => ConnectOutcome::Delivered,
        };
        self.metrics.connects_total.of(outcome).inc();
        self.count_delivered(events, transport);
    }

    fn count_delivered(&self, events: usize, transport: Transport) {
        self.metrics.deliveries_total.of(transport).inc_by(count(events));
    }

    /// How a request came.
    fn transport(&self, key: ConnectKey) -> Transport {
        let line = self.conversations.get(&key).is_some_and(|conversation| conversation.line.is_some());
        if line { Transport::Websocket } else { Transport::LongPolling }
    }

    /// Learns how the responses fared that carried a session's events.
    pub(super) fn settle(&mut self, now: Instant, seat: Seat) {
        let Some(live) = self.live.get_mut(seat) else { return };
        let lost = live.settle(now);
        // Nearly always none: a counter that every home shares is left alone then.
        if lost > 0 {
            self.metrics.redeliveries_total.of(RedeliveryCause::Lost).inc_by(count(lost));
        }
    }

    /// Remembers a response whose fate matters: one that carries events of a session that does not acknowledge.
    fn track(&mut self, seat: Option<Seat>, key: ConnectKey, events: usize) -> Option<Arc<Fate>> {
        let live = self.live.get_mut(seat?)?;
        let again = events.saturating_sub(std::mem::take(&mut live.fresh));
        if live.state.ack {
            self.metrics.redeliveries_total.of(RedeliveryCause::Unacknowledged).inc_by(count(again));
            return None;
        }
        let earlier = self.conversations.get(&key).and_then(|conversation| conversation.fate.clone());
        let fate = earlier.unwrap_or_default();
        if progress(&live.state).is_some() {
            // The next page is due once this is written.
            fate.await_word();
        }
        live.in_flight.push(Flight { key, fate: Arc::clone(&fate), events });
        Some(fate)
    }

    /// Has the reply to a handshake carry what is owed. Says how many messages.
    pub(super) fn carry_with_handshake(&mut self, key: ConnectKey, seat: Seat) -> usize {
        let cursor = self.applied;
        let Some(Live { stage: Stage::Streaming(session), .. }) = self.live.get_mut(seat) else { return 0 };
        let events = session.poll_first(key, cursor);
        let count = events.len();
        self.count_delivered(count, self.transport(key));
        let fate = if events.is_empty() { None } else { self.track(Some(seat), key, count) };
        if let Some(conversation) = self.conversations.get_mut(&key) {
            conversation.carry(events, fate);
        }
        count
    }

    /// Sends a request's response if every message has its reply.
    pub(super) fn finish(&mut self, now: Instant, key: ConnectKey) {
        let Some(conversation) = self.conversations.get(&key) else { return };
        if conversation.blocked != Blocked::No || !conversation.is_complete() {
            return;
        }
        let seat = conversation.session.and_then(|session| self.seats.get(&session).copied());
        if let Some(seat) = seat {
            // What a socket is owed goes before the answer.
            self.push(now, seat);
        }
        let Some(conversation) = self.conversations.get(&key) else { return };
        if conversation.events.is_empty()
            && !conversation.shakes
            && conversation.delivery == Delivery::AnyReply
            && let Some(seat) = seat
            && let Some(Live { stage: Stage::Streaming(session), .. }) = self.live.get_mut(seat)
        {
            let events = session.poll_ride(now, key);
            self.count_delivered(events.len(), self.transport(key));
            let fate = if events.is_empty() { None } else { self.track(Some(seat), key, events.len()) };
            if let Some(conversation) = self.conversations.get_mut(&key) {
                conversation.carry(events, fate);
            }
        }
        if let Some(conversation) = self.conversations.remove(&key) {
            let (tell, answer) = conversation.answer(self.settings.session_rules.stamp);
            self.outputs.push_back(Output::Answer { tell, answer });
        }
        if let Some(seat) = seat {
            self.let_apart(now, key, seat);
            match self.live.get(seat).is_some_and(Live::await_word) {
                true => self.flush(now, seat),
                false => self.rearm(seat),
            }
        }
    }

    /// Makes sure that the timer looks at a session in time. A deadline that moved later is found out when the
    /// earlier one comes, so that most deliveries leave the timers alone.
    pub(super) fn rearm(&mut self, seat: Seat) {
        let Some(live) = self.live.get_mut(seat) else { return };
        let Some(due) = live.due() else { return };
        if live.deadline.is_some_and(|armed| armed <= due) {
            return;
        }
        if let Some(armed) = live.deadline.replace(due) {
            self.deadlines.remove(&(armed, seat));
        }
        self.deadlines.insert((due, seat));
    }

    pub(super) fn append_state(&mut self, state: &SessionState, expected: Expected, awaited: Awaited) {
        self.append(state.record(RecordId::draw(), clock::wall(), expected), awaited);
    }

    pub(super) fn append_end(&mut self, session: SessionId, expected: Expected, reason: EndReason, awaited: Awaited) {
        let ended = SessionEnded { session, reason: reason.as_str().into() };
        self.append(ended.record(RecordId::draw(), clock::wall(), expected), awaited);
    }

    pub(super) fn append_publication(&mut self, published: &ChannelPublished, keep: Keep, awaited: Awaited) {
        self.append(published.record(RecordId::draw(), clock::wall(), keep), awaited);
    }

    pub(super) fn append_direct(&mut self, direct: &Direct, awaited: Awaited) {
        let keep = self.keeps(direct.session).unwrap_or(Keep::Volatile);
        self.append(direct.record(RecordId::draw(), clock::wall(), keep), awaited);
    }

    pub(super) fn append(&mut self, record: NewRecord, awaited: Awaited) {
        self.awaited.insert(record.id, awaited);
        self.outputs.push_back(Output::Append(record));
    }
}

fn count(messages: usize) -> u64 {
    u64::try_from(messages).unwrap_or(u64::MAX)
}

fn has(state: &SessionState, pattern: &Pattern) -> bool {
    state.patterns.iter().any(|(known, _)| known == pattern)
}

/// The same reply, but saying no.
fn refused(reply: Reply, error: Error) -> Reply {
    let error = Some(error);
    match reply {
        Reply::Disconnect { id, .. } => Reply::Disconnect { id, error },
        Reply::Publish { id, channel, .. } => Reply::Publish { id, channel, error },
        Reply::Subscription { id, ended, echo, .. } => Reply::Subscription { id, ended, echo, error },
        Reply::Connect { .. } | Reply::Handshake { .. } | Reply::HandshakeFailed { .. } | Reply::Invalid { .. } => {
            reply
        }
    }
}
