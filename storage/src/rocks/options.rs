//! The settings of RocksDB, and why they are as they are: several nodes share two cores and little memory, and an empty
//! block (about 1.2 kB in one synced batch) shall cost a few kB of disk writes in all.
//!
//! What a byte costs: once in the log, once when its memtable is flushed, and once a level. Large memtables that all
//! columns share make flushes rare and let what is overwritten soon (trie nodes near the root, the tip) never reach a
//! table file.

use minuet_core::store::Column;
use rocksdb::{BlockBasedOptions, Cache, DBCompressionType, DBRecoveryMode, LogLevel, Options, WriteBufferManager};

/// Limits of one database. Memory is about the sum of the first two and 10 MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RocksConfig {
    /// Blocks, indexes and filters of all columns together.
    pub block_cache_bytes: usize,
    /// Memtables of all columns together; one is flushed when they would be more.
    pub write_buffer_bytes: usize,
    /// Files of the write-ahead log together; columns that keep the oldest alive are flushed when they would be more.
    pub max_wal_bytes: u64,
    /// Table files open at a time.
    pub max_open_files: i32,
    /// Threads that flush and compact.
    pub background_threads: i32,
}

impl Default for RocksConfig {
    fn default() -> Self {
        Self {
            block_cache_bytes: 64 << 20,
            write_buffer_bytes: 32 << 20,
            max_wal_bytes: 128 << 20,
            max_open_files: 256,
            background_threads: 2,
        }
    }
}

pub(super) fn database(config: &RocksConfig, write_buffers: &WriteBufferManager, is_new: bool) -> Options {
    let mut options = Options::default();
    options.create_if_missing(is_new);
    // Not only in a new one: creation may have been cut off between two columns.
    options.create_missing_column_families(true);
    options.set_write_buffer_manager(write_buffers);
    options.set_max_total_wal_size(config.max_wal_bytes);
    options.set_max_open_files(config.max_open_files);
    options.set_max_file_opening_threads(1);
    options.set_max_background_jobs(config.background_threads);
    options.set_max_subcompactions(1);
    // Flushes and compactions reach the disk in steps, so that a block's sync does not wait behind them.
    options.set_bytes_per_sync(1 << 20);
    // A torn end of the log is what a power cut leaves. Anything else refuses to open, where the default would silently
    // go back in time.
    options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    options.set_track_and_verify_wals_in_manifest(true);
    options.set_paranoid_checks(true);
    options.set_log_level(LogLevel::Warn);
    options.set_keep_log_file_num(2);
    options.set_max_log_file_size(1 << 20);
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    options.set_manifest_preallocation_size(64 << 10);
    options.set_max_manifest_file_size(4 << 20);
    options
}

/// `None` is RocksDB's own family with the format version.
pub(super) fn column_family(config: &RocksConfig, cache: &Cache, column: Option<Column>) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_cache_index_and_filter_blocks(true);
    table.set_cache_index_and_filter_blocks_with_high_priority(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    table.set_block_size(if is_bulk(column) { 16 << 10 } else { 4 << 10 });
    if is_looked_up(column) {
        table.set_bloom_filter(10.0, false);
        table.set_optimize_filters_for_memory(true);
    }
    let mut options = Options::default();
    options.set_block_based_table_factory(&table);
    // The shared limit decides; a single column may use all of it. Small arenas keep ten idle columns small.
    options.set_write_buffer_size(config.write_buffer_bytes);
    options.set_arena_block_size(128 << 10);
    options.set_max_write_buffer_number(3);
    options.set_level_compaction_dynamic_level_bytes(true);
    options.set_target_file_size_base(32 << 20);
    options.set_max_bytes_for_level_base(256 << 20);
    if is_bulk(column) {
        options.set_compression_type(DBCompressionType::Lz4);
        options.set_bottommost_compression_type(DBCompressionType::Lz4);
    } else {
        options.set_compression_type(DBCompressionType::None);
        options.set_bottommost_compression_type(DBCompressionType::None);
    }
    options
}

/// Read in whole blocks' worth, and compressible; the rest are hashes and balances.
fn is_bulk(column: Option<Column>) -> bool {
    matches!(column, Some(Column::Headers | Column::Bodies | Column::Receipts | Column::Certificates))
}

/// Read by keys that may well not be there.
fn is_looked_up(column: Option<Column>) -> bool {
    matches!(column, Some(Column::TransactionIndex | Column::BlockIndex | Column::Accounts))
}
