//! The final chain, readable from any thread. Everything is found by one key; nothing is searched.
//!
//! A block is shown only once its batch is durable: the tip moves in the same batch.

use super::format::{self, corrupt};
use alloy_rlp::Header;
use minuet_core::account::{Account, StateReader};
use minuet_core::block::Body;
use minuet_core::certificate::Certificate;
use minuet_core::codec::CodecError;
use minuet_core::evidence::Evidence;
use minuet_core::header::BlockHeader;
use minuet_core::receipt::{Receipt, decode_receipts};
use minuet_core::store::{Column, Store, StoreError};
use minuet_core::transaction::Transaction;
use minuet_core::{Address, Bytes, Digest, Height, TxHash};
use std::fmt;
use std::sync::Arc;

/// Reads final blocks, transactions and accounts.
#[derive(Clone)]
pub struct ChainReader {
    store: Arc<dyn Store>,
}

impl fmt::Debug for ChainReader {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ChainReader").finish_non_exhaustive()
    }
}

/// A transaction in a final block.
#[derive(Clone, Debug)]
pub struct FinalTransaction {
    /// Header of its block.
    pub header: Arc<BlockHeader>,
    /// Place in the block.
    pub index: u32,
    /// The transaction.
    pub transaction: Transaction,
    /// Its outcome.
    pub receipt: Receipt,
    /// By this transaction alone.
    pub gas_used: u64,
    /// Wei per gas that the sender paid: base fee and tip.
    pub effective_gas_price: u128,
}

