//! A disk that fails on demand, holds back its syncs, and remembers what was asked of it in which order.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::log::config::LogObserver;
use crate::log::disk::{Disk, DiskFile, SystemDisk};
use crate::log::epoch::LOG_KIND;
use crate::log::face::{Kind, Outcome};

/// What happened, in order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Happening {
    /// An append was answered so.
    Answered(Outcome),
    Synced,
    Wrote(usize),
}

/// What goes wrong from now on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    /// Nothing more can be made: no file, no byte.
    Full,
    None,
    /// A write stores this many bytes, then fails; and so does cutting them off again.
    ShortAndStuck(usize),
    /// A write stores this many bytes, then fails.
    Short(usize),
    Sync,
}

/// A disk over the real one.
#[derive(Clone)]
pub(crate) struct FakeDisk(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    fault: Fault,
    happenings: Vec<Happening>,
    gate: Gate,
    /// How long the file that was synced last was then.
    synced: u64,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Gate {
    Open,
    /// Syncs wait; this many do.
    Shut(usize),
}

impl FakeDisk {
    pub(crate) fn new() -> Self {
        let state = State { fault: Fault::None, happenings: Vec::new(), gate: Gate::Open, synced: 0 };
        Self(Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() }))
    }

    pub(crate) fn break_down(&self, fault: Fault) {
        self.0.state.lock().fault = fault;
    }

    /// What happened since this was last asked.
    pub(crate) fn happenings(&self) -> Vec<Happening> {
        std::mem::take(&mut self.0.state.lock().happenings)
    }

    /// How long the file that was synced last was then: what a power cut leaves of it.
    pub(crate) fn synced_length(&self) -> u64 {
        self.0.state.lock().synced
    }

    /// Has syncs wait from now on.
    pub(crate) fn hold_syncs(&self) {
        self.0.state.lock().gate = Gate::Shut(0);
    }

    /// Waits until a sync waits.
    pub(crate) fn wait_for_a_held_sync(&self) {
        let mut state = self.0.state.lock();
        while state.gate == Gate::Shut(0) {
            self.0.changed.wait(&mut state);
        }
    }

    pub(crate) fn release_syncs(&self) {
        self.0.state.lock().gate = Gate::Open;
        self.0.changed.notify_all();
    }
}

impl Shared {
    fn fault(&self) -> Fault {
        self.state.lock().fault
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        if let Gate::Shut(waiting) = &mut state.gate {
            *waiting += 1;
            self.changed.notify_all();
        }
        while state.gate != Gate::Open {
            self.changed.wait(&mut state);
        }
        if state.fault == Fault::Sync {
            return Err(io::Error::other("the disk lost its cache"));
        }
        state.happenings.push(Happening::Synced);
        Ok(())
    }
}

impl LogObserver for FakeDisk {
    fn appended(&self, kind: Kind, outcome: Outcome, _took: Duration) {
        if kind != LOG_KIND {
            self.0.state.lock().happenings.push(Happening::Answered(outcome));
        }
    }
}

impl Disk for FakeDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        if self.0.fault() == Fault::Full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(Box::new(FakeFile { file: SystemDisk.create(path)?, shared: Arc::clone(&self.0) }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(FakeFile { file: SystemDisk.open(path)?, shared: Arc::clone(&self.0) }))
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        SystemDisk.list(directory)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        SystemDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        SystemDisk.remove(path)
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        SystemDisk.sync_directory(directory)
    }
}

struct FakeFile {
    file: Box<dyn DiskFile>,
    shared: Arc<Shared>,
}

impl DiskFile for FakeFile {
    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_at(into, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let stored = match self.shared.fault() {
            Fault::Full => 0,
            Fault::None | Fault::Sync => bytes.len(),
            Fault::Short(length) | Fault::ShortAndStuck(length) => length.min(bytes.len()),
        };
        self.file.write_at(&bytes[..stored], offset)?;
        self.shared.state.lock().happenings.push(Happening::Wrote(stored));
        if stored < bytes.len() || self.shared.fault() == Fault::Full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        match self.shared.fault() {
            Fault::ShortAndStuck(_) => Err(io::Error::other("the disk does not answer")),
            Fault::Full | Fault::None | Fault::Short(_) | Fault::Sync => self.file.truncate(length),
        }
    }

    fn sync(&self) -> io::Result<()> {
        self.shared.sync()?;
        self.file.sync()?;
        self.shared.state.lock().synced = self.file.length()?;
        Ok(())
    }
}
