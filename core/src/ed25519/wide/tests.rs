//! Against the curve library; where the processor lacks the instructions there is nothing to compare.

use super::field::{D, Field, LANES, Limbs, P, Wide, ZERO, canonical, negative};
use super::sum::is_small_by;
use super::{Factor, Row, decode, is_small, sha512_each};
use crate::ed25519::tests::torsion;
use alloy_primitives::U256;
use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{IsIdentity, VartimeMultiscalarMul};
use proptest::prelude::*;
use sha2::{Digest, Sha512};

/// Encodings of all kinds: any bytes, points, points near 0 and p, and those whose order divides eight.
fn encoding() -> impl Strategy<Value = [u8; 32]> {
    let near = |offset: u8, sign: bool, from_p: bool| {
        let mut bytes = if from_p { [0xff; 32] } else { [0; 32] };
        bytes[0] = if from_p { 0xff - offset } else { offset };
        bytes[31] = if from_p { 0x7f } else { 0 } | u8::from(sign) << 7;
        bytes
    };
    prop_oneof![
        any::<[u8; 32]>(),
        any::<[u8; 32]>().prop_map(|bytes| point(&bytes).compress().0),
        (any::<u8>(), any::<bool>(), any::<bool>()).prop_map(move |(offset, sign, from_p)| near(offset, sign, from_p)),
        proptest::sample::select(torsion()),
    ]
}

pub(super) fn point(bytes: &[u8; 32]) -> EdwardsPoint {
    Scalar::from_bytes_mod_order(*bytes) * ED25519_BASEPOINT_POINT
}

/// Digits at their bounds in every place: 0x77… carries nothing, 0x88… everywhere.
pub(super) fn scalars() -> impl Strategy<Value = Scalar> {
    let patterns = vec![[0; 32], [0x77; 32], [0x88; 32], [0x80; 32], [0x08; 32], [0xff; 32]];
    prop_oneof![
        any::<[u8; 32]>().prop_map(Scalar::from_bytes_mod_order),
        proptest::sample::select(patterns).prop_map(|mut bytes| {
            // Below the order, so that the digits are the pattern's.
            bytes[31] &= 0x0f;
            Scalar::from_bytes_mod_order(bytes)
        }),
        Just(-Scalar::ONE),
        Just(Scalar::ONE),
    ]
}

/// No limb of a field reaches it.
const BOUND: u64 = (1 << 51) + (1 << 15);

/// Limbs at the bounds of what a field's may be, and any.
fn limbs() -> impl Strategy<Value = Limbs> {
    const TOP: u64 = BOUND - 1;
    let limb = prop_oneof![Just(0), Just(TOP), Just((1 << 51) - 1), 0..=TOP];
    prop_oneof![8 => proptest::array::uniform5(limb), 1 => Just(P), 1 => Just([TOP; 5])]
}

/// The same by arithmetic on whole numbers.
fn whole(limbs: &Limbs) -> U256 {
    let sum = |sum: U256, limb: &u64| (sum << 51) + U256::from(*limb);
    limbs.iter().rev().fold(U256::ZERO, sum).reduce_mod(p())
}

fn p() -> U256 {
    (U256::from(1) << 255) - U256::from(19)
}

/// What an operation left, in every lane.
fn check(wide: Wide, name: &str, found: Field, expected: impl Fn(usize) -> U256) {
    for (lane, limbs) in wide.each(found).into_iter().enumerate() {
        assert!(limbs.iter().all(|limb| *limb < BOUND), "{name} leaves {limbs:?}");
        assert_eq!(whole(&limbs), expected(lane), "{name} in lane {lane}");
        let one_form = canonical(limbs);
        assert!(one_form.iter().rev().lt(P.iter().rev()), "{one_form:?} is not below p");
        assert_eq!(
            (whole(&one_form), whole(&negative(one_form))),
            (expected(lane), (p() - expected(lane)).reduce_mod(p()))
        );
    }
}

