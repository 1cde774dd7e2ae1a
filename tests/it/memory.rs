//! A thousand clients that never read: what the server holds for them stays within its settings, however much is
//! published, and each policy keeps its word.

use std::net::TcpStream;

use serde_json::{Value, json};
use socket2::{Domain, Type};

use crate::admin::{BackEnd, TOKEN};
use crate::harness::{Answer, Desk, Server};
use crate::socket::Socket;

const SESSIONS: u64 = 1000;
/// For each shape. Five sessions hear one, of the agents in turn; all others are owed other bytes.
const CHANNELS: u64 = 100;
const AGENTS: [&str; 3] = ["15000", "15001", "15002"];
/// Bytes of each message.
const DATA: u64 = 4000;
/// `bayeux.queue_bytes`.
const QUEUE: u64 = 16 << 10;
/// `log.ring_bytes`.
const RING: u64 = 1 << 20;
/// What a server takes beyond, however many sessions there are: requests, hashes of passwords, what an allocator keeps.
const BEYOND: u64 = 24 << 20;
/// Bytes that a flood has for all sessions together.
const FLOOD: u64 = (Shape::LongPolling.rounds() + Shape::Websocket.rounds()) * DATA * SESSIONS / 2;

/// How a client came: half of them each way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Shape {
    /// It handshook, subscribed, and never connected.
    LongPolling,
    /// It did so over a socket, and never read that again.
    Websocket,
}

impl Shape {
    /// How often a flood publishes to each channel: several times what all that lies between a publisher and a client takes.
    const fn rounds(self) -> u64 {
        match self {
            Self::LongPolling => 24,
            // What the system holds of a connection comes on top.
            Self::Websocket => 64,
        }
    }

    /// How much the server may hold for one session.
    const fn most(self) -> u64 {
        match self {
            Self::LongPolling => QUEUE,
            // A connection takes frames over until it has 32 KiB to write, in a buffer that may be twice as large.
            Self::Websocket => QUEUE + (64 << 10),
        }
    }

    fn of(client: u64) -> Self {
        if client.is_multiple_of(2) { Self::LongPolling } else { Self::Websocket }
    }

    fn channel(self, n: u64) -> String {
        format!("/demo/{self:?}/{}", n % CHANNELS)
    }
}

#[test]
fn a_thousand_clients_that_never_read_end_at_their_limits() {
    let mut crowd = Crowd::new("expire");
    let mut within = crowd.open();
    for flood in 1..=2 {
        if flood == 2 {
            crowd.open();
        }
        assert_eq!(crowd.flood().len(), 0, "nobody else is to suffer");
        within.check(&crowd);
        assert_eq!(crowd.ended(), flood * SESSIONS);
        assert_eq!(crowd.rejected("queue_bytes"), flood * SESSIONS);
        for client in crowd.some() {
            let (account, reply) = client.come_back();
            assert_eq!(
                (account.dropped, account.told < client.shape.rounds()),
                (0, true),
                "all that came was in order"
            );
            let error = match client.shape {
                Shape::LongPolling => "402::Unknown client",
                Shape::Websocket => "429::limit:queue_bytes",
            };
            assert_eq!(reply["error"], error, "{reply}");
            assert_eq!(reply["advice"]["reconnect"], "handshake", "it can start afresh");
        }
    }
}

#[test]
fn a_thousand_clients_that_never_read_are_told_of_the_gap() {
    let mut crowd = Crowd::new("drop-oldest");
    let mut within = crowd.open();
    for _ in 1..=2 {
        assert_eq!(crowd.flood().len(), 0);
        within.check(&crowd);
    }
    assert_eq!(crowd.ended(), 0, "nobody has to go");
    let published: u64 = crowd.taken.iter().sum();
    let dropped = crowd.rejected("queue_bytes");
    assert!(dropped > published * SESSIONS / 2 / 2, "{dropped}, of {published} for each two");
    let taken = crowd.taken;
    for client in crowd.some() {
        let account = client.catch_up(taken[client.shape as usize]);
        assert!(account.dropped > 0, "{account:?}");
    }
}

