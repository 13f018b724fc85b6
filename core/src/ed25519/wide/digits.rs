//! Factors as signed digits, and which points each digit sends to which bucket.

use super::field::LANES;
use curve25519_dalek::scalar::Scalar;

/// The group's order is below 2²⁵³.
const SCALAR_BITS: usize = 253;
const SHORT_BITS: usize = 128;

/// A factor below 2^`bits`, little-endian: one that is not would lose what it has above.
#[derive(Clone, Copy, Debug)]
pub(in crate::ed25519) struct Factor {
    bytes: [u8; 32],
    bits: usize,
}

impl Factor {
    pub(in crate::ed25519) fn of(scalar: &Scalar) -> Self {
        Self { bytes: scalar.to_bytes(), bits: SCALAR_BITS }
    }

    /// Half as much work.
    pub(in crate::ed25519) fn short(weight: u128) -> Self {
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(&weight.to_le_bytes());
        Self { bytes, bits: SHORT_BITS }
    }

    /// Digits in base 2^`width`, from the lowest up, each from −2^(width − 1) + 1 to 2^(width − 1).
    pub(super) fn digits(&self, width: usize) -> impl Iterator<Item = i16> + '_ {
        let half = 1 << (width - 1);
        let mut carried = 0;
        (0..self.windows(width)).map(move |window| {
            let digit = self.bits_from(window * width, width) + carried;
            carried = i16::from(digit > half);
            digit - (carried << width)
        })
    }

    /// One bit more than the factor has, for the last carry.
    const fn windows(&self, width: usize) -> usize {
        (self.bits + 1).div_ceil(width)
    }

    fn bits_from(&self, start: usize, width: usize) -> i16 {
        let part = |byte: usize| self.bytes.get(byte).copied().map_or(0, u32::from);
        let word = (part(start / 8) | part(start / 8 + 1) << 8) >> (start % 8);
        (word & ((1 << width) - 1)) as i16
    }
}

/// Digits of a scalar in base 16, from the lowest up, each from −8 to 7.
pub(super) const DIGITS: usize = 64;
pub(super) type Digits = [i8; DIGITS];

/// A scalar is below 2²⁵³, so nothing is carried out of the last digit. No branch and no address depends on it.
pub(super) fn digits_of(scalar: &Scalar) -> Digits {
    let mut digits = [0; DIGITS];
    for (pair, byte) in digits.as_chunks_mut().0.iter_mut().zip(scalar.as_bytes()) {
        *pair = [(byte & 15).cast_signed(), (byte >> 4).cast_signed()];
    }
    let mut carried = 0;
    for digit in &mut digits {
        *digit += carried;
        carried = (*digit + 8) >> 4;
        *digit -= carried << 4;
    }
    digits
}

/// Which points go to which bucket: a window has one for each size of a digit but zero.
#[derive(Debug)]
pub(super) struct Plan {
    /// Bits of a digit.
    pub(super) width: usize,
    /// A multiple of [`LANES`].
    pub(super) windows: usize,
    /// Those of bucket b are from place b to place b + 1.
    ends: Vec<u32>,
    /// Twice the factor's place; and one where the point's negative is meant.
    entries: Vec<u32>,
    /// All buckets, those with most entries first, so that buckets which are filled together have about as many.
    pub(super) order: Vec<u32>,
}

impl Plan {
    /// `width` is at most 9.
    pub(super) fn new(factors: &[Factor], width: usize) -> Self {
        let windows = factors.iter().map(|factor| factor.windows(width)).max().unwrap_or(0).next_multiple_of(LANES);
        let each = 1 << (width - 1);
        let digits: Vec<i16> = factors.iter().flat_map(|factor| factor.digits(width)).collect();
        let visit = |of: &mut dyn FnMut(usize, u32)| {
            let mut digits = digits.iter();
            for (place, factor) in factors.iter().enumerate() {
                for (window, digit) in digits.by_ref().take(factor.windows(width)).enumerate() {
                    if let Some(bucket) = usize::from(digit.unsigned_abs()).checked_sub(1) {
                        of(window * each + bucket, 2 * place as u32 + u32::from(*digit < 0));
                    }
                }
            }
        };
        let mut counts = vec![0_u32; each * windows];
        visit(&mut |bucket, _| counts[bucket] += 1);
        let order = most_first(&counts);
        // Where the next entry of each goes; in the end where those of the next bucket begin.
        let mut ends = Vec::with_capacity(counts.len() + 1);
        ends.push(0);
        let total = counts.iter().fold(0, |total, count| {
            ends.push(total);
            total + count
        });
        let mut entries = vec![0; total as usize];
        visit(&mut |bucket, entry| {
            let end = &mut ends[bucket + 1];
            entries[*end as usize] = entry;
            *end += 1;
        });
        Self { width, windows, ends, entries, order }
    }

    pub(super) const fn buckets_of_a_window(&self) -> usize {
        1 << (self.width - 1)
    }

    pub(super) fn entries_of(&self, bucket: u32) -> &[u32] {
        let bucket = bucket as usize;
        &self.entries[self.ends[bucket] as usize..self.ends[bucket + 1] as usize]
    }
}

/// Places by falling counts.
fn most_first(counts: &[u32]) -> Vec<u32> {
    let most = counts.iter().copied().max().unwrap_or(0);
    let mut starts = vec![0_u32; most as usize + 2];
    counts.iter().for_each(|count| starts[(most - count) as usize + 1] += 1);
    for place in 1..starts.len() {
        starts[place] += starts[place - 1];
    }
    let mut order = vec![0; counts.len()];
    for (place, count) in counts.iter().enumerate() {
        let start = &mut starts[(most - count) as usize];
        order[*start as usize] = place as u32;
        *start += 1;
    }
    order
}
