//! Values of the chain database: one of them replaced in a small chain that is otherwise whole, and all of it read.

use crate::{assert_canonical, block, samples};
use minuet_core::account::StateReader as _;
use minuet_core::receipt::encode_receipts;
use minuet_core::store::{Batch, Column, Durability, Store};
use minuet_core::{Address, Height};
use minuet_execution::chain::{self, format};
use minuet_execution::{ChainReader, Workers};
use minuet_storage::MemoryStore;
use std::sync::{Arc, LazyLock};

const HEIGHT: Height = Height(1);

/// What is replaced, by the first byte of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    Format,
    Genesis,
    Tip,
    Oldest,
    Header,
    Body,
    Receipts,
    Certificate,
    TransactionIndex,
    BlockIndex,
    Account,
    Evidence,
}

impl Value {
    pub const ALL: [Self; 12] = [
        Self::Format,
        Self::Genesis,
        Self::Tip,
        Self::Oldest,
        Self::Header,
        Self::Body,
        Self::Receipts,
        Self::Certificate,
        Self::TransactionIndex,
        Self::BlockIndex,
        Self::Account,
        Self::Evidence,
    ];

    /// Where it stands.
    fn place(self) -> (Column, Vec<u8>) {
        let at_height = |column| (column, format::height_key(HEIGHT).to_vec());
        match self {
            Self::Format => (Column::Meta, format::META_FORMAT.to_vec()),
            Self::Genesis => (Column::Meta, format::META_GENESIS.to_vec()),
            Self::Tip => (Column::Meta, format::META_TIP.to_vec()),
            Self::Oldest => (Column::Meta, format::META_OLDEST.to_vec()),
            Self::Header => at_height(Column::Headers),
            Self::Body => at_height(Column::Bodies),
            Self::Receipts => at_height(Column::Receipts),
            Self::Certificate => at_height(Column::Certificates),
            Self::TransactionIndex => (Column::TransactionIndex, samples::transactions()[0].hash().to_vec()),
            Self::BlockIndex => (Column::BlockIndex, samples::header().digest().to_vec()),
            Self::Account => (Column::Accounts, holder().to_vec()),
            Self::Evidence => (Column::Evidence, samples::evidence()[0].key().to_vec()),
        }
    }

    /// What stands there in the whole chain; nothing for the mark of what was pruned.
    pub fn genuine(self) -> Option<Vec<u8>> {
        let (column, key) = self.place();
        CHAIN.get(column, &key).expect("memory can be read")
    }

    /// The input that puts `bytes` in its place.
    pub fn input(self, bytes: &[u8]) -> Vec<u8> {
        [&[self as u8], bytes].concat()
    }
}

fn holder() -> Address {
    Address::repeat_byte(0x11)
}

/// Block 0 as opening writes it, and block 1 with two transactions, which changed no account.
static CHAIN: LazyLock<MemoryStore> = LazyLock::new(|| {
    let store = MemoryStore::new();
    chain::open(&store, samples::genesis(), Workers::Inline).expect("an empty store takes a genesis");
    let (header, key) = (samples::header(), format::height_key(HEIGHT));
    let mut batch = Batch::default();
    batch.put(Column::Headers, key, header.encode());
    batch.put(Column::BlockIndex, header.digest().as_slice(), key);
    batch.put(Column::Bodies, key, samples::block_body().encode());
    batch.put(Column::Receipts, key, encode_receipts(&samples::receipts()));
    batch.put(Column::Certificates, key, samples::certificates()[2].to_bytes());
    batch.put(Column::Meta, format::META_TIP, format::encode_tip(HEIGHT, &header.digest()));
    for (transaction, index) in samples::transactions().iter().zip(0..) {
        batch.put(Column::TransactionIndex, transaction.hash().as_slice(), format::encode_place(HEIGHT, index));
    }
    for evidence in samples::evidence() {
        batch.put(Column::Evidence, evidence.key(), evidence.to_bytes());
    }
    store.write(batch, Durability::Synced).expect("memory takes it");
    store
});

