//! The base fee: EIP-1559's form, scaled by time because blocks come many a second.
//!
//! A child's base fee follows from its parent's header and the milliseconds between the two: the parent's gas is held
//! against the gas target of that time, and the change is at most ln(1.125) of the fee per second, so that compounding
//! over one second of full blocks raises it by at most 12.5 %.

use crate::{TimeMs, U256};
use alloy_rlp::{RlpDecodable, RlpEncodable};
use serde::{Deserialize, Serialize};

/// ln(1.125) in millionths: the largest relative change of the base fee in a second.
pub const MAX_CHANGE_PER_SECOND_MILLIONTHS: u64 = 117_783;

/// The chain's fee rules, fixed in the genesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, RlpEncodable, RlpDecodable)]
#[serde(deny_unknown_fields)]
pub struct FeeRules {
    /// Gas per second at which the base fee stays as it is.
    pub gas_target_per_second: u64,
    /// Gas of one block at most; the header's `gasLimit`.
    pub block_gas_limit: u64,
    /// Wei per gas below which the base fee never falls.
    pub min_base_fee: u64,
    /// Wei per gas of the first block.
    pub initial_base_fee: u64,
}

impl Default for FeeRules {
    fn default() -> Self {
        Self {
            gas_target_per_second: 420_000_000,
            block_gas_limit: 210_000_000,
            min_base_fee: 1_000_000,
            initial_base_fee: 1_000_000,
        }
    }
}

impl FeeRules {
    /// The base fee of a child proposed at `time`, in wei per gas.
    ///
    /// Between blocks of the same millisecond it does not move; beyond a second it moves as after one second.
    #[must_use]
    pub fn next_base_fee(&self, parent_base_fee: u64, parent_gas_used: u64, parent_time: TimeMs, time: TimeMs) -> u64 {
        let elapsed_ms = time.since(parent_time).min(1000);
        if elapsed_ms == 0 || self.gas_target_per_second == 0 {
            return parent_base_fee.max(self.min_base_fee);
        }
        let target = (u128::from(self.gas_target_per_second) * u128::from(elapsed_ms) / 1000).max(1);
        let used = u128::from(parent_gas_used).min(target.saturating_mul(2));
        let (gap, rises) = if used >= target { (used - target, true) } else { (target - used, false) };
        // fee · rate · milliseconds · gap / (target · 10^6 · 10^3); 256 bits, since 64 + 17 + 10 + 65 bits overflow 128.
        let numerator = U256::from(parent_base_fee)
            * U256::from(MAX_CHANGE_PER_SECOND_MILLIONTHS)
            * U256::from(elapsed_ms)
            * U256::from(gap);
        let change = u64::try_from(numerator / (U256::from(target) * U256::from(1_000_000_000u64)))
            .expect("gap <= target, so the change is below an eighth of the fee");
        let fee = if rises {
            parent_base_fee.saturating_add(change.max(u64::from(gap > 0)))
        } else {
            parent_base_fee - change
        };
        fee.max(self.min_base_fee)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: FeeRules = FeeRules {
        gas_target_per_second: 100_000_000,
        block_gas_limit: 50_000_000,
        min_base_fee: 1_000,
        initial_base_fee: 1_000_000_000,
    };

    #[test]
    fn golden_values() {
        let next = |gas, ms: u64| RULES.next_base_fee(1_000_000_000, gas, TimeMs(5_000), TimeMs(5_000 + ms));
        assert_eq!(next(100_000_000, 1000), 1_000_000_000);
        assert_eq!(next(200_000_000, 1000), 1_117_783_000);
        assert_eq!(next(0, 1000), 882_217_000);
        assert_eq!(next(0, 100), 988_221_700);
        assert_eq!(next(20_000_000, 100), 1_011_778_300);
        assert_eq!(next(50_000_000, 0), 1_000_000_000);
        assert_eq!(next(0, 60_000), 882_217_000);
    }

    #[test]
    fn a_second_of_full_blocks_raises_the_fee_by_at_most_an_eighth() {
        for block_ms in [1u64, 3, 10, 50, 125, 250, 500, 1000] {
            let mut fee = 1_000_000_000;
            for _ in 0..(1000 / block_ms) {
                fee = RULES.next_base_fee(fee, u64::MAX, TimeMs(0), TimeMs(block_ms));
            }
            assert!(fee <= 1_125_000_000, "{block_ms} ms: {fee}");
        }
    }

    #[test]
    fn the_fee_never_falls_below_the_floor_nor_overflows() {
        assert_eq!(RULES.next_base_fee(1_000, 0, TimeMs(0), TimeMs(1000)), 1_000);
        assert_eq!(RULES.next_base_fee(u64::MAX, u64::MAX, TimeMs(0), TimeMs(1000)), u64::MAX);
    }
}
