//! The file in which a journal travels. All numbers are big endian.
//!
//! A header of 160 bytes: magic, version, whether it was imported, chain, key, how many records, bytes of their payload;
//! the records, each as tag, length and payload; keccak256 of all of it, with the mark of the import as if it were not
//! set. Every version keeps magic and version where they are.

use crate::exit::{Exit, Failure};
use minuet_core::bls::PUBLIC_KEY_BYTES;
use minuet_core::messages::JournalRecord;
use minuet_core::{B256, Bytes, keccak256};
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

const MAGIC: [u8; 8] = *b"MNTJEXP\n";
const VERSION: u32 = 1;
const USED_AT: usize = 12;
const GENESIS_AT: usize = 16;
const KEY_AT: usize = 48;
const COUNT_AT: usize = KEY_AT + PUBLIC_KEY_BYTES;
const HEADER_BYTES: usize = COUNT_AT + 16;
const RECORD_OVERHEAD: usize = 12;
const CHECKSUM_BYTES: usize = 32;
/// A longer file is none of ours: a journal stays far below.
const MAX_FILE_BYTES: u64 = 4 << 30;

/// A journal on its way to another directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportFile {
    /// The fingerprint of its chain's genesis.
    pub genesis: B256,
    /// The public key of the validator that it binds.
    pub key: [u8; PUBLIC_KEY_BYTES],
    /// Everything in it, in order.
    pub records: Vec<JournalRecord>,
    /// Whether it was imported already.
    pub is_used: bool,
}

fn refused(path: &Path, reason: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::DataDirectory, format!("journal export {}: {reason}", path.display()))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

