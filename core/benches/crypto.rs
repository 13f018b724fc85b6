//! What signatures and rings cost: the constants of `docs/benchmarks.md`. Run with
//! `cargo bench -p minuet-core --bench crypto`, on a quiet machine.

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use minuet_core::bls::{self, BlsPublicKey, BlsSecretKey, BlsSignature};
use minuet_core::ed25519::{self, Ed25519SecretKey, Item};
use minuet_core::ring::{Doorbell, RingMessage, WhenFull, ring};

const MESSAGE: &[u8; 32] = b"thirty-two bytes of a statement.";

/// Votes gathered by 3 (M of six), 5 (L of six) and 41 (L of fifty) validators.
const VOTES: [u8; 3] = [3, 5, 41];

fn bls_secret(seed: u8) -> BlsSecretKey {
    BlsSecretKey::from_ikm(&[seed; 32])
}

fn bench_bls(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("bls");
    let secret = bls_secret(1);
    let public = secret.public_key();
    let signature = secret.sign(MESSAGE);
    group.bench_function("sign", |bencher| {
        bencher.iter(|| secret.sign(black_box(MESSAGE)));
    });
    group.bench_function("verify", |bencher| {
        bencher.iter(|| public.verify(black_box(MESSAGE), &signature));
    });
    for count in VOTES {
        let secrets: Vec<_> = (1..=count).map(bls_secret).collect();
        let publics: Vec<_> = secrets.iter().map(BlsSecretKey::public_key).collect();
        let votes: Vec<(&BlsPublicKey, BlsSignature)> =
            publics.iter().zip(&secrets).map(|(public, secret)| (public, secret.sign(MESSAGE))).collect();
        let signers: Vec<&BlsPublicKey> = publics.iter().collect();
        let sum = bls::aggregate_and_verify(&votes, MESSAGE).expect("all votes are good");
        group.bench_function(BenchmarkId::new("aggregate_and_verify", count), |bencher| {
            bencher.iter(|| bls::aggregate_and_verify(black_box(&votes), MESSAGE));
        });
        group.bench_function(BenchmarkId::new("verify_aggregate", count), |bencher| {
            bencher.iter(|| bls::verify_aggregate(black_box(&signers), MESSAGE, &sum));
        });
        group.bench_function(BenchmarkId::new("verify_each", count), |bencher| {
            bencher.iter(|| bls::verify_each(black_box(&votes), MESSAGE));
        });
    }
    group.finish();
}

fn ed25519_items(count: u32) -> Vec<Item> {
    (0..count)
        .map(|number| {
            let mut seed = [7; 32];
            seed[..4].copy_from_slice(&number.to_be_bytes());
            let secret = Ed25519SecretKey::from_bytes(&seed);
            Item { key: secret.public_key(), signature: secret.sign(MESSAGE), message: MESSAGE.to_vec() }
        })
        .collect()
}

fn bench_ed25519(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ed25519");
    let secret = Ed25519SecretKey::from_bytes(&[1; 32]);
    let public = secret.public_key();
    let signature = secret.sign(MESSAGE);
    group.bench_function("sign", |bencher| {
        bencher.iter(|| secret.sign(black_box(MESSAGE)));
    });
    group.bench_function("verify", |bencher| {
        bencher.iter(|| ed25519::verify(&public, black_box(MESSAGE), &signature));
    });
    group.bench_function("check_sender_key", |bencher| {
        bencher.iter(|| ed25519::check_sender_key(black_box(public.as_bytes())));
    });
    for count in [64, 256, 1_024] {
        let items = ed25519_items(count);
        group.throughput(Throughput::Elements(u64::from(count)));
        group.bench_function(BenchmarkId::new("verify_batch_inline", count), |bencher| {
            bencher.iter(|| ed25519::verify_batch_inline(black_box(&items)));
        });
        group.bench_function(BenchmarkId::new("verify_batch", count), |bencher| {
            bencher.iter(|| ed25519::verify_batch(black_box(&items)));
        });
    }
    group.finish();
}

struct Ping(u64);

impl RingMessage for Ping {
    const NAME: &'static str = "ping";
    const CAPACITY: usize = 1_024;
    const WHEN_FULL: WhenFull = WhenFull::BackPressure;
}

fn bench_ring(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ring");
    let (bell, _waiter) = Doorbell::new();
    group.bench_function("ring_awake_consumer", |bencher| {
        bencher.iter(|| bell.ring());
    });
    group.throughput(Throughput::Elements(Ping::CAPACITY as u64));
    group.bench_function("send_and_drain", |bencher| {
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
    group.finish();
}

criterion_group!(benches, bench_bls, bench_ed25519, bench_ring);
criterion_main!(benches);
