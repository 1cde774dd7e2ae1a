//! Histories on disk: they outlive a restart and a compaction, for their own time.

use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::clock;
use crate::ids::{Position, WallTime};
use crate::log::config::{Durability, EmbeddedConfig};
use crate::log::disk::SystemDisk;
use crate::log::embedded::EmbeddedLog;
use crate::log::face::{Among, Log, NewRecord, Past, Stretch, Subject};
use crate::log::history::{Histories, Retain, Retained, Retention};
use crate::log::index::{Index, Place};
use crate::log::retention::{Keeper, Limits};
use crate::log::tests::kit::{KEPT, Keeps, NOW, config, files, open, page, put, record};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// `kept/short` for an hour, everything else below `kept/` for a day; three of each.
#[derive(Debug)]
struct Hours;

impl Retention for Hours {
    fn of(&self, subject: &Subject) -> Retained {
        let age = if subject.as_str() == "kept/short" { HOUR } else { 24 * HOUR };
        let kept = Retained::History(Retain { age, records: 3 });
        if subject.as_str().starts_with("kept/") { kept } else { Retained::Newest }
    }
}

#[tokio::test]
async fn what_is_kept_outlives_a_restart_and_so_does_what_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(small(directory.path())).unwrap();
    let mut all = Vec::new();
    for n in 0..60 {
        all.push(put(&log, record(&format!("kept/{}", n % 2), &n.to_string())).await);
    }
    let before = pages(&log);
    assert_eq!((before.records.len(), before.dropped), (60, Position::ZERO));
    drop(log);
    let log = open(small(directory.path())).unwrap();
    assert_eq!(pages(&log).records, before.records);
    assert_eq!(pages(&log).dropped, Position::ZERO, "the log was never compacted");
}

#[tokio::test]
async fn a_compaction_keeps_history_and_a_restart_after_it_knows_that_older_history_may_be_gone() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(small(directory.path())).unwrap();
    for n in 0..30 {
        put(&log, record("kept/1", &n.to_string())).await;
        // Two of three bytes are of no history, so that the files are not left alone.
        put(&log, record("other/1", &"x".repeat(400))).await;
    }
    let before = pages(&log);
    let count = files(directory.path()).len();
    keeper(&log, directory.path(), None).keep(later(25 * HOUR)).unwrap();
    assert!(files(directory.path()).len() < count, "{count}");
    assert_eq!(pages(&log), before);
    drop(log);
    let log = open(small(directory.path())).unwrap();
    assert_eq!(pages(&log).records, before.records);
    let first = before.records[0].position;
    assert_eq!(pages(&log).dropped, Position::new(first.get() - 1));
}

#[tokio::test]
async fn a_file_that_is_mostly_history_stays_as_it_is_until_that_is_old() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(EmbeddedConfig { retention: Arc::new(Hours), ..small(directory.path()) }).unwrap();
    // The log's own keeper looks at the clock.
    let now = clock::wall();
    for _ in 0..3 {
        put(&log, NewRecord { time: now, ..record("kept/long", &"x".repeat(400)) }).await;
    }
    // The first one has the log's own record.
    let untouched = files(directory.path()).split_off(1);
    keeper(&log, directory.path(), None).keep(after(now, 2 * HOUR)).unwrap();
    assert!(files(directory.path()).ends_with(&untouched));
    keeper(&log, directory.path(), None).keep(after(now, 25 * HOUR)).unwrap();
    assert!(!files(directory.path()).ends_with(&untouched));
    assert_eq!(pages(&log).records, vec![]);
}

#[tokio::test]
async fn too_much_on_the_disk_takes_history_with_it_whatever_its_time() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(small(directory.path())).unwrap();
    let mut all = Vec::new();
    for n in 0..20 {
        all.push(put(&log, record("kept/1", &format!("{n:0>400}"))).await);
    }
    let newest: u64 = files(directory.path()).iter().rev().take(5).map(|path| path.metadata().unwrap().len()).sum();
    keeper(&log, directory.path(), Some(newest)).keep(NOW).unwrap();
    let left = pages(&log);
    assert_eq!(left.records.iter().map(|record| record.position).collect::<Vec<_>>(), all[15..]);
    assert_eq!(left.dropped, all[14]);
    assert!(log.bytes() <= newest + 500);
}

