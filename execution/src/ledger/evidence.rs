//! Evidence of misbehaviour: stored durably, once for each validator, kind and view, and bounded.

use super::{Ledger, LedgerError};
use crate::chain::format::corrupt;
use minuet_core::evidence::Evidence;
use minuet_core::store::{Batch, Column, Durability, Store, StoreError};

/// Pieces kept about one validator, or about none in particular, at most: more prove nothing more.
const MAX_PER_VALIDATOR: usize = 256;
/// Pieces read back at most: far above what a committee of 512 can leave.
const MAX_READ: usize = 1 << 18;

/// How many pieces the store holds, by validator.
pub(super) type Counts = std::collections::BTreeMap<Option<u16>, usize>;

/// Counts what is stored.
///
/// # Errors
/// An unreadable or damaged store.
pub(super) fn count(store: &dyn Store) -> Result<Counts, StoreError> {
    let mut counts = Counts::new();
    for (_, value) in store.scan(Column::Evidence, &[], None, MAX_READ)? {
        let evidence = Evidence::from_bytes(&value).map_err(|error| corrupt("evidence", error))?;
        *counts.entry(evidence.validator().map(|index| index.0)).or_default() += 1;
    }
    Ok(counts)
}

impl Ledger {
    /// Stores a piece of evidence; durable when this returns. What is stored already, or beyond the bound for one
    /// validator, is left out.
    ///
    /// # Errors
    /// A failing store.
    pub fn keep_evidence(&mut self, evidence: &Evidence) -> Result<(), LedgerError> {
        let key = evidence.key();
        let about = evidence.validator().map(|index| index.0);
        let count = self.evidence.entry(about).or_default();
        if *count >= MAX_PER_VALIDATOR || self.store.get(Column::Evidence, &key)?.is_some() {
            return Ok(());
        }
        *count += 1;
        let mut batch = Batch::default();
        batch.put(Column::Evidence, key, evidence.to_bytes());
        self.store.write(batch, Durability::Synced)?;
        tracing::warn!(kind = evidence.kind(), view = %evidence.view(), validator = about, "evidence stored");
        Ok(())
    }

    /// Pieces of evidence stored.
    #[must_use]
    pub fn evidence_count(&self) -> usize {
        self.evidence.values().sum()
    }
}
