use super::super::views::ViewFold;
use super::{Bench, NOW_MS, Registry, Scrape};
use crate::metrics::table::PROCESS_CPU;
use minuet_core::views::{SLOTS, Slot, ViewWriter};
use minuet_core::{TimeMs, ValidatorIndex, View};

struct Views {
    writer: ViewWriter,
    registry: Registry,
    fold: ViewFold,
}

impl Views {
    fn new() -> Self {
        let mut bench = Bench::new();
        let writer = ViewWriter::new();
        bench.sources.views = writer.ring();
        let registry = Registry::new();
        let fold = ViewFold::new(&registry, &bench.sources);
        Self { writer, registry, fold }
    }

    /// A view that began now, was left after 300 ms, and went on as `change` says.
    fn view(&mut self, view: u64, change: impl FnOnce(&mut Slot)) {
        self.writer.update(View(view), TimeMs(NOW_MS), |slot| {
            slot.is_entered = true;
            slot.leader = ValidatorIndex(u16::try_from(view % 6).unwrap());
            slot.left_after_us = Some(300_000);
            change(slot);
        });
        self.writer.enter(View(view + 1));
    }

    fn scrape(&mut self, after_ms: u64) -> Scrape {
        self.fold.fold(NOW_MS + after_ms);
        Scrape::parse(&self.registry.text((&PROCESS_CPU, 0.0)))
    }
}

fn votes(scrape: &Scrape, validator: u16) -> f64 {
    scrape.value(&format!("minuet_consensus_votes_seen_total{{validator=\"{validator}\"}}"))
}

fn missed(scrape: &Scrape, validator: u16) -> f64 {
    scrape.value(&format!("minuet_consensus_missed_leader_slots_total{{validator=\"{validator}\"}}"))
}

#[test]
fn a_view_is_counted_once_a_second_after_it_was_left_with_its_late_votes() {
    let mut views = Views::new();
    views.view(1, |slot| {
        slot.votes.extend([0, 3].map(ValidatorIndex));
        slot.m_after_us = Some(20_000);
    });
    assert_eq!(views.scrape(1_299).value("minuet_consensus_views_seen_total"), 0.0, "votes may still come");
    views.view(1, |slot| {
        slot.votes.insert(ValidatorIndex(4));
        slot.l_after_us = Some(40_000);
    });
    for _ in 0..2 {
        let scrape = views.scrape(1_300);
        assert_eq!(scrape.value("minuet_consensus_views_seen_total"), 1.0);
        assert_eq!([0, 1, 3, 4].map(|validator| votes(&scrape, validator)), [1.0, 0.0, 1.0, 1.0]);
        assert_eq!(scrape.value("minuet_consensus_view_duration_seconds_sum"), 0.3);
        assert_eq!(scrape.value("minuet_consensus_time_to_m_seconds_sum"), 0.02);
        assert_eq!(scrape.value("minuet_consensus_time_to_l_seconds_sum"), 0.04);
        assert_eq!(scrape.sum("minuet_consensus_missed_leader_slots_total"), 0.0);
    }
}

#[test]
fn a_leader_missed_its_slot_if_the_view_was_nullified_and_no_block_of_it_notarized() {
    let mut views = Views::new();
    views.view(3, |slot| slot.nullified_after_us = Some(250_000));
    views.view(4, |slot| {
        slot.m_after_us = Some(1);
        slot.nullified_after_us = Some(2);
        slot.is_nullified_late = true;
    });
    views.view(5, |slot| slot.m_after_us = Some(1));
    let scrape = views.scrape(2_000);
    assert_eq!([3, 4, 5].map(|validator| missed(&scrape, validator)), [1.0, 0.0, 0.0]);
    assert_eq!(scrape.value("minuet_consensus_views_seen_total"), 3.0);
}

#[test]
fn the_current_view_and_views_that_were_never_entered_are_not_counted() {
    let mut views = Views::new();
    views.view(1, |slot| slot.is_entered = false);
    views.writer.update(View(2), TimeMs(NOW_MS), |slot| slot.is_entered = true);
    let scrape = views.scrape(60_000);
    assert_eq!(scrape.value("minuet_consensus_views_seen_total"), 0.0);
}

#[test]
fn a_jump_far_ahead_and_a_clock_that_stands_still_leave_nothing_waiting() {
    let mut views = Views::new();
    let ring = SLOTS as u64;
    for view in 1..=ring / 2 + 10 {
        views.view(view, |_| {});
    }
    assert_eq!(views.scrape(0).value("minuet_consensus_views_seen_total"), 11.0, "the ring would overtake them");
    for view in ring..ring * 3 {
        views.view(view, |_| {});
    }
    // The oldest 255 that are over and still there, as far as the ring allows.
    let seen = views.scrape(2_000).value("minuet_consensus_views_seen_total");
    assert_eq!(seen, 11.0 + (ring - 1) as f64);
}