#[test]
fn what_is_too_old_is_not_found_and_counts_as_gone() {
    let histories = Histories::new(Arc::new(Hours));
    let at = |position: u64, subject: &str, time: WallTime| {
        let NewRecord { id, subject, kind, version, volatile, ends, payload, .. } = record(subject, "x");
        let position = Position::new(position);
        Arc::new(crate::log::Record { position, id, subject, kind, version, time, volatile, ends, payload })
    };
    let records =
        [at(5, "kept/short", NOW), at(6, "kept/long", NOW), at(7, "kept/short", later(HOUR)), at(8, "kept/long", NOW)];
    let places = records.each_ref().map(|record| Place::Memory(Arc::clone(record)));
    histories.take(records.iter().zip(&places));
    let find = |now| {
        let past = Past {
            among: &[Among::Below("kept/".into())],
            wanted: &|_| true,
            told: &|_| Position::ZERO,
            after: Position::ZERO,
            through: Position::new(99),
            records: 9,
            bytes: 99,
        };
        let found = histories.find(&past, now);
        (found.kept.iter().map(|position| position.get()).collect::<Vec<_>>(), found.dropped.get())
    };
    assert_eq!(find(NOW), (vec![5, 6, 7, 8], 0));
    assert_eq!(find(later(HOUR + 2 * SECOND)), (vec![6, 7, 8], 5));
    histories.trim(later(HOUR + 2 * SECOND));
    assert_eq!(find(NOW), (vec![6, 7, 8], 5), "gone is gone");
    assert_eq!(find(later(25 * HOUR)), (vec![], 8));
}

#[tokio::test]
async fn whatever_happens_history_is_a_tail_of_what_was_said_and_says_where_it_begins() {
    let mut seen = [0; 4];
    for seed in 0..20 {
        let mut dice = StdRng::seed_from_u64(seed);
        let directory = tempfile::tempdir().unwrap();
        let config = || EmbeddedConfig { segment_size: dice_size(seed), ..small(directory.path()) };
        let mut log = open(config()).unwrap();
        let mut said: Vec<(Position, String)> = Vec::new();
        for n in 0..120 {
            match dice.random_range(0..20) {
                0 => {
                    seen[0] += 1;
                    drop(log);
                    log = open(config()).unwrap();
                }
                1 => {
                    seen[1] += 1;
                    keeper(&log, directory.path(), None).keep(later(25 * HOUR)).unwrap();
                }
                2 => {
                    seen[2] += 1;
                    keeper(&log, directory.path(), Some(6000)).keep(NOW).unwrap();
                }
                3..8 => drop(put(&log, record("other/1", &"x".repeat(300))).await),
                _ => {
                    let name = format!("kept/{}", dice.random_range(0..3));
                    let at = put(&log, record(&name, &format!("{n:0>100}"))).await;
                    said.push((at, name));
                }
            }
            let Stretch { records, dropped, .. } = pages(&log);
            let got: Vec<Position> = records.iter().map(|record| record.position).collect();
            let expected: Vec<Position> = said.iter().map(|(at, _)| *at).collect();
            let whole: Vec<Position> = expected.iter().copied().filter(|at| *at > dropped).collect();
            assert!(got.ends_with(&whole), "seed {seed}, step {n}: after {dropped} nothing is missing");
            assert!(got.iter().all(|at| expected.contains(at)) && got.is_sorted());
            seen[3] += usize::from(dropped > Position::ZERO);
            assert_eq!(log.histories(), log.subjects("kept/").len(), "those of which something is left are counted");
        }
    }
    assert!(seen.iter().all(|count| *count > 50), "{seen:?}");
}

const SECOND: Duration = Duration::from_secs(1);

fn dice_size(seed: u64) -> u64 {
    [1, 700, 2500][usize::try_from(seed % 3).unwrap()]
}

fn pages(log: &EmbeddedLog) -> Stretch {
    page(log, "kept/", Position::ZERO, 1000)
}

fn later(age: Duration) -> WallTime {
    after(NOW, age)
}

fn after(time: WallTime, age: Duration) -> WallTime {
    WallTime::from_millis(time.millis() + u64::try_from(age.as_millis()).unwrap())
}

