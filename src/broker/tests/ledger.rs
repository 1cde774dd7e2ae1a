//! What sessions are owed, read from the log alone, and what they were given.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::bayeux::{Channel, Pattern};
use crate::broker::tests::wires::Shape;
use crate::ids::{Position, SessionId};
use crate::log::{EmbeddedLog, Log, Record};
use crate::records;
use crate::records::{Payload, SessionState, Start};

/// Every publication, and what each session is owed of them. It knows nothing of queues, connects and rings.
pub(super) struct Ledger {
    log: Arc<EmbeddedLog>,
    read: Position,
    published: Vec<Published>,
    sessions: BTreeMap<SessionId, Account>,
}

struct Published {
    at: Position,
    whom: Whom,
    number: u64,
}

enum Whom {
    Channel(Channel),
    Session(SessionId),
}

/// One session.
#[derive(Default)]
pub(super) struct Account {
    pub(super) ack: bool,
    /// Why it ended, if it did.
    pub(super) ended: Option<Arc<str>>,
    patterns: Vec<(Pattern, Position)>,
    /// What its client has, in the order in which it came: with acknowledgement.
    has: Vec<u64>,
    /// What was handed to a socket to its end, in that order: without.
    sent: Vec<u64>,
    /// What its client has of that, in the order in which it came.
    heard: Vec<u64>,
    /// Whether a planned stop had some of it sent again.
    rewound: bool,
}

impl Ledger {
    pub(super) fn new(log: Arc<EmbeddedLog>) -> Self {
        Self { log, read: Position::ZERO, published: Vec::new(), sessions: BTreeMap::new() }
    }

    /// Reads what is new in the log.
    pub(super) fn read(&mut self) {
        loop {
            let page = self.log.read(self.read, 100).unwrap();
            let Some(last) = page.last() else { return };
            self.read = last.position;
            page.iter().for_each(|record| self.note(record));
        }
    }

    fn note(&mut self, record: &Record) {
        let at = record.position;
        let number = |data: &[u8]| std::str::from_utf8(data).unwrap().parse().unwrap();
        match records::decode(record).unwrap() {
            Payload::ChannelPublished(published) => {
                let number = number(&published.data);
                self.published.push(Published { at, whom: Whom::Channel(published.channel), number });
            }
            Payload::Direct(direct) => {
                let number = number(&direct.data);
                self.published.push(Published { at, whom: Whom::Session(direct.session), number });
            }
            Payload::SessionEnded(ended) => {
                self.sessions.entry(ended.session).or_default().ended = Some(ended.reason);
            }
            Payload::SessionState(state) => self.note_session(at, state),
            Payload::AgentChanged(_)
            | Payload::CallChanged(_)
            | Payload::LogOpened
            | Payload::LoginEnded(_)
            | Payload::Page(_) => {}
        }
    }

    fn note_session(&mut self, at: Position, state: SessionState) {
        let account = self.sessions.entry(state.session).or_default();
        account.ack = state.ack;
        let start = |start| match start {
            Start::At(position) => position,
            Start::Here => at,
        };
        account.patterns = state.patterns.into_iter().map(|(pattern, at)| (pattern, start(at))).collect();
    }

    /// The numbers that a session is owed after one position, up to another.
    fn owed(&self, session: SessionId, after: u64, through: u64) -> Vec<u64> {
        let Some(account) = self.sessions.get(&session) else { return Vec::new() };
        let told = |published: &&Published| match &published.whom {
            Whom::Channel(channel) => {
                account.patterns.iter().any(|(pattern, start)| *start < published.at && pattern.matches(channel))
            }
            Whom::Session(one) => *one == session,
        };
        let between = |published: &&Published| (after + 1..=through).contains(&published.at.get());
        self.published.iter().filter(between).filter(told).map(|published| published.number).collect()
    }

    /// A client has the reply to a connect that acknowledged `after`: it must be given all that it is owed up to
    /// `through`, in order, and nothing else.
    pub(super) fn given(&mut self, session: SessionId, after: u64, through: u64, events: &[u64]) {
        self.read();
        assert_eq!(events, self.owed(session, after, through), "after {after}, through {through}");
        self.sessions.entry(session).or_default().has.extend(events);
    }

