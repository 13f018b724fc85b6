//! A ring's counters, for observers. Each is written by one end only, so counting needs no locked instruction.

use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam::utils::CachePadded;

use super::WhenFull;

#[derive(Debug, Default)]
struct SenderSide {
    sent: AtomicU64,
    dropped: AtomicU64,
    full: AtomicU64,
}

#[derive(Debug, Default)]
struct ReceiverSide {
    received: AtomicU64,
}

/// Shared by both ends and any observer; all reads are approximate while the ring is in use.
#[derive(Debug)]
pub struct RingStats {
    name: &'static str,
    capacity: usize,
    when_full: WhenFull,
    sender: CachePadded<SenderSide>,
    receiver: CachePadded<ReceiverSide>,
}

/// The counters at one moment. All count messages since the ring was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingSnapshot {
    pub sent: u64,
    pub received: u64,
    /// Messages given up by [`Sender::send_or_drop`](super::Sender::send_or_drop).
    pub dropped: u64,
    /// Attempts that found the ring full, dropped or not.
    pub full: u64,
}

/// Only the one owner of the counter calls this, so load and store need not be one operation.
fn bump(counter: &AtomicU64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
}

impl RingStats {
    pub(super) fn new(name: &'static str, capacity: usize, when_full: WhenFull) -> Self {
        Self { name, capacity, when_full, sender: CachePadded::default(), receiver: CachePadded::default() }
    }

    pub(super) fn count_sent(&self) {
        bump(&self.sender.sent);
    }

    pub(super) fn count_dropped(&self) {
        bump(&self.sender.dropped);
    }

    pub(super) fn count_full(&self) {
        bump(&self.sender.full);
    }

    pub(super) fn count_received(&self) {
        bump(&self.receiver.received);
    }

    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    #[must_use]
    pub fn when_full(&self) -> WhenFull {
        self.when_full
    }

    #[must_use]
    pub fn snapshot(&self) -> RingSnapshot {
        RingSnapshot {
            sent: self.sender.sent.load(Ordering::Relaxed),
            received: self.receiver.received.load(Ordering::Relaxed),
            dropped: self.sender.dropped.load(Ordering::Relaxed),
            full: self.sender.full.load(Ordering::Relaxed),
        }
    }

    /// How many messages are in the ring, about; never above its capacity.
    #[must_use]
    pub fn depth(&self) -> usize {
        let snapshot = self.snapshot();
        let depth = snapshot.sent.saturating_sub(snapshot.received);
        usize::try_from(depth).unwrap_or(usize::MAX).min(self.capacity)
    }
}
