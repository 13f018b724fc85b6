//! What it costs the consensus thread to be watched: one update of the ring of views, alone and while a reader looks all the
//! time.

mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use minuet_core::views::{SLOTS, Slot, ViewWriter};
use minuet_core::{TimeMs, ValidatorIndex, View};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use support::of;

const NOW: TimeMs = TimeMs(1);

/// Another vote in each view in turn: every update changes a slot.
fn votes(writer: &mut ViewWriter) -> impl FnMut() {
    let mut number = 0u64;
    move || {
        number += 1;
        let voter = ValidatorIndex((number / SLOTS as u64 % 512) as u16);
        let vote = |slot: &mut Slot| {
            slot.votes = Default::default();
            slot.votes.insert(voter);
        };
        writer.update(View(number % SLOTS as u64), NOW, black_box(vote));
    }
}

fn bench_ring(criterion: &mut Criterion) {
    let mut writer = ViewWriter::new();
    let (ring, stop) = (writer.ring(), AtomicBool::new(false));
    criterion.benchmark_group("visualizer::update").bench_function(of(&[("readers", &0)]), |bencher| {
        bencher.iter(votes(&mut writer));
    });
    criterion.benchmark_group("visualizer::update_nothing").bench_function(of(&[("readers", &0)]), |bencher| {
        bencher.iter(|| writer.update(View(7), NOW, |slot| slot.left_after_us = black_box(Some(1))));
    });
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Relaxed) {
                black_box(ring.slots());
            }
        });
        criterion.benchmark_group("visualizer::update").bench_function(of(&[("readers", &1)]), |bencher| {
            bencher.iter(votes(&mut writer));
        });
        stop.store(true, Relaxed);
    });
    criterion.benchmark_group("visualizer::read").bench_function(of(&[("slots", &1)]), |bencher| {
        bencher.iter(|| ring.read(black_box(View(7))));
    });
    criterion.benchmark_group("visualizer::read").bench_function(of(&[("slots", &SLOTS)]), |bencher| {
        bencher.iter(|| ring.slots());
    });
}

criterion_group! {
    name = benches;
    config = support::criterion();
    targets = bench_ring
}
criterion_main!(benches);
