//! One client's session: what it is owed, its parked connect, and when it ends.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::ids::Position;

use super::envelope::{Advice, MessageId};
use super::owed::Owed;
use super::reply::{Event, Reply, ReplyAdvice};
use super::slow::{Overrun, Slow, SlowConsumer};
use super::way::Way;

/// What a session was promised at its handshake.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Whether the client acknowledges.
    pub ack: bool,
    /// How long a connect is held.
    pub timeout: Duration,
    /// How long the client pauses between connects.
    pub interval: Duration,
    /// How long after that the session lives on without a connect.
    pub max_interval: Duration,
    /// How long a connect is held at most, whatever the client asks for.
    pub longest_hold: Duration,
    /// How many messages may be owed.
    pub queue_messages: usize,
    /// How many bytes may be owed.
    pub queue_bytes: usize,
    /// What becomes of a client that does not take what it is owed.
    pub slow: SlowConsumer,
    /// Which responses carry events.
    pub delivery: Delivery,
    /// Whether the client is told for how long a lost session is still there.
    pub handshake_reconnect: bool,
}

/// Which responses carry a session's events.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Delivery {
    /// Whichever leaves first.
    AnyReply,
    /// Those to connects, so that no order can be lost between two connections.
    ConnectOnly,
}

/// The shell's name for one connect request, and for the response that answers it. Never used twice.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ConnectKey(pub u64);

/// A connect, as the session sees it.
#[derive(Clone, Debug)]
pub struct Connect {
    /// The shell's name for it.
    pub key: ConnectKey,
    /// Its message id.
    pub id: Option<MessageId>,
    /// The number that the client acknowledges.
    pub ack: Option<Position>,
    /// The client's advice.
    pub advice: Option<Advice>,
    /// Whether it may be held.
    pub hold: Hold,
}

/// Whether a connect may be held.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Hold {
    /// It may: it is the only message of its request.
    Allowed,
    /// Its browser holds as many as it may. It is answered at once, with this advice.
    Crowded(ReplyAdvice),
    /// Its client has a stream, and needs no connect but as a sign of life: it is answered at once, and the next is to come
    /// when this one would have been answered.
    Streamed,
    /// Other messages of its request wait for their replies.
    Together,
}

/// The acknowledged number was never given out, or is too old.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the acknowledged number is not known")]
pub struct UnknownAck;

/// What the shell is to do with a connect.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Answer it: events first, the reply last.
    Reply {
        /// Which connect.
        key: ConnectKey,
        /// The events, in log order.
        events: Vec<Event>,
        /// The reply.
        reply: Reply,
    },
    /// Fail it: a newer connect took its place.
    Superseded(ConnectKey),
}

/// One client's session.
///
/// The caller hands in what happens by `handle_*` and [`deliver`](Self::deliver), and after each of these
/// polls answers until there are none, then the timeout. Time must not run backwards.
///
/// A session that does not acknowledge may have a direct way to its client, beside its connects: a socket that
/// takes frames over one by one, in their order. Then its events go that way ([`poll_frame`](Self::poll_frame)) and
/// no connect waits for them; a connect is the heartbeat only.
///
/// Invariants:
/// - With acknowledgement, an event stays owed until a number at or above its position is acknowledged, and
///   every reply carries all that is owed up to the cursor that is its number.
/// - Without, an event is owed, or in flight in exactly one response, until that response was written; what
///   was lost is owed again, in its old place.
/// - A response's events are in the order of [`deliver`](Self::deliver).
/// - An event that was pushed stays owed until the direct way took its frame over; when the way is cut before that, it
///   is owed again, in its old place.
/// - At most one connect is parked, and while it is, the session does not expire.
#[derive(Debug)]
pub struct Session {
    pub(super) terms: Terms,
    pub(super) state: State,
    pub(super) owed: Owed,
    acknowledged: Position,
    /// Whether the client goes by advice that is no longer so.
    stale_advice: bool,
    /// Whether its events wait for the response to a request of several messages.
    together: bool,
    pub(super) slow: Slow,
    /// Connects that newer ones took the place of, oldest first.
    superseded: VecDeque<ConnectKey>,
    pub(super) way: Way,
}