fn small(directory: &Path) -> EmbeddedConfig {
    // Nothing here is about the moment of a sync.
    let durability = Durability::Interval(HOUR);
    EmbeddedConfig { segment_size: 600, ring_records: 1, ..config(directory, durability) }
}

fn keeper(log: &EmbeddedLog, directory: &Path, size: Option<u64>) -> Keeper {
    Keeper {
        disk: Arc::new(SystemDisk),
        directory: directory.to_owned(),
        published: Arc::clone(&log.published),
        limits: Limits { age: HOUR, size },
    }
}

#[tokio::test]
async fn a_subject_whose_history_is_empty_has_ended_on_the_disk_and_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let config = || EmbeddedConfig { retention: Arc::new(Hours), ..small(directory.path()) };
    let log = open(config()).unwrap();
    // The log's own keeper looks at the clock.
    let now = clock::wall();
    let mut ends = Vec::new();
    for n in 0..5 {
        ends.push(
            put(&log, NewRecord { time: now, ..record(&format!("kept/{n}"), &format!("secret{:0>500}", n)) }).await,
        );
    }
    let lasting = NewRecord { time: after(now, 24 * HOUR), ..record("kept/long", "stays") };
    let lasting = put(&log, lasting).await;
    put(&log, NewRecord { time: now, ..record("other/1", &"x".repeat(500)) }).await;
    assert_eq!(log.subjects("kept/").len(), 6);
    keeper(&log, directory.path(), None).keep(after(now, 25 * HOUR)).unwrap();
    let check = |log: &EmbeddedLog| {
        let subjects: Vec<_> = log.subjects("").iter().map(ToString::to_string).collect();
        assert_eq!(subjects, ["kept/long", "log/epoch", "other/1"]);
        assert!(!log.lives(&Subject::new("kept/1")) && log.lives(&Subject::new("kept/long")));
        assert_eq!(log.histories(), 1);
        let found = |among: Among| {
            let (after, through) = (Position::ZERO, Position::new(u64::MAX));
            let told = &|_: Option<&Subject>| Position::ZERO;
            let past = Past { among: &[among], wanted: &|_| true, told, after, through, records: 9, bytes: 999 };
            let stretch = log.history(&past).unwrap();
            (stretch.records.iter().map(|record| record.position).collect::<Vec<_>>(), stretch.dropped)
        };
        let exactly = |name: &str| found(Among::Exactly(Subject::new(name)));
        assert_eq!(exactly("kept/4"), (vec![], ends[4]), "remembered");
        assert_eq!(exactly("kept/0"), (vec![], ends[1]), "forgotten: as far as anything of its sort is gone");
        assert_eq!(exactly("kept/never"), (vec![], ends[1]));
        assert_eq!(found(Among::Below("kept/".into())), (vec![lasting], ends[4]));
        for path in files(directory.path()) {
            let bytes = std::fs::read(path).unwrap();
            assert!(!bytes.windows(6).any(|window| window == b"secret"), "what is gone is gone");
        }
    };
    check(&log);
    drop(log);
    check(&open(config()).unwrap());
}

#[test]
fn what_is_gone_counts_only_where_it_is_missed() {
    let histories = Histories::new(Arc::new(Keeps));
    let mut position = 0;
    let mut put = |name: &str, count: usize| {
        for _ in 0..count {
            position += 1;
            let NewRecord { id, subject, kind, version, time, volatile, ends, payload, .. } = record(name, "x");
            let position = Position::new(position);
            let record =
                Arc::new(crate::log::Record { position, id, subject, kind, version, time, volatile, ends, payload });
            histories.take([(&record, &Place::Memory(Arc::clone(&record)))]);
        }
    };
    put("kept/a", KEPT + 2);
    put("kept/b", KEPT + 1);
    let dropped = |told: &dyn Fn(Option<&Subject>) -> Position| {
        let (after, through) = (Position::ZERO, Position::new(u64::MAX));
        let among = &[Among::Below("kept/".into())];
        let past = Past { among, wanted: &|_| true, told, after, through, records: 1, bytes: 0 };
        histories.find(&past, NOW).dropped.get()
    };
    let first_of_b = u64::try_from(KEPT).unwrap() + 3;
    assert_eq!(dropped(&|_| Position::ZERO), first_of_b);
    assert_eq!(dropped(&|_| Position::LARGEST), 0, "nobody was told anything yet");
    let only_a = |subject: Option<&Subject>| match subject.map(Subject::as_str) {
        Some("kept/a") => Position::new(1),
        Some(_) | None => Position::LARGEST,
    };
    assert_eq!(dropped(&only_a), 2, "one more was kept when the first was told");
    assert_eq!(dropped(&|_| Position::new(first_of_b)), 0, "it was told all that is gone");
}

