//! The sessions of one home, as a core: it takes in requests, records and time, and hands out records to append
//! and answers to give. It does no I/O but look-ups in the log's ring.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use slab::Slab;
use smallvec::SmallVec;

use crate::bayeux::{ConnectKey, Error, Event, Frame, MessageId, Reply, ReplyAdvice, Session, Subscriptions};
use crate::broker::attach::Attached;
use crate::broker::begun::Told;
use crate::broker::browsers::Browsers;
use crate::broker::buckets::Buckets;
use crate::broker::conversation::Conversation;
use crate::broker::ending::Departed;
use crate::broker::handle::Remote;
use crate::broker::line::{LineId, Out, Parcel};
use crate::broker::live::{Changing, Live, Paging, Stage};
use crate::broker::pages::Wanted;
use crate::broker::receipt::Fate;
use crate::broker::recent::Recent;
use crate::broker::service::Ask;
use crate::broker::settings::{Binding, Settings};
use crate::broker::total::{CALLERS, Total};
use crate::broker::wire::Wire;
use crate::clock;
use crate::ids::{AgentId, ClientId, CookieHash, LoginId, Position, RecordId, SessionId, WallTime};
use crate::log::{Expected, Log, NewRecord, Record};
use crate::metrics::{EndReason, Label, Metrics};
use crate::records;
use crate::records::{OwedPage, Payload, SessionEnded, SessionState};

/// Work that the core hands out.
#[derive(Debug)]
pub(super) enum Output<T> {
    /// Answer a request.
    Answer {
        /// Whose.
        tell: T,
        /// With what.
        answer: Answered,
    },
    /// Append a record, and tell the core if that failed.
    Append(NewRecord),
    /// Ask a back end, and tell the core what it answered.
    Ask(Box<Ask>),
    /// Read something, and hand it back.
    Read(Wanted),
    /// Send something to a socket, and tell the core if it is gone.
    Push {
        /// The socket.
        out: Arc<Out>,
        /// What.
        parcel: Parcel,
    },
}

/// What a request is answered with.
#[derive(Debug)]
pub(super) enum Answered {
    /// A response body.
    Body {
        /// A JSON array.
        body: Vec<u8>,
        /// The session whose events it carries, which must learn how the response fared.
        carries: Option<(SessionId, Arc<Fate>)>,
        /// The home at which a session begins with it, if one does.
        begins: Option<usize>,
    },
    /// It is of no session that its login, which is over, began.
    Denied,
    /// A newer connect took its place.
    Superseded,
}

/// Which session of this home; reused after it ended.
pub(super) type Seat = usize;

/// The sessions of one home.
#[derive(Debug)]
pub(super) struct Sessions<T> {
    pub(super) settings: Arc<Settings>,
    pub(super) metrics: Metrics,
    pub(super) log: Arc<dyn Log>,
    /// Which of the homes this is.
    pub(super) home: usize,
    /// How far the log has been applied.
    pub(super) applied: Position,
    pub(super) live: Slab<Live>,
    pub(super) seats: BTreeMap<SessionId, Seat>,
    pub(super) agents: BTreeMap<AgentId, BTreeSet<Seat>>,
    pub(super) browsers: Browsers,
    pub(super) subscriptions: Subscriptions<Seat>,
    pub(super) recent: Recent,
    pub(super) conversations: BTreeMap<ConnectKey, Conversation<T>>,
    /// Requests that waited for a session that is over, by the one that was changing it.
    pub(super) orphans: BTreeMap<ConnectKey, VecDeque<ConnectKey>>,
    /// What waits for a record to be applied.
    pub(super) awaited: BTreeMap<RecordId, Awaited>,
    pub(super) deadlines: BTreeSet<(Instant, Seat)>,
    pub(super) dirty: VecDeque<Seat>,
    /// Who is at which socket.
    pub(super) lines: BTreeMap<LineId, SmallVec<[Seat; 1]>>,
    /// The frame that was made last, and what is in it.
    pub(super) framed: Option<(Wire, Frame, Bytes)>,
    pub(super) outputs: VecDeque<Output<T>>,
    pub(super) draining: Option<Duration>,
    /// Sessions that the server ended, whose clients do not know it yet.
    pub(super) departed: Departed,
    /// Logins of this home's agents that are over: no session begins with one.
    pub(super) ended_logins: BTreeSet<LoginId>,
    pub(super) total: Arc<Total>,
    /// How many patterns the other homes believe are subscribed to here.
    pub(super) shared_patterns: usize,
    /// Of how many channels the newest records were when that was told.
    pub(super) shared_channels: usize,
    /// Handshakes whose record is not applied yet, by agent: they count towards the limits.
    pub(super) shaking: BTreeMap<Option<AgentId>, usize>,
    /// How often agents handshake.
    pub(super) handshakes: Buckets<AgentId>,
    /// The head of the log when the sessions were restored.
    pub(super) restored: Position,
    /// When the oldest record was made that this batch queued for somebody.
    oldest: Option<WallTime>,
    /// Room for the seats of one delivery.
    pub(super) matched: Vec<Seat>,
}

