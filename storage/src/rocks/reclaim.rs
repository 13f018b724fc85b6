//! Giving back the space of retired entries.
//!
//! A retired entry costs nothing until RocksDB compacts the file that it is in: no tombstone is written for it, which in
//! a column by height would make every later compaction rewrite all blocks between the oldest and the newest. Compaction
//! leaves retired entries out; [`RocksStore::reclaim`] removes files that hold nothing else at once and has the others
//! compacted.

use super::RocksStore;
use crate::retired::{FIRST, Retired};
use minuet_core::store::{Column, NumberedBy, StoreError};
use rocksdb::compaction_filter::CompactionFilter;
use rocksdb::compaction_filter_factory::{CompactionFilterContext, CompactionFilterFactory};
use rocksdb::{BottommostLevelCompaction, CompactOptions, CompactionDecision, Options};
use std::ffi::CStr;
use std::sync::Arc;

const NAME: &CStr = c"minuet-retired";

/// Leaves the retired entries of a column out; one for each compaction.
struct DropRetired {
    column: Column,
    retired: Arc<Retired>,
}

impl CompactionFilter for DropRetired {
    fn filter(&mut self, _level: u32, key: &[u8], value: &[u8]) -> CompactionDecision {
        if self.retired.holds(self.column, key, value) { CompactionDecision::Remove } else { CompactionDecision::Keep }
    }

    fn name(&self) -> &CStr {
        NAME
    }
}

struct DropRetiredFactory {
    column: Column,
    retired: Arc<Retired>,
}

impl CompactionFilterFactory for DropRetiredFactory {
    type Filter = DropRetired;

    fn create(&mut self, _context: CompactionFilterContext) -> DropRetired {
        DropRetired { column: self.column, retired: Arc::clone(&self.retired) }
    }

    fn name(&self) -> &CStr {
        NAME
    }
}

/// Makes compactions of a column leave out what is retired.
pub(super) fn drop_retired(options: &mut Options, column: Column, retired: &Arc<Retired>) {
    options.set_compaction_filter_factory(DropRetiredFactory { column, retired: Arc::clone(retired) });
}

impl RocksStore {
    /// The highest number below which entries of some column are retired: it rises as there is more to reclaim.
    #[must_use]
    pub fn retired_until(&self) -> u64 {
        let kinds = [NumberedBy::Key, NumberedBy::Value];
        let all = Column::ALL.into_iter().flat_map(|column| kinds.map(|by| self.retired.until(column, by)));
        all.max().unwrap_or(0)
    }

    /// Gives back the space of retired entries. Takes as long as compacting their columns does; others read and write
    /// meanwhile.
    ///
    /// # Errors
    /// When files cannot be removed. A compaction that fails makes the next write fail.
    pub fn reclaim(&self) -> Result<(), StoreError> {
        let mut options = CompactOptions::default();
        // The store's own compactions go on beside this one.
        options.set_exclusive_manual_compaction(false);
        options.set_bottommost_level_compaction(BottommostLevelCompaction::ForceOptimized);
        for column in Column::ALL {
            let family = self.family(column)?;
            let until = self.retired.until(column, NumberedBy::Key);
            if until > 1 {
                let last = until.saturating_sub(1).to_be_bytes();
                self.db
                    .delete_file_in_range_cf(family, FIRST, last)
                    .map_err(|error| self.errors.on("remove files", &error))?;
                self.db.compact_range_cf_opt(family, Some(FIRST), Some(last), &options);
            }
            if self.retired.until(column, NumberedBy::Value) > 1 {
                self.db.compact_range_cf_opt(family, None::<&[u8]>, None::<&[u8]>, &options);
            }
        }
        Ok(())
    }

    /// Ends compactions, for a process that is about to end; call after [`RocksStore::flush`]. Nothing may be written
    /// afterwards.
    pub fn stop_compactions(&self) {
        self.db.cancel_all_background_work(true);
    }
}
