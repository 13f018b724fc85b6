//! The pool log: what clients were told is accepted, in a file that outlives the process.
//!
//! Owns: one file, its format, its bound. Never does: judge a transaction (what is read back goes through admission like
//! anything else), sync an append (only what is final is for ever), go on after an error.
//!
//! Invariants:
//! - A transaction's record is written before its submission is answered; all of a turn's with one write.
//! - The file never grows beyond its limit: what waits may fill half of it, and once it holds more than twice that (and
//!   a few mebibytes), it is written anew with what waits, synced, and renamed over the old one.
//! - A torn end is cut. Damage before the end costs the damaged records only: the file is set aside under another name
//!   and a new one made of the rest. Only a log of another version or chain keeps a node from starting.
//!
//! Files: `pool.log`; `pool.log.new` while one is made; `pool.log.damaged`, the newest that was set aside.

mod error;
mod format;
#[cfg(test)]
mod tests;

pub use error::PoolLogError;

use error::failed;
use format::{HEADER_BYTES, LogHeader, RECORD_OVERHEAD, Scan};
use minuet_core::file::{Directory, File};
use minuet_core::transaction::Transaction;
use minuet_core::{B256, Bytes, keccak256};
use std::fmt;
use std::sync::Arc;

const FILE: &str = "pool.log";
const NEW_FILE: &str = "pool.log.new";
const DAMAGED_FILE: &str = "pool.log.damaged";

/// Below this a log is not written anew for being mostly out of date.
const MIN_REWRITE_BYTES: u64 = 4 << 20;
/// A longer file is none of ours: it is set aside unread.
const MAX_FILE_BYTES: u64 = 8 << 30;
/// Read at once.
const CHUNK: usize = 1 << 20;

/// The bytes of a log that holds so many envelopes of so many bytes together.
#[must_use]
pub const fn log_bytes(count: usize, envelope_bytes: usize) -> u64 {
    (HEADER_BYTES + envelope_bytes + count * RECORD_OVERHEAD) as u64
}

/// A log as it was opened, and the envelopes that it held.
pub type OpenedLog<D> = (PoolLog<D>, Vec<Bytes>);

/// An open pool log. See the module's invariants.
pub struct PoolLog<D: Directory> {
    directory: D,
    genesis: B256,
    max_bytes: u64,
    file: D::File,
    /// Where the next record goes.
    end: u64,
    /// Records for the next write, encoded for their places from `end` on.
    staged: Vec<u8>,
}

impl<D: Directory> PoolLog<D> {
    /// Opens the log of a directory, or makes one, and gives the envelopes of all its whole records in order.
    ///
    /// # Errors
    /// [`PoolLogError::WrongVersion`] and [`PoolLogError::WrongChain`], nothing having been changed then; or the disk's.
    pub fn open(directory: D, genesis: B256, max_bytes: u64) -> Result<OpenedLog<D>, PoolLogError> {
        let names = directory.list().map_err(failed(&directory, "", "list"))?;
        let has = |name: &str| names.iter().any(|found| found == name);
        if !has(FILE) && has(NEW_FILE) && holds_records(&directory)? {
            // A damaged one had been set aside, and its successor was about to get its name.
            directory.rename(NEW_FILE, FILE).map_err(failed(&directory, NEW_FILE, "rename"))?;
        } else if !has(FILE) {
            let (file, end) = write_new(&directory, genesis, &[])?;
            return Ok((Self { directory, genesis, max_bytes, file, end, staged: Vec::new() }, Vec::new()));
        }
        let mut file = directory.open(FILE).map_err(failed(&directory, FILE, "open"))?;
        let length = file.len().map_err(failed(&directory, FILE, "measure"))?;
        let bytes = if length > MAX_FILE_BYTES { Vec::new() } else { read(&directory, &file, length)? };
        let scan = match LogHeader::decode(&bytes) {
            Some(header) => {
                check_header(&directory, header, genesis)?;
                format::scan(&bytes)
            }
            None => Scan { damaged_at: Some(0), ..Scan::default() },
        };
        let end = match scan.damaged_at {
            Some(place) => {
                let kept;
                (file, kept) = set_aside(&directory, genesis, place, &scan.envelopes)?;
                kept
            }
            None => {
                if scan.end < length {
                    file.preallocate(scan.end).map_err(failed(&directory, FILE, "cut"))?;
                }
                scan.end
            }
        };
        Ok((Self { directory, genesis, max_bytes, file, end, staged: Vec::new() }, scan.envelopes))
    }

