//! What unfinalized blocks contain, as far as the ledger has executed them.

use minuet_core::alloy_primitives::map::{AddressMap, B256Map, B256Set};
use minuet_core::messages::{Branch, TransactionMark};
use minuet_core::{Digest, Height, TxHash, U256};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// What a branch's blocks did to a sender.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Touched {
    /// Its next nonce.
    pub(super) next: u64,
    /// What it paid, in wei.
    pub(super) spent: U256,
}

/// A branch as selection sees it, over the finalized state. Out of date once blocks become final.
#[derive(Clone, Debug)]
pub struct Overlay {
    pub(super) base_fee: u64,
    /// Never iterated where the order could be seen.
    pub(super) touched: AddressMap<Touched>,
}

#[derive(Debug)]
struct ExecutedBlock {
    parent: Digest,
    height: Height,
    transactions: Arc<[TransactionMark]>,
}

/// The executed blocks that are neither final nor known to have lost, and the newest final ones' names.
#[derive(Debug)]
pub(super) struct Branches {
    blocks: B256Map<ExecutedBlock>,
    by_height: BTreeSet<(Height, Digest)>,
    included: B256Map<(Digest, Height)>,
    /// The transactions of the blocks that are becoming final.
    settling: B256Set,
    final_height: Height,
    finals: B256Set,
    final_order: VecDeque<Digest>,
    final_limit: usize,
}

impl Branches {
    pub(super) fn new(final_limit: usize) -> Self {
        Self {
            blocks: B256Map::default(),
            by_height: BTreeSet::new(),
            included: B256Map::default(),
            settling: B256Set::default(),
            final_height: Height::GENESIS,
            finals: B256Set::default(),
            final_order: VecDeque::new(),
            final_limit,
        }
    }

    pub(super) fn execute(
        &mut self,
        digest: Digest,
        parent: Digest,
        height: Height,
        transactions: Arc<[TransactionMark]>,
    ) {
        // A block at a final height is final already or has lost: nobody builds on it.
        if height <= self.final_height || self.blocks.contains_key(&digest) {
            return;
        }
        self.included.extend(transactions.iter().map(|mark| (mark.hash, (digest, height))));
        self.by_height.insert((height, digest));
        self.blocks.insert(digest, ExecutedBlock { parent, height, transactions });
    }

    /// Remembers final blocks. Call [`Branches::prune`] when their transactions have been looked at.
    pub(super) fn finalize(&mut self, blocks: &[Digest]) {
        for digest in blocks {
            if let Some(block) = self.blocks.get(digest) {
                self.settling.extend(block.transactions.iter().map(|mark| mark.hash));
            }
            if self.finals.insert(*digest) {
                self.final_order.push_back(*digest);
            }
        }
        while self.final_order.len() > self.final_limit {
            let Some(oldest) = self.final_order.pop_front() else { break };
            self.finals.remove(&oldest);
        }
    }

    /// Forgets all blocks up to the final height, final ones and losers alike, and those that are known to stand on a
    /// loser. A loser behind a block without transactions goes when its own height is final.
    pub(super) fn prune(&mut self, height: Height) {
        self.settling.clear();
        self.final_height = self.final_height.max(height);
        let mut losers = B256Set::default();
        let mut gone = Vec::new();
        for (height, digest) in &self.by_height {
            let stands_on_loser = self.blocks.get(digest).is_some_and(|block| losers.contains(&block.parent));
            if *height > self.final_height && !stands_on_loser {
                continue;
            }
            if !self.finals.contains(digest) {
                losers.insert(*digest);
            }
            gone.push((*height, *digest));
        }
        for (height, digest) in gone {
            self.by_height.remove(&(height, digest));
            let Some(block) = self.blocks.remove(&digest) else { continue };
            for mark in block.transactions.iter() {
                if self.included.get(&mark.hash) == Some(&(digest, block.height)) {
                    self.included.remove(&mark.hash);
                }
            }
        }
    }

    /// The unfinalized block that holds this transaction; the newest executed if there are several.
    pub(super) fn including(&self, hash: &TxHash) -> Option<(Digest, Height)> {
        self.included.get(hash).copied()
    }

    /// Whether the transaction stands in a block that is becoming final.
    pub(super) fn is_settling(&self, hash: &TxHash) -> bool {
        self.settling.contains(hash)
    }

    /// The branch's effect; `None` while one of its blocks is neither executed here nor known to be final.
    pub(super) fn overlay(&self, branch: &Branch) -> Option<Overlay> {
        let mut touched: AddressMap<Touched> = AddressMap::default();
        for digest in &branch.with_transactions {
            if self.finals.contains(digest) {
                continue;
            }
            for mark in self.blocks.get(digest)?.transactions.iter() {
                let sender = touched.entry(mark.sender).or_default();
                sender.next = sender.next.max(mark.nonce.saturating_add(1));
                sender.spent = sender.spent.saturating_add(mark.spent);
            }
        }
        Some(Overlay { base_fee: branch.base_fee, touched })
    }
}
