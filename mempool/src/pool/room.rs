//! Room in a full pool: who has to go for a newcomer, if anybody.

use super::Pool;
use super::account::TailKey;
use minuet_core::Address;
use minuet_core::mempool_errors::AdmissionError;
use minuet_core::transaction::Transaction;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A transaction that is to go, by sender and nonce.
pub(super) type Victim = (Address, u64);

impl Pool {
    /// The transactions that must go so that this one has room: queued ones before pending ones, worst-paying first, of a
    /// sender always its highest nonce. None that ranks as high as the newcomer goes, and none of its own sender.
    pub(super) fn plan_room(&self, newcomer: &Transaction) -> Result<Vec<Victim>, AdmissionError> {
        let sender = newcomer.sender();
        let account = self.accounts.get(&sender);
        let replaced = account.and_then(|account| account.entries.get(&newcomer.nonce()));
        let replaced_bytes = replaced.map_or(0, |entry| entry.transaction.encoded_length());
        let count = self.by_hash.len() + usize::from(replaced.is_none());
        let bytes = self.bytes + newcomer.encoded_length() - replaced_bytes;
        let mut too_many = count.saturating_sub(self.config.max_transactions);
        let mut too_big = bytes.saturating_sub(self.config.max_bytes);
        if too_many == 0 && too_big == 0 {
            return Ok(Vec::new());
        }
        let is_pending = account.is_none_or(|account| account.is_pending(newcomer.nonce()));
        let before = newcomer.nonce().checked_sub(1).zip(account);
        let worth_before = before.map_or(u128::MAX, |(nonce, account)| account.worth_through(nonce));
        let rank = (is_pending, self.worth(newcomer).min(worth_before));

        let mut victims = Vec::new();
        let mut exposed: BinaryHeap<Reverse<(TailKey, Victim)>> = BinaryHeap::new();
        let mut listed = self.lists.tails.iter().filter(|(_, address)| **address != sender).peekable();
        while too_many > 0 || too_big > 0 {
            let from_list = listed.peek().map(|(key, _)| **key);
            let from_heap = exposed.peek().map(|Reverse((key, _))| *key);
            let takes_heap = from_heap.is_some_and(|key| from_list.is_none_or(|other| key < other));
            let (key, (address, through)) = if takes_heap {
                exposed.pop().map(|Reverse(found)| found)
            } else {
                listed.next().map(|(key, address)| (*key, (*address, u64::MAX)))
            }
            .ok_or(AdmissionError::PoolFull)?;
            if (key.0, key.1) >= rank {
                return Err(AdmissionError::PoolFull);
            }
            let Some(account) = self.accounts.get(&address) else { continue };
            let Some((&nonce, entry)) = account.entries.range(..=through).next_back() else { continue };
            victims.push((address, nonce));
            too_many = too_many.saturating_sub(1);
            too_big = too_big.saturating_sub(entry.transaction.encoded_length());
            if let Some((key, next)) = nonce.checked_sub(1).and_then(|below| account.eviction_key(below)) {
                exposed.push(Reverse((key, (address, next))));
            }
        }
        Ok(victims)
    }
}
