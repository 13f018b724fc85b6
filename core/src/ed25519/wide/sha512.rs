//! SHA-512 (FIPS 180-4, section 6.4) of eight messages side by side.

use super::field::{LANES, Wide};
use pulp::NullaryFnOnce;
use std::arch::x86_64::__m512i;

/// Section 4.2.3.
#[rustfmt::skip]
const ROUND_CONSTANTS: [u64; 80] = [
    0x428a_2f98_d728_ae22, 0x7137_4491_23ef_65cd, 0xb5c0_fbcf_ec4d_3b2f, 0xe9b5_dba5_8189_dbbc,
    0x3956_c25b_f348_b538, 0x59f1_11f1_b605_d019, 0x923f_82a4_af19_4f9b, 0xab1c_5ed5_da6d_8118,
    0xd807_aa98_a303_0242, 0x1283_5b01_4570_6fbe, 0x2431_85be_4ee4_b28c, 0x550c_7dc3_d5ff_b4e2,
    0x72be_5d74_f27b_896f, 0x80de_b1fe_3b16_96b1, 0x9bdc_06a7_25c7_1235, 0xc19b_f174_cf69_2694,
    0xe49b_69c1_9ef1_4ad2, 0xefbe_4786_384f_25e3, 0x0fc1_9dc6_8b8c_d5b5, 0x240c_a1cc_77ac_9c65,
    0x2de9_2c6f_592b_0275, 0x4a74_84aa_6ea6_e483, 0x5cb0_a9dc_bd41_fbd4, 0x76f9_88da_8311_53b5,
    0x983e_5152_ee66_dfab, 0xa831_c66d_2db4_3210, 0xb003_27c8_98fb_213f, 0xbf59_7fc7_beef_0ee4,
    0xc6e0_0bf3_3da8_8fc2, 0xd5a7_9147_930a_a725, 0x06ca_6351_e003_826f, 0x1429_2967_0a0e_6e70,
    0x27b7_0a85_46d2_2ffc, 0x2e1b_2138_5c26_c926, 0x4d2c_6dfc_5ac4_2aed, 0x5338_0d13_9d95_b3df,
    0x650a_7354_8baf_63de, 0x766a_0abb_3c77_b2a8, 0x81c2_c92e_47ed_aee6, 0x9272_2c85_1482_353b,
    0xa2bf_e8a1_4cf1_0364, 0xa81a_664b_bc42_3001, 0xc24b_8b70_d0f8_9791, 0xc76c_51a3_0654_be30,
    0xd192_e819_d6ef_5218, 0xd699_0624_5565_a910, 0xf40e_3585_5771_202a, 0x106a_a070_32bb_d1b8,
    0x19a4_c116_b8d2_d0c8, 0x1e37_6c08_5141_ab53, 0x2748_774c_df8e_eb99, 0x34b0_bcb5_e19b_48a8,
    0x391c_0cb3_c5c9_5a63, 0x4ed8_aa4a_e341_8acb, 0x5b9c_ca4f_7763_e373, 0x682e_6ff3_d6b2_b8a3,
    0x748f_82ee_5def_b2fc, 0x78a5_636f_4317_2f60, 0x84c8_7814_a1f0_ab72, 0x8cc7_0208_1a64_39ec,
    0x90be_fffa_2363_1e28, 0xa450_6ceb_de82_bde9, 0xbef9_a3f7_b2c6_7915, 0xc671_78f2_e372_532b,
    0xca27_3ece_ea26_619c, 0xd186_b8c7_21c0_c207, 0xeada_7dd6_cde0_eb1e, 0xf57d_4f7f_ee6e_d178,
    0x06f0_67aa_7217_6fba, 0x0a63_7dc5_a2c8_98a6, 0x113f_9804_bef9_0dae, 0x1b71_0b35_131c_471b,
    0x28db_77f5_2304_7d84, 0x32ca_ab7b_40c7_2493, 0x3c9e_be0a_15c9_bebc, 0x431d_67c4_9c10_0d4c,
    0x4cc5_d4be_cb3e_42b6, 0x597f_299c_fc65_7e2a, 0x5fcb_6fab_3ad6_faec, 0x6c44_198c_4a47_5817,
];

/// Section 5.3.5.
const INITIAL: [u64; 8] = [
    0x6a09_e667_f3bc_c908,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x9b05_688c_2b3e_6c1f,
    0x1f83_d9ab_fb41_bd6b,
    0x5be0_cd19_137e_2179,
];

const BLOCK: usize = 128;

/// Bytes behind a message: 0x80 and its length in bits, with zeros between.
const SMALLEST_PADDING: usize = 17;
/// At most so many are behind a message.
pub(super) const PADDING: usize = SMALLEST_PADDING + BLOCK;

pub(in crate::ed25519) type Hash = [u8; 64];

/// Where messages lie while they are hashed.
pub(super) type Room = [Vec<u8>; LANES];

/// SHA-512 of what `put` appends for each item, in their order.
pub(in crate::ed25519) fn sha512_each<T>(wide: Wide, items: &[T], put: impl Fn(&T, &mut Vec<u8>)) -> Vec<Hash> {
    sha512_each_in(wide, &mut Room::default(), items, put)
}