impl ExportFile {
    /// Its bytes: the same for the same journal.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let payload =
            self.records.iter().fold(0_u64, |sum, record| sum + (RECORD_OVERHEAD + record.payload.len()) as u64);
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_be_bytes());
        bytes.extend_from_slice(&[0; GENESIS_AT - USED_AT]);
        bytes.extend_from_slice(self.genesis.as_slice());
        bytes.extend_from_slice(&self.key);
        bytes.extend_from_slice(&(self.records.len() as u64).to_be_bytes());
        bytes.extend_from_slice(&payload.to_be_bytes());
        for record in &self.records {
            let length = u32::try_from(record.payload.len()).expect("a journal's group is shorter");
            bytes.extend_from_slice(&record.tag.to_be_bytes());
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(&record.payload);
        }
        let checksum = keccak256(&bytes);
        bytes.extend_from_slice(checksum.as_slice());
        bytes[USED_AT] = u8::from(self.is_used);
        bytes
    }

    /// Reads an export back.
    ///
    /// # Errors
    /// What is wrong with it, and what to do.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        if bytes.get(..8) != Some(&MAGIC[..]) {
            return Err("is no file that 'minuet journal export' made".to_owned());
        }
        let version = u32_at(bytes, 8).ok_or_else(truncated)?;
        if version != VERSION {
            let advice = "import it with the program that exported it, or export it again with this one";
            return Err(format!("has format version {version}, this program reads {VERSION}; {advice}"));
        }
        let (count, payload) = u64_at(bytes, COUNT_AT).zip(u64_at(bytes, COUNT_AT + 8)).ok_or_else(truncated)?;
        let expected = payload.checked_add((HEADER_BYTES + CHECKSUM_BYTES) as u64);
        if expected.is_none_or(|expected| expected > bytes.len() as u64) {
            return Err(truncated());
        }
        let (body, sum) = bytes.split_at(bytes.len() - CHECKSUM_BYTES);
        let mut unused = body.to_vec();
        unused[USED_AT..GENESIS_AT].fill(0);
        if expected != Some(bytes.len() as u64) || keccak256(&unused).as_slice() != sum {
            return Err(format!("is damaged: its checksum does not fit; {AGAIN}"));
        }
        let records =
            read_records(&body[HEADER_BYTES..], count).ok_or("is damaged: its records do not fit its length")?;
        Ok(Self {
            genesis: B256::from_slice(&body[GENESIS_AT..KEY_AT]),
            key: body[KEY_AT..COUNT_AT].try_into().expect("a key's length"),
            records,
            is_used: body[USED_AT..GENESIS_AT] != [0; GENESIS_AT - USED_AT],
        })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Exit::DataDirectory`], with the file's name.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let bytes = read_bytes(path)?;
        Self::decode(&bytes).map_err(|reason| refused(path, reason))
    }
}

const AGAIN: &str = "copy it again from where it was exported, or export once more there, which gives the same";

fn truncated() -> String {
    format!("is cut off: it is shorter than it says; {AGAIN}")
}

fn read_records(mut rest: &[u8], count: u64) -> Option<Vec<JournalRecord>> {
    let mut records = Vec::new();
    for _ in 0..count {
        let (tag, length) = (u64_at(rest, 0)?, u32_at(rest, 8)? as usize);
        let payload = rest.get(RECORD_OVERHEAD..RECORD_OVERHEAD.checked_add(length)?)?;
        records.push(JournalRecord { tag, payload: Bytes::copy_from_slice(payload) });
        rest = &rest[RECORD_OVERHEAD + length..];
    }
    rest.is_empty().then_some(records)
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let file = File::open(path).map_err(|error| refused(path, format!("cannot be opened: {error}")))?;
    let length = file.metadata().map_err(|error| refused(path, error))?.len();
    if length > MAX_FILE_BYTES {
        return Err(refused(path, format!("has {length} bytes: it is no export of a journal")));
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES)
        .read_to_end(&mut bytes)
        .map_err(|error| refused(path, format!("cannot be read: {error}")))?;
    Ok(bytes)
}

/// The place of an export, found writable before the source is disabled.
#[derive(Debug)]
pub struct Outlet {
    path: PathBuf,
    /// Nothing if the very export is there already.
    part: Option<(File, PathBuf)>,
}

impl Outlet {
    /// Finds out whether `bytes` can be written there: nothing is there yet, or this export.
    ///
    /// # Errors
    /// [`Exit::DataDirectory`]: something else is there, or the place is not writable.
    pub fn open(path: &Path, bytes: &[u8]) -> Result<Self, Failure> {
        if path.exists() {
            if read_bytes(path)? != bytes {
                return Err(refused(path, "exists and is another file: name one that is not there yet"));
            }
            return Ok(Self { path: path.to_owned(), part: None });
        }
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part);
        let file = file.map_err(|error| refused(&part, format!("cannot be created: {error}")))?;
        Ok(Self { path: path.to_owned(), part: Some((file, part)) })
    }

    /// Writes it whole and durably, under its name only then.
    ///
    /// # Errors
    /// [`Exit::DataDirectory`]: it could not be written. Exporting again gives the same.
    pub fn write(self, bytes: &[u8]) -> Result<(), Failure> {
        let Some((mut file, part)) = self.part else { return Ok(()) };
        let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let written = file
            .write_all(bytes)
            .and_then(|()| file.sync_all())
            .and_then(|()| std::fs::rename(&part, &self.path))
            .and_then(|()| File::open(parent)?.sync_all());
        written.map_err(|error| refused(&self.path, format!("cannot be written: {error}; run the export again")))
    }
}

/// Marks an export as used, durably: importing this file once more is refused.
///
/// # Errors
/// [`Exit::DataDirectory`]: the file cannot be written.
pub fn mark_used(path: &Path) -> Result<(), Failure> {
    let mark = || {
        let file = OpenOptions::new().write(true).open(path)?;
        file.write_all_at(&[1], USED_AT as u64)?;
        file.sync_all()
    };
    mark().map_err(|error: std::io::Error| {
        refused(path, format!("cannot be marked as used: {error}; copy it to a place that can be written"))
    })
}

#[cfg(test)]
#[path = "export_file_tests.rs"]
mod tests;
