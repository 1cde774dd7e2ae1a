//! A home, its log and its clients, with no actor, thread, socket or waiting in between.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt;

use crate::bayeux::{Batch, Channel, ConnectKey, Error, Limits, Pattern};
use crate::broker::conversation::Conversation;
use crate::broker::line::{Out, Parcel};
use crate::broker::receipt::Fate;
use crate::broker::service::Ask;
use crate::broker::sessions::{Answered, Output, Sessions};
use crate::broker::tests::disk::{DiskLog, settled};
use crate::broker::{
    Anonymous, Binding, Footing, Peer, Remote, Rule, Rules, SessionRules, Settings, Store, Transports, Who,
};
use crate::calls::{CallType, Datum, Dial, Endpoint, Family, UserData};
use crate::clock;
use crate::directory::device_of;
use crate::gws::{Base, Rendering};
use crate::ids::{AgentId, BrowserCookie, CallId, ClientId, ConnId, Number, Position, RecordId, SessionId, WallTime};
use crate::log::{Durability, EmbeddedConfig, EmbeddedLog, Expected, Log, NewRecord, Outcome};
use crate::metrics::Metrics;
use crate::records::{CallChanged, Cause, ChannelPublished, Keep};
use crate::upstream::NoUpstream;

/// How a home ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    Killed,
    Stopped,
}

pub(super) struct Desk {
    pub(super) log: Arc<EmbeddedLog>,
    /// Where the log is, if it is on the disk.
    disk: Option<DiskLog>,
    pub(super) sessions: Sessions<u64>,
    pub(super) metrics: Metrics,
    pub(super) now: Instant,
    settings: Settings,
    base: u64,
    key: u64,
    answers: BTreeMap<u64, String>,
    fates: BTreeMap<u64, (SessionId, Arc<Fate>)>,
    /// The socket that requests come from, if they come from one.
    line: Option<Arc<Out>>,
    /// Requests whose answers go down the socket that they came from.
    routed: BTreeMap<u64, Arc<Out>>,
    /// What went out, in its order.
    pub(super) order: Vec<&'static str>,
    /// What becomes of the next appends, instead of their being taken.
    pub(super) faults: Vec<Outcome>,
    /// What back ends were asked.
    pub(super) asks: Vec<Ask>,
}

pub(super) fn settings() -> Settings {
    let rule = |pattern: &str, who: Who| Rule {
        pattern: Pattern::parse(pattern).unwrap(),
        subscribe: who.clone(),
        publish: who.clone(),
        create: who,
        store: Store::Volatile,
        lazy: None,
        upstream: None,
        broadcast_to_publisher: None,
    };
    Settings {
        timeout: Duration::from_secs(30),
        interval: Duration::ZERO,
        max_interval: Duration::from_secs(10),
        resume: Duration::from_secs(300),
        session_rules: SessionRules::default(),
        queue_messages: 5,
        queue_bytes: 1 << 20,
        sessions: 100,
        sessions_per_agent: 10,
        subscriptions_per_session: 4,
        transports: Transports { cometd: &["websocket", "long-polling"], desktops: &["long-polling"] },
        binding: Binding::Cookie,
        anonymous: Anonymous::Refuse,
        desktop_unknown: Error::parse("402::Unknown client").unwrap(),
        rules: Rules::new(vec![rule("/demo/**", Who::Agents), rule("/open/**", Who::Anyone)]),
        upstream: Arc::new(NoUpstream),
        rendering: Rendering {
            base: Base("http://localhost".into()),
            attached_data_first: true,
            rules: crate::calls::Rules {
                mute: crate::calls::MuteRule::Conference,
                clear: crate::calls::ClearRule::Conference,
            },
            old_participants: false,
            numbering: None,
            voice_channel: true,
        },
        node: "local".into(),
        homes: 1,
    }
}

impl Desk {
    pub(super) fn new() -> Self {
        Self::with(settings())
    }

    pub(super) fn with(settings: Settings) -> Self {
        Self::over(settings, EmbeddedConfig::default().ring_records)
    }

    /// With a ring of so many records.
    pub(super) fn over(settings: Settings, ring_records: usize) -> Self {
        let config = EmbeddedConfig {
            durability: Durability::Memory,
            ring_records,
            retention: Arc::new(settings.rules.clone()),
            ..EmbeddedConfig::default()
        };
        Self::at(settings, Arc::new(EmbeddedLog::open(config, Arc::new(())).unwrap()), None)
    }

    /// With a log on the disk, which a restart closes or kills, and opens again.
    pub(super) fn on_disk(settings: Settings, ring_records: usize) -> Self {
        let (disk, log) = DiskLog::new(Arc::new(settings.rules.clone()), ring_records);
        Self::at(settings, log, Some(disk))
    }

