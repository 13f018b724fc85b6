//! A store that says what writing took, and syncs or not as it is told.

use minuet_core::store::{Batch, Column, Durability, KeyValue, NumberedBy, Store, StoreError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Keys of its batch.
    pub keys: usize,
    /// Until it was done.
    pub took: Duration,
}

struct State {
    durability: Durability,
    last: Option<Written>,
}

/// Passes everything on to another store.
pub struct WatchedStore {
    inner: Arc<dyn Store>,
    state: Mutex<State>,
}

impl WatchedStore {
    /// Over this one; writes are synced.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner, state: Mutex::new(State { durability: Durability::Synced, last: None }) }
    }

    /// From now on, whatever the writer asks for.
    pub fn write_as(&self, durability: Durability) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).durability = durability;
    }

    /// The last write, once.
    pub fn take(&self) -> Option<Written> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).last.take()
    }
}

impl Store for WatchedStore {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(column, key)
    }

    fn get_many(&self, column: Column, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.inner.get_many(column, keys)
    }

    fn write(&self, batch: Batch, _: Durability) -> Result<(), StoreError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (keys, begun) = (batch.changes.len(), Instant::now());
        self.inner.write(batch, state.durability)?;
        state.last = Some(Written { keys, took: begun.elapsed() });
        Ok(())
    }

    fn scan(
        &self,
        column: Column,
        from: &[u8],
        until: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<KeyValue>, StoreError> {
        self.inner.scan(column, from, until, limit)
    }

    fn last(&self, column: Column) -> Result<Option<KeyValue>, StoreError> {
        self.inner.last(column)
    }

    fn retire(&self, column: Column, by: NumberedBy, until: u64) {
        self.inner.retire(column, by, until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use minuet_storage::MemoryStore;

    #[test]
    fn a_write_is_told_once_and_synced_as_it_is_told() {
        let memory = Arc::new(MemoryStore::default());
        let store = WatchedStore::new(Arc::clone(&memory) as _);
        for (durability, kept) in [(Durability::Unsynced, false), (Durability::Synced, true)] {
            store.write_as(durability);
            let mut batch = Batch::default();
            batch.put(Column::Meta, [1], [2]);
            batch.put(Column::Meta, [3], [4]);
            store.write(batch, Durability::Synced).unwrap();
            assert_eq!(store.take().map(|written| written.keys), Some(2));
            assert_eq!(store.take(), None);
            memory.lose_unsynced();
            assert_eq!(store.get(Column::Meta, &[1]).unwrap().is_some(), kept, "{durability:?}");
        }
    }
}