#[test]
fn a_thousand_clients_that_never_read_hold_publishers_up() {
    let mut crowd = Crowd::new("refuse-new");
    let mut within = crowd.open();
    let mut refused = 0;
    for _ in 1..=2 {
        let refusals = crowd.flood();
        within.check(&crowd);
        for answer in &refusals {
            assert_eq!((answer.status, &answer.json()["error"]["code"]), (429, &json!("slow_consumer")));
            assert_eq!(answer.header("Retry-After"), Some("1"));
        }
        refused += refusals.len() as u64;
    }
    for shape in [Shape::LongPolling, Shape::Websocket] {
        let taken = crowd.taken[shape as usize];
        assert!(0 < taken && taken < shape.rounds(), "{taken} for {shape:?}: none of the second flood");
    }
    assert_eq!(crowd.rejected("slow_consumer"), refused);
    assert_eq!(crowd.ended(), 0, "nobody has to go");
    let taken = crowd.taken;
    for client in crowd.some() {
        let account = client.catch_up(taken[client.shape as usize]);
        assert_eq!(account.dropped, 0, "nobody missed anything");
    }
}

/// A server, and the clients that never read.
struct Crowd {
    server: Server,
    clients: Vec<Client>,
    /// One of each agent who reads, and so tells how far its home has come.
    witnesses: Vec<Socket>,
    marks: u64,
    /// How often it was published to each channel since the clients came, by their shapes.
    taken: [u64; 2],
}

impl Crowd {
    fn new(slow_consumer: &str) -> Self {
        let limit = open_files();
        assert!(limit > 2 * SESSIONS, "at most {limit} files may be open: raise that with \"ulimit -n 4096\"");
        let server = Server::with(&[
            ("ADMIN__TOKEN", TOKEN),
            ("BAYEUX__SLOW_CONSUMER", slow_consumer),
            ("SERVER__MAX_BODY", &(QUEUE / 2 - 1024).to_string()),
            ("BAYEUX__QUEUE_BYTES", &QUEUE.to_string()),
            ("BAYEUX__SESSIONS_PER_AGENT", &SESSIONS.to_string()),
            ("BAYEUX__HANDSHAKE_RATE", "0"),
            ("BAYEUX__MAX_INTERVAL", "10m"),
            ("BAYEUX__PING", "10m"),
            ("LOG__DURABILITY", "memory"),
            ("LOG__RING_BYTES", &RING.to_string()),
        ]);
        let witnesses = AGENTS.map(|agent| Socket::joined(&server, agent, false, &["/demo/mark"])).into();
        Self { server, clients: Vec::new(), witnesses, marks: 0, taken: [0, 0] }
    }

    /// Has all clients come, in place of those that there were.
    fn open(&mut self) -> Within {
        self.taken = [0, 0];
        self.clients.clear();
        self.clients.extend((0..SESSIONS).map(|n| Client::open(&self.server, n)));
        Within { before: self.server.resident(), peak: None }
    }

    /// Publishes, and returns what was refused.
    fn flood(&mut self) -> Vec<Answer> {
        let rounds = |shape: Shape| (0..shape.rounds()).map(move |_| shape);
        let rounds = rounds(Shape::LongPolling).chain(rounds(Shape::Websocket));
        rounds.filter_map(|shape| self.publish(shape)).collect()
    }

