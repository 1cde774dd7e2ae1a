//! Sockets between clients and their server: several requests and frames are under way at once, in their order, and a
//! socket that breaks takes with it whatever had not arrived.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;

use crate::bayeux::ClientRequestKind;
use crate::broker::line::{LineId, Out, Parcel, Shown, Took};
use crate::broker::tests::line::Passage;
use crate::broker::tests::pair::{Action, Pair, Trip};
use crate::broker::tests::told::Message;
use crate::ids::SessionId;
use crate::websocket;
use crate::websocket::{Decoder, Role};

/// How the clients of a world are connected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Shape {
    /// Now in this way and now in that, and for some requests in both at once.
    Mixed,
    /// By long-polling.
    Polling,
    /// By sockets.
    Sockets,
}

/// How a client is connected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Way {
    Polling,
    Socket,
}

/// What happens to a socket.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wired {
    /// Nothing more arrives, whoever knows.
    Break,
    /// The next frame arrives at the client.
    Down,
    /// The server learns that the socket is gone.
    Part,
    /// The server's connection has room.
    Pull,
    /// The client learns that the socket is gone.
    Told,
    /// The next request arrives at the server.
    Up,
}

/// One socket.
pub(super) struct Wire {
    who: usize,
    out: Arc<Out>,
    parcels: mpsc::Receiver<Parcel>,
    /// Requests on their way to the server, and when the last of them arrives.
    up: (VecDeque<u64>, Instant),
    /// Frames on their way to the client.
    down: (VecDeque<Frame>, Instant),
    /// Requests that the server has not answered, and whose they are.
    asked: BTreeMap<u64, u64>,
    /// Whether nothing arrives any more, whoever knows.
    broken: bool,
    /// Whether its client gave it up.
    closed: bool,
    /// Whether its server knows that it is gone.
    parted: bool,
    /// Whether its connection is about to take something over.
    pulling: bool,
    /// Whether its connection has no room any more.
    full: bool,
}

/// What a client reads: the answer to a request, or events of a session.
enum Frame {
    Answer { trip: u64, body: String },
    Events { session: SessionId, body: String },
}

impl Shape {
    pub(super) fn first(self) -> Way {
        match self {
            Self::Mixed | Self::Polling => Way::Polling,
            Self::Sockets => Way::Socket,
        }
    }
}

/// The client's side.
impl Pair {
    /// The socket by which a request goes, if it goes by one. Beside its connects a client may use the other way, too.
    pub(super) fn wire_for(&mut self, who: usize, kind: ClientRequestKind) -> Option<u64> {
        let aside = match kind {
            ClientRequestKind::Connect | ClientRequestKind::Handshake => false,
            ClientRequestKind::Disconnect | ClientRequestKind::Publish | ClientRequestKind::Subscribe => {
                self.shape == Shape::Mixed && self.line.chance(0.25)
            }
        };
        match (self.parties[who].way, aside) {
            (Way::Polling, false) | (Way::Socket, true) => None,
            (Way::Polling, true) | (Way::Socket, false) => Some(self.open(who)),
        }
    }

    /// The client's socket, or a new one.
    fn open(&mut self, who: usize) -> u64 {
        if let Some(wire) = self.parties[who].wire {
            return wire;
        }
        self.sums.count("opened");
        let now = self.desk.now;
        let id = self.wires.len() as u64;
        let (out, parcels) = Out::pair(LineId(id), Shown::Cookie);
        self.wires.insert(
            id,
            Wire {
                who,
                out,
                parcels,
                up: (VecDeque::new(), now),
                down: (VecDeque::new(), now),
                asked: BTreeMap::new(),
                broken: self.parties[who].dark > now,
                closed: false,
                parted: false,
                pulling: false,
                full: false,
            },
        );
        self.parties[who].wire = Some(id);
        if let Some(after) = self.line.dies() {
            self.agenda.put(now + after, Action::Wire { wire: id, what: Wired::Break });
        }
        id
    }

    pub(super) fn send_by(&mut self, id: u64, trip: u64) {
        let after = match self.line.request() {
            Passage::Arrives(after) | Passage::Doubled([after, _], _) => after,
            Passage::Lost(_) => return self.break_wire(id),
        };
        let Some(wire) = self.wires.get_mut(&id) else { return };
        wire.up.1 = wire.up.1.max(self.desk.now + after);
        wire.up.0.push_back(trip);
        if wire.asked.len() + wire.up.0.len() > 1 {
            self.sums.count("several under way");
        }
        self.agenda.put(wire.up.1, Action::Wire { wire: id, what: Wired::Up });
    }

