//! Node encodings, as the yellow paper's appendix D has them.

use alloy_rlp::{EMPTY_STRING_CODE, Encodable, Header};
use minuet_core::account::Account;
use minuet_core::{B256, keccak256};

/// The hashes that name a branch's children, by nibble.
pub(super) type Children = [Option<B256>; 16];

/// Nibbles of a key.
pub(super) const NIBBLES: usize = 64;

/// The nibble at a depth below [`NIBBLES`].
pub(super) fn nibble(key: &B256, depth: usize) -> usize {
    let byte = key[depth / 2];
    usize::from(if depth.is_multiple_of(2) { byte >> 4 } else { byte & 0x0f })
}

/// How many leading nibbles two keys share.
pub(super) fn shared_nibbles(a: &B256, b: &B256) -> usize {
    let ([a_high, a_low], [b_high, b_low]) = (halves(a), halves(b));
    let leading_zeros = match a_high ^ b_high {
        0 => u128::BITS + (a_low ^ b_low).leading_zeros(),
        difference => difference.leading_zeros(),
    };
    leading_zeros as usize / 4
}

fn halves(key: &B256) -> [u128; 2] {
    let (halves, _) = key.0.as_chunks::<16>();
    [u128::from_be_bytes(halves[0]), u128::from_be_bytes(halves[1])]
}

/// Appends the leaf of `key` whose path starts at the nibble `start`.
pub(super) fn put_leaf(key: &B256, start: usize, account: &Account, out: &mut Vec<u8>) {
    let value_length = account.length();
    let value = Header { list: false, payload_length: value_length };
    let payload_length = path_length(NIBBLES - start) + value.length_with_payload();
    Header { list: true, payload_length }.encode(out);
    put_path(key, start, NIBBLES, true, out);
    value.encode(out);
    account.encode(out);
}

/// A branch with all children.
const BRANCH_BYTES: usize = 3 + 16 * 33 + 1;

/// Appends the branch with these children, without a value.
pub(super) fn put_branch(children: &Children, out: &mut Vec<u8>) {
    let present = children.iter().flatten().count();
    out.reserve(BRANCH_BYTES);
    Header { list: true, payload_length: children.len() + 1 + 32 * present }.encode(out);
    for child in children {
        match child {
            Some(hash) => put_hash(hash, out),
            None => out.push(EMPTY_STRING_CODE),
        }
    }
    out.push(EMPTY_STRING_CODE);
}

/// The hash by which a parent names a branch at a depth, given that of the branch itself: that of the extension to it if
/// the path from the parent starts before the branch.
pub(super) fn named(key: &B256, start: usize, depth: usize, branch: B256) -> B256 {
    if depth == start {
        return branch;
    }
    let mut out = Vec::new();
    Header { list: true, payload_length: path_length(depth - start) + 33 }.encode(&mut out);
    put_path(key, start, depth, false, &mut out);
    put_hash(&branch, &mut out);
    keccak256(out)
}

fn put_hash(hash: &B256, out: &mut Vec<u8>) {
    out.push(EMPTY_STRING_CODE + 32);
    out.extend_from_slice(hash.as_slice());
}

/// Bytes of a path of `nibbles` as an RLP string. One byte needs no header, because the flags keep it below 0x80.
const fn path_length(nibbles: usize) -> usize {
    if nibbles < 2 { 1 } else { 2 + nibbles / 2 }
}

/// Hex-prefix encoding: a flag nibble (odd, leaf), padding if even, the nibbles.
fn put_path(key: &B256, start: usize, end: usize, is_leaf: bool, out: &mut Vec<u8>) {
    let count = end - start;
    if count >= 2 {
        let bytes = u8::try_from(1 + count / 2).expect("a path has at most 33 bytes");
        out.push(EMPTY_STRING_CODE + bytes);
    }
    let flags = if is_leaf { 0x20 } else { 0x00 };
    let mut depth = start;
    if count.is_multiple_of(2) {
        out.push(flags);
    } else {
        out.push(flags | 0x10 | low(key, depth));
        depth += 1;
    }
    while depth < end {
        out.push(low(key, depth) << 4 | low(key, depth + 1));
        depth += 2;
    }
}

fn low(key: &B256, depth: usize) -> u8 {
    u8::try_from(nibble(key, depth)).expect("a nibble is below 16")
}
