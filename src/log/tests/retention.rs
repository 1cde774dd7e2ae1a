//! What is old leaves the disk, and the newest record of every living subject stays.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::ids::{Position, WallTime};
use crate::log::config::{Durability, EmbeddedConfig};
use crate::log::disk::SystemDisk;
use crate::log::embedded::EmbeddedLog;
use crate::log::face::{Log, Subject};
use crate::log::retention::{Keeper, Limits};
use crate::log::tests::kit::{NOW, config, ending, files, open, put, read_all, record, story, told};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const LATER: WallTime = WallTime::from_millis(NOW.millis() + 25 * 60 * 60 * 1000);

#[tokio::test]
async fn old_files_become_one_with_the_newest_record_of_each_living_subject() {
    let directory = tempfile::tempdir().unwrap();
    let log = filled(directory.path()).await;
    let before: Vec<_> = log.subjects("").iter().map(|subject| log.newest(subject).unwrap().unwrap()).collect();
    keeper(&log, directory.path(), DAY, None).keep(NOW).unwrap();
    assert_eq!(files(directory.path()).len(), 12, "nothing is old yet");
    keeper(&log, directory.path(), DAY, None).keep(LATER).unwrap();
    assert_eq!(files(directory.path()).len(), 2);
    assert_eq!(story(&log), ["stays/1=x", "changes/1=9", "last/1=x"]);
    let after: Vec<_> = log.subjects("").iter().map(|subject| log.newest(subject).unwrap().unwrap()).collect();
    assert_eq!(before, after, "positions and all");
    drop(log);
    let log = reopened(directory.path());
    assert_eq!(story(&log), ["stays/1=x", "changes/1=9", "last/1=x"]);
    assert_eq!(log.newest(&Subject::new("ends/1")).unwrap(), None);
    assert!(log.floor() >= before.iter().find(|record| told(record) == "changes/1=9").unwrap().position);
    put(&log, record("a/1", "goes on")).await;
}

#[tokio::test]
async fn a_crash_before_the_old_files_are_gone_does_no_harm() {
    let directory = tempfile::tempdir().unwrap();
    let log = filled(directory.path()).await;
    let old: Vec<_> = files(directory.path()).into_iter().map(|path| (std::fs::read(&path).unwrap(), path)).collect();
    keeper(&log, directory.path(), DAY, None).keep(LATER).unwrap();
    let expected = story(&log);
    drop(log);
    let kept = files(directory.path());
    for (bytes, path) in &old {
        if !kept.contains(path) {
            std::fs::write(path, bytes).unwrap();
        }
    }
    assert_eq!(story(&reopened(directory.path())), expected);
    assert_eq!(files(directory.path()).len(), 3, "the two of before, and one that the start began");
}

#[tokio::test]
async fn the_oldest_files_go_when_there_is_too_much() {
    let directory = tempfile::tempdir().unwrap();
    let log = filled(directory.path()).await;
    let sizes: Vec<u64> = files(directory.path()).iter().map(|path| path.metadata().unwrap().len()).collect();
    let newest_four: u64 = sizes.iter().rev().take(4).sum();
    keeper(&log, directory.path(), DAY, Some(newest_four)).keep(NOW).unwrap();
    assert_eq!(files(directory.path()).len(), 5, "one compacted, four as they were");
    assert_eq!(story(&log), ["stays/1=x", "changes/1=8", "changes/1=9", "ends/1=end", "last/1=x"]);
}

#[tokio::test]
async fn files_without_a_living_record_go_altogether() {
    let directory = tempfile::tempdir().unwrap();
    let log = filled(directory.path()).await;
    for name in ["stays/1", "changes/1"] {
        put(&log, ending(record(name, "end"))).await;
    }
    keeper(&log, directory.path(), DAY, None).keep(LATER).unwrap();
    put(&log, record("new/1", "x")).await;
    // `last/1` and the record of opening live in what was compacted; ended subjects do not.
    assert_eq!(story(&log), ["last/1=x", "changes/1=end", "new/1=x"]);
    put(&log, ending(record("last/1", "end"))).await;
    drop(log);
    let log = reopened(directory.path());
    assert_eq!(log.subjects("").len(), 2);
    for _ in 0..2 {
        put(&log, record("new/1", "y")).await;
    }
    keeper(&log, directory.path(), DAY, None).keep(LATER).unwrap();
    assert_eq!(log.subjects("").iter().map(ToString::to_string).collect::<Vec<_>>(), ["log/epoch", "new/1"]);
    assert_eq!(story(&log), ["new/1=y"]);
}

#[tokio::test]
async fn compacting_again_adds_to_what_was_compacted() {
    let directory = tempfile::tempdir().unwrap();
    let log = filled(directory.path()).await;
    for n in 0..5 {
        keeper(&log, directory.path(), DAY, None).keep(LATER).unwrap();
        put(&log, record(&format!("more/{n}"), "x")).await;
        assert!(files(directory.path()).len() <= 3);
    }
    let all = read_all(&log);
    assert!(all.is_sorted_by_key(|record| record.position));
    assert_eq!(log.subjects("more/").len(), 5);
    assert_eq!(story(&log)[..3], ["stays/1=x", "changes/1=9", "last/1=x"]);
    drop(log);
    assert_eq!(read_all(&reopened(directory.path()))[..all.len()], all);
}

#[tokio::test]
async fn the_file_that_is_written_always_stays() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(small(directory.path())).unwrap();
    assert_ne!(log.head(), Position::ZERO);
    keeper(&log, directory.path(), Duration::ZERO, Some(0)).keep(LATER).unwrap();
    assert_eq!(files(directory.path()).len(), 1);
    put(&log, record("a/1", "x")).await;
    assert_eq!(story(&log), ["a/1=x"]);
}

/// A log of twelve files, a record each: two subjects that live, one that changes, one that ends.
async fn filled(directory: &Path) -> EmbeddedLog {
    let log = open(small(directory)).unwrap();
    put(&log, record("stays/1", "x")).await;
    put(&log, record("ends/1", "x")).await;
    for n in 3..10 {
        put(&log, record("changes/1", &n.to_string())).await;
    }
    put(&log, ending(record("ends/1", "end"))).await;
    put(&log, record("last/1", "x")).await;
    log
}

fn small(directory: &Path) -> EmbeddedConfig {
    EmbeddedConfig { segment_size: 1, ring_records: 1, ..config(directory, Durability::Commit) }
}

fn reopened(directory: &Path) -> EmbeddedLog {
    open(small(directory)).unwrap()
}

fn keeper(log: &EmbeddedLog, directory: &Path, age: Duration, size: Option<u64>) -> Keeper {
    Keeper {
        disk: Arc::new(SystemDisk),
        directory: directory.to_owned(),
        published: Arc::clone(&log.published),
        limits: Limits { age, size },
    }
}
