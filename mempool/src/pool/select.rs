//! Choosing transactions for a block, and what R4 asks: is there something the leader could propose?
//!
//! Senders are listed by the worth of their next transaction, that is its tip at the lowest base fee. At the branch's base
//! fee it can only be lower, so a sender whose listed worth is below the best known tip need not be looked at yet: the
//! cost follows what is selected, not what waits.

use super::account::{Account, Entry};
use super::{Overlay, Pool};
use minuet_core::alloy_rlp::Encodable;
use minuet_core::block::MAX_BLOCK_TRANSACTIONS;
use minuet_core::transaction::{TRANSFER_GAS, Transaction};
use minuet_core::{Address, PeerId, U256};
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;

/// Transactions too big for what is left of a block, after which filling it up is given up.
const MAX_MISFITS: usize = 64;
/// Senders looked at to answer R4's question; further ones would seldom change the answer.
const MAX_WATCHED: usize = 512;
/// The longest RLP header of a body's list.
const LIST_HEADER_BYTES: usize = 4;

/// How much a block takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelectLimits {
    /// Bytes of the encoded body at most, RLP headers included.
    pub max_bytes: usize,
    /// Sum of gas limits at most.
    pub max_gas: u64,
}

/// A sender whose next transaction on the branch can go now.
struct Ready<'a> {
    tip: u128,
    account: &'a Account,
    entry: &'a Entry,
    /// What the sender can still spend, this transaction's cost included.
    left: U256,
}

impl Ready<'_> {
    fn key(&self) -> (u128, Reverse<u64>) {
        (self.tip, Reverse(self.entry.arrival))
    }
}

impl PartialEq for Ready<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}
impl Eq for Ready<'_> {}
impl PartialOrd for Ready<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Ready<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// What has been chosen so far.
struct Filling {
    chosen: Vec<Arc<Transaction>>,
    bytes_left: usize,
    gas_left: u64,
    misfits: usize,
}

impl Filling {
    const fn is_done(&self) -> bool {
        self.chosen.len() >= MAX_BLOCK_TRANSACTIONS || self.misfits >= MAX_MISFITS || self.gas_left < TRANSFER_GAS
    }

    fn take(&mut self, transaction: &Arc<Transaction>) -> bool {
        let bytes = transaction.envelope().length();
        let gas = transaction.fields().gas_limit;
        if bytes > self.bytes_left || gas > self.gas_left {
            self.misfits += 1;
            return false;
        }
        self.bytes_left -= bytes;
        self.gas_left -= gas;
        self.chosen.push(Arc::clone(transaction));
        true
    }
}

impl Pool {
    /// Transactions for a block on this branch, in the order in which they are to execute: highest effective tip first,
    /// earliest first among equals, nonces of each sender without a gap from where the branch leaves off.
    #[must_use]
    pub fn select(&self, overlay: &Overlay, limits: SelectLimits) -> Vec<Arc<Transaction>> {
        let mut filling = Filling {
            chosen: Vec::new(),
            bytes_left: limits.max_bytes.saturating_sub(LIST_HEADER_BYTES),
            gas_left: limits.max_gas,
            misfits: 0,
        };
        // The branch's own senders are not where the list says; there are no more of them than the branch has transactions.
        let mut heap: BinaryHeap<Ready<'_>> =
            overlay.touched.keys().filter_map(|address| self.ready(overlay, address)).collect();
        let mut listed = self.lists.heads.iter().peekable();
        while !filling.is_done() {
            while let Some(((Reverse(worth), arrival), address)) = listed.peek() {
                if heap.peek().is_some_and(|best| best.key() > (*worth, Reverse(*arrival))) {
                    break;
                }
                if !overlay.touched.contains_key(*address) {
                    heap.extend(self.ready(overlay, address));
                }
                listed.next();
            }
            let Some(best) = heap.pop() else { break };
            // A sender whose transaction does not fit is done: a later nonce must not overtake it.
            if filling.take(&best.entry.transaction) {
                let left = best.left.saturating_sub(best.entry.cost);
                let next = best.entry.transaction.nonce().saturating_add(1);
                heap.extend(ready_at(overlay, best.account, next, left));
            }
        }
        filling.chosen
    }

    /// Whether the sender's next transaction on this branch is here and can pay.
    #[must_use]
    pub fn is_executable(&self, overlay: &Overlay, sender: &Address) -> bool {
        self.ready(overlay, sender).is_some()
    }

    /// R4: whether the sender's next transaction on this branch is executable and `peer` has it: it sent it, got it alone,
    /// or was connected since round `since` and it went to all in that round or later.
    #[must_use]
    pub fn is_handed(&self, overlay: &Overlay, sender: &Address, peer: PeerId, since: Option<u64>) -> bool {
        self.ready(overlay, sender).is_some_and(|ready| {
            let sent_round = ready.entry.sent_round;
            ready.entry.shared_with.contains(&peer)
                || (sent_round > 0 && since.is_some_and(|since| sent_round >= since))
        })
    }

    /// R4: whether any sender's transaction is handed to `peer` as [`Pool::is_handed`] has it. Looks at the best 512
    /// senders and those of the branch.
    #[must_use]
    pub fn any_handed(&self, overlay: &Overlay, peer: PeerId, since: Option<u64>) -> bool {
        let listed = self.lists.heads.values().take(MAX_WATCHED);
        listed.chain(overlay.touched.keys()).any(|sender| self.is_handed(overlay, sender, peer, since))
    }

    fn ready(&self, overlay: &Overlay, address: &Address) -> Option<Ready<'_>> {
        let account = self.accounts.get(address)?;
        match overlay.touched.get(address) {
            Some(touched) if touched.next > account.nonce => {
                ready_at(overlay, account, touched.next, account.balance.saturating_sub(touched.spent))
            }
            // The state read for this account is newer than the branch: what it spent there is spent here.
            _ => ready_at(overlay, account, account.nonce, account.balance),
        }
    }
}

fn ready_at<'a>(overlay: &Overlay, account: &'a Account, nonce: u64, left: U256) -> Option<Ready<'a>> {
    let entry = account.entries.get(&nonce)?;
    let tip = entry.transaction.fields().effective_tip(overlay.base_fee)?;
    (entry.cost <= left).then_some(Ready { tip, account, entry, left })
}
