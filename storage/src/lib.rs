//! What a node keeps on its disk: RocksDB behind core's `Store`, real files behind core's `File`, the journal and its
//! thread; and the simulated store and disk that tests and the simulator put in their places.
//!
//! Owns: formats of segments and groups of the journal, all settings of RocksDB. Never does: interpret a key, a value or
//! a record; retry after an error of the disk (D-FAIL-STOP).

pub mod files;
pub mod journal;
pub mod memory;
mod retired;
#[cfg(feature = "rocksdb")]
pub mod rocks;

pub use files::{MemoryDirectory, MemoryFile, RealDirectory, RealFile};
pub use journal::{Journal, JournalConfig, JournalContents, JournalDriver, JournalError};
pub use memory::MemoryStore;
#[cfg(feature = "rocksdb")]
pub use rocks::{LEVELS, LevelUsage, MemoryUsage, RocksConfig, RocksStore};
