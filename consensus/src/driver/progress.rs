//! How catching up goes, for the log.

use minuet_core::Height;

/// Between two lines while blocks come.
const EVERY_US: u64 = 1_000_000;
/// And while none come.
const EVERY_IDLE_US: u64 = 10_000_000;

/// A node that catches up, from the moment when it knew how far it is behind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    since_us: u64,
    from: Height,
    look_us: u64,
    said_us: u64,
    said: Height,
    said_target: Height,
}

impl Progress {
    pub fn begin(now_us: u64, height: Height, target: Height) -> Self {
        let behind = target.0.saturating_sub(height.0);
        tracing::info!("catching up: {behind} blocks behind, at height {height}, target height {target}");
        let look_us = now_us.saturating_add(EVERY_US);
        Self { since_us: now_us, from: height, look_us, said_us: now_us, said: height, said_target: target }
    }

    pub const fn next_us(&self) -> u64 {
        self.look_us
    }

    /// Says how far it is, now and then.
    pub fn say(&mut self, now_us: u64, height: Height, target: Height) {
        if now_us < self.look_us {
            return;
        }
        self.look_us = now_us.saturating_add(EVERY_US);
        let passed_us = now_us.saturating_sub(self.said_us).max(1);
        if height == self.said && passed_us < EVERY_IDLE_US {
            return;
        }
        let (came, grew) = (height.0.saturating_sub(self.said.0), target.0.saturating_sub(self.said_target.0));
        let per_second = |blocks: u64| blocks.saturating_mul(1_000_000) / passed_us;
        let left = target.0.saturating_sub(height.0);
        let gain = per_second(came).saturating_sub(per_second(grew));
        let time_left = left.checked_div(gain).map_or("unknown".to_owned(), |seconds| format!("{} s", seconds + 1));
        tracing::info!(
            "catching up: height {height} of {target}, {left} to go, {} blocks/s, time left {time_left}",
            per_second(came)
        );
        (self.said_us, self.said, self.said_target) = (now_us, height, target);
    }

    pub fn end(self, now_us: u64, height: Height) {
        let blocks = height.0.saturating_sub(self.from.0);
        let tenths = now_us.saturating_sub(self.since_us) / 100_000;
        tracing::info!(
            "level with the peers after {blocks} blocks in {}.{} s, at height {height}",
            tenths / 10,
            tenths % 10
        );
    }
}
