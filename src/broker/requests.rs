//! What clients ask for: the messages of a request are taken in order. What changes a session or is told to
//! others becomes a record first; its reply leaves once the home has applied that.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::bayeux::{
    Advice, Agreed, Body, Channel, Connect, ConnectKey, Error, Family, Hold, MessageId, Reply, ReplyAdvice, Request,
};
use crate::broker::browsers::Tab;
use crate::broker::conversation::{Blocked, Conversation};
use crate::broker::ending::begin_again;
use crate::broker::handle::{Footing, Peer};
use crate::broker::line::Shown;
use crate::broker::live::{Changing, Stage};
use crate::broker::resume::Attended;
use crate::broker::sessions::{Answered, Awaited, Output, Seat, Sessions};
use crate::broker::settings::Anonymous;
use crate::broker::subscribe::Told;
use crate::ids::{AgentId, ClientId, Position, SessionId};
use crate::log::Expected;
use crate::metrics::{ConnectOutcome, EndReason, HandshakeOutcome, Label, Limit, Source};
use crate::records::{ChannelPublished, SessionState, Start};

impl<T> Sessions<T> {
    /// Takes a client's request in.
    pub(super) fn handle_request(&mut self, now: Instant, key: ConnectKey, conversation: Conversation<T>) {
        self.conversations.insert(key, conversation);
        self.advance(now, key);
    }

    /// The client of a request is gone.
    pub(super) fn handle_gone(&mut self, now: Instant, key: ConnectKey) {
        let Some(conversation) = self.conversations.remove(&key) else { return };
        let Some(seat) = conversation.session.and_then(|session| self.seats.get(&session).copied()) else { return };
        if let Some(live) = self.live.get_mut(seat)
            && let Stage::Streaming(session) = &mut live.stage
        {
            let parked = session.is_parked();
            session.handle_lost(now, key);
            if parked && !session.is_parked() {
                live.tab = Tab::Free;
                self.metrics.connects_total.of(ConnectOutcome::Lost).inc();
            }
        }
        self.let_apart(now, key, seat);
        self.rearm(seat);
    }

    /// There is something to learn of a response that carried a session's events, or of its socket.
    pub(super) fn handle_lost(&mut self, now: Instant, session: SessionId) {
        if let Some(seat) = self.seats.get(&session).copied() {
            self.flush(now, seat);
        }
    }

    /// Takes up a request where it stopped.
    pub(super) fn advance(&mut self, now: Instant, key: ConnectKey) {
        while let Some(conversation) = self.conversations.get_mut(&key)
            && conversation.blocked == Blocked::No
        {
            let Some(request) = conversation.next() else { break };
            self.take(now, key, request);
        }
        self.finish(now, key);
    }

    pub(super) fn block(&mut self, key: ConnectKey) {
        if let Some(conversation) = self.conversations.get_mut(&key) {
            conversation.blocked = Blocked::BySession;
        }
    }

    fn take(&mut self, now: Instant, key: ConnectKey, request: Request) {
        if let Body::Handshake { ack, types } = &request.body {
            let (ack, types) = (*ack, types.clone());
            match self.conversations.get_mut(&key).and_then(|conversation| conversation.fresh.take()) {
                Some(fresh) => self.handshake(now, key, request.id, ack, types.as_deref(), fresh),
                None => self.turn_down(key, request),
            }
            return;
        }
        let Some(seat) = self.find(key, request.client.as_ref()) else {
            if !self.dismiss(now, key, &request) {
                self.turn_down(key, request);
            }
            return;
        };
        if self.must_wait(key, seat, &request.body) {
            return self.put_off(key, seat, request);
        }
        let Some(request) = self.keep_back(key, request) else { return };
        if !matches!(request.body, Body::Connect { .. }) {
            self.hold_together(key, seat);
            self.join(key, seat);
            self.is_active(now, seat);
        }
        let id = request.id;
        match request.body {
            Body::Connect { ack, advice } => self.connect(now, key, seat, id, ack, advice),
            Body::Disconnect => self.disconnect(key, seat, id),
            Body::Handshake { .. } => {}
            Body::Invalid { channel, subscription, error } => {
                self.reply(key, Reply::Invalid { id, channel, subscription, error });
            }
            Body::Publish { channel, data, binary } => self.publish(now, key, seat, id, channel, (data, binary)),
            Body::Subscribe { patterns, replay, echo } => {
                self.subscribe(now, key, seat, &patterns, &replay, Told { id, ended: false, echo })
            }
            Body::Unsubscribe { patterns, echo } => {
                self.unsubscribe(now, key, seat, &patterns, Told { id, ended: true, echo })
            }
        }
    }