/// The row is of the point that has this one encoding: its y, x of this sign, and both on the curve.
fn is_affine(row: &Row, encoding: &[u8; 32]) {
    let half = |twice: U256| twice.mul_mod((p() + U256::from(1)) >> 1, p());
    let [sum, difference, product] = [row.sum, row.difference, row.product].map(|limbs| whole(&limbs));
    let (x, y) = (half(sum.add_mod(p() - difference, p())), half(sum.add_mod(difference, p())));
    let sign = U256::from(encoding[31] >> 7);
    assert_eq!((y | sign << 255, x & U256::from(1)), (U256::from_le_bytes(*encoding), sign));
    let (xx, yy) = (x.mul_mod(x, p()), y.mul_mod(y, p()));
    let d = whole(&D);
    let right = U256::from(1).add_mod(d.mul_mod(xx.mul_mod(yy, p()), p()), p());
    assert_eq!(yy.add_mod(p() - xx, p()), right, "on the curve");
    assert_eq!(product, d.mul_mod(x.mul_mod(y, p()), p()).mul_mod(U256::from(2), p()));
}

fn lanes() -> impl Strategy<Value = [Limbs; LANES]> {
    proptest::array::uniform8(limbs())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn field_operations_are_those_of_whole_numbers(left in lanes(), right in lanes()) {
        let Some(wide) = Wide::try_new() else { return Ok(()) };
        let (a, b) = (wide.of(&left), wide.of(&right));
        let (left, right) = (|lane: usize| whole(&left[lane]), |lane: usize| whole(&right[lane]));
        check(wide, "a sum", wide.add(a, b), |lane| left(lane).add_mod(right(lane), p()));
        check(wide, "a difference", wide.subtract(a, b), |lane| left(lane).add_mod(p() - right(lane), p()));
        check(wide, "a product", wide.multiply(a, b), |lane| left(lane).mul_mod(right(lane), p()));
        check(wide, "a square", wide.square(a), |lane| left(lane).mul_mod(left(lane), p()));
        let [power] = wide.root_power([a]);
        let exponent = (p() - U256::from(5)) / U256::from(8);
        check(wide, "a power", power, |lane| left(lane).pow_mod(exponent, p()));
    }

    #[test]
    fn messages_have_the_hashes_that_they_have_alone(
        messages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..400), 0..30),
    ) {
        let Some(wide) = Wide::try_new() else { return Ok(()) };
        let found = sha512_each(wide, &messages, |message, out| out.extend_from_slice(message));
        let alone: Vec<[u8; 64]> = messages.iter().map(|message| Sha512::digest(message).into()).collect();
        prop_assert_eq!(found, alone);
    }

    #[test]
    fn encodings_are_read_as_by_the_library(encodings in proptest::collection::vec(encoding(), 0..40)) {
        let Some(wide) = Wide::try_new() else { return Ok(()) };
        let read = decode(wide, &encodings);
        prop_assert_eq!(read.len(), encodings.len());
        for (encoding, read) in encodings.iter().zip(read) {
            let expected = CompressedEdwardsY(*encoding).decompress();
            prop_assert_eq!(read.is_some(), expected.is_some(), "{}", hex::encode(encoding));
            if let (Some(read), Some(expected)) = (read, expected) {
                is_affine(&read, &expected.compress().0);
            }
        }
    }

    #[test]
    fn sums_are_small_where_the_librarys_are(
        terms in proptest::collection::vec((encoding(), any::<[u8; 32]>(), any::<bool>()), 1..150),
        is_closed: bool,
        width in 2_usize..=8,
    ) {
        let Some(wide) = Wide::try_new() else { return Ok(()) };
        let (mut points, mut scalars, mut factors) = (Vec::new(), Vec::new(), Vec::new());
        for (encoding, bytes, is_short) in terms {
            let Some(point) = CompressedEdwardsY(encoding).decompress() else { continue };
            let weight = u128::from_le_bytes(*bytes.first_chunk().unwrap());
            let scalar = if is_short { Scalar::from(weight) } else { Scalar::from_bytes_mod_order(bytes) };
            points.push(point);
            scalars.push(scalar);
            factors.push(if is_short { Factor::short(weight) } else { Factor::of(&scalar) });
        }
        let sum = EdwardsPoint::vartime_multiscalar_mul(&scalars, &points);
        if is_closed {
            points.push(-sum);
            factors.push(Factor::of(&Scalar::ONE));
        }
        let expected = is_closed || sum.mul_by_cofactor().is_identity();
        prop_assert_eq!(is_small(wide, &rows(wide, &points), &factors), expected);
        prop_assert_eq!(is_small_by(wide, width, &rows(wide, &points), &factors), expected, "digits of {} bits", width);
    }
}

