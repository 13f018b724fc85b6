//! How this node is, in a few numbers and in words.

use crate::model::Health;
use crate::server::Shared;
use minuet_core::health::{Limits, Vitals};
use minuet_core::{Digest, Height};
use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{SystemTime, UNIX_EPOCH};

/// Blocks of the recent past that others can compare with theirs.
pub const RECENT: usize = 32;
/// Samples of finality that percentiles are taken of.
const SAMPLES: usize = 512;
/// Without a new final block for so long, the node says so.
const STALE_AFTER_MS: u64 = 5_000;
/// The node says that it catches up when it is more blocks behind.
const MAX_LAG_BLOCKS: u64 = 16;

pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// What is remembered of the newest final blocks.
#[derive(Debug, Default)]
pub struct Finality {
    latencies_us: VecDeque<u64>,
    /// Heights and hashes, ascending.
    recent: VecDeque<(u64, Digest)>,
    /// When the newest came.
    newest_at_ms: u64,
}

impl Finality {
    pub fn sample(&mut self, latency_us: u64) {
        if self.latencies_us.len() == SAMPLES {
            self.latencies_us.pop_front();
        }
        self.latencies_us.push_back(latency_us);
    }

    /// Median and 99th percentile; 0 before the first sample.
    pub fn percentiles(&self) -> (u64, u64) {
        let mut sorted: Vec<u64> = self.latencies_us.iter().copied().collect();
        sorted.sort_unstable();
        let at = |percent: usize| sorted.get(sorted.len().saturating_sub(1) * percent / 100).copied().unwrap_or(0);
        (at(50), at(99))
    }

    /// Takes up what has become final since the last time.
    pub fn catch_up(&mut self, shared: &Shared) {
        let Ok((tip, _)) = shared.chain.tip() else { return };
        let newest = self.recent.back().map(|(height, _)| *height);
        if newest.is_some_and(|newest| newest >= tip.0) {
            return;
        }
        let first = newest.map_or(0, |newest| newest + 1).max((tip.0 + 1).saturating_sub(RECENT as u64));
        for height in first..=tip.0 {
            let Ok(Some(header)) = shared.chain.header(Height(height)) else { continue };
            self.recent.push_back((height, header.digest()));
            if self.recent.len() > RECENT {
                self.recent.pop_front();
            }
        }
        self.newest_at_ms = now_ms();
    }
}

/// `/api/health`.
pub fn health(shared: &Shared, finality: &Finality) -> Health {
    let (status, quorums) = (&shared.status, shared.genesis.committee().quorums());
    let (finality_p50_us, finality_p99_us) = finality.percentiles();
    let (finalized_height, finalized_hash) = finality.recent.back().copied().unwrap_or_default();
    let reasons = reasons(shared, finality, finalized_height);
    Health {
        status: if reasons.is_empty() { "ok" } else { "degraded" },
        reasons,
        version: shared.version.clone(),
        chain_id: shared.genesis.chain_id(),
        genesis: shared.genesis.digest().to_string(),
        validator: shared.validator.map(|index| index.0),
        role: shared.role,
        current_view: shared.views.newest().0,
        finalized_view: status.finalized_view.get(),
        finalized_height,
        finalized_hash,
        known_height: status.known_height.get().max(finalized_height),
        n: quorums.n(),
        f: quorums.f(),
        m: quorums.m(),
        l: quorums.l(),
        peers: status.peers.get(),
        uptime_ms: shared.uptime_ms(),
        time_ms: now_ms(),
        finality_p50_us,
        finality_p99_us,
        recent: finality.recent.iter().copied().collect(),
    }
}

fn reasons(shared: &Shared, finality: &Finality, height: u64) -> Vec<String> {
    let status = &shared.status;
    let quorums = shared.genesis.committee().quorums();
    let limits = Limits {
        max_age_ms: STALE_AFTER_MS,
        max_lag_blocks: MAX_LAG_BLOCKS,
        // With this one, as many as make a block final; who only follows needs somebody to follow.
        min_peers: if shared.validator.is_some() { quorums.l().saturating_sub(1) as u64 } else { 1 },
        // Whoever watches the disk has decided already.
        min_disk_bytes: if status.low_disk.load(Relaxed) { u64::MAX } else { 0 },
    };
    // Since when it is here: the proposer's clock may be another one.
    let vitals = Vitals { height, block_time_ms: finality.newest_at_ms, ..Vitals::of(status) };
    vitals.reasons(&limits, now_ms()).iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_newest_samples() {
        let mut finality = Finality::default();
        assert_eq!(finality.percentiles(), (0, 0));
        (0..SAMPLES).for_each(|_| finality.sample(9));
        (1..=SAMPLES as u64).for_each(|us| finality.sample(us));
        assert_eq!(finality.percentiles(), (256, 506));
    }
}
