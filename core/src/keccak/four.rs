//! Four sponges in the four 64-bit lanes of AVX2's registers. They never meet, so that each step of the permutation
//! (FIPS 202, section 3.2) is the same step on all four.

use super::RATE;
use crate::B256;
use std::arch::x86_64::{
    __m256i, _mm256_andnot_si256, _mm256_extract_epi64, _mm256_or_si256, _mm256_set_epi64x, _mm256_set1_epi64x,
    _mm256_setzero_si256, _mm256_slli_epi64, _mm256_srli_epi64, _mm256_xor_si256,
};

/// FIPS 202, section 3.2.5: what step ι adds, round by round.
const ROUND_CONSTANTS: [i64; 24] = [
    0x0000_0000_0000_0001_u64.cast_signed(),
    0x0000_0000_0000_8082_u64.cast_signed(),
    0x8000_0000_0000_808a_u64.cast_signed(),
    0x8000_0000_8000_8000_u64.cast_signed(),
    0x0000_0000_0000_808b_u64.cast_signed(),
    0x0000_0000_8000_0001_u64.cast_signed(),
    0x8000_0000_8000_8081_u64.cast_signed(),
    0x8000_0000_0000_8009_u64.cast_signed(),
    0x0000_0000_0000_008a_u64.cast_signed(),
    0x0000_0000_0000_0088_u64.cast_signed(),
    0x0000_0000_8000_8009_u64.cast_signed(),
    0x0000_0000_8000_000a_u64.cast_signed(),
    0x0000_0000_8000_808b_u64.cast_signed(),
    0x8000_0000_0000_008b_u64.cast_signed(),
    0x8000_0000_0000_8089_u64.cast_signed(),
    0x8000_0000_0000_8003_u64.cast_signed(),
    0x8000_0000_0000_8002_u64.cast_signed(),
    0x8000_0000_0000_0080_u64.cast_signed(),
    0x0000_0000_0000_800a_u64.cast_signed(),
    0x8000_0000_8000_000a_u64.cast_signed(),
    0x8000_0000_8000_8081_u64.cast_signed(),
    0x8000_0000_0000_8080_u64.cast_signed(),
    0x0000_0000_8000_0001_u64.cast_signed(),
    0x8000_0000_8000_8008_u64.cast_signed(),
];

/// Words of the state that a message's block is added to, and of the hash.
const RATE_WORDS: usize = RATE / 8;
const HASH_WORDS: usize = 4;

/// keccak256 of four messages. Only for processors with AVX2.
#[expect(unsafe_code, reason = "a function of AVX2 instructions is called from one without")]
pub(super) fn hash(messages: [&[u8]; 4]) -> [B256; 4] {
    assert!(std::arch::is_x86_feature_detected!("avx2"), "called on a processor without AVX2");
    // SAFETY: the processor has AVX2, as was just asserted, and nothing else is asked of the caller.
    unsafe { sponge(messages) }
}

#[target_feature(enable = "avx2")]
fn sponge(messages: [&[u8]; 4]) -> [B256; 4] {
    let mut state = [_mm256_setzero_si256(); 25];
    let mut hashes = [B256::ZERO; 4];
    let counts = messages.map(|message| message.len() / RATE + 1);
    for round in 0..counts.into_iter().max().unwrap_or(0) {
        let mut blocks = [[0; RATE]; 4];
        for (block, message) in blocks.iter_mut().zip(messages) {
            take_block(message, round, block);
        }
        for (place, word) in state.iter_mut().zip(0..RATE_WORDS) {
            let of = |lane: usize| i64::from_le_bytes(blocks[lane].as_chunks().0[word]);
            *place = _mm256_xor_si256(*place, _mm256_set_epi64x(of(3), of(2), of(1), of(0)));
        }
        permute(&mut state);
        if counts.contains(&(round + 1)) {
            // A lane that was done before goes round with the others, and nobody looks at it.
            let done = hashes.iter_mut().zip(squeeze(&state)).zip(counts).filter(|(_, count)| *count == round + 1);
            done.for_each(|((hash, found), _)| *hash = found);
        }
    }
    hashes
}

/// A block of a message with keccak's padding (0x01, zeros, 0x80) behind its end; zeros once the message is over.
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
#[target_feature(enable = "avx2")]
fn squeeze(state: &[__m256i; 25]) -> [B256; 4] {
    let mut hashes = [B256::ZERO; 4];
    for (place, &word) in state.iter().take(HASH_WORDS).enumerate() {
        let lanes = [
            _mm256_extract_epi64::<0>(word),
            _mm256_extract_epi64::<1>(word),
            _mm256_extract_epi64::<2>(word),
            _mm256_extract_epi64::<3>(word),
        ];
        for (hash, lane) in hashes.iter_mut().zip(lanes) {
            hash[8 * place..8 * (place + 1)].copy_from_slice(&lane.to_le_bytes());
        }
    }
    hashes
}

#[target_feature(enable = "avx2")]
fn rotate<const LEFT: i32, const RIGHT: i32>(word: __m256i) -> __m256i {
    const { assert!(LEFT + RIGHT == 64) };
    _mm256_or_si256(_mm256_slli_epi64::<LEFT>(word), _mm256_srli_epi64::<RIGHT>(word))
}

/// Keccak-f\[1600\]; the word at column x and row y is `state[x + 5·y]`.
#[target_feature(enable = "avx2")]
fn permute(state: &mut [__m256i; 25]) {
    for constant in ROUND_CONSTANTS {
        // θ: each word takes in the parities of two columns.
        let mut parity = [_mm256_setzero_si256(); 5];
        for (x, parity) in parity.iter_mut().enumerate() {
            *parity = (1..5).fold(state[x], |sum, y| _mm256_xor_si256(sum, state[x + 5 * y]));
        }
        let mut mixed = [_mm256_setzero_si256(); 5];
        for (x, mixed) in mixed.iter_mut().enumerate() {
            *mixed = _mm256_xor_si256(parity[(x + 4) % 5], rotate::<1, 63>(parity[(x + 1) % 5]));
        }
        // ρ and π: word by word the place that it comes from, and how far it is rotated.
        macro_rules! from {
            ($place:literal) => {
                _mm256_xor_si256(state[$place], mixed[$place % 5])
            };
            ($place:literal, $left:literal) => {
                rotate::<$left, { 64 - $left }>(from!($place))
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
                state[x + 5 * y] = _mm256_xor_si256(a, _mm256_andnot_si256(b, c));
            }
        }
        state[0] = _mm256_xor_si256(state[0], _mm256_set1_epi64x(constant));
    }
}