impl ChainReader {
    /// Reads from this store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    fn at<T, E: ToString>(
        &self,
        column: Column,
        height: Height,
        decode: impl FnOnce(&[u8]) -> Result<T, E>,
    ) -> Result<Option<T>, StoreError> {
        let Some(bytes) = self.store.get(column, &format::height_key(height))? else { return Ok(None) };
        let what = || format!("{} of block {height}", column.name());
        decode(&bytes).map(Some).map_err(|error| corrupt(what(), error.to_string()))
    }

    /// The newest final block's height and digest.
    ///
    /// # Errors
    /// When the store cannot be read, is damaged, or holds no chain yet.
    pub fn tip(&self) -> Result<(Height, Digest), StoreError> {
        format::read_tip(&*self.store)?.ok_or_else(|| corrupt("tip", "missing: the chain has not been opened"))
    }

    /// The newest final block's header.
    ///
    /// # Errors
    /// As [`ChainReader::tip`].
    pub fn latest(&self) -> Result<Arc<BlockHeader>, StoreError> {
        let (height, _) = self.tip()?;
        self.header(height)?.ok_or_else(|| corrupt(format!("header of block {height}"), "missing"))
    }

    /// The lowest height whose block is kept; 0 while everything is. Of what is below, only block 0's header is kept.
    ///
    /// # Errors
    /// When the store cannot be read or is damaged.
    pub fn oldest(&self) -> Result<Height, StoreError> {
        format::read_oldest(&*self.store)
    }

    /// Header of the final block at a height.
    ///
    /// # Errors
    /// When the store cannot be read or is damaged.
    pub fn header(&self, height: Height) -> Result<Option<Arc<BlockHeader>>, StoreError> {
        self.at(Column::Headers, height, |bytes| BlockHeader::decode(bytes).map(Arc::new))
    }

    /// Body of the final block at a height.
    ///
    /// # Errors
    /// When the store cannot be read or is damaged.
    pub fn body(&self, height: Height) -> Result<Option<Body>, StoreError> {
        self.or_empty(height, self.at(Column::Bodies, height, Body::decode)?)
    }

    /// Receipts of the final block at a height.
    ///
    /// # Errors
    /// When the store cannot be read or is damaged.
    pub fn receipts(&self, height: Height) -> Result<Option<Vec<Receipt>>, StoreError> {
        self.or_empty(height, self.at(Column::Receipts, height, decode_receipts)?)
    }

    /// Blocks without transactions have neither body nor receipts stored.
    fn or_empty<T: Default>(&self, height: Height, stored: Option<T>) -> Result<Option<T>, StoreError> {
        if stored.is_some() {
            return Ok(stored);
        }
        match self.header(height)? {
            Some(header) if header.is_empty_block() => Ok(Some(T::default())),
            Some(_) => Err(corrupt(format!("block {height}"), "body or receipts are missing")),
            None => Ok(None),
        }
    }

    /// The certificate that made the block at a height final, if it has one of its own.
    ///
    /// # Errors
    /// When the store cannot be read or is damaged.
    pub fn certificate(&self, height: Height) -> Result<Option<Certificate>, StoreError> {
        self.at(Column::Certificates, height, Certificate::from_bytes)
    }

    /// Stored evidence by ascending view, from a key on, at most so many pieces.
    ///
    /// # Errors
    /// When the store cannot be read or is damaged.
    pub fn evidence(&self, from: &[u8], limit: usize) -> Result<Vec<Evidence>, StoreError> {
        let stored = self.store.scan(Column::Evidence, from, None, limit)?;
        let read = |(_, bytes): (_, Vec<u8>)| Evidence::from_bytes(&bytes).map_err(|error| corrupt("evidence", error));
        stored.into_iter().map(read).collect()
    }

    /// Height of the final block with this digest.
    ///
    /// # Errors
    /// When the store cannot be read or is damaged.
    pub fn height_of(&self, digest: &Digest) -> Result<Option<Height>, StoreError> {
        let bytes = self.store.get(Column::BlockIndex, digest.as_slice())?;
        bytes.map(|bytes| format::decode_height("block index", &bytes)).transpose()
    }

    /// Height and index of a final transaction.
    ///
    /// # Errors
    /// When the store cannot be read or is damaged.
    pub fn place_of(&self, hash: &TxHash) -> Result<Option<(Height, u32)>, StoreError> {
        let bytes = self.store.get(Column::TransactionIndex, hash.as_slice())?;
        bytes.map(|bytes| format::decode_place(&bytes)).transpose()
    }

    /// A final transaction with its outcome.
    ///
    /// # Errors
    /// When the store cannot be read or is damaged.
    pub fn transaction(&self, hash: &TxHash) -> Result<Option<FinalTransaction>, StoreError> {
        let Some((height, index)) = self.place_of(hash)? else { return Ok(None) };
        match self.transaction_at(hash, height, index) {
            // Its block went while it was read.
            Err(_) if height < self.oldest()? => Ok(None),
            found => found.map(Some),
        }
    }

    fn transaction_at(&self, hash: &TxHash, height: Height, index: u32) -> Result<FinalTransaction, StoreError> {
        let damaged = |reason: String| corrupt(format!("transaction {hash} of block {height}"), reason);
        let missing = || damaged("the index names it, but it is not there".to_owned());
        let place = usize::try_from(index).map_err(|_| missing())?;
        let header = self.header(height)?.ok_or_else(missing)?;
        let envelope = self.at(Column::Bodies, height, |bytes| envelope_at(bytes, place))?.ok_or_else(missing)?;
        let transaction = Transaction::decode(&envelope).map_err(|error| damaged(error.to_string()))?;
        if transaction.hash() != *hash {
            return Err(damaged("another transaction is there".to_owned()));
        }
        let receipts = self.receipts(height)?.unwrap_or_default();
        let receipt = receipts.get(place).ok_or_else(missing)?.clone();
        let before = place.checked_sub(1).and_then(|place| receipts.get(place)).map_or(0, |r| r.cumulative_gas_used);
        let gas_used = receipt.cumulative_gas_used.saturating_sub(before);
        let tip = transaction.fields().effective_tip(header.base_fee()).unwrap_or_default();
        let effective_gas_price = tip.saturating_add(u128::from(header.base_fee()));
        Ok(FinalTransaction { header, index, transaction, receipt, gas_used, effective_gas_price })
    }
}

/// One envelope of an encoded body, without decoding the others.
fn envelope_at(body: &[u8], place: usize) -> Result<Bytes, CodecError> {
    let malformed = |error: alloy_rlp::Error| CodecError::malformed("block body", error);
    let mut rest = body;
    let mut list = Header::decode_bytes(&mut rest, true).map_err(malformed)?;
    for _ in 0..place {
        Header::decode_bytes(&mut list, false).map_err(malformed)?;
    }
    let envelope = Header::decode_bytes(&mut list, false).map_err(malformed)?;
    Ok(Bytes::copy_from_slice(envelope))
}

impl StateReader for ChainReader {
    fn account(&self, address: &Address) -> Result<Option<Account>, StoreError> {
        let bytes = self.store.get(Column::Accounts, address.as_slice())?;
        bytes.map(|bytes| format::decode_account(&bytes)).transpose()
    }
}
