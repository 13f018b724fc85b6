//! Signatures by RFC 8032, section 5.1.6, eight side by side.
//!
//! Invariants, unlike elsewhere in this module:
//! - No branch and no address depends on a secret: of a table all entries are read.
//! - Nonces and what they are made of are wiped where they lay on the heap.

use super::decode::decode;
use super::digits::{DIGITS, Digits, digits_of};
use super::field::{LANES, ONE, Wide, ZERO};
use super::point::{Affine, Row};
use super::sha512::{PADDING, Room, sha512_each, sha512_each_in};
use crate::ed25519::Ed25519SecretKey;
use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::scalar::Scalar;
use ed25519_dalek::hazmat::ExpandedSecretKey;
use pulp::NullaryFnOnce;
use std::arch::x86_64::__m512i;
use std::sync::OnceLock;
use zeroize::Zeroizing;

/// One to eight times a power of 16 times the base point.
const MULTIPLES: usize = 8;
type Multiples = [Row; MULTIPLES];

/// One signature for each key and message, in their order.
pub(in crate::ed25519) fn sign_each(wide: Wide, items: &[(&Ed25519SecretKey, &[u8])]) -> Vec<[u8; 64]> {
    static TABLE: OnceLock<Vec<Multiples>> = OnceLock::new();
    let table = TABLE.get_or_init(|| table(wide));
    let keys: Vec<ExpandedSecretKey> = items.iter().map(|(key, _)| ExpandedSecretKey::from(key.0.as_bytes())).collect();
    let with_keys: Vec<_> = keys.iter().zip(items).collect();
    let longest = items.iter().map(|(_, message)| message.len()).max().unwrap_or(0);
    let room = || Vec::with_capacity(size_of::<[u8; 32]>() + longest + PADDING);
    let mut room: Zeroizing<Room> = Zeroizing::new(std::array::from_fn(|_| room()));
    let put = |(key, (_, message)): &(&ExpandedSecretKey, &(_, &[u8])), out: &mut Vec<u8>| {
        out.extend_from_slice(&key.hash_prefix);
        out.extend_from_slice(message);
    };
    let hashes = Zeroizing::new(sha512_each_in(wide, &mut room, &with_keys, put));
    let nonces: Zeroizing<Vec<Scalar>> = Zeroizing::new(hashes.iter().map(Scalar::from_bytes_mod_order_wide).collect());
    let mut points = Vec::with_capacity(nonces.len());
    for some in nonces.chunks(LANES) {
        let mut digits = Zeroizing::new([[0; DIGITS]; LANES]);
        digits.iter_mut().zip(some).for_each(|(digits, nonce)| *digits = digits_of(nonce));
        points.extend_from_slice(&wide.vectorize(TimesBase { wide, table, digits: &digits })[..some.len()]);
    }
    let with_points: Vec<_> = points.iter().zip(items).collect();
    let challenges = sha512_each(wide, &with_points, |(point, (key, message)), out| {
        out.extend_from_slice(*point);
        out.extend_from_slice(key.0.verifying_key().as_bytes());
        out.extend_from_slice(message);
    });
    let s = nonces
        .iter()
        .zip(&keys)
        .zip(&challenges)
        .map(|((nonce, key), challenge)| nonce + Scalar::from_bytes_mod_order_wide(challenge) * key.scalar);
    let signature = |(point, s): (&[u8; 32], Scalar)| {
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(point);
        signature[32..].copy_from_slice(s.as_bytes());
        signature
    };
    points.iter().zip(s).map(signature).collect()
}

/// Those of each digit's power of 16.
fn table(wide: Wide) -> Vec<Multiples> {
    let mut encodings = Vec::with_capacity(DIGITS * MULTIPLES);
    let mut power = ED25519_BASEPOINT_POINT;
    for _ in 0..DIGITS {
        let mut multiple = power;
        for _ in 0..MULTIPLES {
            encodings.push(multiple.compress().0);
            multiple += power;
        }
        for _ in 0..4 {
            power += power;
        }
    }
    let rows: Vec<Row> =
        decode(wide, &encodings).into_iter().map(|row| row.expect("multiples of the base point are points")).collect();
    rows.as_chunks().0.to_vec()
}

/// Encodings of scalars times the base point.
struct TimesBase<'a> {
    wide: Wide,
    table: &'a [Multiples],
    digits: &'a [Digits; LANES],
}

impl NullaryFnOnce for TimesBase<'_> {
    type Output = [[u8; 32]; LANES];

    #[inline(always)]
    fn call(self) -> [[u8; 32]; LANES] {
        let Self { wide, table, digits } = self;
        let mut sum = wide.identity();
        for (place, multiples) in table.iter().enumerate() {
            let (mut sizes, mut signs) = ([0; LANES], [0; LANES]);
            for lane in 0..LANES {
                let digit = digits[lane][place];
                sizes[lane] = u64::from(digit.unsigned_abs());
                signs[lane] = u64::from(digit.cast_unsigned() >> 7);
            }
            sum = wide.add_affine(sum, &wide.choose(multiples, pulp::cast(sizes), pulp::cast(signs)));
        }
        wide.encode(sum)
    }
}

impl Wide {
    /// Each lane's multiple, its negative where the sign is one; the identity for zero.
    #[inline(always)]
    fn choose(self, multiples: &Multiples, sizes: __m512i, signs: __m512i) -> Affine {
        let v = self.avx512f;
        let (mut sum, mut difference, mut product) = (self.all(ONE), self.all(ONE), self.all(ZERO));
        let mut size = 0;
        for row in multiples {
            size += 1;
            let is_meant = v._mm512_cmpeq_epi64_mask(sizes, self.splat(size));
            for (part, limbs) in [(&mut sum, row.sum), (&mut difference, row.difference), (&mut product, row.product)] {
                for (words, limb) in part.0.iter_mut().zip(limbs) {
                    *words = v._mm512_mask_mov_epi64(*words, is_meant, self.splat(limb));
                }
            }
        }
        self.turned(v._mm512_cmpeq_epi64_mask(signs, self.splat(1)), Affine { sum, difference, product })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::scalars;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn multiples_of_the_base_point_are_the_librarys(scalars in proptest::array::uniform8(scalars())) {
            let Some(wide) = Wide::try_new() else { return Ok(()) };
            let table = table(wide);
            prop_assert_eq!(table.len(), DIGITS);
            let digits = scalars.map(|scalar| digits_of(&scalar));
            for (digits, scalar) in digits.iter().zip(&scalars) {
                prop_assert!(digits.iter().all(|digit| (-8..8).contains(digit)));
                let add = |sum: Scalar, digit: &i8| {
                    let size = Scalar::from(digit.unsigned_abs());
                    sum * Scalar::from(16_u8) + if *digit < 0 { -size } else { size }
                };
                prop_assert_eq!(digits.iter().rev().fold(Scalar::ZERO, add), *scalar);
            }
            let found = wide.vectorize(TimesBase { wide, table: &table, digits: &digits });
            prop_assert_eq!(found, scalars.map(|scalar| (scalar * ED25519_BASEPOINT_POINT).compress().0));
        }
    }
}
