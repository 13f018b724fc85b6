//! RocksDB's errors in the seam's words.

use minuet_core::store::StoreError;
use rocksdb::{Error, ErrorKind};
use std::path::Path;

/// Knows which database the errors are about.
pub(super) struct Errors {
    path: String,
}

impl Errors {
    pub fn new(path: &Path) -> Self {
        Self { path: path.display().to_string() }
    }

    pub fn io(&self, operation: &'static str, reason: String) -> StoreError {
        StoreError::Io { path: self.path.clone(), operation, reason }
    }

    pub fn corrupt(&self, what: &str, reason: String) -> StoreError {
        StoreError::Corrupt { what: format!("{what} in {}", self.path), reason }
    }

    pub fn mismatch(&self, reason: String) -> StoreError {
        StoreError::Mismatch { path: self.path.clone(), reason }
    }

    pub fn on(&self, operation: &'static str, error: &Error) -> StoreError {
        match error.kind() {
            ErrorKind::Corruption => self.corrupt("files", format!("{operation}: {error}")),
            _ => self.io(operation, error.to_string()),
        }
    }

    /// Opening fails in ways of its own: the lock, files that are gone, columns of another version. RocksDB tells them
    /// apart by their text only.
    pub fn on_open(&self, error: &Error) -> StoreError {
        let text = error.as_ref();
        if text.contains("While lock file") || text.contains("lock hold by current process") {
            let reason = "another node is running on this directory and holds its lock; stop it, or give this one a data \
                          directory of its own";
            return self.io("open", format!("{reason} ({text})"));
        }
        if error.kind() == ErrorKind::IOError && text.contains("No such file or directory") {
            return self.corrupt("files", format!("one is missing: {text}"));
        }
        if error.kind() == ErrorKind::InvalidArgument && text.contains("olumn famil") {
            return self.mismatch(format!("its columns are those of another version: {text}"));
        }
        self.on("open", error)
    }
}
