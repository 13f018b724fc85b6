//! The transactions that this node answers for: its clients'.

use super::Pool;
use minuet_core::TxHash;
use minuet_core::transaction::Transaction;
use std::sync::Arc;

impl Pool {
    /// The clients' transactions from this arrival on that are in no block yet, with their arrivals.
    pub fn own_from(&self, arrival: u64) -> impl Iterator<Item = (u64, &Arc<Transaction>)> {
        self.own.range(arrival..).filter_map(|(arrival, hash)| {
            let is_waiting = !self.is_executed(hash);
            is_waiting.then(|| self.entry(hash)).flatten().map(|entry| (*arrival, &entry.transaction))
        })
    }

    /// Whether a client's transaction waits.
    #[must_use]
    pub fn has_own(&self) -> bool {
        !self.own.is_empty()
    }

    /// All clients' transactions that wait, oldest first, those in unfinalized blocks too.
    pub fn own(&self) -> impl Iterator<Item = &Arc<Transaction>> {
        self.own.values().filter_map(|hash| self.entry(hash)).map(|entry| &entry.transaction)
    }

    /// How many there are, and the bytes of their envelopes.
    #[must_use]
    pub fn own_size(&self) -> (usize, usize) {
        (self.own.len(), self.own_bytes)
    }

    /// A waiting transaction, and whether it is a client's.
    #[must_use]
    pub fn find(&self, hash: &TxHash) -> Option<(&Arc<Transaction>, bool)> {
        self.entry(hash).map(|entry| (&entry.transaction, entry.is_own))
    }

    /// A client brought what a peer had brought before: from now on this node answers for it too.
    pub fn adopt(&mut self, hash: &TxHash) {
        let Some(entry) = self.entry_mut(hash).filter(|entry| !entry.is_own) else { return };
        entry.is_own = true;
        let (arrival, bytes) = (entry.arrival, entry.transaction.encoded_length());
        self.own.insert(arrival, *hash);
        self.own_bytes += bytes;
    }
}
