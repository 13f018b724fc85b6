//! The lowest levels of the trie: a few accounts that share the way to them, sorted, with the hashes that are known.
//!
//! Invariants: never empty outside [`super::node`]; the keys ascend; what is remembered as a hash is right for the
//! accounts and the place that the bucket has.

use super::encode::{self, Children, NIBBLES, nibble, shared_nibbles};
use minuet_core::account::{Account, EMPTY_CODE_HASH, EMPTY_ROOT_HASH};
use minuet_core::{B256, U256, keccak256};
use std::collections::BTreeMap;

/// Accounts that one bucket holds at most. A bucket that is split leaves sixteen of a sixteenth each, on average.
const MAX_LEAVES: usize = 40;

/// Storage root and code hash of a contract.
type Contract = (B256, B256);

/// An account; plain bytes, so that a bucket is copied as a whole. What makes it a contract, which is rare, its bucket
/// keeps aside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaf {
    key: B256,
    nonce: u64,
    balance: U256,
    /// Of this leaf alone, at its place. Zeros: not known.
    hash: B256,
    /// Of the bucket's child that begins with this leaf and has others as well. Zeros: not known.
    run_hash: B256,
}

/// A hash that is remembered. That zeros are the hash of something does not happen; if it did, it would be computed anew
/// each time.
fn known(hash: B256) -> Option<B256> {
    (!hash.is_zero()).then_some(hash)
}

impl Leaf {
    const fn new(key: B256, account: &Account) -> Self {
        let (nonce, balance) = (account.nonce, account.balance);
        Self { key, nonce, balance, hash: B256::ZERO, run_hash: B256::ZERO }
    }

    fn forget(&mut self) {
        self.hash = B256::ZERO;
        self.run_hash = B256::ZERO;
    }

    fn account(&self, contract: Option<Contract>) -> Account {
        let (storage_root, code_hash) = contract.unwrap_or((EMPTY_ROOT_HASH, EMPTY_CODE_HASH));
        Account { nonce: self.nonce, balance: self.balance, storage_root, code_hash }
    }
}

#[derive(Clone, Debug)]
#[repr(C)]
pub(super) struct Bucket {
    hash: Option<B256>,
    leaves: Vec<Leaf>,
    contracts: BTreeMap<B256, Contract>,
}

impl Bucket {
    pub(super) fn new(key: B256, account: &Account) -> Self {
        let mut bucket = Self { hash: None, leaves: vec![Leaf::new(key, account)], contracts: BTreeMap::new() };
        bucket.note_contract(key, account);
        bucket
    }

    /// Keeps aside what makes the account a contract, if it is one.
    fn note_contract(&mut self, key: B256, account: &Account) {
        if account.storage_root != EMPTY_ROOT_HASH || account.code_hash != EMPTY_CODE_HASH {
            self.contracts.insert(key, (account.storage_root, account.code_hash));
        } else {
            self.contracts.remove(&key);
        }
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
        depth_of(&self.leaves)
    }

    fn place(&self, key: &B256) -> Result<usize, usize> {
        self.leaves.binary_search_by(|leaf| leaf.key.cmp(key))
    }

    pub(super) fn get(&self, key: &B256) -> Option<Account> {
        Some(self.leaves[self.place(key).ok()?].account(self.contracts.get(key).copied()))
    }

    pub(super) fn insert(&mut self, key: B256, account: &Account) {
        self.hash = None;
        self.note_contract(key, account);
        match self.place(&key) {
            Ok(place) => {
                let leaf = &mut self.leaves[place];
                (leaf.nonce, leaf.balance, leaf.hash) = (account.nonce, account.balance, B256::ZERO);
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
            self.contracts.remove(key);
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
            leaf.run_hash = B256::ZERO;
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
        self.part(&self.leaves)
    }

    /// A bucket of some of the accounts, which forgets their hashes.
    fn part(&self, leaves: &[Leaf]) -> Self {
        let mut leaves = leaves.to_vec();
        leaves.iter_mut().for_each(Leaf::forget);
        let of = |leaf: &Leaf| Some((leaf.key, *self.contracts.get(&leaf.key)?));
        let contracts = leaves.iter().filter_map(of).collect();
        Self { hash: None, leaves, contracts }
    }

    /// A bucket for each child of the branch that this one stands for.
    pub(super) fn parts(&self) -> [Option<Self>; 16] {
        let mut parts: [Option<Self>; 16] = Default::default();
        let depth = self.depth();
        for run in runs(&self.leaves, depth) {
            parts[nibble(&run[0].key, depth)] = Some(self.part(run));
        }
        parts
    }

    /// The leaves whose hashes are to be computed; the path of the bucket starts at the nibble `start`. The first of three
    /// steps.
    pub(super) fn leaves_to_hash<'a>(&'a mut self, start: usize, out: &mut Vec<Unhashed<'a>>) {
        let (depth, contracts) = (self.depth(), &self.contracts);
        if depth == NIBBLES {
            return unhashed(&mut self.leaves, start, contracts, out);
        }
        for run in runs_mut(&mut self.leaves, depth).filter(|run| run.len() == 1 || run[0].run_hash.is_zero()) {
            unhashed(run, depth + 1, contracts, out);
        }
    }

    /// The children of several leaves whose hashes are to be computed. The second step, once all leaves have theirs.
    pub(super) fn runs_to_hash<'a>(&'a mut self, out: &mut Vec<Run<'a>>) {
        let depth = self.depth();
        if depth < NIBBLES {
            let runs = runs_mut(&mut self.leaves, depth).filter(|run| run.len() > 1 && run[0].run_hash.is_zero());
            out.extend(runs.map(|leaves| Run { leaves, start: depth + 1 }));
        }
    }

