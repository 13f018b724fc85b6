//! Sums of multiples of two points that come again and again, of which tables are kept: eight such sums side by side.

use super::decode::decode;
use super::digits::{DIGITS, Digits, digits_of};
use super::field::{LANES, Wide};
use super::point::{Row, Words};
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use pulp::NullaryFnOnce;

/// Parts of a scalar, which are doubled together.
const PARTS: usize = 4;
/// Digits of a part.
const STEPS: usize = DIGITS / PARTS;
/// What a digit of base 16 may be without its sign.
const SIZES: usize = 9;

/// A point's multiples, 4.5 KiB: for part p of a scalar zero to eight times 2⁶⁴ᵖ of it.
#[derive(Debug)]
pub(in crate::ed25519) struct Table(Box<[[Words; SIZES]; PARTS]>);

impl Table {
    pub(in crate::ed25519) fn new(wide: Wide, point: &EdwardsPoint) -> Self {
        let mut encodings = Vec::with_capacity(PARTS * (SIZES - 1));
        let mut unit = *point;
        for _ in 0..PARTS {
            let mut multiple = unit;
            for _ in 1..SIZES {
                encodings.push(multiple.compress().0);
                multiple += unit;
            }
            for _ in 0..4 * STEPS {
                unit += unit;
            }
        }
        let rows = decode(wide, &encodings);
        let mut parts = Box::new([[Row::IDENTITY.words(); SIZES]; PARTS]);
        for (part, rows) in parts.iter_mut().zip(rows.as_chunks::<{ SIZES - 1 }>().0) {
            for (words, row) in part[1..].iter_mut().zip(rows) {
                *words = row.expect("multiples of a point are points").words();
            }
        }
        Self(parts)
    }
}

/// One sum: the first scalar times the shared point, and the second times this table's.
pub(in crate::ed25519) type Terms<'a> = (Scalar, &'a Table, Scalar);

/// Encodings of all sums, in their order. Variable time.
pub(in crate::ed25519) fn sum_each(wide: Wide, shared: &Table, all: &[Terms<'_>]) -> Vec<[u8; 32]> {
    let mut sums = Vec::with_capacity(all.len());
    for some in all.chunks(LANES) {
        let mut tables = [[shared; LANES]; 2];
        let mut digits = [[[0; DIGITS]; LANES]; 2];
        for (lane, (first, table, second)) in some.iter().enumerate() {
            tables[1][lane] = *table;
            digits[0][lane] = digits_of(first);
            digits[1][lane] = digits_of(second);
        }
        sums.extend_from_slice(&wide.vectorize(SumTwo { wide, tables: &tables, digits: &digits })[..some.len()]);
    }
    sums
}

struct SumTwo<'a> {
    wide: Wide,
    tables: &'a [[&'a Table; LANES]; 2],
    digits: &'a [[Digits; LANES]; 2],
}

impl NullaryFnOnce for SumTwo<'_> {
    type Output = [[u8; 32]; LANES];

    #[inline(always)]
    fn call(self) -> [[u8; 32]; LANES] {
        let Self { wide, tables, digits } = self;
        let mut sum = wide.identity();
        for step in (0..STEPS).rev() {
            if step + 1 < STEPS {
                for _ in 0..4 {
                    sum = wide.double(sum);
                }
            }
            for (tables, digits) in tables.iter().zip(digits) {
                for part in 0..PARTS {
                    let place = part * STEPS + step;
                    let row = |lane: usize| &tables[lane].0[part][usize::from(digits[lane][place].unsigned_abs())];
                    let point = wide.gather(std::array::from_fn(row));
                    let mut negatives = 0;
                    for (lane, digits) in digits.iter().enumerate() {
                        negatives |= u8::from(digits[place] < 0) << lane;
                    }
                    sum = wide.add_affine(sum, &wide.turned(negatives, point));
                }
            }
        }
        wide.encode(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{point, scalars};
    use super::*;
    use crate::ed25519::tests::torsion;
    use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
    use curve25519_dalek::edwards::CompressedEdwardsY;
    use proptest::prelude::*;

    /// Of the group and beside it.
    fn points() -> impl Strategy<Value = EdwardsPoint> {
        let small = proptest::sample::select(torsion());
        let small = small.prop_map(|encoding| CompressedEdwardsY(encoding).decompress().unwrap());
        (any::<[u8; 32]>(), small)
            .prop_flat_map(|(bytes, small)| proptest::sample::select(vec![point(&bytes), point(&bytes) + small, small]))
    }

    proptest! {
        #[test]
        fn sums_are_the_librarys(terms in proptest::collection::vec((scalars(), points(), scalars()), 0..20)) {
            let Some(wide) = Wide::try_new() else { return Ok(()) };
            let shared = Table::new(wide, &ED25519_BASEPOINT_POINT);
            let tables: Vec<Table> = terms.iter().map(|(_, point, _)| Table::new(wide, point)).collect();
            let all: Vec<Terms<'_>> =
                terms.iter().zip(&tables).map(|((first, _, second), table)| (*first, table, *second)).collect();
            let sum = |(first, point, second): &(Scalar, EdwardsPoint, Scalar)| {
                (first * ED25519_BASEPOINT_POINT + second * point).compress().0
            };
            prop_assert_eq!(sum_each(wide, &shared, &all), terms.iter().map(sum).collect::<Vec<_>>());
        }
    }
}
