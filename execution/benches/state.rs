//! What the state costs: reading and writing over unfinalized blocks, the state root after 1,000 transfers over more and more
//! accounts, whole execution.
//!
//! One state grows from 10 thousand to 10 million accounts, so that each size is built once; the largest needs about
//! 6 GiB and is left out where they are not there.

#[path = "../../core/benches/support/mod.rs"]
mod common;
#[path = "../tests/support/mod.rs"]
mod support;

use common::of;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use minuet_core::account::Account;
use minuet_core::transaction::Transaction;
use minuet_core::{Address, B256, U256, keccak256};
use minuet_execution::Workers;
use minuet_execution::block::Executor;
use minuet_execution::state::{AccountChange, WorkingState, apply};
use minuet_execution::transfer::BlockContext;
use minuet_execution::trie::{StateTrie, trie_key};
use std::cell::{Cell, LazyCell, RefCell};
use std::hint::black_box;
use std::sync::Arc;
use support::{BASE_FEE, GAS_LIMIT, RICH, address, beneficiary, key, stranger, unsigned};

const FEW: u64 = 10_000;
const MANY: u64 = 1_000_000;
const MOST: u64 = 10_000_000;
const BYTES_FOR_MOST: u64 = 6 << 30;
const TRANSFERS: u64 = 1_000;
/// Different blocks in turn, so that none finds its own way through memory in the processor's caches.
const BLOCKS: u64 = 32;
/// Unfinalized blocks below the one that is worked on.
const DEEP: u64 = 64;
const REBUILT: u64 = 100_000;

/// Accounts that are there from the start, with keys.
static SENDERS: std::sync::LazyLock<Vec<Address>> =
    std::sync::LazyLock::new(|| (0..TRANSFERS as u32).map(address).collect());

/// Grows to as many accounts as are asked for, the senders beside them.
#[derive(Default)]
struct Growing {
    state: StateTrie,
    root: B256,
    accounts: u64,
}

impl Growing {
    fn grow(&mut self, accounts: u64) -> &Self {
        if self.accounts < accounts {
            let rich = Account::with_balance(U256::from(RICH));
            if self.accounts == 0 {
                SENDERS.iter().for_each(|sender| self.state.insert(trie_key(sender), &rich));
            }
            (self.accounts..accounts).for_each(|number| self.state.insert(trie_key(&stranger(number)), &rich));
            self.accounts = accounts;
            self.root = self.state.root_hash(Workers::Rayon);
        }
        assert_eq!(self.accounts, accounts, "sizes are measured in ascending order");
        self
    }
}

/// Somebody among so many, in no order.
fn recipient(number: u64, accounts: u64) -> Address {
    let chance = keccak256(number.to_be_bytes());
    stranger(u64::from_be_bytes(chance[..8].try_into().expect("eight of 32 bytes")) % accounts)
}

/// Whom a block of 1,000 transfers changes: senders, recipients, the beneficiary.
fn touched(block: u64, accounts: u64) -> Vec<Address> {
    let recipients = (0..TRANSFERS).map(|number| recipient(block * TRANSFERS + number, accounts));
    SENDERS.iter().copied().chain(recipients).chain([beneficiary()]).collect()
}

/// As if a block had done so to each of them.
fn write(state: &StateTrie, block: u64, addresses: &[Address]) -> Vec<AccountChange> {
    let mut working = WorkingState::new(state);
    for address in addresses {
        let account = working.account_mut(*address);
        account.nonce += 1;
        account.balance = U256::from(RICH + u128::from(block));
    }
    working.into_changes()
}

fn bench_roots(criterion: &mut Criterion, growing: &RefCell<Growing>, accounts: u64) {
    for (operation, workers) in [("state::root", Workers::Rayon), ("state::root_one_core", Workers::Inline)] {
        let mut group = criterion.benchmark_group(operation);
        group.bench_function(of(&[("transfers", &TRANSFERS), ("accounts", &accounts)]), |bencher| {
            let mut growing = growing.borrow_mut();
            let state = &growing.grow(accounts).state;
            let blocks: Vec<_> = (0..BLOCKS).map(|block| write(state, block, &touched(block, accounts))).collect();
            let mut next = blocks.iter().cycle();
            bencher.iter_batched(
                || next.next().expect("a cycle has no end"),
                |changes| {
                    let mut state = apply(state, black_box(changes), workers);
                    let root = state.root_hash(workers);
                    (root, state)
                },
                BatchSize::PerIteration,
            );
        });
        group.finish();
    }
}

/// The state after so many more blocks, each with a root.
fn after_blocks(state: &StateTrie, blocks: u64, accounts: u64) -> StateTrie {
    let mut state = state.clone();
    for block in 0..blocks {
        state = apply(&state, &write(&state, block, &touched(block, accounts)), Workers::Rayon);
        state.root_hash(Workers::Rayon);
    }
    state
}

