//! The node's vital signs as atomics: written by the services, read by anyone, never locked.

use crate::rejection::Rejections;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

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

/// Everything that a status line shows.
#[derive(Debug, Default)]
pub struct NodeStatus {
    /// consensus: the current view.
    pub view: Gauge,
    /// consensus: the view of the newest block known to be final.
    pub finalized_view: Gauge,
    /// consensus: certified nullified views since start.
    pub nullified_views: Gauge,
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
    /// p2p: peers whose handshake is done.
    pub peers: Gauge,
    /// p2p: bytes received and sent since start.
    pub bytes_received: Gauge,
    /// p2p: bytes sent since start.
    pub bytes_sent: Gauge,
    /// journal: duration of the newest sync, microseconds.
    pub journal_sync_us: Gauge,
    /// node: bytes that the data directory's file system has left; 0 until it was asked.
    pub disk_free_bytes: Gauge,
    /// node: that is below what the configuration calls low.
    pub low_disk: AtomicBool,
    /// Set once the node is shutting down.
    pub stopping: AtomicBool,
}
