//! Chance from a seed, so that a run can be repeated; and moments drawn by it.
//!
//! The tests of processes use this file too.

use std::ops::Range;
use std::time::Duration;

/// SplitMix64.
#[derive(Debug)]
pub struct Chance(u64);

#[allow(dead_code, reason = "each of its users needs a part")]
impl Chance {
    /// From a seed; the same gives the same.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below a limit; 0 if there is none.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    /// A validator among so many.
    pub fn index(&mut self, limit: u16) -> u16 {
        u16::try_from(self.below(limit.into())).expect("below a number of 16 bits")
    }

    /// A number of a range.
    pub fn within(&mut self, range: Range<u64>) -> u64 {
        range.start + self.below(range.end - range.start)
    }

    /// So many different numbers below a limit, ascending.
    pub fn some(&mut self, count: u16, limit: u16) -> Vec<u16> {
        let mut left: Vec<u16> = (0..limit).collect();
        while left.len() > usize::from(count) {
            let out = self.below(left.len() as u64);
            left.remove(usize::try_from(out).expect("below a length"));
        }
        left
    }

    /// Lets a time pass that is drawn from a range of milliseconds: nothing is waited for, the moment is the point.
    pub fn moment(&mut self, ms: Range<u64>) {
        pass(Duration::from_millis(self.within(ms)));
    }
}

/// Lets time pass.
pub fn pass(time: Duration) {
    std::thread::sleep(time);
}
