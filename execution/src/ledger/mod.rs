//! The ledger: judges, seals, commits and serves blocks for consensus.
//!
//! Owns: the newest final state, the tree of executed blocks above it, and every write to the chain database.
//! Never does: wait, read a clock, decide finality.
//!
//! Invariants:
//! - A verdict never changes: a digest that was judged valid or invalid is so again.
//! - "Not yet" ([`Verdict::MissingParent`]) is never remembered.
//! - A commit is one atomic synced batch; what the mempool, observers and consensus hear of it comes afterwards.
//! - Old blocks go by a mark in that batch, which costs a commit nothing that grows with them.

mod commit;
mod driver;
mod evidence;
mod judge;
mod seal;
mod serve;
pub mod thread;

pub use commit::Finality;
pub use driver::{LedgerDriver, LedgerRings, Turn};
pub use seal::SealParts;

use crate::Workers;
use crate::admitted::AdmittedTransactions;
use crate::block::Execution;
use crate::chain::{self, ChainReader};
use crate::overlay::{ExecutedBlock, OverlayTree};
use crate::trie::StateTrie;
use minuet_core::genesis::Genesis;
use minuet_core::header::BlockHeader;
use minuet_core::messages::{StateNotice, Verdict};
use minuet_core::store::{Store, StoreError};
use minuet_core::transaction::Transaction;
use minuet_core::{Digest, Height};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// Invalid digests remembered, so that a repeated request costs nothing.
const MAX_INVALID_REMEMBERED: usize = 1024;

/// What stops the ledger, and with it the node.
#[derive(Debug, Error)]
pub enum LedgerError {
    /// The store failed (D-FAIL-STOP).
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Consensus asked for something that contradicts what is final or executed here: a bug, or a fork.
    #[error("commit refused, nothing was written: {0}")]
    Commit(CommitRefusal),
}

/// Why a commit cannot be what consensus means.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CommitRefusal {
    /// The finalization is not of the last block.
    #[error("the finalization is of {finalization}, the chain ends with {last:?}")]
    WrongFinalization {
        /// Its digest.
        finalization: Digest,
        /// The last block of the request.
        last: Option<Digest>,
    },
    /// Never judged valid or sealed here.
    #[error("block {0} has not been executed here")]
    NotExecuted(Digest),
    /// Not on the newest final block.
    #[error("block {digest} does not extend the chain, whose newest final block is {tip} at height {height}")]
    NotExtending {
        /// The block that does not fit.
        digest: Digest,
        /// Newest final block.
        tip: Digest,
        /// Its height.
        height: Height,
    },
}

/// Local settings.
#[derive(Clone, Copy, Debug)]
pub struct LedgerOptions {
    /// Where signatures are checked and nodes are hashed.
    pub workers: Workers,
    /// Blocks that are kept below the newest final one; 0 keeps everything.
    pub retain_blocks: u64,
    /// Executed blocks that are kept above it, unless the rules call more of them final. Non-empty ones are few (rule R12); an
    /// empty one takes about a kilobyte.
    pub most_unfinalized: usize,
}

impl Default for LedgerOptions {
    fn default() -> Self {
        Self { workers: Workers::default(), retain_blocks: 0, most_unfinalized: 65_536 }
    }
}

/// The chain's constants that execution needs.
#[derive(Clone, Copy, Debug)]
struct Rules {
    chain_id: u64,
    genesis: Digest,
    block_gas_limit: u64,
}

/// The executed chain: final state, executed blocks, store.
pub struct Ledger {
    store: Arc<dyn Store>,
    reader: ChainReader,
    workers: Workers,
    rules: Rules,
    tip: Arc<BlockHeader>,
    /// The lowest height whose block is kept; 0 while everything is.
    oldest: Height,
    retain_blocks: u64,
    most_unfinalized: usize,
    state: StateTrie,
    tree: OverlayTree,
    admitted: AdmittedTransactions,
    invalid: BTreeMap<Digest, String>,
    invalid_order: VecDeque<Digest>,
    signatures_checked: u64,
    mismatches: u64,
    /// How long the state root of the block that was executed last took, until somebody asks.
    root_us: Option<u64>,
    evidence: evidence::Counts,
}

