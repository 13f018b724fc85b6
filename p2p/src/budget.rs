//! How much one peer may send on a lane: a token bucket that delays and never drops.

use std::time::{Duration, Instant};

/// Holds one second's bytes at most; may be overdrawn by one frame, which the next one waits for.
#[derive(Debug)]
pub(crate) struct Budget {
    bytes_per_second: u64,
    /// Positive: may be spent. Negative: owed.
    balance: i64,
    counted_at: Instant,
}

impl Budget {
    pub(crate) fn new(bytes_per_second: u64, now: Instant) -> Self {
        let bytes_per_second = bytes_per_second.clamp(1, i64::MAX as u64 / 2);
        Self { bytes_per_second, balance: bytes_per_second.cast_signed(), counted_at: now }
    }

    /// Spends `bytes`; the time to wait before reading on, zero within the budget.
    pub(crate) fn spend(&mut self, bytes: usize, now: Instant) -> Duration {
        let elapsed = now.saturating_duration_since(self.counted_at).as_nanos();
        let earned = elapsed.saturating_mul(u128::from(self.bytes_per_second)) / 1_000_000_000;
        let earned = i64::try_from(earned).unwrap_or(i64::MAX);
        if earned > 0 {
            self.counted_at = now;
            self.balance = self.balance.saturating_add(earned).min(self.bytes_per_second.cast_signed());
        }
        self.balance = self.balance.saturating_sub(i64::try_from(bytes).unwrap_or(i64::MAX));
        let owed = self.balance.min(0).unsigned_abs();
        Duration::from_nanos(
            u64::try_from(u128::from(owed) * 1_000_000_000 / u128::from(self.bytes_per_second)).unwrap_or(u64::MAX),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_of_bytes_is_free_and_the_rest_waits_its_turn() {
        let start = Instant::now();
        let mut budget = Budget::new(1000, start);
        assert_eq!(budget.spend(1000, start), Duration::ZERO);
        assert_eq!(budget.spend(500, start), Duration::from_millis(500));
        let later = start + Duration::from_millis(500);
        assert_eq!(budget.spend(100, later), Duration::from_millis(100));
        let much_later = start + Duration::from_secs(3600);
        assert_eq!(budget.spend(1000, much_later), Duration::ZERO);
        assert_eq!(budget.spend(1, much_later), Duration::from_millis(1));
    }

    #[test]
    fn extreme_numbers_do_not_overflow() {
        let start = Instant::now();
        let mut budget = Budget::new(u64::MAX, start);
        for _ in 0..4 {
            let _ = budget.spend(usize::MAX, start + Duration::from_secs(u64::from(u32::MAX)));
        }
    }
}