/// What waits for a record to be applied.
#[derive(Debug)]
pub(super) enum Awaited {
    /// A change of a session's record: its request goes on after it.
    Change {
        /// The request.
        key: ConnectKey,
        /// The reply's place.
        slot: usize,
        /// The reply.
        reply: Reply,
        /// The session.
        session: SessionId,
    },
    /// A handshake's new session.
    Handshake {
        /// The request.
        key: ConnectKey,
        /// The reply's place.
        slot: usize,
        /// The message's id.
        id: Option<MessageId>,
        /// Whose it is.
        agent: Option<AgentId>,
        /// The new session's secret.
        client: ClientId,
        /// Where it came from.
        remote: Remote,
    },
    /// Nobody.
    Nobody,
    /// A page of a session's history, which is a change of its record.
    Page {
        /// The session.
        session: SessionId,
        /// What it is given.
        events: Vec<Event>,
        /// Of which channels, and up to where.
        told: Told,
    },
    /// A publication: its request has gone on already.
    Publication {
        /// The request.
        key: ConnectKey,
        /// The reply's place.
        slot: usize,
        /// The reply.
        reply: Reply,
    },
    /// A change of a session's record that no request waits with.
    Settled {
        /// The session.
        session: SessionId,
    },
}

/// The home of a session: its agent's, or for an anonymous one that of its browser, whose tabs are counted together so; if
/// clients need not show its cookie, a home of its own.
pub(super) fn home_of(
    settings: &Settings,
    agent: Option<&AgentId>,
    cookie: Option<CookieHash>,
    session: SessionId,
) -> usize {
    match (agent, cookie, settings.binding) {
        (Some(agent), _, _) => home_of_agent(agent, settings.homes),
        (None, Some(cookie), Binding::Cookie) => spread(cookie.bytes(), settings.homes),
        (None, Some(_), Binding::ClientId) | (None, None, _) => spread(session.bytes(), settings.homes),
    }
}

pub(super) fn home_of_agent(agent: &AgentId, homes: usize) -> usize {
    spread(agent.as_str().as_bytes(), homes)
}

/// Why a session ended, as its record says. A reason of another version counts as its client's own wish.
fn reason_of(ended: &SessionEnded) -> EndReason {
    let known = EndReason::ALL.iter().find(|reason| reason.as_str() == &*ended.reason);
    known.copied().unwrap_or(EndReason::Disconnected)
}

fn spread(bytes: &[u8], homes: usize) -> usize {
    usize::try_from(crc32fast::hash(bytes)).unwrap_or_default() % homes.max(1)
}

impl<T> Sessions<T> {
    /// The sessions of home number `home`, before any record is applied. Feed it every record from the ring's
    /// floor on.
    pub(super) fn new(
        settings: Arc<Settings>,
        metrics: Metrics,
        log: Arc<dyn Log>,
        total: Arc<Total>,
        home: usize,
    ) -> Self {
        let applied = log.floor();
        Self {
            settings,
            metrics,
            log,
            home,
            applied,
            live: Slab::new(),
            seats: BTreeMap::new(),
            agents: BTreeMap::new(),
            browsers: Browsers::default(),
            subscriptions: Subscriptions::default(),
            recent: Recent::default(),
            conversations: BTreeMap::new(),
            orphans: BTreeMap::new(),
            awaited: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            dirty: VecDeque::new(),
            lines: BTreeMap::new(),
            framed: None,
            outputs: VecDeque::new(),
            draining: None,
            departed: Departed::default(),
            ended_logins: BTreeSet::new(),
            total,
            shared_patterns: 0,
            shared_channels: 0,
            shaking: BTreeMap::new(),
            handshakes: Buckets::new(CALLERS),
            restored: Position::ZERO,
            oldest: None,
            matched: Vec::new(),
        }
    }

