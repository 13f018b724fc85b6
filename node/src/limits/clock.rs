//! Processor time, and how much of it a piece of work takes.
//!
//! Invariant: what other programs do meanwhile makes a measurement wait; it is not counted. They still take caches and the
//! other half of a core away, so a bound is best measured alone.

use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};

/// Shorter rounds would measure the clock.
const SHORTEST_ROUND: Duration = Duration::from_millis(2);
const MOST_CALLS: u32 = 1 << 20;
/// The percentile that counts: a bound is what a machine does when nothing gets in the way.
const UNDISTURBED: usize = 10;

/// What the calling thread has used so far.
#[must_use]
pub fn thread_cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// Runs a piece of work on this thread; microseconds of processor time that it took.
pub fn cpu_us_of<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let before = thread_cpu();
    let outcome = work();
    (outcome, micros(thread_cpu().saturating_sub(before)))
}

/// Microseconds of processor time of one call, measured in rounds of many calls for about `span`: of a hundred rounds,
/// the tenth counted from the least disturbed.
pub fn cost_us(span: Duration, mut work: impl FnMut()) -> f64 {
    work();
    let until = Instant::now() + span;
    let (mut calls, mut rounds) = (1_u32, Vec::new());
    loop {
        let before = thread_cpu();
        (0..calls).for_each(|_| work());
        let took = thread_cpu().saturating_sub(before);
        let is_over = Instant::now() >= until;
        if took >= SHORTEST_ROUND || calls >= MOST_CALLS || is_over {
            rounds.push(micros(took) / f64::from(calls));
        } else {
            calls *= 2;
        }
        if is_over {
            return percentile(&mut rounds, UNDISTURBED);
        }
    }
}

/// As a number.
#[must_use]
pub fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// The `percent`-th percentile (nearest rank); 0 without samples. Sorts in place.
pub fn percentile(samples: &mut [f64], percent: usize) -> f64 {
    samples.sort_unstable_by(f64::total_cmp);
    let rank = (samples.len() * percent).div_ceil(100).max(1) - 1;
    samples.get(rank).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work_for(wanted: Duration) {
        let begun = thread_cpu();
        while thread_cpu() - begun < wanted {}
    }

    #[test]
    fn work_counts_and_waiting_does_not() {
        let ((), worked_us) = cpu_us_of(|| work_for(Duration::from_millis(5)));
        assert!(worked_us >= 5_000.0, "{worked_us}");
        let ((), waited_us) = cpu_us_of(|| std::thread::park_timeout(Duration::from_millis(20)));
        assert!(waited_us < 10_000.0, "{waited_us}");
    }

    #[test]
    fn a_call_costs_what_it_takes_whether_it_is_short_or_longer_than_the_whole_measurement() {
        for (call_us, span_ms) in [(50, 40), (8_000, 1)] {
            let cost = cost_us(Duration::from_millis(span_ms), || work_for(Duration::from_micros(call_us)));
            assert!(cost >= call_us as f64 && cost < 2.0 * call_us as f64, "{cost} µs for {call_us} µs");
        }
    }

    #[test]
    fn percentiles_are_nearest_rank() {
        let mut samples: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!(percentile(&mut samples, 50), 100.0);
        assert_eq!(percentile(&mut samples, 99), 198.0);
        assert_eq!(percentile(&mut [], 50), 0.0);
    }
}
