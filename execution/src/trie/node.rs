//! The nodes: leaves that hold accounts, and branches, each together with the extension that leads to it.

use super::encode::{self, nibble, shared_nibbles};
use minuet_core::account::{Account, EMPTY_CODE_HASH, EMPTY_ROOT_HASH};
use minuet_core::{B256, U256};
use std::sync::{Arc, OnceLock};

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
pub(super) struct Leaf {
    key: B256,
    account: SlimAccount,
    hash: OnceLock<B256>,
}

#[derive(Clone, Debug)]
pub(super) struct Branch {
    /// Some key below this branch: its first `depth` nibbles are those of every key below.
    prefix: B256,
    /// The nibble by which the children differ.
    depth: usize,
    children: [Option<Child>; 16],
    /// Hash of the branch, or of the extension to it if its parent is more than one nibble away.
    hash: OnceLock<B256>,
}

/// A node. Its hash depends on the nibble where its path starts: whoever moves a node clears its hash.
#[derive(Clone, Debug)]
pub(super) enum Child {
    Leaf(Arc<Leaf>),
    Branch(Arc<Branch>),
}

impl Child {
    pub(super) fn leaf(key: B256, account: &Account) -> Self {
        Self::Leaf(Arc::new(Leaf { key, account: SlimAccount::new(account), hash: OnceLock::new() }))
    }

    fn fork(depth: usize, left: (B256, Self), right: (B256, Self)) -> Self {
        let mut children: [Option<Self>; 16] = Default::default();
        let prefix = left.0;
        for (key, child) in [left, right] {
            children[nibble(&key, depth)] = Some(child);
        }
        Self::Branch(Arc::new(Branch { prefix, depth, children, hash: OnceLock::new() }))
    }

    /// The children of a branch, each with the nibble where its path starts.
    pub(super) fn children(&self) -> impl Iterator<Item = (&Self, usize)> {
        let branch = match self {
            Self::Leaf(_) => None,
            Self::Branch(branch) => Some(branch),
        };
        branch.into_iter().flat_map(|b| b.children.iter().flatten().map(|child| (child, b.depth + 1)))
    }

    pub(super) fn get(&self, key: &B256) -> Option<Account> {
        let mut node = self;
        loop {
            match node {
                Self::Leaf(leaf) => return (leaf.key == *key).then(|| leaf.account.to_account()),
                Self::Branch(branch) => node = branch.children[nibble(key, branch.depth)].as_ref()?,
            }
        }
    }

    /// Sets the account of `key` below this node, whose path starts at the nibble `start`.
    pub(super) fn insert(&mut self, start: usize, key: B256, account: &Account) {
        let (own_key, own_depth) = match self {
            Self::Leaf(leaf) => (leaf.key, encode::NIBBLES),
            Self::Branch(branch) => (branch.prefix, branch.depth),
        };
        let shared = shared_nibbles(&own_key, &key);
        assert!(shared >= start, "insert went down a path that is not the key's");
        if shared < own_depth {
            let moved = self.moved();
            *self = Self::fork(shared, (own_key, moved), (key, Self::leaf(key, account)));
            return;
        }
        match self {
            Self::Leaf(_) => *self = Self::leaf(key, account),
            Self::Branch(branch) => {
                let branch = Arc::make_mut(branch);
                branch.hash.take();
                match &mut branch.children[nibble(&key, branch.depth)] {
                    Some(child) => child.insert(branch.depth + 1, key, account),
                    empty @ None => *empty = Some(Self::leaf(key, account)),
                }
            }
        }
    }

    /// The same node for another place: without its hash.
    fn moved(&self) -> Self {
        match self {
            Self::Leaf(leaf) => {
                Self::Leaf(Arc::new(Leaf { key: leaf.key, account: leaf.account.clone(), hash: OnceLock::new() }))
            }
            Self::Branch(branch) => {
                let mut copy = Branch::clone(branch);
                copy.hash.take();
                Self::Branch(Arc::new(copy))
            }
        }
    }

    /// The hash that names this node in its parent, whose path starts at the nibble `start`.
    pub(super) fn hash(&self, start: usize, scratch: &mut Vec<u8>) -> B256 {
        let known = match self {
            Self::Leaf(leaf) => &leaf.hash,
            Self::Branch(branch) => &branch.hash,
        };
        if let Some(hash) = known.get() {
            return *hash;
        }
        let hash = match self {
            Self::Leaf(leaf) => encode::leaf_hash(&leaf.key, start, &leaf.account.to_account(), scratch),
            Self::Branch(branch) => branch.compute_hash(start, scratch),
        };
        *known.get_or_init(|| hash)
    }
}

impl Branch {
    fn compute_hash(&self, start: usize, scratch: &mut Vec<u8>) -> B256 {
        let mut hashes = [None; 16];
        for (place, child) in hashes.iter_mut().zip(&self.children) {
            *place = child.as_ref().map(|child| child.hash(self.depth + 1, scratch));
        }
        let hash = encode::branch_hash(&hashes, scratch);
        if self.depth == start {
            return hash;
        }
        encode::extension_hash(&self.prefix, start, self.depth, &hash, scratch)
    }
}

/// Removes `key`, which is below this place.
pub(super) fn remove(place: &mut Option<Child>, key: &B256) {
    let Some(Child::Branch(branch)) = place else {
        *place = None;
        return;
    };
    let branch = Arc::make_mut(branch);
    branch.hash.take();
    remove(&mut branch.children[nibble(key, branch.depth)], key);
    let mut left = branch.children.iter().flatten();
    if let (Some(only), None) = (left.next(), left.next()) {
        *place = Some(only.moved());
    }
}
