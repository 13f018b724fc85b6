//! Hashing what has changed, all buckets first, then the branches level by level up to the top: what stands on one level does
//! not depend on each other, and many messages are hashed faster together ([`hash_each`]).
//!
//! Invariant: a node is taken out of its parent while it waits for its hash and is put back with it; nothing else is done to
//! the tree meanwhile.

use super::bucket::Bucket;
use super::node::{Branch, Child};
use minuet_core::B256;
use minuet_core::keccak::hash_each;
use std::sync::Arc;

/// Buckets whose three steps follow each other while they are in the processor's caches.
const TOGETHER: usize = 64;

/// Where a node was taken from: the level of its parent, which of that level's branches it is, which child of it.
type Origin = (usize, usize, usize);

/// A node that waits for its hash. Its path starts at the nibble `start`.
struct Waiting<N> {
    node: Arc<N>,
    start: usize,
    /// `None` for the topmost.
    origin: Option<Origin>,
}

#[derive(Default)]
struct Changed {
    buckets: Vec<Waiting<Bucket>>,
    /// Topmost first.
    levels: Vec<Vec<Waiting<Branch>>>,
}

/// Computes and remembers all hashes that are missing at this place and below; its path starts at the nibble `start`.
pub(super) fn hash(place: &mut Option<Child>, start: usize) {
    let Some(top) = place.take() else { return };
    if top.known_hash().is_some() {
        *place = Some(top);
        return;
    }
    let mut changed = Changed::default();
    changed.take(top, start, 0, None);
    hash_buckets(&mut changed.buckets);
    for Waiting { node, origin, .. } in std::mem::take(&mut changed.buckets) {
        changed.put_back(Child::Bucket(node), origin, place);
    }
    while let Some(mut level) = changed.levels.pop() {
        hash_all(
            &mut level,
            |branch, out| branch.node.put(out),
            |branch, hash| Arc::make_mut(&mut branch.node).set_hash(branch.start, hash),
        );
        for Waiting { node, origin, .. } in level {
            changed.put_back(Child::Branch(node), origin, place);
        }
    }
}

impl Changed {
    /// Takes a node without a hash, and all such nodes below it, out of the tree.
    fn take(&mut self, child: Child, start: usize, level: usize, origin: Option<Origin>) {
        match child {
            Child::Bucket(node) => self.buckets.push(Waiting { node, start, origin }),
            Child::Branch(mut node) => {
                if self.levels.len() == level {
                    self.levels.push(Vec::new());
                }
                // What is below goes to lower levels, so that this one's place is known before it is there.
                let index = self.levels[level].len();
                let branch = Arc::make_mut(&mut node);
                let below = branch.children_start();
                for (nibble, place) in branch.children_mut().iter_mut().enumerate() {
                    if let Some(child) = place.take_if(|child| child.known_hash().is_none()) {
                        self.take(child, below, level + 1, Some((level, index, nibble)));
                    }
                }
                self.levels[level].push(Waiting { node, start, origin });
            }
        }
    }

    fn put_back(&mut self, child: Child, origin: Option<Origin>, top: &mut Option<Child>) {
        match origin {
            Some((level, index, nibble)) => {
                Arc::make_mut(&mut self.levels[level][index].node).children_mut()[nibble] = Some(child);
            }
            None => *top = Some(child),
        }
    }
}

fn hash_buckets(buckets: &mut [Waiting<Bucket>]) {
    for several in buckets.chunks_mut(TOGETHER) {
        let mut leaves = Vec::with_capacity(2 * several.len());
        for bucket in several.iter_mut() {
            Arc::make_mut(&mut bucket.node).leaves_to_hash(bucket.start, &mut leaves);
        }
        hash_all(&mut leaves, |leaf, out| leaf.put(out), |leaf, hash| leaf.set_hash(hash));
        let mut runs = Vec::with_capacity(several.len());
        several.iter_mut().for_each(|bucket| Arc::make_mut(&mut bucket.node).runs_to_hash(&mut runs));
        hash_all(&mut runs, |run, out| run.put(out), |run, hash| run.set_hash(hash));

        let (mut branches, single): (Vec<_>, Vec<_>) = several.iter_mut().partition(|bucket| bucket.node.is_branch());
        for bucket in single {
            Arc::make_mut(&mut bucket.node).set_hash(bucket.start, None);
        }
        hash_all(
            &mut branches,
            |bucket, out| bucket.node.put_branch(out),
            |bucket, hash| Arc::make_mut(&mut bucket.node).set_hash(bucket.start, Some(hash)),
        );
    }
}

/// Hashes what `put` appends for each item, and hands it to `set`.
fn hash_all<T>(items: &mut [T], put: impl Fn(&T, &mut Vec<u8>), set: impl Fn(&mut T, B256)) {
    let hashes = hash_each(items, put);
    items.iter_mut().zip(hashes).for_each(|(item, hash)| set(item, hash));
}
