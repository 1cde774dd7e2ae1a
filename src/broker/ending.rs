//! Sessions that the server ends: their clients are told to go, and not to come back.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use crate::bayeux::{Body, ConnectKey, Error, MessageId, Reply, ReplyAdvice, Request};
use crate::broker::handle::Footing;
use crate::broker::live::{Changing, Live};
use crate::broker::publications::goodbye;
use crate::broker::sessions::{Sessions, home_of_agent};
use crate::broker::slow::limit_of;
use crate::ids::{AgentId, CookieHash, LoginId, Position, SessionId};
use crate::log::Record;
use crate::metrics::{ConnectOutcome, EndReason, Label};
use crate::records;
use crate::records::{LoginEnded, Payload, SessionState};

/// Sessions that the server ended while no connect was parked, for as long as their clients may come back. At most
/// [`MOST`]; the oldest give way, and their clients are told to handshake instead.
#[derive(Debug, Default)]
pub(super) struct Departed {
    sessions: BTreeMap<SessionId, Departure>,
    order: VecDeque<(Instant, SessionId)>,
    /// Sessions whose end is on its way to the log: what comes of them before it changes nothing.
    pub(super) ending: BTreeSet<SessionId>,
}

/// Whose it was, and what its client is told.
#[derive(Debug)]
struct Departure {
    agent: Option<AgentId>,
    login: Option<LoginId>,
    cookie: Option<CookieHash>,
    /// Nothing once it disconnected.
    word: Option<Word>,
}

/// What the client of a session that is over is told.
#[derive(Clone, Debug)]
pub(super) enum Word {
    /// To go, and not to come back.
    Away,
    /// To handshake, and why.
    Handshake(Error),
}

const MOST: usize = 4096;

/// A connect's reply to a client that must handshake.
pub(super) fn begin_again(id: Option<MessageId>, error: Error) -> Reply {
    Reply::Connect { id, error: Some(error), advice: Some(ReplyAdvice::HANDSHAKE), ack: None }
}

