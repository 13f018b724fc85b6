//! Mean, median and tail of what was measured.

use serde::Serialize;

/// What a set of observations says, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// The mean.
    pub mean_ms: f64,
    /// The median.
    pub p50_ms: f64,
    /// What 99 of 100 do not exceed.
    pub p99_ms: f64,
    /// Observations.
    pub count: usize,
}

impl Summary {
    /// Of durations in nanoseconds; all zero if there are none.
    pub fn of(durations_ns: &[u64]) -> Self {
        let mut sorted = durations_ns.to_vec();
        sorted.sort_unstable();
        if sorted.is_empty() {
            return Self::default();
        }
        let sum: u128 = sorted.iter().map(|duration| u128::from(*duration)).sum();
        let mean_ms = sum as f64 / sorted.len() as f64 / 1e6;
        Self { mean_ms, p50_ms: quantile(&sorted, 0.5), p99_ms: quantile(&sorted, 0.99), count: sorted.len() }
    }
}

/// Between the two nearest observations, of which there is at least one.
fn quantile(sorted: &[u64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let below = place as usize;
    let above = (below + 1).min(sorted.len() - 1);
    let (low, high) = (sorted[below] as f64, sorted[above] as f64);
    (low + (high - low) * place.fract()) / 1e6
}

/// Mean and standard deviation of a few figures.
pub fn spread(figures: &[f64]) -> (f64, f64) {
    let count = figures.len().max(1) as f64;
    let mean = figures.iter().sum::<f64>() / count;
    let variance = figures.iter().map(|figure| (figure - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    (mean, variance.sqrt())
}
