//! All chance of a run comes from its seed: SplitMix64, in streams that do not disturb each other.

use std::ops::Range;

/// A stream of chance.
#[derive(Clone, Debug)]
pub struct Chance(u64);

/// Spreads every bit of a number over all others (the finalizer of SplitMix64).
#[must_use]
pub const fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Chance {
    /// The stream of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A stream of its own: what is drawn from one never changes what the other gives.
    #[must_use]
    pub const fn stream(seed: u64, name: u64) -> Self {
        Self(mix(seed ^ mix(name)))
    }

    /// Any number.
    pub const fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// Below a bound; 0 below 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.any() % bound }
    }

    /// Within a range.
    pub const fn within(&mut self, range: Range<u64>) -> u64 {
        range.start + self.below(range.end.saturating_sub(range.start))
    }

    /// A place in a list of this length.
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).expect("below a length")
    }

    /// True so many times in a thousand.
    pub const fn per_mille(&mut self, times: u64) -> bool {
        self.below(1000) < times
    }

    /// True every other time.
    pub const fn coin(&mut self) -> bool {
        self.any() & 1 == 1
    }

    /// So many different numbers below a bound, ascending.
    pub fn some(&mut self, count: usize, bound: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..bound).collect();
        while all.len() > count {
            let place = self.index(all.len());
            all.remove(place);
        }
        all
    }

    /// Around a typical value, now and then much more: doubled with each second coin, at most `most`.
    pub fn heavy(&mut self, typical: u64, most: u64) -> u64 {
        let mut value = typical / 2 + self.below(typical.max(1));
        while value < most && self.below(4) == 0 {
            value = value.saturating_mul(2);
        }
        value.min(most)
    }
}
