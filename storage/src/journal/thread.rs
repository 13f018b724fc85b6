//! The journal on a thread of its own.

use super::{JournalDriver, JournalError};
use minuet_core::file::Directory;
use minuet_core::ring::Waiter;
use std::io;
use std::thread::{Builder, JoinHandle};

/// The thread's name.
pub const NAME: &str = "minuet-journal";

/// Serves the journal until the requests' sender is gone and everything it sent is durable, or until the journal fails.
/// `waiter` belongs to the bell of the request ring.
///
/// # Errors
/// When the system gives no thread. The thread's own result tells how the journal ended.
pub fn spawn<D>(mut driver: JournalDriver<D>, waiter: Waiter) -> io::Result<JoinHandle<Result<(), JournalError>>>
where
    D: Directory + 'static,
    D::File: 'static,
{
    Builder::new().name(NAME.into()).spawn(move || {
        while !driver.is_finished() {
            driver.turn()?;
            waiter.park_until(None, || driver.has_work() || driver.is_finished());
        }
        Ok(())
    })
}