    /// Answers a message of a session that nobody has, or that is not this client's.
    fn turn_down(&mut self, key: ConnectKey, request: Request) {
        if let Some(Peer { footing: Footing::Leaving, desktop, .. }) = self.conversations.get(&key).map(|c| &c.peer)
            && !(*desktop && matches!(request.body, Body::Disconnect))
        {
            return self.deny(key);
        }
        if let Body::Connect { .. } = request.body {
            self.metrics.connects_total.of(ConnectOutcome::Refused).inc();
        }
        let reply = request.session_unknown(self.unknown(key));
        self.reply(key, reply);
    }

    /// A request by a login that is over concerns none of its sessions.
    fn deny(&mut self, key: ConnectKey) {
        if let Some(conversation) = self.conversations.remove(&key) {
            self.outputs.push_back(Output::Answer { tell: conversation.tell, answer: Answered::Denied });
        }
    }

    /// The session that a request may speak for.
    fn find(&mut self, key: ConnectKey, client: Option<&ClientId>) -> Option<Seat> {
        let conversation = self.conversations.get_mut(&key)?;
        if conversation.shakes {
            return None;
        }
        let session = client?.session();
        let seat = self.seats.get(&session).copied()?;
        let state = &self.live.get(seat)?.state;
        let shown = conversation.shown();
        if !self.settings.binding.allows(&conversation.peer, shown, state.agent.as_ref(), state.cookie) {
            return None;
        }
        if conversation.peer.footing == Footing::Leaving && state.login != conversation.peer.login {
            return None;
        }
        // A response has the events of one session.
        if conversation.session.is_some_and(|other| other != session) {
            return None;
        }
        conversation.session = Some(session);
        Some(seat)
    }

    /// What this client is told of a session that nobody has.
    fn unknown(&self, key: ConnectKey) -> Error {
        let desktop = self.conversations.get(&key).is_some_and(|conversation| conversation.peer.desktop);
        if desktop { self.settings.desktop_unknown.clone() } else { Error::session_unknown() }
    }

    fn handshake(
        &mut self,
        now: Instant,
        key: ConnectKey,
        id: Option<MessageId>,
        ack: bool,
        types: Option<&[Box<str>]>,
        fresh: ClientId,
    ) {
        let Some(conversation) = self.conversations.get_mut(&key) else { return };
        let peer = conversation.peer.clone();
        if let Err((error, advice, outcome)) = self.may_handshake(now, &peer, types) {
            self.metrics.handshakes_total.of(outcome).inc();
            self.reply(key, Reply::HandshakeFailed { id, error, advice });
            return;
        }
        let session = fresh.session();
        let Some(conversation) = self.conversations.get_mut(&key) else { return };
        let cookie = if conversation.shown() == Shown::Nothing && peer.agent.is_some() {
            None
        } else {
            Some(peer.cookie.hash())
        };
        let state = SessionState {
            session,
            agent: peer.agent,
            login: peer.login,
            cookie,
            desktop: peer.desktop,
            ack,
            since: Start::Here,
            home: Arc::clone(&self.settings.node),
            patterns: Vec::new(),
            replays: Vec::new(),
            begun: None,
            catch_up: Vec::new(),
            cursor: None,
        };
        conversation.session = Some(session);
        let slot = conversation.reserve();
        let agent = state.agent.clone();
        self.total.add();
        *self.shaking.entry(agent.clone()).or_default() += 1;
        let awaited = Awaited::Handshake { key, slot, id, agent, client: fresh, remote: peer.remote };
        self.append_state(&state, Expected::Nothing, awaited);
    }

    /// A handshake is no longer under way.
    pub(super) fn shaken(&mut self, agent: Option<&AgentId>) {
        self.total.remove();
        let agent = agent.cloned();
        if let Some(shaking) = self.shaking.get_mut(&agent) {
            *shaking -= 1;
            if *shaking == 0 {
                self.shaking.remove(&agent);
            }
        }
    }

    fn may_handshake(
        &mut self,
        now: Instant,
        peer: &Peer,
        types: Option<&[Box<str>]>,
    ) -> Result<(), (Error, ReplyAdvice, HandshakeOutcome)> {
        if let Some(window) = self.draining {
            return Err((Error::draining(), self.come_back(window), HandshakeOutcome::Busy));
        }
        let is_over = peer.login.as_ref().is_some_and(|login| self.ended_logins.contains(login));
        if is_over || peer.agent.is_none() && self.settings.anonymous == Anonymous::Refuse {
            return Err((Error::handshake_denied(), ReplyAdvice::NONE, HandshakeOutcome::Refused));
        }
        if let Some(types) = types
            && !types.iter().any(|name| self.offered(peer).contains(&spoken(name)))
        {
            return Err((Error::connection_types_unsupported(types), ReplyAdvice::NONE, HandshakeOutcome::Refused));
        }
        let Err(limit) = self.has_room(now, peer) else { return Ok(()) };
        self.metrics.rejected_total.of(limit).inc();
        let later = ReplyAdvice { interval: Some(self.settings.max_interval), ..ReplyAdvice::HANDSHAKE };
        Err((Error::limit(limit.as_str()), later, HandshakeOutcome::Busy))
    }

