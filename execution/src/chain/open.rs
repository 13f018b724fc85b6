//! Opening the stored chain: a new one from its genesis, or the stored one at its tip.

use super::format::{self, corrupt};
use super::prune;
use crate::Workers;
use crate::trie::{StateTrie, trie_key};
use minuet_core::account::Account;
use minuet_core::genesis::Genesis;
use minuet_core::header::BlockHeader;
use minuet_core::store::{Batch, Column, Durability, Store, StoreError};
use minuet_core::{Address, Digest, Height};
use std::sync::Arc;

/// Accounts that are written or read at once.
const PAGE: usize = 10_000;

/// Where the chain stands.
#[derive(Clone, Debug)]
pub struct OpenedChain {
    /// The newest final block.
    pub tip: Arc<BlockHeader>,
    /// The lowest height whose block is kept; 0 while everything is.
    pub oldest: Height,
    /// The state after it.
    pub state: StateTrie,
}

/// Writes the genesis into an empty store, or reads where the stored chain stands; the state root is checked either way.
///
/// An opening that was cut short while writing the genesis is done again.
///
/// # Errors
/// [`StoreError::Mismatch`] for another chain's or format's data, [`StoreError::Corrupt`] for a damaged one.
pub fn open(store: &dyn Store, genesis: &Genesis, workers: Workers) -> Result<OpenedChain, StoreError> {
    begin(store, genesis)?;
    let (height, digest) =
        format::read_tip(store)?.ok_or_else(|| corrupt("tip", "missing right after it was written"))?;
    let oldest = format::read_oldest(store)?;
    if oldest > height {
        return Err(corrupt("oldest kept height", format!("{oldest} is above the newest block, {height}")));
    }
    prune::retire_below(store, oldest);
    let tip = read_tip_header(store, height, digest)?;
    let mut state = load_state(store)?;
    let root = state.root_hash(workers);
    if root != tip.state_root() {
        let reason = format!("their root is {root}, the header of block {height} says {}", tip.state_root());
        return Err(corrupt("accounts", reason));
    }
    Ok(OpenedChain { tip: Arc::new(tip), oldest, state })
}

/// The first half of [`open`]: afterwards the store has block 0 and its accounts, and the genesis need not have them.
///
/// # Errors
/// [`StoreError::Mismatch`] for another chain's or format's data, [`StoreError::Corrupt`] for a damaged one.
pub fn begin(store: &dyn Store, genesis: &Genesis) -> Result<(), StoreError> {
    check_identity(store, genesis)?;
    if format::read_tip(store)?.is_none() {
        write_genesis(store, genesis)?;
    }
    Ok(())
}

fn check_identity(store: &dyn Store, genesis: &Genesis) -> Result<(), StoreError> {
    let mismatch = |reason: String| StoreError::Mismatch { path: "chain database".to_owned(), reason };
    let Some(stored) = store.get(Column::Meta, format::META_GENESIS)? else {
        if format::read_tip(store)?.is_some() {
            return Err(corrupt("meta", "a tip but no genesis fingerprint"));
        }
        return Ok(());
    };
    let own = genesis.fingerprint();
    if stored != own.as_slice() {
        let stored = minuet_core::alloy_primitives::hex::encode_prefixed(&stored);
        return Err(mismatch(format!(
            "it holds the chain of genesis {stored}, the genesis file is {own}; use the genesis file of that chain, \
             or another (or emptied) data directory"
        )));
    }
    let is_pruned = store.get(Column::Meta, format::META_OLDEST)?.is_some();
    match store.get(Column::Meta, format::META_FORMAT)?.as_deref() {
        Some([format::FORMAT_VERSION]) if !is_pruned => Ok(()),
        Some([format::PRUNED_FORMAT_VERSION]) if is_pruned => Ok(()),
        Some([found @ (format::FORMAT_VERSION | format::PRUNED_FORMAT_VERSION)]) => {
            Err(corrupt("format version", format!("{found} does not fit with whether blocks are gone")))
        }
        Some([found]) => Err(mismatch(format!(
            "format version {found}, this program reads {} and {}; use the program that wrote it, or resync into an empty \
             data directory",
            format::FORMAT_VERSION,
            format::PRUNED_FORMAT_VERSION
        ))),
        _ => Err(corrupt("format version", "missing or longer than one byte")),
    }
}

fn write_genesis(store: &dyn Store, genesis: &Genesis) -> Result<(), StoreError> {
    let mut batch = Batch::default();
    batch.put(Column::Meta, format::META_FORMAT, [format::FORMAT_VERSION]);
    batch.put(Column::Meta, format::META_GENESIS, genesis.fingerprint().as_slice());
    // Which chain this is comes first and durably: half a genesis must never mix with another one.
    store.write(batch, Durability::Synced)?;
    let mut batch = Batch::default();
    for (address, balance) in genesis.file().accounts.iter().filter(|(_, balance)| !balance.is_zero()) {
        let value = format::encode_account(&Account::with_balance(*balance));
        batch.put(Column::Accounts, address.as_slice(), value);
        if batch.changes.len() >= PAGE {
            store.write(std::mem::take(&mut batch), Durability::Synced)?;
        }
    }
    let (height, digest) = (Height::GENESIS, genesis.digest());
    batch.put(Column::Headers, format::height_key(height), genesis.header().encode());
    batch.put(Column::BlockIndex, digest.as_slice(), format::height_key(height));
    batch.put(Column::Meta, format::META_TIP, format::encode_tip(height, &digest));
    store.write(batch, Durability::Synced)
}

fn read_tip_header(store: &dyn Store, height: Height, digest: Digest) -> Result<BlockHeader, StoreError> {
    let what = || format!("header of block {height}");
    let bytes = store
        .get(Column::Headers, &format::height_key(height))?
        .ok_or_else(|| corrupt(what(), "missing, but the tip names it"))?;
    let header = BlockHeader::decode(&bytes).map_err(|error| corrupt(what(), error))?;
    if header.digest() != digest || header.height() != height {
        let reason = format!("it is block {} with digest {}, the tip says {digest}", header.height(), header.digest());
        return Err(corrupt(what(), reason));
    }
    Ok(header)
}

fn load_state(store: &dyn Store) -> Result<StateTrie, StoreError> {
    let mut state = StateTrie::default();
    let mut from = Vec::new();
    loop {
        let page = store.scan(Column::Accounts, &from, None, PAGE)?;
        for (key, value) in &page {
            let address = <[u8; 20]>::try_from(key.as_slice())
                .map_err(|_| corrupt("accounts", format!("a key of {} bytes instead of 20", key.len())))?;
            state.insert(trie_key(&Address::from(address)), &format::decode_account(value)?);
        }
        match page.into_iter().next_back() {
            // The least key above the last one read.
            Some((mut last, _)) => {
                last.push(0);
                from = last;
            }
            None => return Ok(state),
        }
    }
}
