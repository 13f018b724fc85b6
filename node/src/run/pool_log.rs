//! The pool log of a node: opened before anything runs, and its failure an end of the node.

use super::{End, no_thread};
use crate::exit::{Exit, Failure};
use minuet_core::B256;
use minuet_core::ring::Waiter;
use minuet_mempool::{MempoolDriver, OpenedLog, PoolLog, PoolLogError};
use minuet_storage::RealDirectory;
use std::path::Path;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;

/// The log, and the transactions that were accepted before; nothing if none is to be kept.
///
/// # Errors
/// [`Exit::DataDirectory`] for a log of another version or chain, [`Exit::Storage`] if it cannot be read or written.
pub fn open(path: &Path, genesis: B256, log_mb: u64) -> Result<Option<OpenedLog<RealDirectory>>, Failure> {
    if log_mb == 0 {
        return Ok(None);
    }
    let directory = RealDirectory::open_or_create(path)
        .map_err(|error| Failure::new(Exit::DataDirectory, format!("pool directory {}: {error}", path.display())))?;
    PoolLog::open(directory, genesis, log_mb << 20).map(Some).map_err(|error| failure(&error))
}

/// Starts the mempool's thread; a log that cannot be written ends the node (D-FAIL-STOP).
///
/// # Errors
/// When the system gives no thread.
pub fn spawn(
    driver: MempoolDriver<RealDirectory>,
    waiter: Waiter,
    ends: &Sender<End>,
) -> Result<JoinHandle<()>, Failure> {
    let ends = ends.clone();
    let on_failure = move |error: PoolLogError| {
        // The receiver is gone only if the node is stopping already.
        let _ = ends.send(End::Failed(failure(&error)));
    };
    minuet_mempool::spawn(driver, waiter, on_failure).map_err(|error| no_thread(&error))
}

fn failure(error: &PoolLogError) -> Failure {
    match error {
        PoolLogError::Io { .. } => Failure::new(Exit::Storage, error),
        PoolLogError::WrongVersion { .. } | PoolLogError::WrongChain { .. } => Failure::new(Exit::DataDirectory, error),
    }
}
