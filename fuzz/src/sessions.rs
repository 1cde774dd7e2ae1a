//! A session that anything happens to.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;
use partyline::bayeux::{
    Advice, Answer, Connect, ConnectKey, Delivery, Event, Hold, Reply, ReplyAdvice, Session, SlowConsumer, Terms,
};
use partyline::clock;
use partyline::ids::Position;

/// A session, an operation a byte pair: it never owes more than it may, answers each connect once, carries only events
/// that it was told to deliver, in order, and with acknowledgement all of them up to the number of the reply. What a direct
/// way took over never goes that way again, and no timer presses for what cannot be sent.
pub fn session(bytes: &[u8]) -> bool {
    let Some((first, rest)) = bytes.split_first() else { return false };
    let mut play = Play::new(*first);
    for pair in rest.chunks_exact(2).take(200) {
        play.step(pair[0], u64::from(pair[1]));
        play.poll();
    }
    play.answered > 0
}

struct Play {
    session: Session,
    ack: bool,
    /// Whether the oldest may be dropped.
    drops: bool,
    now: Instant,
    cursor: u64,
    acknowledged: u64,
    owed: BTreeMap<u64, u64>,
    keys: u64,
    parked: Option<u64>,
    made: u64,
    answered: u64,
    /// The frames of the direct way that were not taken over, if there is such a way, and how many were.
    frames: Option<(VecDeque<Vec<u64>>, u64)>,
    /// What was taken over.
    taken: BTreeSet<u64>,
}

impl Play {
    fn new(first: u8) -> Self {
        let ack = first & 1 == 1;
        let terms = Terms {
            ack,
            timeout: Duration::from_secs(30),
            interval: Duration::ZERO,
            max_interval: Duration::from_secs(10),
            longest_hold: Duration::from_secs(20),
            queue_messages: 8,
            queue_bytes: 1 << 10,
            delivery: if first & 2 == 2 { Delivery::ConnectOnly } else { Delivery::AnyReply },
            handshake_reconnect: false,
            slow: if first & 4 == 4 { SlowConsumer::DropOldest } else { SlowConsumer::Expire },
        };
        let now = clock::now();
        Self {
            session: Session::new(now, terms, Position::new(10)),
            ack,
            drops: !ack && first & 4 == 4,
            now,
            cursor: 10,
            acknowledged: 10,
            owed: BTreeMap::new(),
            keys: 0,
            parked: None,
            made: 0,
            answered: 0,
            frames: None,
            taken: BTreeSet::new(),
        }
    }

    fn step(&mut self, what: u8, how: u64) {
        let key = ConnectKey(how % (self.keys + 1));
        match what % 14 {
            0 => self.deliver(how),
            1 => self.connect(how),
            2 => {
                self.session.handle_lost(self.now, key);
                self.parked = self.parked.filter(|parked| *parked != key.0);
            }
            3 => self.session.handle_written(self.now, key),
            4 => self.session.handle_message(self.now),
            5 => self.session.handle_release(self.now, ReplyAdvice::NONE),
            6 => self.ride(),
            7 => self.cursor += how,
            10 => self.attach(),
            11 => self.detach(),
            12 => self.take_over(),
            13 if self.frames.is_some() => self.session.handle_full(),
            _ => {
                self.now += Duration::from_millis(how * 100);
                self.session.handle_timeout(self.now);
            }
        }
        let (messages, bytes) = self.session.owed();
        assert!(messages <= 8 && bytes <= 1 << 10);
        assert!(self.session.settled(Position::new(self.cursor)).get() <= self.cursor.max(self.acknowledged));
        assert!(!(self.session.is_parked() && self.session.is_expired()));
    }

    fn deliver(&mut self, how: u64) {
        self.cursor += 1;
        self.made += 1;
        let event = Event(Bytes::copy_from_slice(&self.made.to_be_bytes()));
        let at = Position::new(self.cursor);
        let taken = if how.is_multiple_of(2) {
            self.session.deliver(at, event)
        } else {
            self.session.deliver_lazy(at, event, self.now + Duration::from_millis(how * 50))
        };
        if taken.is_ok() {
            self.owed.insert(self.made, self.cursor);
        }
    }

