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
    fn leaf(key: B256, account: &Account) -> Self {
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

    /// The places of the top's children, for the work of several threads; `None` if it is no branch on the first nibble.
    /// The branch's own hash is forgotten.
    pub(super) fn top_places(&mut self) -> Option<&mut [Option<Self>; 16]> {
        match self {
            Self::Branch(branch) if branch.depth == 0 => {
                let branch = Arc::make_mut(branch);
                branch.hash = None;
                Some(&mut branch.children)
            }
            _ => None,
        }
    }

    /// Branches on one of the ways down, which are about the same for all of a large trie.
    pub(super) fn levels(&self) -> usize {
        let mut levels = 0;
        let mut node = self;
        while let Self::Branch(branch) = node {
            levels += 1;
            let Some(child) = branch.children.iter().flatten().next() else { break };
            node = child;
        }
        levels
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
    fn insert(&mut self, start: usize, key: B256, account: &Account) {
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
                insert(&mut branch.children[nibble(&key, depth)], depth + 1, key, account);
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

    /// The hash that names this node in its parent, if nothing below has changed since it was computed.
    pub(super) fn known_hash(&self) -> Option<B256> {
        match self {
            Self::Bucket(bucket) => bucket.known_hash(),
            Self::Branch(branch) => branch.hash,
        }
    }
}

impl Branch {
    /// The nibble where its children's paths start.
    pub(super) const fn children_start(&self) -> usize {
        self.depth + 1
    }

    pub(super) const fn children_mut(&mut self) -> &mut [Option<Child>; 16] {
        &mut self.children
    }

    /// Appends the branch, whose children all have their hashes.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        let known = |child: &Child| child.known_hash().expect("children are hashed before their branch");
        encode::put_branch(&self.children.each_ref().map(|child| child.as_ref().map(known)), out);
    }

    /// Remembers the hash by which a parent names it, whose path starts at the nibble `start`; `branch` is its own.
    pub(super) fn set_hash(&mut self, start: usize, branch: B256) {
        self.hash = Some(encode::named(&self.prefix, start, self.depth, branch));
    }
}

/// Sets the account of `key` at or below this place, where paths start at the nibble `start`.
pub(super) fn insert(place: &mut Option<Child>, start: usize, key: B256, account: &Account) {
    match place {
        Some(child) => child.insert(start, key, account),
        None => *place = Some(Child::leaf(key, account)),
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