    /// Takes over the sessions that the log knows. Those that can be resumed wait for their clients; the others
    /// ended with the process that served them.
    ///
    /// # Errors
    /// What could not be read, for the operator.
    pub(super) fn restore(&mut self, now: Instant) -> Result<(), String> {
        self.restored = self.log.head();
        self.restore_logins();
        for subject in self.log.subjects("session/") {
            let record = self.log.newest(&subject).map_err(|error| error.to_string())?;
            let Some(record) = record else { continue };
            let payload = records::decode(&record).map_err(|error| error.to_string())?;
            let (Payload::SessionState(state) | Payload::Page(OwedPage { state, .. })) = payload else { continue };
            if home_of(&self.settings, state.agent.as_ref(), state.cookie, state.session) != self.home {
                continue;
            }
            if state.ack || state.cursor.is_some() {
                let ends = now + self.settings.resume;
                self.seat(now, state, record.position, Stage::Behind { ends });
            } else {
                self.append_end(state.session, Expected::At(record.position), EndReason::Lost, Awaited::Nobody);
            }
        }
        Ok(())
    }

    /// How far the log has been applied.
    pub(super) fn applied(&self) -> Position {
        self.applied
    }

    /// Takes a record in. Call [`handle_caught_up`](Self::handle_caught_up) after the last of a batch.
    pub(super) fn handle_record(&mut self, now: Instant, record: &Record) {
        if record.position <= self.applied {
            return;
        }
        match records::decode(record) {
            Ok(Payload::AgentChanged(changed)) => self.apply_agent(now, record.position, record.time, &changed),
            Ok(Payload::CallChanged(changed)) => self.apply_call(now, record.position, record.time, &changed),
            Ok(Payload::ChannelPublished(published)) => self.apply_publication(now, record, &published),
            Ok(Payload::Direct(direct)) => self.apply_direct(now, record, &direct),
            Ok(Payload::LogOpened) => {}
            Ok(Payload::LoginEnded(ended)) => self.apply_login(now, record, &ended),
            Ok(Payload::Page(page)) => self.apply_page(now, record, page),
            Ok(Payload::SessionEnded(ended)) => self.remove(now, ended.session, reason_of(&ended)),
            Ok(Payload::SessionState(state)) => self.apply_session(now, record, state),
            Err(error) => tracing::error!(%error, "a record cannot be read"),
        }
        self.applied = record.position;
        if !self.dirty.is_empty() {
            self.oldest.get_or_insert(record.time);
        }
        if let Some(awaited) = self.awaited.remove(&record.id) {
            self.complete(now, awaited);
        }
    }

    /// A batch of records has been taken in: answers that are due become outputs.
    pub(super) fn handle_caught_up(&mut self, now: Instant) {
        let before = self.outputs.len();
        while let Some(seat) = self.dirty.pop_front() {
            self.flush(now, seat);
        }
        self.share_patterns();
        if let Some(oldest) = self.oldest.take()
            && self.outputs.len() > before
        {
            // Once a batch and not once a delivery: the slowest of them.
            self.metrics.delivery_seconds.observe(clock::wall().since(oldest).as_secs_f64());
        }
    }

    /// Records left the ring before they were taken in. Every session has a gap: all of them end. What waited for
    /// a record may have missed it, and is told that nobody knows.
    pub(super) fn handle_lagged(&mut self, now: Instant, resume: Position) {
        if resume <= self.restored {
            // It still reads up to where it was restored. What it missed has left the ring, and no session needs it.
            self.applied = self.applied.max(resume);
            return;
        }
        tracing::warn!(home = self.home, "a home fell behind the log: its sessions start afresh");
        let awaited = std::mem::take(&mut self.awaited);
        for session in self.seats.keys().copied().collect::<Vec<_>>() {
            // A change of it may be among what was missed.
            self.append_end(session, Expected::Any, EndReason::Lagged, Awaited::Nobody);
            self.remove(now, session, EndReason::Lagged);
        }
        self.applied = self.applied.max(resume);
        for awaited in awaited.into_values() {
            self.fail(now, awaited, Error::log_unavailable());
        }
    }

