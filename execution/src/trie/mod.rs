//! The state as a Merkle Patricia trie (Ethereum's secure trie: key keccak256(address), value RLP of the account).
//!
//! Owns: the accounts of one state, in memory, and the root over them. It is persistent in the functional sense: a
//! clone costs one reference count and shares every node; a change copies the path that it touches and nothing else. So
//! each unfinalized block has a whole state of its own at the price of its changes, and the root costs only the nodes
//! that changed, since every node remembers its hash.
//! Never does: input/output. It is rebuilt from the stored accounts when the node starts.
//!
//! Invariants:
//! - A branch has at least two children; where one is left, that child takes its place.
//! - Every node's encoding is at least 32 bytes (an account has two hashes, a branch two children), so nodes are always
//!   named by their hash and never embedded in their parent.
//! - Memory: about 180 bytes per account, whatever the number of unfinalized blocks that share it.

mod bucket;
mod encode;
mod hashing;
mod node;

use crate::Workers;
use encode::nibble;
use minuet_core::account::{Account, EMPTY_ROOT_HASH};
use minuet_core::{Address, B256, keccak256};
use node::Child;
use rayon::iter::{IntoParallelRefMutIterator, ParallelIterator};

/// Branches on the way to an account from which on several workers insert: three stand over 101,000 accounts, four over a
/// million, five over ten million.
const SHARED_FROM_LEVELS: usize = 5;

/// The place of an account in the trie: keccak256 of its address.
#[must_use]
pub fn trie_key(address: &Address) -> B256 {
    keccak256(address)
}

/// All accounts of one state. Cloning is cheap and shares.
#[derive(Clone, Debug, Default)]
pub struct StateTrie {
    root: Option<Child>,
}

impl StateTrie {
    /// The account under a [`trie_key`].
    #[must_use]
    pub fn get(&self, key: &B256) -> Option<Account> {
        self.root.as_ref()?.get(key)
    }

    /// Sets an account. Empty accounts must be removed instead (EIP-161).
    pub fn insert(&mut self, key: B256, account: &Account) {
        node::insert(&mut self.root, 0, key, account);
    }

    /// Sets several accounts, whose keys ascend: neighbours one after the other, while the way to them is in the
    /// processor's cache; and by several workers, if there are, where a state is so large that most of it is in no cache.
    ///
    /// In smaller ones copying is soon done, and what workers copy lies in memory of theirs that nobody else fills again.
    pub fn insert_all(&mut self, ascending: &[(B256, &Account)], workers: Workers) {
        self.insert_by(ascending, workers, SHARED_FROM_LEVELS);
    }

    /// Several workers take each sixteenth of the trie on its own, where there are so many levels.
    fn insert_by(&mut self, ascending: &[(B256, &Account)], workers: Workers, shared_from_levels: usize) {
        let is_shared = workers == Workers::Rayon && self.levels() >= shared_from_levels;
        let Some(places) = self.root.as_mut().filter(|_| is_shared).and_then(Child::top_places) else {
            return ascending.iter().for_each(|(key, account)| self.insert(*key, account));
        };
        let mut rest = ascending;
        let parts = places.iter_mut().enumerate().map(|(first, place)| {
            let (part, others) = rest.split_at(rest.partition_point(|(key, _)| nibble(key, 0) <= first));
            rest = others;
            (place, part)
        });
        let mut parts: Vec<_> = parts.collect();
        parts.par_iter_mut().for_each(|(place, part)| {
            part.iter().for_each(|(key, account)| node::insert(place, 1, *key, account));
        });
    }

    /// Branches on the way to some account.
    fn levels(&self) -> usize {
        self.root.as_ref().map_or(0, Child::levels)
    }

    /// Removes an account, if it is there.
    pub fn remove(&mut self, key: &B256) {
        if self.get(key).is_some() {
            node::remove(&mut self.root, key);
        }
    }

    /// The state root. Hashes what changed since the last call on this state or one that it shares nodes with, and
    /// remembers it in this state and its later clones.
    pub fn root_hash(&mut self, workers: Workers) -> B256 {
        if workers == Workers::Rayon
            && let Some(root) = self.root.as_mut().filter(|root| root.known_hash().is_none())
            && let Some(places) = root.top_places()
        {
            places.par_iter_mut().for_each(|place| hashing::hash(place, 1));
        }
        hashing::hash(&mut self.root, 0);
        self.root.as_ref().and_then(Child::known_hash).unwrap_or(EMPTY_ROOT_HASH)
    }
}

#[cfg(test)]
mod tests;
