//! Block headers: Ethereum's, with the consensus fields in `extraData`. The digest of a header is keccak256 of its RLP.
//!
//! Every Ethereum field without meaning here has one fixed value; a header with any other value, or with non-canonical
//! `extraData`, does not decode.

use crate::codec::{self, CodecError};
use crate::{Address, B256, Digest, Epoch, Height, TimeMs, U256, ValidatorIndex, View};
use alloy_consensus::Header;
use alloy_consensus::constants::EMPTY_WITHDRAWALS;
use alloy_primitives::{B64, Bloom, b256};
use alloy_rlp::{RlpDecodable, RlpEncodable};

/// The format of `extraData` that this program writes.
pub const HEADER_VERSION: u8 = 1;
/// The longest header RLP, in bytes; ours have about 620.
pub const MAX_HEADER_BYTES: usize = 1024;

const WHAT: &str = "block header";
const EMPTY_OMMERS: B256 = alloy_consensus::EMPTY_OMMER_ROOT_HASH;
/// SHA-256 of nothing: no execution-layer requests (EIP-7685).
const EMPTY_REQUESTS: B256 = b256!("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");

/// What consensus adds to an Ethereum header, RLP-encoded in `extraData`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct ConsensusFields {
    /// [`HEADER_VERSION`].
    pub version: u8,
    /// The committee's epoch.
    pub epoch: Epoch,
    /// The view in which the block was proposed.
    pub view: View,
    /// The parent's view.
    pub parent_view: View,
    /// The leader of the view.
    pub proposer: ValidatorIndex,
    /// Milliseconds beyond the header's seconds: 0 to 999.
    pub millis: u16,
}

/// The values that a proposer decides; the rest of a header is fixed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderParts {
    /// The committee's epoch.
    pub epoch: Epoch,
    /// The view of the proposal.
    pub view: View,
    /// The view of the parent.
    pub parent_view: View,
    /// Who proposes.
    pub proposer: ValidatorIndex,
    /// Digest of the parent.
    pub parent: Digest,
    /// One above the parent's.
    pub height: Height,
    /// Wall-clock time, not before the parent's.
    pub time: TimeMs,
    /// Receives the priority fees: the proposer's fee recipient.
    pub beneficiary: Address,
    /// State after the block.
    pub state_root: B256,
    /// Root over the transactions.
    pub transactions_root: B256,
    /// Root over the receipts.
    pub receipts_root: B256,
    /// From the genesis.
    pub gas_limit: u64,
    /// By all transactions.
    pub gas_used: u64,
    /// Wei per gas.
    pub base_fee: u64,
}

/// A header whose form has been checked, with its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockHeader {
    ethereum: Header,
    consensus: ConsensusFields,
    digest: Digest,
}

impl BlockHeader {
    /// The header with these parts.
    #[must_use]
    pub fn seal(parts: &HeaderParts) -> Self {
        let consensus = ConsensusFields {
            version: HEADER_VERSION,
            epoch: parts.epoch,
            view: parts.view,
            parent_view: parts.parent_view,
            proposer: parts.proposer,
            millis: parts.time.millis_part(),
        };
        Self::from_fields(parts, consensus, codec::encode(&consensus).into())
    }

    /// Block 0: no proposer, `extraData` is the genesis fingerprint.
    #[must_use]
    pub fn genesis(fingerprint: B256, state_root: B256, time: TimeMs, gas_limit: u64, base_fee: u64) -> Self {
        let parts = HeaderParts {
            epoch: Epoch(0),
            view: View::GENESIS,
            parent_view: View::GENESIS,
            proposer: ValidatorIndex(0),
            parent: B256::ZERO,
            height: Height::GENESIS,
            time: TimeMs(time.seconds().saturating_mul(1000)),
            beneficiary: Address::ZERO,
            state_root,
            transactions_root: crate::account::EMPTY_ROOT_HASH,
            receipts_root: crate::account::EMPTY_ROOT_HASH,
            gas_limit,
            gas_used: 0,
            base_fee,
        };
        Self::from_fields(&parts, genesis_fields(), fingerprint.0.into())
    }

    fn from_fields(parts: &HeaderParts, consensus: ConsensusFields, extra_data: crate::Bytes) -> Self {
        let ethereum = Self::fixed(parts, extra_data);
        let digest = ethereum.hash_slow();
        Self { ethereum, consensus, digest }
    }

    /// The only Ethereum header that these parts can have.
    fn fixed(parts: &HeaderParts, extra_data: crate::Bytes) -> Header {
        Header {
            parent_hash: parts.parent,
            ommers_hash: EMPTY_OMMERS,
            beneficiary: parts.beneficiary,
            state_root: parts.state_root,
            transactions_root: parts.transactions_root,
            receipts_root: parts.receipts_root,
            logs_bloom: Bloom::ZERO,
            difficulty: U256::ZERO,
            number: parts.height.0,
            gas_limit: parts.gas_limit,
            gas_used: parts.gas_used,
            timestamp: parts.time.seconds(),
            extra_data,
            mix_hash: B256::ZERO,
            nonce: B64::ZERO,
            base_fee_per_gas: Some(parts.base_fee),
            withdrawals_root: Some(EMPTY_WITHDRAWALS),
            blob_gas_used: Some(0),
            excess_blob_gas: Some(0),
            parent_beacon_block_root: Some(B256::ZERO),
            requests_hash: Some(EMPTY_REQUESTS),
            block_access_list_hash: None,
            slot_number: None,
        }
    }

