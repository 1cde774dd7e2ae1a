//! One request of a client on its way to its response.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::bayeux;
use crate::bayeux::{Batch, Delivery, Event, Extra, Reply, Request, TimeSync};
use crate::broker::handle::Peer;
use crate::broker::line::{Out, Shown};
use crate::broker::receipt::Fate;
use crate::broker::session_rules::Stamp;
use crate::broker::sessions::Answered;
use crate::clock;
use crate::ids::{ClientId, SessionId, WallTime};

/// One request of a client: its messages are taken in order, and its response leaves when all have their reply.
#[derive(Debug)]
pub(super) struct Conversation<T> {
    /// Who sent it.
    pub peer: Peer,
    /// Whom to tell the response.
    pub tell: T,
    /// The socket that it came from, if it came from one.
    pub line: Option<Arc<Out>>,
    /// Whether it has one message only: then a connect may be held.
    pub alone: bool,
    /// Whether there is a handshake in it: then no other message can know the session.
    pub shakes: bool,
    /// The home at which a session began by it.
    pub begins: Option<usize>,
    /// What becomes the clientId of the handshake, until it is used.
    pub fresh: Option<ClientId>,
    /// Messages that have not been looked at.
    pub requests: VecDeque<Request>,
    /// Which replies events may ride along with.
    pub delivery: Delivery,
    /// A place for each reply, in the order of the messages.
    pub replies: Vec<Option<Reply>>,
    /// Events that ride along.
    pub events: Vec<Event>,
    /// The session that it speaks for, once that is known.
    pub session: Option<SessionId>,
    /// What its next message waits for.
    pub blocked: Blocked,
    /// By which the session learns how the response fared.
    pub fate: Option<Arc<Fate>>,
    /// When it came, and what its messages say of the client's clock, if they do.
    clocks: Option<Box<Clocks>>,
}

/// What the next message of a request waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Blocked {
    /// The replies to those before it.
    ByReplies,
    /// A change of the session, or a connect of the request that is held.
    BySession,
    /// Nothing.
    No,
}

/// What is to be told of clocks in a response.
#[derive(Debug)]
struct Clocks {
    received: WallTime,
    /// By the place of the message.
    syncs: Vec<Option<TimeSync>>,
}

impl<T> Conversation<T> {
    /// A request that was not looked at yet.
    /// `fresh` becomes the clientId of a handshake in it.
    pub(super) fn new(peer: Peer, batch: Batch, tell: T, fresh: Option<ClientId>) -> Self {
        let syncs = batch.requests.iter().map(|request| request.sync);
        let syncs: Vec<Option<TimeSync>> =
            if syncs.clone().any(|sync| sync.is_some()) { syncs.collect() } else { Vec::new() };
        let clocks = (!syncs.is_empty()).then(|| Box::new(Clocks { received: clock::wall(), syncs }));
        Self {
            peer,
            tell,
            line: None,
            alone: batch.requests.len() == 1,
            shakes: batch.handshake().is_some(),
            begins: None,
            fresh,
            replies: Vec::new(),
            requests: batch.requests.into(),
            delivery: batch.delivery,
            events: Vec::new(),
            session: None,
            blocked: Blocked::No,
            fate: None,
            clocks,
        }
    }

    /// The same, from a socket.
    pub(super) fn over(self, line: Option<Arc<Out>>) -> Self {
        Self { line, ..self }
    }

    /// Takes the next message. A connect may be held for long after the last one, so then nothing is kept of them.
    pub(super) fn next(&mut self) -> Option<Request> {
        let next = self.requests.pop_front();
        if self.requests.is_empty() {
            self.requests = VecDeque::new();
        }
        next
    }

    /// Adds the next reply.
    pub(super) fn reply(&mut self, reply: Reply) {
        self.replies.push(Some(reply));
    }

    /// Reserves the next reply's place, to be [filled](Self::fill).
    pub(super) fn reserve(&mut self) -> usize {
        self.replies.push(None);
        self.replies.len() - 1
    }

    /// Fills a reserved place.
    pub(super) fn fill(&mut self, slot: usize, reply: Reply) {
        if let Some(place) = self.replies.get_mut(slot) {
            *place = Some(reply);
        }
    }

    /// Has the response carry events. Those of a session that acknowledges have no fate, and are all that it is
    /// owed: they take the place of what an earlier connect of the same request was given.
    pub(super) fn carry(&mut self, events: Vec<Event>, fate: Option<Arc<Fate>>) {
        if events.is_empty() {
            return;
        }
        match (fate, &self.fate) {
            (None, _) => self.events = events,
            (Some(fate), None) => {
                self.events = events;
                self.fate = Some(fate);
            }
            (Some(_), Some(_)) => self.events.extend(events),
        }
    }

    /// Whether its socket was opened with a browser cookie. A client without a socket was given one by then.
    pub(super) fn shown(&self) -> Shown {
        self.line.as_ref().map_or(Shown::Cookie, |line| line.shown)
    }

    /// Whether every message has its reply.
    pub(super) fn is_complete(&self) -> bool {
        self.requests.is_empty() && self.has_replies()
    }

    /// Whether every message that was looked at has its reply.
    pub(super) fn has_replies(&self) -> bool {
        self.replies.iter().all(Option::is_some)
    }

    /// The response: the replies in the order of their messages, with their time if they are to be stamped.
    pub(super) fn answer(self, stamp: Stamp) -> (T, Answered) {
        let replies: Vec<Reply> = self.replies.into_iter().flatten().collect();
        let body = match (stamp, self.clocks) {
            (Stamp::Nothing, None) => bayeux::body(&self.events, &replies),
            (stamp, clocks) => {
                let now = clock::wall();
                let time = (stamp == Stamp::Everything).then_some(now);
                bayeux::body_with(&self.events, &replies, |place| {
                    let sync = clocks.as_ref().and_then(|clocks| {
                        let sync = clocks.syncs.get(place).copied().flatten()?;
                        sync.answer(clocks.received, now)
                    });
                    Extra { sync, time }
                })
            }
        };
        (self.tell, Answered::Body { body, carries: self.session.zip(self.fate), begins: self.begins })
    }
}
