//! What a message between two threads costs, and how long it takes from one to the other.

mod support;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use minuet_core::ring::{Doorbell, Receiver, RingMessage, Waiter, WhenFull, ring};
use std::time::{Duration, Instant};
use support::of;

/// Looks at an empty ring after which a spinning thread lets others have the processor.
const SPINS: u32 = 1 << 14;

#[derive(Debug)]
struct Ping(u64);

impl RingMessage for Ping {
    const NAME: &'static str = "ping";
    const CAPACITY: usize = 1_024;
    const WHEN_FULL: WhenFull = WhenFull::BackPressure;
}

fn bench_one_thread(criterion: &mut Criterion) {
    let (bell, _waiter) = Doorbell::new();
    criterion.benchmark_group("ring::ring_awake_consumer").bench_function(of(&[("rings", &1)]), |bencher| {
        bencher.iter(|| bell.ring());
    });
    let mut group = criterion.benchmark_group("ring::send_and_drain");
    group.throughput(Throughput::Elements(Ping::CAPACITY as u64));
    group.bench_function(of(&[("messages", &Ping::CAPACITY)]), |bencher| {
        bencher.iter_batched_ref(
            || ring::<Ping>(&bell),
            |(sender, receiver)| {
                for number in 0..Ping::CAPACITY as u64 {
                    assert!(sender.try_send(Ping(number)).is_ok());
                }
                receiver.drain(Ping::CAPACITY).map(|Ping(number)| number).sum::<u64>()
            },
            BatchSize::SmallInput,
        );
    });
}

/// How a thread waits for the next message.
#[derive(Clone, Copy, PartialEq)]
enum Waiting {
    Spinning,
    Doorbell,
}

/// The next message; `None` once the sender is gone.
fn next(receiver: &mut Receiver<Ping>, waiter: &Waiter, waiting: Waiting) -> Option<Ping> {
    let mut spins = 0;
    loop {
        if let Some(ping) = receiver.try_recv() {
            return Some(ping);
        }
        if receiver.is_finished() {
            return None;
        }
        if waiting == Waiting::Doorbell {
            waiter.park_until(None, || !receiver.is_empty() || receiver.is_abandoned());
            continue;
        }
        std::hint::spin_loop();
        spins += 1;
        if spins % SPINS == 0 {
            std::thread::yield_now();
        }
    }
}

/// Half of what it takes for messages to go to another thread and back, one at a time.
fn one_way(messages: u64, waiting: Waiting) -> Duration {
    let (own_bell, own_waiter) = Doorbell::new();
    let (far_bell, far_waiter) = Doorbell::new();
    let (mut out, mut far_in) = ring::<Ping>(&far_bell);
    let (mut far_out, mut back) = ring::<Ping>(&own_bell);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while let Some(ping) = next(&mut far_in, &far_waiter, waiting) {
                far_out.try_send(ping).expect("one message is under way");
            }
        });
        let mut round = |number: u64| {
            out.try_send(Ping(number)).expect("one message is under way");
            let Ping(answer) = next(&mut back, &own_waiter, waiting).expect("the other thread answers everything");
            assert_eq!(answer, number);
        };
        // After this one the other thread is running.
        round(u64::MAX);
        let begun = Instant::now();
        (0..messages).for_each(&mut round);
        let elapsed = begun.elapsed();
        drop(out);
        elapsed / 2
    })
}

fn bench_two_threads(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ring::one_way");
    for (name, waiting) in [("spinning", Waiting::Spinning), ("doorbell", Waiting::Doorbell)] {
        group.bench_function(of(&[("waiting", &name)]), |bencher| {
            bencher.iter_custom(|messages| one_way(messages, waiting));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = support::criterion();
    targets = bench_one_thread, bench_two_threads
}
criterion_main!(benches);
