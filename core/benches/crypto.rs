//! What signatures cost.

mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use minuet_core::bls::{self, BlsPublicKey, BlsSecretKey, BlsSignature};
use minuet_core::ed25519::{self, Ed25519SecretKey, Item};
use std::hint::black_box;
use support::of;

const MESSAGE: &[u8; 32] = b"thirty-two bytes of a statement.";

/// Votes gathered by 3 (M of six), 5 (L of six) and 41 (L of fifty) validators.
const VOTES: [u8; 3] = [3, 5, 41];
const BATCHES: [u32; 4] = [16, 64, 256, 1_024];

fn bls_secret(seed: u8) -> BlsSecretKey {
    BlsSecretKey::from_ikm(&[seed; 32])
}

fn bench_bls(criterion: &mut Criterion) {
    let secret = bls_secret(1);
    let public = secret.public_key();
    let signature = secret.sign(MESSAGE);
    criterion.benchmark_group("bls::sign").bench_function(of(&[("bytes", &MESSAGE.len())]), |bencher| {
        bencher.iter(|| secret.sign(black_box(MESSAGE)));
    });
    criterion.benchmark_group("bls::verify").bench_function(of(&[("signatures", &1)]), |bencher| {
        bencher.iter(|| public.verify(black_box(MESSAGE), &signature));
    });
    for count in VOTES {
        let secrets: Vec<_> = (1..=count).map(bls_secret).collect();
        let publics: Vec<_> = secrets.iter().map(BlsSecretKey::public_key).collect();
        let signatures: Vec<BlsSignature> = secrets.iter().map(|secret| secret.sign(MESSAGE)).collect();
        let votes: Vec<(&BlsPublicKey, BlsSignature)> = publics.iter().zip(signatures.iter().copied()).collect();
        let signers: Vec<&BlsPublicKey> = publics.iter().collect();
        let sum = bls::aggregate_and_verify(&votes, MESSAGE).expect("all votes are good");
        let id = || of(&[("votes", &count)]);
        criterion.benchmark_group("bls::aggregate").bench_function(id(), |bencher| {
            bencher.iter(|| bls::aggregate(black_box(&signatures)));
        });
        criterion.benchmark_group("bls::aggregate_and_verify").bench_function(id(), |bencher| {
            bencher.iter(|| bls::aggregate_and_verify(black_box(&votes), MESSAGE));
        });
        criterion.benchmark_group("bls::verify_aggregate").bench_function(id(), |bencher| {
            bencher.iter(|| bls::verify_aggregate(black_box(&signers), MESSAGE, &sum));
        });
        criterion.benchmark_group("bls::verify_each").bench_function(id(), |bencher| {
            bencher.iter(|| bls::verify_each(black_box(&votes), MESSAGE));
        });
    }
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
    let secret = Ed25519SecretKey::from_bytes(&[1; 32]);
    let public = secret.public_key();
    let signature = secret.sign(MESSAGE);
    criterion.benchmark_group("ed25519::sign").bench_function(of(&[("bytes", &MESSAGE.len())]), |bencher| {
        bencher.iter(|| secret.sign(black_box(MESSAGE)));
    });
    let together = [(&secret, &MESSAGE[..]); 64];
    let mut group = criterion.benchmark_group("ed25519::sign_each");
    group.throughput(Throughput::Elements(together.len() as u64));
    group.bench_function(of(&[("signatures", &together.len())]), |bencher| {
        bencher.iter(|| ed25519::sign_each(black_box(&together)));
    });
    group.finish();
    criterion.benchmark_group("ed25519::verify").bench_function(of(&[("signatures", &1)]), |bencher| {
        bencher.iter(|| ed25519::verify(&public, black_box(MESSAGE), &signature));
    });
    criterion.benchmark_group("ed25519::check_sender_key").bench_function(of(&[("keys", &1)]), |bencher| {
        bencher.iter(|| ed25519::check_sender_key(black_box(public.as_bytes())));
    });
    criterion.benchmark_group("ed25519::check_sender_key_bytes").bench_function(of(&[("keys", &1)]), |bencher| {
        bencher.iter(|| ed25519::check_sender_key_bytes(black_box(public.as_bytes())));
    });
    bench_known_keys(criterion);
    for count in BATCHES {
        let items = ed25519_items(count);
        assert_eq!(ed25519::verify_batch(&items), vec![true; items.len()]);
        let id = || of(&[("signatures", &count)]);
        let mut group = criterion.benchmark_group("ed25519::verify_batch_inline");
        group.throughput(Throughput::Elements(u64::from(count)));
        group.bench_function(id(), |bencher| bencher.iter(|| ed25519::verify_batch_inline(black_box(&items))));
        group.finish();
        let mut group = criterion.benchmark_group("ed25519::verify_batch");
        group.throughput(Throughput::Elements(u64::from(count)));
        group.bench_function(id(), |bencher| bencher.iter(|| ed25519::verify_batch(black_box(&items))));
        group.finish();
    }
}

/// M and L votes of six and of 31 validators, beside the same in a batch.
fn bench_known_keys(criterion: &mut Criterion) {
    for count in [3, 5, 13, 25] {
        let items = ed25519_items(count);
        assert_eq!(ed25519::verify_each_known(&items), vec![true; items.len()]);
        let id = || of(&[("signatures", &count)]);
        let mut group = criterion.benchmark_group("ed25519::verify_each_known");
        group.throughput(Throughput::Elements(u64::from(count)));
        group.bench_function(id(), |bencher| bencher.iter(|| ed25519::verify_each_known(black_box(&items))));
        group.finish();
        let mut group = criterion.benchmark_group("ed25519::verify_few_in_a_batch");
        group.throughput(Throughput::Elements(u64::from(count)));
        group.bench_function(id(), |bencher| bencher.iter(|| ed25519::verify_batch_inline(black_box(&items))));
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = support::criterion();
    targets = bench_bls, bench_ed25519
}
criterion_main!(benches);
