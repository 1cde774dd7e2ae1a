//! Whose turn it is: messages that wait for a change of their session, and those that came behind them.

use std::time::Instant;

use crate::bayeux::{Body, ConnectKey, Request};
use crate::broker::conversation::Blocked;
use crate::broker::live::{Changing, Live};
use crate::broker::sessions::{Seat, Sessions};
use crate::ids::Position;

impl<T> Sessions<T> {
    /// Whether a message must wait until its session is at rest: one that changes it for any other change, a connect for
    /// pages that are being read again. All but connects also wait for those that came before them by the same socket
    /// and wait, or change the session: so they are carried out in their order. Over HTTP, requests that are under way
    /// together have none.
    pub(super) fn must_wait(&mut self, key: ConnectKey, seat: Seat, body: &Body) -> bool {
        if let Body::Connect { ack, .. } = body {
            return self.must_recall(seat, ack.map(Position::new));
        }
        let Some(live) = self.live.get(seat) else { return false };
        if live.changing == Changing::Nothing && live.waiting.is_empty() {
            return false;
        }
        let changes = match body {
            Body::Disconnect | Body::Subscribe { .. } | Body::Unsubscribe { .. } => live.changing != Changing::Nothing,
            Body::Connect { .. } | Body::Handshake { .. } | Body::Invalid { .. } | Body::Publish { .. } => false,
        };
        changes || self.is_behind(key, live)
    }

    /// Whether a request that waits for this session, or changes it, came before by the same socket.
    fn is_behind(&self, key: ConnectKey, live: &Live) -> bool {
        let line = |key| self.conversations.get(&key)?.line.as_ref().map(|out| out.id);
        let changes = match live.changing {
            Changing::Home | Changing::Nothing => None,
            Changing::Request(key) => Some(key),
        };
        let mut earlier = live.waiting.iter().copied().chain(changes).filter(|other| *other < key);
        line(key).is_some_and(|mine| earlier.any(|other| line(other) == Some(mine)))
    }

    /// A message waits until its session is at rest, before those of requests that came later.
    pub(super) fn put_off(&mut self, key: ConnectKey, seat: Seat, request: Request) {
        if let Some(live) = self.live.get_mut(seat) {
            let place = live.waiting.partition_point(|other| *other < key);
            live.waiting.insert(place, key);
        }
        if let Some(conversation) = self.conversations.get_mut(&key) {
            conversation.requests.push_front(request);
        }
        self.block(key);
    }
    /// A connect behind other messages of its request waits for their replies, so that it brings what they brought about.
    /// Gives the message back if it need not wait.
    pub(super) fn keep_back(&mut self, key: ConnectKey, request: Request) -> Option<Request> {
        let Some(conversation) = self.conversations.get_mut(&key) else { return Some(request) };
        let is_connect = matches!(request.body, Body::Connect { .. });
        if !is_connect || conversation.alone || conversation.has_replies() {
            return Some(request);
        }
        conversation.requests.push_front(request);
        conversation.blocked = Blocked::ByReplies;
        None
    }

    /// A reply of a request came: it is sent, or its next message was waiting for that.
    pub(super) fn go_on(&mut self, now: Instant, key: ConnectKey) {
        match self.conversations.get_mut(&key) {
            Some(conversation) if conversation.blocked == Blocked::ByReplies && conversation.has_replies() => {
                conversation.blocked = Blocked::No;
                self.advance(now, key);
            }
            Some(_) | None => self.finish(now, key),
        }
    }
}
