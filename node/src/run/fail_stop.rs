//! D-FAIL-STOP for the database: the first error that anybody meets there stops the node, be it the ledger that writes, the
//! pool that looks at an account, or a call of the API that reads an old block. A disk that cannot be read is not waited for
//! until it cannot be written either.
//!
//! Measures how long the ledger's writes take, too: this is what stands between it and the database.
//!
//! Never does: retry, or keep the error from whoever met it.

use super::{End, storage};
use minuet_core::status::NodeStatus;
use minuet_core::store::{Batch, Column, Durability, KeyValue, NumberedBy, Store, StoreError};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Instant;

/// A store whose errors end the node.
pub struct FailStop<S> {
    store: Arc<S>,
    status: Arc<NodeStatus>,
    ends: Sender<End>,
}

impl<S> FailStop<S> {
    pub const fn new(store: Arc<S>, status: Arc<NodeStatus>, ends: Sender<End>) -> Self {
        Self { store, status, ends }
    }

    fn watched<T>(&self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        outcome.inspect_err(|error| {
            // The receiver is gone only if the node is stopping already, or does not start.
            let _ = self.ends.send(End::Failed(storage(error)));
        })
    }
}

impl<S: Store> Store for FailStop<S> {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.watched(self.store.get(column, key))
    }

    fn get_many(&self, column: Column, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.watched(self.store.get_many(column, keys))
    }

    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StoreError> {
        let started = Instant::now();
        self.watched(self.store.write(batch, durability))?;
        // The ledger alone writes.
        self.status.times.batch.record(u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX));
        Ok(())
    }

    fn scan(
        &self,
        column: Column,
        from: &[u8],
        until: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<KeyValue>, StoreError> {
        self.watched(self.store.scan(column, from, until, limit))
    }

    fn last(&self, column: Column) -> Result<Option<KeyValue>, StoreError> {
        self.watched(self.store.last(column))
    }

    fn retire(&self, column: Column, by: NumberedBy, until: u64) {
        self.store.retire(column, by, until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;
    use std::sync::mpsc::channel;

    /// Reads fail, as from a bad sector.
    struct Unreadable;

    fn unreadable<T>() -> Result<T, StoreError> {
        Err(StoreError::Io { path: "db".into(), operation: "read", reason: "input/output error".into() })
    }

    impl Store for Unreadable {
        fn get(&self, _: Column, _: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
            unreadable()
        }
        fn write(&self, _: Batch, _: Durability) -> Result<(), StoreError> {
            Ok(())
        }
        fn scan(&self, _: Column, _: &[u8], _: Option<&[u8]>, _: usize) -> Result<Vec<KeyValue>, StoreError> {
            unreadable()
        }
        fn last(&self, _: Column) -> Result<Option<KeyValue>, StoreError> {
            unreadable()
        }
        fn retire(&self, _: Column, _: NumberedBy, _: u64) {}
    }

    #[test]
    fn whatever_cannot_be_read_ends_the_node_with_the_files_name() {
        let (ends, ended) = channel();
        let store = FailStop::new(Arc::new(Unreadable), Arc::default(), ends);
        store.write(Batch::default(), Durability::Synced).unwrap();
        assert!(ended.try_recv().is_err(), "all is well");
        assert!(store.get(Column::Accounts, b"a").is_err());
        assert!(store.get_many(Column::Accounts, &[b"a".to_vec()]).is_err());
        assert!(store.scan(Column::Headers, b"", None, 1).is_err());
        assert!(store.last(Column::Headers).is_err());
        for _ in 0..4 {
            let Ok(End::Failed(failure)) = ended.try_recv() else { panic!("the node goes on") };
            assert_eq!(failure.exit, Exit::Storage);
            assert!(failure.message.contains("db") && failure.message.contains("input/output error"), "{failure}");
        }
    }

    #[test]
    fn a_write_that_fails_ends_the_node() {
        let (ends, ended) = channel();
        let memory = Arc::new(minuet_storage::MemoryStore::new());
        let store = FailStop::new(memory.clone(), Arc::default(), ends);
        memory.fail_next_writes(1);
        assert!(store.write(Batch::default(), Durability::Synced).is_err());
        assert!(matches!(ended.try_recv(), Ok(End::Failed(failure)) if failure.exit == Exit::Storage));
    }
}
