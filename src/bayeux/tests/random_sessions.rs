//! Sessions in random runs, against a list of what is owed.

use std::collections::BTreeMap;
use std::mem;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::bayeux::tests::play::start;
use crate::bayeux::{Advice, Answer, Connect, ConnectKey, Delivery, Event, Hold, Reply, Session, SlowConsumer, Terms};
use crate::ids::Position;

#[test]
fn without_ack_each_event_arrives_once_whatever_is_lost() {
    let mut sums = Sums::default();
    for seed in 0..200 {
        let mut world = World::new(seed, Kind::Plain);
        world.run();
        let mut arrived = world.seen.clone();
        arrived.sort_unstable();
        assert_eq!(arrived, (1..=world.made).collect::<Vec<_>>(), "seed {seed}");
        sums.add(&world.sums);
    }
    sums.assert_exercised();
    assert!(sums.rides > 1_000, "{sums:?}");
}

#[test]
fn without_ack_and_one_response_at_a_time_events_arrive_in_order() {
    let mut sums = Sums::default();
    for seed in 0..200 {
        let mut world = World::new(seed, Kind::OneAtATime);
        world.run();
        assert_eq!(world.seen, (1..=world.made).collect::<Vec<_>>(), "seed {seed}");
        sums.add(&world.sums);
    }
    sums.assert_exercised();
}

