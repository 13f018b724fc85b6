//! What becomes final, as one sequence without gaps: fed by the ledger's ring, completed from the store.
//!
//! The ring drops its newest message when full. A jump in heights or the ring's drop counter shows it, and the missing
//! blocks are read back, so that waiters and subscribers see every block once.

use crate::convert::{FinalEntry, read_block};
use crate::finality::{FinalitySummary, FinalityWindow};
use crate::refusal::inconsistent;
use crate::source::ChainSource;
use crate::waiters::Waiters;
use minuet_core::Height;
use minuet_core::messages::FinalizedBlock;
use minuet_core::ring::{AsyncWaiter, Doorbell, Receiver};
use minuet_core::spans;
use minuet_core::status::NodeStatus;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, watch};
use tonic::Status;

/// Blocks taken from the ring before other tasks have a turn.
const TURN: usize = 32;

/// The waiting half of the bell that the ring of final blocks rings.
#[derive(Debug)]
pub struct FinalizedBell {
    waiter: AsyncWaiter,
    permit: Arc<Notify>,
}

/// The bell for the ring of final blocks: the first half makes the ring, the second goes into
/// [`RpcContext`](crate::RpcContext).
#[must_use]
pub fn finalized_bell() -> (Doorbell, FinalizedBell) {
    let permit = Arc::new(Notify::new());
    let hook = Arc::clone(&permit);
    let (bell, waiter) = Doorbell::from_fn(Arc::new(move || hook.notify_one()));
    (bell, FinalizedBell { waiter, permit })
}

#[derive(Debug, Default)]
struct Recent {
    /// Consecutive heights, ascending.
    blocks: VecDeque<Arc<FinalEntry>>,
    bytes: usize,
}

/// The newest final blocks and everybody who follows them.
pub struct Feed {
    chain: Arc<dyn ChainSource>,
    status: Arc<NodeStatus>,
    recent: Mutex<Recent>,
    max_recent_blocks: usize,
    max_recent_bytes: usize,
    tip: watch::Sender<Height>,
    finality: Mutex<FinalityWindow>,
    recovered: AtomicU64,
    /// Calls that wait for a transaction.
    pub waiters: Waiters,
}

impl Feed {
    /// A feed that goes on after `tip`. At most `limits` = (blocks, bytes of memory) are kept in memory.
    pub fn new(chain: Arc<dyn ChainSource>, status: Arc<NodeStatus>, tip: Height, limits: (usize, usize)) -> Self {
        Self {
            chain,
            status,
            recent: Mutex::default(),
            max_recent_blocks: limits.0,
            max_recent_bytes: limits.1,
            tip: watch::Sender::new(tip),
            finality: Mutex::default(),
            recovered: AtomicU64::new(0),
            waiters: Waiters::default(),
        }
    }

    /// Follows the newest height; each height up to it can be read with [`Feed::entry`].
    pub fn subscribe(&self) -> watch::Receiver<Height> {
        self.tip.subscribe()
    }

    /// Percentiles over recent blocks.
    pub fn finality(&self) -> FinalitySummary {
        self.finality.lock().unwrap_or_else(PoisonError::into_inner).summary()
    }

    /// Blocks whose announcement was lost.
    pub fn recovered(&self) -> u64 {
        self.recovered.load(Relaxed)
    }

    /// The block at a height that is final, from memory or from the store; `None` if it is not final yet.
    pub async fn entry(&self, height: Height) -> Result<Option<Arc<FinalEntry>>, Status> {
        if let Some(entry) = self.remembered(height) {
            return Ok(Some(entry));
        }
        let chain = Arc::clone(&self.chain);
        let read = tokio::task::spawn_blocking(move || read_block(chain.as_ref(), height)).await;
        let entry = read.map_err(|_| inconsistent(format_args!("block {height} cannot be read")))??;
        Ok(entry.map(Arc::new))
    }

    /// The block, if it is in memory.
    pub fn remembered(&self, height: Height) -> Option<Arc<FinalEntry>> {
        let recent = self.lock_recent();
        let first = recent.blocks.front()?.header.height().0;
        let index = usize::try_from(height.0.checked_sub(first)?).ok()?;
        recent.blocks.get(index).cloned()
    }

    fn lock_recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, entry: Arc<FinalEntry>) {
        let mut recent = self.lock_recent();
        recent.bytes = recent.bytes.saturating_add(entry.memory_bytes());
        recent.blocks.push_back(entry);
        while recent.blocks.len() > self.max_recent_blocks || recent.bytes > self.max_recent_bytes {
            let Some(oldest) = recent.blocks.pop_front() else { break };
            recent.bytes = recent.bytes.saturating_sub(oldest.memory_bytes());
        }
    }

    /// Tells everybody. Called with consecutive heights only.
    fn publish(&self, entry: FinalEntry) {
        let entry = Arc::new(entry);
        let height = entry.header.height();
        if let Some(finality_us) = entry.finality_us().filter(|_| self.status.is_near_tip(height)) {
            self.finality.lock().unwrap_or_else(PoisonError::into_inner).record(finality_us);
            self.status.times.finality.record(finality_us);
        }
        self.remember(Arc::clone(&entry));
        let (view, count) = (entry.header.view().0, entry.transactions.len() as u64);
        tracing::trace!(name: spans::TOLD, target: spans::TARGET, view, count);
        self.tip.send_replace(height);
        self.waiters.finalized(height, entry.transactions.iter().map(|transaction| transaction.hash()));
    }

    /// Reads back what is missing up to `height`; false if the store does not give it (now).
    async fn recover_through(&self, height: Height) -> bool {
        loop {
            let next = self.tip.borrow().next();
            if next > height {
                return true;
            }
            match self.entry(next).await {
                Ok(Some(entry)) => {
                    self.recovered.fetch_add(1, Relaxed);
                    self.publish(FinalEntry::clone(&entry));
                }
                Ok(None) => {
                    tracing::warn!(height = next.0, "an announced block is not in the store yet");
                    return false;
                }
                Err(error) => {
                    tracing::error!(height = next.0, error = error.message(), "a missed final block cannot be read");
                    return false;
                }
            }
        }
    }

    async fn accept(&self, block: FinalizedBlock) {
        let height = block.header.height();
        if height <= *self.tip.borrow() {
            return;
        }
        // If the store does not give the blocks between, this one waits with them for the next announcement.
        if self.recover_through(Height(height.0.saturating_sub(1))).await {
            self.publish(FinalEntry::from(block));
        }
    }

    /// Drains the ring until its sender is gone.
    pub async fn run(self: Arc<Self>, mut ring: Receiver<FinalizedBlock>, bell: FinalizedBell) {
        let mut dropped_before = 0;
        let mut turn = 0;
        loop {
            while let Some(block) = ring.try_recv() {
                self.accept(block).await;
                turn += 1;
                if turn % TURN == 0 {
                    tokio::task::yield_now().await;
                }
            }
            let dropped = ring.stats().snapshot().dropped;
            if dropped != dropped_before {
                dropped_before = dropped;
                self.catch_up().await;
                continue;
            }
            if ring.is_finished() {
                return;
            }
            if bell.waiter.should_sleep(|| !ring.is_empty() || ring.is_abandoned()) {
                bell.permit.notified().await;
                bell.waiter.awake();
            }
        }
    }

    async fn catch_up(&self) {
        match self.chain.tip() {
            Ok((height, _)) => {
                self.recover_through(height).await;
            }
            Err(error) => tracing::error!(%error, "the chain's tip cannot be read"),
        }
    }
}
