//! What admission (without the signature check) and selection cost. Run with
//! `cargo bench -p minuet-mempool --bench pool`, on a quiet machine.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use minuet_core::account::{Account, StateReader};
use minuet_core::ed25519::{Ed25519PublicKey, Ed25519SecretKey};
use minuet_core::fees::FeeRules;
use minuet_core::messages::{Branch, StateNotice, TransactionMark};
use minuet_core::store::StoreError;
use minuet_core::transaction::{EmptyList, Transaction, UnsignedTransaction};
use minuet_core::{Address, B256, Bytes, Height, U256};
use minuet_mempool::{ChainRules, Examined, MempoolConfig, Origin, Pool, SelectLimits};
use std::hint::black_box;
use std::sync::Arc;

const WAITING: u32 = 20_000;
const SELECTED: u64 = 500;
const IN_BRANCH: usize = 2_000;

/// Everybody is rich.
struct Rich;

impl StateReader for Rich {
    fn account(&self, _: &Address) -> Result<Option<Account>, StoreError> {
        Ok(Some(Account::with_balance(U256::MAX >> 1)))
    }
}

fn rules() -> ChainRules {
    ChainRules { chain_id: 7, genesis: B256::ZERO, fees: FeeRules::default() }
}

fn empty_pool() -> Pool {
    Pool::new(MempoolConfig::default(), rules(), Arc::new(Rich))
}

/// One transfer a sender, tips spread out.
fn envelopes() -> Vec<Bytes> {
    let sign = |number: u32| {
        let mut seed = [5; 32];
        seed[..4].copy_from_slice(&number.to_be_bytes());
        let tip = u128::from(number.wrapping_mul(2_654_435_761) % 1_000_000);
        let unsigned = UnsignedTransaction {
            chain_id: 7,
            nonce: 0,
            max_priority_fee_per_gas: tip,
            max_fee_per_gas: tip + 10_000_000,
            gas_limit: 21_000,
            to: Address::repeat_byte(1),
            value: U256::from(1),
            data: Bytes::new(),
            access_list: EmptyList,
            public_key: Ed25519PublicKey([0; 32]),
        };
        unsigned.sign(&Ed25519SecretKey::from_bytes(&seed), &rules().genesis).envelope().clone()
    };
    (0..WAITING).map(sign).collect()
}

fn fill(pool: &mut Pool, envelopes: &[Bytes]) {
    for envelope in envelopes {
        let Ok(Examined::New(transaction)) = pool.examine(envelope) else { panic!("it is new and good") };
        pool.insert(transaction, Origin::Client).expect("there is room");
    }
}

fn bench_pool(criterion: &mut Criterion) {
    let envelopes = envelopes();
    let mut group = criterion.benchmark_group("pool");
    group.sample_size(20);

    group.throughput(Throughput::Elements(u64::from(WAITING)));
    group.bench_function("decode_only", |bencher| {
        bencher.iter(|| envelopes.iter().map(Transaction::decode).filter(Result::is_ok).count());
    });
    group.bench_function("examine_and_insert", |bencher| {
        bencher.iter_batched(empty_pool, |mut pool| fill(&mut pool, black_box(&envelopes)), BatchSize::PerIteration);
    });

    let mut pool = empty_pool();
    fill(&mut pool, &envelopes);
    let limits = SelectLimits { max_bytes: 2 * 1024 * 1024, max_gas: SELECTED * 21_000 };
    let flat = Branch { parent: B256::ZERO, with_transactions: vec![], base_fee: 1_000_000 };
    group.throughput(Throughput::Elements(SELECTED));
    for (name, base_fee) in [("select_500_of_20000", 1_000_000), ("select_500_of_20000_at_higher_base_fee", 10_500_000)]
    {
        let overlay = pool.overlay(&Branch { base_fee, ..flat.clone() }).expect("no blocks");
        group.bench_function(name, |bencher| bencher.iter(|| pool.select(black_box(&overlay), limits).len()));
    }

    let overlay = pool.overlay(&flat).expect("no blocks");
    let best = pool.select(&overlay, SelectLimits { max_gas: u64::MAX, ..limits });
    let mark = |transaction: &Arc<Transaction>| TransactionMark {
        hash: transaction.hash(),
        sender: transaction.sender(),
        nonce: transaction.nonce(),
        spent: U256::from(21_000),
    };
    let (digest, parent) = (B256::repeat_byte(1), B256::ZERO);
    let transactions = best.iter().take(IN_BRANCH).map(mark).collect();
    pool.apply(StateNotice::Executed { digest, parent, height: Height(1), transactions });
    let branch = Branch { parent: digest, with_transactions: vec![digest], base_fee: 1_000_000 };
    group.bench_function("select_500_of_20000_on_a_branch_of_2000", |bencher| {
        bencher.iter(|| {
            let overlay = pool.overlay(black_box(&branch)).expect("the block is known");
            pool.select(&overlay, limits).len()
        });
    });
    group.finish();
}

criterion_group!(benches, bench_pool);
criterion_main!(benches);
