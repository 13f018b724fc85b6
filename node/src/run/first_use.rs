//! D-WIPED: a validator whose journal is gone may have said things that it no longer knows. It only follows, unless its
//! key has never been used.
//!
//! `keys generate` leaves a marker beside a new key. The first start with an empty journal takes the marker away; a key
//! without marker and without journal has a past.

use crate::exit::{Exit, Failure};
use minuet_core::ValidatorIndex;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The marker beside a key that never signed.
pub fn marker_of(bls_key: &Path) -> PathBuf {
    let mut name = bls_key.as_os_str().to_owned();
    name.push(".unused");
    name.into()
}

/// Which validator this node signs as: none if its journal is new but its key is not.
///
/// # Errors
/// [`Exit::Keys`] if the marker cannot be removed durably.
pub fn may_sign(
    bls_key: &Path,
    validator: Option<ValidatorIndex>,
    journal_is_new: bool,
) -> Result<Option<ValidatorIndex>, Failure> {
    let marker = marker_of(bls_key);
    let is_unused = marker.exists();
    if is_unused {
        let failed = |error| Failure::new(Exit::Keys, format!("cannot remove {}: {error}", marker.display()));
        fs::remove_file(&marker).map_err(failed)?;
        let parent = marker.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(parent).and_then(|directory| directory.sync_all()).map_err(failed)?;
    }
    if validator.is_some() && journal_is_new && !is_unused {
        tracing::error!(
            key = %bls_key.display(),
            "the consensus journal is missing, but this key has been used: signing could contradict what it signed \
             before. This node only follows. Restore the journal directory, or see docs/operations.md"
        );
        return Ok(None);
    }
    Ok(validator)
}
