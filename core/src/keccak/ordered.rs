//! The root of an ordered trie (yellow paper, appendix D; keys are the RLP of 0, 1, 2, …), all leaves hashed together and
//! then the branches level by level, so that messages share the instructions of their hashes.

use super::hash_each;
use crate::B256;
use crate::account::EMPTY_ROOT_HASH;
use alloy_rlp::{EMPTY_STRING_CODE, Encodable, Header};
use std::ops::Range;

/// Values of at least so many bytes make nodes of at least so many, which parents name by their hash.
const HASHED_FROM: usize = 32;

/// An index's key in nibbles.
struct Key {
    nibbles: [u8; 18],
    length: usize,
    index: usize,
}

impl Key {
    fn new(index: usize) -> Self {
        let mut bytes = Vec::with_capacity(9);
        index.encode(&mut bytes);
        let mut nibbles = [0; 18];
        for (pair, byte) in nibbles.chunks_exact_mut(2).zip(&bytes) {
            pair.copy_from_slice(&[byte >> 4, byte & 0x0f]);
        }
        Self { nibbles, length: 2 * bytes.len(), index }
    }

    fn nibbles(&self) -> &[u8] {
        &self.nibbles[..self.length]
    }
}

/// A node that several keys share: the nibble by which they differ, and what stands under each.
struct Branch {
    /// The keys below, as a range of all.
    keys: Range<usize>,
    /// The nibble where its path starts.
    start: usize,
    depth: usize,
    children: [Option<Child>; 16],
}

#[derive(Clone, Copy)]
enum Child {
    /// By the place of its key.
    Leaf(usize),
    /// By its place in the next level.
    Branch(usize),
}

/// The root over values that `put` appends, for indexes below `count`; `None` if a value is so short that its node would
/// stand in its parent instead of being named by its hash.
pub fn root(count: usize, length: impl Fn(usize) -> usize, put: impl Fn(usize, &mut Vec<u8>)) -> Option<B256> {
    if (0..count).any(|index| length(index) < HASHED_FROM) {
        return None;
    }
    // Ascending by key: RLP writes 0 as 0x80, which stands between 127 and 128.
    let low = 1..count.min(128);
    let order = low.chain((count > 0).then_some(0)).chain(128..count.max(128));
    let keys: Vec<Key> = order.map(Key::new).collect();
    let mut levels: Vec<Vec<Branch>> = Vec::new();
    let mut starts = vec![0; keys.len()];
    let Some(top) = gather(&keys, 0..keys.len(), 0, 0, &mut starts, &mut levels) else { return Some(EMPTY_ROOT_HASH) };

    let places: Vec<usize> = (0..keys.len()).collect();
    let leaves = hash_each(&places, |&place, out| {
        let key = &keys[place];
        let value = Header { list: false, payload_length: length(key.index) };
        let path = &key.nibbles()[starts[place]..];
        Header { list: true, payload_length: path_length(path) + value.length_with_payload() }.encode(out);
        put_path(path, true, out);
        value.encode(out);
        put(key.index, out);
    });
    let mut below = Vec::new();
    while let Some(level) = levels.pop() {
        let hash_of = |child: Child| match child {
            Child::Leaf(place) => leaves[place],
            Child::Branch(place) => below[place],
        };
        let mut hashes = hash_each(&level, |branch, out| {
            let present = branch.children.iter().flatten().count();
            Header { list: true, payload_length: 17 + 32 * present }.encode(out);
            for child in branch.children {
                match child {
                    Some(child) => hash_of(child).encode(out),
                    None => out.push(EMPTY_STRING_CODE),
                }
            }
            out.push(EMPTY_STRING_CODE);
        });
        for (branch, hash) in level.iter().zip(&mut hashes) {
            *hash = named(&keys[branch.keys.start].nibbles()[branch.start..branch.depth], *hash);
        }
        below = hashes;
    }
    Some(match top {
        Child::Leaf(place) => leaves[place],
        Child::Branch(place) => below[place],
    })
}

/// Finds the nodes over these keys, whose paths start at the nibble `start`: leaves' starts and, level by level, branches.
fn gather(
    keys: &[Key],
    range: Range<usize>,
    start: usize,
    level: usize,
    starts: &mut [usize],
    levels: &mut Vec<Vec<Branch>>,
) -> Option<Child> {
    let (first, last) = (keys.get(range.start)?, &keys[range.end.checked_sub(1)?]);
    if range.len() == 1 {
        starts[range.start] = start;
        return Some(Child::Leaf(range.start));
    }
    let depth = first.nibbles().iter().zip(last.nibbles()).take_while(|(a, b)| a == b).count();
    if levels.len() == level {
        levels.push(Vec::new());
    }
    let mut children = [None; 16];
    let mut from = range.start;
    for same in keys[range.clone()].chunk_by(|a, b| a.nibbles[depth] == b.nibbles[depth]) {
        let until = from + same.len();
        children[usize::from(same[0].nibbles[depth])] = gather(keys, from..until, depth + 1, level + 1, starts, levels);
        from = until;
    }
    // What is below went to lower levels.
    levels[level].push(Branch { keys: range, start, depth, children });
    Some(Child::Branch(levels[level].len() - 1))
}

/// The hash by which a parent names a branch: that of the extension over `path` if there is one.
fn named(path: &[u8], branch: B256) -> B256 {
    if path.is_empty() {
        return branch;
    }
    let mut out = Vec::new();
    Header { list: true, payload_length: path_length(path) + branch.length() }.encode(&mut out);
    put_path(path, false, &mut out);
    branch.encode(&mut out);
    crate::keccak256(out)
}

/// Bytes of a path as an RLP string. One byte needs no header, because the flags keep it below 0x80.
const fn path_length(path: &[u8]) -> usize {
    if path.len() < 2 { 1 } else { 2 + path.len() / 2 }
}

/// Hex-prefix encoding: a flag nibble (odd, leaf), padding if even, the nibbles.
fn put_path(path: &[u8], is_leaf: bool, out: &mut Vec<u8>) {
    let flags = if is_leaf { 0x20 } else { 0x00 };
    let (odd, pairs) = path.split_at(path.len() % 2);
    let mut bytes = [0; 10];
    bytes[0] = odd.first().map_or(flags, |nibble| flags | 0x10 | nibble);
    for (byte, pair) in bytes[1..].iter_mut().zip(pairs.chunks_exact(2)) {
        *byte = pair[0] << 4 | pair[1];
    }
    bytes[..=pairs.len() / 2].encode(out);
}
