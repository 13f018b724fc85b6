//! Eight elements of GF(2²⁵⁵ − 19) in the 64-bit lanes of AVX-512's registers, five limbs of 51 bits each.

use std::arch::x86_64::__m512i;

pulp::simd_type! {
    /// Proof that the processor has these instructions: only `try_new` gives one, which asks it.
    pub(in crate::ed25519) struct Wide {
        pub(super) avx512f: "avx512f",
        pub(super) avx512vl: "avx512vl",
        pub(super) avx512ifma: "avx512ifma",
    }
}

pub(super) const LANES: usize = 8;
pub(super) const LIMBS: usize = 5;
const LIMB_BITS: u32 = 51;
pub(super) const MASK: u64 = (1 << LIMB_BITS) - 1;

/// One element, the sum of limb i · 2⁵¹ⁱ.
pub(super) type Limbs = [u64; LIMBS];

pub(super) const ZERO: Limbs = [0; LIMBS];
pub(super) const ONE: Limbs = [1, 0, 0, 0, 0];
/// p = 2²⁵⁵ − 19.
pub(super) const P: Limbs = [MASK - 18, MASK, MASK, MASK, MASK];
/// 2p: taking a [`Field`] from it leaves no limb below zero.
pub(super) const TWO_P: Limbs = [P[0] * 2, P[1] * 2, P[2] * 2, P[3] * 2, P[4] * 2];
/// d of the curve −x² + y² = 1 + dx²y² (RFC 8032, section 5.1).
pub(super) const D: Limbs = [929955233495203, 466365720129213, 1662059464998953, 2033849074728123, 1442794654840575];
/// 2d mod p.
pub(super) const TWO_D: Limbs =
    [1859910466990425, 932731440258426, 1072319116312658, 1815898335770999, 633789495995903];
/// 2^((p − 1) / 4) mod p, a square root of −1.
pub(super) const ROOT_OF_MINUS_ONE: Limbs =
    [1718705420411056, 234908883556509, 2233514472574048, 2117202627021982, 765476049583133];

/// Eight elements.
///
/// Invariant: limbs are below 2⁵¹ + 2¹⁵, so that products see all of them (they read 52 bits) and the element is below 2p.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field(pub(super) [__m512i; LIMBS]);

impl Wide {
    #[inline(always)]
    pub(super) fn splat(self, word: u64) -> __m512i {
        self.avx512f._mm512_set1_epi64(word.cast_signed())
    }

    /// One element in all lanes.
    #[inline(always)]
    pub(super) fn all(self, [a, b, c, d, e]: Limbs) -> Field {
        Field([self.splat(a), self.splat(b), self.splat(c), self.splat(d), self.splat(e)])
    }

    #[inline(always)]
    pub(super) fn of(self, lanes: &[Limbs; LANES]) -> Field {
        let mut field = self.all(ZERO);
        for (limb, words) in field.0.iter_mut().enumerate() {
            *words = pulp::cast(lanes.map(|lane| lane[limb]));
        }
        field
    }

    #[inline(always)]
    pub(super) fn each(self, field: Field) -> [Limbs; LANES] {
        let mut lanes = [ZERO; LANES];
        for (limb, words) in field.0.into_iter().enumerate() {
            let words: [u64; LANES] = pulp::cast(words);
            lanes.iter_mut().zip(words).for_each(|(lane, word)| lane[limb] = word);
        }
        lanes
    }

    /// What a limb has above 51 bits goes to the next, once, and to the first 19 times: 2²⁵⁵ is 19. For limbs below 2⁶¹ the
    /// result is a [`Field`].
    #[inline(always)]
    pub(super) fn carry(self, mut limbs: [__m512i; LIMBS]) -> Field {
        let v = self.avx512f;
        let mut above = limbs;
        for limb in &mut above {
            *limb = v._mm512_srli_epi64::<LIMB_BITS>(*limb);
        }
        let mask = self.splat(MASK);
        for (place, limb) in limbs.iter_mut().enumerate() {
            let carried = if place == 0 { self.times_19(above[LIMBS - 1]) } else { above[place - 1] };
            *limb = v._mm512_add_epi64(v._mm512_and_si512(*limb, mask), carried);
        }
        Field(limbs)
    }

    #[inline(always)]
    fn times_19(self, words: __m512i) -> __m512i {
        let v = self.avx512f;
        let three = v._mm512_add_epi64(words, v._mm512_add_epi64(words, words));
        v._mm512_add_epi64(three, v._mm512_slli_epi64::<4>(words))
    }

    #[inline(always)]
    pub(super) fn add(self, left: Field, right: Field) -> Field {
        let mut limbs = left.0;
        for (limb, right) in limbs.iter_mut().zip(right.0) {
            *limb = self.avx512f._mm512_add_epi64(*limb, right);
        }
        self.carry(limbs)
    }

    #[inline(always)]
    pub(super) fn subtract(self, left: Field, right: Field) -> Field {
        let v = self.avx512f;
        let mut limbs = left.0;
        for ((limb, right), two_p) in limbs.iter_mut().zip(right.0).zip(TWO_P) {
            *limb = v._mm512_sub_epi64(v._mm512_add_epi64(*limb, self.splat(two_p)), right);
        }
        self.carry(limbs)
    }

