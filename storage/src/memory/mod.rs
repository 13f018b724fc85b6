//! A store in memory, deterministic, that can fail and forget as a real one may. Held equal to RocksDB by a test.

#[cfg(test)]
mod tests;

use crate::retired::Retired;
use minuet_core::store::{Batch, Change, Column, Durability, KeyValue, NumberedBy, Store, StoreError};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

type Table = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Debug, Default)]
struct State {
    tables: BTreeMap<Column, Table>,
    /// What unsynced writes replaced, oldest first.
    undo: Vec<(Column, Vec<u8>, Option<Vec<u8>>)>,
    failing_writes: u64,
    writes: u64,
}

impl State {
    fn replace(&mut self, column: Column, key: &[u8], value: Option<Vec<u8>>) -> Option<Vec<u8>> {
        let table = self.tables.entry(column).or_default();
        match value {
            Some(value) => table.insert(key.to_vec(), value),
            None => table.remove(key),
        }
    }
}

/// A [`Store`] in memory. What is retired is hidden, not freed. A write is lost by [`MemoryStore::lose_unsynced`] unless it, or a later one, was synced.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: RwLock<State>,
    retired: Retired,
}

impl MemoryStore {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The next `count` writes fail and change nothing.
    pub fn fail_next_writes(&self, count: u64) {
        self.change().failing_writes = count;
    }

    /// The power fails: everything after the last synced write is gone. Injected failures are, too.
    pub fn lose_unsynced(&self) {
        let mut state = self.change();
        state.failing_writes = 0;
        while let Some((column, key, before)) = state.undo.pop() {
            state.replace(column, &key, before);
        }
    }

    /// What it holds now, as a store of its own; what is not synced is synced in the copy.
    #[must_use]
    pub fn copy(&self) -> Self {
        let state = State { tables: self.read().tables.clone(), ..State::default() };
        Self { state: RwLock::new(state), retired: Retired::default() }
    }

    /// Successful writes so far.
    #[must_use]
    pub fn write_count(&self) -> u64 {
        self.read().writes
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let state = self.read();
        let value = state.tables.get(&column).and_then(|table| table.get(key));
        Ok(value.filter(|value| !self.retired.holds(column, key, value)).cloned())
    }

    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StoreError> {
        let mut state = self.change();
        if state.failing_writes > 0 {
            state.failing_writes -= 1;
            return Err(StoreError::Io {
                path: "memory".into(),
                operation: "write",
                reason: "simulated input/output error".into(),
            });
        }
        state.writes += 1;
        for change in batch.changes {
            let (column, key, value) = match change {
                Change::Put { column, key, value } => (column, key, Some(value)),
                Change::Delete { column, key } => (column, key, None),
            };
            let before = state.replace(column, &key, value);
            if durability == Durability::Unsynced {
                state.undo.push((column, key, before));
            }
        }
        if durability == Durability::Synced {
            state.undo.clear();
        }
        Ok(())
    }

    fn scan(
        &self,
        column: Column,
        from: &[u8],
        until: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<KeyValue>, StoreError> {
        let state = self.read();
        let Some(table) = state.tables.get(&column) else { return Ok(Vec::new()) };
        let entries = table
            .range::<[u8], _>((Bound::Included(from), Bound::Unbounded))
            .take_while(|(key, _)| until.is_none_or(|until| key.as_slice() < until))
            .filter(|(key, value)| !self.retired.holds(column, key, value))
            .take(limit);
        Ok(entries.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn last(&self, column: Column) -> Result<Option<KeyValue>, StoreError> {
        let state = self.read();
        let mut entries = state.tables.get(&column).into_iter().flat_map(|table| table.iter().rev());
        let entry = entries.find(|(key, value)| !self.retired.holds(column, key, value));
        Ok(entry.map(|(key, value)| (key.clone(), value.clone())))
    }

    fn retire(&self, column: Column, by: NumberedBy, until: u64) {
        self.retired.raise(column, by, until);
    }
}
