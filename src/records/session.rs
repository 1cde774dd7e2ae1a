//! `session.state` and `session.ended`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::bayeux::Pattern;
use crate::ids::{AgentId, CookieHash, LoginId, Position, RecordId, SessionId, WallTime};
use crate::log::{Expected, NewRecord, Record, Subject};

use super::codec::{SESSION_ENDED, SESSION_STATE, VERSION, from_json, to_json};

/// Where a subscription begins: only what comes after this position is owed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Start {
    /// At an earlier record.
    At(Position),
    /// At the position of the record that says so.
    Here,
}

/// A Bayeux session as it is after a change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SessionState {
    /// Which.
    pub session: SessionId,
    /// Whose; `None` for an anonymous one.
    pub agent: Option<AgentId>,
    /// The login by which it was begun, with which it ends.
    pub login: Option<LoginId>,
    /// The browser cookie that it is bound to.
    pub cookie: Option<CookieHash>,
    /// Whether it was made on the desktops' path.
    pub desktop: bool,
    /// Whether it acknowledges.
    pub ack: bool,
    /// Where its handshake is. Decoding settles [`Start::Here`] to the record's position.
    pub since: Start,
    /// The node at which it lives.
    pub home: Arc<str>,
    /// What it subscribed to, and from where on. Decoding settles [`Start::Here`].
    pub patterns: Vec<(Pattern, Start)>,
    /// Which of these asked for history, and how far they have been told it.
    pub replays: Vec<Replay>,
    /// While history is told: the channels of which something was, by a hash that never changes; `None` if that is not known.
    pub begun: Option<Vec<u64>>,
    /// Of the agent's own feeds, which catch up at this record and no later one: what came after that position and before
    /// this record is owed at the record's own.
    pub catch_up: Vec<(Pattern, Position)>,
    /// How far it has been served; written when it moves or the server stops.
    pub cursor: Option<Position>,
}

/// A subscription that asked for history.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Replay {
    /// Which.
    pub pattern: Pattern,
    /// It asked for what has its place after this.
    pub from: Position,
    /// How far it is.
    pub reached: Reached,
}

/// How far a subscription that asked for history has been told it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reached {
    /// To the end, which was at that position: what comes after it is told as it happens. Decoding settles
    /// [`Start::Here`] to the record's position.
    Live(Start),
    /// Up to this position.
    UpTo(Position),
}

/// A Bayeux session ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SessionEnded {
    /// Which.
    pub session: SessionId,
    /// Why: `disconnect`, `expired`, `overrun`, `unknown-ack`, `lagged`, ….
    pub reason: Arc<str>,
}

impl SessionState {
    /// The subject of a session.
    pub fn subject(session: SessionId) -> Subject {
        Subject::new(&format!("session/{session}"))
    }

    /// The record to append.
    pub fn record(&self, id: RecordId, time: WallTime, expected: Expected) -> NewRecord {
        NewRecord {
            id,
            subject: Self::subject(self.session),
            expected,
            kind: SESSION_STATE,
            version: VERSION,
            time,
            volatile: false,
            ends: false,
            payload: to_json(&StateWire::of(self)),
        }
    }

    pub(super) fn read(record: &Record) -> Result<Self, String> {
        from_json::<StateWire>(&record.payload)?.settled(record.position)
    }
}

impl SessionEnded {
    /// The record to append; it ends the subject.
    pub fn record(&self, id: RecordId, time: WallTime, expected: Expected) -> NewRecord {
        let wire = EndedWire { session: self.session.to_string(), reason: self.reason.clone() };
        NewRecord {
            id,
            subject: SessionState::subject(self.session),
            expected,
            kind: SESSION_ENDED,
            version: VERSION,
            time,
            volatile: false,
            ends: true,
            payload: to_json(&wire),
        }
    }

    pub(super) fn read(record: &Record) -> Result<Self, String> {
        let wire: EndedWire = from_json(&record.payload)?;
        let session = SessionId::parse(&wire.session).map_err(|_| format!("session {}", wire.session))?;
        Ok(Self { session, reason: wire.reason })
    }
}