    /// Reads a header; the digest is computed from its bytes.
    ///
    /// # Errors
    /// Too long, not canonical, a fixed field off its value, or `extraData` of another form or version.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let ethereum: Header = codec::decode(WHAT, bytes, MAX_HEADER_BYTES)?;
        let consensus = if ethereum.number == 0 && ethereum.extra_data.len() == 32 {
            genesis_fields()
        } else {
            decode_extra_data(&ethereum.extra_data)?
        };
        let decoded = Self { digest: ethereum.hash_slow(), ethereum, consensus };
        if decoded.ethereum != Self::fixed(&decoded.parts(), decoded.ethereum.extra_data.clone()) {
            return Err(CodecError::malformed(WHAT, "a field that has one fixed value on this chain has another"));
        }
        Ok(decoded)
    }

    /// The values that its proposer decided.
    #[must_use]
    pub fn parts(&self) -> HeaderParts {
        HeaderParts {
            epoch: self.consensus.epoch,
            view: self.consensus.view,
            parent_view: self.consensus.parent_view,
            proposer: self.consensus.proposer,
            parent: self.ethereum.parent_hash,
            height: self.height(),
            time: self.time(),
            beneficiary: self.ethereum.beneficiary,
            state_root: self.ethereum.state_root,
            transactions_root: self.ethereum.transactions_root,
            receipts_root: self.ethereum.receipts_root,
            gas_limit: self.ethereum.gas_limit,
            gas_used: self.ethereum.gas_used,
            base_fee: self.base_fee(),
        }
    }

    /// RLP: what travels, is stored and hashed.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(&self.ethereum)
    }

    /// keccak256 of the RLP.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }
    /// The Ethereum header.
    #[must_use]
    pub const fn ethereum(&self) -> &Header {
        &self.ethereum
    }
    /// The committee's epoch.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.consensus.epoch
    }
    /// View of the proposal.
    #[must_use]
    pub const fn view(&self) -> View {
        self.consensus.view
    }
    /// View of the parent.
    #[must_use]
    pub const fn parent_view(&self) -> View {
        self.consensus.parent_view
    }
    /// Who proposed.
    #[must_use]
    pub const fn proposer(&self) -> ValidatorIndex {
        self.consensus.proposer
    }
    /// Digest of the parent.
    #[must_use]
    pub const fn parent(&self) -> Digest {
        self.ethereum.parent_hash
    }
    /// Distance from genesis.
    #[must_use]
    pub const fn height(&self) -> Height {
        Height(self.ethereum.number)
    }
    /// Wall-clock time of the proposal.
    #[must_use]
    pub fn time(&self) -> TimeMs {
        let seconds_ms = self.ethereum.timestamp.saturating_mul(1000);
        TimeMs(seconds_ms.saturating_add(u64::from(self.consensus.millis)))
    }
    /// Wei per gas.
    #[must_use]
    pub fn base_fee(&self) -> u64 {
        self.ethereum.base_fee_per_gas.unwrap_or_default()
    }
    /// By all transactions.
    #[must_use]
    pub const fn gas_used(&self) -> u64 {
        self.ethereum.gas_used
    }
    /// State after the block.
    #[must_use]
    pub const fn state_root(&self) -> B256 {
        self.ethereum.state_root
    }
    /// Root over the transactions.
    #[must_use]
    pub const fn transactions_root(&self) -> B256 {
        self.ethereum.transactions_root
    }
    /// Whether the block can have no transaction.
    #[must_use]
    pub fn is_empty_block(&self) -> bool {
        self.ethereum.transactions_root == crate::account::EMPTY_ROOT_HASH
    }
}

const fn genesis_fields() -> ConsensusFields {
    ConsensusFields {
        version: HEADER_VERSION,
        epoch: Epoch(0),
        view: View::GENESIS,
        parent_view: View::GENESIS,
        proposer: ValidatorIndex(0),
        millis: 0,
    }
}

fn decode_extra_data(bytes: &[u8]) -> Result<ConsensusFields, CodecError> {
    let fields: ConsensusFields = codec::decode("block header extraData", bytes, 64)?;
    if fields.version != HEADER_VERSION {
        return Err(CodecError::Version { what: WHAT, found: fields.version, expected: HEADER_VERSION });
    }
    if fields.millis > 999 {
        return Err(CodecError::malformed(WHAT, "the milliseconds in extraData are above 999"));
    }
    if fields.view <= fields.parent_view {
        return Err(CodecError::malformed(WHAT, "the view is not above the parent's view"));
    }
    Ok(fields)
}

#[cfg(test)]
mod tests;
