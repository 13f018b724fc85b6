//! Blocks of 500 transfers among 100,000 accounts: execution, receipts and state root, per transfer; and the parts of a
//! restart.

#[path = "../tests/support/mod.rs"]
mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use minuet_core::account::Account;
use minuet_core::transaction::Transaction;
use minuet_core::{Address, B256, U256};
use minuet_execution::Workers;
use minuet_execution::block::Executor;
use minuet_execution::transfer::BlockContext;
use minuet_execution::trie::{StateTrie, trie_key};
use std::hint::black_box;
use std::sync::Arc;
use support::{BASE_FEE, GAS_LIMIT, RICH, address, beneficiary, key, stranger, unsigned};

const ACCOUNTS: u64 = 100_000;
const TRANSFERS: u32 = 500;

fn accounts() -> Vec<(B256, Account)> {
    let all = (0..ACCOUNTS).map(stranger).chain((0..TRANSFERS).map(address));
    all.map(|address: Address| (trie_key(&address), Account::with_balance(U256::from(RICH)))).collect()
}

fn state(accounts: &[(B256, Account)]) -> StateTrie {
    let mut state = StateTrie::default();
    for (key, account) in accounts {
        state.insert(*key, account);
    }
    state
}

/// 500 senders, each to another of the 100,000.
fn transfers() -> Vec<Arc<Transaction>> {
    let transfer = |sender: u32| {
        let to = stranger(u64::from(sender) * 7_919 % ACCOUNTS);
        Arc::new(unsigned(0, to, 1_000).sign(&key(sender), &B256::ZERO))
    };
    (0..TRANSFERS).map(transfer).collect()
}

fn blocks(criterion: &mut Criterion) {
    let accounts = accounts();
    let mut state = state(&accounts);
    let root = state.root_hash(Workers::Rayon);
    let transfers = transfers();
    let context = BlockContext { base_fee: BASE_FEE, beneficiary: beneficiary() };
    let run = |count: usize, workers: Workers| {
        let mut executor = Executor::new(&state, root, context, GAS_LIMIT);
        for transfer in &transfers[..count] {
            executor.push(Arc::clone(transfer)).unwrap();
        }
        executor.finish(workers).state_root
    };
    let mut group = criterion.benchmark_group("block_on_100k_accounts");
    group.throughput(Throughput::Elements(u64::from(TRANSFERS)));
    group.bench_function("500_transfers_inline", |b| b.iter(|| black_box(run(500, Workers::Inline))));
    group.bench_function("500_transfers_rayon", |b| b.iter(|| black_box(run(500, Workers::Rayon))));
    group.throughput(Throughput::Elements(10));
    group.bench_function("10_transfers", |b| b.iter(|| black_box(run(10, Workers::Inline))));
    group.finish();

    let keys: Vec<B256> = accounts.iter().step_by(100).map(|(key, _)| *key).collect();
    let account = Account::with_balance(U256::from(1));
    let mut group = criterion.benchmark_group("trie_of_100k_accounts");
    group.throughput(Throughput::Elements(keys.len() as u64));
    group.bench_function("change_1000_and_root", |b| {
        b.iter(|| {
            let mut changed = state.clone();
            keys.iter().for_each(|key| changed.insert(*key, &account));
            black_box(changed.root_hash(Workers::Inline))
        });
    });
    group.throughput(Throughput::Elements(ACCOUNTS));
    group.sample_size(10);
    group.bench_function("rebuild", |b| b.iter(|| black_box(self::state(&accounts).root_hash(Workers::Inline))));
    group.finish();
}

criterion_group!(benches, blocks);
criterion_main!(benches);
