//! What can be wrong with a pool log, each with the file's name and what to do.

use minuet_core::B256;
use minuet_core::file::Directory;
use std::io;
use thiserror::Error;

/// Why a pool log cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PoolLogError {
    /// The disk failed or is full. Nothing is accepted any more.
    #[error(
        "pool log {file}: cannot {operation}: {reason}; free space or check the disk, then start again: what was \
         acknowledged is in the log"
    )]
    Io {
        /// Its path.
        file: String,
        /// What was tried.
        operation: &'static str,
        /// What the system says.
        reason: String,
    },
    /// Another version of this program wrote it.
    #[error(
        "pool log {file}: has format version {found}, this program reads {expected}; use the program that wrote it, or \
         move the file away to go on without the transactions that wait in it"
    )]
    WrongVersion {
        /// Its path.
        file: String,
        /// In the file.
        found: u32,
        /// Of this program.
        expected: u32,
    },
    /// It is of another chain.
    #[error(
        "pool log {file}: belongs to the chain with genesis {found}, this node's is {expected}; use that chain's data \
         directory, or move the file away"
    )]
    WrongChain {
        /// Its path.
        file: String,
        /// In the file.
        found: B256,
        /// Of this node.
        expected: B256,
    },
}

pub(super) fn locate<D: Directory>(directory: &D, name: &str) -> String {
    format!("{}/{name}", directory.describe())
}

pub(super) fn failed<D: Directory>(
    directory: &D,
    name: &str,
    operation: &'static str,
) -> impl Fn(io::Error) -> PoolLogError + use<D> {
    let file = locate(directory, name);
    move |error| PoolLogError::Io { file: file.clone(), operation, reason: error.to_string() }
}
