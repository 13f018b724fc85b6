//! Chance from a seed, so that a run can be repeated; and moments drawn by it.

use std::ops::Range;
use std::time::Duration;

/// SplitMix64.
pub struct Chance(u64);

impl Chance {
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

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    pub fn index(&mut self, limit: u16) -> u16 {
        u16::try_from(self.below(limit.into())).unwrap()
    }

    /// So many different numbers below a limit, ascending.
    pub fn some(&mut self, count: u16, limit: u16) -> Vec<u16> {
        let mut left: Vec<u16> = (0..limit).collect();
        while left.len() > usize::from(count) {
            let out = self.below(left.len() as u64);
            left.remove(usize::try_from(out).unwrap());
        }
        left
    }

    /// Lets a time pass that is drawn from a range of milliseconds: nothing is waited for, the moment is the point.
    pub fn moment(&mut self, ms: Range<u64>) {
        let span = ms.end - ms.start;
        pass(Duration::from_millis(ms.start + self.below(span)));
    }
}

/// Lets time pass.
pub fn pass(time: Duration) {
    std::thread::sleep(time);
}
