//! The client's half of the protocol: what to send next, and what an answer means. No I/O, no clock.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::client_reply::{self, Malformed, Message, PublishOutcome, Reconnect};
use super::client_request::{ClientConnection, ClientOptions, ClientRequest, Outbox};

/// A message that arrived on a channel.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Arrival {
    /// The channel's name.
    pub channel: Box<str>,
    /// What was published: JSON as it came.
    pub data: Bytes,
}

/// Why there is nothing more to do.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ClientEnded {
    /// The server said to go away.
    #[error("the server advised not to come back")]
    Dismissed,
    /// The server refused the handshake.
    #[error("the handshake was refused: {0}")]
    HandshakeRefused(Box<str>),
    /// We said goodbye.
    #[error("the session was ended by its client")]
    Left,
    /// The server refused a subscription.
    #[error("a subscription was refused: {0}")]
    SubscribeRefused(Box<str>),
}

/// One client.
///
/// Call [`poll_request`](Self::poll_request) until it says `None`, then wait until
/// [`poll_timeout`](Self::poll_timeout). Each request polled is answered by
/// [`handle_response`](Self::handle_response) or [`handle_lost`](Self::handle_lost) before the next is
/// polled; one that was not answered by then counts as lost. After each answer drain
/// [`poll_event`](Self::poll_event). Publications and the disconnect go their own way and may overtake a
/// held connect. Time must not run backwards.
#[derive(Debug)]
pub struct Client {
    options: ClientOptions,
    state: State,
    /// Patterns in the order they were asked for: a new session subscribes to all of them again.
    patterns: Vec<Box<str>>,
    events: VecDeque<Arrival>,
    outbox: Outbox,
    /// How many requests were lost since a connect succeeded.
    lost: u32,
    handshakes: u64,
    timeout: Duration,
    interval: Duration,
}

/// Where the client stands.
#[derive(Debug)]
enum State {
    /// No session; a handshake is due at `due`.
    Apart { due: Instant },
    /// For good.
    Ended(ClientEnded),
    /// A handshake is on its way.
    Handshaking,
    /// A session.
    Joined(Joined),
}

#[derive(Debug)]
struct Joined {
    /// The clientId as a JSON token.
    client: Box<str>,
    /// The newest number seen, if acknowledgement was agreed on.
    ack: Option<u64>,
    /// How many of the patterns are subscribed in this session.
    subscribed: usize,
    pace: Pace,
    step: Step,
}

/// What the next connect asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Pace {
    /// To be held, as the server likes.
    Hold,
    /// To be answered at once: it shows that the session is there.
    Probe,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Connecting,
    /// Nothing is on its way; the next request is due at `due`.
    Idle {
        due: Instant,
    },
    /// So many patterns, from `subscribed` on, are being subscribed to.
    Subscribing(usize),
}

impl Client {
    /// A client that will handshake at once.
    pub fn new(now: Instant, options: ClientOptions) -> Self {
        Self {
            options,
            state: State::Apart { due: now },
            patterns: Vec::new(),
            events: VecDeque::new(),
            outbox: Outbox::default(),
            lost: 0,
            handshakes: 0,
            timeout: DEFAULT_TIMEOUT,
            interval: Duration::ZERO,
        }
    }

    /// The same, connected in this way.
    #[must_use]
    pub fn over(mut self, connection: ClientConnection) -> Self {
        self.outbox.set_connection(connection);
        self
    }

    /// Wants `pattern`, in this session and in each that follows it. Poll requests afterwards.
    pub fn subscribe(&mut self, now: Instant, pattern: &str) {
        if self.patterns.iter().any(|known| &**known == pattern) {
            return;
        }
        self.patterns.push(pattern.into());
        if let State::Joined(Joined { step: Step::Idle { due }, .. }) = &mut self.state {
            *due = now;
        }
    }

    /// The next request, if one is due.
    pub fn poll_request(&mut self, now: Instant) -> Option<ClientRequest> {
        if self.is_waiting() {
            self.handle_lost(now);
        }
        match &mut self.state {
            State::Apart { due } if *due <= now => {
                self.state = State::Handshaking;
                Some(self.outbox.handshake(self.options))
            }
            State::Joined(joined) => match joined.step {
                Step::Idle { due } if due <= now => {
                    let missing = self.patterns.get(joined.subscribed..).unwrap_or_default();
                    if missing.is_empty() {
                        joined.step = Step::Connecting;
                        Some(self.outbox.connect(&joined.client, joined.pace.hold(self.timeout), joined.ack))
                    } else {
                        let patterns = missing.get(..PATTERNS_AT_ONCE).unwrap_or(missing);
                        joined.step = Step::Subscribing(patterns.len());
                        Some(self.outbox.subscribe(&joined.client, patterns))
                    }
                }
                Step::Connecting | Step::Idle { .. } | Step::Subscribing(_) => None,
            },
            State::Apart { .. } | State::Ended(_) | State::Handshaking => None,
        }
    }

