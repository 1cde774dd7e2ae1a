//! A seeded random run against a tiny reference: appends of every sort, closes, crashes, compactions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tempfile::TempDir;

use crate::ids::Position;
use crate::log::config::{Durability, EmbeddedConfig};
use crate::log::disk::SystemDisk;
use crate::log::embedded::EmbeddedLog;
use crate::log::epoch::LOG_KIND;
use crate::log::face::{Expected, Log, NewRecord, Outcome, Subject};
use crate::log::retention::{Keeper, Limits};
use crate::log::tests::kit::{NOW, config, ending, expecting, open, read_all, record, volatile};

#[tokio::test]
async fn a_random_life_agrees_with_a_tiny_reference() {
    for (seed, durability) in [(1, Durability::Commit), (2, Durability::Interval(Duration::from_millis(1)))] {
        let mut life = Life::begin(seed, durability);
        for _ in 0..2500 {
            life.step().await;
        }
        let counts = life.counts;
        for (name, least) in [("appended", 1200), ("conflict", 150), ("volatile", 200), ("ended", 100)] {
            assert!(counts[name] >= least, "{name}: {}", counts[name]);
        }
        for (name, least) in [("crash", 5), ("close", 5), ("compaction", 15), ("look", 60)] {
            assert!(counts[name] >= least, "{name}: {}", counts[name]);
        }
    }
}

struct Life {
    random: StdRng,
    directory: TempDir,
    durability: Durability,
    log: Option<EmbeddedLog>,
    /// The newest position and payload of each living subject.
    living: BTreeMap<Subject, (Position, String)>,
    /// Where volatile records are that no crash took.
    volatile: Vec<Position>,
    head: Position,
    counts: BTreeMap<&'static str, usize>,
}

impl Life {
    fn begin(seed: u64, durability: Durability) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let random = StdRng::seed_from_u64(seed);
        let (living, head, counts) = (BTreeMap::new(), Position::ZERO, BTreeMap::new());
        let mut life = Self { random, directory, durability, log: None, living, volatile: Vec::new(), head, counts };
        life.open();
        life
    }

    async fn step(&mut self) {
        match self.random.random_range(0..1000) {
            0..5 => {
                self.count("crash");
                self.log = None;
                self.volatile.clear();
                let head = self.head;
                self.open();
                assert!(self.log().forgotten() >= head);
            }
            5..10 => {
                self.count("close");
                self.log().close().await;
                self.log = None;
                self.open();
            }
            10..25 => {
                self.count("compaction");
                self.compact();
            }
            25..75 => {
                self.count("look");
                self.look();
            }
            _ => self.append().await,
        }
    }

    async fn append(&mut self) {
        let new = self.draw();
        let newest = self.living.get(&new.subject).map(|(position, _)| *position);
        let met = match new.expected {
            Expected::Any => true,
            Expected::At(position) => newest == Some(position),
            Expected::Nothing => newest.is_none(),
        };
        let outcome = self.log().append(new.clone()).await;
        let Outcome::Appended(position) = outcome else {
            assert_eq!((outcome, met), (Outcome::Conflict, false));
            return self.count("conflict");
        };
        assert!(met && position > self.head);
        self.head = position;
        self.count("appended");
        if new.volatile {
            self.volatile.push(position);
            self.count("volatile");
        } else if new.ends {
            self.living.remove(&new.subject);
            self.count("ended");
        } else {
            let payload = String::from_utf8(new.payload.to_vec()).unwrap();
            self.living.insert(new.subject, (position, payload));
        }
    }

    fn draw(&mut self) -> NewRecord {
        let name = format!("s/{}", self.random.random_range(0..40));
        let length = self.random.random_range(0..200);
        let new = record(&name, &format!("{}{}", self.head, "x".repeat(length)));
        let newest = self.living.get(&new.subject).map(|(position, _)| *position);
        let expected = match self.random.random_range(0..4) {
            0 => Expected::Nothing,
            1 => newest.map_or(Expected::Nothing, Expected::At),
            2 if self.random.random_range(0..4) == 0 => Expected::At(self.head),
            _ => Expected::Any,
        };
        let new = expecting(expected, new);
        match self.random.random_range(0..10) {
            0 => ending(new),
            1 | 2 => volatile(new),
            _ => new,
        }
    }

    fn open(&mut self) {
        let small =
            EmbeddedConfig { segment_size: 4000, ring_records: 20, ..config(self.directory.path(), self.durability) };
        let log = open(small).unwrap();
        assert_eq!(log.recovery().cut, None);
        assert!(log.head() > self.head);
        self.head = log.head();
        self.log = Some(log);
        self.look();
    }

    fn compact(&self) {
        let keeper = Keeper {
            disk: Arc::new(SystemDisk),
            directory: self.directory.path().to_owned(),
            published: Arc::clone(&self.log().published),
            limits: Limits { age: Duration::from_secs(u64::from(u32::MAX)), size: Some(20_000) },
        };
        keeper.keep(NOW).unwrap();
    }

    /// Compares all that can be seen.
    fn look(&self) {
        let log = self.log();
        let subjects: Vec<Subject> = log.subjects("s/");
        assert!(subjects.iter().eq(self.living.keys()));
        for (subject, (position, payload)) in &self.living {
            let newest = log.newest(subject).unwrap().unwrap();
            assert_eq!((newest.position, &newest.payload[..]), (*position, payload.as_bytes()));
        }
        let all = read_all(log);
        assert!(all.is_sorted_by(|one, next| one.position < next.position));
        let mut told = BTreeMap::new();
        for record in all.iter().filter(|record| record.kind != LOG_KIND && !record.volatile) {
            if record.ends {
                told.remove(&record.subject);
            } else {
                told.insert(record.subject.clone(), record.position);
            }
        }
        assert!(told.iter().eq(self.living.iter().map(|(subject, (position, _))| (subject, position))));
        let volatile = all.iter().filter(|record| record.volatile).map(|record| &record.position);
        let floor = log.floor().max(log.forgotten());
        assert!(volatile.filter(|at| **at > floor).eq(self.volatile.iter().filter(|at| **at > floor)));
    }

    fn log(&self) -> &EmbeddedLog {
        self.log.as_ref().unwrap()
    }

    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }
}
