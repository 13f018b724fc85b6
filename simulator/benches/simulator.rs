//! How fast the simulator is: the time that one simulated view takes, and a study of validators across the world.

#[path = "../../core/benches/support/mod.rs"]
mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use minuet_simulator::wan::{self, Conditions, Placement, Protocol, Regions};
use minuet_simulator::{Options, Swarm, run};
use std::hint::black_box;
use std::time::{Duration, Instant};
use support::of;

/// Each is another mixture of faults.
const SEEDS: u64 = 3;
/// Of the study, in ten regions.
const VALIDATORS: usize = 50;

/// The time of so many views, as a share of whole runs of the same seeds: the same work in every sample.
fn views(wanted: u64, options: impl Fn(u64) -> Options) -> Duration {
    let (mut views, begun) = (0, Instant::now());
    while views < wanted {
        for seed in 0..SEEDS {
            let outcome = run(black_box(&options(seed)));
            assert_eq!(outcome.violation, None, "repeat it with: {}", options(seed).command());
            views += outcome.views;
        }
    }
    begun.elapsed().mul_f64(wanted as f64 / views as f64)
}

fn bench_runs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("simulator::view");
    support::slow(&mut group);
    // A view of more validators takes longer, and so does its run.
    for (validators, chaos_ms) in [(6, 2_000), (31, 300)] {
        for (faults, swarm) in [("none", Some(Swarm::calm())), ("drawn", None)] {
            group.bench_function(of(&[("validators", &validators), ("faults", &faults)]), |bencher| {
                let options = |seed| Options { validators, chaos_ms, swarm: swarm.clone(), ..Options::of(seed) };
                bencher.iter_custom(|wanted| views(wanted, options));
            });
        }
    }
    group.finish();
}

fn bench_study(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("simulator::study");
    support::slow(&mut group);
    let views = support::large(50, 10) as usize;
    group.bench_function(of(&[("validators", &VALIDATORS), ("views", &views)]), |bencher| {
        let table = Regions::load();
        let placement = Placement::parse(&table, "global", Some(VALIDATORS)).expect("a known list");
        let options = wan::Options {
            table,
            placement,
            protocols: vec![Protocol::Minimmit],
            conditions: Conditions::default(),
            views,
            passes: Some(1),
            seed: 1,
            delta_ms: 250,
            whole_ms: false,
        };
        bencher.iter(|| wan::study(black_box(&options)));
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = support::criterion();
    targets = bench_runs, bench_study
}
criterion_main!(benches);