    /// Publishes once to each channel. Once that was taken, waits until each home has applied it.
    fn publish(&mut self, shape: Shape) -> Option<Answer> {
        self.marks += 1;
        let (mark, n) = (self.marks, self.taken[shape as usize] + 1);
        let fill = "x".repeat(DATA as usize);
        let message = |of| format!(r#"{{"channel":"{}","data":{{"n":{n},"fill":"{fill}"}}}},"#, shape.channel(of));
        let messages: String = (0..CHANNELS).map(message).collect();
        let body = format!(r#"{{"messages":[{messages}{{"channel":"/demo/mark","data":{mark}}}]}}"#);
        let answer = BackEnd(self.server.address).ask("POST", "publish-batch", &body);
        if answer.status != 200 {
            return Some(answer);
        }
        self.taken[shape as usize] = n;
        for witness in &mut self.witnesses {
            while !witness.frame().iter().any(|message| message["data"] == mark) {}
        }
        None
    }

    /// Some of the clients, of either shape.
    fn some(&mut self) -> impl Iterator<Item = &mut Client> {
        self.clients.iter_mut().step_by(99)
    }

    /// How many sessions ended for being owed too much.
    fn ended(&self) -> u64 {
        self.server.metric("partyline_sessions_ended_total{reason=\"overrun\"}")
    }

    fn rejected(&self, limit: &str) -> u64 {
        self.server.metric(&format!("partyline_rejected_total{{limit=\"{limit}\"}}"))
    }
}

/// Memory before the first flood, and the most after it.
struct Within {
    before: u64,
    peak: Option<u64>,
}

impl Within {
    /// To be called after each flood.
    fn check(&mut self, crowd: &Crowd) {
        let peak = crowd.server.peak();
        match self.peak {
            None => {
                let most = SESSIONS / 2 * (Shape::LongPolling.most() + Shape::Websocket.most()) + RING + BEYOND;
                assert!(most < FLOOD / 2, "or nothing is shown");
                let grown = peak.saturating_sub(self.before);
                assert!(grown <= most, "{grown} bytes more");
            }
            Some(first) => {
                // The system counts on each processor apart, and so a peak may turn out to have been a little lower. What an
                // allocator keeps between the two is up to who runs when: on a busy machine a twentieth was too little.
                let grown = peak.saturating_sub(first);
                assert!(grown <= FLOOD / 10, "a second flood as large as the first took {grown} bytes more");
            }
        }
        self.peak = Some(peak);
    }
}

/// One that never reads, until it is told to.
struct Client {
    shape: Shape,
    end: End,
}

enum End {
    Desk(Box<Desk>),
    Socket(Box<Socket>),
}

impl Client {
    fn open(server: &Server, n: u64) -> Self {
        let (agent, shape) = (server.agent(AGENTS[n as usize % AGENTS.len()]), Shape::of(n));
        let channel = shape.channel(n / 2);
        let end = match shape {
            Shape::LongPolling => End::Desk(Box::new(Desk::open(agent, false, &[&channel]))),
            Shape::Websocket => {
                let mut socket = Socket::over(narrow(server), "/cometd", &[agent.authorization()]);
                socket.join(false, &[&channel]);
                End::Socket(Box::new(socket))
            }
        };
        Self { shape, end }
    }

    /// Connects, and reads up to the reply.
    fn come_back(&mut self) -> (Account, Value) {
        let mut account = Account::default();
        match &mut self.end {
            End::Desk(desk) => {
                let (messages, reply) = desk.connect(Some(0));
                account.hear(&messages);
                (account, reply)
            }
            End::Socket(socket) => {
                socket.connect("back");
                loop {
                    let mut messages = socket.frame();
                    let reply = messages.pop_if(|last| last["channel"] == "/meta/connect");
                    account.hear(&messages);
                    if let Some(reply) = reply {
                        return (account, reply);
                    }
                }
            }
        }
    }

    /// Reads until it heard of all that was published.
    fn catch_up(&mut self, published: u64) -> Account {
        let mut account = Account::default();
        while account.told + account.dropped < published {
            match &mut self.end {
                End::Desk(desk) => {
                    let (messages, reply) = desk.connect(Some(0));
                    assert_eq!(reply["successful"], true, "{reply}");
                    account.hear(&messages);
                }
                End::Socket(socket) => account.hear(&socket.frame()),
            }
        }
        account
    }
}

/// What a client heard of.
#[derive(Debug, Default)]
struct Account {
    told: u64,
    dropped: u64,
}

impl Account {
    /// Nothing comes twice, and nothing is missing but what is said to be, in its place.
    fn hear(&mut self, messages: &[Value]) {
        for message in messages {
            if message["channel"] == "/service/partyline/gap" {
                self.dropped += message["data"]["dropped"].as_u64().unwrap();
            } else {
                self.told += 1;
                assert_eq!(message["data"]["n"], json!(self.told + self.dropped), "after {self:?}");
            }
        }
    }
}

/// A connection as over a network, of which the system holds little: on loopback alone it would take megabytes.
fn narrow(server: &Server) -> TcpStream {
    let socket = socket2::Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.set_tcp_mss(536).unwrap();
    socket.connect(&server.address.into()).unwrap();
    socket.into()
}

/// How many files this process, and so the server, may have open.
fn open_files() -> u64 {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap_or(u64::MAX)
}
