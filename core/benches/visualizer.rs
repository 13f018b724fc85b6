//! What it costs the consensus thread to be watched: one update of the ring of views, alone and while readers look all the
//! time. Run with `cargo bench -p minuet-core --bench visualizer`, on a quiet machine.

use criterion::{Criterion, criterion_group, criterion_main};
use minuet_core::views::{SLOTS, Slot, ViewWriter};
use minuet_core::{TimeMs, ValidatorIndex, View};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

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
    let mut group = criterion.benchmark_group("visualizer");
    let mut writer = ViewWriter::new();
    group.bench_function("update", |bencher| bencher.iter(votes(&mut writer)));
    group.bench_function("update that changes nothing", |bencher| {
        bencher.iter(|| writer.update(View(7), NOW, |slot| slot.left_after_us = black_box(Some(1))));
    });
    let (ring, stop) = (writer.ring(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Relaxed) {
                black_box(ring.slots());
            }
        });
        group.bench_function("update while all slots are read without pause", |bencher| {
            bencher.iter(votes(&mut writer));
        });
        stop.store(true, Relaxed);
    });
    group.bench_function("read one slot", |bencher| bencher.iter(|| ring.read(black_box(View(7)))));
    group.finish();
}

criterion_group!(benches, bench_ring);
criterion_main!(benches);
