//! Transactions that the mempool has admitted: decoded, fields, key and signature checked. Keyed by the keccak256 of the
//! envelope, which binds the signature, so that a block's envelope found here needs no second check.
//!
//! Invariant: bounded in count and in bytes; the oldest go first.

use minuet_core::TxHash;
use minuet_core::alloy_primitives::map::B256Map;
use minuet_core::transaction::Transaction;
use std::collections::VecDeque;
use std::sync::Arc;

/// Transactions kept at most.
pub const MAX_ADMITTED: usize = 200_000;
/// Envelope bytes kept at most.
pub const MAX_ADMITTED_BYTES: usize = 128 * 1024 * 1024;

/// A bounded map from hash to transaction.
#[derive(Debug)]
pub struct AdmittedTransactions {
    by_hash: B256Map<Arc<Transaction>>,
    /// In order of arrival. A removed transaction leaves its hash here until it is the oldest.
    order: VecDeque<TxHash>,
    bytes: usize,
    max_count: usize,
    max_bytes: usize,
}

impl Default for AdmittedTransactions {
    fn default() -> Self {
        Self::bounded(MAX_ADMITTED, MAX_ADMITTED_BYTES)
    }
}

impl AdmittedTransactions {
    /// With other bounds.
    #[must_use]
    pub fn bounded(max_count: usize, max_bytes: usize) -> Self {
        Self { by_hash: B256Map::default(), order: VecDeque::new(), bytes: 0, max_count, max_bytes }
    }

    /// Remembers a transaction whose signature has been checked.
    pub fn insert(&mut self, transaction: Arc<Transaction>) {
        let (hash, bytes) = (transaction.hash(), transaction.encoded_length());
        if self.by_hash.insert(hash, transaction).is_some() {
            return;
        }
        self.bytes = self.bytes.saturating_add(bytes);
        self.order.push_back(hash);
        while self.order.len() > self.max_count || self.bytes > self.max_bytes {
            let Some(oldest) = self.order.pop_front() else { break };
            self.remove(&oldest);
        }
    }

    /// The transaction with this hash, if it is remembered.
    #[must_use]
    pub fn get(&self, hash: &TxHash) -> Option<&Arc<Transaction>> {
        self.by_hash.get(hash)
    }

    /// Forgets a transaction.
    pub fn remove(&mut self, hash: &TxHash) {
        if let Some(gone) = self.by_hash.remove(hash) {
            self.bytes = self.bytes.saturating_sub(gone.encoded_length());
        }
    }

    /// How many are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_hash.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_hash.is_empty()
    }
}

#[cfg(test)]
mod tests;
