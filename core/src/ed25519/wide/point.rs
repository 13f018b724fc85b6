//! Points of the curve, eight side by side, in extended coordinates; sums by the formulas of Hisil, Wong, Carter and Dawson
//! (2008) for a = −1, which hold for all points of this curve.

use super::field::{Field, LANES, LIMBS, Limbs, ONE, TWO_D, Wide, ZERO, canonical, negative};
use std::arch::x86_64::__m512i;

/// x = X/Z, y = Y/Z, T = XY/Z.
#[derive(Clone, Copy, Debug)]
pub(super) struct Points {
    x: Field,
    y: Field,
    z: Field,
    t: Field,
}

/// What a sum takes of an affine point that is added: y + x, y − x, 2dxy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Affine {
    pub(super) sum: Field,
    pub(super) difference: Field,
    pub(super) product: Field,
}

/// What a sum takes of any point that is added: Y + X, Y − X, 2dT, 2Z.
#[derive(Clone, Copy, Debug)]
pub(super) struct Projective {
    pub(super) affine: Affine,
    pub(super) z2: Field,
}

/// One [`Affine`] in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ed25519) struct Row {
    pub(super) sum: Limbs,
    pub(super) difference: Limbs,
    pub(super) product: Limbs,
}

impl Row {
    pub(super) const IDENTITY: Self = Self::new(ONE, ONE, ZERO);

    pub(super) const fn new(sum: Limbs, difference: Limbs, product: Limbs) -> Self {
        Self { sum, difference, product }
    }

    /// −x for x: sum and difference change places.
    pub(super) fn negative(&self) -> Self {
        Self::new(self.difference, self.sum, negative(canonical(self.product)))
    }

    /// As [`Wide::gather`] takes it.
    pub(super) fn words(&self) -> Words {
        let mut words = [0; 16];
        let parts = [self.sum, self.difference, self.product];
        words.iter_mut().zip(parts.into_iter().flatten()).for_each(|(word, limb)| *word = limb);
        Words(words)
    }
}

/// A [`Row`] on two lines of the cache, one word over.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Words([u64; 16]);

/// One [`Projective`] in memory, some words over.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Bucket([u64; 24]);

impl Bucket {
    pub(super) const IDENTITY: Self = {
        let mut words = [0; 24];
        words[0] = 1;
        words[LIMBS] = 1;
        words[3 * LIMBS] = 2;
        Self(words)
    };
}

impl Projective {
    /// Each lane's to its own place.
    #[inline(always)]
    pub(super) fn store(&self, wide: Wide, places: &[u32], buckets: &mut [Bucket]) {
        let parts = [self.affine.sum, self.affine.difference, self.affine.product, self.z2];
        for (part, field) in parts.into_iter().enumerate() {
            for (place, limbs) in places.iter().zip(wide.each(field)) {
                buckets[*place as usize].0[part * LIMBS..(part + 1) * LIMBS].copy_from_slice(&limbs);
            }
        }
    }
}

impl Wide {
    #[inline(always)]
    pub(super) fn identity(self) -> Points {
        let (zero, one) = (self.all(ZERO), self.all(ONE));
        Points { x: zero, y: one, z: one, t: zero }
    }

    #[inline(always)]
    pub(super) fn gather(self, rows: [&Words; LANES]) -> Affine {
        let [a, b, c, d, e, f, g, h] = self.transpose(rows.map(|row| row.0.as_chunks().0[0]));
        let [i, j, k, l, m, n, o, _] = self.transpose(rows.map(|row| row.0.as_chunks().0[1]));
        Affine { sum: Field([a, b, c, d, e]), difference: Field([f, g, h, i, j]), product: Field([k, l, m, n, o]) }
    }

    #[inline(always)]
    pub(super) fn gather_buckets(self, buckets: [&Bucket; LANES]) -> Projective {
        let [a, b, c, d, e, f, g, h] = self.transpose(buckets.map(|bucket| bucket.0.as_chunks().0[0]));
        let [i, j, k, l, m, n, o, p] = self.transpose(buckets.map(|bucket| bucket.0.as_chunks().0[1]));
        let [q, r, s, t, ..] = self.transpose(buckets.map(|bucket| bucket.0.as_chunks().0[2]));
        let affine =
            Affine { sum: Field([a, b, c, d, e]), difference: Field([f, g, h, i, j]), product: Field([k, l, m, n, o]) };
        Projective { affine, z2: Field([p, q, r, s, t]) }
    }

    /// Words of one place in one vector: first pairs of rows, then fours, then all eight.
    #[inline(always)]
    fn transpose(self, rows: [[u64; 8]; LANES]) -> [__m512i; 8] {
        let v = self.avx512f;
        let rows: [__m512i; LANES] = pulp::cast(rows);
        let [a, b, c, d, e, f, g, h] = rows;
        let [w04, w26, w15, w37] = self.transpose_four([a, b, c, d]);
        let [x04, x26, x15, x37] = self.transpose_four([e, f, g, h]);
        const LOW: i32 = 0b01_00_01_00;
        const HIGH: i32 = 0b11_10_11_10;
        [
            v._mm512_shuffle_i64x2::<LOW>(w04, x04),
            v._mm512_shuffle_i64x2::<LOW>(w15, x15),
            v._mm512_shuffle_i64x2::<LOW>(w26, x26),
            v._mm512_shuffle_i64x2::<LOW>(w37, x37),
            v._mm512_shuffle_i64x2::<HIGH>(w04, x04),
            v._mm512_shuffle_i64x2::<HIGH>(w15, x15),
            v._mm512_shuffle_i64x2::<HIGH>(w26, x26),
            v._mm512_shuffle_i64x2::<HIGH>(w37, x37),
        ]
    }

