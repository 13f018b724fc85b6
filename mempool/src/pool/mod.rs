//! The pool as plain data: no clock, no thread, no ring; the finalized state is read through [`StateReader`].

mod account;
mod admission;
mod branches;
mod dropped;
mod lists;
mod notices;
mod own;
mod room;
mod select;
#[cfg(test)]
mod tests;

pub use account::Origin;
pub use admission::Examined;
pub use branches::Overlay;
pub use select::SelectLimits;

use crate::{ChainRules, MempoolConfig};
use account::{Account, Entry};
use branches::Branches;
use dropped::{DropReason, Dropped};
use lists::Lists;
use minuet_core::account::StateReader;
use minuet_core::alloy_primitives::map::{AddressMap, B256Map};
use minuet_core::messages::{Branch, PoolStatus};
use minuet_core::{Address, PeerId, TxHash};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;

/// All admitted transactions that are not final.
///
/// Its hash maps are looked up, never iterated, so their random order is never seen.
pub struct Pool {
    config: MempoolConfig,
    rules: ChainRules,
    state: Arc<dyn StateReader>,
    accounts: AddressMap<Account>,
    by_hash: B256Map<(Address, u64)>,
    lists: Lists,
    /// Arrival → transactions that came from this node's clients.
    own: BTreeMap<u64, TxHash>,
    /// Bytes of their envelopes.
    own_bytes: usize,
    bytes: usize,
    next_arrival: u64,
    /// Senders that had no transaction when they were put here, oldest first.
    idle: VecDeque<Address>,
    branches: Branches,
    dropped: Dropped,
    evicted: u64,
}

impl Pool {
    /// An empty pool over a finalized state.
    #[must_use]
    pub fn new(config: MempoolConfig, rules: ChainRules, state: Arc<dyn StateReader>) -> Self {
        let branches = Branches::new(config.remembered_final_blocks);
        let dropped = Dropped::new(config.remembered_drops);
        Self {
            config,
            rules,
            state,
            accounts: AddressMap::default(),
            by_hash: B256Map::default(),
            lists: Lists::default(),
            own: BTreeMap::new(),
            own_bytes: 0,
            bytes: 0,
            next_arrival: 0,
            idle: VecDeque::new(),
            branches,
            dropped,
            evicted: 0,
        }
    }

    /// Transactions behind no nonce gap.
    #[must_use]
    pub const fn pending(&self) -> usize {
        self.lists.pending
    }

    /// Transactions behind a nonce gap.
    #[must_use]
    pub const fn queued(&self) -> usize {
        self.lists.queued
    }

    /// Bytes of all envelopes.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Transactions that had to go for better-paying ones since start.
    #[must_use]
    pub const fn evicted(&self) -> u64 {
        self.evicted
    }

    /// The limits that it was made with.
    #[must_use]
    pub const fn config(&self) -> &MempoolConfig {
        &self.config
    }

    /// The chain's rules that it was made with.
    #[must_use]
    pub const fn rules(&self) -> &ChainRules {
        &self.rules
    }

    /// Whether a transaction waits here.
    #[must_use]
    pub fn contains(&self, hash: &TxHash) -> bool {
        self.by_hash.contains_key(hash)
    }

    /// Whether a transaction stands in an executed block that is not final yet.
    #[must_use]
    pub fn is_executed(&self, hash: &TxHash) -> bool {
        self.branches.including(hash).is_some()
    }

    /// What is known of a transaction.
    #[must_use]
    pub fn status(&self, hash: &TxHash) -> PoolStatus {
        if let Some((digest, height)) = self.branches.including(hash) {
            return PoolStatus::Included { digest, height };
        }
        if let Some((address, nonce)) = self.by_hash.get(hash) {
            let is_pending = self.accounts.get(address).is_some_and(|account| *nonce < account.ready_end);
            return if is_pending { PoolStatus::Pending } else { PoolStatus::Queued };
        }
        match self.dropped.reason(hash) {
            Some(reason) => PoolStatus::Dropped { reason: reason.to_string() },
            None => PoolStatus::Unknown,
        }
    }