    /// Whether the bucket is a branch, which has a hash of its own.
    pub(super) fn is_branch(&self) -> bool {
        self.leaves.len() > 1
    }

    /// Appends the branch that the bucket stands for. The last step, once runs and leaves have their hashes.
    pub(super) fn put_branch(&self, out: &mut Vec<u8>) {
        let depth = self.depth();
        let mut hashes = Children::default();
        for run in runs(&self.leaves, depth) {
            let hash = if run.len() == 1 { run[0].hash } else { run[0].run_hash };
            assert!(!hash.is_zero(), "children are hashed before their branch");
            hashes[nibble(&run[0].key, depth)] = Some(hash);
        }
        encode::put_branch(&hashes, out);
    }

    /// Remembers the hash by which a parent names the bucket, whose path starts at the nibble `start`; `branch` is that of
    /// the branch if it is one.
    pub(super) fn set_hash(&mut self, start: usize, branch: Option<B256>) {
        let named = branch.map(|branch| encode::named(&self.leaves[0].key, start, self.depth(), branch));
        self.hash = named.or(known(self.leaves[0].hash));
    }
}

/// A leaf that waits for its hash.
pub(super) struct Unhashed<'a> {
    leaf: &'a mut Leaf,
    /// The nibble where its path starts.
    start: usize,
    contract: Option<Contract>,
}

impl Unhashed<'_> {
    /// Appends the leaf.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        encode::put_leaf(&self.leaf.key, self.start, &self.leaf.account(self.contract), out);
    }

    pub(super) const fn set_hash(&mut self, hash: B256) {
        self.leaf.hash = hash;
    }
}

/// Several leaves that are one child of a bucket's branch.
pub(super) struct Run<'a> {
    leaves: &'a mut [Leaf],
    start: usize,
}

impl Run<'_> {
    /// Appends the branch that the child is.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_run(self.leaves, out);
    }

    pub(super) fn set_hash(&mut self, branch: B256) {
        let (key, depth) = (self.leaves[0].key, depth_of(self.leaves));
        self.leaves[0].run_hash = encode::named(&key, self.start, depth, branch);
    }
}

/// The nibble by which leaves differ; [`NIBBLES`] if there is but one.
fn depth_of(leaves: &[Leaf]) -> usize {
    match (leaves.first(), leaves.last()) {
        (Some(first), Some(last)) => shared_nibbles(&first.key, &last.key),
        _ => NIBBLES,
    }
}

/// Leaves with the same nibble at a depth, nibble by nibble.
fn runs(leaves: &[Leaf], depth: usize) -> impl Iterator<Item = &[Leaf]> {
    leaves.chunk_by(move |a, b| nibble(&a.key, depth) == nibble(&b.key, depth))
}

/// The same, to be changed.
fn runs_mut(leaves: &mut [Leaf], depth: usize) -> impl Iterator<Item = &mut [Leaf]> {
    leaves.chunk_by_mut(move |a, b| nibble(&a.key, depth) == nibble(&b.key, depth))
}

/// Those of these leaves that have no hash; their paths start at the nibble `start`, or lower where they share more.
fn unhashed<'a>(
    leaves: &'a mut [Leaf],
    start: usize,
    contracts: &BTreeMap<B256, Contract>,
    out: &mut Vec<Unhashed<'a>>,
) {
    if leaves.len() > 1 {
        let depth = depth_of(leaves);
        runs_mut(leaves, depth).for_each(|run| unhashed(run, depth + 1, contracts, out));
    } else if let [leaf] = leaves
        && leaf.hash.is_zero()
    {
        let contract = contracts.get(&leaf.key).copied();
        out.push(Unhashed { leaf, start, contract });
    }
}

/// Appends the branch over several leaves. Where some of them share more, which is rare, their hash is computed here.
fn put_run(leaves: &[Leaf], out: &mut Vec<u8>) {
    let depth = depth_of(leaves);
    let mut hashes = Children::default();
    for run in runs(leaves, depth) {
        let hash = match run {
            [only] => known(only.hash).expect("leaves are hashed before their branch"),
            _ => {
                let mut inner = Vec::new();
                put_run(run, &mut inner);
                encode::named(&run[0].key, depth + 1, depth_of(run), keccak256(inner))
            }
        };
        hashes[nibble(&run[0].key, depth)] = Some(hash);
    }
    encode::put_branch(&hashes, out);
}