    /// Of four rows the words 0 and 4, 2 and 6, 1 and 5, 3 and 7.
    #[inline(always)]
    fn transpose_four(self, [a, b, c, d]: [__m512i; 4]) -> [__m512i; 4] {
        const FIRST: [u64; 8] = [0, 1, 8, 9, 4, 5, 12, 13];
        const SECOND: [u64; 8] = [2, 3, 10, 11, 6, 7, 14, 15];
        let v = self.avx512f;
        let (first, second) = (pulp::cast(FIRST), pulp::cast(SECOND));
        let (even, odd) = (v._mm512_unpacklo_epi64(a, b), v._mm512_unpackhi_epi64(a, b));
        let (more_even, more_odd) = (v._mm512_unpacklo_epi64(c, d), v._mm512_unpackhi_epi64(c, d));
        [
            v._mm512_permutex2var_epi64(even, first, more_even),
            v._mm512_permutex2var_epi64(even, second, more_even),
            v._mm512_permutex2var_epi64(odd, first, more_odd),
            v._mm512_permutex2var_epi64(odd, second, more_odd),
        ]
    }

    #[inline(always)]
    pub(super) fn add_affine(self, to: Points, point: &Affine) -> Points {
        self.add_of(to, point, self.add(to.z, to.z))
    }

    #[inline(always)]
    pub(super) fn add_projective(self, to: Points, point: &Projective) -> Points {
        self.add_of(to, &point.affine, self.multiply(to.z, point.z2))
    }

    #[inline(always)]
    pub(super) fn double(self, of: Points) -> Points {
        let (xx, yy, zz) = (self.square(of.x), self.square(of.y), self.square(of.z));
        let both = self.square(self.add(of.x, of.y));
        let (g, h) = (self.subtract(xx, yy), self.add(xx, yy));
        let (e, f) = (self.subtract(h, both), self.add(self.add(zz, zz), g));
        Points { x: self.multiply(e, f), y: self.multiply(g, h), z: self.multiply(f, g), t: self.multiply(e, h) }
    }

    /// Its negative in the lanes of the mask.
    #[inline(always)]
    pub(super) fn turned(self, mask: u8, point: Affine) -> Affine {
        let Affine { sum, difference, product } = point;
        let negative = self.subtract(self.all(ZERO), product);
        Affine {
            sum: self.either(mask, sum, difference),
            difference: self.either(mask, difference, sum),
            product: self.either(mask, product, negative),
        }
    }

    /// The other one in the lanes of the mask.
    #[inline(always)]
    fn either(self, mask: u8, mut one: Field, other: Field) -> Field {
        for (words, other) in one.0.iter_mut().zip(other.0) {
            *words = self.avx512f._mm512_mask_mov_epi64(*words, mask, other);
        }
        one
    }

    #[inline(always)]
    fn add_of(self, to: Points, point: &Affine, d: Field) -> Points {
        let a = self.multiply(self.subtract(to.y, to.x), point.difference);
        let b = self.multiply(self.add(to.y, to.x), point.sum);
        let c = self.multiply(to.t, point.product);
        let (e, f, g, h) = (self.subtract(b, a), self.subtract(d, c), self.add(d, c), self.add(b, a));
        Points { x: self.multiply(e, f), y: self.multiply(g, h), z: self.multiply(f, g), t: self.multiply(e, h) }
    }

    #[inline(always)]
    pub(super) fn projective(self, of: Points) -> Projective {
        let affine = Affine {
            sum: self.add(of.y, of.x),
            difference: self.subtract(of.y, of.x),
            product: self.multiply(of.t, self.all(TWO_D)),
        };
        Projective { affine, z2: self.add(of.z, of.z) }
    }

    /// As RFC 8032 encodes points (section 5.1.2).
    #[inline(always)]
    pub(super) fn encode(self, points: Points) -> [[u8; 32]; LANES] {
        // 1/z = z^(p − 2), and p − 2 = 8 · (p − 5) / 8 + 3.
        let power = self.square_times(self.root_power([points.z]), 3)[0];
        let inverse = self.multiply(power, self.multiply(self.square(points.z), points.z));
        let x = self.each(self.multiply(points.x, inverse)).map(canonical);
        let y = self.each(self.multiply(points.y, inverse)).map(canonical);
        std::array::from_fn(|lane| encoding(y[lane], x[lane][0] & 1))
    }
}

/// Of y in its one form below p, and the lowest bit of x.
fn encoding([a, b, c, d, e]: Limbs, sign: u64) -> [u8; 32] {
    let words = [a | b << 51, b >> 13 | c << 38, c >> 26 | d << 25, d >> 39 | e << 12 | sign << 63];
    let mut bytes = [0; 32];
    bytes.as_chunks_mut().0.iter_mut().zip(words).for_each(|(bytes, word)| *bytes = word.to_le_bytes());
    bytes
}
