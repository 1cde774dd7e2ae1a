//! A log on the disk that really ends, and is opened again from what that leaves there.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tempfile::TempDir;

use crate::broker::Rules;
use crate::broker::tests::kit::End;
use crate::log::{Appending, Durability, EmbeddedConfig, EmbeddedLog, Log, Outcome};

/// The directory of a log.
pub(super) struct DiskLog {
    directory: TempDir,
    config: EmbeddedConfig,
}

impl DiskLog {
    /// A new log with a ring of so many records.
    pub(super) fn new(rules: Arc<Rules>, ring_records: usize) -> (Self, Arc<EmbeddedLog>) {
        let directory = tempfile::tempdir().unwrap();
        // What is in the file survives a kill, and nothing here cuts the power.
        let durability = Durability::Interval(Duration::from_secs(3600));
        let config = EmbeddedConfig { durability, ring_records, retention: rules, ..EmbeddedConfig::default() };
        let disk = Self { directory, config };
        let log = disk.open();
        (disk, log)
    }

    /// The log ends, and is opened again.
    pub(super) fn restart(&mut self, log: &EmbeddedLog, end: End) -> Arc<EmbeddedLog> {
        match end {
            // Somebody may hold the old one still, so the new one is of a copy.
            End::Killed => self.directory = copied(self.directory.path()),
            End::Stopped => tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(log.close()),
        }
        self.open()
    }

    /// Puts something in the way of the file of what is in memory only.
    pub(super) fn obstruct(&self) {
        std::fs::create_dir_all(self.directory.path().join("volatile.tail").join("x")).unwrap();
    }

    fn open(&self) -> Arc<EmbeddedLog> {
        let config = EmbeddedConfig { directory: self.directory.path().to_owned(), ..self.config.clone() };
        Arc::new(EmbeddedLog::open(config, Arc::new(())).unwrap())
    }
}

/// What became of an append. In memory it is known at once.
pub(super) fn settled(mut appending: Appending) -> Outcome {
    if let Some(outcome) = (&mut appending).now_or_never() {
        return outcome;
    }
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(appending)
}

fn copied(directory: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in directory.read_dir().unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    copy
}