    fn at(settings: Settings, log: Arc<EmbeddedLog>, disk: Option<DiskLog>) -> Self {
        let metrics = Metrics::new();
        let sessions = home(&settings, &metrics, &log);
        let base = log.head().get();
        let now = clock::now();
        let (answers, fates) = (BTreeMap::new(), BTreeMap::new());
        let mut desk = Self {
            log,
            disk,
            sessions,
            metrics,
            now,
            settings,
            base,
            key: 0,
            answers,
            fates,
            line: None,
            routed: BTreeMap::new(),
            order: Vec::new(),
            faults: Vec::new(),
            asks: Vec::new(),
        };
        desk.pump();
        desk
    }

    /// The home ends, and another takes over from the log.
    pub(super) fn restart(&mut self, end: End) {
        self.rise(end);
        self.pump();
    }

    /// The same, before it has taken in what is in the ring.
    pub(super) fn rise(&mut self, end: End) {
        if end == End::Stopped {
            self.sessions.handle_stop(self.now);
            self.work();
        }
        self.sessions.forget();
        self.answers.clear();
        self.routed.clear();
        self.fates.clear();
        if let Some(disk) = &mut self.disk {
            self.log = disk.restart(&self.log, end);
        }
        self.sessions = home(&self.settings, &self.metrics, &self.log);
        self.sessions.restore(self.now).unwrap();
    }

    /// The log will not be able to write what is in memory only.
    pub(super) fn obstruct(&self) {
        self.disk.as_ref().expect("a log on the disk").obstruct();
    }

    /// The name of the newest request.
    pub(super) fn newest(&self) -> u64 {
        self.key
    }

    /// Requests come from a socket from now on, or from none.
    pub(super) fn plug(&mut self, line: Option<&Arc<Out>>) {
        self.line = line.map(Arc::clone);
        self.order.clear();
    }

    /// Sends a request without looking at what comes of it.
    pub(super) fn send(&mut self, peer: &Peer, body: &str) -> u64 {
        self.send_as(peer, body, &format!("fresh{}", self.key))
    }

    /// Sends a request from a socket, down which its answer goes, behind the request's name.
    pub(super) fn send_from(&mut self, out: &Arc<Out>, peer: &Peer, body: &str) -> u64 {
        self.line = Some(Arc::clone(out));
        self.routed.insert(self.key + 1, Arc::clone(out));
        let key = self.send(peer, body);
        self.line = None;
        key
    }

    fn send_as(&mut self, peer: &Peer, body: &str, fresh: &str) -> u64 {
        self.key += 1;
        let limits = Limits { batch_messages: 64, json_depth: 32, subscriptions: 128 };
        let batch = Batch::decode(&Bytes::from(body.replace('\'', "\"")), &limits).unwrap();
        let fresh = batch.handshake().map(|_| ClientId::presented(fresh));
        let conversation = Conversation::new(peer.clone(), batch, self.key, fresh).over(self.line.clone());
        self.sessions.handle_request(self.now, ConnectKey(self.key), conversation);
        self.work();
        self.key
    }

    /// Sends a request, has everything done that follows, and gives the answer.
    pub(super) fn ask(&mut self, peer: &Peer, body: &str) -> String {
        let key = self.send(peer, body);
        self.pump();
        self.answer(key).expect("an answer")
    }

    /// Makes a session. The second word is `ack` or nothing.
    pub(super) fn shake(&mut self, peer: &Peer, client: &str, ack: &str) -> String {
        let ext = if ack == "ack" { ",'ext':{'ack':true}" } else { "" };
        let body = format!("[{{'channel':'/meta/handshake','id':'1','version':'1.0'{ext}}}]");
        let key = self.send_as(peer, &body, client);
        self.pump();
        self.answer(key).expect("an answer")
    }

    pub(super) fn subscribe(&mut self, peer: &Peer, client: &str, pattern: &str) -> String {
        self.ask(peer, &subscribe(client, pattern))
    }

    /// Takes the answer to a request, if there is one. Positions count from the log's first.
    pub(super) fn answer(&mut self, key: u64) -> Option<String> {
        let answer = self.answers.remove(&key)?;
        Some(relative(&answer, self.base))
    }

    pub(super) fn raw_answer(&mut self, key: u64) -> Option<String> {
        self.answers.remove(&key)
    }

    /// Whether a response carries events and nobody has told yet what became of it.
    pub(super) fn carries(&self, key: u64) -> bool {
        self.fates.contains_key(&key)
    }

