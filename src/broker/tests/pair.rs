//! Clients against their server, over a line that breaks everything that can break, in virtual time.
//!
//! The client's core is the real one, and so are the home, the sessions and the log; `wires.rs` has the sockets. What a
//! client must be given is read from the log by the [`Ledger`], which knows nothing of how it is given.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::bayeux::{Client, ClientEnded, ClientOptions, ClientRequest, ClientRequestKind};
use crate::broker::Peer;
use crate::broker::tests::faults::{Room, Sums};
use crate::broker::tests::kit::{Desk, End, peer};
use crate::broker::tests::ledger::Ledger;
use crate::broker::tests::line::{Agenda, Heard, Line, Passage, Return, Told};
use crate::broker::tests::told::Message;
use crate::broker::tests::wires::{Shape, Way, Wire, Wired};
use crate::ids::SessionId;
use crate::metrics::RedeliveryCause;
use bytes::Bytes;

/// What happens.
pub(super) enum Action {
    /// The server applies one record.
    Apply,
    /// A request arrives. Whether its answer is the one that the client hears.
    Arrive { trip: u64, heard: bool },
    /// A response arrives.
    Deliver { trip: u64, body: String },
    /// The server learns that a client went away.
    Gone { key: u64 },
    /// A client learns, or assumes, that its request is lost.
    Lost { trip: u64 },
    /// Something new happens.
    Next,
    /// The server stops, having drained.
    Stop,
    /// A response was dropped before it was written.
    Torn { key: u64 },
    /// Something happens to a socket.
    Wire { wire: u64, what: Wired },
    /// A response was written to its end. After how long it arrives, if it does.
    Written { key: u64, trip: u64, body: String, arrives: Option<Duration> },
}

/// A request of a client, until its client has the answer or has given it up.
pub(super) struct Trip {
    pub(super) who: usize,
    pub(super) kind: ClientRequestKind,
    pub(super) body: Bytes,
    pub(super) session: Option<SessionId>,
    /// What a connect acknowledges.
    ack: u64,
    pub(super) open: bool,
    /// The socket that it went by, if it went by one.
    pub(super) wire: Option<u64>,
}

/// A request as the server has it.
pub(super) struct Copy {
    pub(super) trip: u64,
    heard: bool,
    /// Whether its connection is broken, whoever knows.
    pub(super) cut: bool,
}

pub(super) struct Party {
    pub(super) peer: Peer,
    pub(super) ack: bool,
    pub(super) client: Client,
    /// The session that it believes in.
    pub(super) session: Option<SessionId>,
    /// Until when nothing that it sends arrives.
    pub(super) dark: Instant,
    /// How it is connected.
    pub(super) way: Way,
    /// The socket that it has open, as far as it knows.
    pub(super) wire: Option<u64>,
}

/// A server, its clients, and the line between them.
pub(super) struct Pair {
    pub(super) desk: Desk,
    pub(super) room: Room,
    pub(super) line: Line,
    pub(super) agenda: Agenda<Action>,
    pub(super) ledger: Ledger,
    pub(super) parties: Vec<Party>,
    pub(super) trips: BTreeMap<u64, Trip>,
    pub(super) copies: BTreeMap<u64, Copy>,
    pub(super) shape: Shape,
    pub(super) wires: BTreeMap<u64, Wire>,
    /// While the server is down.
    pub(super) up: Option<Instant>,
    pub(super) stopping: bool,
    pub(super) published: u64,
    pub(super) left: u32,
    pub(super) sums: Sums,
}

impl Pair {
    pub(super) fn new(seed: u64, room: Room, shape: Shape) -> Self {
        let (settings, ring) = room.settings(seed);
        let desk = Desk::over(settings, ring);
        let ledger = Ledger::new(Arc::clone(&desk.log));
        let now = desk.now;
        let party = |n: usize| Party::new(now, &format!("1500{n}"), n.is_multiple_of(2), shape.first());
        Self {
            room,
            line: Line::new(seed),
            agenda: Agenda::new(),
            ledger,
            parties: (0..3).map(party).collect(),
            trips: BTreeMap::new(),
            copies: BTreeMap::new(),
            shape,
            wires: BTreeMap::new(),
            up: None,
            stopping: false,
            published: 0,
            left: 80,
            sums: Sums::default(),
            desk,
        }
    }

