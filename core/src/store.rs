//! The key-value seam: RocksDB in a node, a deterministic store in simulation. It never interprets what it holds.

use thiserror::Error;

/// The tables of the chain database. Key and value formats belong to `execution`, which is their only writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// Format version, genesis fingerprint, finalized tip and the like.
    Meta,
    /// Height (8 bytes, big endian) → header RLP.
    Headers,
    /// Height → transactions of the block.
    Bodies,
    /// Height → receipts of the block.
    Receipts,
    /// Transaction hash → height and index in the block.
    TransactionIndex,
    /// Block digest → height.
    BlockIndex,
    /// Address → account.
    Accounts,
    /// Height → certificate that made the block final.
    Certificates,
    /// View, kind and validator → evidence of misbehaviour.
    Evidence,
}

impl Column {
    /// All columns.
    pub const ALL: [Self; 9] = [
        Self::Meta,
        Self::Headers,
        Self::Bodies,
        Self::Receipts,
        Self::TransactionIndex,
        Self::BlockIndex,
        Self::Accounts,
        Self::Certificates,
        Self::Evidence,
    ];

    /// The column's name on disk.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Headers => "headers",
            Self::Bodies => "bodies",
            Self::Receipts => "receipts",
            Self::TransactionIndex => "transaction_index",
            Self::BlockIndex => "block_index",
            Self::Accounts => "accounts",
            Self::Certificates => "certificates",
            Self::Evidence => "evidence",
        }
    }
}

/// One change of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Write `value` under `key`.
    Put {
        /// The table.
        column: Column,
        /// At most 64 bytes in our formats.
        key: Vec<u8>,
        /// Any bytes.
        value: Vec<u8>,
    },
    /// Remove `key` if present.
    Delete {
        /// The table.
        column: Column,
        /// The key.
        key: Vec<u8>,
    },
}

/// Changes that take effect together or not at all, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// In the order in which they apply.
    pub changes: Vec<Change>,
}

impl Batch {
    /// Adds a write.
    pub fn put(&mut self, column: Column, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.changes.push(Change::Put { column, key: key.into(), value: value.into() });
    }

    /// Adds a removal.
    pub fn delete(&mut self, column: Column, key: impl Into<Vec<u8>>) {
        self.changes.push(Change::Delete { column, key: key.into() });
    }
}

/// Whether a write must be on the disk before the call returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Synced: survives a power cut.
    Synced,
    /// Survives the process only.
    Unsynced,
}

/// By what [`Store::retire`] picks the entries of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NumberedBy {
    /// The key begins with the number.
    Key,
    /// The value begins with the number.
    Value,
}

/// A failure of the store. All of them stop the node (D-FAIL-STOP).
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StoreError {
    /// Reading or writing failed.
    #[error("database {path}: {operation} failed: {reason}")]
    Io {
        /// The directory.
        path: String,
        /// `get`, `write`, ...
        operation: &'static str,
        /// The library's words.
        reason: String,
    },
    /// Bytes that this program did not write.
    #[error("database: damaged {what}: {reason}; restore the data directory from another validator or resync it")]
    Corrupt {
        /// Which value.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Written by another version, or for another chain.
    #[error("database {path}: {reason}")]
    Mismatch {
        /// The directory.
        path: String,
        /// What differs and what to do.
        reason: String,
    },
}

/// One key with its value, as a scan gives it.
pub type KeyValue = (Vec<u8>, Vec<u8>);

/// An ordered key-value store with atomic batches. Reads may come from any thread, writes from one.
pub trait Store: Send + Sync {
    /// The value under `key`.
    ///
    /// # Errors
    /// When it cannot be read.
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// The values under `keys`, in their order.
    ///
    /// # Errors
    /// When one cannot be read.
    fn get_many(&self, column: Column, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        keys.iter().map(|key| self.get(column, key)).collect()
    }

    /// Applies the whole batch or nothing.
    ///
    /// # Errors
    /// When it is not known to be applied; the caller must stop.
    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StoreError>;

    /// Up to `limit` entries with `from <= key`, and `key < until` if given, ascending.
    ///
    /// # Errors
    /// When they cannot be read.
    fn scan(
        &self,
        column: Column,
        from: &[u8],
        until: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<KeyValue>, StoreError>;

    /// The entry with the greatest key.
    ///
    /// # Errors
    /// When it cannot be read.
    fn last(&self, column: Column) -> Result<Option<KeyValue>, StoreError>;

    /// Takes entries away from every reader at once: those whose key or value, compared as bytes, is at least 1 and below
    /// `until`, both as eight bytes, big endian. Number 0 stays. A second `until` counts only if it is higher.
    ///
    /// This costs next to nothing; the space comes back later and by itself. It is not durable: whoever retires keeps the
    /// number durably *before*, and retires again after opening.
    fn retire(&self, column: Column, by: NumberedBy, until: u64);
}
