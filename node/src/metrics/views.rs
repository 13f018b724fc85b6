//! Views that are over, folded from the ring that consensus writes: how long they took, who voted, which leaders missed
//! their turn. Each is looked at once, a moment after this node has left it, so that late votes count.

use super::Sources;
use super::registry::Registry;
use super::table as t;
use super::watch::seconds;
use metrics::{Counter, Histogram};
use minuet_core::View;
use minuet_core::views::{SLOTS, Slot, ViewRing};
use std::sync::Arc;

/// Late votes have so long.
const GRACE_MS: u64 = 1000;
/// Views this far back are looked at in any case: half of what the ring holds.
const LATEST: u64 = SLOTS as u64 / 2;

/// The series, and how far they have come.
pub struct ViewFold {
    ring: Arc<ViewRing>,
    next: View,
    duration: Histogram,
    time_to_m: Histogram,
    time_to_l: Histogram,
    seen: Counter,
    votes: Vec<Counter>,
    missed: Vec<Counter>,
}

impl ViewFold {
    pub fn new(registry: &Registry, sources: &Sources) -> Self {
        let names: Vec<String> = sources.genesis.committee().iter().map(|(index, _)| index.0.to_string()).collect();
        let per_validator = |metric| names.iter().map(|name| registry.counter(metric, &[name])).collect();
        Self {
            ring: sources.views.clone(),
            next: View(1),
            duration: registry.histogram(&t::CONSENSUS_VIEW_DURATION, &[]),
            time_to_m: registry.histogram(&t::CONSENSUS_TIME_TO_M, &[]),
            time_to_l: registry.histogram(&t::CONSENSUS_TIME_TO_L, &[]),
            seen: registry.counter(&t::CONSENSUS_VIEWS_SEEN, &[]),
            votes: per_validator(&t::CONSENSUS_VOTES_SEEN),
            missed: per_validator(&t::CONSENSUS_MISSED_LEADER_SLOTS),
        }
    }

    /// Takes in every view that is over. Views that have left the ring meanwhile are not counted.
    pub fn fold(&mut self, now_ms: u64) {
        let ring = Arc::clone(&self.ring);
        let newest = ring.newest();
        let oldest = View((newest.0 + 1).saturating_sub(SLOTS as u64));
        self.next = self.next.max(oldest);
        while self.next < newest {
            // Without a slot the view was passed over and nothing was heard of it.
            if let Some(slot) = ring.read(self.next) {
                if !is_settled(&slot, now_ms) && self.next.plus(LATEST) > newest {
                    return;
                }
                self.take(&slot);
            }
            self.next = self.next.next();
        }
    }

    fn take(&self, slot: &Slot) {
        if !slot.is_entered {
            return;
        }
        self.seen.increment(1);
        let times = [
            (&self.duration, slot.left_after_us),
            (&self.time_to_m, slot.m_after_us),
            (&self.time_to_l, slot.l_after_us),
        ];
        for (histogram, us) in times {
            // 0 is what was there before the view was entered: it was not timed here.
            if let Some(us) = us.filter(|us| *us > 0) {
                histogram.record(seconds(us));
            }
        }
        for validator in slot.votes.iter() {
            if let Some(counter) = self.votes.get(validator.as_usize()) {
                counter.increment(1);
            }
        }
        let is_missed = slot.nullified_after_us.is_some() && slot.m_after_us.is_none();
        if let Some(counter) = self.missed.get(slot.leader.as_usize()).filter(|_| is_missed) {
            counter.increment(1);
        }
    }
}

fn is_settled(slot: &Slot, now_ms: u64) -> bool {
    let left_ms = slot.started_at.0.saturating_add(slot.left_after_us.unwrap_or(0) / 1000);
    left_ms.saturating_add(GRACE_MS) <= now_ms
}
