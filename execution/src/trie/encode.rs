//! Node encodings, as the yellow paper's appendix D has them.

use alloy_rlp::{EMPTY_STRING_CODE, Encodable, Header};
use minuet_core::account::Account;
use minuet_core::{B256, keccak256};

/// Nibbles of a key.
pub(super) const NIBBLES: usize = 64;

/// The nibble at a depth below [`NIBBLES`].
pub(super) fn nibble(key: &B256, depth: usize) -> usize {
    let byte = key[depth / 2];
    usize::from(if depth.is_multiple_of(2) { byte >> 4 } else { byte & 0x0f })
}

/// How many leading nibbles two keys share.
pub(super) fn shared_nibbles(a: &B256, b: &B256) -> usize {
    let bytes = a.iter().zip(b.iter()).take_while(|(left, right)| left == right).count();
    if bytes == 32 {
        return NIBBLES;
    }
    bytes * 2 + usize::from(a[bytes] >> 4 == b[bytes] >> 4)
}

/// Hash of the leaf of `key` whose path starts at the nibble `start`.
pub(super) fn leaf_hash(key: &B256, start: usize, account: &Account, out: &mut Vec<u8>) -> B256 {
    let value_length = account.length();
    let value = Header { list: false, payload_length: value_length };
    let payload_length = path_length(NIBBLES - start) + value.length_with_payload();
    out.clear();
    Header { list: true, payload_length }.encode(out);
    put_path(key, start, NIBBLES, true, out);
    value.encode(out);
    account.encode(out);
    keccak256(out)
}

/// Hash of a branch at a depth, or of the extension to it if its path starts before.
pub(super) fn branch_or_extension_hash(
    key: &B256,
    start: usize,
    depth: usize,
    children: &[Option<B256>; 16],
    out: &mut Vec<u8>,
) -> B256 {
    let hash = branch_hash(children, out);
    if depth == start { hash } else { extension_hash(key, start, depth, &hash, out) }
}

/// Hash of a branch with these children, without a value.
fn branch_hash(children: &[Option<B256>; 16], out: &mut Vec<u8>) -> B256 {
    let present = children.iter().flatten().count();
    out.clear();
    Header { list: true, payload_length: children.len() + 1 + 32 * present }.encode(out);
    for child in children {
        match child {
            Some(hash) => put_hash(hash, out),
            None => out.push(EMPTY_STRING_CODE),
        }
    }
    out.push(EMPTY_STRING_CODE);
    keccak256(out)
}

/// Hash of the extension over the nibbles `start..end` of `key` to a branch.
fn extension_hash(key: &B256, start: usize, end: usize, branch: &B256, out: &mut Vec<u8>) -> B256 {
    out.clear();
    Header { list: true, payload_length: path_length(end - start) + 33 }.encode(out);
    put_path(key, start, end, false, out);
    put_hash(branch, out);
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
