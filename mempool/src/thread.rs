//! The mempool's thread: the clock and the parking around [`MempoolDriver::turn`].

use crate::{MempoolDriver, PoolLogError};
use minuet_core::file::Directory;
use minuet_core::ring::Waiter;
use std::io;
use std::thread::{Builder, JoinHandle};
use std::time::Instant;

/// Runs the driver on the thread "minuet-mempool" until the rings that feed it are abandoned, or until its log fails.
/// `on_failure` is called on that thread, after the driver and its rings are dropped; it has to stop the process
/// (D-FAIL-STOP). `waiter` belongs to the doorbell of those rings.
///
/// # Errors
/// When the operating system gives no thread.
pub fn spawn<D>(
    driver: MempoolDriver<D>,
    waiter: Waiter,
    on_failure: impl FnOnce(PoolLogError) + Send + 'static,
) -> io::Result<JoinHandle<()>>
where
    D: Directory + 'static,
    D::File: 'static,
{
    Builder::new().name("minuet-mempool".to_owned()).spawn(move || {
        if let Err(error) = run(driver, &waiter) {
            tracing::error!(%error, "the mempool stops");
            on_failure(error);
        }
    })
}

fn run<D: Directory>(mut driver: MempoolDriver<D>, waiter: &Waiter) -> Result<(), PoolLogError> {
    while !driver.is_finished() {
        let deadline = driver.turn(Instant::now())?;
        waiter.park_until(deadline, || driver.has_work());
    }
    Ok(())
}
