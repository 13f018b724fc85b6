//! The nodes: branches, each together with the extension that leads to it, and buckets, which are the lowest levels in one
//! piece.
//!
//! A node is copied when it changes, and copying a branch counts a reference to each of its children. Most branches are
//! low ones, so buckets save most of that, and the way through memory from child to child.

use super::bucket::Bucket;
use super::encode::{self, nibble, shared_nibbles};
use minuet_core::B256;
use minuet_core::account::Account;
use std::sync::Arc;

#[derive(Clone, Debug)]
#[repr(C)]
pub(super) struct Branch {
    /// Hash of the branch, or of the extension to it if its parent is more than one nibble away. `None`: something below
    /// has changed.
    hash: Option<B256>,
    /// Some key below this branch: its first `depth` nibbles are those of every key below.
    prefix: B256,
    /// The nibble by which the children differ.
    depth: usize,
    children: [Option<Child>; 16],
}

/// A node. Its hash depends on the nibble where its path starts: whoever moves a node clears its hash.
#[derive(Clone, Debug)]
pub(super) enum Child {
    Bucket(Arc<Bucket>),
    Branch(Arc<Branch>),
}

impl Child {
    pub(super) fn leaf(key: B256, account: &Account) -> Self {
        Self::Bucket(Arc::new(Bucket::new(key, account)))
    }

    fn fork(depth: usize, left: (B256, Self), right: (B256, Self)) -> Self {
        let mut children: [Option<Self>; 16] = Default::default();
        let prefix = left.0;
        for (key, child) in [left, right] {
            children[nibble(&key, depth)] = Some(child);
        }
        Self::Branch(Arc::new(Branch { hash: None, prefix, depth, children }))
    }

    /// A branch over what a bucket held.
    fn split(bucket: &Bucket) -> Self {
        let (depth, prefix) = (bucket.depth(), bucket.first_key());
        let children = bucket.parts().map(|part| part.map(|bucket| Self::Bucket(Arc::new(bucket))));
        Self::Branch(Arc::new(Branch { hash: None, prefix, depth, children }))
    }

    /// The children of a branch whose hash is to be computed, each with the nibble where its path starts.
    pub(super) fn children_to_hash(&mut self) -> Vec<(&mut Self, usize)> {
        match self {
            Self::Branch(branch) if branch.hash.is_none() => {
                let branch = Arc::make_mut(branch);
                let start = branch.depth + 1;
                branch.children.iter_mut().flatten().map(|child| (child, start)).collect()
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn get(&self, key: &B256) -> Option<Account> {
        let mut node = self;
        loop {
            match node {
                Self::Bucket(bucket) => return bucket.get(key),
                Self::Branch(branch) => node = branch.children[nibble(key, branch.depth)].as_ref()?,
            }
        }
    }

    /// Sets the account of `key` below this node, whose path starts at the nibble `start`.
    pub(super) fn insert(&mut self, start: usize, key: B256, account: &Account) {
        match self {
            Self::Bucket(bucket) => {
                let bucket = Arc::make_mut(bucket);
                bucket.insert(key, account);
                if bucket.is_overfull() {
                    *self = Self::split(bucket);
                }
            }
            Self::Branch(branch) => {
                let (prefix, depth) = (branch.prefix, branch.depth);
                let shared = shared_nibbles(&prefix, &key);
                assert!(shared >= start, "insert went down a path that is not the key's");
                if shared < depth {
                    let moved = self.moved();
                    *self = Self::fork(shared, (prefix, moved), (key, Self::leaf(key, account)));
                    return;
                }
                let branch = Arc::make_mut(branch);
                branch.hash = None;
                match &mut branch.children[nibble(&key, depth)] {
                    Some(child) => child.insert(depth + 1, key, account),
                    empty @ None => *empty = Some(Self::leaf(key, account)),
                }
            }
        }
    }

    /// The same node for another place: without its hash.
    fn moved(&self) -> Self {
        match self {
            Self::Bucket(bucket) => Self::Bucket(Arc::new(bucket.moved())),
            Self::Branch(branch) => Self::Branch(Arc::new(Branch { hash: None, ..Branch::clone(branch) })),
        }
    }

    /// The hash that names this node in its parent, whose path starts at the nibble `start`.
    pub(super) fn hash(&mut self, start: usize, scratch: &mut Vec<u8>) -> B256 {
        match self {
            Self::Bucket(bucket) => match bucket.known_hash() {
                Some(hash) => hash,
                None => Arc::make_mut(bucket).hash(start, scratch),
            },
            Self::Branch(branch) => match branch.hash {
                Some(hash) => hash,
                None => Arc::make_mut(branch).compute_hash(start, scratch),
            },
        }
    }
}

impl Branch {
    fn compute_hash(&mut self, start: usize, scratch: &mut Vec<u8>) -> B256 {
        let mut hashes = [None; 16];
        for (place, child) in hashes.iter_mut().zip(&mut self.children) {
            *place = child.as_mut().map(|child| child.hash(self.depth + 1, scratch));
        }
        let hash = encode::branch_or_extension_hash(&self.prefix, start, self.depth, &hashes, scratch);
        *self.hash.insert(hash)
    }
}

/// Removes `key`, which is below this place.
pub(super) fn remove(place: &mut Option<Child>, key: &B256) {
    match place {
        None => {}
        Some(Child::Bucket(bucket)) => {
            let bucket = Arc::make_mut(bucket);
            bucket.remove(key);
            if bucket.is_empty() {
                *place = None;
            }
        }
        Some(Child::Branch(branch)) => {
            let branch = Arc::make_mut(branch);
            branch.hash = None;
            remove(&mut branch.children[nibble(key, branch.depth)], key);
            let mut left = branch.children.iter().flatten();
            if let (Some(only), None) = (left.next(), left.next()) {
                *place = Some(only.moved());
            }
        }
    }
}