    /// Time passed.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        while let Some((_, seat)) = self.deadlines.first().copied().filter(|(at, _)| *at <= now) {
            self.deadlines.pop_first();
            self.settle(now, seat);
            let Some(live) = self.live.get_mut(seat) else { continue };
            live.deadline = None;
            let over = match &mut live.stage {
                Stage::Behind { ends } => *ends <= now,
                Stage::Streaming(session) => {
                    session.handle_timeout(now);
                    session.is_expired()
                }
            };
            if over { self.expire(now, seat) } else { self.flush(now, seat) }
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// The next piece of work, until `None`.
    pub(super) fn poll_output(&mut self) -> Option<Output<T>> {
        self.outputs.pop_front()
    }

    /// Sessions without a socket, parked connects, subscriptions, patterns, messages and bytes owed, and sessions with a
    /// websocket and with a stream, for the gauges.
    pub(super) fn count(&self) -> [usize; 8] {
        let mut counted = [0, 0, self.subscriptions.len(), self.subscriptions.patterns(), 0, 0, 0, 0];
        for (_, live) in &self.live {
            counted[live.attached.as_ref().map_or(0, |attached| if attached.is_stream() { 7 } else { 6 })] += 1;
            if let Stage::Streaming(session) = &live.stage {
                let (messages, bytes) = session.owed();
                counted[1] += usize::from(session.parked().is_some());
                counted[4] += messages;
                counted[5] += bytes;
            }
        }
        counted
    }

    /// The server is about to stop: every parked connect is answered now, and its client is told to come back
    /// within `window`, each at a time of its own.
    pub(super) fn handle_drain(&mut self, now: Instant, window: Duration) {
        self.draining = Some(window);
        let seats: Vec<Seat> = self.live.iter().filter(|(_, live)| live.is_parked()).map(|(seat, _)| seat).collect();
        let count = u32::try_from(seats.len().max(1)).unwrap_or(u32::MAX);
        for (nth, seat) in (0u32..).zip(seats) {
            let advice = self.come_back(window / count * nth);
            self.with_session(seat, |session| session.handle_release(now, advice));
            self.flush(now, seat);
        }
    }

    /// How many requests are not answered yet, and responses whose fate is not known.
    pub(super) fn under_way(&mut self, now: Instant) -> usize {
        let mut in_flight = 0;
        for (_, live) in &mut self.live {
            live.settle(now);
            in_flight += live.in_flight.len() + live.attached.as_ref().map_or(0, Attached::under_way);
        }
        in_flight + self.conversations.len()
    }

    /// Writes down how far each client was served. Nothing is delivered after this.
    pub(super) fn handle_stop(&mut self, now: Instant) {
        let applied = self.applied;
        let mut states = Vec::new();
        for (_, live) in &mut self.live {
            live.take_back(now);
            if !live.state.ack {
                let state = SessionState { cursor: Some(live.served(applied)), ..live.state.clone() };
                // A change on its way must not keep this from being written: its client has no reply yet. But a page is
                // either before or behind what this says of its history.
                let any = live.changing != Changing::Nothing && live.paging != Paging::Busy;
                let expected = if any { Expected::Any } else { Expected::At(live.position) };
                states.push((state, expected));
            }
        }
        for (state, expected) in states {
            self.append_state(&state, expected, Awaited::Nobody);
        }
    }

    pub(super) fn come_back(&self, interval: Duration) -> ReplyAdvice {
        ReplyAdvice {
            interval: Some(interval),
            timeout: Some(self.settings.timeout),
            max_interval: self.settings.session_rules.handshake_reconnect.then_some(self.settings.max_interval),
            ..ReplyAdvice::RETRY
        }
    }

    pub(super) fn with_session(&mut self, seat: Seat, act: impl FnOnce(&mut Session)) {
        if let Some(Live { stage: Stage::Streaming(session), .. }) = self.live.get_mut(seat) {
            act(session);
        }
    }
}