    /// Lets things go wrong for a while, then nothing any more, until everybody has what it is owed.
    pub(super) fn run(&mut self) {
        self.agenda.put(self.desk.now, Action::Next);
        while self.left > 0 {
            self.step();
        }
        self.line.calm();
        let healed = self.desk.now;
        while !self.is_settled() {
            self.step();
            assert!(self.desk.now < healed + HEALING, "not settled");
        }
        self.ledger.assert_no_doublet();
        self.ledger.assert_heard(self.shape);
        for party in &self.parties {
            self.ledger.assert_settled(party.session.unwrap());
        }
        self.count_ends();
        let redeliveries = &self.desk.metrics.redeliveries_total;
        self.sums.count_many("again: lost", redeliveries.of(RedeliveryCause::Lost).get());
        self.sums.count_many("again: resumed", redeliveries.of(RedeliveryCause::Resumed).get());
        self.sums.count_many("again: unacknowledged", redeliveries.of(RedeliveryCause::Unacknowledged).get());
    }

    fn is_settled(&mut self) -> bool {
        self.ledger.read();
        self.up.is_none()
            && !self.stopping
            && self.parties.iter().all(|party| {
                let Some(session) = party.session else { return false };
                party.client.is_joined() && party.client.is_subscribed() && self.ledger.is_settled(session)
            })
    }

    /// Whatever is due next.
    fn step(&mut self) {
        let server = if self.up.is_some() { self.up } else { self.desk.sessions.poll_timeout() };
        let clients = self.parties.iter().filter_map(|party| party.client.poll_timeout()).min();
        let next = [self.agenda.first(), server, clients].into_iter().flatten().min().unwrap();
        self.desk.now = self.desk.now.max(next);
        let now = self.desk.now;
        if self.up.is_some_and(|up| up <= now) {
            self.up = None;
        }
        if self.up.is_none() {
            self.desk.sessions.handle_timeout(now);
        }
        for who in 0..self.parties.len() {
            let party = &mut self.parties[who];
            if party.client.poll_timeout().is_some_and(|due| due <= now)
                && let Some(request) = party.client.poll_request(now)
            {
                self.send(who, request);
            }
        }
        if let Some(action) = self.agenda.take(now) {
            self.act(action);
        }
        self.serve();
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Apply => {
                self.desk.step();
            }
            Action::Arrive { trip, heard } => self.arrive(trip, heard),
            Action::Deliver { trip, body } => self.receive(trip, &body),
            Action::Gone { key } => {
                self.copies.remove(&key);
                self.desk.gone(key);
            }
            Action::Lost { trip } => self.give_up(trip),
            Action::Next => self.next(),
            Action::Stop => self.stop(),
            Action::Wire { wire, what } => self.wire(wire, what),
            Action::Torn { key } => {
                self.sums.count("torn");
                if self.desk.carries(key) {
                    self.desk.lost(key);
                }
            }
            Action::Written { key, trip, body, arrives } => {
                self.write(key, trip, &body);
                if let Some(after) = arrives {
                    self.agenda.put(self.desk.now + after, Action::Deliver { trip, body });
                }
            }
        }
    }
}

/// The client's side.
impl Pair {
    pub(super) fn send(&mut self, who: usize, request: ClientRequest) {
        let now = self.desk.now;
        let sent = Message::of(&request.body);
        let trip = self.trips.len() as u64;
        let (session, ack) = (sent.session(), sent.ack());
        let kind = request.kind;
        let wire = self.wire_for(who, kind);
        self.trips.insert(trip, Trip { who, kind, body: request.body, session, ack, open: true, wire });
        self.agenda.put(now + request.patience, Action::Lost { trip });
        if let Some(wire) = wire {
            return self.send_by(wire, trip);
        }
        let dark = self.parties[who].dark > now;
        match self.line.request() {
            _ if dark => self.sums.count("sent into the dark"),
            Passage::Arrives(after) => self.agenda.put(now + after, Action::Arrive { trip, heard: true }),
            // A publication that arrives twice is two, and nobody could tell which of them a client has.
            Passage::Doubled([first, _], _) if kind == ClientRequestKind::Publish => {
                self.agenda.put(now + first, Action::Arrive { trip, heard: true });
            }
            Passage::Doubled([first, second], heard) => {
                self.sums.count("doubled");
                self.agenda.put(now + first, Action::Arrive { trip, heard: heard == Heard::First });
                self.agenda.put(now + second, Action::Arrive { trip, heard: heard == Heard::Second });
            }
            Passage::Lost(told) => {
                self.sums.count("requests lost");
                self.tell_lost(trip, told);
            }
        }
    }