    fn connect(&mut self, how: u64) {
        self.keys += 1;
        let number = self.acknowledged.saturating_sub(how % 3) + how / 16;
        let connect = Connect {
            key: ConnectKey(self.keys),
            id: None,
            ack: self.ack.then(|| Position::new(number)),
            advice: how.is_multiple_of(2).then(|| Advice { timeout: Some(Duration::from_millis(how)), interval: None }),
            hold: if how.is_multiple_of(5) { Hold::Together } else { Hold::Allowed },
        };
        match self.session.handle_connect(self.now, connect, Position::new(self.cursor)) {
            Ok(()) => {
                assert!(!self.ack || number <= self.cursor);
                if self.ack {
                    self.acknowledged = self.acknowledged.max(number);
                }
                let older = self.parked.replace(self.keys);
                if let Some(older) = older.filter(|_| !self.session.is_expired()) {
                    let superseded = self.session.poll_answer(self.now, Position::new(self.cursor));
                    assert!(matches!(superseded, Some(Answer::Superseded(key)) if key.0 == older));
                }
            }
            Err(_) => assert!(self.ack && number > self.cursor),
        }
    }

    fn attach(&mut self) {
        if self.frames.is_none() {
            self.session.handle_attached();
            self.frames = Some((VecDeque::new(), 0));
        }
    }

    fn detach(&mut self) {
        if let Some((frames, taken)) = self.frames.take() {
            let again = self.session.handle_detached(taken);
            let pushed: usize = frames.iter().map(Vec::len).sum();
            assert!(self.drops || again <= pushed, "only what was pushed is owed again");
        }
    }

    fn take_over(&mut self) {
        if let Some((frames, taken)) = &mut self.frames
            && let Some(frame) = frames.pop_front()
        {
            *taken += 1;
            self.taken.extend(frame);
            self.session.handle_taken(*taken);
        }
    }

    fn push(&mut self) {
        let Some((frames, taken)) = &self.frames else { return };
        let events = self.session.poll_frame(self.now, taken + frames.len() as u64 + 1);
        if events.is_empty() {
            return;
        }
        assert!(!self.ack, "what is acknowledged goes with connects");
        let numbers = self.check(&events);
        assert!(!numbers.iter().any(|number| self.taken.contains(number)), "it was taken over before");
        if let Some((frames, _)) = &mut self.frames {
            frames.push_back(numbers);
        }
    }

    fn ride(&mut self) {
        self.keys += 1;
        let events = self.session.poll_ride(self.now, ConnectKey(self.keys));
        assert!(!self.ack || events.is_empty());
        self.check(&events);
    }

    fn poll(&mut self) {
        self.answer();
        self.session.handle_timeout(self.now);
        self.push();
        self.answer();
        assert!(
            self.session.poll_timeout().is_none_or(|at| at > self.now),
            "a timer presses in vain: {:?}",
            self.session
        );
        assert!(self.session.is_parked() == self.parked.is_some() || self.session.is_expired());
    }

    fn answer(&mut self) {
        while let Some(answer) = self.session.poll_answer(self.now, Position::new(self.cursor)) {
            self.answered += 1;
            match answer {
                Answer::Superseded(key) => self.parked = self.parked.filter(|parked| *parked != key.0),
                Answer::Reply { key, events, reply } => {
                    assert_eq!(self.parked.take(), Some(key.0), "only the parked connect is answered, and once");
                    self.check(&events);
                    let Reply::Connect { ack, .. } = reply else { panic!("a connect gets a connect's reply") };
                    assert_eq!(ack, self.ack.then_some(self.cursor));
                    if self.ack && !self.session.is_expired() {
                        let through = |at: &u64| (self.acknowledged + 1..=self.cursor).contains(at);
                        assert_eq!(events.len(), self.owed.values().filter(|at| through(at)).count());
                    }
                }
            }
        }
    }

    /// They were delivered, and come in order. Where the oldest are dropped, word of the gap may stand in their place.
    fn check(&self, events: &[Event]) -> Vec<u64> {
        let mut numbers: Vec<u64> = Vec::new();
        for Event(event) in events {
            match <[u8; 8]>::try_from(&event[..]) {
                Ok(number) => numbers.push(u64::from_be_bytes(number)),
                Err(_) => assert!(self.drops && event.starts_with(b"{"), "{event:?}"),
            }
        }
        assert!(numbers.is_sorted() && numbers.iter().all(|number| self.owed.contains_key(number)));
        numbers
    }
}