    /// A response with these was written to its end.
    pub(super) fn sent(&mut self, session: SessionId, events: &[u64]) {
        self.sessions.entry(session).or_default().sent.extend(events);
    }

    /// The client of a session without acknowledgement has these.
    pub(super) fn heard(&mut self, session: SessionId, events: &[u64]) {
        self.sessions.entry(session).or_default().heard.extend(events);
    }

    /// The server stops as planned: without acknowledgement a session goes on at the first that was not handed to a
    /// socket. What was handed to another one meanwhile comes again. Says how many do.
    pub(super) fn stopped(&mut self) -> u64 {
        let plain = self.sessions.iter().filter(|(_, account)| !account.ack && account.ended.is_none());
        let mut again = 0;
        for session in plain.map(|(session, _)| *session).collect::<Vec<_>>() {
            let owed = self.owed(session, 0, u64::MAX - 1);
            let Some(account) = self.sessions.get_mut(&session) else { continue };
            let first = owed.iter().position(|number| !account.sent.contains(number)).unwrap_or(owed.len());
            let before = account.sent.len();
            account.sent.retain(|number| owed[..first].contains(number));
            again += (before - account.sent.len()) as u64;
            account.rewound |= before > account.sent.len();
        }
        again
    }

    pub(super) fn account(&self, session: SessionId) -> &Account {
        &self.sessions[&session]
    }

    pub(super) fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.sessions.values()
    }

    /// Nothing more is under way for a session that lives on: with acknowledgement its client has all that it was
    /// ever owed, in order and once; without, all of it was handed to a socket, once.
    pub(super) fn assert_settled(&self, session: SessionId) {
        let account = self.account(session);
        assert_eq!(account.ended, None);
        let owed = self.owed(session, 0, u64::MAX - 1);
        if account.ack {
            assert_eq!(account.has, owed);
        } else {
            assert_eq!(sorted(&account.sent), sorted(&owed));
        }
    }

    /// Whether nothing is owed to a session that was not given.
    pub(super) fn is_settled(&self, session: SessionId) -> bool {
        let account = self.account(session);
        let given = if account.ack { &account.has } else { &account.sent };
        account.ended.is_none() && given.len() >= self.owed(session, 0, u64::MAX - 1).len()
    }

    /// Whatever became of the sessions: none was given what was not owed, or given it twice, and with
    /// acknowledgement what was given has no gap.
    pub(super) fn assert_no_doublet(&self) {
        for (session, account) in &self.sessions {
            let owed = self.owed(*session, 0, u64::MAX - 1);
            assert!(owed.starts_with(&account.has), "{:?} of {owed:?}", account.has);
            let mut owed = sorted(&owed).into_iter();
            let once = sorted(&account.sent).into_iter().all(|number| owed.any(|other| other == number));
            assert!(once, "{session:?} was given {:?} of {:?}", account.sent, self.owed(*session, 0, u64::MAX - 1));
        }
    }

    /// Without acknowledgement a client hears nothing that was not sent, and nothing twice. By sockets alone it is sent
    /// all of it in order, without a gap up to where its session ended, and hears it in order.
    pub(super) fn assert_heard(&self, shape: Shape) {
        for (session, account) in self.sessions.iter().filter(|(_, account)| !account.ack && !account.rewound) {
            let mut sent = sorted(&account.sent).into_iter();
            let once = sorted(&account.heard).into_iter().all(|number| sent.any(|other| other == number));
            assert!(once, "{session:?} heard {:?} of {:?}", account.heard, account.sent);
            if shape == Shape::Sockets {
                let owed = self.owed(*session, 0, u64::MAX - 1);
                assert!(owed.starts_with(&account.sent), "{session:?} was sent {:?} of {owed:?}", account.sent);
                let mut sent = account.sent.iter();
                assert!(account.heard.iter().all(|number| sent.any(|other| other == number)), "{:?}", account.heard);
            }
        }
        assert!(shape != Shape::Sockets || self.sessions.values().all(|account| !account.rewound));
    }
}

fn sorted(numbers: &[u64]) -> Vec<u64> {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    sorted
}
