//! Deadlines in monotonic microseconds.

use super::Driver;
use crate::input::{Input, Timer};
use minuet_core::View;
use std::collections::BTreeMap;

/// The rules' timers.
pub(super) struct Timers {
    deadlines: BTreeMap<Timer, u64>,
    /// Spreads the validators' repetitions; reproducible from the seed.
    jitter: u64,
}

impl Timers {
    pub fn new(seed: u64) -> Self {
        Self { deadlines: BTreeMap::new(), jitter: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 }
    }

    /// `Nullify` keeps the earlier deadline (R4); `Stuck` starts anew, up to a quarter later (R10).
    pub fn set(&mut self, timer: Timer, now_us: u64, after_us: u64) {
        let deadline = now_us.saturating_add(after_us);
        match timer {
            Timer::Nullify(_) => {
                let held = self.deadlines.entry(timer).or_insert(deadline);
                *held = (*held).min(deadline);
            }
            Timer::Stuck(_) => {
                self.jitter =
                    self.jitter.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let spread_us = (self.jitter >> 33) % (after_us / 4).max(1);
                self.deadlines.insert(timer, deadline.saturating_add(spread_us));
            }
        }
    }

    /// Timers of views below this one mean nothing any more.
    pub fn forget_below(&mut self, view: View) {
        self.deadlines.retain(|timer, _| match timer {
            Timer::Nullify(of) | Timer::Stuck(of) => *of >= view,
        });
    }

    fn take_due(&mut self, now_us: u64) -> Vec<Timer> {
        let due: Vec<Timer> = self.deadlines.iter().filter(|(_, at)| **at <= now_us).map(|(timer, _)| *timer).collect();
        for timer in &due {
            self.deadlines.remove(timer);
        }
        due
    }

    fn next_us(&self) -> Option<u64> {
        self.deadlines.values().min().copied()
    }
}

impl Driver {
    pub(super) fn fire_timers(&mut self) {
        for timer in self.timers.take_due(self.now.mono_us) {
            self.feed(Input::Timeout(timer));
        }
        self.release_early_proposals();
    }

    pub(super) fn next_deadline_us(&self) -> Option<u64> {
        let early = self.early.values().map(|(time, _)| {
            let wait_us = time.since(self.now.wall).saturating_mul(1000);
            self.now.mono_us.saturating_add(wait_us.max(100))
        });
        let building = self.building.as_ref().map(super::Building::deadline_us);
        let all = early
            .chain(building)
            .chain(self.timers.next_us())
            .chain(self.fetching.next_us())
            .chain(self.catchup.next_us())
            .chain(self.progress.as_ref().map(super::Progress::next_us))
            .chain(self.checks.next_us())
            .chain(self.sharing.next_us())
            .chain(self.rousing.next_us());
        all.min()
    }
}