impl fmt::Debug for Ledger {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (height, unfinalized) = (self.tip.height(), self.tree.len());
        out.debug_struct("Ledger").field("height", &height).field("unfinalized", &unfinalized).finish_non_exhaustive()
    }
}

/// A verdict, and what the mempool is to hear before it is given.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// For consensus.
    pub verdict: Verdict,
    /// For the mempool; for newly executed blocks with transactions only.
    pub notice: Option<StateNotice>,
}

impl Ledger {
    /// Opens the stored chain, or writes its genesis into an empty store.
    ///
    /// # Errors
    /// Another chain's data ([`StoreError::Mismatch`]), damaged data ([`StoreError::Corrupt`]), a failing store.
    pub fn open(store: Arc<dyn Store>, genesis: &Genesis, options: LedgerOptions) -> Result<Self, StoreError> {
        let opened = chain::open(&*store, genesis, options.workers)?;
        let evidence = evidence::count(&*store)?;
        Ok(Self {
            reader: ChainReader::new(Arc::clone(&store)),
            store,
            workers: options.workers,
            rules: Rules {
                chain_id: genesis.chain_id(),
                genesis: genesis.digest(),
                block_gas_limit: genesis.fees().block_gas_limit,
            },
            tip: opened.tip,
            oldest: opened.oldest,
            retain_blocks: options.retain_blocks,
            most_unfinalized: options.most_unfinalized,
            state: opened.state,
            tree: OverlayTree::default(),
            admitted: AdmittedTransactions::default(),
            invalid: BTreeMap::new(),
            invalid_order: VecDeque::new(),
            signatures_checked: 0,
            mismatches: 0,
            root_us: None,
            evidence,
        })
    }

    /// Header of the newest final block.
    #[must_use]
    pub const fn tip(&self) -> &Arc<BlockHeader> {
        &self.tip
    }

    /// A reader of the final chain, for any thread.
    #[must_use]
    pub const fn reader(&self) -> &ChainReader {
        &self.reader
    }

    /// The state after the newest final block.
    #[must_use]
    pub const fn state(&self) -> &StateTrie {
        &self.state
    }

    /// Executed blocks that are not final.
    #[must_use]
    pub const fn unfinalized(&self) -> &OverlayTree {
        &self.tree
    }

    /// Signatures checked since start; those known from admission are not among them.
    #[must_use]
    pub const fn signatures_checked(&self) -> u64 {
        self.signatures_checked
    }

    /// Blocks since start whose execution here gave another gas or root than their header says.
    #[must_use]
    pub const fn mismatches(&self) -> u64 {
        self.mismatches
    }

    /// How long the newest execution's state root took, by the clock that it was given; once for each execution.
    pub fn take_root_us(&mut self) -> Option<u64> {
        self.root_us.take()
    }

    /// Remembers a transaction that the mempool has admitted: its signature is not checked again in a block.
    pub fn admit(&mut self, transaction: Arc<Transaction>) {
        self.admitted.insert(transaction);
    }

    /// Header and state of an executed or the newest final block.
    fn parent(&self, digest: &Digest) -> Option<(Arc<BlockHeader>, StateTrie)> {
        if *digest == self.tip.digest() {
            return Some((Arc::clone(&self.tip), self.state.clone()));
        }
        let parent = self.tree.get(digest)?;
        Some((Arc::clone(parent.block.header()), parent.execution.state.clone()))
    }

    /// Keeps an executed block; the mempool hears of it if it has transactions.
    fn keep(&mut self, block: minuet_core::block::Block, execution: Execution) -> Option<StateNotice> {
        let kept = self.tree.insert(ExecutedBlock { block, execution });
        let header = kept.block.header();
        (!kept.execution.marks.is_empty()).then(|| StateNotice::Executed {
            digest: header.digest(),
            parent: header.parent(),
            height: header.height(),
            transactions: Arc::clone(&kept.execution.marks),
        })
    }

    fn remember_invalid(&mut self, digest: Digest, reason: String) {
        if self.invalid.insert(digest, reason).is_none() {
            self.invalid_order.push_back(digest);
        }
        if self.invalid_order.len() > MAX_INVALID_REMEMBERED
            && let Some(oldest) = self.invalid_order.pop_front()
        {
            self.invalid.remove(&oldest);
        }
    }
}
