//! Transactions that the mempool has admitted: decoded, fields, key and signature checked. A block's envelope that is one
//! of theirs, byte for byte, needs no second check and no hash.
//!
//! They are found by the end of the envelope, which is the second half of the signature: 32 bytes that differ between
//! transactions unless somebody wants them to be equal, in which case the newest is kept and the other is checked again.
//!
//! Invariant: bounded in count and in bytes; the oldest go first.

use minuet_core::B256;
use minuet_core::alloy_primitives::map::B256Map;
use minuet_core::transaction::Transaction;
use std::collections::VecDeque;
use std::sync::Arc;

/// Transactions kept at most.
pub const MAX_ADMITTED: usize = 200_000;
/// Envelope bytes kept at most.
pub const MAX_ADMITTED_BYTES: usize = 128 * 1024 * 1024;

/// A bounded map from envelope to transaction.
#[derive(Debug)]
pub struct AdmittedTransactions {
    by_tail: B256Map<Arc<Transaction>>,
    /// In order of arrival. A removed transaction leaves its tail here until it is the oldest.
    order: VecDeque<B256>,
    bytes: usize,
    max_count: usize,
    max_bytes: usize,
}

fn tail(envelope: &[u8]) -> Option<B256> {
    envelope.last_chunk().map(|tail: &[u8; 32]| B256::from(*tail))
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
        Self { by_tail: B256Map::default(), order: VecDeque::new(), bytes: 0, max_count, max_bytes }
    }

    /// Remembers a transaction whose signature has been checked.
    pub fn insert(&mut self, transaction: Arc<Transaction>) {
        let Some(tail) = tail(transaction.envelope()) else { return };
        self.bytes = self.bytes.saturating_add(transaction.encoded_length());
        match self.by_tail.insert(tail, transaction) {
            Some(replaced) => self.bytes = self.bytes.saturating_sub(replaced.encoded_length()),
            None => self.order.push_back(tail),
        }
        while self.order.len() > self.max_count || self.bytes > self.max_bytes {
            let Some(oldest) = self.order.pop_front() else { break };
            self.forget(&oldest);
        }
    }

    /// The transaction with this envelope, if it is remembered.
    #[must_use]
    pub fn get(&self, envelope: &[u8]) -> Option<&Arc<Transaction>> {
        self.by_tail.get(&tail(envelope)?).filter(|known| *known.envelope() == *envelope)
    }

    /// Forgets a transaction.
    pub fn remove(&mut self, transaction: &Transaction) {
        if self.get(transaction.envelope()).is_some()
            && let Some(tail) = tail(transaction.envelope())
        {
            self.forget(&tail);
        }
    }

    fn forget(&mut self, tail: &B256) {
        if let Some(gone) = self.by_tail.remove(tail) {
            self.bytes = self.bytes.saturating_sub(gone.encoded_length());
        }
    }

    /// How many are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_tail.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_tail.is_empty()
    }
}

#[cfg(test)]
mod tests;
