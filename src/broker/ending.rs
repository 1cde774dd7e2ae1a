//! Sessions that the server ends: their clients are told to go, and not to come back.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use crate::bayeux::{Body, ConnectKey, Event, MessageId, Reply, ReplyAdvice, Request};
use crate::broker::sessions::Sessions;
use crate::ids::{AgentId, CookieHash, SessionId};
use crate::metrics::{ConnectOutcome, EndReason};
use crate::records::SessionState;

/// Sessions that the server ended while no connect was parked, for as long as their clients may come back. At most
/// [`MOST`]; the oldest give way, and their clients are told to handshake instead.
#[derive(Debug, Default)]
pub(super) struct Departed {
    sessions: BTreeMap<SessionId, Departure>,
    order: VecDeque<(Instant, SessionId)>,
    /// Sessions whose end is on its way to the log: what comes of them before it changes nothing.
    pub(super) ending: BTreeSet<SessionId>,
}

/// Whose it was.
#[derive(Debug)]
struct Departure {
    agent: Option<AgentId>,
    cookie: Option<CookieHash>,
}

const MOST: usize = 4096;

/// Whether the client is told that its session was ended, and not that it must handshake.
pub(super) fn is_told(reason: EndReason) -> bool {
    match reason {
        EndReason::Ended | EndReason::Idle => true,
        EndReason::Disconnected
        | EndReason::Expired
        | EndReason::HistoryLost
        | EndReason::Lagged
        | EndReason::Lost
        | EndReason::Overrun
        | EndReason::UnknownAck => false,
    }
}

impl Departed {
    fn insert(&mut self, now: Instant, until: Instant, session: SessionId, departure: Departure) {
        while self.order.len() >= MOST || self.order.front().is_some_and(|(until, _)| *until <= now) {
            let Some((_, oldest)) = self.order.pop_front() else { break };
            self.sessions.remove(&oldest);
        }
        self.order.push_back((until, session));
        self.sessions.insert(session, departure);
    }
}

impl<T> Sessions<T> {
    /// Ends a session, if it is one of this home's.
    pub(super) fn handle_end(&mut self, now: Instant, session: SessionId, reason: EndReason) -> bool {
        let Some(live) = self.seats.get(&session).and_then(|seat| self.live.get(*seat)) else { return false };
        let position = live.position;
        self.end(now, session, position, reason);
        true
    }

    /// Remembers a session that was ended behind its client's back, until its client would have been late.
    pub(super) fn depart(&mut self, now: Instant, state: &SessionState) {
        let wait = self.settings.interval.saturating_add(self.settings.max_interval);
        let until = now.checked_add(wait).unwrap_or(now);
        let departure = Departure { agent: state.agent.clone(), cookie: state.cookie };
        self.departed.insert(now, until, state.session, departure);
    }

    /// Answers a connect of a session that the server ended. `false` if it is none.
    pub(super) fn dismiss(&mut self, now: Instant, key: ConnectKey, request: &Request) -> bool {
        let (Body::Connect { .. }, Some(client)) = (&request.body, &request.client) else { return false };
        let session = client.session();
        let Some(departure) = self.departed.sessions.get(&session) else { return false };
        let Some(conversation) = self.conversations.get(&key) else { return false };
        // A response has the events of one session, and a handshake's the reply to nothing else.
        if conversation.shakes || conversation.session.is_some_and(|other| other != session) {
            return false;
        }
        let theirs = self.settings.binding.allows(
            &conversation.peer,
            conversation.shown(),
            departure.agent.as_ref(),
            departure.cookie,
        );
        let late = self.departed.order.iter().any(|(until, ended)| *ended == session && *until <= now);
        if !theirs || late {
            return false;
        }
        self.send_away(key, request.id.clone());
        true
    }

    /// Answers a connect with word of the end of its session.
    pub(super) fn send_away(&mut self, key: ConnectKey, id: Option<MessageId>) {
        let Some(conversation) = self.conversations.get_mut(&key) else { return };
        self.metrics.connects_total.of(ConnectOutcome::Answered).inc();
        // After what an earlier connect of the same request was given.
        conversation.events.push(Event::disconnect());
        conversation.reply(Reply::Connect { id, error: None, advice: Some(ReplyAdvice::NONE), ack: None });
    }
}
