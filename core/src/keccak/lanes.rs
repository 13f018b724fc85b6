//! Sponges side by side in the 64-bit lanes of a processor's vectors. They never meet, so that each step of the permutation
//! (FIPS 202, section 3.2) is the same step on all of them.

use super::RATE;
use crate::B256;
use pulp::x86::{V3, V4};
use pulp::{NullaryFnOnce, u64x4, u64x8};

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

/// What a processor does to the words of `N` states at once; whoever holds one has a processor that can.
trait Lanes<const N: usize>: Copy {
    type Words: Copy;

    fn of(self, words: [u64; N]) -> Self::Words;
    fn each(self, words: Self::Words) -> [u64; N];
    fn xor(self, left: Self::Words, right: Self::Words) -> Self::Words;
    /// `right` where `left` is not set.
    fn and_not(self, left: Self::Words, right: Self::Words) -> Self::Words;
    fn rotate<const LEFT: u32>(self, words: Self::Words) -> Self::Words;
}

/// AVX2: four lanes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Four(V3);

impl Four {
    /// `None` where the processor lacks it.
    pub(super) fn new() -> Option<Self> {
        V3::try_new().map(Self)
    }

    /// keccak256 of four messages.
    pub(super) fn hash(self, messages: [&[u8]; 4]) -> [B256; 4] {
        self.0.vectorize(Sponges { lanes: self, messages })
    }
}

impl Lanes<4> for Four {
    type Words = u64x4;

    #[inline(always)]
    fn of(self, [a, b, c, d]: [u64; 4]) -> u64x4 {
        u64x4(a, b, c, d)
    }

    #[inline(always)]
    fn each(self, u64x4(a, b, c, d): u64x4) -> [u64; 4] {
        [a, b, c, d]
    }

    #[inline(always)]
    fn xor(self, left: u64x4, right: u64x4) -> u64x4 {
        self.0.xor_u64x4(left, right)
    }

    #[inline(always)]
    fn and_not(self, left: u64x4, right: u64x4) -> u64x4 {
        self.0.and_u64x4(self.0.not_u64x4(left), right)
    }

    #[inline(always)]
    fn rotate<const LEFT: u32>(self, words: u64x4) -> u64x4 {
        let amount = |bits: u32| self.0.splat_u64x4(u64::from(bits));
        self.0.or_u64x4(self.0.shl_dyn_u64x4(words, amount(LEFT)), self.0.shr_dyn_u64x4(words, amount(64 - LEFT)))
    }
}

/// AVX-512: eight lanes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Eight(V4);

impl Eight {
    /// `None` where the processor lacks it.
    pub(super) fn new() -> Option<Self> {
        V4::try_new().map(Self)
    }

    /// keccak256 of eight messages.
    pub(super) fn hash(self, messages: [&[u8]; 8]) -> [B256; 8] {
        self.0.vectorize(Sponges { lanes: self, messages })
    }
}

impl Lanes<8> for Eight {
    type Words = u64x8;

    #[inline(always)]
    fn of(self, [a, b, c, d, e, f, g, h]: [u64; 8]) -> u64x8 {
        u64x8(a, b, c, d, e, f, g, h)
    }

    #[inline(always)]
    fn each(self, u64x8(a, b, c, d, e, f, g, h): u64x8) -> [u64; 8] {
        [a, b, c, d, e, f, g, h]
    }

    #[inline(always)]
    fn xor(self, left: u64x8, right: u64x8) -> u64x8 {
        self.0.xor_u64x8(left, right)
    }

    #[inline(always)]
    fn and_not(self, left: u64x8, right: u64x8) -> u64x8 {
        self.0.and_u64x8(self.0.not_u64x8(left), right)
    }

    #[inline(always)]
    fn rotate<const LEFT: u32>(self, words: u64x8) -> u64x8 {
        let amount = |bits: u32| self.0.splat_u64x8(u64::from(bits));
        self.0.or_u64x8(self.0.shl_dyn_u64x8(words, amount(LEFT)), self.0.shr_dyn_u64x8(words, amount(64 - LEFT)))
    }
}

/// The work, all of it inlined where the instructions are enabled.
struct Sponges<'a, L, const N: usize> {
    lanes: L,
    messages: [&'a [u8]; N],
}

impl<L: Lanes<N>, const N: usize> NullaryFnOnce for Sponges<'_, L, N> {
    type Output = [B256; N];

    #[inline(always)]
    fn call(self) -> [B256; N] {
        let Self { lanes, messages } = self;
        let mut state = [lanes.of([0; N]); 25];
        let mut hashes = [B256::ZERO; N];
        let counts = messages.map(|message| message.len() / RATE + 1);
        for round in 0..counts.into_iter().max().unwrap_or(0) {
            let mut blocks = [[0; RATE]; N];
            for (block, message) in blocks.iter_mut().zip(messages) {
                take_block(message, round, block);
            }
            for (place, word) in state.iter_mut().zip(0..RATE_WORDS) {
                let words = std::array::from_fn(|lane| u64::from_le_bytes(blocks[lane].as_chunks().0[word]));
                *place = lanes.xor(*place, lanes.of(words));
            }
            permute(lanes, &mut state);
            if counts.contains(&(round + 1)) {
                // A lane that was done before goes round with the others, and nobody looks at it.
                let done = hashes.iter_mut().zip(squeeze(lanes, &state)).zip(counts);
                done.filter(|(_, count)| *count == round + 1).for_each(|((hash, found), _)| *hash = found);
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

/// The first words of all states.
#[inline(always)]
fn squeeze<L: Lanes<N>, const N: usize>(lanes: L, state: &[L::Words; 25]) -> [B256; N] {
    let mut hashes = [B256::ZERO; N];
    for (place, words) in state.iter().take(HASH_WORDS).enumerate() {
        for (hash, word) in hashes.iter_mut().zip(lanes.each(*words)) {
            hash[8 * place..8 * (place + 1)].copy_from_slice(&word.to_le_bytes());
        }
    }
    hashes
}

/// Keccak-f\[1600\]; the word at column x and row y is `state[x + 5·y]`.
#[inline(always)]
fn permute<L: Lanes<N>, const N: usize>(lanes: L, state: &mut [L::Words; 25]) {
    for constant in ROUND_CONSTANTS {
        // θ: each word takes in the parities of two columns.
        let parity: [L::Words; 5] =
            std::array::from_fn(|x| (1..5).fold(state[x], |sum, y| lanes.xor(sum, state[x + 5 * y])));
        let mixed: [L::Words; 5] =
            std::array::from_fn(|x| lanes.xor(parity[(x + 4) % 5], lanes.rotate::<1>(parity[(x + 1) % 5])));
        // ρ and π: word by word the place that it comes from, and how far it is rotated.
        macro_rules! from {
            ($place:literal) => {
                lanes.xor(state[$place], mixed[$place % 5])
            };
            ($place:literal, $left:literal) => {
                lanes.rotate::<$left>(from!($place))
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
                state[x + 5 * y] = lanes.xor(a, lanes.and_not(b, c));
            }
        }
        state[0] = lanes.xor(state[0], lanes.of([constant; N]));
    }
}
