//! One sender's waiting transactions over its finalized nonce and balance.

use crate::MempoolConfig;
use minuet_core::mempool_errors::AdmissionError;
use minuet_core::transaction::Transaction;
use minuet_core::{PeerId, U256};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Peers remembered per transaction; more are of no use for R4.
const MAX_SHARED_WITH: usize = 16;

/// Where a transaction came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Submitted to this node: it answers for its gossip.
    Client,
    /// Gossiped by a peer.
    Peer(PeerId),
}

/// An admitted transaction.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Its signature is checked.
    pub(crate) transaction: Arc<Transaction>,
    /// Position in the order of admission, over all senders.
    pub(crate) arrival: u64,
    /// The most that it can cost, in wei.
    pub(crate) cost: U256,
    /// Wei per gas for the proposer at the lowest base fee there can be: a bound for every base fee.
    pub(crate) worth: u128,
    /// Submitted here.
    pub(crate) is_own: bool,
    /// The gossip round in which every connected peer got it; 0 if none.
    pub(crate) sent_round: u64,
    /// Peers that sent it or got it alone.
    pub(crate) shared_with: Vec<PeerId>,
}

impl Entry {
    /// Remembers that this peer has it.
    pub(crate) fn share(&mut self, peer: PeerId) {
        if self.shared_with.len() < MAX_SHARED_WITH && !self.shared_with.contains(&peer) {
            self.shared_with.push(peer);
        }
    }
}

/// Best first: worth, then arrival.
pub(crate) type HeadKey = (Reverse<u128>, u64);
/// First to be evicted first: queued before pending, then worth, then the newest.
pub(crate) type TailKey = (bool, u128, Reverse<u64>);

/// A sender.
#[derive(Clone, Debug, Default)]
pub(crate) struct Account {
    /// Finalized.
    pub(crate) nonce: u64,
    /// Finalized, in wei.
    pub(crate) balance: U256,
    /// All of nonce `nonce` or above.
    pub(crate) entries: BTreeMap<u64, Entry>,
    /// Sum of the entries' costs; never above the balance between two calls.
    pub(crate) cost: U256,
    /// The first nonce that is missing: entries below it are pending, above it queued.
    pub(crate) ready_end: u64,
    pub(super) head: Option<HeadKey>,
    pub(super) tail: Option<TailKey>,
    pub(super) counted: (usize, usize),
    pub(super) is_idle_listed: bool,
}

impl Account {
    pub(super) fn new(nonce: u64, balance: U256) -> Self {
        Self { nonce, balance, ready_end: nonce, ..Self::default() }
    }

    /// Whether this transaction may wait here, as far as its own sender is concerned.
    pub(super) fn check(&self, transaction: &Transaction, config: &MempoolConfig) -> Result<(), AdmissionError> {
        let (nonce, next) = (transaction.nonce(), self.nonce);
        if nonce < next {
            return Err(AdmissionError::NonceTooLow { nonce, next });
        }
        let window = config.nonce_window;
        if nonce - next >= window {
            return Err(AdmissionError::NonceGap { nonce, next, window });
        }
        let replaced = self.entries.get(&nonce);
        match replaced {
            Some(old) => check_replacement(old, transaction, config.replacement_percent)?,
            None if self.entries.len() >= config.max_per_sender => {
                return Err(AdmissionError::SenderFull { limit: config.max_per_sender });
            }
            None => {}
        }
        let others = self.cost.saturating_sub(replaced.map_or(U256::ZERO, |old| old.cost));
        let needed = transaction.fields().max_cost().map_or(U256::MAX, |cost| cost.saturating_add(others));
        if needed > self.balance || needed == U256::MAX {
            return Err(AdmissionError::InsufficientBalance { balance: self.balance, needed });
        }
        Ok(())
    }

    pub(super) fn insert(&mut self, entry: Entry) {
        self.cost = self.cost.saturating_add(entry.cost);
        self.entries.insert(entry.transaction.nonce(), entry);
        self.extend_ready();
    }

    pub(super) fn remove(&mut self, nonce: u64) -> Option<Entry> {
        let entry = self.entries.remove(&nonce)?;
        self.cost = self.cost.saturating_sub(entry.cost);
        if nonce < self.ready_end {
            self.ready_end = nonce.max(self.nonce);
        }
        Some(entry)
    }

    /// Moves the finalized nonce up; entries below it must have been removed.
    pub(super) fn settle(&mut self, nonce: u64, balance: U256) {
        self.nonce = nonce;
        self.balance = balance;
        self.ready_end = nonce;
        self.extend_ready();
    }

    fn extend_ready(&mut self) {
        while self.entries.contains_key(&self.ready_end) {
            self.ready_end = self.ready_end.saturating_add(1);
        }
    }

    /// Whether a transaction of this nonce is, or would be, behind no gap.
    pub(super) const fn is_pending(&self, nonce: u64) -> bool {
        nonce <= self.ready_end
    }

    pub(super) fn pending_count(&self) -> usize {
        usize::try_from(self.ready_end - self.nonce).unwrap_or(usize::MAX).min(self.entries.len())
    }

    /// The least worth up to this nonce: a transaction earns nothing before all those in front of it are in.
    pub(super) fn worth_through(&self, nonce: u64) -> u128 {
        self.entries.range(..=nonce).map(|(_, entry)| entry.worth).min().unwrap_or(u128::MAX)
    }

    /// Where the last entry at or below this nonce stands in the order of eviction.
    pub(super) fn eviction_key(&self, through: u64) -> Option<(TailKey, u64)> {
        let (&nonce, entry) = self.entries.range(..=through).next_back()?;
        Some(((nonce < self.ready_end, self.worth_through(nonce), Reverse(entry.arrival)), nonce))
    }
}

fn check_replacement(old: &Entry, new: &Transaction, percent: u8) -> Result<(), AdmissionError> {
    let (old, offer) = (old.transaction.fields(), new.fields());
    let needed_fee = raised(old.max_fee_per_gas, percent).max(old.max_fee_per_gas.saturating_add(1));
    let needed_tip = raised(old.max_priority_fee_per_gas, percent);
    if offer.max_fee_per_gas < needed_fee || offer.max_priority_fee_per_gas < needed_tip {
        return Err(AdmissionError::Underpriced { needed_fee, needed_tip });
    }
    Ok(())
}

/// `amount` plus this many percent of it, rounded up.
fn raised(amount: u128, percent: u8) -> u128 {
    let percent = u128::from(percent);
    let whole = (amount / 100).saturating_mul(percent);
    amount.saturating_add(whole).saturating_add((amount % 100 * percent).div_ceil(100))
}
