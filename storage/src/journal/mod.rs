//! An append-only journal of opaque records in preallocated segment files (protocol §3, D-BEFORE-SEND, D-FAIL-STOP).
//!
//! Owns: the segment files of one directory. Never does: interpret a record, write in the background, go on after an
//! error.
//!
//! Invariants:
//! - What is appended between two syncs is one group, written as two copies with one write, then synced. At most one
//!   group is not durable at any time, and it is the last one: so a group of which no copy is whole is torn if nothing
//!   follows, and damage otherwise.
//! - No group shares a sector with another. Durable sectors are not written again, but for [`Journal::open`], which
//!   writes the last group's copies anew with the same bytes, one after the other: after a crash of the process alone it
//!   may have been read from memory and never have reached the disk.
//! - A segment gets its name only once its header is durable. The segment before is durable by then.
//! - Segments are removed from the oldest on; one of them is kept as a spare to be written again, so that a rotation
//!   costs no preallocation.
//!
//! Files: `segment-<number>.journal` and `spare.journal`. Others in the directory are left alone.

mod driver;
mod error;
mod format;
mod recover;
#[cfg(test)]
mod tests;
pub mod thread;

pub use driver::JournalDriver;
pub use error::JournalError;

use format::{HEADER_BYTES, MAX_GROUP_PAYLOAD, RECORD_OVERHEAD, SegmentHeader};
use minuet_core::B256;
use minuet_core::file::{Directory, File};
use minuet_core::messages::JournalRecord;
use std::collections::VecDeque;
use std::io;

const SPARE: &str = "spare.journal";

/// Sizes. They can change from start to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalConfig {
    /// Bytes of a segment file; a group that needs more gets a file of its own size.
    pub segment_bytes: u64,
    /// Staged bytes above which [`Journal::append`] syncs by itself: bounds the memory and the size of a group.
    pub max_group_bytes: usize,
}

impl Default for JournalConfig {
    fn default() -> Self {
        Self { segment_bytes: 4 << 20, max_group_bytes: 4 << 20 }
    }
}

/// What a journal holds, as [`Journal::read`] found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalContents {
    /// All records in order.
    pub records: Vec<JournalRecord>,
    /// Files in use, without the spare.
    pub segments: usize,
}

/// A segment file and the highest tag in it; zero if it has no record.
#[derive(Clone, Copy, Debug)]
struct Segment {
    number: u64,
    max_tag: u64,
}

/// Records that wait for the next sync, encoded.
#[derive(Debug, Default)]
struct Staged {
    payload: Vec<u8>,
    records: u32,
    max_tag: u64,
}

/// Where the next group goes.
struct Tail<F> {
    file: F,
    /// Bytes of the file.
    length: u64,
    /// Of the next group; a multiple of the sector size.
    position: u64,
}

/// An open journal. See the module's invariants.
pub struct Journal<D: Directory> {
    directory: D,
    genesis: B256,
    config: JournalConfig,
    /// Oldest first; the last one is written to. Never empty.
    segments: VecDeque<Segment>,
    tail: Tail<D::File>,
    next_sequence: u64,
    staged: Staged,
    has_spare: bool,
    is_new: bool,
    is_poisoned: bool,
}

impl<D: Directory> Journal<D> {
    /// Opens the journal of a directory, or makes one there, and gives all its records in order. Records of a group that
    /// never became durable are given too if they were written whole; they are durable when this returns.
    ///
    /// # Errors
    /// When a file cannot be read, is damaged, is of another version or of another chain; nothing was changed then.
    pub fn open(
        directory: D,
        genesis_fingerprint: B256,
        config: JournalConfig,
    ) -> Result<(Self, Vec<JournalRecord>), JournalError> {
        recover::open(directory, genesis_fingerprint, config)
    }

