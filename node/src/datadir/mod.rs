//! The data directory: who may use it, and which chain it belongs to.
//!
//! Owns: the lock file and the chain marker. Never does: look at database or journal files.
//!
//! Invariants: one process at a time; a directory never changes its chain.

use crate::exit::{Exit, Failure};
use crate::versions::foreign_version;
use minuet_core::B256;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

/// The lock's file name inside the data directory.
pub const LOCK_FILE: &str = "LOCK";
/// The marker's file name inside the data directory.
pub const MARKER_FILE: &str = "CHAIN";
const MARKER_VERSION: u8 = 1;

/// Which chain a directory belongs to.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Marker {
    version: u8,
    chain_id: u64,
    genesis_fingerprint: B256,
}

/// A data directory held by this process. The lock ends with the value or with the process, however it ends.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Creates the directory if absent, locks it and checks that it belongs to this chain (or marks an empty one).
    ///
    /// # Errors
    /// [`Exit::DataDirectory`]: in use (naming the holder), another chain's, not ours, or not writable.
    pub fn open(path: &Path, chain_id: u64, fingerprint: B256) -> Result<Self, Failure> {
        fs::create_dir_all(path).map_err(|error| refused(path, format!("cannot be created: {error}")))?;
        let lock = take_lock(path)?;
        let expected = Marker { version: MARKER_VERSION, chain_id, genesis_fingerprint: fingerprint };
        match read_marker(path)? {
            Some(found) if found == expected => {}
            Some(found) => return Err(other_chain(path, &found, &expected)),
            None if holds_only_lock(path)? => write_marker(path, &expected)?,
            None => {
                let reason =
                    format!("holds files but no {MARKER_FILE} file: it is no Minuet data directory; name an empty one");
                return Err(refused(path, reason));
            }
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// What [`DataDir::open`] would say about a directory, without creating, locking or marking anything.
    ///
    /// # Errors
    /// [`Exit::DataDirectory`] as above, except that a running holder is not an error.
    pub fn check(path: &Path, chain_id: u64, fingerprint: B256) -> Result<&'static str, Failure> {
        if !path.exists() {
            return Ok("absent, will be created");
        }
        let expected = Marker { version: MARKER_VERSION, chain_id, genesis_fingerprint: fingerprint };
        match read_marker(path)? {
            Some(found) if found == expected => Ok("of this chain"),
            Some(found) => Err(other_chain(path, &found, &expected)),
            None if holds_only_lock(path)? => Ok("empty, will be filled"),
            None => {
                Err(refused(path, format!("holds files but no {MARKER_FILE} file: it is no Minuet data directory")))
            }
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn refused(path: &Path, reason: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::DataDirectory, format!("data directory {}: {reason}", path.display()))
}

fn other_chain(path: &Path, found: &Marker, expected: &Marker) -> Failure {
    let reason = format!(
        "belongs to another chain (id {}, genesis {}), this genesis is id {}, {}: use another data_dir, or the genesis it was made with",
        found.chain_id, found.genesis_fingerprint, expected.chain_id, expected.genesis_fingerprint
    );
    refused(path, reason)
}

/// Takes the lock of a directory; it ends with the file, or with the process.
///
/// # Errors
/// [`Exit::DataDirectory`]: held by another process, which is named, or not writable.
pub fn take_lock(path: &Path) -> Result<File, Failure> {
    let file = path.join(LOCK_FILE);
    let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&file);
    let mut lock = options.map_err(|error| refused(path, format!("cannot open {LOCK_FILE}: {error}")))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let holder = read_short(&mut lock).filter(|text| !text.is_empty()).unwrap_or_else(|| "unknown".to_owned());
            let reason = format!("in use by process {holder}: stop that one first, or name another directory");
            return Err(refused(path, reason));
        }
        Err(TryLockError::Error(error)) => return Err(refused(path, format!("cannot be locked: {error}"))),
    }
    // A line, so that 'kill $(cat validator-*/data/LOCK)' names each of them.
    lock.set_len(0)
        .and_then(|()| lock.write_all(format!("{}\n", std::process::id()).as_bytes()))
        .map_err(|error| refused(path, format!("cannot write {LOCK_FILE}: {error}")))?;
    Ok(lock)
}

/// At most a pid's worth of text.
fn read_short(file: &mut File) -> Option<String> {
    let mut text = String::new();
    file.take(20).read_to_string(&mut text).ok()?;
    Some(text.trim().to_owned())
}

fn read_marker(path: &Path) -> Result<Option<Marker>, Failure> {
    let file = path.join(MARKER_FILE);
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused(path, format!("cannot read {MARKER_FILE}: {error}"))),
    };
    if let Some(found) = foreign_version(&text, MARKER_VERSION) {
        let reason = format!(
            "its {MARKER_FILE} file has format version {found}, this program reads {MARKER_VERSION}: use the program that \
             wrote it"
        );
        return Err(refused(path, reason));
    }
    let marker = toml::from_str(&text)
        .map_err(|error| refused(path, format!("damaged {MARKER_FILE} file: {}", error.message())))?;
    Ok(Some(marker))
}

fn holds_only_lock(path: &Path) -> Result<bool, Failure> {
    let entries = fs::read_dir(path).map_err(|error| refused(path, format!("cannot be listed: {error}")))?;
    for entry in entries {
        let entry = entry.map_err(|error| refused(path, format!("cannot be listed: {error}")))?;
        if entry.file_name() != LOCK_FILE && entry.file_name() != *temporary_marker() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn temporary_marker() -> String {
    format!("{MARKER_FILE}.tmp")
}

/// Written beside and renamed, so that a crash leaves either no marker or a whole one.
fn write_marker(path: &Path, marker: &Marker) -> Result<(), Failure> {
    let text = toml::to_string(marker).map_err(|error| refused(path, error))?;
    let temporary = path.join(temporary_marker());
    let write = || {
        let mut file = File::create(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, path.join(MARKER_FILE))?;
        File::open(path)?.sync_all()
    };
    write().map_err(|error| refused(path, format!("cannot write {MARKER_FILE}: {error}")))
}

#[cfg(test)]
mod tests;
