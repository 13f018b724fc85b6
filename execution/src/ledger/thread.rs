//! The ledger on its thread.

use super::{LedgerDriver, LedgerError, Turn};
use minuet_core::ring::Waiter;
use std::io;
use std::thread::JoinHandle;

/// The thread's name in debuggers and logs.
pub const THREAD_NAME: &str = "minuet-ledger";

/// Runs the driver on a thread of its own until consensus is gone or it fails. `on_end` is called on that thread with the
/// outcome, after the driver and its rings are dropped; on an error it has to stop the process (D-FAIL-STOP). The
/// waiter's bell is the one that requests, and room for notices, ring.
///
/// # Errors
/// When the system gives no thread.
pub fn spawn(
    driver: LedgerDriver,
    waiter: Waiter,
    on_end: impl FnOnce(&Result<(), LedgerError>) + Send + 'static,
) -> io::Result<JoinHandle<Result<(), LedgerError>>> {
    std::thread::Builder::new().name(THREAD_NAME.to_owned()).spawn(move || {
        let outcome = run(driver, &waiter);
        if let Err(error) = &outcome {
            tracing::error!(%error, "the ledger stops");
        }
        on_end(&outcome);
        outcome
    })
}

fn run(mut driver: LedgerDriver, waiter: &Waiter) -> Result<(), LedgerError> {
    loop {
        match driver.turn()? {
            Turn::Again => {}
            Turn::Wait => waiter.park_until(None, || driver.has_work()),
            Turn::Finished => return Ok(()),
        }
    }
}
