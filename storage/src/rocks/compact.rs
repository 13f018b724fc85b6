//! A database at its smallest, column by column: for measurements of what is kept.

use super::RocksStore;
use minuet_core::store::{Column, StoreError};
use rocksdb::{BottommostLevelCompaction, CompactOptions};

impl RocksStore {
    /// Writes every column anew into the fewest and smallest table files. Takes as long as reading and writing everything
    /// does.
    ///
    /// # Errors
    /// When the memtables cannot be flushed. A compaction that fails makes the next write fail.
    pub fn compact(&self) -> Result<(), StoreError> {
        self.flush()?;
        let mut options = CompactOptions::default();
        options.set_bottommost_level_compaction(BottommostLevelCompaction::Force);
        for column in Column::ALL {
            self.db.compact_range_cf_opt(self.family(column)?, None::<&[u8]>, None::<&[u8]>, &options);
        }
        Ok(())
    }

    /// Bytes of each column's table files; what is in memtables and log alone is not counted.
    ///
    /// # Errors
    /// When RocksDB does not say.
    pub fn column_bytes(&self) -> Result<Vec<(Column, u64)>, StoreError> {
        let files = self.db.live_files().map_err(|error| self.errors.on("measure", &error))?;
        let of = |column: Column| {
            let own = files.iter().filter(|file| file.column_family_name == column.name());
            own.map(|file| file.size as u64).sum()
        };
        Ok(Column::ALL.into_iter().map(|column| (column, of(column))).collect())
    }
}