    /// When the next request is due; `None` while one is on its way, and at the end.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Apart { due } | State::Joined(Joined { step: Step::Idle { due }, .. }) => Some(*due),
            State::Ended(_)
            | State::Handshaking
            | State::Joined(Joined { step: Step::Connecting | Step::Subscribing(_), .. }) => None,
        }
    }

    /// The next message that arrived.
    pub fn poll_event(&mut self) -> Option<Arrival> {
        self.events.pop_front()
    }

    /// A request to publish `data` (JSON), whatever else is on its way; `None` without a session.
    pub fn publish(&mut self, channel: &str, data: &[u8]) -> Option<ClientRequest> {
        let State::Joined(joined) = &self.state else { return None };
        Some(self.outbox.publish(&joined.client, channel, data))
    }

    /// Ends the session; the request says so to the server, if there was a session.
    pub fn disconnect(&mut self) -> Option<ClientRequest> {
        match std::mem::replace(&mut self.state, State::Ended(ClientEnded::Left)) {
            State::Joined(joined) => Some(self.outbox.disconnect(&joined.client)),
            State::Apart { .. } | State::Ended(_) | State::Handshaking => None,
        }
    }

    /// The response to the request polled last, with status 200.
    ///
    /// # Errors
    /// [`Malformed`] if it is no reply to that; the request then counts as lost.
    pub fn handle_response(&mut self, now: Instant, body: &Bytes) -> Result<(), Malformed> {
        let messages = match client_reply::parse(body) {
            Ok(messages) => messages,
            Err(malformed) => {
                self.handle_lost(now);
                return Err(malformed);
            }
        };
        for message in &messages {
            self.handle_message(now, message, body);
        }
        if self.is_waiting() {
            self.handle_lost(now);
            return Err(Malformed);
        }
        Ok(())
    }

    /// A frame of a websocket: replies and events as they come, perhaps not yet the reply to the request polled last.
    ///
    /// # Errors
    /// [`Malformed`] if it is no array of messages.
    pub fn handle_frame(&mut self, now: Instant, body: &Bytes) -> Result<(), Malformed> {
        for message in &client_reply::parse(body)? {
            self.handle_message(now, message, body);
        }
        Ok(())
    }

    /// The response to a publication. Events that rode along become events.
    ///
    /// # Errors
    /// [`Malformed`] if it bears no reply to a publication.
    pub fn handle_published(&mut self, now: Instant, body: &Bytes) -> Result<PublishOutcome, Malformed> {
        let mut outcome = Err(Malformed);
        for message in &client_reply::parse(body)? {
            if message.channel.starts_with("/meta/") || message.data.is_some() {
                self.handle_message(now, message, body);
            } else if message.is_successful() {
                outcome = Ok(PublishOutcome::Accepted);
            } else {
                outcome = Ok(PublishOutcome::Refused(message.error_text()));
            }
        }
        outcome
    }

    /// The request polled last got no answer: it will be sent again, after a pause that doubles each time.
    pub fn handle_lost(&mut self, now: Instant) {
        let due = now + self.next_pause();
        match &mut self.state {
            State::Handshaking => self.state = State::Apart { due },
            State::Joined(joined) => {
                joined.pace = Pace::Probe;
                joined.step = Step::Idle { due };
            }
            State::Apart { .. } | State::Ended(_) => {}
        }
    }

    /// Whether there is a session.
    pub fn is_joined(&self) -> bool {
        matches!(self.state, State::Joined(_))
    }

    /// Whether there is a session, and it is subscribed to all that is wanted.
    pub fn is_subscribed(&self) -> bool {
        matches!(&self.state, State::Joined(joined) if joined.subscribed == self.patterns.len())
    }

    /// Why there is nothing more to do, if so.
    pub fn ended(&self) -> Option<&ClientEnded> {
        match &self.state {
            State::Ended(ended) => Some(ended),
            State::Apart { .. } | State::Handshaking | State::Joined(_) => None,
        }
    }

    /// How many handshakes succeeded after the first.
    pub fn rehandshakes(&self) -> u64 {
        self.handshakes.saturating_sub(1)
    }

    /// Whether the request polled last has no reply yet.
    pub fn is_waiting(&self) -> bool {
        match &self.state {
            State::Handshaking | State::Joined(Joined { step: Step::Connecting | Step::Subscribing(_), .. }) => true,
            State::Apart { .. } | State::Ended(_) | State::Joined(Joined { step: Step::Idle { .. }, .. }) => false,
        }
    }
}

