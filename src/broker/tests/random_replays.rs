//! Seeded runs: publications, subscriptions with and without history, lost replies, failed appends, kills and stops.
//! What a client kept has every publication that it asked for, once, and those of a channel in order.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::FutureExt;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;

use crate::bayeux::{Channel, Pattern};
use crate::broker::tests::kit::{Desk, End, connect, connect_ack, peer, replay, settings};
use crate::broker::{ReplayId, Rule, Rules, Settings, Store, Who};
use crate::ids::{ClientId, RecordId, WallTime};
use crate::log::{Log, Outcome, Retain};
use crate::records::{ChannelPublished, Keep, Payload, Rest, Start, decode};

const CHANNELS: [&str; 4] = ["/kept/a", "/kept/b", "/kept/c/d", "/kept/c/e"];
const PATTERNS: [&str; 7] = ["/kept/a", "/kept/b", "/kept/*", "/kept/**", "/kept/c/*", "/kept/c/d", "/**"];

/// How much a run exercised.
#[derive(Debug, Default)]
struct Seen {
    told: usize,
    pages: usize,
    last: usize,
    lost: usize,
    restarts: usize,
    afresh: usize,
    overlapping: usize,
    faults: usize,
    behind: usize,
    late: usize,
    gaps: usize,
}

/// A client, and what it kept.
struct Reader {
    agent: String,
    client: String,
    acks: bool,
    ack: u64,
    /// After which position each of its patterns was asked for.
    asked: BTreeMap<&'static str, u64>,
    kept: Vec<(u64, String)>,
}

struct Run {
    dice: StdRng,
    desk: Desk,
    readers: Vec<Reader>,
    said: Vec<(u64, &'static str)>,
    /// How many publications of a channel are kept.
    records: usize,
    names: usize,
    seen: Seen,
}

#[test]
fn nobody_misses_or_repeats_anything_whatever_breaks() {
    let mut seen = Seen::default();
    for seed in 0..24 {
        let ring = if seed % 3 == 2 { 120 } else { 4000 };
        let records = if seed < 16 { 10_000 } else { 40 };
        let mut run = Run::new(seed, ring, records, seen);
        for _ in 0..200 {
            run.step();
        }
        run.check(seed);
        seen = run.seen;
    }
    let Seen { told, pages, last, lost, restarts, afresh, overlapping, faults, behind, late, gaps } = seen;
    assert!(told > 8_000 && pages > 2_000 && last > 30 && lost > 800 && restarts > 50, "{seen:?}");
    assert!(afresh > 60 && overlapping > 100 && faults > 80 && behind > 40 && late > 4 && gaps > 5, "{seen:?}");
}

impl Run {
    fn new(seed: u64, ring: usize, records: usize, seen: Seen) -> Self {
        let retain = Retain { age: Duration::MAX, records };
        let rule = Rule {
            pattern: Pattern::parse("/kept/**").unwrap(),
            subscribe: Who::Agents,
            publish: Who::Agents,
            create: Who::Agents,
            store: Store::Durable { retain, replay_id: ReplayId::InExt },
            lazy: None,
            upstream: None,
            broadcast_to_publisher: None,
        };
        let settings =
            Settings { queue_messages: 12, subscriptions_per_session: 20, rules: Rules::new(vec![rule]), ..settings() };
        let readers = (0..4).map(|n| Reader {
            agent: format!("1500{n}"),
            client: String::new(),
            acks: n != 3,
            ack: 0,
            asked: BTreeMap::new(),
            kept: Vec::new(),
        });
        let dice = StdRng::seed_from_u64(seed);
        let desk = Desk::over(settings, ring);
        Self { dice, desk, readers: readers.collect(), said: Vec::new(), records, names: 0, seen }
    }

    fn step(&mut self) {
        let who = self.dice.random_range(0..self.readers.len());
        match self.dice.random_range(0..40) {
            0..12 => self.publish(),
            12..15 => (0..30).for_each(|_| self.publish()),
            15..18 => {
                self.desk.step();
            }
            18..24 => self.subscribe(who),
            24..36 => self.connect(who),
            36 => {
                self.seen.restarts += 1;
                let end = if self.dice.random_range(0..2) == 0 { End::Killed } else { End::Stopped };
                self.desk.restart(end);
            }
            37 => {
                self.seen.behind += 1;
                self.desk.pass(Duration::from_secs(12));
            }
            _ => {
                self.seen.faults += 1;
                self.desk.faults =
                    vec![if self.dice.random_range(0..2) == 0 { Outcome::Full } else { Outcome::Unknown }];
                self.connect(who);
                self.desk.faults.clear();
            }
        }
    }

