//! The ledger on its thread.

use super::{LedgerDriver, LedgerError, Turn};
use minuet_core::ring::Waiter;

/// Runs the driver on the calling thread until consensus is gone or it fails; the driver and its rings are dropped then. The
/// waiter's bell is the one that requests, and room for notices, ring.
///
/// # Errors
/// What stops the ledger; it has to stop the process (D-FAIL-STOP).
pub fn run(mut driver: LedgerDriver, waiter: &Waiter) -> Result<(), LedgerError> {
    let outcome = turn_until_the_end(&mut driver, waiter);
    if let Err(error) = &outcome {
        tracing::error!(%error, "the ledger stops");
    }
    outcome
}

fn turn_until_the_end(driver: &mut LedgerDriver, waiter: &Waiter) -> Result<(), LedgerError> {
    loop {
        match driver.turn()? {
            Turn::Again => {}
            Turn::Wait => waiter.park_until(None, || driver.has_work()),
            Turn::Finished => return Ok(()),
        }
    }
}
