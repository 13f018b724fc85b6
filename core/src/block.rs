//! A block: its header and its transactions' envelopes.

use crate::codec::{self, CodecError};
use crate::header::BlockHeader;
use crate::transaction::{MAX_TRANSACTION_BYTES, transactions_root};
use crate::{Bytes, Digest};
use std::sync::Arc;

/// The longest encoded body, in bytes.
pub const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;
/// The most transactions in a block.
pub const MAX_BLOCK_TRANSACTIONS: usize = 20_000;

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
        const WHAT: &str = "block body";
        let transactions: Vec<Bytes> = codec::decode(WHAT, bytes, MAX_BODY_BYTES)?;
        if transactions.len() > MAX_BLOCK_TRANSACTIONS {
            return Err(CodecError::TooLong { what: WHAT, length: transactions.len(), limit: MAX_BLOCK_TRANSACTIONS });
        }
        match transactions.iter().find(|envelope| envelope.len() > MAX_TRANSACTION_BYTES) {
            Some(long) => {
                Err(CodecError::TooLong { what: "transaction", length: long.len(), limit: MAX_TRANSACTION_BYTES })
            }
            None => Ok(Self { transactions }),
        }
    }

    /// Root of the ordered trie over the envelopes: what the header must carry.
    #[must_use]
    pub fn root(&self) -> crate::B256 {
        transactions_root(&self.transactions)
    }
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