    /// The client of a request is gone.
    pub(super) fn gone(&mut self, key: u64) {
        self.sessions.handle_gone(self.now, ConnectKey(key));
        self.work();
    }

    /// The body of a response was polled to its end. Word of that, if it was wanted, finds no room in the mailbox.
    pub(super) fn written(&mut self, key: u64) {
        self.fates.remove(&key).expect("events on their way").1.written();
    }

    /// The same, and word of it comes.
    pub(super) fn written_with_word(&mut self, key: u64) {
        let (session, fate) = self.fates.remove(&key).expect("events on their way");
        assert!(fate.written(), "nobody wants word of it");
        self.sessions.handle_lost(self.now, session);
        self.work();
    }

    /// The body of a response was dropped.
    pub(super) fn lost(&mut self, key: u64) {
        let (session, fate) = self.fates.remove(&key).expect("events on their way");
        assert!(fate.dropped());
        self.sessions.handle_lost(self.now, session);
        self.work();
    }

    /// Appends from elsewhere.
    pub(super) fn append(&self, record: NewRecord) -> Position {
        match settled(self.log.append(record)) {
            Outcome::Appended(position) => position,
            other @ (Outcome::Conflict | Outcome::Full | Outcome::Unknown) => panic!("not appended: {other:?}"),
        }
    }

    pub(super) fn publish(&mut self, channel: &str, data: &str) -> Position {
        let at = self.append_publication(channel, data);
        self.pump();
        at
    }

    /// Publishes, and leaves it at that.
    pub(super) fn append_publication(&self, channel: &str, data: &str) -> Position {
        let (channel, data) = (Channel::parse(channel).unwrap(), Bytes::copy_from_slice(data.as_bytes()));
        let published = ChannelPublished { channel, data, binary: None, publisher: None, key: None };
        self.append(published.record(RecordId::draw(), WallTime::default(), Keep::Stored))
    }

    /// Publications that a home reads in one go.
    pub(super) fn together(&mut self, publications: &[(&str, &str)]) {
        for (channel, data) in publications {
            let (channel, data) = (Channel::parse(channel).unwrap(), Bytes::copy_from_slice(data.as_bytes()));
            let published = ChannelPublished { channel, data, binary: None, publisher: None, key: None };
            self.append(published.record(RecordId::draw(), WallTime::default(), Keep::Stored));
        }
        let next = self.log.follow(self.sessions.applied()).next(publications.len()).now_or_never();
        for record in next.unwrap().unwrap() {
            self.sessions.handle_record(self.now, &record);
        }
        self.sessions.handle_caught_up(self.now);
        self.work();
    }

    /// An agent makes a call: it is told of that. The call bears `mark`.
    pub(super) fn dial(&mut self, caller: &str, mark: &str) -> Position {
        let number = |text: &str| Number::parse(text).unwrap();
        let home = |text: &str| crate::calls::Home { agent: agent(text), device: device_of(&number(text)).unwrap() };
        let dial = Dial {
            root: CallId::draw(),
            conn: ConnId::draw(),
            caller: Endpoint::new(number(caller), Some(home(caller))),
            target: Endpoint::new(number("7000"), None),
            kind: CallType::Outbound,
            location: None,
            user_data: UserData(vec![("Mark".into(), Datum(format!("\"{mark}\"").into()))]),
        };
        let family = Family::dial(WallTime::default(), dial).unwrap();
        let cause = Cause::Operation { name: "Dial".into(), agent: agent(caller), key: None };
        let changed = CallChanged::new(cause, family);
        let at = self.append(changed.record(RecordId::draw(), WallTime::default(), Expected::Nothing));
        self.pump();
        at
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, time: Duration) {
        self.now += time;
        self.sessions.handle_timeout(self.now);
        self.pump();
    }

    /// Carries out what the core hands out.
    pub(super) fn work(&mut self) {
        while let Some(output) = self.sessions.poll_output() {
            match output {
                Output::Answer { tell, answer: Answered::Body { body, carries, .. } } => {
                    self.order.push("answer");
                    if let Some(carries) = carries {
                        self.fates.insert(tell, carries);
                    }
                    self.tell(tell, String::from_utf8(body).unwrap());
                }
                Output::Answer { tell, answer: Answered::Denied } => self.tell(tell, "denied".to_owned()),
                Output::Answer { tell, answer: Answered::Superseded } => self.tell(tell, "superseded".to_owned()),
                Output::Ask(ask) => self.asks.push(*ask),
                Output::Read(wanted) => {
                    let read = wanted.read(&*self.log, &self.settings);
                    self.sessions.handle_read(self.now, read);
                }
                Output::Push { out, parcel } => {
                    self.order.push("push");
                    if out.send(parcel).is_err() {
                        self.sessions.handle_parted(self.now, out.id);
                    }
                }
                Output::Append(record) => {
                    let id = record.id;
                    let outcome = match self.faults.pop() {
                        Some(fault) => fault,
                        None => settled(self.log.append(record)),
                    };
                    if !matches!(outcome, Outcome::Appended(_)) {
                        self.sessions.handle_failed(self.now, id, outcome);
                    }
                }
            }
        }
    }

