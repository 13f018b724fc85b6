//! `EXPORTED` in a data directory: its validator was moved away, and must never start there again.
//!
//! Invariant: it is durable before the first byte of an export is written.

use crate::exit::{Exit, Failure};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Its name inside the data directory.
pub const EXPORTED_FILE: &str = "EXPORTED";
const MARKER_VERSION: u8 = 1;

/// When and where to a journal was exported; the newest last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exported {
    version: u8,
    /// Each time.
    pub exports: Vec<Export>,
}

/// One export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// UTC.
    pub at: String,
    /// As it was named, made absolute.
    pub file: String,
}

fn refused(data_dir: &Path, reason: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::DataDirectory, format!("data directory {}: {reason}", data_dir.display()))
}

/// Reads the marker; `None` if the validator was not moved away.
///
/// # Errors
/// [`Exit::DataDirectory`] if it is there and cannot be read: that counts as moved.
pub fn read(data_dir: &Path) -> Result<Option<Exported>, Failure> {
    let unreadable = |reason: &dyn std::fmt::Display| {
        let reason = format!(
            "its {EXPORTED_FILE} file cannot be read ({reason}): this validator was moved away, see docs/operations.md"
        );
        refused(data_dir, reason)
    };
    let text = match fs::read_to_string(data_dir.join(EXPORTED_FILE)) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(&error)),
    };
    let found: Exported = toml::from_str(&text).map_err(|error| unreadable(&error.message()))?;
    if found.version != MARKER_VERSION {
        let reason = format!("format version {}, this program reads {MARKER_VERSION}", found.version);
        return Err(unreadable(&reason));
    }
    Ok(Some(found))
}

/// Refuses to start a validator that was moved away.
///
/// # Errors
/// [`Exit::DataDirectory`], with what happened and what to do.
pub fn refuse_exported(data_dir: &Path) -> Result<(), Failure> {
    let Some(found) = read(data_dir)? else { return Ok(()) };
    let last = found.exports.last().map_or_else(
        || "its journal was exported".to_owned(),
        |export| format!("its journal was exported at {} to {}", export.at, export.file),
    );
    let reason = format!(
        "this validator was moved away: {last}. It must not sign here any more. Run it where that file was imported; if \
         it was imported nowhere, import it into another data directory with 'minuet journal import' (see \
         docs/operations.md)"
    );
    Err(refused(data_dir, reason))
}

/// Notes an export, durably.
///
/// # Errors
/// [`Exit::DataDirectory`] if it cannot be written.
pub fn record(data_dir: &Path, file: &Path) -> Result<(), Failure> {
    let mut found = read(data_dir)?.unwrap_or(Exported { version: MARKER_VERSION, exports: Vec::new() });
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned()).display().to_string();
    if found.exports.iter().any(|export| export.file == file) {
        return Ok(());
    }
    found.exports.push(Export { at: utc_now(), file });
    let text = toml::to_string(&found).map_err(|error| refused(data_dir, error))?;
    let temporary = data_dir.join(format!("{EXPORTED_FILE}.tmp"));
    let write = || {
        let mut file = File::create(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, data_dir.join(EXPORTED_FILE))?;
        File::open(data_dir)?.sync_all()
    };
    write().map_err(|error| refused(data_dir, format!("cannot write {EXPORTED_FILE}: {error}; nothing was exported")))
}

/// The journal came back by an import: the directory's validator is here again.
///
/// # Errors
/// [`Exit::DataDirectory`] if it cannot be removed.
pub fn remove(data_dir: &Path) -> Result<(), Failure> {
    match fs::remove_file(data_dir.join(EXPORTED_FILE)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Ok(()) => File::open(data_dir)
            .and_then(|directory| directory.sync_all())
            .map_err(|error| refused(data_dir, format!("cannot be synced: {error}"))),
        Err(error) => Err(refused(data_dir, format!("cannot remove {EXPORTED_FILE}: {error}"))),
    }
}

fn utc_now() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    utc(seconds)
}

/// Unix seconds as people write them.
fn utc(seconds: u64) -> String {
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    // Howard Hinnant's days-to-civil: years begin in March, eras have 400 of them.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_735_689_600, "2025-01-01T00:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
        ] {
            assert_eq!(utc(seconds), text);
        }
    }

    #[test]
    fn an_exported_directory_is_refused_with_when_and_where_to_until_the_journal_is_back() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(refuse_exported(dir.path()), Ok(()));
        record(dir.path(), Path::new("/tmp/one")).unwrap();
        record(dir.path(), Path::new("/tmp/one")).unwrap();
        record(dir.path(), Path::new("/tmp/two")).unwrap();
        assert_eq!(read(dir.path()).unwrap().unwrap().exports.len(), 2);
        let failure = refuse_exported(dir.path()).unwrap_err();
        assert_eq!(failure.exit, Exit::DataDirectory);
        assert!(failure.message.contains("to /tmp/two") && failure.message.contains("T"), "{failure}");
        remove(dir.path()).unwrap();
        remove(dir.path()).unwrap();
        assert_eq!(refuse_exported(dir.path()), Ok(()));
    }

    #[test]
    fn a_marker_that_cannot_be_read_still_refuses() {
        let dir = tempfile::tempdir().unwrap();
        for text in ["", "nonsense", "version = 2\nexports = []", "version = 1"] {
            fs::write(dir.path().join(EXPORTED_FILE), text).unwrap();
            assert!(refuse_exported(dir.path()).unwrap_err().message.contains("moved away"), "{text}");
        }
    }
}