#[derive(Debug)]
pub(super) enum State {
    /// No connect is parked; one must come before `expires`.
    Away {
        expires: Instant,
        /// The connect that was answered last, and how long the client said that it would pause after it.
        answered: Option<(ConnectKey, Duration)>,
    },
    /// Expired. Remembers nothing.
    Gone,
    /// No connect came yet; the first must before `expires`.
    Handshaken { expires: Instant },
    /// A connect is parked.
    Parked(Parked),
}

#[derive(Debug)]
pub(super) struct Parked {
    key: ConnectKey,
    id: Option<MessageId>,
    /// When it is answered even if empty-handed.
    answer_by: Instant,
    /// Until when it waits for word of events that are still in flight in another response: what comes after
    /// them must not overtake them, but a response whose fate nobody tells must not hold the client up.
    pub(super) patience: Instant,
    /// How long the client pauses after the answer.
    pause: Duration,
    /// What the answer advises.
    advice: Option<ReplyAdvice>,
}

impl Session {
    /// A session whose handshake is at position `since`.
    pub fn new(now: Instant, terms: Terms, since: Position) -> Self {
        let expires = after(now, terms.interval.saturating_add(terms.max_interval));
        let owed = Owed::default();
        let (state, superseded, way) = (State::Handshaken { expires }, VecDeque::new(), Way::Answers);
        let slow = Slow::default();
        Self { terms, state, owed, acknowledged: since, stale_advice: false, together: false, slow, superseded, way }
    }

    /// A session that was begun at `since` in another life of the server, or on another node, whose client has
    /// acknowledged `acknowledged` at least. It is owed nothing yet: the caller delivers what came after that.
    pub fn adopted(now: Instant, terms: Terms, since: Position, acknowledged: Position) -> Self {
        let mut session = Self::new(now, terms, since.max(acknowledged));
        session.state = session.away(now, None);
        session
    }

    /// Owes it an event that has its place at `at`; positions never go back.
    ///
    /// # Errors
    /// [`Overrun`] if it is owed too much; the event was not taken.
    pub fn deliver(&mut self, at: Position, event: Event) -> Result<(), Overrun> {
        self.make_room(&event)?;
        self.owed.push(at, event);
        Ok(())
    }

    /// Owes it an event that waits until `due` for another reason to answer.
    ///
    /// # Errors
    /// As [`deliver`](Self::deliver).
    pub fn deliver_lazy(&mut self, at: Position, event: Event, due: Instant) -> Result<(), Overrun> {
        self.make_room(&event)?;
        self.owed.push_lazy(at, event, due);
        Ok(())
    }

    /// Takes a connect in. `cursor` is how far the home has applied the log. Poll answers afterwards.
    ///
    /// Without acknowledgement, tell what became of the response before first: written or lost.
    ///
    /// # Errors
    /// [`UnknownAck`] if its number was never given out: the session must end.
    pub fn handle_connect(&mut self, now: Instant, connect: Connect, cursor: Position) -> Result<(), UnknownAck> {
        if let (true, Some(acknowledged)) = (self.terms.ack, connect.ack) {
            if acknowledged > cursor {
                return Err(UnknownAck);
            }
            self.acknowledged = self.acknowledged.max(acknowledged);
            self.owed.drop_through(acknowledged);
        }
        let held = match &self.state {
            State::Away { .. } => true,
            State::Gone => {
                self.superseded.push_back(connect.key);
                return Ok(());
            }
            State::Handshaken { .. } => false,
            State::Parked(older) => {
                self.stale_advice |= older.advice.is_some();
                self.superseded.push_back(older.key);
                true
            }
        };
        self.state = State::Parked(self.park(now, connect, held));
        Ok(())
    }

    /// Any other message of the client came.
    pub fn handle_message(&mut self, now: Instant) {
        let earliest = after(now, self.terms.max_interval);
        match &mut self.state {
            State::Away { expires, .. } | State::Handshaken { expires } => *expires = earliest.max(*expires),
            State::Gone | State::Parked(_) => {}
        }
    }

    /// The connection of a parked connect is gone, or the response that carried events was dropped before it
    /// was written: what it carried is owed again.
    pub fn handle_lost(&mut self, now: Instant, key: ConnectKey) {
        self.superseded.retain(|superseded| *superseded != key);
        self.owed.take_back(key);
        if let State::Parked(parked) = &self.state
            && parked.key == key
        {
            self.stale_advice |= parked.advice.is_some();
            self.state = self.away(now, Some((key, parked.pause)));
        }
    }

