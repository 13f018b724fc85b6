//! How long recent blocks took from proposal to being stored here.

use std::collections::VecDeque;

/// Blocks that the percentiles are of.
const WINDOW: usize = 1024;

/// The newest durations, in microseconds.
#[derive(Debug, Default)]
pub struct FinalityWindow(VecDeque<u64>);

/// What the window says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FinalitySummary {
    pub p50_us: u64,
    pub p99_us: u64,
    pub samples: usize,
}

impl FinalityWindow {
    pub fn record(&mut self, duration_us: u64) {
        if self.0.len() == WINDOW {
            self.0.pop_front();
        }
        self.0.push_back(duration_us);
    }

    /// Percentiles by nearest rank; zeros without samples.
    pub fn summary(&self) -> FinalitySummary {
        let mut sorted: Vec<u64> = self.0.iter().copied().collect();
        sorted.sort_unstable();
        let samples = sorted.len();
        let rank = |percent: usize| sorted.get((samples * percent).div_ceil(100).saturating_sub(1)).copied();
        FinalitySummary { p50_us: rank(50).unwrap_or(0), p99_us: rank(99).unwrap_or(0), samples }
    }
}
