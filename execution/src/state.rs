//! The accounts that a block touches, on top of its parent's state.
//!
//! Invariant: reading never creates an account; empty accounts are removed when the changes are taken (EIP-161).

use crate::Workers;
use crate::trie::{StateTrie, trie_key};
use minuet_core::account::Account;
use minuet_core::alloy_primitives::map::AddressMap;
use minuet_core::keccak::hash_each;
use minuet_core::{Address, B256};
use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelExtend, ParallelIterator};
use std::collections::hash_map::Entry;

/// Accounts that one worker looks up at least.
const LOOK_UPS_TOGETHER: usize = 256;

/// One account's new value; `None` if it no longer exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountChange {
    /// Whose.
    pub address: Address,
    /// Its place in the trie.
    pub key: B256,
    /// As of the end of the block.
    pub account: Option<Account>,
}

#[derive(Clone, Debug)]
struct Touched {
    address: Address,
    key: B256,
    before: Option<Account>,
    now: Account,
}

impl Touched {
    fn new(base: &StateTrie, address: Address, key: B256) -> Self {
        let before = base.get(&key);
        Self { address, key, now: before.clone().unwrap_or_default(), before }
    }
}

/// A state being worked on.
#[derive(Clone, Debug)]
pub struct WorkingState<'a> {
    base: &'a StateTrie,
    /// In order of the first touch.
    touched: Vec<Touched>,
    /// Place in `touched`. Only looked up, never iterated.
    places: AddressMap<usize>,
}

impl<'a> WorkingState<'a> {
    /// Starts from a state.
    #[must_use]
    pub fn new(base: &'a StateTrie) -> Self {
        Self { base, touched: Vec::new(), places: AddressMap::default() }
    }

    /// Reads accounts that will be asked for, together: their places in the trie are hashes, and finding many of them is
    /// work for several threads.
    pub fn look_up(&mut self, addresses: impl IntoIterator<Item = Address>, workers: Workers) {
        let mut fresh = Vec::new();
        for address in addresses {
            let place = self.touched.len() + fresh.len();
            if let Entry::Vacant(entry) = self.places.entry(address) {
                entry.insert(place);
                fresh.push(address);
            }
        }
        let keys = hash_each(&fresh, |address, out| out.extend_from_slice(address.as_slice()));
        let base = self.base;
        let read = |(&address, &key): (&Address, &B256)| Touched::new(base, address, key);
        match workers {
            Workers::Inline => self.touched.extend(fresh.iter().zip(&keys).map(read)),
            Workers::Rayon => {
                let accounts = fresh.par_iter().zip(&keys).with_min_len(LOOK_UPS_TOGETHER).map(read);
                self.touched.par_extend(accounts);
            }
        }
    }

    /// The account as it is now; an account that does not exist reads as an empty one.
    pub fn account_mut(&mut self, address: Address) -> &mut Account {
        let place = *self.places.entry(address).or_insert_with(|| {
            self.touched.push(Touched::new(self.base, address, trie_key(&address)));
            self.touched.len() - 1
        });
        &mut self.touched[place].now
    }

    /// What is different from the start, by ascending address.
    #[must_use]
    pub fn into_changes(self) -> Vec<AccountChange> {
        let changed = self.touched.into_iter().filter_map(|touched| {
            let Touched { address, key, before, now } = touched;
            let account = (!now.is_empty()).then_some(now);
            (account != before).then_some(AccountChange { address, key, account })
        });
        let mut changes: Vec<AccountChange> = changed.collect();
        changes.sort_unstable_by_key(|change| change.address);
        changes
    }
}

/// The state after these changes; the given one is left as it is.
#[must_use]
pub fn apply(base: &StateTrie, changes: &[AccountChange], workers: Workers) -> StateTrie {
    let mut state = base.clone();
    let gone = changes.iter().filter(|change| change.account.is_none());
    gone.for_each(|change| state.remove(&change.key));
    let kept = changes.iter().filter_map(|change| Some((change.key, change.account.as_ref()?)));
    let mut ascending: Vec<_> = kept.collect();
    ascending.sort_unstable_by_key(|(key, _)| *key);
    state.insert_all(&ascending, workers);
    state
}
