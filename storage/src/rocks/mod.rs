//! Core's `Store` over RocksDB: one database, one column family a column.
//!
//! Owns: all settings of RocksDB, and the database's format version. Never does: interpret a key or a value.
//!
//! Invariants:
//! - The format version is in RocksDB's own `default` column family, which no caller reaches, so every column holds
//!   exactly what its writer wrote. It is durable before the first write of a caller.
//! - A database that has lost a file is damaged, never silently made anew (D-ACK).

mod compact;
mod errors;
mod options;
mod reclaim;
#[cfg(test)]
mod tests;

pub use options::RocksConfig;

use crate::retired::Retired;
use errors::Errors;
use minuet_core::store::{Batch, Change, Column, Durability, KeyValue, NumberedBy, Store, StoreError};
use rocksdb::{
    Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DEFAULT_COLUMN_FAMILY_NAME, Direction, IteratorMode, ReadOptions,
    WriteBatch, WriteBufferManager, WriteOptions, properties,
};
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Of the database as a whole: columns, their order of keys, this module's own key.
const FORMAT_VERSION: u32 = 1;
const FORMAT_VERSION_KEY: &[u8] = b"minuet-format-version";

/// What the database holds in memory, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryUsage {
    /// Blocks, indexes and filters read from files.
    pub block_cache: u64,
    /// Writes that are not in table files yet.
    pub memtables: u64,
    /// What open table files keep beside the cache.
    pub table_readers: u64,
}

/// Levels of the database's tree of files: RocksDB's own number, which no setting here changes.
pub const LEVELS: usize = 7;

/// One level of the tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LevelUsage {
    /// Table files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A RocksDB database as a [`Store`].
pub struct RocksStore {
    db: DB,
    cache: Cache,
    write_buffers: WriteBufferManager,
    errors: Errors,
    retired: Arc<Retired>,
}

impl RocksStore {
    /// Opens the database of a directory, or makes one there.
    ///
    /// # Errors
    /// [`StoreError::Io`] when another process has it open or the system refuses, [`StoreError::Corrupt`] when files are
    /// damaged or gone, [`StoreError::Mismatch`] when another version wrote it.
    pub fn open(path: impl AsRef<Path>, config: RocksConfig) -> Result<Arc<Self>, StoreError> {
        let path = path.as_ref();
        let errors = Errors::new(path);
        let is_new = prepare_directory(path, &errors)?;
        let cache = Cache::new_lru_cache(config.block_cache_bytes);
        let write_buffers = WriteBufferManager::new_write_buffer_manager(config.write_buffer_bytes, false);
        let options = options::database(&config, &write_buffers, is_new);
        let names = std::iter::once((DEFAULT_COLUMN_FAMILY_NAME, None))
            .chain(Column::ALL.into_iter().map(|column| (column.name(), Some(column))));
        let retired = Arc::new(Retired::default());
        let families = names.map(|(name, column)| {
            let mut options = options::column_family(&config, &cache, column);
            if let Some(column) = column {
                reclaim::drop_retired(&mut options, column, &retired);
            }
            ColumnFamilyDescriptor::new(name, options)
        });
        let db = DB::open_cf_descriptors(&options, path, families).map_err(|error| errors.on_open(&error))?;
        let store = Self { db, cache, write_buffers, errors, retired };
        store.check_format_version()?;
        Ok(Arc::new(store))
    }

    /// Writes everything in memory to table files and syncs the log, so that the next start has nothing to replay.
    ///
    /// # Errors
    /// When that fails.
    pub fn flush(&self) -> Result<(), StoreError> {
        self.db.flush_wal(true).map_err(|error| self.errors.on("sync the log", &error))?;
        for column in Column::ALL {
            self.db.flush_cf(self.family(column)?).map_err(|error| self.errors.on("flush", &error))?;
        }
        self.db.flush().map_err(|error| self.errors.on("flush", &error))
    }

    /// What it holds in memory now.
    ///
    /// # Errors
    /// When RocksDB does not say.
    pub fn memory_usage(&self) -> Result<MemoryUsage, StoreError> {
        Ok(MemoryUsage {
            block_cache: self.cache.get_usage() as u64,
            memtables: self.write_buffers.get_usage() as u64,
            table_readers: self.sum(properties::ESTIMATE_TABLE_READERS_MEM)?,
        })
    }

    /// What each level holds, over all columns, the newest data first. Lists all files, so it is for an observer that asks
    /// now and then.
    ///
    /// # Errors
    /// When RocksDB does not say.
    pub fn levels(&self) -> Result<[LevelUsage; LEVELS], StoreError> {
        let files = self.db.live_files().map_err(|error| self.errors.on("measure", &error))?;
        let mut levels = [LevelUsage::default(); LEVELS];
        for file in files {
            let level = usize::try_from(file.level).ok().and_then(|level| levels.get_mut(level));
            if let Some(level) = level {
                level.files = level.files.saturating_add(1);
                level.bytes = level.bytes.saturating_add(file.size as u64);
            }
        }
        Ok(levels)
    }

