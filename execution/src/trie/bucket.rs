//! The lowest levels of the trie: a few accounts that share the way to them, sorted, with the hashes that are known.
//!
//! Invariants: never empty outside [`super::node`]; the keys ascend; what is remembered as a hash is right for the
//! accounts and the place that the bucket has.

use super::encode::{self, NIBBLES, nibble, shared_nibbles};
use minuet_core::account::{Account, EMPTY_CODE_HASH, EMPTY_ROOT_HASH};
use minuet_core::{B256, U256};

/// Accounts that one bucket holds at most. A bucket that is split leaves sixteen of a sixteenth each, on average.
const MAX_LEAVES: usize = 40;

/// What a leaf remembers of an account; contracts are rare, so their hashes are kept aside.
#[derive(Clone, Debug)]
struct SlimAccount {
    nonce: u64,
    balance: U256,
    contract: Option<Box<(B256, B256)>>,
}

impl SlimAccount {
    fn new(account: &Account) -> Self {
        let is_contract = account.storage_root != EMPTY_ROOT_HASH || account.code_hash != EMPTY_CODE_HASH;
        let contract = is_contract.then(|| Box::new((account.storage_root, account.code_hash)));
        Self { nonce: account.nonce, balance: account.balance, contract }
    }

    fn to_account(&self) -> Account {
        let (storage_root, code_hash) = self.contract.as_deref().copied().unwrap_or((EMPTY_ROOT_HASH, EMPTY_CODE_HASH));
        Account { nonce: self.nonce, balance: self.balance, storage_root, code_hash }
    }
}

#[derive(Clone, Debug)]
struct Leaf {
    key: B256,
    account: SlimAccount,
    /// Of this leaf alone, at its place.
    hash: Option<B256>,
    /// Of the bucket's child that begins with this leaf and has others as well.
    run_hash: Option<B256>,
}

impl Leaf {
    fn new(key: B256, account: &Account) -> Self {
        Self { key, account: SlimAccount::new(account), hash: None, run_hash: None }
    }

    fn forget(&mut self) {
        self.hash = None;
        self.run_hash = None;
    }
}

#[derive(Clone, Debug)]
#[repr(C)]
pub(super) struct Bucket {
    hash: Option<B256>,
    leaves: Vec<Leaf>,
}

impl Bucket {
    pub(super) fn new(key: B256, account: &Account) -> Self {
        Self { hash: None, leaves: vec![Leaf::new(key, account)] }
    }

    pub(super) const fn known_hash(&self) -> Option<B256> {
        self.hash
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.leaves.is_empty()
    }

    pub(super) const fn is_overfull(&self) -> bool {
        self.leaves.len() > MAX_LEAVES
    }

    pub(super) fn first_key(&self) -> B256 {
        self.leaves[0].key
    }

    /// The nibble by which the accounts differ; [`NIBBLES`] if there is but one.
    pub(super) fn depth(&self) -> usize {
        match (self.leaves.first(), self.leaves.last()) {
            (Some(first), Some(last)) => shared_nibbles(&first.key, &last.key),
            _ => NIBBLES,
        }
    }

    fn place(&self, key: &B256) -> Result<usize, usize> {
        self.leaves.binary_search_by(|leaf| leaf.key.cmp(key))
    }

    pub(super) fn get(&self, key: &B256) -> Option<Account> {
        Some(self.leaves[self.place(key).ok()?].account.to_account())
    }

    pub(super) fn insert(&mut self, key: B256, account: &Account) {
        self.hash = None;
        match self.place(&key) {
            Ok(place) => {
                self.leaves[place].account = SlimAccount::new(account);
                self.leaves[place].hash = None;
                self.forget_run(place);
            }
            Err(place) => {
                let depth = self.depth();
                self.leaves.reserve_exact(1);
                self.leaves.insert(place, Leaf::new(key, account));
                self.forget_neighbours(&key, depth);
            }
        }
    }

    pub(super) fn remove(&mut self, key: &B256) {
        if let Ok(place) = self.place(key) {
            let depth = self.depth();
            self.hash = None;
            self.leaves.remove(place);
            self.forget_neighbours(key, depth);
        }
    }