#[test]
fn a_page_looks_at_no_more_subjects_than_match() {
    let histories = Histories::new(Arc::new(Hours));
    let mut position = 0;
    let mut put = |name: &str| {
        position += 1;
        let NewRecord { id, subject, kind, version, time, volatile, ends, payload, .. } = record(name, "x");
        let position = Position::new(position);
        let record =
            Arc::new(crate::log::Record { position, id, subject, kind, version, time, volatile, ends, payload });
        histories.take([(&record, &Place::Memory(Arc::clone(&record)))]);
    };
    for n in 0..1000 {
        put(&format!("kept/a/{n}"));
        put(&format!("kept/a/{n}/deep/er"));
        put(&format!("kept/b/{n}"));
    }
    for n in 0..5 {
        put(&format!("kept/few/{n}"));
        put(&format!("kept/few/{n}/deep/er"));
    }
    let looks = |among: &[Among]| {
        let looked = std::cell::Cell::new(0);
        let wanted = |_: &Subject| {
            looked.set(looked.get() + 1);
            true
        };
        let (after, through) = (Position::ZERO, Position::new(u64::MAX));
        let told = &|_: Option<&Subject>| Position::ZERO;
        let past = Past { among, wanted: &wanted, told, after, through, records: 100, bytes: 0 };
        let found = histories.find(&past, NOW);
        assert!(found.kept.is_sorted());
        (looked.get(), found.kept.len(), found.more)
    };
    let (few, a) = (Among::Children("kept/few/".into()), Among::Children("kept/a/".into()));
    assert_eq!(looks(&[Among::Exactly(Subject::new("kept/a/7"))]), (1, 1, false));
    assert_eq!(looks(std::slice::from_ref(&few)), (5, 5, false));
    assert_eq!(looks(&[Among::Below("kept/few/".into())]), (10, 10, false));
    assert_eq!(looks(&[a]), (1000, 100, true));
    assert_eq!(looks(&[few, Among::Below("kept/few/".into())]), (15, 10, false), "each is told once");
}

#[test]
fn the_end_of_nothing_waits_for_no_reader() {
    let index = Arc::new(Index::default());
    let reader = index.look();
    let (tell, told) = mpsc::channel();
    let ends = Arc::clone(&index);
    std::thread::spawn(move || {
        ends.end(&[]);
        tell.send(())
    });
    assert_eq!(told.recv_timeout(Duration::from_secs(10)), Ok(()), "a reader is in its way");
    drop(reader);
}

#[tokio::test]
async fn a_log_in_memory_keeps_no_more_history_than_its_size_lets() {
    let directory = tempfile::tempdir().unwrap();
    let retain_size = Some(2000);
    let config = EmbeddedConfig { retain_size, ring_records: 1, ..config(directory.path(), Durability::Memory) };
    let log = open(config).unwrap();
    let first = put(&log, record("kept/first", "x")).await;
    let mut all = Vec::new();
    for n in 0..30 {
        put(&log, record("other/1", &"x".repeat(4000))).await;
        all.push(put(&log, record(&format!("kept/{}", n % 2), &"y".repeat(300))).await);
    }
    let kept = pages(&log);
    let positions: Vec<Position> = kept.records.iter().map(|record| record.position).collect();
    assert!((4..7).contains(&positions.len()), "{positions:?}");
    let (gone, newest) = all.split_at(all.len() - positions.len());
    assert_eq!(positions, newest);
    assert_eq!(Some(&kept.dropped), gone.last());
    assert!(!log.lives(&Subject::new("kept/first")), "{first} was all of it");
    assert!(log.lives(&Subject::new("other/1")), "what lives stays, whatever it takes");
    // One that is too large by itself is told while it is new, and not kept.
    put(&log, record("kept/0", &"z".repeat(3000))).await;
    assert_eq!(pages(&log).records.len(), 0);
    put(&log, record("kept/0", "y")).await;
    assert_eq!(pages(&log).records.len(), 1);
}
