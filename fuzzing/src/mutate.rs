//! Mutants of saved inputs, as a function of a seed.

use crate::chance::Chance;
use crate::rlp;

/// Where lengths, kinds and RLP prefixes change their meaning.
const EDGES: [u8; 16] = [0, 1, 2, 0x37, 0x38, 0x6d, 0x7f, 0x80, 0x81, 0xb7, 0xb8, 0xbf, 0xc0, 0xf7, 0xf8, 0xff];
/// A mutant is at most so much longer than what it came from.
const MAX_GROWTH: usize = 4096;

/// A mutant of `base`; `other` is spliced into it now and then.
#[must_use]
pub fn mutant_of(base: &[u8], other: &[u8], seed: u64) -> Vec<u8> {
    let mut chance = Chance::new(seed);
    let mut bytes = base.to_vec();
    for _ in 0..=chance.below(3) {
        if chance.next().is_multiple_of(2)
            && let Some(mutant) = rlp::mutant(&bytes, &mut chance)
        {
            bytes = mutant;
        } else {
            change(&mut bytes, other, &mut chance);
        }
        bytes.truncate(base.len() + MAX_GROWTH);
    }
    bytes
}

/// A part of `length` bytes, mostly a short one.
fn part(length: usize, chance: &mut Chance) -> std::ops::Range<usize> {
    let start = chance.below(length);
    let most = (length - start).min(if chance.next().is_multiple_of(8) { length } else { 16 });
    start..start + chance.below(most + 1)
}

fn change(bytes: &mut Vec<u8>, other: &[u8], chance: &mut Chance) {
    if bytes.is_empty() {
        bytes.extend_from_slice(&other[..chance.below(other.len() + 1)]);
        return;
    }
    let place = chance.below(bytes.len());
    match chance.below(12) {
        0 | 1 => bytes[place] ^= 1 << chance.below(8),
        2 => bytes[place] = EDGES[chance.below(EDGES.len())],
        3 => bytes[place] = chance.byte(),
        4 => bytes.truncate(place),
        5 => bytes.insert(place, EDGES[chance.below(EDGES.len())]),
        6 => _ = bytes.drain(part(bytes.len(), chance)),
        7 => {
            let copy = bytes[part(bytes.len(), chance)].to_vec();
            bytes.splice(place..place, copy);
        }
        8 | 9 => change_number(bytes, place, chance),
        10 if !other.is_empty() => {
            let piece = &other[part(other.len(), chance)];
            let end = (place + piece.len()).min(bytes.len());
            bytes.splice(place..end, piece.iter().copied());
        }
        10 | 11 if !other.is_empty() => {
            bytes.truncate(place);
            bytes.extend_from_slice(&other[chance.below(other.len())..]);
        }
        _ => bytes.extend((0..=chance.below(8)).map(|_| 0)),
    }
}

/// A big-endian number of 1, 2, 4 or 8 bytes a little larger or smaller, or at an edge of its type.
fn change_number(bytes: &mut [u8], place: usize, chance: &mut Chance) {
    let width = (1 << chance.below(4)).min(bytes.len() - place);
    let field = &mut bytes[place..place + width];
    let value = field.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    let small = u64::from(chance.byte() % 16) + 1;
    let changed = match chance.below(6) {
        0 | 1 => value.wrapping_add(small),
        2 | 3 => value.wrapping_sub(small),
        4 => u64::MAX >> chance.below(64),
        _ => 1 << chance.below(64),
    };
    field.copy_from_slice(&changed.to_be_bytes()[8 - width..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn mutants_follow_from_their_seed_differ_and_do_not_grow_without_bound() {
        let (base, other) = ([7; 300], [9; 5000]);
        let mutants: BTreeSet<_> = (0..500).map(|seed| mutant_of(&base, &other, seed)).collect();
        assert!(mutants.len() > 400, "{} distinct ones", mutants.len());
        assert!(mutants.iter().all(|mutant| mutant.len() <= base.len() + MAX_GROWTH));
        assert!((0..500).all(|seed| mutants.contains(&mutant_of(&base, &other, seed))));
    }

    #[test]
    fn empty_inputs_have_mutants_too() {
        for seed in 0..200 {
            assert!(mutant_of(&[], &[], seed).len() <= MAX_GROWTH);
            assert!(mutant_of(&[], &[1, 2, 3], seed).len() <= MAX_GROWTH);
        }
    }
}