/// The same in room that the caller has made, and wipes if a secret was in it; nothing lies elsewhere if a message with
/// [`PADDING`] more bytes fits in.
pub(super) fn sha512_each_in<T>(
    wide: Wide,
    messages: &mut Room,
    items: &[T],
    put: impl Fn(&T, &mut Vec<u8>),
) -> Vec<Hash> {
    let mut hashes = Vec::with_capacity(items.len());
    for some in items.chunks(LANES) {
        for (item, message) in some.iter().zip(&mut *messages) {
            message.clear();
            put(item, message);
            pad(message);
        }
        let lane = |lane: usize| if lane < some.len() { &messages[lane][..] } else { &[] };
        let messages = std::array::from_fn(lane);
        hashes.extend_from_slice(&wide.vectorize(Sha512 { wide, messages })[..some.len()]);
    }
    hashes
}

/// Section 5.1.2.
fn pad(message: &mut Vec<u8>) {
    let bits = 8 * message.len() as u128;
    message.push(0x80);
    let length = (message.len() - 1 + SMALLEST_PADDING).next_multiple_of(BLOCK);
    message.resize(length - size_of_val(&bits), 0);
    message.extend_from_slice(&bits.to_be_bytes());
}

/// Messages with their padding.
struct Sha512<'a> {
    wide: Wide,
    messages: [&'a [u8]; LANES],
}

impl NullaryFnOnce for Sha512<'_> {
    type Output = [Hash; LANES];

    #[inline(always)]
    fn call(self) -> [Hash; LANES] {
        let Self { wide, messages } = self;
        let mut hashes = [[0; 64]; LANES];
        let mut state = [wide.splat(0); 8];
        for (words, initial) in state.iter_mut().zip(INITIAL) {
            *words = wide.splat(initial);
        }
        let counts = messages.map(|message| message.len() / BLOCK);
        for block in 0..counts.into_iter().max().unwrap_or(0) {
            compress(wide, &mut state, words_of(&messages, block));
            if counts.contains(&(block + 1)) {
                take(&state, counts.map(|count| count == block + 1), &mut hashes);
            }
        }
        hashes
    }
}

/// One block's words, each of all lanes; zeros once a message is over.
#[inline(always)]
fn words_of(messages: &[&[u8]; LANES], block: usize) -> [__m512i; 16] {
    let mut words = [[0; LANES]; 16];
    for (lane, message) in messages.iter().enumerate() {
        let bytes = message.get(block * BLOCK..(block + 1) * BLOCK).unwrap_or_default();
        for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
            word[lane] = u64::from_be_bytes(*bytes);
        }
    }
    pulp::cast(words)
}

/// The hashes of lanes that are done.
#[inline(always)]
fn take(state: &[__m512i; 8], is_done: [bool; LANES], hashes: &mut [Hash; LANES]) {
    let words: [[u64; LANES]; 8] = pulp::cast(*state);
    for (lane, hash) in hashes.iter_mut().enumerate().filter(|(lane, _)| is_done[*lane]) {
        for (bytes, words) in hash.as_chunks_mut().0.iter_mut().zip(words) {
            *bytes = words[lane].to_be_bytes();
        }
    }
}

#[inline(always)]
fn compress(wide: Wide, state: &mut [__m512i; 8], mut schedule: [__m512i; 16]) {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for (round, constant) in ROUND_CONSTANTS.into_iter().enumerate() {
        let place = round % 16;
        if round >= 16 {
            let (early, late) = (schedule[(place + 1) % 16], schedule[(place + 14) % 16]);
            let mixed = wide.sum_2(wide.small_sigma::<1, 8, 7>(early), wide.small_sigma::<19, 61, 6>(late));
            schedule[place] = wide.sum_2(schedule[place], wide.sum_2(schedule[(place + 9) % 16], mixed));
        }
        let first = wide.sum_2(wide.sum_2(h, wide.choice(e, f, g)), wide.sum_2(wide.splat(constant), schedule[place]));
        let first = wide.sum_2(first, wide.large_sigma::<14, 18, 41>(e));
        let second = wide.sum_2(wide.large_sigma::<28, 34, 39>(a), wide.majority(a, b, c));
        (h, g, f, e) = (g, f, e, wide.sum_2(d, first));
        (d, c, b, a) = (c, b, a, wide.sum_2(first, second));
    }
    for (words, added) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *words = wide.sum_2(*words, added);
    }
}

/// Section 4.1.3. The tables of three inputs are read with the first as the highest bit.
impl Wide {
    #[inline(always)]
    fn sum_2(self, left: __m512i, right: __m512i) -> __m512i {
        self.avx512f._mm512_add_epi64(left, right)
    }

    #[inline(always)]
    fn xor_3(self, a: __m512i, b: __m512i, c: __m512i) -> __m512i {
        self.avx512f._mm512_ternarylogic_epi64::<0b1001_0110>(a, b, c)
    }

    #[inline(always)]
    fn choice(self, a: __m512i, b: __m512i, c: __m512i) -> __m512i {
        self.avx512f._mm512_ternarylogic_epi64::<0b1100_1010>(a, b, c)
    }

    #[inline(always)]
    fn majority(self, a: __m512i, b: __m512i, c: __m512i) -> __m512i {
        self.avx512f._mm512_ternarylogic_epi64::<0b1110_1000>(a, b, c)
    }

    #[inline(always)]
    fn large_sigma<const A: i32, const B: i32, const C: i32>(self, words: __m512i) -> __m512i {
        let v = self.avx512f;
        self.xor_3(v._mm512_ror_epi64::<A>(words), v._mm512_ror_epi64::<B>(words), v._mm512_ror_epi64::<C>(words))
    }

    #[inline(always)]
    fn small_sigma<const A: i32, const B: i32, const SHIFT: u32>(self, words: __m512i) -> __m512i {
        let v = self.avx512f;
        self.xor_3(v._mm512_ror_epi64::<A>(words), v._mm512_ror_epi64::<B>(words), v._mm512_srli_epi64::<SHIFT>(words))
    }
}