    /// Reads the journal of a directory and changes nothing: all its records in order; `None` if there is none.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub fn read(directory: &D, genesis_fingerprint: B256) -> Result<Option<JournalContents>, JournalError> {
        recover::read(directory, genesis_fingerprint)
    }

    /// Whether [`Journal::open`] found none and made this one (D-WIPED).
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Files in use, without the spare.
    #[must_use]
    pub fn segment_count(&self) -> usize {
        self.segments.len()
    }

    /// A record comes soon: the disk is asked for something, so that it is awake by then. Changes nothing.
    pub fn rouse(&mut self) {
        self.tail.file.rouse(self.tail.position);
    }

    /// Takes records for the next [`Journal::sync`]. They are not durable yet. Syncs by itself before a group would become
    /// larger than the configuration allows.
    ///
    /// # Errors
    /// When writing failed now or earlier, or a record is too large; every later call fails.
    pub fn append(&mut self, records: &[JournalRecord]) -> Result<(), JournalError> {
        self.guarded(|journal| records.iter().try_for_each(|record| journal.stage(record)))
    }

    /// Makes everything appended durable.
    ///
    /// # Errors
    /// When writing failed now or earlier: what is durable is not known then, and every later call fails.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        self.guarded(Self::write_staged)
    }

    /// Removes the oldest segments, up to the first with a record above `tag`. The one being written stays.
    ///
    /// # Errors
    /// When removing failed now, or anything earlier; every later call fails.
    pub fn prune(&mut self, tag: u64) -> Result<(), JournalError> {
        self.guarded(|journal| {
            while journal.segments.len() > 1 && journal.segments[0].max_tag <= tag {
                let number = journal.segments[0].number;
                journal.retire(number)?;
                journal.segments.pop_front();
            }
            Ok(())
        })
    }

    fn guarded(&mut self, work: impl FnOnce(&mut Self) -> Result<(), JournalError>) -> Result<(), JournalError> {
        if self.is_poisoned {
            return Err(JournalError::Poisoned { directory: self.directory.describe() });
        }
        // Until the work is done it counts as failed, so that a panic leaves no half-written journal in use.
        self.is_poisoned = true;
        let outcome = work(self);
        self.is_poisoned = outcome.is_err();
        outcome
    }

    fn stage(&mut self, record: &JournalRecord) -> Result<(), JournalError> {
        let bytes = record.payload.len();
        let limit = MAX_GROUP_PAYLOAD - RECORD_OVERHEAD;
        if bytes > limit {
            return Err(JournalError::TooLarge { bytes, limit });
        }
        let max_group = self.config.max_group_bytes.min(MAX_GROUP_PAYLOAD);
        if self.staged.payload.len() + bytes + RECORD_OVERHEAD > max_group {
            self.write_staged()?;
        }
        format::encode_record(&mut self.staged.payload, record);
        self.staged.records += 1;
        self.staged.max_tag = self.staged.max_tag.max(record.tag);
        Ok(())
    }

    fn write_staged(&mut self) -> Result<(), JournalError> {
        if self.staged.records == 0 {
            return Ok(());
        }
        let needed = 2 * format::copy_bytes(self.staged.payload.len());
        if self.tail.position + needed > self.tail.length {
            self.rotate(needed)?;
        }
        let segment = self.segments.back_mut().expect("there is always a segment to write to");
        let group = format::encode_group(segment.number, self.next_sequence, self.staged.records, &self.staged.payload);
        let name = segment_name(segment.number);
        self.tail.file.write_all_at(&group, self.tail.position).map_err(failed(&self.directory, &name, "write"))?;
        self.tail.file.sync().map_err(failed(&self.directory, &name, "sync"))?;
        segment.max_tag = segment.max_tag.max(self.staged.max_tag);
        self.tail.position += needed;
        self.next_sequence += 1;
        self.staged.payload.clear();
        self.staged.payload.shrink_to(64 << 10);
        self.staged.records = 0;
        self.staged.max_tag = 0;
        Ok(())
    }

    /// Everything written so far is durable here: the staged records are written after the rotation.
    fn rotate(&mut self, needed: u64) -> Result<(), JournalError> {
        let number = self.segments.back().map_or(0, |segment| segment.number + 1);
        let header = SegmentHeader {
            version: format::VERSION,
            number,
            first_sequence: self.next_sequence,
            genesis: self.genesis,
        };
        let length = self.config.segment_bytes.max(needed + HEADER_BYTES);
        let spare = if std::mem::take(&mut self.has_spare) { usable_spare(&self.directory, length)? } else { None };
        self.tail = create_segment(&self.directory, &header, length, spare)?;
        self.segments.push_back(Segment { number, max_tag: 0 });
        Ok(())
    }

    /// Takes a segment out of use: as the spare if there is none, else for good.
    fn retire(&mut self, number: u64) -> Result<(), JournalError> {
        let name = segment_name(number);
        if self.has_spare {
            return self.directory.remove(&name).map_err(failed(&self.directory, &name, "remove"));
        }
        self.directory.rename(&name, SPARE).map_err(failed(&self.directory, &name, "rename"))?;
        self.has_spare = true;
        Ok(())
    }
}

fn segment_name(number: u64) -> String {
    format!("segment-{number:020}.journal")
}

fn failed<D: Directory>(directory: &D, name: &str, operation: &'static str) -> impl Fn(io::Error) -> JournalError {
    let file = locate(directory, name);
    move |error| JournalError::Io { file: file.clone(), operation, reason: error.to_string() }
}

fn locate<D: Directory>(directory: &D, name: &str) -> String {
    format!("{}/{name}", directory.describe())
}

/// The spare, if its size is that of a segment to be made; it is removed otherwise (half made, or another size).
fn usable_spare<D: Directory>(directory: &D, length: u64) -> Result<Option<D::File>, JournalError> {
    let file = directory.open(SPARE).map_err(failed(directory, SPARE, "open"))?;
    if file.len().map_err(failed(directory, SPARE, "measure"))? == length {
        return Ok(Some(file));
    }
    drop(file);
    directory.remove(SPARE).map_err(failed(directory, SPARE, "remove"))?;
    Ok(None)
}

fn create_segment<D: Directory>(
    directory: &D,
    header: &SegmentHeader,
    length: u64,
    spare: Option<D::File>,
) -> Result<Tail<D::File>, JournalError> {
    let mut file = match spare {
        Some(file) => file,
        None => {
            let mut file = directory.create(SPARE).map_err(failed(directory, SPARE, "create"))?;
            file.preallocate(length).map_err(failed(directory, SPARE, "reserve space"))?;
            file
        }
    };
    file.write_all_at(&header.encode(), 0).map_err(failed(directory, SPARE, "write"))?;
    file.sync().map_err(failed(directory, SPARE, "sync"))?;
    let name = segment_name(header.number);
    directory.rename(SPARE, &name).map_err(failed(directory, SPARE, "rename"))?;
    Ok(Tail { file, length, position: HEADER_BYTES })
}
