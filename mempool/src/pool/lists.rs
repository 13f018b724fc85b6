//! The orders over all senders: who is best to go next, who is first to be evicted. One entry a sender in each.

use super::account::{Account, HeadKey, TailKey};
use minuet_core::Address;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Kept by [`Lists::update`] after every change of a sender; each costs O(log senders).
#[derive(Debug, Default)]
pub(super) struct Lists {
    /// Senders whose next transaction is here, best first.
    pub(super) heads: BTreeMap<HeadKey, Address>,
    /// Senders by their highest nonce, first to be evicted first.
    pub(super) tails: BTreeMap<TailKey, Address>,
    pub(super) pending: usize,
    pub(super) queued: usize,
}

impl Lists {
    pub(super) fn update(&mut self, address: Address, account: &mut Account) {
        let head = account.entries.get(&account.nonce).map(|entry| (Reverse(entry.worth), entry.arrival));
        if head != account.head {
            account.head.take().map(|key| self.heads.remove(&key));
            head.map(|key| self.heads.insert(key, address));
            account.head = head;
        }
        let tail = account.eviction_key(u64::MAX).map(|(key, _)| key);
        if tail != account.tail {
            account.tail.take().map(|key| self.tails.remove(&key));
            tail.map(|key| self.tails.insert(key, address));
            account.tail = tail;
        }
        let pending = account.pending_count();
        let queued = account.entries.len() - pending;
        self.pending = self.pending - account.counted.0 + pending;
        self.queued = self.queued - account.counted.1 + queued;
        account.counted = (pending, queued);
    }
}
