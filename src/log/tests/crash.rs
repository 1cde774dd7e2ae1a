//! Crashes: torn ends, damage, and positions that never come again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use crate::ids::{Position, WallTime};
use crate::log::config::{Durability, EmbeddedConfig, Left, OpenError};
use crate::log::disk::{Disk, SystemDisk};
use crate::log::embedded::EmbeddedLog;
use crate::log::face::{Log, Outcome};
use crate::log::segment;
use crate::log::tests::fake::FakeDisk;
use crate::log::tests::kit::{NOW, config, files, open, open_at, open_on, put, record, story, volatile};

#[tokio::test]
async fn an_end_torn_at_any_byte_is_cut_and_all_that_is_whole_is_kept() {
    let (bytes, ends, stories) = written().await;
    let (mut cuts, mut cleans) = (0, 0);
    for length in ends[2]..bytes.len() {
        let (directory, path) = planted(&bytes[..length]);
        let log = open(config(directory.path(), Durability::Commit)).unwrap();
        let whole = ends.iter().rposition(|end| *end <= length).unwrap();
        let torn = length - ends[whole];
        match &log.recovery().cut {
            Some(cut) => {
                assert_eq!((&cut.file, cut.offset, cut.bytes), (&path, ends[whole] as u64, torn as u64));
                cuts += 1;
            }
            None => cleans += usize::from(torn == 0),
        }
        assert_eq!(log.recovery().cut.is_some(), torn > 0, "cut to {length}");
        assert_eq!(log.recovery().left, Left::Open);
        assert_eq!(story(&log), stories[..whole], "cut to {length}");
        put(&log, record("a/9", "new")).await;
        drop(log);
        let again = open(config(directory.path(), Durability::Commit)).unwrap();
        assert_eq!(again.recovery().cut, None);
        assert_eq!(story(&again).last().unwrap(), "a/9=new");
    }
    assert!(cuts > 100 && cleans >= 3, "{cuts} cut, {cleans} clean");
}

#[tokio::test]
async fn a_changed_byte_is_refused_or_cut_and_never_passed_over() {
    let (bytes, ends, stories) = written().await;
    let (mut refused, mut cut) = (0, 0);
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        let (directory, path) = planted(&changed);
        match open(config(directory.path(), Durability::Commit)) {
            Ok(log) => {
                let whole = ends.iter().rposition(|end| *end <= at).unwrap();
                assert_eq!(log.recovery().cut.as_ref().map(|cut| cut.offset), Some(ends[whole] as u64), "byte {at}");
                assert_eq!(story(&log), stories[..whole]);
                cut += 1;
            }
            Err(OpenError::Corrupt { file, offset, reason }) => {
                assert_eq!(file, path);
                assert!(offset as usize <= at, "byte {at}: {reason}");
                assert_eq!(std::fs::read(&path).unwrap(), changed, "a refused file must stay as it is");
                refused += 1;
            }
            // The version in the header.
            Err(OpenError::Newer { .. }) => assert!((8..10).contains(&at)),
            Err(other) => panic!("byte {at}: {other}"),
        }
    }
    let last = bytes.len() - ends[ends.len() - 2];
    assert_eq!(cut, last, "only the last record may be cut: each before it was synced before the next");
    assert!(refused > 300);
}

#[tokio::test]
async fn damage_in_an_older_file_names_file_and_offset() {
    let directory = tempfile::tempdir().unwrap();
    let small = EmbeddedConfig { segment_size: 1, ..config(directory.path(), Durability::Commit) };
    let log = open(small.clone()).unwrap();
    for n in 0..3 {
        put(&log, record("a/1", &n.to_string())).await;
    }
    log.close().await;
    drop(log);
    let older = files(directory.path()).remove(1);
    let mut bytes = std::fs::read(&older).unwrap();
    bytes.pop();
    std::fs::write(&older, bytes).unwrap();
    let refused = open(small).err().unwrap().to_string();
    assert_eq!(refused, format!("{}, offset 28: the record is cut short", older.display()));
}

#[tokio::test]
async fn no_position_is_given_twice_whatever_a_crash_loses() {
    for durability in [Durability::Commit, Durability::Interval(Duration::from_secs(3600))] {
        let directory = tempfile::tempdir().unwrap();
        let mut given = BTreeSet::new();
        let mut newest = Position::ZERO;
        // The clock stands still, and then goes back.
        for now in [NOW, NOW, NOW, WallTime::from_millis(1)] {
            let disk = FakeDisk::new();
            let log = open_on(config(directory.path(), durability), now, Arc::new(disk.clone())).unwrap();
            for n in 0..150 {
                let new = record("a/1", &n.to_string());
                let position = put(&log, if n % 20 == 0 { new } else { volatile(new) }).await;
                assert!(position > newest, "{position} after {newest}");
                assert!(given.insert(position));
                newest = position;
            }
            drop(log);
            // A power cut takes what was not synced.
            let path = files(directory.path()).pop().unwrap();
            SystemDisk.open(&path).unwrap().truncate(disk.synced_length()).unwrap();
        }
        assert_eq!(given.len(), 600);
    }
}

