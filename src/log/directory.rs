//! The lock on a log's directory: two servers must never share one.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::log::config::OpenError;
use crate::log::recovery::io;

/// Holds a directory until it is dropped, or the process ends in whatever way.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Makes the directory if need be, and takes it.
    pub(crate) fn take(directory: &Path) -> Result<Self, OpenError> {
        std::fs::create_dir_all(directory).map_err(|source| io(directory, source))?;
        // The directory may be new, and must not be gone after a power cut.
        let parent =
            directory.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        File::open(parent).and_then(|parent| parent.sync_all()).map_err(|source| io(parent, source))?;
        let path = directory.join("LOCK");
        let file = File::options().write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(|source| io(&path, source))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::Locked { directory: directory.to_owned() }),
            Err(TryLockError::Error(source)) => Err(io(&path, source)),
        }
    }
}
