//! The one codec: RLP, canonical, with the length checked before anything is decoded (B-FRAME).

use alloy_rlp::{Decodable, Encodable};
use thiserror::Error;

/// Why bytes are not a value.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CodecError {
    /// Longer than this kind of value may be.
    #[error("{what}: {length} bytes, at most {limit} are allowed")]
    TooLong {
        /// The kind of value.
        what: &'static str,
        /// What came.
        length: usize,
        /// What may come.
        limit: usize,
    },
    /// Not canonical RLP of this kind of value.
    #[error("{what}: {reason}")]
    Malformed {
        /// The kind of value.
        what: &'static str,
        /// What was wrong.
        reason: String,
    },
    /// Bytes behind a complete value.
    #[error("{what}: {count} bytes follow the value")]
    Trailing {
        /// The kind of value.
        what: &'static str,
        /// How many.
        count: usize,
    },
    /// Not the version that this program writes.
    #[error("{what}: format version {found}, this program reads {expected}")]
    Version {
        /// The kind of value.
        what: &'static str,
        /// What came.
        found: u8,
        /// What is read.
        expected: u8,
    },
}

impl CodecError {
    /// A malformed value with its reason.
    pub fn malformed(what: &'static str, reason: impl ToString) -> Self {
        Self::Malformed { what, reason: reason.to_string() }
    }
}

/// The encoding of a value.
pub fn encode<T: Encodable>(value: &T) -> Vec<u8> {
    alloy_rlp::encode(value)
}

/// Decodes exactly one value from all of `bytes`, which may be at most `limit` long.
///
/// # Errors
/// Too long, malformed or trailing bytes, named by `what`.
pub fn decode<T: Decodable>(what: &'static str, bytes: &[u8], limit: usize) -> Result<T, CodecError> {
    if bytes.len() > limit {
        return Err(CodecError::TooLong { what, length: bytes.len(), limit });
    }
    let mut rest = bytes;
    let value = T::decode(&mut rest).map_err(|error| CodecError::malformed(what, error))?;
    if rest.is_empty() { Ok(value) } else { Err(CodecError::Trailing { what, count: rest.len() }) }
}