#[test]
fn with_ack_the_client_sees_every_event_in_order_and_again_only_what_it_did_not_acknowledge() {
    let mut sums = Sums::default();
    for seed in 0..200 {
        let mut world = World::new(seed, Kind::Ack);
        world.run();
        assert_eq!(world.seen, (1..=world.made).collect::<Vec<_>>(), "seed {seed}");
        sums.add(&world.sums);
    }
    sums.assert_exercised();
    assert!(sums.repeated > 1_000, "{sums:?}");
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Kind {
    Ack,
    OneAtATime,
    Plain,
}

/// How much was exercised.
#[derive(Debug, Default)]
struct Sums {
    answers: u64,
    lost: u64,
    parked_lost: u64,
    repeated: u64,
    rides: u64,
    superseded: u64,
    together: u64,
    /// Times that a connect stayed parked although something lazy was owed.
    waits: u64,
}

/// A response on its way: the events it carries, and the number of its reply.
struct Response {
    events: Vec<u64>,
    ack: Option<u64>,
}

/// A session, the list of what it must owe, and a client behind a line that loses responses.
struct World {
    kind: Kind,
    random: StdRng,
    now: Instant,
    session: Session,
    cursor: u64,
    /// Events made so far: they are numbered from one.
    made: u64,
    /// The position of each event that is owed and not in flight.
    owed: BTreeMap<u64, u64>,
    /// Until when an event may wait that was never sent.
    lazy: BTreeMap<u64, Instant>,
    /// The positions of events in flight.
    flying: BTreeMap<u64, u64>,
    responses: BTreeMap<ConnectKey, Response>,
    keys: u64,
    parked: Option<ConnectKey>,
    acknowledged: u64,
    /// The number that the client saw last.
    client_ack: u64,
    /// What the client saw, without what it saw before.
    seen: Vec<u64>,
    sums: Sums,
}

impl World {
    fn new(seed: u64, kind: Kind) -> Self {
        let now = start();
        let terms = Terms {
            ack: kind == Kind::Ack,
            timeout: Duration::from_secs(30),
            interval: Duration::ZERO,
            max_interval: Duration::from_secs(1 << 20),
            longest_hold: Duration::MAX,
            queue_messages: usize::MAX,
            queue_bytes: usize::MAX,
            slow: SlowConsumer::Expire,
            delivery: Delivery::AnyReply,
            handshake_reconnect: false,
        };
        Self {
            kind,
            random: StdRng::seed_from_u64(seed),
            now,
            session: Session::new(now, terms, Position::new(100)),
            cursor: 100,
            made: 0,
            owed: BTreeMap::new(),
            lazy: BTreeMap::new(),
            flying: BTreeMap::new(),
            responses: BTreeMap::new(),
            keys: 0,
            parked: None,
            acknowledged: 100,
            client_ack: 0,
            seen: Vec::new(),
            sums: Sums::default(),
        }
    }

    fn run(&mut self) {
        for _ in 0..300 {
            self.step();
        }
        while !(self.owed.is_empty() && self.responses.is_empty()) {
            self.resolve_all();
            self.connect();
        }
        self.resolve_all();
    }

    fn step(&mut self) {
        match self.random.random_range(0..10) {
            0..3 => self.deliver(),
            3..6 => self.connect(),
            6 if self.kind == Kind::Plain => self.ride(),
            6 => self.lose_parked(),
            7 => {
                self.now += Duration::from_millis(self.random.random_range(0..20_000));
                self.session.handle_timeout(self.now);
                self.poll();
            }
            _ => self.resolve_one(),
        }
        let waiting = self.owed.len() + self.flying.len();
        assert_eq!(self.session.owed(), (waiting, waiting * 8));
        assert_eq!(self.session.is_parked(), self.parked.is_some());
        assert!(self.session.poll_timeout().is_some());
    }

    fn deliver(&mut self) {
        self.cursor += self.random.random_range(1..4);
        for _ in 0..self.random.random_range(0..3) {
            self.made += 1;
            self.owed.insert(self.made, self.cursor);
            let event = Event(Bytes::copy_from_slice(&self.made.to_be_bytes()));
            let at = Position::new(self.cursor);
            if self.random.random_bool(0.3) {
                let due = self.now + Duration::from_millis(self.random.random_range(0..20_000));
                self.session.deliver_lazy(at, event, due).unwrap();
                self.lazy.insert(self.made, due);
            } else {
                self.session.deliver(at, event).unwrap();
            }
        }
        self.poll();
    }

    fn connect(&mut self) {
        if self.kind != Kind::Plain {
            self.resolve_all();
        }
        // Now and then a client repeats an old number, as after a reload.
        let ack = if self.random.random_bool(0.1) { 0 } else { self.client_ack };
        let ack = (self.kind == Kind::Ack).then(|| {
            self.acknowledged = self.acknowledged.max(ack);
            self.owed.retain(|_, at| *at > self.acknowledged);
            Position::new(ack)
        });
        let timeout = [None, Some(Duration::ZERO)][self.random.random_range(0..2)];
        let alone = self.random.random_bool(0.8);
        let advice = Some(Advice { timeout, interval: None });
        let hold = if alone { Hold::Allowed } else { Hold::Together };
        let connect = Connect { key: self.key(), id: None, ack, advice, hold };
        let older = self.parked.replace(connect.key);
        self.session.handle_connect(self.now, connect, Position::new(self.cursor)).unwrap();
        if let Some(older) = older {
            let Some(Answer::Superseded(key)) = self.session.poll_answer(self.now, Position::new(self.cursor)) else {
                panic!("nothing was superseded");
            };
            assert_eq!(key, older);
            self.sums.superseded += 1;
        }
        self.poll();
        if !alone {
            assert!(self.parked.is_none());
            self.sums.together += 1;
        }
    }

    fn ride(&mut self) {
        let key = self.key();
        let events = self.session.poll_ride(self.now, key);
        self.check(&events);
        self.take_off(key, &events, None);
        self.sums.rides += u64::from(!events.is_empty());
    }

    fn poll(&mut self) {
        while let Some(answer) = self.session.poll_answer(self.now, Position::new(self.cursor)) {
            let Answer::Reply { key, events, reply: Reply::Connect { ack, error: None, .. } } = answer else {
                panic!("{answer:?}");
            };
            assert_eq!(self.parked.take(), Some(key));
            assert_eq!(ack, (self.kind == Kind::Ack).then_some(self.cursor));
            self.check(&events);
            self.take_off(key, &events, ack);
            self.sums.answers += 1;
        }
        let due = |made: &u64| self.lazy.get(made).is_none_or(|due| *due <= self.now);
        let may_wait = !self.owed.keys().any(due) || !self.flying.is_empty();
        self.sums.waits += u64::from(self.parked.is_some() && !self.owed.is_empty() && self.flying.is_empty());
        assert!(self.parked.is_none() || may_wait, "a parked connect was not answered");
    }

    /// All that is owed must be in each response, in order.
    fn check(&self, events: &[Event]) {
        assert!(numbers(events).eq(self.owed.keys().copied()));
    }

    fn take_off(&mut self, key: ConnectKey, events: &[Event], ack: Option<u64>) {
        self.lazy.clear();
        if self.kind != Kind::Ack {
            self.flying.append(&mut self.owed);
        }
        self.responses.insert(key, Response { events: numbers(events).collect(), ack });
    }

    fn resolve_one(&mut self) {
        let keys: Vec<_> = self.responses.keys().copied().collect();
        if !keys.is_empty() {
            let key = keys[self.random.random_range(0..keys.len())];
            self.resolve(key);
        }
    }

    fn resolve_all(&mut self) {
        while let Some(key) = self.responses.keys().next().copied() {
            self.resolve(key);
        }
    }

    fn resolve(&mut self, key: ConnectKey) {
        let Some(response) = self.responses.remove(&key) else { return };
        let lost = self.random.random_bool(0.4);
        // With acknowledgement, what the shell believes to be written can be lost all the same.
        if lost && (self.kind != Kind::Ack || self.random.random()) {
            self.session.handle_lost(self.now, key);
        } else {
            self.session.handle_written(self.now, key);
        }
        if lost {
            self.sums.lost += 1;
            self.land(&response, Self::owe_again);
        } else {
            self.arrive(&response);
            self.land(&response, |_, _, _| {});
        }
        self.poll();
    }

    fn arrive(&mut self, response: &Response) {
        for event in &response.events {
            if self.seen.contains(event) {
                assert!(self.kind == Kind::Ack, "{event} came twice");
                self.sums.repeated += 1;
            } else {
                self.seen.push(*event);
            }
        }
        self.client_ack = response.ack.unwrap_or(self.client_ack);
    }

    fn land(&mut self, response: &Response, then: fn(&mut Self, u64, u64)) {
        for event in &response.events {
            if let Some(at) = self.flying.remove(event) {
                then(self, *event, at);
            }
        }
    }

    fn owe_again(&mut self, event: u64, at: u64) {
        self.owed.insert(event, at);
    }

    fn lose_parked(&mut self) {
        if let Some(key) = mem::take(&mut self.parked) {
            self.session.handle_lost(self.now, key);
            self.sums.parked_lost += 1;
        }
    }

    fn key(&mut self) -> ConnectKey {
        self.keys += 1;
        ConnectKey(self.keys)
    }
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.answers += other.answers;
        self.lost += other.lost;
        self.parked_lost += other.parked_lost;
        self.repeated += other.repeated;
        self.rides += other.rides;
        self.superseded += other.superseded;
        self.together += other.together;
        self.waits += other.waits;
    }

    fn assert_exercised(&self) {
        let enough = self.answers > 5_000 && self.lost > 2_000 && self.superseded > 500 && self.together > 2_000;
        assert!(enough && self.waits > 100 && self.parked_lost + self.rides > 500, "{self:?}");
    }
}

fn numbers(events: &[Event]) -> impl Iterator<Item = u64> {
    events.iter().map(|event| u64::from_be_bytes(event.0[..].try_into().unwrap()))
}
