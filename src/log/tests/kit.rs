//! What the log's tests have in common.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::ids::{Position, RecordId, WallTime};
use crate::log::config::{Durability, EmbeddedConfig, OpenError};
use crate::log::disk::{Disk, SystemDisk};
use crate::log::embedded::{EmbeddedLog, Surroundings};
use crate::log::epoch::LOG_KIND;
use crate::log::face::{Among, Expected, Kind, Log, NewRecord, Outcome, Past, Record, Stretch, Subject};
use crate::log::history::{Retain, Retained, Retention};

/// A time in 2026.
pub(crate) const NOW: WallTime = WallTime::from_millis(1_790_000_000_123);

/// A record of a subject, whatever is there.
pub(crate) fn record(subject: &str, payload: &str) -> NewRecord {
    NewRecord {
        id: RecordId::draw(),
        subject: Subject::new(subject),
        expected: Expected::Any,
        kind: Kind(7),
        version: 3,
        time: NOW,
        volatile: false,
        ends: false,
        payload: Bytes::copy_from_slice(payload.as_bytes()),
    }
}

pub(crate) fn expecting(expected: Expected, record: NewRecord) -> NewRecord {
    NewRecord { expected, ..record }
}

pub(crate) fn ending(record: NewRecord) -> NewRecord {
    NewRecord { ends: true, ..record }
}

pub(crate) fn volatile(record: NewRecord) -> NewRecord {
    NewRecord { volatile: true, ..record }
}

/// Appends, and gives the position.
pub(crate) async fn put(log: &dyn Log, record: NewRecord) -> Position {
    match log.append(record).await {
        Outcome::Appended(position) => position,
        outcome @ (Outcome::Conflict | Outcome::Full | Outcome::Unknown) => panic!("not appended: {outcome:?}"),
    }
}

/// All that can be read, without the log's own records, as `subject=payload`.
pub(crate) fn story(log: &dyn Log) -> Vec<String> {
    read_all(log).iter().filter(|record| record.kind != LOG_KIND).map(|record| told(record)).collect()
}

/// All that can be read, in pages of three.
pub(crate) fn read_all(log: &dyn Log) -> Vec<Arc<Record>> {
    let mut all: Vec<Arc<Record>> = Vec::new();
    loop {
        let after = all.last().map_or(Position::ZERO, |record| record.position);
        let page = log.read(after, 3).unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

/// `subject=payload`.
pub(crate) fn told(record: &Record) -> String {
    format!("{}={}", record.subject, String::from_utf8_lossy(&record.payload))
}

/// Of the subjects that begin with `kept/`, the newest [`KEPT`] records are kept.
#[derive(Debug)]
pub(crate) struct Keeps;

pub(crate) const KEPT: usize = 40;

impl Retention for Keeps {
    fn of(&self, subject: &Subject) -> Retained {
        let kept = Retained::History(Retain { age: Duration::MAX, records: KEPT });
        if subject.as_str().starts_with("kept/") { kept } else { Retained::Newest }
    }
}

/// A page of the history of subjects that begin with a prefix.
pub(crate) fn page(log: &dyn Log, prefix: &str, after: Position, records: usize) -> Stretch {
    let through = Position::new(u64::MAX);
    log.history(&Past {
        among: &[Among::Below(prefix.into())],
        wanted: &|_| true,
        told: &|_| Position::ZERO,
        after,
        through,
        records,
        bytes: usize::MAX,
    })
    .unwrap()
}

/// Nothing grows old: the records bear [`NOW`], whatever the clock says.
pub(crate) fn config(directory: &Path, durability: Durability) -> EmbeddedConfig {
    let retain_age = Duration::from_secs(u64::from(u32::MAX));
    let retention = Arc::new(Keeps);
    EmbeddedConfig { directory: directory.to_owned(), durability, retain_age, retention, ..EmbeddedConfig::default() }
}

/// Opens a log at [`NOW`].
pub(crate) fn open(config: EmbeddedConfig) -> Result<EmbeddedLog, OpenError> {
    open_at(config, NOW)
}

pub(crate) fn open_at(config: EmbeddedConfig, now: WallTime) -> Result<EmbeddedLog, OpenError> {
    open_on(config, now, Arc::new(SystemDisk))
}

pub(crate) fn open_on(config: EmbeddedConfig, now: WallTime, disk: Arc<dyn Disk>) -> Result<EmbeddedLog, OpenError> {
    EmbeddedLog::open_in(config, Arc::new(()), Surroundings { disk, now, retry: Duration::from_millis(5) })
}

/// The log's files in a directory, sorted.
pub(crate) fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let all = SystemDisk.list(directory).unwrap();
    all.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "log")).collect()
}
