//! D-WIPED: a validator whose journal is gone may have said things that it no longer knows. It only follows, unless its
//! key has never been used.
//!
//! `keys generate` leaves a marker beside a new key. The first start writes a floor of nothing into the journal, so that
//! this is not empty any more, and then takes the marker away. A key without marker and with an empty journal has a past
//! that nobody here remembers: also at the second start, when the journal's file is there but holds nothing.

use crate::exit::{Exit, Failure};
use minuet_consensus::record::Record;
use minuet_core::file::Directory;
use minuet_core::{ValidatorIndex, View};
use minuet_storage::Journal;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The marker beside a key that never signed.
pub fn marker_of(bls_key: &Path) -> PathBuf {
    let mut name = bls_key.as_os_str().to_owned();
    name.push(".unused");
    name.into()
}

/// Takes the marker away, durably, if it is there.
///
/// # Errors
/// [`Exit::Keys`] if that fails.
pub fn consume(bls_key: &Path) -> Result<(), Failure> {
    let marker = marker_of(bls_key);
    if !marker.exists() {
        return Ok(());
    }
    let failed = |error| Failure::new(Exit::Keys, format!("cannot remove {}: {error}", marker.display()));
    fs::remove_file(&marker).map_err(failed)?;
    let parent = marker.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent).and_then(|directory| directory.sync_all()).map_err(failed)
}

/// Which validator this node signs as: none if its journal holds nothing but its key has been used.
///
/// # Errors
/// [`Exit::Keys`] if the marker cannot be removed durably, [`Exit::Storage`] if the journal cannot be written.
pub fn may_sign<D: Directory>(
    bls_key: &Path,
    validator: Option<ValidatorIndex>,
    journal: &mut Journal<D>,
    journal_is_empty: bool,
) -> Result<Option<ValidatorIndex>, Failure> {
    if validator.is_none() || !journal_is_empty {
        consume(bls_key)?;
        return Ok(validator);
    }
    if !marker_of(bls_key).exists() {
        tracing::error!(
            key = %bls_key.display(),
            "the consensus journal is missing, but this key has been used: signing could contradict what it signed \
             before. This node only follows. Restore the journal directory, or see docs/operations.md"
        );
        return Ok(None);
    }
    let begun = journal.append(&[Record::Floor(View::GENESIS).to_journal()]).and_then(|()| journal.sync());
    begun.map_err(|error| Failure::new(Exit::Storage, error))?;
    consume(bls_key)?;
    Ok(validator)
}

#[cfg(test)]
mod tests {
    use super::*;
    use minuet_core::B256;
    use minuet_storage::{JournalConfig, MemoryDirectory};

    const ME: Option<ValidatorIndex> = Some(ValidatorIndex(2));

    /// One start; who it signs as.
    fn start(key: &Path, disk: &MemoryDirectory) -> Option<ValidatorIndex> {
        let config = JournalConfig { segment_bytes: 64 << 10, ..JournalConfig::default() };
        let (mut journal, records) = Journal::open(disk.clone(), B256::ZERO, config).unwrap();
        may_sign(key, ME, &mut journal, records.is_empty()).unwrap()
    }

    #[test]
    fn a_new_key_signs_from_its_first_start_on_with_this_journal_only() {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("bls.key");
        let disk = MemoryDirectory::new();
        fs::write(marker_of(&key), "").unwrap();
        assert_eq!(start(&key, &disk), ME);
        assert!(!marker_of(&key).exists());
        disk.crash(1);
        assert_eq!(start(&key, &disk), ME, "also if it said nothing yet");
        // The crash came between the record and the marker.
        fs::write(marker_of(&key), "").unwrap();
        assert_eq!(start(&key, &disk), ME);
        assert!(!marker_of(&key).exists(), "it would let a lost journal pass for a first start");
    }

    #[test]
    fn a_used_key_without_its_journal_signs_nothing_however_often_it_is_started() {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("bls.key");
        let disk = MemoryDirectory::new();
        for _ in 0..3 {
            assert_eq!(start(&key, &disk), None);
        }
    }
}
