//! The mempool's thread: the clock and the parking around [`MempoolDriver::turn`].

use crate::MempoolDriver;
use minuet_core::ring::Waiter;
use std::io;
use std::thread::{Builder, JoinHandle};
use std::time::Instant;

/// Runs the driver on the thread "minuet-mempool" until the rings that feed it are abandoned. `waiter` belongs to the
/// doorbell of those rings.
///
/// # Errors
/// When the operating system gives no thread.
pub fn spawn(mut driver: MempoolDriver, waiter: Waiter) -> io::Result<JoinHandle<()>> {
    Builder::new().name("minuet-mempool".to_owned()).spawn(move || {
        while !driver.is_finished() {
            let deadline = driver.turn(Instant::now());
            waiter.park_until(deadline, || driver.has_work());
        }
    })
}
