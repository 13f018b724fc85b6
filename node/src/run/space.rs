//! The thread that looks after space: it warns before the disk is full, and gives back the space of blocks that are no
//! longer kept.
//!
//! Never does: stop anything because space is low. What fails to be written stops the node (D-FAIL-STOP), and nothing else.

use super::{End, no_thread, storage};
use crate::exit::Failure;
use minuet_core::status::NodeStatus;
use minuet_storage::RocksStore;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

const CHECK_INTERVAL: Duration = Duration::from_secs(5);
/// Looks between two warnings while nothing changes: ten minutes.
const LOOKS_PER_WARNING: u32 = 120;
/// Retired heights that are worth compacting for.
const RECLAIM_EVERY: u64 = 1000;

/// The running thread.
pub struct SpaceThread {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl SpaceThread {
    /// Waits for the thread's end. A compaction in its hands ends with [`RocksStore::stop_compactions`].
    pub fn stop(self) {
        drop(self.stop);
        if self.thread.join().is_err() {
            tracing::error!("the thread that looks after space panicked");
        }
    }
}

/// Starts it. Space below `low_bytes` is low; 0 never is.
pub fn spawn(
    data_dir: &Path,
    low_bytes: u64,
    store: Arc<RocksStore>,
    status: Arc<NodeStatus>,
    ends: Sender<End>,
) -> Result<SpaceThread, Failure> {
    let (stop, stopped) = channel();
    let watch = DiskWatch { low_bytes, ..DiskWatch::default() };
    let keeper = Keeper { data_dir: data_dir.to_owned(), watch, store, status, reclaimed: 0 };
    let work = move || {
        if let Err(failure) = keeper.run(&stopped) {
            // The receiver is gone only if the node is stopping already.
            let _ = ends.send(End::Failed(failure));
        }
    };
    let thread = std::thread::Builder::new().name("minuet-space".to_owned()).spawn(work);
    Ok(SpaceThread { stop, thread: thread.map_err(|error| no_thread(&error))? })
}

struct Keeper {
    data_dir: PathBuf,
    watch: DiskWatch,
    store: Arc<RocksStore>,
    status: Arc<NodeStatus>,
    /// The number that space was given back up to.
    reclaimed: u64,
}

impl Keeper {
    fn run(mut self, stopped: &Receiver<()>) -> Result<(), Failure> {
        loop {
            self.look();
            self.reclaim()?;
            if stopped.recv_timeout(CHECK_INTERVAL) != Err(RecvTimeoutError::Timeout) {
                return Ok(());
            }
        }
    }

    fn look(&mut self) {
        let place = self.data_dir.display();
        let free = match free_bytes(&self.data_dir) {
            Ok(free) => free,
            Err(error) => {
                tracing::debug!(%place, %error, "how much space is free cannot be asked");
                return;
            }
        };
        let news = self.watch.look(free);
        self.status.disk_free_bytes.set(free);
        self.status.low_disk.store(self.watch.is_low, Ordering::Relaxed);
        let free_mib = free >> 20;
        match news {
            Some(News::Low) => tracing::warn!(
                %place,
                free_mib,
                warns_below_mib = self.watch.low_bytes >> 20,
                "low disk: once it is full the node stops; free some space, or set storage.retain_blocks"
            ),
            Some(News::Enough) => tracing::info!(%place, free_mib, "there is enough disk space again"),
            None => {}
        }
    }

    fn reclaim(&mut self) -> Result<(), Failure> {
        let until = self.store.retired_until();
        if until < self.reclaimed.saturating_add(RECLAIM_EVERY) {
            return Ok(());
        }
        let before = self.store.disk_usage().map_err(|error| storage(&error))?;
        self.store.reclaim().map_err(|error| storage(&error))?;
        let after = self.store.disk_usage().map_err(|error| storage(&error))?;
        self.reclaimed = until;
        let (before_mib, after_mib) = (before >> 20, after >> 20);
        tracing::info!(below_height = until, before_mib, after_mib, "the space of old blocks was given back");
        Ok(())
    }
}

/// What the file system of a directory has left for programs that are not root's.
fn free_bytes(path: &Path) -> std::io::Result<u64> {
    let system = rustix::fs::statvfs(path)?;
    Ok(system.f_bavail.saturating_mul(system.f_frsize))
}

/// What is worth a line in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    Low,
    Enough,
}

/// Says when space becomes low, now and then that it still is, and when it no longer is.
#[derive(Debug, Default)]
struct DiskWatch {
    low_bytes: u64,
    is_low: bool,
    looks_since_warning: u32,
}

impl DiskWatch {
    fn look(&mut self, free: u64) -> Option<News> {
        // A tenth more than that ends it, so that a level that goes up and down does not fill the log.
        let enough = self.low_bytes.saturating_add(self.low_bytes / 10);
        let was_low = self.is_low;
        self.is_low = free < if was_low { enough } else { self.low_bytes };
        self.looks_since_warning += 1;
        let is_due = !was_low || self.looks_since_warning >= LOOKS_PER_WARNING;
        match (was_low, self.is_low) {
            (_, true) if is_due => {
                self.looks_since_warning = 0;
                Some(News::Low)
            }
            (true, false) => Some(News::Enough),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_disk_is_said_once_then_now_and_then_until_it_is_over() {
        let mut watch = DiskWatch { low_bytes: 1000, ..DiskWatch::default() };
        assert_eq!((watch.look(1000), watch.is_low), (None, false));
        assert_eq!((watch.look(999), watch.is_low), (Some(News::Low), true));
        let later: Vec<_> = (0..LOOKS_PER_WARNING * 2).filter_map(|_| watch.look(500)).collect();
        assert_eq!(later, [News::Low, News::Low]);
        assert_eq!((watch.look(1099), watch.is_low), (None, true));
        assert_eq!((watch.look(1100), watch.is_low), (Some(News::Enough), false));
        assert_eq!((watch.look(1000), watch.look(999)), (None, Some(News::Low)));
    }

    #[test]
    fn without_a_limit_nothing_is_low() {
        let mut watch = DiskWatch::default();
        assert_eq!((watch.look(0), watch.is_low), (None, false));
    }

    #[test]
    fn the_system_says_how_much_is_free_and_not_of_what_is_not_there() {
        let place = tempfile::tempdir().unwrap();
        assert!(free_bytes(place.path()).unwrap() > 0);
        assert!(free_bytes(&place.path().join("absent")).is_err());
    }
}
