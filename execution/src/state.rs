//! The accounts that a block touches, on top of its parent's state.
//!
//! Invariant: reading never creates an account; empty accounts are removed when the changes are taken (EIP-161).

use crate::Workers;
use crate::trie::{StateTrie, trie_key};
use minuet_core::account::Account;
use minuet_core::alloy_primitives::map::AddressMap;
use minuet_core::{Address, B256};

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

    /// The account as it is now; an account that does not exist reads as an empty one.
    pub fn account_mut(&mut self, address: Address) -> &mut Account {
        let place = *self.places.entry(address).or_insert_with(|| {
            let key = trie_key(&address);
            let before = self.base.get(&key);
            self.touched.push(Touched { address, key, now: before.clone().unwrap_or_default(), before });
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
