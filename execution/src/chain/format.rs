//! Every key and value of the chain database. Changing one is a new [`FORMAT_VERSION`].
//!
//! | column | key | value |
//! |---|---|---|
//! | meta | `format` | one byte: [`FORMAT_VERSION`], or [`PRUNED_FORMAT_VERSION`] once `oldest` is there |
//! | meta | `genesis` | fingerprint of the genesis, 32 bytes |
//! | meta | `tip` | height (8) ‖ digest (32) of the newest final block; absent until genesis is written completely |
//! | meta | `oldest` | height (8): blocks 1 to the one below are gone; absent while everything is kept |
//! | headers | height | header RLP |
//! | bodies | height | body RLP; absent for a block without transactions |
//! | receipts | height | stored receipts; absent for a block without transactions |
//! | transaction_index | transaction hash | height (8) ‖ index (4) |
//! | block_index | digest | height (8) |
//! | accounts | address (20) | RLP: `[nonce, balance]`, for contracts `[nonce, balance, storage root, code hash]` |
//! | certificates | height | certificate RLP; only for blocks that a certificate of their own made final |
//! | evidence | view (8) ‖ kind (1) ‖ validator (2) | evidence RLP, with a version of its own |
//!
//! Heights and indexes are big endian. The trie is rebuilt from the accounts at start.

use alloy_rlp::{Decodable, Encodable, Header};
use minuet_core::account::{Account, EMPTY_CODE_HASH, EMPTY_ROOT_HASH};
use minuet_core::store::{Column, Store, StoreError};
use minuet_core::{B256, Digest, Height, U256};

/// The format that this program reads and writes.
pub const FORMAT_VERSION: u8 = 1;
/// The same, but old blocks are gone: a program that does not know of that must not take it for damage.
pub const PRUNED_FORMAT_VERSION: u8 = 2;
/// Key of the format version.
pub const META_FORMAT: &[u8] = b"format";
/// Key of the genesis fingerprint.
pub const META_GENESIS: &[u8] = b"genesis";
/// Key of the newest final block's height and digest.
pub const META_TIP: &[u8] = b"tip";

/// Key of the lowest height whose block is kept (beside block 0's header).
pub const META_OLDEST: &[u8] = b"oldest";

/// The error for bytes that this program did not write.
pub fn corrupt(what: impl Into<String>, reason: impl ToString) -> StoreError {
    StoreError::Corrupt { what: what.into(), reason: reason.to_string() }
}

/// Key of everything that is found by height.
#[must_use]
pub const fn height_key(height: Height) -> [u8; 8] {
    height.0.to_be_bytes()
}

/// Reads a height key or a block index value.
///
/// # Errors
/// Any other length.
pub fn decode_height(what: &str, bytes: &[u8]) -> Result<Height, StoreError> {
    let bytes = bytes.try_into().map_err(|_| corrupt(what, format!("{} bytes instead of 8", bytes.len())))?;
    Ok(Height(u64::from_be_bytes(bytes)))
}

/// Value of [`META_TIP`].
#[must_use]
pub fn encode_tip(height: Height, digest: &Digest) -> Vec<u8> {
    [height.0.to_be_bytes().as_slice(), digest.as_slice()].concat()
}

/// Reads [`META_TIP`]; `None` until genesis is written completely.
///
/// # Errors
/// Unreadable or damaged.
pub fn read_tip(store: &dyn Store) -> Result<Option<(Height, Digest)>, StoreError> {
    let Some(bytes) = store.get(Column::Meta, META_TIP)? else { return Ok(None) };
    match bytes.split_at_checked(8) {
        Some((height, digest)) if digest.len() == 32 => {
            Ok(Some((decode_height("tip", height)?, B256::from_slice(digest))))
        }
        _ => Err(corrupt("tip", format!("{} bytes instead of 40", bytes.len()))),
    }
}

/// Reads [`META_OLDEST`]; height 0 while everything is kept.
///
/// # Errors
/// Unreadable or damaged.
pub fn read_oldest(store: &dyn Store) -> Result<Height, StoreError> {
    let bytes = store.get(Column::Meta, META_OLDEST)?;
    bytes.map_or(Ok(Height::GENESIS), |bytes| decode_height("oldest kept height", &bytes))
}

/// Value of the transaction index.
#[must_use]
pub fn encode_place(height: Height, index: u32) -> Vec<u8> {
    [height.0.to_be_bytes().as_slice(), index.to_be_bytes().as_slice()].concat()
}

/// Reads a value of the transaction index.
///
/// # Errors
/// Any other length.
pub fn decode_place(bytes: &[u8]) -> Result<(Height, u32), StoreError> {
    const WHAT: &str = "transaction index";
    match bytes.split_at_checked(8) {
        Some((height, index)) => {
            let index = index.try_into().map_err(|_| corrupt(WHAT, format!("{} bytes instead of 12", bytes.len())))?;
            Ok((decode_height(WHAT, height)?, u32::from_be_bytes(index)))
        }
        None => Err(corrupt(WHAT, format!("{} bytes instead of 12", bytes.len()))),
    }
}

fn is_contract(account: &Account) -> bool {
    account.storage_root != EMPTY_ROOT_HASH || account.code_hash != EMPTY_CODE_HASH
}

/// Value of the accounts column.
#[must_use]
pub fn encode_account(account: &Account) -> Vec<u8> {
    if is_contract(account) {
        return alloy_rlp::encode(account);
    }
    let payload_length = account.nonce.length() + account.balance.length();
    let mut out = Vec::with_capacity(payload_length + 1);
    Header { list: true, payload_length }.encode(&mut out);
    account.nonce.encode(&mut out);
    account.balance.encode(&mut out);
    out
}

/// Reads a value of the accounts column.
///
/// # Errors
/// Bytes that [`encode_account`] did not write.
pub fn decode_account(bytes: &[u8]) -> Result<Account, StoreError> {
    fields(bytes).map_err(|error| corrupt("account", error))
}

fn fields(bytes: &[u8]) -> alloy_rlp::Result<Account> {
    let mut rest = bytes;
    let mut list = Header::decode_bytes(&mut rest, true)?;
    if !rest.is_empty() {
        return Err(alloy_rlp::Error::UnexpectedLength);
    }
    let mut account = Account::with_balance(U256::ZERO);
    account.nonce = u64::decode(&mut list)?;
    account.balance = U256::decode(&mut list)?;
    if !list.is_empty() {
        account.storage_root = B256::decode(&mut list)?;
        account.code_hash = B256::decode(&mut list)?;
        if !is_contract(&account) {
            return Err(alloy_rlp::Error::Custom("an account without code or storage in a contract's form"));
        }
    }
    if list.is_empty() { Ok(account) } else { Err(alloy_rlp::Error::UnexpectedLength) }
}
