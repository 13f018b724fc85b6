//! Putting a whole journal into a data directory that has none.

use super::marker;
use crate::datadir::DataDir;
use crate::exit::{Exit, Failure};
use minuet_core::B256;
use minuet_core::messages::JournalRecord;
use minuet_storage::{Journal, JournalConfig, JournalContents, RealDirectory};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The journal's directory inside the data directory.
pub const JOURNAL: &str = "journal";
/// While it is made.
const UNFINISHED: &str = "journal.unfinished";

fn refused(path: &Path, reason: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::DataDirectory, format!("{}: {reason}", path.display()))
}

/// What the journal of a data directory holds, if there is one. Changes nothing.
///
/// # Errors
/// [`Exit::Storage`]: it is damaged, or of another version or chain.
pub fn read(data_dir: &Path, genesis: B256) -> Result<Option<JournalContents>, Failure> {
    let path = data_dir.join(JOURNAL);
    if !path.is_dir() {
        return Ok(None);
    }
    let directory = RealDirectory::open_or_create(&path).map_err(|error| refused(&path, error))?;
    Journal::read(&directory, genesis).map_err(|error| Failure::new(Exit::Storage, error))
}

/// Refuses where a journal with anything in it is. One without records is what a node leaves that only follows.
///
/// # Errors
/// [`Exit::DataDirectory`], or the journal's own.
pub fn refuse_existing(data_dir: &Path, genesis: B256) -> Result<(), Failure> {
    let path = data_dir.join(JOURNAL);
    let advice = "name another data directory, or move this journal away if its validator runs nowhere with it";
    match read(data_dir, genesis) {
        Ok(Some(found)) if !found.records.is_empty() => {
            Err(refused(&path, format!("there is a journal with {} records: {advice}", found.records.len())))
        }
        Ok(_) => Ok(()),
        Err(failure) => Err(refused(&path, format!("there is a journal ({failure}): {advice}"))),
    }
}

/// A whole, durable journal that has not got its name yet.
#[derive(Debug)]
pub struct Unfinished {
    data_dir: PathBuf,
}

impl Unfinished {
    /// Writes the records beside where the journal belongs.
    ///
    /// # Errors
    /// [`Exit::Storage`].
    pub fn write(
        data_dir: &DataDir,
        genesis: B256,
        segment_mb: u64,
        records: &[JournalRecord],
    ) -> Result<Self, Failure> {
        let data_dir = data_dir.path().to_owned();
        let path = data_dir.join(UNFINISHED);
        if path.exists() {
            fs::remove_dir_all(&path).map_err(|error| refused(&path, format!("cannot be removed: {error}")))?;
        }
        let directory = RealDirectory::open_or_create(&path).map_err(|error| refused(&path, error))?;
        let config = JournalConfig { segment_bytes: segment_mb << 20, ..JournalConfig::default() };
        let failed = |error| Failure::new(Exit::Storage, error);
        let (mut journal, _) = Journal::open(directory, genesis, config).map_err(failed)?;
        journal.append(records).map_err(failed)?;
        journal.sync().map_err(failed)?;
        Ok(Self { data_dir })
    }

    /// Gives it its name, in the place of one without records. From now on the validator signs with it.
    ///
    /// # Errors
    /// [`Exit::DataDirectory`]: not possible, and there is no journal then.
    pub fn put_in_place(self) -> Result<(), Failure> {
        let path = self.data_dir.join(JOURNAL);
        let failed = |error: std::io::Error| refused(&path, format!("cannot be put in place: {error}"));
        if path.exists() {
            fs::remove_dir_all(&path).map_err(failed)?;
        }
        marker::remove(&self.data_dir)?;
        fs::rename(self.data_dir.join(UNFINISHED), &path).map_err(failed)?;
        File::open(&self.data_dir).and_then(|directory| directory.sync_all()).map_err(failed)
    }
}
