//! Execution of blocks, the states of unfinalized blocks, the state root, and the chain as it is stored.
//!
//! Owns: what a transaction does to accounts ([`transfer`], [`block`]), the state trie ([`trie`]), the tree of executed
//! unfinalized blocks ([`overlay`]), the ledger service that judges, seals, commits and serves blocks ([`ledger`]), and
//! every key and value format of the chain database ([`chain`]).
//! Never does: decide what becomes final, check a header's consensus fields (height, base fee, beneficiary, time, views:
//! consensus does, before it asks), or show anything that is not durable.
//!
//! Invariants:
//! - A block's outcome is a function of its parent's state, its header and its transactions alone.
//! - What is final is written in one atomic, synced batch, and only then told to anyone (D-ACK).
//! - A failing store ends the service (D-FAIL-STOP).

pub mod admitted;
pub mod block;
pub mod chain;
pub mod ledger;
pub mod overlay;
pub mod state;
pub mod transfer;
pub mod trie;

pub use chain::ChainReader;
pub use ledger::{Ledger, LedgerDriver, LedgerError, LedgerOptions, LedgerRings, Turn};

/// Where parallel work (signatures, hashing) is done. The outcome is the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Workers {
    /// On the calling thread: deterministic simulation.
    Inline,
    /// On the rayon pool as well.
    #[default]
    Rayon,
}

/// From this many accounts on, they are read, written and hashed by several workers: for fewer, waking them costs more.
const SHARED_FROM: usize = 1_536;

impl Workers {
    /// Who does the work on so many accounts.
    pub(crate) const fn for_accounts(self, count: usize) -> Self {
        if count < SHARED_FROM { Self::Inline } else { self }
    }
}
