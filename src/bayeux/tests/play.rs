//! A session that plays a script and tells what it does.
//!
//! A script's lines: `deliver POSITION TEXT`, `connect KEY [ack N] [timeout MS] [interval MS] [together]
//! [crowded MS]`, `lazy POSITION TEXT MS`, `promise MS MS` (timeout and interval), `written KEY`, `lost KEY`, `ride KEY`,
//! `message`, `release`, `together`, `apart`, `cursor POSITION`, `wait SECONDS`, `owed`.
//! After each, everything is polled. The session begins at position 10, holds a connect for 30 s, and lives for
//! 10 s after it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use expect_test::Expect;

use crate::bayeux::{
    Advice, Answer, Connect, ConnectKey, Delivery, Event, Hold, MessageId, ReplyAdvice, Session, SlowConsumer, Terms,
};
use crate::ids::Position;

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Ack,
    ConnectOnly,
    DropOldest,
    Plain,
}

pub(super) fn check(kind: Kind, script: &str, expected: Expect) {
    let mut play = Play::new(kind);
    script.lines().for_each(|line| play.line(line.trim()));
    expected.assert_eq(&play.transcript);
}

struct Play {
    session: Session,
    start: Instant,
    now: Instant,
    cursor: Position,
    transcript: String,
}

impl Play {
    fn new(kind: Kind) -> Self {
        let now = start();
        let session = Session::new(now, terms(kind), Position::new(10));
        Self { session, start: now, now, cursor: Position::new(10), transcript: String::new() }
    }

    fn line(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |n: usize| words.get(n).and_then(|word| word.parse().ok()).unwrap_or(0_u64);
        let now = self.now;
        match words[0] {
            "connect" => {
                let connect = parse_connect(&words);
                if self.session.handle_connect(now, connect, self.cursor).is_err() {
                    self.tell("unknown ack");
                }
            }
            "cursor" => self.cursor = Position::new(number(1)),
            "deliver" => {
                self.cursor = Position::new(number(1));
                if self.session.deliver(self.cursor, event(words[2])).is_err() {
                    self.tell("overrun");
                }
            }
            "lazy" => {
                self.cursor = Position::new(number(1));
                let due = now + Duration::from_millis(number(3));
                if self.session.deliver_lazy(self.cursor, event(words[2]), due).is_err() {
                    self.tell("overrun");
                }
            }
            "lost" => self.session.handle_lost(now, ConnectKey(number(1))),
            "message" => self.session.handle_message(now),
            "owed" => self.tell(&format!("owed {:?}", self.session.owed())),
            "apart" => self.session.handle_together(false),
            "together" => self.session.handle_together(true),
            "release" => self.session.handle_release(now, ReplyAdvice::NONE),
            "promise" => {
                let (timeout, interval) = (Duration::from_millis(number(1)), Duration::from_millis(number(2)));
                self.session.handle_terms(now, Terms { timeout, interval, ..*self.session.terms() });
            }
            "ride" => {
                let events = self.session.poll_ride(now, ConnectKey(number(1)));
                self.tell(format!("ride {}: {}", number(1), texts(&events)).trim_end());
            }
            "wait" => self.wait(Duration::from_secs_f64(words[1].parse().unwrap())),
            "written" => self.session.handle_written(now, ConnectKey(number(1))),
            other => panic!("{other}"),
        }
        self.poll();
    }

    fn wait(&mut self, duration: Duration) {
        let until = self.now + duration;
        while let Some(timeout) = self.session.poll_timeout().filter(|timeout| *timeout <= until) {
            self.now = timeout;
            self.session.handle_timeout(timeout);
            self.poll();
            if self.session.is_expired() {
                self.tell("expired");
            }
        }
        self.now = until;
    }

    fn poll(&mut self) {
        while let Some(answer) = self.session.poll_answer(self.now, self.cursor) {
            match answer {
                Answer::Reply { key, events, reply } => {
                    let mut out = Vec::new();
                    reply.write(&mut out);
                    let reply = String::from_utf8(out).unwrap();
                    let reply = reply.replace("\"channel\":\"/meta/connect\",", "").replace('"', "");
                    self.tell(&format!("answer {}: {}{reply}", key.0, texts(&events)));
                }
                Answer::Superseded(key) => self.tell(&format!("superseded {}", key.0)),
            }
        }
    }

    fn tell(&mut self, what: &str) {
        let time = (self.now - self.start).as_secs_f32();
        self.transcript += &format!("{time:04.1}s {what}\n");
    }
}

fn parse_connect(words: &[&str]) -> Connect {
    let after = |name: &str| {
        let at = words.iter().position(|word| *word == name)?;
        words.get(at + 1)?.parse::<u64>().ok()
    };
    let (timeout, interval) = (after("timeout"), after("interval"));
    let advised = timeout.is_some() || interval.is_some();
    Connect {
        advice: advised.then(|| Advice {
            timeout: timeout.map(Duration::from_millis),
            interval: interval.map(Duration::from_millis),
        }),
        hold: match after("crowded") {
            Some(ms) => Hold::Crowded(ReplyAdvice {
                interval: Some(Duration::from_millis(ms)),
                multiple_clients: true,
                ..ReplyAdvice::RETRY
            }),
            None if words.contains(&"together") => Hold::Together,
            None => Hold::Allowed,
        },
        ..connect(words[1].parse().unwrap(), after("ack"))
    }
}

pub(super) fn connect(key: u64, ack: Option<u64>) -> Connect {
    let id = Some(MessageId(Bytes::from(key.to_string())));
    Connect { key: ConnectKey(key), id, ack: ack.map(Position::new), advice: None, hold: Hold::Allowed }
}

pub(super) fn terms(kind: Kind) -> Terms {
    Terms {
        ack: kind == Kind::Ack,
        timeout: Duration::from_secs(30),
        interval: Duration::ZERO,
        max_interval: Duration::from_secs(10),
        longest_hold: Duration::MAX,
        queue_messages: 5,
        queue_bytes: if kind == Kind::DropOldest { 300 } else { 20 },
        slow: if kind == Kind::DropOldest { SlowConsumer::DropOldest } else { SlowConsumer::Expire },
        delivery: if kind == Kind::ConnectOnly { Delivery::ConnectOnly } else { Delivery::AnyReply },
        handshake_reconnect: false,
    }
}

pub(super) fn event(text: &str) -> Event {
    Event(Bytes::copy_from_slice(text.as_bytes()))
}

fn texts(events: &[Event]) -> String {
    events.iter().map(|event| String::from_utf8(event.0.to_vec()).unwrap() + " ").collect()
}

/// Some time: what the tests measure starts there.
#[expect(clippy::disallowed_methods, reason = "an instant can be had from nowhere else, and which does not matter")]
pub(super) fn start() -> Instant {
    Instant::now()
}