/// A copy of the chain with one value replaced.
fn chain_with(value: Value, bytes: &[u8]) -> Arc<MemoryStore> {
    let store = MemoryStore::new();
    let mut batch = Batch::default();
    for column in Column::ALL {
        for (key, stored) in CHAIN.scan(column, &[], None, usize::MAX).expect("memory can be read") {
            batch.put(column, key, stored);
        }
    }
    let (column, key) = value.place();
    batch.put(column, key, bytes);
    store.write(batch, Durability::Synced).expect("memory takes it");
    Arc::new(store)
}

/// Which value (1 byte), and what stands there. True if it can be read.
pub fn database(data: &[u8]) -> bool {
    let [which, bytes @ ..] = data else { return false };
    let value = Value::ALL[usize::from(*which) % Value::ALL.len()];
    let store = chain_with(value, bytes);
    let reader = ChainReader::new(Arc::<MemoryStore>::clone(&store));
    for transaction in samples::transactions() {
        if let Ok(Some(found)) = reader.transaction(&transaction.hash()) {
            assert_eq!(found.transaction.hash(), transaction.hash(), "another transaction is shown");
        }
    }
    let is_readable = read(&reader, value, bytes);
    // Other blocks' headers, bodies and certificates are not read when a chain is opened.
    if let Ok(opened) = chain::open(&*store, samples::genesis(), Workers::Inline) {
        let mut state = opened.state;
        assert_eq!(state.root_hash(Workers::Inline), opened.tip.state_root(), "opened with another state");
        assert!(opened.oldest <= opened.tip.height());
        assert_eq!(reader.latest().expect("opened").digest(), opened.tip.digest());
    }
    is_readable
}

/// Whether the value can be read; it has one encoding then.
fn read(reader: &ChainReader, value: Value, bytes: &[u8]) -> bool {
    let again = match value {
        Value::Format | Value::Genesis => None,
        Value::Tip => reader.tip().ok().map(|(height, digest)| format::encode_tip(height, &digest)),
        Value::Oldest => reader.oldest().ok().map(|height| format::height_key(height).to_vec()),
        Value::Header => reader.header(HEIGHT).ok().flatten().map(|header| {
            block::check_header(&header, bytes);
            header.encode()
        }),
        Value::Body => reader.body(HEIGHT).ok().flatten().map(|body| {
            block::check_body(&body);
            body.encode()
        }),
        Value::Receipts => reader.receipts(HEIGHT).ok().flatten().map(|receipts| encode_receipts(&receipts)),
        Value::Certificate => reader.certificate(HEIGHT).ok().flatten().map(|certificate| certificate.to_bytes()),
        Value::TransactionIndex => {
            let place = reader.place_of(&samples::transactions()[0].hash()).ok().flatten();
            place.map(|(height, index)| format::encode_place(height, index))
        }
        Value::BlockIndex => {
            let height = reader.height_of(&samples::header().digest()).ok().flatten();
            height.map(|height| format::height_key(height).to_vec())
        }
        Value::Account => reader.account(&holder()).ok().flatten().map(|account| format::encode_account(&account)),
        Value::Evidence => {
            let all = reader.evidence(&[], 10).ok();
            all.map(|all| {
                let key = samples::evidence()[0].key();
                assert_eq!(all.len(), samples::evidence().len());
                let places = samples::evidence().map(|evidence| evidence.key());
                let place = places.iter().filter(|place| **place < key).count();
                all[place].to_bytes()
            })
        }
    };
    if let Some(again) = &again {
        assert_canonical(&format!("{value:?}"), bytes, again);
    }
    again.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_chain_opens_and_every_value_of_it_is_read() {
        let opened = chain::open(&*CHAIN, samples::genesis(), Workers::Inline).unwrap();
        assert_eq!(opened.tip.digest(), samples::header().digest());
        for value in Value::ALL {
            let Some(bytes) = value.genuine() else { continue };
            let is_read = database(&value.input(&bytes));
            assert_eq!(is_read, !matches!(value, Value::Format | Value::Genesis), "{value:?}");
        }
    }

    #[test]
    fn a_damaged_value_is_refused_by_whoever_reads_it() {
        for value in Value::ALL {
            assert!(!database(&value.input(&[1, 2, 3])), "{value:?}");
        }
    }
}