    /// The client gives its socket up, and all that it waits for there. The server may learn that much later.
    pub(super) fn close(&mut self, id: u64) {
        let now = self.desk.now;
        let Some(wire) = self.wires.get_mut(&id).filter(|wire| !wire.closed) else { return };
        wire.closed = true;
        let (who, broken) = (wire.who, wire.broken);
        if self.parties[who].wire == Some(id) {
            self.parties[who].wire = None;
        }
        let mut waits = false;
        for trip in self.trips.values_mut().filter(|trip| trip.wire == Some(id) && trip.open) {
            trip.open = false;
            waits |= match trip.kind {
                ClientRequestKind::Connect | ClientRequestKind::Handshake | ClientRequestKind::Subscribe => true,
                ClientRequestKind::Disconnect | ClientRequestKind::Publish => false,
            };
        }
        if waits {
            self.parties[who].client.handle_lost(now);
        }
        // Of a socket that is broken its server is told nothing.
        if !broken {
            let late = if self.line.chance(0.3) { self.line.within(20_000) } else { self.line.delay() };
            self.agenda.put(now + late, Action::Wire { wire: id, what: Wired::Part });
        }
    }

    /// The client goes over to the other way, with its next connect or at once.
    pub(super) fn change_way(&mut self, who: usize) {
        if self.shape != Shape::Mixed {
            return;
        }
        self.sums.count("changed over");
        let party = &mut self.parties[who];
        party.way = match party.way {
            Way::Polling => Way::Socket,
            Way::Socket => Way::Polling,
        };
        if self.line.chance(0.5) {
            let connect =
                |(_, trip): &(&u64, &Trip)| trip.who == who && trip.open && trip.kind == ClientRequestKind::Connect;
            let held = self.trips.iter().find(connect).map(|(trip, _)| *trip);
            held.into_iter().for_each(|trip| self.give_up(trip));
        }
    }

    /// What a client without acknowledgement hears.
    pub(super) fn heard(&mut self, who: usize, session: Option<SessionId>, events: &[u64]) {
        if let (false, Some(session)) = (self.parties[who].ack, session) {
            self.ledger.heard(session, events);
        }
    }

    fn read(&mut self, id: u64) {
        let Some(wire) = self.wires.get_mut(&id) else { return };
        let Some(frame) = wire.down.0.pop_front().filter(|_| !wire.broken && !wire.closed) else { return };
        let who = wire.who;
        match frame {
            Frame::Answer { trip, body } => self.receive(trip, &body),
            Frame::Events { session, body } => {
                self.sums.count("frames heard");
                let events: Vec<u64> = Message::all(&body).iter().filter_map(Message::event).collect();
                let client = &mut self.parties[who].client;
                client.handle_frame(self.desk.now, &Bytes::from(body)).unwrap();
                let heard = std::iter::from_fn(|| client.poll_event()).count();
                assert_eq!(heard, events.len());
                self.heard(who, Some(session), &events);
            }
        }
    }
}

/// The server's side, and what is between.
impl Pair {
    pub(super) fn wire(&mut self, id: u64, what: Wired) {
        match what {
            Wired::Break => self.break_wire(id),
            Wired::Down => self.read(id),
            Wired::Part => self.part(id),
            Wired::Pull => self.pull(id),
            Wired::Told => self.close(id),
            Wired::Up => self.take_up(id),
        }
    }

    fn break_wire(&mut self, id: u64) {
        let now = self.desk.now;
        let Some(wire) = self.wires.get_mut(&id).filter(|wire| !wire.broken) else { return };
        wire.broken = true;
        wire.full = self.line.chance(0.6);
        let lost = wire.up.0.len() + wire.down.0.len();
        self.sums.count("broken");
        self.sums.count_many("lost with its socket", lost as u64);
        let late = self.line.within(20_000);
        self.agenda.put(now + late, Action::Wire { wire: id, what: Wired::Part });
        if let Some(after) = self.line.told() {
            self.agenda.put(now + after, Action::Wire { wire: id, what: Wired::Told });
        }
    }

    pub(super) fn darken_wire(&mut self, who: usize) {
        self.parties[who].wire.into_iter().for_each(|wire| self.break_wire(wire));
    }

    fn take_up(&mut self, id: u64) {
        if self.up.is_some() {
            return self.break_wire(id);
        }
        let Some(wire) = self.wires.get_mut(&id) else { return };
        if wire.broken || wire.parted {
            return;
        }
        if wire.asked.len() >= REQUESTS {
            let later = self.desk.now + self.line.within(20);
            return self.agenda.put(later, Action::Wire { wire: id, what: Wired::Up });
        }
        let Some(trip) = wire.up.0.pop_front() else { return };
        let body = String::from_utf8(self.trips[&trip].body.to_vec()).unwrap();
        let peer = self.parties[wire.who].peer.clone();
        let key = self.desk.send_from(&wire.out, &peer, &body);
        wire.asked.insert(key, trip);
    }