    /// The nonce that the sender's next transaction should have; `None` if the state cannot be read.
    #[must_use]
    pub fn next_nonce(&self, sender: &Address) -> Option<u64> {
        match self.accounts.get(sender) {
            Some(account) => Some(account.ready_end),
            None => self.read_account(sender).map(|account| account.nonce),
        }
    }

    /// The effect of a branch's blocks; `None` while the pool does not know one of them (its notice is on the way).
    #[must_use]
    pub fn overlay(&self, branch: &Branch) -> Option<Overlay> {
        let mut overlay = self.branches.overlay(branch)?;
        // Consensus never goes below the floor; the order of the senders relies on it.
        overlay.base_fee = overlay.base_fee.max(self.rules.fees.min_base_fee);
        Some(overlay)
    }

    /// The arrival that the next admitted transaction gets.
    #[must_use]
    pub const fn next_arrival(&self) -> u64 {
        self.next_arrival
    }

    /// Remembers that a transaction went to all connected peers in this gossip round (from 1).
    pub fn mark_sent(&mut self, hash: &TxHash, round: u64) {
        if let Some(entry) = self.entry_mut(hash) {
            entry.sent_round = round;
        }
    }

    /// Remembers that one peer has a transaction; returns its sender.
    pub fn mark_shared(&mut self, hash: &TxHash, peer: PeerId) -> Option<Address> {
        let entry = self.entry_mut(hash)?;
        entry.share(peer);
        Some(entry.transaction.sender())
    }

    fn entry(&self, hash: &TxHash) -> Option<&Entry> {
        let (address, nonce) = self.by_hash.get(hash)?;
        self.accounts.get(address)?.entries.get(nonce)
    }

    fn entry_mut(&mut self, hash: &TxHash) -> Option<&mut Entry> {
        let (address, nonce) = self.by_hash.get(hash)?;
        self.accounts.get_mut(address)?.entries.get_mut(nonce)
    }

    /// Takes one transaction out. The caller updates the lists when it is done with the sender.
    fn take(&mut self, address: &Address, nonce: u64, reason: Option<DropReason>) {
        let Some(entry) = self.accounts.get_mut(address).and_then(|account| account.remove(nonce)) else { return };
        let hash = entry.transaction.hash();
        self.bytes -= entry.transaction.encoded_length();
        self.by_hash.remove(&hash);
        if entry.is_own {
            self.own.remove(&entry.arrival);
            self.own_bytes -= entry.transaction.encoded_length();
        }
        if let Some(reason) = reason {
            self.dropped.remember(hash, reason);
        }
    }

    /// Brings the lists up to date with a sender, and lets the account go in time if it has nothing waiting.
    fn update_lists(&mut self, address: &Address) {
        let Some(account) = self.accounts.get_mut(address) else { return };
        self.lists.update(*address, account);
        if !account.entries.is_empty() || account.is_idle_listed {
            return;
        }
        account.is_idle_listed = true;
        self.idle.push_back(*address);
        // At least one: the sender being admitted must not be forgotten before its transaction is in.
        while self.idle.len() > self.config.cached_accounts.max(1) {
            let Some(oldest) = self.idle.pop_front() else { break };
            match self.accounts.get_mut(&oldest) {
                Some(account) if !account.entries.is_empty() => account.is_idle_listed = false,
                _ => drop(self.accounts.remove(&oldest)),
            }
        }
    }

    fn read_account(&self, address: &Address) -> Option<Account> {
        match self.state.account(address) {
            Ok(found) => {
                let found = found.unwrap_or_default();
                Some(Account::new(found.nonce, found.balance))
            }
            Err(error) => {
                tracing::error!(%error, %address, "the pool cannot read the finalized state");
                None
            }
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (pending, queued) = (self.pending(), self.queued());
        let mut shape = out.debug_struct("Pool");
        shape.field("pending", &pending).field("queued", &queued).field("bytes", &self.bytes).finish_non_exhaustive()
    }
}
