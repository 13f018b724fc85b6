//! What can go wrong with the journal.

use thiserror::Error;

/// A failure of the journal. All of them stop the node (D-FAIL-STOP).
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum JournalError {
    /// The system refused.
    #[error(
        "journal {file}: {operation} failed: {reason}; nothing is signed until the disk is healthy and the node restarted"
    )]
    Io {
        /// Directory and file.
        file: String,
        /// `write`, `sync`, ...
        operation: &'static str,
        /// The system's words.
        reason: String,
    },
    /// Bytes that were durable once are not what was written.
    #[error(
        "journal {file}: damaged at byte {offset}: {reason}; keep a copy, then remove the journal's directory: the node \
         follows the chain without signing (see docs/operations.md)"
    )]
    Corrupt {
        /// Directory and file.
        file: String,
        /// Where the damage begins.
        offset: u64,
        /// What was expected there.
        reason: String,
    },
    /// Written by another version of the program.
    #[error("journal {file}: has format version {found}, this program reads {expected}; use the program that wrote it")]
    WrongVersion {
        /// Directory and file.
        file: String,
        /// What the file says.
        found: u32,
        /// What this program knows.
        expected: u32,
    },
    /// Belongs to another chain.
    #[error(
        "journal {file}: belongs to the chain with genesis {found}, this node runs {expected}; check the data directory \
         and the genesis file"
    )]
    WrongChain {
        /// Directory and file.
        file: String,
        /// What the file says.
        found: String,
        /// The node's own.
        expected: String,
    },
    /// More bytes in one record than a group can hold.
    #[error("journal: a record of {bytes} bytes is above the limit of {limit}")]
    TooLarge {
        /// Bytes of its payload.
        bytes: usize,
        /// At most.
        limit: usize,
    },
    /// An earlier call failed.
    #[error("journal {directory}: an earlier write failed, nothing more is accepted; restart the node")]
    Poisoned {
        /// Which journal.
        directory: String,
    },
}