    /// Whether there may be one more session, which then has its place.
    fn has_room(&mut self, now: Instant, peer: &Peer) -> Result<(), Limit> {
        self.within_handshakes(now, peer)?;
        self.make_room(now, peer.agent.as_ref());
        if self.total.get() >= self.settings.sessions {
            Err(Limit::Sessions)
        } else if self.is_at_quota(peer.agent.as_ref()) {
            Err(Limit::SessionsPerAgent)
        } else if !self.enter_from(peer.remote.counted()) {
            Err(Limit::SessionsPerAddress)
        } else {
            Ok(())
        }
    }

    /// The connection types that a peer may use.
    fn offered(&self, peer: &Peer) -> &'static [&'static str] {
        if peer.desktop { self.settings.transports.desktops } else { self.settings.transports.cometd }
    }

    /// Whether an agent has as many sessions as it may have.
    fn is_at_quota(&self, agent: Option<&AgentId>) -> bool {
        let Some(agent) = agent else { return false };
        let seated = self.agents.get(agent).map_or(0, BTreeSet::len);
        let shaking = self.shaking.get(&Some(agent.clone())).copied().unwrap_or_default();
        seated + shaking >= self.settings.sessions_per_agent
    }

    /// Sessions whose clients are not there do not keep an agent from another one: the one that would end first does.
    fn make_room(&mut self, now: Instant, agent: Option<&AgentId>) {
        while self.is_at_quota(agent) {
            let seats = agent.and_then(|agent| self.agents.get(agent)).into_iter().flatten();
            let behind = seats.filter_map(|seat| {
                let live = self.live.get(*seat)?;
                match live.stage {
                    Stage::Behind { ends } => Some((ends, live.state.session, live.position)),
                    Stage::Streaming(_) => None,
                }
            });
            let Some((_, session, position)) = behind.min() else { return };
            self.end(now, session, position, EndReason::Expired);
        }
    }

    /// The record of a handshake was applied: the session exists.
    pub(super) fn welcome(&mut self, key: ConnectKey, slot: usize, id: Option<MessageId>, client: ClientId) {
        self.metrics.handshakes_total.of(HandshakeOutcome::Accepted).inc();
        let seat = self.seats.get(&client.session()).copied();
        let agreed = seat.and_then(|seat| self.live.get(seat)).is_some_and(|live| live.state.ack);
        let advice = self.come_back(self.settings.interval);
        let (messages, batch) = match seat {
            Some(seat) if self.settings.session_rules.deliver_in_handshake => {
                (Some(self.carry_with_handshake(key, seat)), Some(self.applied.get()))
            }
            Some(_) | None => (None, None),
        };
        let ack = if agreed { Agreed::Acknowledge { batch } } else { Agreed::Nothing };
        let types = self.conversations.get(&key).map_or(&[][..], |conversation| self.offered(&conversation.peer));
        let replay = self.settings.rules.keep_anything();
        self.fill(key, slot, Reply::Handshake { id, client, types, advice, ack, replay, messages });
    }

    fn connect(
        &mut self,
        now: Instant,
        key: ConnectKey,
        seat: Seat,
        id: Option<MessageId>,
        ack: Option<u64>,
        advice: Option<Advice>,
    ) {
        let ack = ack.map(Position::new);
        match self.attend(now, seat, ack) {
            Attended::Part { events, through } => return self.serve_part(key, id, advice, events, through),
            Attended::Served => {}
            Attended::Over(error) => {
                self.metrics.connects_total.of(ConnectOutcome::Refused).inc();
                return self.reply(key, begin_again(id, error));
            }
        }
        self.follow(key, seat);
        let Some(conversation) = self.conversations.get(&key) else { return };
        let alone = conversation.alone;
        // A browser has as many sockets as it likes.
        let room = match conversation.line {
            None if self.is_streamed(seat) => Hold::Streamed,
            None => self.room_in_browser(now, seat),
            Some(_) => Hold::Allowed,
        };
        let hold = match room {
            Hold::Allowed if !alone => Hold::Together,
            hold @ (Hold::Allowed | Hold::Crowded(_) | Hold::Streamed | Hold::Together) => hold,
        };
        if self.turn_away(key, id.as_ref(), hold) || self.end_idle(now, key, seat, id.as_ref()) {
            return;
        }
        let cursor = self.applied;
        let draining = self.draining;
        let come_back = draining.map(|window| self.come_back(window));
        self.settle(now, seat);
        let Some(live) = self.live.get_mut(seat) else { return };
        let Stage::Streaming(session) = &mut live.stage else { return };
        let connect = Connect { key, id: id.clone(), ack, advice, hold };
        if session.handle_connect(now, connect, cursor).is_err() {
            let (session, position) = (live.state.session, live.position);
            self.end(now, session, position, EndReason::UnknownAck);
            self.metrics.connects_total.of(ConnectOutcome::Refused).inc();
            return self.reply(key, begin_again(id, self.unknown(key)));
        }
        if let Some(advice) = come_back {
            session.handle_release(now, advice);
        }
        self.block(key);
        self.flush(now, seat);
    }

    fn disconnect(&mut self, key: ConnectKey, seat: Seat, id: Option<MessageId>) {
        let Some(live) = self.live.get_mut(seat) else { return };
        live.changing = Changing::Request(key);
        let (session, position) = (live.state.session, live.position);
        let slot = self.reserve(key);
        let awaited = Awaited::Change { key, slot, reply: Reply::Disconnect { id, error: None }, session };
        self.append_end(session, Expected::At(position), EndReason::Disconnected, awaited);
        self.block(key);
    }

    fn publish(
        &mut self,
        now: Instant,
        key: ConnectKey,
        seat: Seat,
        id: Option<MessageId>,
        channel: Channel,
        (data, binary): (Bytes, Option<Bytes>),
    ) {
        let Some(live) = self.live.get_mut(seat) else { return };
        if let Stage::Streaming(session) = &mut live.stage {
            session.handle_message(now);
        }
        let session = live.state.session;
        let agent = live.state.agent.clone();
        if let Err(error) = self.within_limits(now, seat, &channel) {
            return self.reply(key, Reply::Publish { id, channel, error: Some(error) });
        }
        match channel.family() {
            Family::Service => self.serve(key, (session, agent), id, channel, data),
            Family::Meta => {
                let error = Some(Error::service_unknown(&channel));
                self.reply(key, Reply::Publish { id, channel, error });
            }
            Family::Broadcast if !self.settings.rules.may_publish(agent.as_ref(), &channel) => {
                let error = Some(Error::publish_denied("denied_by_rule"));
                self.reply(key, Reply::Publish { id, channel, error });
            }
            Family::Broadcast if !self.may_create(agent.as_ref(), &channel) => {
                let error = Some(Error::channel_create_denied("denied_by_rule"));
                self.reply(key, Reply::Publish { id, channel, error });
            }
            Family::Broadcast => {
                let keep = self.settings.rules.store(&channel).keep();
                if let Err(error) = self.within_durable_channels(&channel, keep) {
                    return self.reply(key, Reply::Publish { id, channel, error: Some(error) });
                }
                let published = ChannelPublished { channel, data, binary, publisher: Some(session), key: None };
                self.metrics.publications_total.of(Source::Client).inc();
                let slot = self.reserve(key);
                let reply = Reply::Publish { id, channel: published.channel.clone(), error: None };
                self.append_publication(&published, keep, Awaited::Publication { key, slot, reply });
            }
        }
    }

    /// Whether a channel may be published or subscribed to for all that `create` says: by those it names, or by anybody
    /// once something was published there that is kept, or is among the newest records.
    pub(super) fn may_create(&self, agent: Option<&AgentId>, channel: &Channel) -> bool {
        self.settings.rules.may_create(agent, channel)
            || self.recent.knows(channel, self.log.floor())
            || self.log.lives(&ChannelPublished::subject(channel))
    }

    pub(super) fn reply(&mut self, key: ConnectKey, reply: Reply) {
        if let Some(conversation) = self.conversations.get_mut(&key) {
            conversation.reply(reply);
        }
    }

    pub(super) fn reserve(&mut self, key: ConnectKey) -> usize {
        self.conversations.get_mut(&key).map_or(0, Conversation::reserve)
    }

    pub(super) fn fill(&mut self, key: ConnectKey, slot: usize, reply: Reply) {
        if let Some(conversation) = self.conversations.get_mut(&key) {
            conversation.fill(slot, reply);
        }
    }
}

/// The name here of a connection type. Faye's for long-polling in pages of other origins is no other on the wire.
fn spoken(name: &str) -> &str {
    if name == "cross-origin-long-polling" { "long-polling" } else { name }
}