impl Pace {
    /// How long the next connect will be held; `None` for one that is answered at once.
    fn hold(self, timeout: Duration) -> Option<Duration> {
        match self {
            Self::Hold => Some(timeout),
            Self::Probe => None,
        }
    }
}

/// What arrives.
impl Client {
    fn handle_message(&mut self, now: Instant, message: &Message<'_>, body: &Bytes) {
        match &*message.channel {
            "/meta/connect" => self.handle_connected(now, message),
            "/meta/handshake" => self.handle_handshaken(now, message),
            "/meta/subscribe" => self.handle_subscribed(now, message),
            channel => {
                if let Some(data) = message.data {
                    let data = body.slice_ref(data.get().as_bytes());
                    self.events.push_back(Arrival { channel: channel.into(), data });
                }
            }
        }
    }

    fn handle_handshaken(&mut self, now: Instant, message: &Message<'_>) {
        let State::Handshaking = self.state else { return };
        self.take_times(message);
        match (message.is_successful(), &message.client_id) {
            (true, Some(client)) => {
                let mut token = Vec::with_capacity(client.len() + 2);
                client_reply::push_string(&mut token, client);
                self.handshakes += 1;
                self.state = State::Joined(Joined {
                    client: String::from_utf8_lossy(&token).into(),
                    ack: (self.options.ack && message.agrees_to_ack()).then_some(0),
                    subscribed: 0,
                    pace: Pace::Probe,
                    step: Step::Idle { due: now },
                });
            }
            // Without a clientId it is no handshake reply at all.
            (true, None) => self.handle_lost(now),
            (false, _) => match message.reconnect() {
                Some(Reconnect::Handshake | Reconnect::Retry) if self.handshakes > 0 => self.handle_lost(now),
                Some(Reconnect::Handshake | Reconnect::None | Reconnect::Retry) | None => {
                    self.state = State::Ended(ClientEnded::HandshakeRefused(message.error_text()));
                }
            },
        }
    }

    fn handle_connected(&mut self, now: Instant, message: &Message<'_>) {
        let State::Joined(Joined { step: Step::Connecting, .. }) = self.state else { return };
        self.take_times(message);
        match message.reconnect().unwrap_or(Reconnect::Retry) {
            Reconnect::Handshake => self.part(now),
            Reconnect::None => self.state = State::Ended(ClientEnded::Dismissed),
            Reconnect::Retry if message.is_successful() => self.handle_held(now, message.ack_number()),
            Reconnect::Retry => self.handle_lost(now),
        }
    }

    fn handle_held(&mut self, now: Instant, number: Option<u64>) {
        self.lost = 0;
        let due = now + self.interval;
        if let State::Joined(joined) = &mut self.state {
            if joined.ack.is_some() && number.is_some() {
                joined.ack = number;
            }
            joined.pace = Pace::Hold;
            joined.step = Step::Idle { due };
        }
    }

    fn handle_subscribed(&mut self, now: Instant, message: &Message<'_>) {
        let State::Joined(joined) = &mut self.state else { return };
        let Step::Subscribing(count) = joined.step else { return };
        if message.is_successful() {
            joined.step = Step::Idle { due: now };
            joined.subscribed += count;
            return;
        }
        match message.reconnect() {
            Some(Reconnect::Handshake) => self.part(now),
            Some(Reconnect::None | Reconnect::Retry) | None => {
                self.state = State::Ended(ClientEnded::SubscribeRefused(message.error_text()));
            }
        }
    }

    /// The session is no more; a handshake follows. After a session in which no connect succeeded it follows
    /// after a pause, so that a server that forgets each session at once is not pressed.
    fn part(&mut self, now: Instant) {
        let due = match &self.state {
            State::Joined(Joined { pace: Pace::Probe, .. }) => now + self.interval.max(self.next_pause()),
            State::Apart { .. } | State::Ended(_) | State::Handshaking | State::Joined(_) => now + self.interval,
        };
        self.state = State::Apart { due };
    }

    /// A pause that doubles with each call, until a connect succeeds.
    fn next_pause(&mut self) -> Duration {
        let pause = FIRST_PAUSE.saturating_mul(1 << self.lost.min(7)).min(LONGEST_PAUSE);
        self.lost = self.lost.saturating_add(1);
        pause
    }

    fn take_times(&mut self, message: &Message<'_>) {
        self.interval = message.interval().unwrap_or(self.interval);
        self.timeout = message.timeout().unwrap_or(self.timeout);
    }
}

/// How long a connect is held, as long as the server has not said.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);
/// The pause after the first request that was lost.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How many patterns one subscribe names: servers limit it.
const PATTERNS_AT_ONCE: usize = 64;
