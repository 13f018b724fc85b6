//! The consensus thread: the clock and the parking around the driver.

use super::{End, fatal, no_thread};
use crate::exit::Failure;
use minuet_consensus::driver::{Driver, Now};
use minuet_core::TimeMs;
use minuet_core::ring::{Doorbell, Waiter};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Longest sleep: the wall clock may be set meanwhile.
const MAX_SLEEP: Duration = Duration::from_secs(1);

/// A monotonic clock that starts with the node.
#[derive(Clone, Copy)]
pub struct Clock(Instant);

impl Clock {
    pub fn start() -> Self {
        Self(Instant::now())
    }

    pub fn now(self) -> Now {
        let mono_us = u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX);
        Now { mono_us, wall: TimeMs(unix_us() / 1000) }
    }

    fn instant(self, mono_us: u64) -> Option<Instant> {
        self.0.checked_add(Duration::from_micros(mono_us))
    }
}

/// Microseconds since 1970; 0 before.
pub fn unix_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// The running thread.
pub struct ConsensusThread {
    stop: Arc<AtomicBool>,
    bell: Doorbell,
    thread: JoinHandle<()>,
}

impl ConsensusThread {
    /// Ends the thread after its current turn; its rings are dropped with it.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Release);
        self.bell.ring();
        if self.thread.join().is_err() {
            tracing::error!("the consensus thread panicked");
        }
    }
}

pub fn spawn(
    driver: Driver,
    waiter: Waiter,
    bell: Doorbell,
    clock: Clock,
    ends: Sender<End>,
) -> Result<ConsensusThread, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let told = stop.clone();
    let work = move || run(driver, &waiter, clock, &told, &ends);
    let thread = std::thread::Builder::new().name("minuet-consensus".to_owned()).spawn(work);
    Ok(ConsensusThread { stop, bell, thread: thread.map_err(|error| no_thread(&error))? })
}

fn run(mut driver: Driver, waiter: &Waiter, clock: Clock, stop: &AtomicBool, ends: &Sender<End>) {
    while !stop.load(Ordering::Acquire) {
        let deadline = match driver.turn(clock.now()) {
            Ok(deadline) => deadline.and_then(|mono_us| clock.instant(mono_us)),
            Err(error) => {
                // The receiver is gone only if the node is stopping already.
                let _ = ends.send(End::Failed(fatal(&error)));
                return;
            }
        };
        if driver.is_abandoned() {
            let reason = "a service ended: consensus has nothing to work with (its message is above)";
            let _ = ends.send(End::Failed(Failure::new(crate::exit::Exit::Generic, reason)));
            return;
        }
        let latest = Instant::now() + MAX_SLEEP;
        let deadline = deadline.map_or(latest, |deadline| deadline.min(latest));
        waiter
            .park_until(Some(deadline), || driver.has_work() || stop.load(Ordering::Acquire) || driver.is_abandoned());
    }
}