    /// The client has a response.
    pub(super) fn receive(&mut self, number: u64, body: &str) {
        let now = self.desk.now;
        let Some(trip) = self.trips.get_mut(&number).filter(|trip| trip.open) else {
            return self.sums.count("responses too late");
        };
        trip.open = false;
        let (who, kind, session, ack, wire) = (trip.who, trip.kind, trip.session, trip.ack, trip.wire);
        let messages = Message::all(body);
        let events: Vec<u64> = messages.iter().filter_map(Message::event).collect();
        let party = &mut self.parties[who];
        let bytes = Bytes::copy_from_slice(body.as_bytes());
        match kind {
            _ if wire.is_some() => party.client.handle_frame(now, &bytes).unwrap(),
            ClientRequestKind::Publish => {
                party.client.handle_published(now, &bytes).unwrap();
            }
            ClientRequestKind::Disconnect => {}
            ClientRequestKind::Connect | ClientRequestKind::Handshake | ClientRequestKind::Subscribe => {
                party.client.handle_response(now, &bytes).unwrap();
            }
        }
        let mut heard = Vec::new();
        while let Some(arrival) = party.client.poll_event() {
            heard.push(std::str::from_utf8(&arrival.data).unwrap().parse::<u64>().unwrap());
        }
        if kind != ClientRequestKind::Disconnect {
            assert_eq!(heard, events, "the client makes of a body what is in it");
        }
        self.heard(who, session, &events);
        let reply = messages.iter().find(|message| message.channel().starts_with("/meta/"));
        if let (ClientRequestKind::Handshake, Some(reply)) = (kind, reply) {
            self.parties[who].session = reply.session();
        }
        if let (ClientRequestKind::Connect, Some(reply), Some(session)) = (kind, reply, session) {
            self.connected(who, session, ack, reply, &events);
        } else if self.parties[who].ack {
            assert!(events.is_empty(), "with acknowledgement nothing rides along: {body}");
        }
        self.replace(who);
    }

    /// The reply to a connect: what it brought is right, or it says that the session is no more.
    fn connected(&mut self, who: usize, session: SessionId, ack: u64, reply: &Message, events: &[u64]) {
        if reply.is_successful() {
            if self.parties[who].ack {
                self.ledger.given(session, ack, reply.ack(), events);
                self.sums.count(if events.is_empty() { "empty replies" } else { "replies with events" });
            }
            return;
        }
        let reasons = ["402::session_unknown", "429::limit:queue_bytes", "429::limit:queue_messages"];
        assert!(reasons.contains(&reply.error()) && reply.reconnect() == "handshake", "it is told: {}", reply.error());
        assert!(events.is_empty());
        assert!(!self.parties[who].client.is_joined());
        self.parties[who].session = None;
        self.sums.count(if self.parties[who].ack { "told to handshake, ack" } else { "told to handshake" });
    }

    /// Who left, or was turned away at its first handshake because the server was about to stop, comes anew.
    pub(super) fn replace(&mut self, who: usize) {
        let old = self.parties[who].wire;
        let party = &mut self.parties[who];
        match party.client.ended() {
            None => {}
            Some(ClientEnded::HandshakeRefused(_) | ClientEnded::Left) => {
                let name = party.peer.agent.clone().unwrap();
                *party = Party { dark: party.dark, ..Party::new(self.desk.now, name.as_str(), party.ack, party.way) };
                self.abandon(who);
                old.into_iter().for_each(|wire| self.close(wire));
            }
            Some(ended @ (ClientEnded::Dismissed | ClientEnded::SubscribeRefused(_))) => panic!("{ended}"),
        }
    }

    /// Whatever a client still waits for, nobody waits for any more.
    fn abandon(&mut self, who: usize) {
        let open: Vec<u64> =
            self.trips.iter().filter(|(_, trip)| trip.who == who && trip.open).map(|(trip, _)| *trip).collect();
        open.into_iter().for_each(|trip| self.hang_up(trip));
    }

    pub(super) fn give_up(&mut self, number: u64) {
        let Some(trip) = self.trips.get(&number).filter(|trip| trip.open) else { return };
        let (who, kind) = (trip.who, trip.kind);
        self.sums.count("given up");
        if let Some(wire) = trip.wire {
            return self.close(wire);
        }
        self.hang_up(number);
        match kind {
            ClientRequestKind::Connect | ClientRequestKind::Handshake | ClientRequestKind::Subscribe => {
                self.parties[who].client.handle_lost(self.desk.now);
            }
            ClientRequestKind::Disconnect | ClientRequestKind::Publish => {}
        }
    }

    /// The client closes a request's connection; the server may learn that late.
    fn hang_up(&mut self, number: u64) {
        if let Some(trip) = self.trips.get_mut(&number) {
            trip.open = false;
            if let Some(wire) = trip.wire {
                return self.close(wire);
            }
        }
        let now = self.desk.now;
        for (key, copy) in self.copies.iter_mut().filter(|(_, copy)| copy.trip == number && copy.heard) {
            copy.cut = true;
            self.agenda.put(now + self.line.delay(), Action::Gone { key: *key });
        }
    }