    #[inline(always)]
    pub(super) fn multiply(self, left: Field, right: Field) -> Field {
        let mut products = Products::none(self);
        for i in 0..LIMBS {
            for j in 0..LIMBS {
                products.take_in(self, i + j, left.0[i], right.0[j]);
            }
        }
        products.fold(self)
    }

    #[inline(always)]
    pub(super) fn square(self, of: Field) -> Field {
        let mut products = Products::none(self);
        for i in 0..LIMBS {
            for j in i + 1..LIMBS {
                products.take_in(self, i + j, of.0[i], of.0[j]);
            }
        }
        products.double(self);
        for i in 0..LIMBS {
            products.take_in(self, 2 * i, of.0[i], of.0[i]);
        }
        products.fold(self)
    }

    /// Each to the power 2^`times`. Several vectors at once hide how long each step takes.
    #[inline(always)]
    pub(super) fn square_times<const N: usize>(self, mut of: [Field; N], times: usize) -> [Field; N] {
        for _ in 0..times {
            for of in &mut of {
                *of = self.square(*of);
            }
        }
        of
    }

    #[inline(always)]
    pub(super) fn multiply_each<const N: usize>(self, mut left: [Field; N], right: [Field; N]) -> [Field; N] {
        for (left, right) in left.iter_mut().zip(right) {
            *left = self.multiply(*left, right);
        }
        left
    }

    /// Each to the power (p − 5) / 8 = 2²⁵² − 3. `ones_n` is the power 2ⁿ − 1.
    #[inline(always)]
    pub(super) fn root_power<const N: usize>(self, of: [Field; N]) -> [Field; N] {
        let two = self.square_times(of, 1);
        let nine = self.multiply_each(self.square_times(two, 2), of);
        let eleven = self.multiply_each(nine, two);
        let ones_5 = self.multiply_each(self.square_times(eleven, 1), nine);
        let ones_10 = self.multiply_each(self.square_times(ones_5, 5), ones_5);
        let ones_20 = self.multiply_each(self.square_times(ones_10, 10), ones_10);
        let ones_40 = self.multiply_each(self.square_times(ones_20, 20), ones_20);
        let ones_50 = self.multiply_each(self.square_times(ones_40, 10), ones_10);
        let ones_100 = self.multiply_each(self.square_times(ones_50, 50), ones_50);
        let ones_200 = self.multiply_each(self.square_times(ones_100, 100), ones_100);
        let ones_250 = self.multiply_each(self.square_times(ones_200, 50), ones_50);
        self.multiply_each(self.square_times(ones_250, 2), of)
    }
}

/// Sums of products of limbs, before they are a [`Field`]: lower 52 bits and upper 52 bits apart, by the places' sum.
struct Products {
    low: [__m512i; 2 * LIMBS - 1],
    high: [__m512i; 2 * LIMBS - 1],
}

impl Products {
    #[inline(always)]
    fn none(wide: Wide) -> Self {
        let zeros = [wide.splat(0); 2 * LIMBS - 1];
        Self { low: zeros, high: zeros }
    }

    #[inline(always)]
    fn take_in(&mut self, wide: Wide, place: usize, left: __m512i, right: __m512i) {
        self.low[place] = wide.avx512ifma._mm512_madd52lo_epu64(self.low[place], left, right);
        self.high[place] = wide.avx512ifma._mm512_madd52hi_epu64(self.high[place], left, right);
    }

    #[inline(always)]
    fn double(&mut self, wide: Wide) {
        for words in self.low.iter_mut().chain(&mut self.high) {
            *words = wide.avx512f._mm512_add_epi64(*words, *words);
        }
    }

    /// An upper half stands at 2⁵¹ᵏ⁺⁵², twice the next place. Sums of lower halves are below 5 · 2⁵², twice those of upper
    /// halves below 10 · 2⁵², so that no limb passes 20 · 15 · 2⁵² < 2⁶¹.
    #[inline(always)]
    fn fold(self, wide: Wide) -> Field {
        let v = wide.avx512f;
        let mut places = [wide.splat(0); 2 * LIMBS];
        places[..2 * LIMBS - 1].copy_from_slice(&self.low);
        for (place, high) in places[1..].iter_mut().zip(self.high) {
            *place = v._mm512_add_epi64(*place, v._mm512_add_epi64(high, high));
        }
        let mut limbs = [wide.splat(0); LIMBS];
        for (place, limb) in limbs.iter_mut().enumerate() {
            *limb = v._mm512_add_epi64(places[place], wide.times_19(places[place + LIMBS]));
        }
        wide.carry(limbs)
    }
}

/// The one form below p of an element below 2p.
pub(super) fn canonical(mut limbs: Limbs) -> Limbs {
    // Whether p fits in: adding 19 then reaches 2²⁵⁵.
    let fits = limbs.iter().fold(19, |carried, limb| (limb + carried) >> LIMB_BITS);
    let mut carried = 19 * fits;
    for limb in &mut limbs {
        let sum = *limb + carried;
        *limb = sum & MASK;
        carried = sum >> LIMB_BITS;
    }
    limbs
}

/// −x, below p or p itself, of an element in the one form below p.
pub(super) fn negative(of: Limbs) -> Limbs {
    let mut out = P;
    let mut borrowed = 0;
    for (out, of) in out.iter_mut().zip(of) {
        let needed = of + borrowed;
        borrowed = u64::from(*out < needed);
        *out = *out + (borrowed << LIMB_BITS) - needed;
    }
    out
}