#[tokio::test]
async fn a_log_that_was_closed_goes_on_with_the_next_position() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(config(directory.path(), Durability::Commit)).unwrap();
    let (epoch, first) = (log.epoch(), put(&log, record("a/1", "x")).await);
    let second = put(&log, volatile(record("a/1", "y"))).await;
    assert_eq!(second, first.next());
    log.close().await;
    drop(log);
    let later = WallTime::from_millis(NOW.millis() + 3_600_000);
    let log = open_at(config(directory.path(), Durability::Commit), later).unwrap();
    assert_eq!((log.recovery().left, log.epoch()), (Left::Closed, epoch));
    // The records of closing and opening stand between.
    assert_eq!(put(&log, record("a/1", "z")).await.get(), second.get() + 3);
    drop(log);
    let log = open_at(config(directory.path(), Durability::Commit), later).unwrap();
    assert_eq!((log.recovery().left, log.epoch()), (Left::Open, epoch));
}

#[tokio::test]
async fn a_start_reads_the_tail_back_into_the_ring() {
    let directory = tempfile::tempdir().unwrap();
    let small = EmbeddedConfig { ring_records: 10, segment_size: 500, ..config(directory.path(), Durability::Commit) };
    let log = open(small.clone()).unwrap();
    assert_eq!(log.floor(), Position::ZERO);
    let mut last = Position::ZERO;
    for n in 0..30 {
        last = put(&log, record(&format!("a/{n}"), "x")).await;
    }
    drop(log);
    let log = open(small).unwrap();
    assert_eq!(log.recovery().last, last);
    // Nine of the thirty, and the record of the start.
    assert_eq!(log.floor().get(), last.get() - 9);
    assert_eq!(log.follow(log.floor()).next(100).await.unwrap().len(), 10);
    assert_eq!(log.recall(last).unwrap().subject.as_str(), "a/29");
}

#[tokio::test]
async fn what_a_crash_left_half_made_is_swept_away() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(config(directory.path(), Durability::Commit)).unwrap();
    put(&log, record("a/1", "x")).await;
    drop(log);
    let draft = directory.path().join("00000000000000000009.draft");
    let foreign = directory.path().join("notes.log");
    std::fs::write(&draft, b"party").unwrap();
    std::fs::write(&foreign, b"mine").unwrap();
    let log = open(config(directory.path(), Durability::Commit)).unwrap();
    assert_eq!(story(&log), ["a/1=x"]);
    assert!(!draft.exists() && foreign.exists());
}

#[tokio::test]
async fn a_file_begun_in_vain_does_not_hide_a_torn_end_before_it() {
    let (bytes, _, stories) = written().await;
    for begun in 0..=segment::HEADER_LENGTH {
        // The older file is torn as well: the newer was begun in vain, and writing went on in the older.
        let (directory, _) = planted(&bytes[..bytes.len() - 1]);
        std::fs::write(segment::path(directory.path(), Position::new(6)), &bytes[..begun]).unwrap();
        let log = open(config(directory.path(), Durability::Commit)).unwrap();
        assert!(log.recovery().cut.is_some());
        assert_eq!(story(&log), stories[..4]);
        put(&log, record("a/9", "new")).await;
        drop(log);
        assert_eq!(story(&open(config(directory.path(), Durability::Commit)).unwrap()).len(), 5);
    }
}

#[test]
fn a_directory_whose_only_file_has_no_header_is_a_new_log() {
    let (directory, path) = planted(b"partylo");
    let log = open(config(directory.path(), Durability::Commit)).unwrap();
    assert_eq!((log.recovery().left, log.floor()), (Left::Nowhere, Position::ZERO));
    assert_eq!(log.recovery().cut.as_ref().map(|cut| (&cut.file, cut.offset, cut.bytes)), Some((&path, 0, 7)));
}

/// A file of five records, each synced before the next: its bytes, where the header and each frame end (the
/// first is the log's own), and what the records say.
async fn written() -> (Vec<u8>, Vec<usize>, Vec<String>) {
    let directory = tempfile::tempdir().unwrap();
    let log: EmbeddedLog = open(config(directory.path(), Durability::Commit)).unwrap();
    let path = files(directory.path()).pop().unwrap();
    let length = || std::fs::metadata(&path).unwrap().len() as usize;
    let mut ends = vec![length()];
    for n in 0..5 {
        assert!(matches!(log.append(record(&format!("a/{n}"), "payload")).await, Outcome::Appended(_)));
        ends.push(length());
    }
    let stories = story(&log);
    drop(log);
    (std::fs::read(path).unwrap(), ends, stories)
}

/// A directory with one file of these bytes.
fn planted(bytes: &[u8]) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = segment::path(Path::new(directory.path()), Position::new(5));
    std::fs::write(&path, bytes).unwrap();
    (directory, path)
}
