//! Receipts, as Ethereum's: status, gas used so far in the block, bloom and logs, under the native type byte.

use crate::B256;
use crate::codec::{self, CodecError};
use crate::keccak::ordered;
use crate::transaction::NATIVE_TYPE;
use alloy_primitives::{Bloom, Log};
use alloy_rlp::{BufMut, Encodable, RlpDecodable, RlpEncodable};

/// The outcome of one transaction in a block. Its RLP is the stored form; the consensus form, which has the logs' bloom as
/// well, is what [`receipts_root`] hashes. A bloom is 256 bytes, all of them zero for a transfer, so it is not kept.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct Receipt {
    /// `false`: reverted; fees are charged all the same.
    pub success: bool,
    /// Gas used by this and all earlier transactions of the block.
    pub cumulative_gas_used: u64,
    /// What contracts emitted; empty for transfers.
    pub logs: Vec<Log>,
}

impl Receipt {
    /// The receipt of a transfer.
    #[must_use]
    pub const fn transfer(cumulative_gas_used: u64) -> Self {
        Self { success: true, cumulative_gas_used, logs: Vec::new() }
    }

    fn in_consensus(&self) -> ConsensusReceipt<'_> {
        let Self { success, cumulative_gas_used, logs } = self;
        let logs_bloom = alloy_primitives::logs_bloom(logs);
        ConsensusReceipt { success: *success, cumulative_gas_used: *cumulative_gas_used, logs_bloom, logs }
    }
}

#[derive(RlpEncodable)]
struct ConsensusReceipt<'a> {
    success: bool,
    cumulative_gas_used: u64,
    logs_bloom: Bloom,
    logs: &'a Vec<Log>,
}

/// Root of the ordered trie over typed receipts, as in an Ethereum header.
#[must_use]
pub fn receipts_root(receipts: &[Receipt]) -> B256 {
    let receipts: Vec<ConsensusReceipt> = receipts.iter().map(Receipt::in_consensus).collect();
    let put = |index: usize, out: &mut Vec<u8>| {
        out.put_u8(NATIVE_TYPE);
        receipts[index].encode(out);
    };
    // With its bloom, a receipt is longer than 256 bytes.
    ordered::root(receipts.len(), |index| 1 + receipts[index].length(), put).expect("receipts are longer than hashes")
}

/// The stored form of a block's receipts.
#[must_use]
pub fn encode_receipts(receipts: &[Receipt]) -> Vec<u8> {
    let mut out = Vec::new();
    alloy_rlp::encode_list::<Receipt, Receipt>(receipts, &mut out);
    out
}

/// Reads the stored form back.
///
/// # Errors
/// Bytes that [`encode_receipts`] did not write.
pub fn decode_receipts(bytes: &[u8]) -> Result<Vec<Receipt>, CodecError> {
    codec::decode("stored receipts", bytes, usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Address;

    #[test]
    fn the_root_is_the_reference_builders() {
        let log = Log::new_unchecked(Address::repeat_byte(7), vec![B256::repeat_byte(9)], vec![1; 100].into());
        for count in [0, 1, 2, 127, 128, 129, 1_000] {
            let of = |index: u64| Receipt {
                logs: vec![log.clone(); index as usize % 3],
                ..Receipt::transfer(21_000 * index)
            };
            let receipts: Vec<Receipt> = (1..=count).map(of).collect();
            let expected = alloy_trie::root::ordered_trie_root_with_encoder(&receipts, |receipt, out| {
                out.put_u8(NATIVE_TYPE);
                receipt.in_consensus().encode(out);
            });
            assert_eq!(receipts_root(&receipts), expected, "of {count}");
        }
    }

    #[test]
    fn stored_receipts_read_back_equal() {
        let receipts = vec![Receipt::transfer(21_000), Receipt { success: false, ..Receipt::transfer(42_000) }];
        assert_eq!(decode_receipts(&encode_receipts(&receipts)).unwrap(), receipts);
    }
}
