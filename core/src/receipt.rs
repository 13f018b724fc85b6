//! Receipts, as Ethereum's: status, gas used so far in the block, bloom and logs, under the native type byte.

use crate::B256;
use crate::codec::{self, CodecError};
use crate::transaction::NATIVE_TYPE;
use alloy_primitives::{Bloom, Log};
use alloy_rlp::{BufMut, Encodable, RlpDecodable, RlpEncodable};

/// The outcome of one transaction in a block.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct Receipt {
    /// `false`: reverted; fees are charged all the same.
    pub success: bool,
    /// Gas used by this and all earlier transactions of the block.
    pub cumulative_gas_used: u64,
    /// Filter of the logs.
    pub logs_bloom: Bloom,
    /// What contracts emitted; empty for transfers.
    pub logs: Vec<Log>,
}

impl Receipt {
    /// The receipt of a transfer.
    #[must_use]
    pub fn transfer(cumulative_gas_used: u64) -> Self {
        Self { success: true, cumulative_gas_used, logs_bloom: Bloom::ZERO, logs: Vec::new() }
    }
}

/// Root of the ordered trie over typed receipts, as in an Ethereum header.
#[must_use]
pub fn receipts_root(receipts: &[Receipt]) -> B256 {
    alloy_trie::root::ordered_trie_root_with_encoder(receipts, |receipt, out| {
        out.put_u8(NATIVE_TYPE);
        receipt.encode(out);
    })
}

/// The stored form of a block's receipts: success and gas only, since transfers have neither bloom nor logs.
#[must_use]
pub fn encode_receipts(receipts: &[Receipt]) -> Vec<u8> {
    let compact: Vec<StoredReceipt> = receipts
        .iter()
        .map(|receipt| StoredReceipt {
            success: receipt.success,
            cumulative_gas_used: receipt.cumulative_gas_used,
            logs: receipt.logs.clone(),
        })
        .collect();
    alloy_rlp::encode(&compact)
}

/// Reads the stored form back; blooms are recomputed.
///
/// # Errors
/// Bytes that [`encode_receipts`] did not write.
pub fn decode_receipts(bytes: &[u8]) -> Result<Vec<Receipt>, CodecError> {
    let stored: Vec<StoredReceipt> = codec::decode("stored receipts", bytes, usize::MAX)?;
    Ok(stored
        .into_iter()
        .map(|receipt| Receipt {
            success: receipt.success,
            cumulative_gas_used: receipt.cumulative_gas_used,
            logs_bloom: alloy_primitives::logs_bloom(&receipt.logs),
            logs: receipt.logs,
        })
        .collect())
}

#[derive(RlpEncodable, RlpDecodable)]
struct StoredReceipt {
    success: bool,
    cumulative_gas_used: u64,
    logs: Vec<Log>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_receipts_read_back_equal() {
        let receipts = vec![Receipt::transfer(21_000), Receipt { success: false, ..Receipt::transfer(42_000) }];
        assert_eq!(decode_receipts(&encode_receipts(&receipts)).unwrap(), receipts);
    }
}