fn bench_overlay(criterion: &mut Criterion, growing: &RefCell<Growing>, accounts: u64) {
    for blocks in [0, DEEP] {
        let id = |what: &str| of(&[(what, &TRANSFERS), ("blocks", &blocks), ("accounts", &accounts)]);
        let state = LazyCell::new(|| after_blocks(&growing.borrow_mut().grow(accounts).state, blocks, accounts));
        let round = Cell::new(0);
        // Others each time.
        let some = || {
            round.set(round.get() + 1);
            (0..TRANSFERS).map(|number| recipient(round.get() % BLOCKS * TRANSFERS + number, accounts)).collect()
        };
        let mut group = criterion.benchmark_group("overlay::read");
        group.throughput(Throughput::Elements(TRANSFERS));
        group.bench_function(id("accounts_read"), |bencher| {
            let state = &*state;
            let read = |addresses: Vec<Address>| {
                let mut working = WorkingState::new(state);
                addresses.iter().map(|address| working.account_mut(*address).balance).max()
            };
            assert!(read(some()) >= Some(U256::from(RICH)));
            bencher.iter_batched(some, read, BatchSize::PerIteration);
        });
        group.finish();
        let mut group = criterion.benchmark_group("overlay::write");
        group.throughput(Throughput::Elements(TRANSFERS));
        group.bench_function(id("accounts_written"), |bencher| {
            let state = &*state;
            let change = |addresses: Vec<Address>| apply(state, &write(state, DEEP + 1, &addresses), Workers::Inline);
            bencher.iter_batched(some, change, BatchSize::PerIteration);
        });
        group.finish();
    }
}

/// 1,000 senders, each to another account.
fn transfers(accounts: u64) -> Vec<Arc<Transaction>> {
    let transfer = |sender: u32| {
        let to = recipient(u64::from(sender), accounts);
        Arc::new(unsigned(0, to, 1_000).sign(&key(sender), &B256::ZERO))
    };
    (0..TRANSFERS as u32).map(transfer).collect()
}

fn bench_execution(criterion: &mut Criterion, growing: &RefCell<Growing>, accounts: u64) {
    let transfers = LazyCell::new(|| transfers(accounts));
    let context = BlockContext { base_fee: BASE_FEE, beneficiary: beneficiary() };
    for (operation, workers) in [("execution::block", Workers::Rayon), ("execution::block_one_core", Workers::Inline)] {
        let mut group = criterion.benchmark_group(operation);
        for count in [10, TRANSFERS as usize] {
            group.throughput(Throughput::Elements(count as u64));
            group.bench_function(of(&[("transfers", &count), ("accounts", &accounts)]), |bencher| {
                let mut growing = growing.borrow_mut();
                let Growing { state, root, .. } = growing.grow(accounts);
                let run = || {
                    let mut executor = Executor::new(state, *root, context, GAS_LIMIT);
                    executor.look_up(&transfers[..count], workers);
                    for transfer in &transfers[..count] {
                        executor.push(Arc::clone(transfer)).expect("funded and in order");
                    }
                    executor.finish(workers)
                };
                // What was made is dropped outside the clock, one at a time.
                bencher.iter_batched(|| (), |()| run(), BatchSize::PerIteration);
            });
        }
        group.finish();
    }
}

fn bench_rebuild(criterion: &mut Criterion) {
    let accounts = common::large(REBUILT, 1_000);
    let mut group = criterion.benchmark_group("state::rebuild");
    common::slow(&mut group);
    group.throughput(Throughput::Elements(accounts));
    let keys = LazyCell::new(|| (0..accounts).map(|number| trie_key(&stranger(number))).collect::<Vec<_>>());
    group.bench_function(of(&[("accounts", &accounts)]), |bencher| {
        let rich = Account::with_balance(U256::from(RICH));
        let keys = &*keys;
        let build = || {
            let mut state = StateTrie::default();
            keys.iter().for_each(|key| state.insert(*key, &rich));
            state.root_hash(Workers::Rayon);
            state
        };
        bencher.iter_batched(|| (), |()| build(), BatchSize::PerIteration);
    });
    group.finish();
}

fn state(criterion: &mut Criterion) {
    bench_rebuild(criterion);
    let growing = RefCell::new(Growing::default());
    bench_roots(criterion, &growing, FEW);
    let many = common::large(MANY, FEW);
    bench_overlay(criterion, &growing, many);
    bench_execution(criterion, &growing, many);
    if !common::is_measured() {
        return;
    }
    bench_roots(criterion, &growing, MANY);
    let available = common::available_memory_bytes();
    if available < BYTES_FOR_MOST {
        let mib = |bytes: u64| bytes >> 20;
        let (there, needed) = (mib(available), mib(BYTES_FOR_MOST));
        println!("state::root with {MOST} accounts is left out: {there} MiB of memory are free, {needed} are needed");
        return;
    }
    bench_roots(criterion, &growing, MOST);
}

criterion_group! {
    name = benches;
    config = common::criterion();
    targets = state
}
criterion_main!(benches);