    /// Forgets the hash of the child that has this leaf.
    fn forget_run(&mut self, place: usize) {
        let depth = self.depth();
        let key = self.leaves[place].key;
        for leaf in self.leaves[..=place].iter_mut().rev() {
            if shared_nibbles(&leaf.key, &key) <= depth {
                break;
            }
            leaf.run_hash = None;
        }
    }

    /// After `key` came or went: forgets what that changed, which is everything if the accounts differ elsewhere now.
    fn forget_neighbours(&mut self, key: &B256, depth_before: usize) {
        let depth = self.depth();
        for leaf in &mut self.leaves {
            if depth != depth_before || shared_nibbles(&leaf.key, key) > depth {
                leaf.forget();
            }
        }
    }

    /// The same accounts for another place.
    pub(super) fn moved(&self) -> Self {
        let mut moved = Self { hash: None, leaves: self.leaves.clone() };
        moved.leaves.iter_mut().for_each(Leaf::forget);
        moved
    }

    /// A bucket for each child of the branch that this one stands for.
    pub(super) fn parts(&self) -> [Option<Self>; 16] {
        let mut parts: [Option<Self>; 16] = Default::default();
        let depth = self.depth();
        for run in runs(&self.leaves, depth) {
            let part = Self { hash: None, leaves: run.to_vec() };
            parts[nibble(&run[0].key, depth)] = Some(part.moved());
        }
        parts
    }

    /// The hash that names what is here in its parent, whose path starts at the nibble `start`.
    pub(super) fn hash(&mut self, start: usize, scratch: &mut Vec<u8>) -> B256 {
        let depth = self.depth();
        let hash = if depth == NIBBLES {
            leaf_hash(&mut self.leaves[0], start, scratch)
        } else {
            let mut hashes = [None; 16];
            for run in self.leaves.chunk_by_mut(|a, b| nibble(&a.key, depth) == nibble(&b.key, depth)) {
                let hash = match run {
                    [leaf] => leaf_hash(leaf, depth + 1, scratch),
                    [first, ..] => match first.run_hash {
                        Some(hash) => hash,
                        None => {
                            let hash = run_hash(run, depth + 1, scratch);
                            run[0].run_hash = Some(hash);
                            hash
                        }
                    },
                    [] => continue,
                };
                hashes[nibble(&run[0].key, depth)] = Some(hash);
            }
            encode::branch_or_extension_hash(&self.leaves[0].key, start, depth, &hashes, scratch)
        };
        *self.hash.insert(hash)
    }
}

/// Leaves with the same nibble at a depth, nibble by nibble.
fn runs(leaves: &[Leaf], depth: usize) -> impl Iterator<Item = &[Leaf]> {
    leaves.chunk_by(move |a, b| nibble(&a.key, depth) == nibble(&b.key, depth))
}

fn leaf_hash(leaf: &mut Leaf, start: usize, scratch: &mut Vec<u8>) -> B256 {
    if let Some(hash) = leaf.hash {
        return hash;
    }
    *leaf.hash.insert(encode::leaf_hash(&leaf.key, start, &leaf.account.to_account(), scratch))
}

/// Hash of one or more leaves that share all nibbles before `start`.
fn run_hash(leaves: &mut [Leaf], start: usize, scratch: &mut Vec<u8>) -> B256 {
    let (first, last) = match leaves {
        [only] => return leaf_hash(only, start, scratch),
        [first, .., last] => (first.key, last.key),
        [] => return EMPTY_ROOT_HASH,
    };
    let depth = shared_nibbles(&first, &last);
    let mut hashes = [None; 16];
    for run in leaves.chunk_by_mut(|a, b| nibble(&a.key, depth) == nibble(&b.key, depth)) {
        hashes[nibble(&run[0].key, depth)] = Some(run_hash(run, depth + 1, scratch));
    }
    encode::branch_or_extension_hash(&first, start, depth, &hashes, scratch)
}