    /// The response was written to its end.
    pub fn handle_written(&mut self, now: Instant, key: ConnectKey) {
        self.owed.forget(key);
        if let State::Away { expires, answered: Some((answered, pause)) } = &mut self.state
            && *answered == key
        {
            let earliest = after(now, pause.saturating_add(self.terms.max_interval));
            *expires = earliest.max(*expires);
        }
    }

    /// The parked connect, if any, is to be answered with this advice (disconnect: none; drain: retry).
    pub fn handle_release(&mut self, now: Instant, advice: ReplyAdvice) {
        if let State::Parked(parked) = &mut self.state {
            parked.answer_by = now;
            parked.patience = now;
            parked.advice = Some(advice);
        }
    }

    /// It is promised something else from now on; its client learns it from the next reply to a connect.
    pub fn handle_terms(&mut self, now: Instant, terms: Terms) {
        self.terms = terms;
        self.stale_advice = true;
        let advice = self.advise(self.terms.interval);
        if let State::Parked(parked) = &mut self.state {
            self.stale_advice = false;
            parked.pause = terms.interval;
            parked.answer_by = parked.answer_by.min(after(now, terms.timeout.min(terms.longest_hold)));
            parked.advice = Some(advice);
        }
    }

    /// From now on its parked connect waits, or waits no longer, for the end of a request of several messages, so that what
    /// these bring about does not come in two responses.
    pub fn handle_together(&mut self, together: bool) {
        self.together = together;
    }