    /// Bytes of all its files, space that is reserved but not written left out.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn disk_usage(&self) -> Result<u64, StoreError> {
        let failed = |error: std::io::Error| self.errors.io("measure", error.to_string());
        let mut bytes = 0_u64;
        for entry in fs::read_dir(self.db.path()).map_err(failed)? {
            match entry.and_then(|entry| entry.metadata()) {
                Ok(metadata) => bytes = bytes.saturating_add(metadata.len()),
                // A compaction removed it in between.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(bytes)
    }

    fn sum(&self, property: &properties::PropName) -> Result<u64, StoreError> {
        let mut total = 0_u64;
        for column in Column::ALL {
            let value = self.db.property_int_value_cf(self.family(column)?, property);
            total = total.saturating_add(value.map_err(|error| self.errors.on("measure", &error))?.unwrap_or(0));
        }
        Ok(total)
    }

    fn family(&self, column: Column) -> Result<&ColumnFamily, StoreError> {
        self.db.cf_handle(column.name()).ok_or_else(|| self.errors.corrupt(column.name(), "the column is gone".into()))
    }

    fn check_format_version(&self) -> Result<(), StoreError> {
        let found = self.db.get(FORMAT_VERSION_KEY).map_err(|error| self.errors.on("get", &error))?;
        let Some(found) = found else { return self.write_format_version() };
        let Ok(bytes) = <[u8; 4]>::try_from(found.as_slice()) else {
            return Err(self.errors.corrupt("format version", format!("{} bytes instead of 4", found.len())));
        };
        match u32::from_be_bytes(bytes) {
            FORMAT_VERSION => Ok(()),
            other => Err(self.errors.mismatch(format!(
                "it has format version {other}, this program reads {FORMAT_VERSION}; use the program that wrote it, or \
                 an empty data directory to sync anew"
            ))),
        }
    }

    /// Only an empty database may be without a version: creation was cut off.
    fn write_format_version(&self) -> Result<(), StoreError> {
        for column in Column::ALL {
            if self.last(column)?.is_some() {
                return Err(self.errors.mismatch(format!(
                    "it has no format version, though column {} has entries: this program did not make it; use another \
                     data directory",
                    column.name()
                )));
            }
        }
        let mut batch = WriteBatch::default();
        batch.put(FORMAT_VERSION_KEY, FORMAT_VERSION.to_be_bytes());
        self.db.write_opt(batch, &synced(true)).map_err(|error| self.errors.on("write", &error))
    }

    fn collect<'a>(
        &'a self,
        column: Column,
        options: ReadOptions,
        mode: IteratorMode<'a>,
        limit: usize,
    ) -> Result<Vec<KeyValue>, StoreError> {
        let mut entries = Vec::new();
        if limit == 0 {
            return Ok(entries);
        }
        for entry in self.db.iterator_cf_opt(self.family(column)?, options, mode) {
            let (key, value) = entry.map_err(|error| self.errors.on("scan", &error))?;
            if self.retired.holds(column, &key, &value) {
                continue;
            }
            entries.push((key.into_vec(), value.into_vec()));
            if entries.len() == limit {
                break;
            }
        }
        Ok(entries)
    }
}

fn synced(sync: bool) -> WriteOptions {
    let mut options = WriteOptions::default();
    options.set_sync(sync);
    options
}

/// Makes the directory. True if there is no database in it yet.
fn prepare_directory(path: &Path, errors: &Errors) -> Result<bool, StoreError> {
    use std::os::unix::fs::DirBuilderExt;
    let failed = |error: std::io::Error| errors.io("open", error.to_string());
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
    if path.join("CURRENT").try_exists().map_err(failed)? {
        return Ok(false);
    }
    // RocksDB would make a new database there and remove what is left of the old one.
    for entry in fs::read_dir(path).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if Path::new(&name).extension().is_some_and(|extension| extension == "sst" || extension == "log") {
            return Err(errors.corrupt("file CURRENT", format!("it is missing, though {} is there", name.display())));
        }
    }
    Ok(true)
}

impl Store for RocksStore {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.db.get_cf(self.family(column)?, key).map_err(|error| self.errors.on("get", &error))?;
        Ok(value.filter(|value| !self.retired.holds(column, key, value)))
    }

    fn get_many(&self, column: Column, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let values = self.db.batched_multi_get_cf(self.family(column)?, keys, false);
        let values = keys.iter().zip(values).map(|(key, value)| match value {
            Ok(value) => Ok(value.map(|slice| slice.to_vec()).filter(|value| !self.retired.holds(column, key, value))),
            Err(error) => Err(self.errors.on("get", &error)),
        });
        values.collect()
    }

    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StoreError> {
        let mut writes = WriteBatch::default();
        for change in batch.changes {
            match change {
                Change::Put { column, key, value } => writes.put_cf(self.family(column)?, key, value),
                Change::Delete { column, key } => writes.delete_cf(self.family(column)?, key),
            }
        }
        let options = synced(durability == Durability::Synced);
        self.db.write_opt(writes, &options).map_err(|error| self.errors.on("write", &error))
    }

    fn scan(
        &self,
        column: Column,
        from: &[u8],
        until: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<KeyValue>, StoreError> {
        if until.is_some_and(|until| until <= from) {
            return Ok(Vec::new());
        }
        let mut options = ReadOptions::default();
        if let Some(until) = until {
            options.set_iterate_upper_bound(until);
        }
        self.collect(column, options, IteratorMode::From(from, Direction::Forward), limit)
    }

    fn last(&self, column: Column) -> Result<Option<KeyValue>, StoreError> {
        Ok(self.collect(column, ReadOptions::default(), IteratorMode::End, 1)?.pop())
    }

    fn retire(&self, column: Column, by: NumberedBy, until: u64) {
        self.retired.raise(column, by, until);
    }
}