/// `session.state` as it is written, also within `owed.page`. A start of `null` is "this record".
#[derive(Deserialize, Serialize)]
pub(super) struct StateWire {
    session: String,
    agent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    login: Option<String>,
    cookie: Option<String>,
    desktop: bool,
    ack: bool,
    since: Option<u64>,
    home: Arc<str>,
    patterns: Vec<(String, Option<u64>)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    replays: Vec<ReplayWire>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    begun: Option<Vec<u64>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    catch_up: Vec<(String, u64)>,
    cursor: Option<u64>,
}

/// One of its replays. Up to where it is, or with `null` that it is at its end, which is at `live`; a `live` of `null` is
/// "this record".
#[derive(Deserialize, Serialize)]
struct ReplayWire {
    pattern: String,
    from: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    up_to: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    live: Option<u64>,
}

impl ReplayWire {
    fn of(replay: &Replay) -> Self {
        let (up_to, live) = match replay.reached {
            Reached::Live(start) => (None, start_of(start)),
            Reached::UpTo(position) => (Some(position.get()), None),
        };
        Self { pattern: replay.pattern.to_string(), from: replay.from.get(), up_to, live }
    }

    fn settled(self, here: Position) -> Result<Replay, String> {
        let pattern = pattern(&self.pattern)?;
        let reached = match self.up_to {
            Some(position) => Reached::UpTo(Position::new(position)),
            None => Reached::Live(Start::At(self.live.map_or(here, Position::new))),
        };
        Ok(Replay { pattern, from: Position::new(self.from), reached })
    }
}

/// `session.ended` as it is written.
#[derive(Deserialize, Serialize)]
struct EndedWire {
    session: String,
    reason: Arc<str>,
}

impl StateWire {
    pub(super) fn of(state: &SessionState) -> Self {
        Self {
            session: state.session.to_string(),
            agent: state.agent.as_ref().map(ToString::to_string),
            login: state.login.as_ref().map(ToString::to_string),
            cookie: state.cookie.as_ref().map(ToString::to_string),
            desktop: state.desktop,
            ack: state.ack,
            since: start_of(state.since),
            home: state.home.clone(),
            patterns: state.patterns.iter().map(|(pattern, start)| (pattern.to_string(), start_of(*start))).collect(),
            replays: state.replays.iter().map(ReplayWire::of).collect(),
            begun: state.begun.clone(),
            catch_up: state.catch_up.iter().map(|(pattern, from)| (pattern.to_string(), from.get())).collect(),
            cursor: state.cursor.map(Position::get),
        }
    }

    pub(super) fn settled(self, here: Position) -> Result<SessionState, String> {
        let start = |start: Option<u64>| Start::At(start.map_or(here, Position::new));
        let patterns = self.patterns.iter().map(|(text, from)| Ok((pattern(text)?, start(*from))));
        let catch_up = self.catch_up.iter().map(|(text, from)| Ok((pattern(text)?, Position::new(*from))));
        let agent = self.agent.as_deref().map(AgentId::parse).transpose();
        let login = self.login.as_deref().map(LoginId::parse).transpose();
        let cookie = self.cookie.as_deref().map(CookieHash::parse).transpose();
        Ok(SessionState {
            session: SessionId::parse(&self.session).map_err(|_| format!("session {}", self.session))?,
            agent: agent.map_err(|e| format!("agent {e}"))?,
            login: login.map_err(|e| format!("login {e}"))?,
            cookie: cookie.map_err(|_| "the cookie's hash is none".to_owned())?,
            desktop: self.desktop,
            ack: self.ack,
            since: start(self.since),
            home: self.home.clone(),
            patterns: patterns.collect::<Result<_, String>>()?,
            catch_up: catch_up.collect::<Result<_, String>>()?,
            begun: self.begun,
            replays: self.replays.into_iter().map(|replay| replay.settled(here)).collect::<Result<_, _>>()?,
            cursor: self.cursor.map(Position::new),
        })
    }
}

fn pattern(text: &str) -> Result<Pattern, String> {
    Pattern::parse(text).map_err(|e| format!("pattern {text}: {e}"))
}

fn start_of(start: Start) -> Option<u64> {
    match start {
        Start::At(position) => Some(position.get()),
        Start::Here => None,
    }
}