    /// Whatever waits at sockets is taken over once their connections have room.
    pub(super) fn pull_all(&mut self) {
        let now = self.desk.now;
        for (id, wire) in &mut self.wires {
            if !wire.parcels.is_empty() && !wire.pulling && !wire.parted && !wire.full {
                wire.pulling = true;
                let after = match self.line.below(10) {
                    0 => self.line.within(5_000),
                    1..4 => self.line.delay(),
                    _ => self.line.within(1),
                };
                self.agenda.put(now + after, Action::Wire { wire: *id, what: Wired::Pull });
            }
        }
    }

    /// The connection takes over some of what waits.
    fn pull(&mut self, id: u64) {
        let Some(wire) = self.wires.get_mut(&id) else { return };
        wire.pulling = false;
        if wire.out.is_overrun() {
            self.sums.count("overrun");
            return self.part(id);
        }
        while let Some(wire) = self.wires.get_mut(&id).filter(|wire| !wire.parted)
            && let Ok(parcel) = wire.parcels.try_recv()
        {
            let Some(frame) = self.take_over(id, parcel) else { continue };
            let after = self.line.delay();
            let Some(wire) = self.wires.get_mut(&id) else { return };
            wire.down.1 = wire.down.1.max(self.desk.now + after);
            wire.down.0.push_back(frame);
            self.agenda.put(wire.down.1, Action::Wire { wire: id, what: Wired::Down });
            if self.line.chance(0.3) {
                return self.pull_all();
            }
        }
    }

    fn take_over(&mut self, id: u64, parcel: Parcel) -> Option<Frame> {
        match parcel {
            Parcel::Answer { frame, .. } => {
                let told = String::from_utf8(frame?.to_vec()).unwrap();
                let (key, body) = told.split_once(' ').unwrap();
                let key: u64 = key.parse().unwrap();
                let trip = self.wires.get_mut(&id)?.asked.remove(&key)?;
                if body == "superseded" {
                    self.sums.count("superseded");
                    return None;
                }
                let body = body.to_owned();
                self.write(key, trip, &body);
                Some(Frame::Answer { trip, body })
            }
            Parcel::Events { frame, flow } => {
                let took = flow.take();
                if took == Took::Nothing {
                    self.sums.count("left behind");
                    return None;
                }
                let body = text(&frame);
                let events: Vec<u64> = Message::all(&body).iter().filter_map(Message::event).collect();
                self.ledger.sent(flow.session, &events);
                self.sums.count("frames taken over");
                if took == Took::Last {
                    self.sums.count("room again");
                    self.desk.sessions.handle_lost(self.desk.now, flow.session);
                    self.desk.work();
                }
                Some(Frame::Events { session: flow.session, body })
            }
            Parcel::Dropped | Parcel::Last(_) => panic!("no such thing is sent here"),
        }
    }

    /// The server knows that a socket is gone: what that did not take over is owed again.
    fn part(&mut self, id: u64) {
        let Some(wire) = self.wires.get_mut(&id).filter(|wire| !wire.parted) else { return };
        wire.parted = true;
        wire.parcels.close();
        let rest: Vec<Parcel> = std::iter::from_fn(|| wire.parcels.try_recv().ok()).collect();
        self.sums.count_many("not taken over", rest.len() as u64);
        self.desk.sessions.handle_parted(self.desk.now, LineId(id));
        self.desk.work();
        for parcel in rest {
            if let Parcel::Answer { frame: Some(frame), .. } = parcel {
                let told = String::from_utf8(frame.to_vec()).unwrap();
                let (key, body) = told.split_once(' ').unwrap();
                self.sums.count_many("superseded", u64::from(body == "superseded"));
                let key = key.parse().unwrap();
                if self.desk.carries(key) {
                    self.desk.lost(key);
                }
            }
        }
        self.break_wire(id);
    }

    /// The process ends, and its sockets with it.
    pub(super) fn end_wires(&mut self) {
        let open: Vec<u64> = self.wires.iter().filter(|(_, wire)| !wire.parted).map(|(id, _)| *id).collect();
        for id in open {
            if let Some(wire) = self.wires.get_mut(&id) {
                wire.parted = true;
                wire.parcels.close();
            }
            // What it had handed over may still arrive.
            let after = self.line.delay();
            self.agenda.put(self.desk.now + after, Action::Wire { wire: id, what: Wired::Break });
        }
    }
}

fn text(frame: &[u8]) -> String {
    let message = Decoder::new(Role::Client, 1 << 20).next(&mut BytesMut::from(frame)).unwrap().unwrap();
    let websocket::Message::Text(text) = message else { panic!("{message:?}") };
    String::from_utf8(text.to_vec()).unwrap()
}

/// How many requests of one socket may be under way.
const REQUESTS: usize = 16;