    fn tell(&mut self, key: u64, answer: String) {
        let Some(out) = self.routed.remove(&key) else {
            self.answers.insert(key, answer);
            return;
        };
        let frame = Some(Bytes::from(format!("{key} {answer}")));
        if out.send(Parcel::Answer { frame, receipt: None, begins: None }).is_err() && self.carries(key) {
            self.lost(key);
        }
    }

    /// Applies one record, if there is one.
    pub(super) fn step(&mut self) -> bool {
        let next = self.log.follow(self.sessions.applied()).next(1).now_or_never();
        match next {
            Some(Ok(records)) => records.iter().for_each(|record| self.sessions.handle_record(self.now, record)),
            Some(Err(lagged)) => self.sessions.handle_lagged(self.now, lagged.resume),
            None => return false,
        }
        self.sessions.handle_caught_up(self.now);
        self.work();
        true
    }

    /// Applies all that is in the log, and what follows from that.
    pub(super) fn pump(&mut self) {
        self.work();
        while self.step() {}
    }

    /// Sessions, and what the core remembers while something is under way; nothing of that may be left behind.
    pub(super) fn assert_idle(&self) {
        assert_eq!(self.sessions.awaited.len(), 0, "awaited");
        assert_eq!(self.sessions.orphans.len(), 0, "requests behind the end of their session");
        assert_eq!(self.sessions.shaking.len(), 0, "handshakes under way");
        assert_eq!(self.sessions.total.get(), self.sessions.live.len(), "sessions counted");
        assert_eq!(self.sessions.deadlines.len(), self.sessions.live.len(), "timers");
    }

    /// How many sessions the log knows.
    pub(super) fn known(&self) -> usize {
        self.log.subjects("session/").len()
    }
}

fn home(settings: &Settings, metrics: &Metrics, log: &Arc<EmbeddedLog>) -> Sessions<u64> {
    let log: Arc<dyn Log> = Arc::<EmbeddedLog>::clone(log);
    Sessions::new(Arc::new(settings.clone()), metrics.clone(), log, Arc::default(), 0)
}

pub(super) fn agent(name: &str) -> AgentId {
    AgentId::parse(name).unwrap()
}

/// An agent at its own browser.
pub(super) fn peer(name: &str) -> Peer {
    Peer {
        agent: Some(agent(name)),
        login: None,
        cookie: BrowserCookie::presented(name),
        desktop: false,
        footing: Footing::Good,
        remote: Remote::default(),
    }
}

pub(super) fn nobody() -> Peer {
    Peer { agent: None, ..peer("nobody") }
}

pub(super) fn connect(client: &str) -> String {
    format!("[{{'channel':'/meta/connect','id':'c','clientId':'{client}','connectionType':'long-polling'}}]")
}

pub(super) fn connect_ack(client: &str, ack: u64) -> String {
    format!("[{{'channel':'/meta/connect','id':'c','clientId':'{client}','ext':{{'ack':{ack}}}}}]")
}

pub(super) fn subscribe(client: &str, pattern: &str) -> String {
    format!("[{{'channel':'/meta/subscribe','id':'s','clientId':'{client}','subscription':'{pattern}'}}]")
}

/// Subscribes with `ext.replay`, which is JSON without its quotes doubled.
pub(super) fn replay(client: &str, patterns: &str, map: &str) -> String {
    format!(
        "[{{'channel':'/meta/subscribe','id':'s','clientId':'{client}','subscription':{patterns},'ext':{{'replay':{map}}}}}]"
    )
}

pub(super) fn publish(client: &str, channel: &str, data: &str) -> String {
    format!("[{{'channel':'{channel}','id':'p','clientId':'{client}','data':{data}}}]")
}

/// Numbers from `base` on, as `+n`.
fn relative(text: &str, base: u64) -> String {
    let mut out = String::new();
    let mut digits = String::new();
    for c in text.chars().chain([' ']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        match digits.parse::<u64>() {
            Ok(number) if (base..base + 1_000_000).contains(&number) => out.push_str(&format!("+{}", number - base)),
            _ => out.push_str(&digits),
        }
        digits.clear();
        out.push(c);
    }
    out.pop();
    out
}
