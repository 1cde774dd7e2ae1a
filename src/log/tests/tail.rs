//! What is in memory only: over a planned stop it is all there again, and after any other end it is known what may be gone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use tempfile::TempDir;

use crate::ids::{Epoch, Position, RecordId, WallTime};
use crate::log::config::{Durability, EmbeddedConfig, Left};
use crate::log::disk::SystemDisk;
use crate::log::embedded::EmbeddedLog;
use crate::log::epoch::LOG_KIND;
use crate::log::face::{Kind, Log, Record, Subject};
use crate::log::tail;
use crate::log::tail::Tail;
use crate::log::tests::fake::{FakeDisk, Fault};
use crate::log::tests::kit::{NOW, config, open, open_on, put, read_all, record, told, volatile};

#[tokio::test]
async fn after_a_planned_stop_what_is_volatile_is_there_again_in_its_place() {
    for durability in [Durability::Commit, Durability::Interval(std::time::Duration::from_secs(3600))] {
        let directory = tempfile::tempdir().unwrap();
        let log = open(config(directory.path(), durability)).unwrap();
        assert_eq!(log.forgotten(), Position::ZERO, "a new log has forgotten nothing");
        fill(&log, 40).await;
        let before = read_all(&log);
        stop(log).await;
        assert!(tail::path(directory.path()).exists());
        let log = open(config(directory.path(), durability)).unwrap();
        assert_eq!((log.recovery().left, log.forgotten()), (Left::Closed, Position::ZERO));
        let after = read_all(&log);
        assert_eq!(after[..before.len()], before, "to the last byte");
        assert!(after[before.len()..].iter().all(|record| record.kind == LOG_KIND));
        assert!(after.iter().filter(|record| record.volatile).all(|one| log.recall(one.position).is_some()));
        assert!(log.newest(&Subject::new("v/1")).unwrap().is_none(), "it is nobody's state");
        assert!(!tail::path(directory.path()).exists(), "it would be stale");
    }
}

#[tokio::test]
async fn after_a_crash_only_what_is_volatile_may_be_gone_and_up_to_where_is_known() {
    let (directory, log) = filled(20).await;
    let head = log.head();
    drop(log);
    let log = open(config(directory.path(), Durability::Commit)).unwrap();
    let opened = read_all(&log).last().unwrap().position;
    assert!(log.forgotten() >= head);
    assert_eq!(log.forgotten().next(), opened, "what comes from now on is not forgotten");
    assert_eq!(volatiles(&log), [""; 0]);
    assert_eq!(read_all(&log).iter().filter(|record| record.kind != LOG_KIND).count(), 10);

    // A planned stop after that takes nothing more, and does not make it undone.
    let forgotten = log.forgotten();
    put(&log, volatile(record("v/late", "x"))).await;
    stop(log).await;
    let log = open(config(directory.path(), Durability::Commit)).unwrap();
    assert_eq!((volatiles(&log), log.forgotten()), (vec!["v/late=x".to_owned()], forgotten));
}

#[tokio::test]
async fn what_had_left_the_ring_before_a_planned_stop_counts_as_forgotten() {
    let directory = tempfile::tempdir().unwrap();
    let small = EmbeddedConfig { ring_records: 10, ..config(directory.path(), Durability::Commit) };
    let log = open(small.clone()).unwrap();
    fill(&log, 60).await;
    let (floor, ring) = (log.floor(), after(&log, log.floor()));
    assert_eq!(ring.len(), 10);
    stop(log).await;
    let log = open(small).unwrap();
    assert_eq!(log.forgotten(), floor);
    assert!(log.floor() > floor, "the records of the close and the opening came after");
    assert!(after(&log, log.floor()).starts_with(&ring[2..]));
    stop(log).await;
    // A larger ring reaches further back than the smaller one knew.
    let log = open(config(directory.path(), Durability::Commit)).unwrap();
    assert!(log.floor() < log.forgotten());
    assert!(after(&log, log.floor()).iter().all(|record| !record.volatile || record.position > log.forgotten()));
}

#[tokio::test]
async fn a_file_that_is_damaged_or_missing_is_not_used_and_nothing_else_suffers() {
    let (directory, log) = filled(16).await;
    stop(log).await;
    let bytes = std::fs::read(tail::path(directory.path())).unwrap();
    let flipped = (0..bytes.len()).map(|at| {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        changed
    });
    let cut = (0..bytes.len()).map(|length| bytes[..length].to_vec());
    let longer = [bytes.clone(), bytes.clone()].concat();
    let mut tried = 0;
    for (number, broken) in [None].into_iter().chain(flipped.chain(cut).chain([longer]).map(Some)).enumerate() {
        let copy = if number % 16 == 0 { copied(directory.path()) } else { tempfile::tempdir().unwrap() };
        match &broken {
            Some(broken) => {
                std::fs::write(tail::path(copy.path()), broken).unwrap();
                assert!(Tail::read(&SystemDisk, copy.path()).is_err(), "{number}");
            }
            None => std::fs::remove_file(tail::path(copy.path())).unwrap(),
        }
        if number % 16 != 0 {
            continue;
        }
        let log = open(config(copy.path(), Durability::Commit)).unwrap();
        assert_eq!((log.recovery().left, log.forgotten()), (Left::Closed, log.recovery().last));
        assert_eq!(volatiles(&log), [""; 0]);
        tried += 1;
    }
    assert!(tried > 50, "{tried}");
}