/// Whether the client is told why its session ended when it comes back: it is to go, or was owed too much. Of any other nothing
/// is known then.
pub(super) fn is_told(reason: EndReason) -> bool {
    match reason {
        EndReason::Ended | EndReason::Idle | EndReason::LoggedOut | EndReason::Overrun => true,
        EndReason::Disconnected
        | EndReason::Expired
        | EndReason::HistoryLost
        | EndReason::Lagged
        | EndReason::Lost
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
    /// A session is over that these requests waited for. Behind the one that changed it, such as that which ended it, they
    /// go on once that has its reply.
    pub(super) fn dismiss_waiting(&mut self, now: Instant, changing: Changing, waiting: VecDeque<ConnectKey>) {
        match changing {
            Changing::Request(first) if !waiting.is_empty() => {
                self.orphans.entry(first).or_default().extend(waiting);
            }
            Changing::Home | Changing::Nothing | Changing::Request(_) => {
                for key in waiting {
                    self.resume(now, key);
                }
            }
        }
    }

    /// A request that changed a session has its reply.
    pub(super) fn dismiss_orphans(&mut self, now: Instant, first: ConnectKey) {
        for key in self.orphans.remove(&first).unwrap_or_default() {
            self.resume(now, key);
        }
    }

    /// Ends a session, if it is one of this home's.
    pub(super) fn handle_end(&mut self, now: Instant, session: SessionId, reason: EndReason) -> bool {
        let Some(live) = self.seats.get(&session).and_then(|seat| self.live.get(*seat)) else { return false };
        let position = live.position;
        self.end(now, session, position, reason);
        true
    }

    /// A login is over: so are the sessions that were begun by it. Or it need not be known any more.
    pub(super) fn apply_login(&mut self, now: Instant, record: &Record, ended: &LoginEnded) {
        if home_of_agent(&ended.agent, self.settings.homes) != self.home {
            return;
        }
        if record.ends {
            self.ended_logins.remove(&ended.login);
            return;
        }
        self.ended_logins.insert(ended.login.clone());
        let seats = self.agents.get(&ended.agent).into_iter().flatten();
        let begun: Vec<(SessionId, Position)> = seats
            .filter_map(|seat| self.live.get(*seat))
            .filter(|live| live.state.login.as_ref() == Some(&ended.login))
            .map(|live| (live.state.session, live.position))
            .collect();
        for (session, position) in begun {
            self.end(now, session, position, EndReason::LoggedOut);
        }
    }

    /// Learns which logins are over.
    pub(super) fn restore_logins(&mut self) {
        for subject in self.log.subjects(LoginEnded::SUBJECTS) {
            match self.log.newest(&subject).map(|record| record.as_deref().map(records::decode)) {
                Ok(Some(Ok(Payload::LoginEnded(ended)))) => {
                    self.ended_logins.insert(ended.login);
                }
                Ok(Some(Ok(_)) | None) => {}
                Ok(Some(Err(error))) => tracing::error!(%error, "a login that is over cannot be restored"),
                Err(error) => tracing::error!(%error, "a login that is over cannot be restored"),
            }
        }
    }

    /// What the client of a session is told that is over; nothing if it said goodbye itself.
    pub(super) fn word(&self, live: &Live, reason: EndReason) -> Option<Word> {
        // Desktops compare the text.
        let desktop = live.state.desktop;
        match reason {
            EndReason::Disconnected => None,
            EndReason::Ended | EndReason::Idle | EndReason::LoggedOut => Some(Word::Away),
            EndReason::Overrun if !desktop => Some(Word::Handshake(Error::limit(limit_of(live).as_str()))),
            EndReason::Expired
            | EndReason::HistoryLost
            | EndReason::Lagged
            | EndReason::Lost
            | EndReason::Overrun
            | EndReason::UnknownAck => {
                let desktops = || self.settings.desktop_unknown.clone();
                Some(Word::Handshake(if desktop { desktops() } else { Error::session_unknown() }))
            }
        }
    }

    /// Remembers a session that was ended behind its client's back, until its client would have been late.
    pub(super) fn depart(&mut self, now: Instant, state: &SessionState, word: Word) {
        let wait = self.settings.interval.saturating_add(self.settings.max_interval);
        let until = now.checked_add(wait).unwrap_or(now);
        let departure = Departure {
            agent: state.agent.clone(),
            login: state.login.clone(),
            cookie: state.cookie,
            word: Some(word),
        };
        self.departed.insert(now, until, state.session, departure);
    }

    /// Answers a connect or a disconnect of a session that the server ended. `false` if it is none.
    pub(super) fn dismiss(&mut self, now: Instant, key: ConnectKey, request: &Request) -> bool {
        let (Body::Connect { .. } | Body::Disconnect, Some(client)) = (&request.body, &request.client) else {
            return false;
        };
        let session = client.session();
        let Some(departure) = self.departed.sessions.get_mut(&session) else { return false };
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
        let by_another = conversation.peer.footing == Footing::Leaving && departure.login != conversation.peer.login;
        if !theirs || late || by_another {
            return false;
        }
        match request.body {
            Body::Connect { .. } => match departure.word.clone() {
                None => return false,
                Some(Word::Away) => self.send_away(key, request.id.clone()),
                Some(Word::Handshake(error)) => {
                    self.metrics.connects_total.of(ConnectOutcome::Refused).inc();
                    self.reply(key, begin_again(request.id.clone(), error));
                }
            },
            Body::Disconnect => {
                departure.word = None;
                self.reply(key, Reply::Disconnect { id: request.id.clone(), error: None });
            }
            Body::Handshake { .. }
            | Body::Invalid { .. }
            | Body::Publish { .. }
            | Body::Subscribe { .. }
            | Body::Unsubscribe { .. } => return false,
        }
        true
    }

    /// Answers a connect with word of the end of its session.
    pub(super) fn send_away(&mut self, key: ConnectKey, id: Option<MessageId>) {
        let goodbye = goodbye(&self.settings);
        let Some(conversation) = self.conversations.get_mut(&key) else { return };
        self.metrics.connects_total.of(ConnectOutcome::Answered).inc();
        // After what an earlier connect of the same request was given.
        conversation.events.push(goodbye);
        conversation.reply(Reply::Connect { id, error: None, advice: Some(ReplyAdvice::NONE), ack: None });
    }
}
