//! A bounded memory of what left the pool without becoming final, and why.

use minuet_core::alloy_primitives::map::B256Map;
use minuet_core::{TxHash, U256};
use std::collections::VecDeque;
use std::fmt;

/// Why a transaction left the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DropReason {
    /// The sender offered more for another one.
    Replaced(TxHash),
    /// The pool was full.
    Evicted,
    /// The account's balance fell.
    CannotPay { balance: U256, needed: U256 },
    /// Another transaction took its place in the chain.
    NonceUsed { nonce: u64 },
}

impl fmt::Display for DropReason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replaced(by) => write!(out, "replaced by {by}, which has the same nonce and pays more"),
            Self::Evicted => out.write_str("evicted: the pool was full of better-paying transactions; send it again"),
            Self::CannotPay { balance, needed } => {
                write!(out, "the account's balance fell to {balance} wei, its transactions can cost {needed} wei")
            }
            Self::NonceUsed { nonce } => write!(out, "another transaction with nonce {nonce} became final"),
        }
    }
}

/// The newest drops.
#[derive(Debug)]
pub(super) struct Dropped {
    limit: usize,
    order: VecDeque<(TxHash, u64)>,
    reasons: B256Map<(u64, DropReason)>,
    count: u64,
}

impl Dropped {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, order: VecDeque::new(), reasons: B256Map::default(), count: 0 }
    }

    pub(super) fn remember(&mut self, hash: TxHash, reason: DropReason) {
        self.count += 1;
        self.reasons.insert(hash, (self.count, reason));
        self.order.push_back((hash, self.count));
        while self.order.len() > self.limit {
            let Some((oldest, number)) = self.order.pop_front() else { break };
            // It may have been dropped again since: then a later place in the order is its.
            if self.reasons.get(&oldest).is_some_and(|(newest, _)| *newest == number) {
                self.reasons.remove(&oldest);
            }
        }
    }

    /// It is back in the pool.
    pub(super) fn forget(&mut self, hash: &TxHash) {
        self.reasons.remove(hash);
    }

    pub(super) fn reason(&self, hash: &TxHash) -> Option<DropReason> {
        self.reasons.get(hash).map(|(_, reason)| *reason)
    }
}