#[tokio::test]
async fn a_file_of_another_close_is_not_used() {
    let (directory, log) = filled(4).await;
    stop(log).await;
    let old = std::fs::read(tail::path(directory.path())).unwrap();
    let log = open(config(directory.path(), Durability::Commit)).unwrap();
    stop(log).await;
    let new = std::fs::read(tail::path(directory.path())).unwrap();
    assert_ne!(old, new);
    std::fs::write(tail::path(directory.path()), &old).unwrap();
    let log = open(config(directory.path(), Durability::Commit)).unwrap();
    assert_eq!((log.forgotten(), volatiles(&log).len()), (log.recovery().last, 0));
    drop(log);
    // Nor is one that fits, once the log was opened after it.
    std::fs::write(tail::path(directory.path()), &new).unwrap();
    let log = open(config(directory.path(), Durability::Commit)).unwrap();
    assert_eq!((log.recovery().left, volatiles(&log).len()), (Left::Open, 0));
}

#[tokio::test]
async fn a_disk_that_does_not_take_it_costs_what_is_volatile_and_not_the_clean_end() {
    let (directory, log) = filled(4).await;
    // A directory of the file's name is in the way.
    std::fs::create_dir_all(tail::path(directory.path()).join("x")).unwrap();
    stop(log).await;
    let log = open(config(directory.path(), Durability::Commit)).unwrap();
    assert_eq!((log.recovery().left, log.forgotten()), (Left::Closed, log.recovery().last));
    assert_eq!(volatiles(&log), [""; 0]);
}

#[tokio::test]
async fn a_start_that_fails_leaves_it_for_the_next() {
    let (directory, log) = filled(4).await;
    let before = volatiles(&log);
    stop(log).await;
    let disk = FakeDisk::new();
    disk.break_down(Fault::Full);
    assert!(open_on(config(directory.path(), Durability::Commit), NOW, Arc::new(disk)).is_err());
    let log = open(config(directory.path(), Durability::Commit)).unwrap();
    assert_eq!((volatiles(&log), log.forgotten()), (before, Position::ZERO));
}

#[test]
fn a_file_of_format_1_is_written_and_read_as_it_always_was() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/log/v1.tail");
    let directory = tempfile::tempdir().unwrap();
    sample().write(&SystemDisk, directory.path()).unwrap();
    let written = std::fs::read(tail::path(directory.path())).unwrap();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &written).unwrap();
    }
    assert_eq!(written, std::fs::read(&golden).unwrap());
    std::fs::copy(&golden, tail::path(directory.path())).unwrap();
    let read = Tail::read(&SystemDisk, directory.path()).unwrap().unwrap();
    assert_eq!((read.epoch, read.closed, read.forgotten), (EPOCH, Position::new(1009), Position::new(700)));
    assert_eq!(read.records, sample().records);
}

fn sample() -> Tail {
    let one = |position, subject, payload: &[u8]| {
        Arc::new(Record {
            position: Position::new(position),
            id: RecordId::new([7; 16]),
            subject: Subject::new(subject),
            kind: Kind(0x1234),
            version: 2,
            time: WallTime::from_millis(1_790_000_000_000),
            volatile: true,
            ends: position == 1008,
            payload: Bytes::copy_from_slice(payload),
        })
    };
    let records = vec![one(1003, "channel/x", "Grüße".as_bytes()), one(1008, "owed/ab", &[0, 255, b'p', b'l', 1])];
    Tail { epoch: EPOCH, closed: Position::new(1009), forgotten: Position::new(700), records }
}

/// Appends so many records, every second one volatile.
async fn fill(log: &EmbeddedLog, count: usize) {
    for n in 0..count {
        let stored = record(&format!("s/{n}"), &n.to_string());
        put(log, if n % 2 == 0 { stored } else { volatile(record("v/1", &n.to_string())) }).await;
    }
}

async fn filled(count: usize) -> (TempDir, EmbeddedLog) {
    let directory = tempfile::tempdir().unwrap();
    let log = open(config(directory.path(), Durability::Commit)).unwrap();
    fill(&log, count).await;
    (directory, log)
}

async fn stop(log: EmbeddedLog) {
    log.close().await;
    drop(log);
}

fn volatiles(log: &EmbeddedLog) -> Vec<String> {
    read_all(log).iter().filter(|record| record.volatile).map(|record| told(record)).collect()
}

fn after(log: &EmbeddedLog, position: Position) -> Vec<Arc<Record>> {
    log.read(position, usize::MAX).unwrap()
}

fn copied(directory: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    let files: Vec<PathBuf> = directory.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    for file in files {
        std::fs::copy(&file, copy.path().join(file.file_name().unwrap())).unwrap();
    }
    copy
}

const EPOCH: Epoch = Epoch::new(0x1234_abcd);