    fn publish(&mut self) {
        let name = CHANNELS[self.dice.random_range(0..CHANNELS.len())];
        let channel = Channel::parse(name).unwrap();
        let published = ChannelPublished { channel, data: "1".into(), binary: None, publisher: None, key: None };
        let at = self.desk.append(published.record(RecordId::draw(), WallTime::default(), Keep::Stored));
        self.said.push((at.get(), name));
        if self.dice.random_range(0..2) == 0 {
            self.desk.pump();
        }
    }

    fn subscribe(&mut self, who: usize) {
        if self.readers[who].client.is_empty() {
            return self.shake(who);
        }
        let pattern = PATTERNS[self.dice.random_range(0..PATTERNS.len())];
        if self.readers[who].asked.contains_key(pattern) {
            return;
        }
        let from = match self.dice.random_range(0..4) {
            0 => -1,
            1 => -2,
            _ if self.said.is_empty() => 0,
            _ => i64::try_from(self.said[self.dice.random_range(0..self.said.len())].0).unwrap(),
        };
        let reader = &self.readers[who];
        let body = replay(&reader.client, &format!("'{pattern}'"), &format!("{{'{pattern}':{from}}}"));
        let key = self.desk.send(&peer(&reader.agent), &body);
        if self.dice.random_range(0..2) == 0 {
            self.publish();
        }
        self.desk.pump();
        let answer = self.desk.raw_answer(key).expect("an answer");
        self.take(who, key, &answer);
        if answer.contains("402::") {
            return self.shake(who);
        }
        if self.trims() && answer.contains("replay_id_invalid") {
            return;
        }
        assert!(answer.contains(r#""successful":true"#), "{answer}");
        let reader = &self.readers[who];
        let session = ClientId::presented(&reader.client).session();
        let Some(seat) = self.desk.sessions.seats.get(&session) else {
            assert!(self.trims(), "only a gap ends it");
            return self.shake(who);
        };
        let state = &self.desk.sessions.live[*seat].state;
        let (_, start) = state.patterns.iter().find(|(known, _)| known.as_str() == pattern).unwrap();
        let Start::At(start) = *start else { panic!("{start:?}") };
        let asked = match from {
            -1 => start.get(),
            -2 => 0,
            after => u64::try_from(after).unwrap(),
        };
        self.seen.overlapping += usize::from(!reader.asked.is_empty());
        self.readers[who].asked.insert(pattern, asked);
    }

    /// Whether publications leave their history.
    fn trims(&self) -> bool {
        self.records < 10_000
    }

    /// A new session, which knows nothing of an earlier one.
    fn shake(&mut self, who: usize) {
        self.names += 1;
        self.desk.faults.clear();
        let client = format!("client{}", self.names);
        let reader = &mut self.readers[who];
        self.seen.afresh += usize::from(!reader.client.is_empty());
        let (agent, ack) = (reader.agent.clone(), if reader.acks { "ack" } else { "" });
        (reader.client, reader.ack) = (client.clone(), 0);
        reader.asked.clear();
        reader.kept.clear();
        let answer = self.desk.shake(&peer(&agent), &client, ack);
        assert!(answer.contains(r#""successful":true"#), "{answer}");
    }

    fn connect(&mut self, who: usize) {
        let reader = &self.readers[who];
        if reader.client.is_empty() {
            return self.shake(who);
        }
        let body = if reader.acks { connect_ack(&reader.client, reader.ack) } else { connect(&reader.client) };
        let body = body.replace("'id':'c'", "'id':'c','advice':{'timeout':0}");
        let key = self.desk.send(&peer(&reader.agent), &body);
        if self.dice.random_range(0..3) > 0 {
            self.desk.pump();
        }
        // A part of what is missed may have to be read, and a home that restarts takes nothing before it is ready.
        self.desk.pump();
        let answer = self.desk.raw_answer(key).expect("an answer");
        if answer.contains("402::") || answer.contains("429::limit:queue") {
            assert!(answer.contains(r#""reconnect":"handshake""#), "{answer}");
            return self.shake(who);
        }
        self.take(who, key, &answer);
    }

    /// The client keeps what a response brought, or the network loses it.
    fn take(&mut self, who: usize, key: u64, answer: &str) {
        let messages: Vec<Value> = serde_json::from_str(answer).unwrap();
        let events = messages.iter().filter(|message| message.get("data").is_some());
        let told: Vec<(u64, String)> = events
            .map(|event| (event["ext"]["replay"].as_u64().unwrap(), event["channel"].as_str().unwrap().to_owned()))
            .collect();
        let reader = &mut self.readers[who];
        let is_lost = !told.is_empty() && self.dice.random_range(0..4) == 0;
        if !reader.acks && !told.is_empty() {
            if is_lost { self.desk.lost(key) } else { self.desk.written(key) }
        }
        if is_lost {
            self.seen.lost += 1;
            return;
        }
        if let Some(ack) = messages.iter().find_map(|message| message["ext"]["ack"].as_u64()) {
            reader.ack = ack;
        }
        self.seen.told += told.len();
        reader.kept.extend(told);
    }

    /// Lets everybody read to the end, and compares.
    fn check(&mut self, seed: u64) {
        self.desk.pump();
        let trims = self.trims();
        for who in 0..self.readers.len() {
            let mut silence = 0;
            while silence < 4 {
                let before = (self.readers[who].kept.len(), self.seen.lost);
                self.connect(who);
                silence = if before == (self.readers[who].kept.len(), self.seen.lost) { silence + 1 } else { 0 };
            }
            let reader = &self.readers[who];
            let at = |(at, _): &(u64, String)| *at;
            let got: BTreeSet<u64> = reader.kept.iter().map(at).collect();
            assert_eq!(got.len(), reader.kept.len(), "seed {seed}: {} was told something twice", reader.agent);
            let wanted = |at: u64, name: &str| {
                let channel = Channel::parse(name).unwrap();
                reader
                    .asked
                    .iter()
                    .any(|(pattern, after)| *after < at && Pattern::parse(pattern).unwrap().matches(&channel))
            };
            let mut expected: BTreeSet<u64> =
                self.said.iter().filter(|(at, name)| wanted(*at, name)).map(|(at, _)| *at).collect();
            for name in CHANNELS.iter().filter(|_| trims) {
                let of_it = |at: &u64| self.said.iter().any(|(said, of)| said == at && of == name);
                let channel = Channel::parse(name).unwrap();
                let all =
                    |(pattern, after): (&&str, &u64)| *after == 0 && Pattern::parse(pattern).unwrap().matches(&channel);
                if reader.asked.iter().any(all) {
                    // Who asked for what is kept was told a tail of it, the newest at least.
                    let first = got.iter().copied().find(of_it);
                    let newest = expected.iter().copied().rfind(of_it);
                    let first = first.or(newest).unwrap_or_default();
                    let before = expected.len();
                    expected.retain(|at| *at >= first || !of_it(at));
                    self.seen.late += usize::from(expected.len() < before);
                }
            }
            let missing: Vec<_> = expected.difference(&got).collect();
            let strange: Vec<_> = got.difference(&expected).collect();
            assert!(
                missing.is_empty() && strange.is_empty(),
                "seed {seed}: {} lacks {missing:?}, has {strange:?}",
                reader.agent
            );
            if reader.asked.len() == 1 {
                assert!(reader.kept.is_sorted(), "seed {seed}: {} was told out of order", reader.agent);
            }
        }
        self.desk.assert_idle();
        let page = self.desk.metrics.render();
        let (_, ended) = page.split_once("partyline_sessions_ended_total{reason=\"history_lost\"} ").unwrap();
        self.seen.gaps += ended.lines().next().unwrap().parse::<usize>().unwrap();
        let mut follower = self.desk.log.follow(self.desk.log.floor());
        let records = follower.next(100_000).now_or_never().unwrap().unwrap();
        let pages = records.iter().filter_map(|record| {
            let Ok(Payload::Page(page)) = decode(record) else { return None };
            Some(page)
        });
        self.seen.pages += pages.inspect(|page| self.seen.last += usize::from(page.rest == Rest::Nothing)).count();
    }
}