    pub(super) fn tell_lost(&mut self, trip: u64, told: Told) {
        if let Some(after) = told {
            self.agenda.put(self.desk.now + after, Action::Lost { trip });
        }
    }
}

/// The server's side.
impl Pair {
    fn arrive(&mut self, number: u64, heard: bool) {
        let trip = &self.trips[&number];
        if self.up.is_some() {
            let told = self.line.told();
            return self.tell_lost(number, told);
        }
        let body = String::from_utf8(trip.body.to_vec()).unwrap();
        let peer = self.parties[trip.who].peer.clone();
        let cut = heard && !trip.open;
        let key = self.desk.send(&peer, &body);
        self.copies.insert(key, Copy { trip: number, heard, cut });
        if let Some(after) = self.line.cut() {
            self.sums.count("cut");
            let at = self.desk.now + after;
            let told = self.line.told();
            if heard && let Some(later) = told {
                self.agenda.put(at + later, Action::Lost { trip: number });
            }
            self.agenda.put(at + self.line.delay(), Action::Gone { key });
        }
    }

    /// The server does what it can, or some of it; what it answers goes on its way.
    fn serve(&mut self) {
        self.desk.work();
        if self.line.chance(0.7) {
            self.desk.pump();
        } else {
            self.agenda.put(self.desk.now + self.line.within(50), Action::Apply);
        }
        self.pull_all();
        self.ledger.read();
        let keys: Vec<u64> = self.copies.keys().copied().collect();
        for key in keys {
            let Some(body) = self.desk.raw_answer(key) else { continue };
            if let Some(copy) = self.copies.remove(&key) {
                self.answer(key, &copy, body);
            }
        }
    }

    fn answer(&mut self, key: u64, copy: &Copy, body: String) {
        let (now, trip) = (self.desk.now, copy.trip);
        if body == "superseded" {
            self.sums.count("superseded");
            if copy.heard {
                self.agenda.put(now + self.line.delay(), Action::Lost { trip });
            }
            return;
        }
        let broken = copy.cut || !copy.heard || self.parties[self.trips[&trip].who].dark > now;
        let way = if broken { self.line.broken() } else { self.line.response() };
        match way {
            Return::Torn(after, told) => {
                self.agenda.put(now + after, Action::Torn { key });
                if copy.heard {
                    self.tell_lost(trip, told);
                }
            }
            Return::Vanished(after, told) => {
                self.sums.count("vanished");
                self.agenda.put(now + after, Action::Written { key, trip, body, arrives: None });
                if copy.heard {
                    self.tell_lost(trip, told);
                }
            }
            Return::Whole { written, arrives } => {
                let arrives = Some(arrives.saturating_sub(written));
                self.agenda.put(now + written, Action::Written { key, trip, body, arrives });
            }
        }
    }

    pub(super) fn write(&mut self, key: u64, trip: u64, body: &str) {
        if !self.desk.carries(key) {
            return;
        }
        self.desk.written(key);
        let events: Vec<u64> = Message::all(body).iter().filter_map(Message::event).collect();
        if let Some(session) = self.trips[&trip].session {
            self.ledger.sent(session, &events);
            self.sums.count("written with events");
        }
    }

    /// The process ends: what is not written is not written any more, and its clients may hear of that.
    pub(super) fn end(&mut self, end: End) {
        self.ledger.read();
        if end == End::Stopped {
            let again = self.ledger.stopped();
            self.sums.count_many("again: stopped", again);
        }
        self.desk.restart(end);
        self.agenda.keep(|action| match action {
            Action::Gone { .. } | Action::Stop | Action::Torn { .. } | Action::Written { .. } => false,
            Action::Apply | Action::Arrive { .. } | Action::Deliver { .. } | Action::Lost { .. } | Action::Next => true,
            Action::Wire { .. } => true,
        });
        let now = self.desk.now;
        for copy in std::mem::take(&mut self.copies).into_values() {
            if let (true, Some(after)) = (copy.heard, self.line.told()) {
                self.agenda.put(now + after, Action::Lost { trip: copy.trip });
            }
        }
        self.end_wires();
        self.stopping = false;
        self.up = Some(now + self.line.within(3_000));
    }

    fn stop(&mut self) {
        self.sums.count("stopped");
        self.end(End::Stopped);
    }
}

impl Party {
    fn new(now: Instant, name: &str, ack: bool, way: Way) -> Self {
        let mut client = Client::new(now, ClientOptions { ack });
        client.subscribe(now, "/demo/*");
        Self { peer: peer(name), ack, client, session: None, dark: now, way, wire: None }
    }
}

/// How long it may take, once nothing goes wrong any more, until everybody has what it is owed: clients that
/// wait in vain wait for the hold of a connect and ten seconds more, and those in the dark for its end.
const HEALING: Duration = Duration::from_secs(300);
