//! The node's vital signs as atomics: written by the services, read by anyone, never locked.
//!
//! Invariant: writing any of them neither allocates nor waits, so that the services are as fast unobserved as observed.

use crate::Height;
use crate::mempool_errors::Refusals;
use crate::rejection::Rejections;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};

/// One number that one service writes and anybody reads. Relaxed: each value is true by itself only.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    /// The newest value.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
    /// Replaces the value.
    pub fn set(&self, value: u64) {
        self.0.store(value, Relaxed);
    }
    /// Adds to the value.
    pub fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Relaxed);
    }
}

/// Durations that wait for an observer.
const SAMPLES: usize = 1024;

/// Durations on their way from one service to one observer: a ring of fixed size. What finds it full is lost and counted,
/// so that nothing is lost in silence and a service without an observer pays next to nothing.
///
/// One thread may record and one may drain at a time; with more of them samples would be lost or counted twice, never
/// anything worse.
#[derive(Debug)]
pub struct Samples {
    /// Microseconds; 71 minutes at most.
    slots: Box<[AtomicU32]>,
    recorded: AtomicU64,
    drained: AtomicU64,
    lost: AtomicU64,
}

impl Default for Samples {
    fn default() -> Self {
        Self {
            slots: (0..SAMPLES).map(|_| AtomicU32::new(0)).collect(),
            recorded: AtomicU64::new(0),
            drained: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        }
    }
}

impl Samples {
    fn slot(&self, number: u64) -> &AtomicU32 {
        // The remainder is below the length, which a usize holds.
        &self.slots[(number % SAMPLES as u64) as usize]
    }

    /// The service's side: one more.
    pub fn record(&self, duration_us: u64) {
        let number = self.recorded.load(Relaxed);
        if number.saturating_sub(self.drained.load(Acquire)) >= SAMPLES as u64 {
            self.lost.store(self.lost.load(Relaxed).saturating_add(1), Relaxed);
            return;
        }
        self.slot(number).store(u32::try_from(duration_us).unwrap_or(u32::MAX), Relaxed);
        self.recorded.store(number.saturating_add(1), Release);
    }

    /// The observer's side: takes what has come since the last time, in microseconds, oldest first.
    pub fn drain(&self, mut each: impl FnMut(u64)) {
        let end = self.recorded.load(Acquire);
        for number in self.drained.load(Relaxed)..end {
            each(u64::from(self.slot(number).load(Relaxed)));
        }
        self.drained.store(end, Release);
    }

    /// How many found the ring full since start.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Relaxed)
    }
}

/// Statements of this validator against views, by the rule that asked for them.
#[derive(Debug, Default)]
pub struct Nullifications {
    /// R4: the view took too long.
    pub timeout: Gauge,
    /// R5: the view was seen to contradict this validator's vote.
    pub contradiction: Gauge,
    /// R14: the committee is further on.
    pub skip: Gauge,
}

/// How long things took, for one observer.
#[derive(Debug, Default)]
pub struct Times {
    /// api: from a block's own time to stored here; of blocks that were not fetched from far behind.
    pub finality: Samples,
    /// ledger: executing a block, its signatures and roots included.
    pub execution: Samples,
    /// ledger: its state root alone.
    pub state_root: Samples,
    /// ledger: one batch written to the database, synced.
    pub batch: Samples,
    /// journal: one sync.
    pub journal_sync: Samples,
}

/// Blocks at most so far below the highest that a peer has proven were not fetched from far behind.
const NEAR_BLOCKS: u64 = 8;

impl NodeStatus {
    /// Whether a block that is final now says something about finality: one that is fetched from far behind does not.
    #[must_use]
    pub fn is_near_tip(&self, height: Height) -> bool {
        self.known_height.get() <= height.0.saturating_add(NEAR_BLOCKS)
    }
}

/// Everything that a status line shows.
#[derive(Debug, Default)]
pub struct NodeStatus {
    /// consensus: the current view.
    pub view: Gauge,
    /// consensus: the view of the newest block that is stored as final.
    pub finalized_view: Gauge,
    /// consensus: certified nullified views since start.
    pub nullified_views: Gauge,
    /// consensus: views that this validator spoke against since start.
    pub nullifications: Nullifications,
    /// consensus: pairs of votes of one key in one view, both genuine, since start.
    pub equivocations: Gauge,
    /// consensus: blocks proposed by this validator since start.
    pub proposed_blocks: Gauge,
    /// consensus: the view timeout Δ now, in milliseconds.
    pub delta_ms: Gauge,
    /// consensus: messages of peers refused since start, by reason.
    pub rejections: Rejections,
    /// consensus: the highest finalized height that any peer has proven; for lag.
    pub known_height: Gauge,
    /// ledger: height of the newest stored final block.
    pub height: Gauge,
    /// ledger: its time in Unix milliseconds.
    pub block_time_ms: Gauge,
    /// ledger: its base fee.
    pub base_fee: Gauge,
    /// ledger: blocks made final since start.
    pub finalized_blocks: Gauge,
    /// ledger: gas that they used.
    pub finalized_gas: Gauge,
    /// ledger: blocks whose execution here gave another gas or root than their header says, since start.
    pub state_root_mismatches: Gauge,
    /// ledger: transactions made final since start.
    pub finalized_transactions: Gauge,
    /// ledger: duration of the newest commit, microseconds.
    pub commit_us: Gauge,
    /// ledger: pieces of evidence stored.
    pub evidence: Gauge,
    /// mempool: executable transactions.
    pub pending: Gauge,
    /// mempool: transactions behind a nonce gap.
    pub queued: Gauge,
    /// mempool: bytes of all.
    pub pool_bytes: Gauge,
    /// mempool: bytes of the pool log; 0 without one.
    pub pool_log_bytes: Gauge,
    /// mempool: admitted since start.
    pub admitted: Gauge,
    /// mempool: refused since start.
    pub refused: Gauge,
    /// mempool: the same, by reason.
    pub refusals: Refusals,
    /// mempool: put out for better-paying ones since start.
    pub evicted: Gauge,
    /// p2p: peers whose handshake is done.
    pub peers: Gauge,
    /// p2p: bytes received and sent since start.
    pub bytes_received: Gauge,
    /// p2p: bytes sent since start.
    pub bytes_sent: Gauge,
    /// journal: duration of the newest sync, microseconds.
    pub journal_sync_us: Gauge,
    /// journal: failures since start; the first one stops the node.
    pub journal_failures: Gauge,
    /// How long things took.
    pub times: Times,
    /// node: bytes that the data directory's file system has left; 0 until it was asked.
    pub disk_free_bytes: Gauge,
    /// node: that is below what the configuration calls low.
    pub low_disk: AtomicBool,
    /// Set once the node is shutting down.
    pub stopping: AtomicBool,
}

#[cfg(test)]
mod tests;
