//! Four sponges in the four 64-bit lanes of AVX2's registers. They never meet, so that each step of the permutation
//! (FIPS 202, section 3.2) is the same step on all four.

use super::RATE;
use crate::B256;
use pulp::x86::V3;
use pulp::{NullaryFnOnce, u64x4};

/// FIPS 202, section 3.2.5: what step ι adds, round by round.
const ROUND_CONSTANTS: [u64; 24] = [
    0x0000_0000_0000_0001,
    0x0000_0000_0000_8082,
    0x8000_0000_0000_808a,
    0x8000_0000_8000_8000,
    0x0000_0000_0000_808b,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8009,
    0x0000_0000_0000_008a,
    0x0000_0000_0000_0088,
    0x0000_0000_8000_8009,
    0x0000_0000_8000_000a,
    0x0000_0000_8000_808b,
    0x8000_0000_0000_008b,
    0x8000_0000_0000_8089,
    0x8000_0000_0000_8003,
    0x8000_0000_0000_8002,
    0x8000_0000_0000_0080,
    0x0000_0000_0000_800a,
    0x8000_0000_8000_000a,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8080,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8008,
];

/// Words of the state that a message's block is added to, and of the hash.
const RATE_WORDS: usize = RATE / 8;
const HASH_WORDS: usize = 4;

const ZEROS: u64x4 = u64x4(0, 0, 0, 0);

/// A processor with AVX2.
#[derive(Clone, Copy, Debug)]
pub(super) struct Four(V3);

impl Four {
    /// `None` where the processor lacks it.
    pub(super) fn new() -> Option<Self> {
        V3::try_new().map(Self)
    }

    /// keccak256 of four messages.
    pub(super) fn hash(self, messages: [&[u8]; 4]) -> [B256; 4] {
        self.0.vectorize(Sponge { simd: self.0, messages })
    }
}

/// The work, all of it inlined where the instructions are enabled.
struct Sponge<'a> {
    simd: V3,
    messages: [&'a [u8]; 4],
}

impl NullaryFnOnce for Sponge<'_> {
    type Output = [B256; 4];

    #[inline(always)]
    fn call(self) -> [B256; 4] {
        let Self { simd, messages } = self;
        let mut state = [ZEROS; 25];
        let mut hashes = [B256::ZERO; 4];
        let counts = messages.map(|message| message.len() / RATE + 1);
        for round in 0..counts.into_iter().max().unwrap_or(0) {
            let mut blocks = [[0; RATE]; 4];
            for (block, message) in blocks.iter_mut().zip(messages) {
                take_block(message, round, block);
            }
            for (place, word) in state.iter_mut().zip(0..RATE_WORDS) {
                let of = |lane: usize| u64::from_le_bytes(blocks[lane].as_chunks().0[word]);
                *place = simd.xor_u64x4(*place, u64x4(of(0), of(1), of(2), of(3)));
            }
            permute(simd, &mut state);
            if counts.contains(&(round + 1)) {
                // A lane that was done before goes round with the others, and nobody looks at it.
                let done = hashes.iter_mut().zip(squeeze(&state)).zip(counts).filter(|(_, count)| *count == round + 1);
                done.for_each(|((hash, found), _)| *hash = found);
            }
        }
        hashes
    }
}

/// A block of a message with keccak's padding (0x01, zeros, 0x80) behind its end; zeros once the message is over.
#[inline(always)]
fn take_block(message: &[u8], round: usize, block: &mut [u8; RATE]) {
    let Some(rest) = message.get(round * RATE..) else { return };
    match rest.first_chunk() {
        Some(whole) => *block = *whole,
        None => {
            block[..rest.len()].copy_from_slice(rest);
            block[rest.len()] = 0x01;
            block[RATE - 1] |= 0x80;
        }
    }
}

/// The first words of all four states.
#[inline(always)]
fn squeeze(state: &[u64x4; 25]) -> [B256; 4] {
    let mut hashes = [B256::ZERO; 4];
    for (place, word) in state.iter().take(HASH_WORDS).enumerate() {
        for (hash, lane) in hashes.iter_mut().zip([word.0, word.1, word.2, word.3]) {
            hash[8 * place..8 * (place + 1)].copy_from_slice(&lane.to_le_bytes());
        }
    }
    hashes
}

#[inline(always)]
fn rotate<const LEFT: i32, const RIGHT: i32>(simd: V3, word: u64x4) -> u64x4 {
    const { assert!(LEFT + RIGHT == 64) };
    simd.or_u64x4(simd.shl_const_u64x4::<LEFT>(word), simd.shr_const_u64x4::<RIGHT>(word))
}

/// Keccak-f\[1600\]; the word at column x and row y is `state[x + 5·y]`.
#[inline(always)]
fn permute(simd: V3, state: &mut [u64x4; 25]) {
    for constant in ROUND_CONSTANTS {
        // θ: each word takes in the parities of two columns.
        let mut parity = [ZEROS; 5];
        for (x, parity) in parity.iter_mut().enumerate() {
            *parity = (1..5).fold(state[x], |sum, y| simd.xor_u64x4(sum, state[x + 5 * y]));
        }
        let mut mixed = [ZEROS; 5];
        for (x, mixed) in mixed.iter_mut().enumerate() {
            *mixed = simd.xor_u64x4(parity[(x + 4) % 5], rotate::<1, 63>(simd, parity[(x + 1) % 5]));
        }
        // ρ and π: word by word the place that it comes from, and how far it is rotated.
        macro_rules! from {
            ($place:literal) => {
                simd.xor_u64x4(state[$place], mixed[$place % 5])
            };
            ($place:literal, $left:literal) => {
                rotate::<$left, { 64 - $left }>(simd, from!($place))
            };
        }
        #[rustfmt::skip]
        let moved = [
            from!(0), from!(6, 44), from!(12, 43), from!(18, 21), from!(24, 14),
            from!(3, 28), from!(9, 20), from!(10, 3), from!(16, 45), from!(22, 61),
            from!(1, 1), from!(7, 6), from!(13, 25), from!(19, 8), from!(20, 18),
            from!(4, 27), from!(5, 36), from!(11, 10), from!(17, 15), from!(23, 56),
            from!(2, 62), from!(8, 55), from!(14, 39), from!(15, 41), from!(21, 2),
        ];
        // χ, and ι on the first word.
        for y in 0..5 {
            for x in 0..5 {
                let [a, b, c] = [x, (x + 1) % 5, (x + 2) % 5].map(|x| moved[x + 5 * y]);
                state[x + 5 * y] = simd.xor_u64x4(a, simd.and_u64x4(simd.not_u64x4(b), c));
            }
        }
        state[0] = simd.xor_u64x4(state[0], simd.splat_u64x4(constant));
    }
}
