//! The accounts that a block touches, on top of its parent's state.
//!
//! Invariant: reading never creates an account; empty accounts are removed when the changes are taken (EIP-161).

use crate::trie::{StateTrie, trie_key};
use minuet_core::account::Account;
use minuet_core::{Address, B256};
use std::collections::BTreeMap;

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
    key: B256,
    before: Option<Account>,
    now: Account,
}

/// A state being worked on.
#[derive(Clone, Debug)]
pub struct WorkingState<'a> {
    base: &'a StateTrie,
    touched: BTreeMap<Address, Touched>,
}

impl<'a> WorkingState<'a> {
    /// Starts from a state.
    #[must_use]
    pub const fn new(base: &'a StateTrie) -> Self {
        Self { base, touched: BTreeMap::new() }
    }

    /// The account as it is now; an account that does not exist reads as an empty one.
    pub fn account_mut(&mut self, address: Address) -> &mut Account {
        let base = self.base;
        let touched = self.touched.entry(address).or_insert_with(|| {
            let key = trie_key(&address);
            let before = base.get(&key);
            Touched { key, now: before.clone().unwrap_or_default(), before }
        });
        &mut touched.now
    }

    /// What is different from the start, by ascending address.
    #[must_use]
    pub fn into_changes(self) -> Vec<AccountChange> {
        let changed = self.touched.into_iter().filter_map(|(address, touched)| {
            let account = (!touched.now.is_empty()).then_some(touched.now);
            (account != touched.before).then_some(AccountChange { address, key: touched.key, account })
        });
        changed.collect()
    }
}

/// The state after these changes; the given one is left as it is.
#[must_use]
pub fn apply(base: &StateTrie, changes: &[AccountChange]) -> StateTrie {
    let mut state = base.clone();
    for change in changes {
        match &change.account {
            Some(account) => state.insert(change.key, account),
            None => state.remove(&change.key),
        }
    }
    state
}