    /// Bytes of the file.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.end
    }

    /// Whether one more envelope of this length may wait when what waits already would fill a log of `live_bytes`.
    #[must_use]
    pub const fn has_room(&self, live_bytes: u64, envelope_length: usize) -> bool {
        live_bytes + (envelope_length + RECORD_OVERHEAD) as u64 <= self.max_bytes / 2
    }

    /// Takes a transaction for the next [`PoolLog::commit`].
    pub fn stage(&mut self, transaction: &Transaction) {
        let place = self.end + self.staged.len() as u64;
        format::encode_record(&mut self.staged, place, transaction.envelope(), &transaction.hash());
    }

    /// Writes what was staged: behind the rest, or, if the file would hold too much that is out of date, anew with all
    /// that waits (what was staged is among it): `live`, which fills a log of `live_bytes`.
    ///
    /// # Errors
    /// [`PoolLogError::Io`]: what the file holds is not known then, and the node must stop (D-FAIL-STOP).
    pub fn commit<'a>(
        &mut self,
        live: impl Iterator<Item = &'a Arc<Transaction>>,
        live_bytes: u64,
    ) -> Result<(), PoolLogError> {
        if self.staged.is_empty() {
            return Ok(());
        }
        let end = self.end + self.staged.len() as u64;
        if end > self.rewrite_above(live_bytes) {
            self.rewrite(live)?;
        } else {
            let written = self.file.write_all_at(&self.staged, self.end);
            written.map_err(failed(&self.directory, FILE, "write"))?;
            self.end = end;
        }
        self.staged.clear();
        self.staged.shrink_to(1 << 20);
        Ok(())
    }

    /// Never above the limit, since what waits may fill half of it at most.
    fn rewrite_above(&self, live_bytes: u64) -> u64 {
        MIN_REWRITE_BYTES.min(self.max_bytes / 2).max(live_bytes.saturating_mul(2))
    }

    fn rewrite<'a>(&mut self, live: impl Iterator<Item = &'a Arc<Transaction>>) -> Result<(), PoolLogError> {
        let records: Vec<_> = live.map(|transaction| (transaction.envelope().clone(), transaction.hash())).collect();
        let before = self.end;
        (self.file, self.end) = write_new(&self.directory, self.genesis, &records)?;
        tracing::debug!(before, after = self.end, "the pool log was written anew with what waits");
        Ok(())
    }
}

impl<D: Directory> fmt::Debug for PoolLog<D> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shape = out.debug_struct("PoolLog");
        shape.field("directory", &self.directory.describe()).field("bytes", &self.end).finish_non_exhaustive()
    }
}

/// Whether the log being made was more than the empty one of a first start.
fn holds_records<D: Directory>(directory: &D) -> Result<bool, PoolLogError> {
    let file = directory.open(NEW_FILE).map_err(failed(directory, NEW_FILE, "open"))?;
    Ok(file.len().map_err(failed(directory, NEW_FILE, "measure"))? > HEADER_BYTES as u64)
}

fn read<D: Directory>(directory: &D, file: &D::File, length: u64) -> Result<Vec<u8>, PoolLogError> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    while bytes.len() < length {
        let start = bytes.len();
        bytes.resize(length.min(start + CHUNK), 0);
        file.read_exact_at(&mut bytes[start..], start as u64).map_err(failed(directory, FILE, "read"))?;
    }
    Ok(bytes)
}

fn check_header<D: Directory>(directory: &D, header: LogHeader, genesis: B256) -> Result<(), PoolLogError> {
    let file = error::locate(directory, FILE);
    if header.version != format::VERSION {
        return Err(PoolLogError::WrongVersion { file, found: header.version, expected: format::VERSION });
    }
    if header.genesis != genesis {
        return Err(PoolLogError::WrongChain { file, found: header.genesis, expected: genesis });
    }
    Ok(())
}

/// Puts the damaged log aside and a new one with what could be read in its place.
fn set_aside<D: Directory>(
    directory: &D,
    genesis: B256,
    place: u64,
    envelopes: &[Bytes],
) -> Result<(D::File, u64), PoolLogError> {
    tracing::warn!(
        file = %error::locate(directory, FILE), set_aside = %error::locate(directory, DAMAGED_FILE),
        kept = envelopes.len(),
        "the pool log is damaged at byte {place}: {} transactions could be read and are kept; others that were accepted \
         and not final are to be sent again. The damaged file is set aside; check the disk", envelopes.len()
    );
    let records: Vec<_> = envelopes.iter().map(|envelope| (envelope.clone(), keccak256(envelope))).collect();
    let (file, end) = make(directory, genesis, &records)?;
    directory.rename(FILE, DAMAGED_FILE).map_err(failed(directory, FILE, "rename"))?;
    directory.rename(NEW_FILE, FILE).map_err(failed(directory, NEW_FILE, "rename"))?;
    Ok((file, end))
}

/// A new log in the place of the one that may be there.
fn write_new<D: Directory>(
    directory: &D,
    genesis: B256,
    records: &[(Bytes, B256)],
) -> Result<(D::File, u64), PoolLogError> {
    let made = make(directory, genesis, records)?;
    directory.rename(NEW_FILE, FILE).map_err(failed(directory, NEW_FILE, "rename"))?;
    Ok(made)
}

/// A new log, durable, not in its place yet.
fn make<D: Directory>(directory: &D, genesis: B256, records: &[(Bytes, B256)]) -> Result<(D::File, u64), PoolLogError> {
    let names = directory.list().map_err(failed(directory, "", "list"))?;
    if names.iter().any(|name| name == NEW_FILE) {
        directory.remove(NEW_FILE).map_err(failed(directory, NEW_FILE, "remove"))?;
    }
    let mut bytes = LogHeader { version: format::VERSION, genesis }.encode();
    for (envelope, hash) in records {
        let place = bytes.len() as u64;
        format::encode_record(&mut bytes, place, envelope, hash);
    }
    let mut file = directory.create(NEW_FILE).map_err(failed(directory, NEW_FILE, "create"))?;
    file.write_all_at(&bytes, 0).map_err(failed(directory, NEW_FILE, "write"))?;
    file.sync().map_err(failed(directory, NEW_FILE, "sync"))?;
    Ok((file, bytes.len() as u64))
}
