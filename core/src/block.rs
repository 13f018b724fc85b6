//! A block: its header and its transactions' envelopes.

use crate::codec::{self, CodecError};
use crate::header::BlockHeader;
use crate::transaction::{MAX_TRANSACTION_BYTES, transactions_root};
use crate::{Bytes, Digest};
use alloy_rlp::{Buf, Decodable, Header};
use std::sync::Arc;

/// The longest encoded body, in bytes.
pub const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;
/// The most transactions in a block.
pub const MAX_BLOCK_TRANSACTIONS: usize = 20_000;

const WHAT: &str = "block body";

/// The transactions of a block, as envelopes in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// EIP-2718 envelopes.
    pub transactions: Vec<Bytes>,
}

impl Body {
    /// RLP list of byte strings.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(&self.transactions)
    }

    /// Reads a body within its limits. The envelopes are not looked into.
    ///
    /// # Errors
    /// Too long, malformed, too many or too long transactions.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        if bytes.len() > MAX_BODY_BYTES {
            return Err(CodecError::TooLong { what: WHAT, length: bytes.len(), limit: MAX_BODY_BYTES });
        }
        let malformed = |error| CodecError::malformed(WHAT, error);
        // No more than what the items need: growing step by step would take three times as much on the way.
        let mut transactions = Vec::with_capacity(count_items(bytes)?);
        let mut rest = bytes;
        let mut items = Header::decode_bytes(&mut rest, true).map_err(malformed)?;
        while !items.is_empty() {
            transactions.push(Bytes::decode(&mut items).map_err(malformed)?);
        }
        match rest.len() {
            0 => Ok(Self { transactions }),
            count => Err(CodecError::Trailing { what: WHAT, count }),
        }
    }

    /// Root of the ordered trie over the envelopes: what the header must carry.
    #[must_use]
    pub fn root(&self) -> crate::B256 {
        transactions_root(&self.transactions)
    }
}

/// Number and lengths of the items, read before any is kept: two million empty ones would take 32 times their bytes.
fn count_items(mut bytes: &[u8]) -> Result<usize, CodecError> {
    let malformed = |error| CodecError::malformed(WHAT, error);
    let mut items = Header::decode_bytes(&mut bytes, true).map_err(malformed)?;
    let mut count = 0;
    while !items.is_empty() {
        let length = Header::decode(&mut items).map_err(malformed)?.payload_length;
        if length > MAX_TRANSACTION_BYTES {
            return Err(CodecError::TooLong { what: "transaction", length, limit: MAX_TRANSACTION_BYTES });
        }
        count += 1;
        if count > MAX_BLOCK_TRANSACTIONS {
            return Err(CodecError::TooLong { what: WHAT, length: count, limit: MAX_BLOCK_TRANSACTIONS });
        }
        items.advance(length);
    }
    Ok(count)
}

/// A header with the body that it commits to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    header: Arc<BlockHeader>,
    body: Arc<Body>,
}

impl Block {
    /// Joins a header and a body.
    ///
    /// # Errors
    /// A body whose root is not the header's (a swapped body under a valid digest).
    pub fn new(header: Arc<BlockHeader>, body: Arc<Body>) -> Result<Self, CodecError> {
        if body.root() != header.transactions_root() {
            return Err(CodecError::malformed("block body", "its root is not the header's transactions root"));
        }
        Ok(Self { header, body })
    }

    /// A block whose header was just computed from this body.
    #[must_use]
    pub const fn sealed(header: Arc<BlockHeader>, body: Arc<Body>) -> Self {
        Self { header, body }
    }

    /// A block without transactions.
    ///
    /// # Errors
    /// If the header commits to transactions.
    pub fn empty(header: Arc<BlockHeader>) -> Result<Self, CodecError> {
        if header.is_empty_block() {
            return Ok(Self { header, body: Arc::default() });
        }
        Err(CodecError::malformed("block body", "missing: the header commits to transactions"))
    }

    /// The header.
    #[must_use]
    pub const fn header(&self) -> &Arc<BlockHeader> {
        &self.header
    }

    /// The transactions.
    #[must_use]
    pub const fn body(&self) -> &Arc<Body> {
        &self.body
    }

    /// The header's digest.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.header.digest()
    }
}

#[cfg(test)]
mod tests;
