//! The tree of executed blocks that are not final yet. Its root is the newest final block.
//!
//! Each block has its whole state as a [`StateTrie`](crate::trie::StateTrie) that shares all but its own changes with
//! its parent's, so an account is looked up in one walk, however deep the block lies.
//!
//! Invariants: every block's parent is the root or in the tree; after a block became final, only its descendants remain.

use crate::block::Execution;
use minuet_core::Digest;
use minuet_core::block::Block;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A block with what executing it gave.
#[derive(Clone, Debug)]
pub struct ExecutedBlock {
    /// Header and body.
    pub block: Block,
    /// Its outcome, equal to what the header claims.
    pub execution: Execution,
}

/// Executed blocks by digest.
#[derive(Debug, Default)]
pub struct OverlayTree {
    blocks: BTreeMap<Digest, Arc<ExecutedBlock>>,
}

/// Why a chain of blocks cannot become final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainGap {
    /// Not executed here.
    Unknown(Digest),
    /// Its parent is not the block before it.
    NotLinked(Digest),
}

impl OverlayTree {
    /// The executed block.
    #[must_use]
    pub fn get(&self, digest: &Digest) -> Option<&Arc<ExecutedBlock>> {
        self.blocks.get(digest)
    }

    /// How many blocks.
    #[must_use]
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Adds an executed block, whose parent is the root or in the tree.
    pub fn insert(&mut self, block: ExecutedBlock) -> Arc<ExecutedBlock> {
        let block = Arc::new(block);
        self.blocks.insert(block.block.digest(), Arc::clone(&block));
        block
    }

    /// These blocks, oldest first, if they form one chain on `root`.
    ///
    /// # Errors
    /// The first block that is missing or not linked.
    pub fn chain(&self, root: Digest, digests: &[Digest]) -> Result<Vec<Arc<ExecutedBlock>>, ChainGap> {
        let mut parent = root;
        let mut chain = Vec::with_capacity(digests.len());
        for digest in digests {
            let block = self.blocks.get(digest).ok_or(ChainGap::Unknown(*digest))?;
            if block.block.header().parent() != parent {
                return Err(ChainGap::NotLinked(*digest));
            }
            parent = *digest;
            chain.push(Arc::clone(block));
        }
        Ok(chain)
    }

    /// Makes `root` the root: keeps its descendants only.
    pub fn finalize(&mut self, root: Digest) {
        let mut ascending: Vec<Arc<ExecutedBlock>> = std::mem::take(&mut self.blocks).into_values().collect();
        ascending.sort_by_key(|block| block.block.header().height());
        for block in ascending {
            let parent = block.block.header().parent();
            if parent == root || self.blocks.contains_key(&parent) {
                self.blocks.insert(block.block.digest(), block);
            }
        }
    }
}
