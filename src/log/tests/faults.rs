//! Group commit, and disks that are full or failing.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::log::config::{Durability, EmbeddedConfig};
use crate::log::embedded::{EmbeddedLog, Surroundings};
use crate::log::face::{Health, Log, Outcome, Subject};
use crate::log::tests::fake::{FakeDisk, Fault, Happening};
use crate::log::tests::kit::{NOW, config, open, put, record, story, volatile};

#[tokio::test]
async fn many_appends_share_one_sync() {
    let (directory, disk) = (tempfile::tempdir().unwrap(), FakeDisk::new());
    let log = on(&disk, config(directory.path(), Durability::Commit));
    let (start, mut follower) = (log.head(), log.follow(log.head()));
    disk.happenings();
    disk.hold_syncs();
    let first = log.append(record("a/0", "x"));
    disk.wait_for_a_held_sync();
    let rest: Vec<_> = (1..=500).map(|n| log.append(record(&format!("a/{n}"), "x"))).collect();
    assert_eq!(log.head(), start);
    assert_eq!(log.newest(&Subject::new("a/0")).unwrap(), None);
    assert!(tokio::time::timeout(Duration::ZERO, follower.next(1)).await.is_err());
    disk.release_syncs();
    assert!(matches!(first.await, Outcome::Appended(_)));
    for append in rest {
        assert!(matches!(append.await, Outcome::Appended(_)));
    }
    let happenings = disk.happenings();
    assert_eq!(happenings.iter().filter(|happening| **happening == Happening::Synced).count(), 2);
    assert_eq!(happenings.iter().filter(|happening| matches!(happening, Happening::Wrote(_))).count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_leaves_before_its_sync() {
    let (directory, disk) = (tempfile::tempdir().unwrap(), FakeDisk::new());
    let small = EmbeddedConfig { segment_size: 5_000, ..config(directory.path(), Durability::Commit) };
    let log = Arc::new(on(&disk, small));
    disk.happenings();
    let writers: Vec<_> = (0..16)
        .map(|writer| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                for n in 0..50 {
                    put(&*log, record(&format!("a/{writer}"), &n.to_string())).await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let (mut unsynced, mut answers, mut syncs) = (0, 0, 0);
    for happening in disk.happenings() {
        match happening {
            Happening::Answered(outcome) => {
                assert!(matches!(outcome, Outcome::Appended(_)));
                assert_eq!(unsynced, 0, "answered while {unsynced} bytes were not synced");
                answers += 1;
            }
            Happening::Synced => (unsynced, syncs) = (0, syncs + 1),
            Happening::Wrote(bytes) => unsynced += bytes,
        }
    }
    assert_eq!(answers, 800);
    assert!(syncs < 800, "{syncs} syncs for 800 appends");
}

#[tokio::test]
async fn volatile_records_alone_touch_no_file() {
    let (directory, disk) = (tempfile::tempdir().unwrap(), FakeDisk::new());
    let log = on(&disk, config(directory.path(), Durability::Commit));
    disk.happenings();
    for n in 0..10 {
        put(&log, volatile(record("owed/1", &n.to_string()))).await;
    }
    assert!(disk.happenings().iter().all(|happening| matches!(happening, Happening::Answered(_))));
}

#[tokio::test]
async fn an_interval_syncs_after_it_answered() {
    let (directory, disk) = (tempfile::tempdir().unwrap(), FakeDisk::new());
    let log = on(&disk, config(directory.path(), Durability::Interval(Duration::from_millis(1))));
    disk.happenings();
    disk.hold_syncs();
    put(&log, record("a/1", "x")).await;
    disk.wait_for_a_held_sync();
    disk.release_syncs();
    log.close().await;
    let happenings = disk.happenings();
    assert!(matches!(happenings[..3], [Happening::Wrote(_), Happening::Answered(_), Happening::Synced]));
}

#[tokio::test]
async fn a_full_disk_refuses_and_reads_on_until_there_is_room() {
    for fault in [Fault::Full, Fault::Short(0), Fault::Short(1), Fault::Short(30), Fault::Short(59)] {
        let (directory, disk) = (tempfile::tempdir().unwrap(), FakeDisk::new());
        let log = on(&disk, config(directory.path(), Durability::Commit));
        put(&log, record("a/1", "before")).await;
        disk.break_down(fault);
        assert_eq!(log.append(record("a/2", "refused")).await, Outcome::Full);
        let Health::ReadOnly(reason) = log.health() else { panic!("well with {fault:?}") };
        assert!(reason.contains(".log"), "{reason}");
        assert_eq!(log.append(record("a/2", "refused")).await, Outcome::Full);
        assert_eq!(story(&log), ["a/1=before"]);
        disk.break_down(Fault::None);
        until_well(&log).await;
        put(&log, record("a/3", "after")).await;
        drop(log);
        let log = open(config(directory.path(), Durability::Commit)).unwrap();
        assert_eq!(log.recovery().cut, None);
        assert_eq!(story(&log), ["a/1=before", "a/3=after"]);
    }
}

#[tokio::test]
async fn a_full_disk_refuses_when_a_file_must_be_begun() {
    let (directory, disk) = (tempfile::tempdir().unwrap(), FakeDisk::new());
    let small = EmbeddedConfig { segment_size: 1, ..config(directory.path(), Durability::Commit) };
    let log = on(&disk, small.clone());
    put(&log, record("a/1", "before")).await;
    disk.break_down(Fault::Full);
    assert_eq!(log.append(record("a/2", "refused")).await, Outcome::Full);
    disk.break_down(Fault::None);
    until_well(&log).await;
    put(&log, record("a/3", "after")).await;
    drop(log);
    assert_eq!(story(&open(small).unwrap()), ["a/1=before", "a/3=after"]);
}

#[tokio::test]
async fn after_a_failed_sync_nothing_is_taken_until_the_next_start() {
    let (directory, disk) = (tempfile::tempdir().unwrap(), FakeDisk::new());
    let log = on(&disk, config(directory.path(), Durability::Commit));
    put(&log, record("a/1", "before")).await;
    disk.break_down(Fault::Sync);
    assert_eq!(log.append(record("a/2", "refused")).await, Outcome::Full);
    disk.break_down(Fault::None);
    assert_eq!(log.append(record("a/2", "refused")).await, Outcome::Full);
    assert!(matches!(log.health(), Health::ReadOnly(_)));
    assert_eq!(story(&log), ["a/1=before"]);
    log.close().await;
    drop(log);
    let log = open(config(directory.path(), Durability::Commit)).unwrap();
    assert_eq!(story(&log), ["a/1=before"]);
    put(&log, record("a/2", "taken")).await;
}

#[tokio::test]
async fn what_cannot_be_taken_back_is_unknown_and_cut_at_the_next_start() {
    let (directory, disk) = (tempfile::tempdir().unwrap(), FakeDisk::new());
    let log = on(&disk, config(directory.path(), Durability::Commit));
    put(&log, record("a/1", "before")).await;
    disk.break_down(Fault::ShortAndStuck(20));
    assert_eq!(log.append(record("a/2", "torn")).await, Outcome::Unknown);
    drop(log);
    let log = open(config(directory.path(), Durability::Commit)).unwrap();
    assert_eq!(log.recovery().cut.as_ref().unwrap().bytes, 20);
    assert_eq!(story(&log), ["a/1=before"]);
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let (directory, disk) = (tempfile::tempdir().unwrap(), FakeDisk::new());
    let log = on(&disk, EmbeddedConfig { queue: 3, ..config(directory.path(), Durability::Commit) });
    disk.hold_syncs();
    let first = log.append(record("a/1", "x"));
    disk.wait_for_a_held_sync();
    let waiting: Vec<_> = (0..3).map(|_| log.append(record("a/1", "x"))).collect();
    assert_eq!(log.append(record("a/1", "x")).await, Outcome::Full);
    disk.release_syncs();
    assert!(matches!(first.await, Outcome::Appended(_)));
    for append in waiting {
        assert!(matches!(append.await, Outcome::Appended(_)));
    }
}

#[test]
fn a_directory_is_for_one_log_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(config(directory.path(), Durability::Commit)).unwrap();
    let refused = open(config(directory.path(), Durability::Commit)).err().unwrap().to_string();
    assert_eq!(refused, format!("{} is in use by another server", shown(directory.path())));
    drop(log);
    assert!(open(config(directory.path(), Durability::Commit)).is_ok());
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn on(disk: &FakeDisk, config: EmbeddedConfig) -> EmbeddedLog {
    let surroundings = Surroundings { disk: Arc::new(disk.clone()), now: NOW, retry: Duration::from_millis(5) };
    EmbeddedLog::open_in(config, Arc::new(disk.clone()), surroundings).unwrap()
}

async fn until_well(log: &EmbeddedLog) {
    while log.health() != Health::Well {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
