//! An account as the state trie holds it, and the read-only view that admission uses.

use crate::store::StoreError;
use crate::{Address, B256, U256};
use alloy_rlp::{RlpDecodable, RlpEncodable};

/// keccak256 of nothing: the code hash of an account without code.
pub const EMPTY_CODE_HASH: B256 = alloy_primitives::KECCAK256_EMPTY;
/// Root of a trie without entries.
pub const EMPTY_ROOT_HASH: B256 = alloy_trie::EMPTY_ROOT_HASH;

/// An Ethereum account; its RLP is the state trie's leaf.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct Account {
    /// Transactions sent so far.
    pub nonce: u64,
    /// In wei.
    pub balance: U256,
    /// Root of the contract's storage trie.
    pub storage_root: B256,
    /// keccak256 of the contract's code.
    pub code_hash: B256,
}

impl Default for Account {
    fn default() -> Self {
        Self { nonce: 0, balance: U256::ZERO, storage_root: EMPTY_ROOT_HASH, code_hash: EMPTY_CODE_HASH }
    }
}

impl Account {
    /// An account that has never sent anything.
    #[must_use]
    pub fn with_balance(balance: U256) -> Self {
        Self { balance, ..Self::default() }
    }

    /// EIP-161: such an account is not stored.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nonce == 0 && self.balance.is_zero() && self.code_hash == EMPTY_CODE_HASH
    }
}

/// The finalized state, readable from any thread.
pub trait StateReader: Send + Sync {
    /// The account at `address` in the newest finalized state; `None` if it does not exist.
    ///
    /// # Errors
    /// When the store cannot be read or holds damaged bytes.
    fn account(&self, address: &Address) -> Result<Option<Account>, StoreError>;
}