fn rows(wide: Wide, points: &[EdwardsPoint]) -> Vec<Row> {
    let encodings: Vec<_> = points.iter().map(|point| point.compress().0).collect();
    decode(wide, &encodings).into_iter().map(|row| row.expect("a point")).collect()
}

/// Points whose order divides eight are small whatever their factors, and nothing else is because of them.
#[test]
fn sums_of_small_points_are_small() {
    let Some(wide) = Wide::try_new() else { return };
    let points: Vec<_> = torsion().iter().map(|bytes| CompressedEdwardsY(*bytes).decompress().unwrap()).collect();
    let (one, several) = (Factor::of(&Scalar::ONE), Factor::short(u128::MAX));
    for width in 2..=8 {
        for point in &points {
            for factor in [one, several] {
                assert!(is_small_by(wide, width, &rows(wide, &[*point]), &[factor]));
                let more = rows(wide, &[*point, ED25519_BASEPOINT_POINT]);
                assert!(!is_small_by(wide, width, &more, &[factor, one]));
            }
        }
        assert!(is_small_by(wide, width, &rows(wide, &points), &vec![several; points.len()]));
    }
    assert!(is_small(wide, &[], &[]), "nothing sums up to the identity");
}

/// As many terms as a full batch of as many senders has, which takes the widest digits.
#[test]
fn a_full_batch_is_small_only_if_all_of_it_fits() {
    let Some(wide) = Wide::try_new() else { return };
    let scalars: Vec<Scalar> = (1..=1_024_u64).map(|seed| Scalar::from(seed).invert()).collect();
    let mut points: Vec<EdwardsPoint> =
        (2..=1_025_u64).map(|seed| Scalar::from(seed) * ED25519_BASEPOINT_POINT).collect();
    points.push(-EdwardsPoint::vartime_multiscalar_mul(&scalars, &points));
    let factors = |last: Scalar| scalars.iter().chain([&last]).map(Factor::of).collect::<Vec<_>>();
    let rows = rows(wide, &points);
    assert!(is_small(wide, &rows, &factors(Scalar::ONE)));
    assert!(!is_small(wide, &rows, &factors(Scalar::from(2_u8))));
}

#[test]
fn digits_of_every_width_make_up_the_factor() {
    let largest = -Scalar::ONE;
    let patterns = [[0x55; 32], [0xaa; 32], [0x80; 32]].map(Scalar::from_bytes_mod_order);
    let scalars = [Scalar::ZERO, Scalar::ONE, largest].into_iter().chain(patterns);
    let long = scalars.map(|scalar| (Factor::of(&scalar), scalar));
    let weights = [0, 1, u128::MAX, u128::MAX / 3, 1 << 127];
    let short = weights.map(|weight| (Factor::short(weight), Scalar::from(weight)));
    for (factor, expected) in long.chain(short) {
        for width in 2..=9 {
            let scalar = |digit: i16| {
                let size = Scalar::from(digit.unsigned_abs());
                if digit < 0 { -size } else { size }
            };
            let base = Scalar::from(1_u64 << width);
            let digits: Vec<i16> = factor.digits(width).collect();
            let half = 1 << (width - 1);
            assert!(digits.iter().all(|digit| (1 - half..=half).contains(digit)), "{digits:?} of {width} bits");
            let sum = digits.iter().rev().fold(Scalar::ZERO, |sum, digit| sum * base + scalar(*digit));
            assert_eq!(sum, expected, "{width} bits");
        }
    }
}

/// Every length around the ends of blocks and of their padding.
#[test]
fn the_ends_of_blocks_are_padded_as_alone() {
    let Some(wide) = Wide::try_new() else { return };
    let messages: Vec<Vec<u8>> = (0..=300).map(|length| (0..length).map(|byte| (byte % 251) as u8).collect()).collect();
    let found = sha512_each(wide, &messages, |message, out| out.extend_from_slice(message));
    for (message, found) in messages.iter().zip(found) {
        assert_eq!(found[..], Sha512::digest(message)[..], "{} bytes", message.len());
    }
}

#[test]
fn lanes_do_not_meet() {
    let Some(wide) = Wide::try_new() else { return };
    for lane in 0..LANES {
        let mut left = [ZERO; LANES];
        left[lane] = [3, 0, 0, 0, 0];
        let mut expected = [ZERO; LANES];
        expected[lane] = [9, 0, 0, 0, 0];
        assert_eq!(wide.each(wide.square(wide.of(&left))), expected);
    }
}