    /// Time passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        match &self.state {
            State::Away { expires, .. } | State::Handshaken { expires } if *expires <= now => {
                self.state = State::Gone;
                self.owed = Owed::default();
            }
            State::Away { .. } | State::Gone | State::Handshaken { .. } | State::Parked(_) => {}
        }
    }

    /// What to do with connects, until `None`. `cursor` as in [`handle_connect`](Self::handle_connect).
    pub fn poll_answer(&mut self, now: Instant, cursor: Position) -> Option<Answer> {
        if let Some(key) = self.superseded.pop_front() {
            return Some(Answer::Superseded(key));
        }
        let direct = self.is_direct();
        let State::Parked(parked) = &self.state else { return None };
        let waits = self.owed.is_in_flight() && now < parked.patience;
        let due = now >= parked.answer_by
            || !direct
                && !self.together
                && self.owed.is_due(now)
                && !self.is_crowded()
                && self.owed.first().is_some_and(|at| !self.terms.ack || at <= cursor);
        if waits || !due {
            return None;
        }
        let (key, pause) = (parked.key, parked.pause);
        let away = self.away(now, Some((key, pause)));
        let State::Parked(Parked { id, advice, .. }) = std::mem::replace(&mut self.state, away) else { return None };
        let (events, ack) = match self.terms.ack {
            true => (self.owed.through(cursor), Some(cursor.get())),
            false if direct => (Vec::new(), None),
            false => (self.owed.send(key, self.sendable()), None),
        };
        Some(Answer::Reply { key, events, reply: Reply::Connect { id, error: None, advice, ack } })
    }

    /// What may ride along in the response to a request that is no connect: nothing for a session that
    /// acknowledges, or is served by connects only. `key` names that response.
    pub fn poll_ride(&mut self, _now: Instant, key: ConnectKey) -> Vec<Event> {
        match self.terms.delivery {
            Delivery::AnyReply if !self.terms.ack && !self.is_direct() => self.owed.send(key, self.sendable()),
            Delivery::AnyReply | Delivery::ConnectOnly => Vec::new(),
        }
    }

    /// All that is owed up to `cursor`, to go out with the reply to the handshake. `key` names that response.
    pub fn poll_first(&mut self, key: ConnectKey, cursor: Position) -> Vec<Event> {
        if self.terms.ack { self.owed.through(cursor) } else { self.owed.send(key, self.sendable()) }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Away { expires, .. } | State::Handshaken { expires } => {
                let due = self.owed.due().filter(|_| self.is_ready());
                Some(due.map_or(*expires, |due| due.min(*expires)))
            }
            State::Gone => None,
            State::Parked(parked) => Some(self.wakes(parked)),
        }
    }

    /// When something is sent while a connect is parked: never a time at which nothing can be.
    fn wakes(&self, parked: &Parked) -> Instant {
        let in_flight = self.owed.is_in_flight();
        let patiently = |at: Instant| if in_flight { at.max(parked.patience) } else { at };
        let due = match in_flight && self.owed.is_pressing() {
            true => Some(parked.patience),
            false => self.owed.due().map(patiently),
        };
        let answered = patiently(parked.answer_by);
        due.filter(|_| self.way != Way::Full && !self.together && !self.is_crowded())
            .map_or(answered, |due| due.min(answered))
    }

    /// Whether its time is up: no connect came.
    pub fn is_expired(&self) -> bool {
        matches!(self.state, State::Gone)
    }

    /// Whether a connect is parked.
    pub fn is_parked(&self) -> bool {
        self.parked().is_some()
    }

    /// Which connect is parked.
    pub fn parked(&self) -> Option<ConnectKey> {
        match &self.state {
            State::Away { .. } | State::Gone | State::Handshaken { .. } => None,
            State::Parked(parked) => Some(parked.key),
        }
    }

    /// Whether no connect is parked, and the next is later by `patience` than its client said.
    pub fn is_late(&self, now: Instant, patience: Duration) -> bool {
        match &self.state {
            State::Away { expires, .. } | State::Handshaken { expires } => {
                after(now, self.terms.max_interval) >= after(*expires, patience)
            }
            State::Gone => true,
            State::Parked(_) => false,
        }
    }

    /// Messages and bytes owed. What is in flight counts until it was written.
    pub fn owed(&self) -> (usize, usize) {
        self.owed.size()
    }

    /// Up to where nothing is owed any more: what was acknowledged, or what was written. A session that is
    /// adopted from there loses nothing and repeats nothing.
    pub fn settled(&self, cursor: Position) -> Position {
        if self.terms.ack {
            return self.acknowledged;
        }
        self.owed.earliest().map_or(cursor, |at| Position::new(at.get().saturating_sub(1)).min(cursor))
    }

    /// What the session was promised.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    fn park(&mut self, now: Instant, connect: Connect, held: bool) -> Parked {
        let client = connect.advice.unwrap_or_default();
        let stale = std::mem::take(&mut self.stale_advice);
        let mut pause = client.interval.unwrap_or(self.terms.interval);
        let mut advice = (stale || connect.advice.is_some()).then(|| self.advise(pause));
        let mut parked = Parked { key: connect.key, id: connect.id, answer_by: now, patience: now, pause, advice };
        match connect.hold {
            Hold::Allowed if held => {
                parked.answer_by =
                    after(now, client.timeout.unwrap_or(self.terms.timeout).min(self.terms.longest_hold));
                parked.patience = after(now, PATIENCE);
            }
            Hold::Crowded(crowded) => {
                // Its client takes this for good until it is told otherwise.
                self.stale_advice = true;
                pause = crowded.interval.unwrap_or(pause);
                advice = Some(crowded);
            }
            Hold::Streamed => {
                self.stale_advice = true;
                pause = self.terms.timeout;
                advice = Some(ReplyAdvice { timeout: Some(Duration::ZERO), ..self.advise(pause) });
            }
            Hold::Allowed | Hold::Together => {}
        }
        Parked { pause, advice, ..parked }
    }

    /// What its client is told to do from now on.
    pub fn advise(&self, pause: Duration) -> ReplyAdvice {
        ReplyAdvice {
            interval: Some(pause),
            timeout: Some(self.terms.timeout),
            max_interval: self.terms.handshake_reconnect.then_some(self.terms.max_interval),
            ..ReplyAdvice::RETRY
        }
    }

    fn away(&self, now: Instant, answered: Option<(ConnectKey, Duration)>) -> State {
        let pause = answered.map_or(self.terms.interval, |(_, pause)| pause);
        State::Away { expires: after(now, pause.saturating_add(self.terms.max_interval)), answered }
    }
}

/// A time so far away that the clock has no word for it is as good as a century away.
pub(super) fn after(now: Instant, duration: Duration) -> Instant {
    now.checked_add(duration).or_else(|| now.checked_add(CENTURY)).unwrap_or(now)
}

const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
const PATIENCE: Duration = Duration::from_secs(1);
