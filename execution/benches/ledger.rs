//! Judging and committing blocks of 300 transfers on RocksDB among 100,000 accounts: CPU time of the one thread, with its
//! parts; and the bytes that an empty block costs.
//!
//! The blocks are sealed by another ledger beforehand, on a thread of its own; what is measured knows every transaction
//! from admission, as in a node. CPU time is the kernel's (`/proc/thread-self/schedstat`), so a sync costs what it costs
//! the processor, not the disk.

#[path = "../../core/benches/support/mod.rs"]
mod common;
#[path = "../tests/support/mod.rs"]
mod support;

use common::of;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use minuet_core::block::Block;
use minuet_core::genesis::Genesis;
use minuet_core::receipt::{Receipt, receipts_root};
use minuet_core::store::{Batch, Column, Durability, KeyValue, NumberedBy, Store, StoreError};
use minuet_core::transaction::Transaction;
use minuet_core::{U256, keccak256};
use minuet_execution::block::Executor;
use minuet_execution::transfer::BlockContext;
use minuet_execution::{Ledger, LedgerOptions, Workers};
use minuet_storage::{MemoryStore, RocksConfig, RocksStore};
use std::cell::{Cell, LazyCell, RefCell};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use support::{CHAIN_ID, RICH, address, beneficiary, commit, finalization, genesis_with, seal, stranger};

/// And fewer of both where nothing is measured.
const ACCOUNTS: u64 = 100_000;
const SENDERS: u32 = 1_000;
const TRANSFERS: u32 = 300;
const EMPTY_BLOCKS: u64 = 1_000;

/// CPU nanoseconds of the calling thread. The kernel brings its count up to date when the thread yields.
fn cpu_ns() -> u64 {
    std::thread::yield_now();
    let line = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

fn timed<T>(total: &mut u64, work: impl FnOnce() -> T) -> T {
    let before = cpu_ns();
    let outcome = work();
    *total += cpu_ns() - before;
    outcome
}

/// Counts the CPU time of writing.
struct TimedStore {
    inner: Arc<RocksStore>,
    write_ns: AtomicU64,
}

impl Store for TimedStore {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(column, key)
    }

    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StoreError> {
        let mut spent = 0;
        let outcome = timed(&mut spent, || self.inner.write(batch, durability));
        self.write_ns.fetch_add(spent, Ordering::Relaxed);
        outcome
    }

    fn scan(
        &self,
        column: Column,
        from: &[u8],
        until: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<KeyValue>, StoreError> {
        self.inner.scan(column, from, until, limit)
    }

    fn last(&self, column: Column) -> Result<Option<KeyValue>, StoreError> {
        self.inner.last(column)
    }

    fn retire(&self, column: Column, by: NumberedBy, until: u64) {
        self.inner.retire(column, by, until);
    }
}

fn accounts() -> u64 {
    common::large(ACCOUNTS, 1_000)
}

fn chain_genesis() -> Genesis {
    let all = (0..accounts()).map(stranger).chain((0..SENDERS).map(address));
    genesis_with(all.map(|address| (address, U256::from(RICH))).collect::<BTreeMap<_, _>>(), CHAIN_ID)
}

/// Seals a chain without end.
struct Sealer {
    ledger: Ledger,
    genesis: Genesis,
    sent: u64,
}

impl Sealer {
    fn new(genesis: Genesis) -> Self {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let ledger =
            Ledger::open(store, &genesis, LedgerOptions { workers: Workers::Inline, ..LedgerOptions::default() })
                .unwrap();
        Self { ledger, genesis, sent: 0 }
    }

    fn transfer(&mut self) -> Arc<Transaction> {
        let (round, sender) = (self.sent / u64::from(SENDERS), (self.sent % u64::from(SENDERS)) as u32);
        let to = stranger(u64::from_be_bytes(keccak256(self.sent.to_be_bytes())[..8].try_into().unwrap()) % accounts());
        self.sent += 1;
        support::transfer(&self.genesis, sender, round, to, 1_000)
    }

    fn next(&mut self, transfers: u32) -> (Block, Vec<Arc<Transaction>>) {
        let transactions: Vec<_> = (0..transfers).map(|_| self.transfer()).collect();
        let tip = Arc::clone(self.ledger.tip());
        let block = seal(&mut self.ledger, &tip, tip.height().0 + 1, transactions.clone());
        commit(&mut self.ledger, &[&block]);
        (block, transactions)
    }

    fn many(&mut self, count: u64, transfers: u32) -> Vec<(Block, Vec<Arc<Transaction>>)> {
        std::thread::scope(|scope| {
            let run = || (0..count).map(|_| self.next(transfers)).collect();
            std::thread::Builder::new().name("sealer".to_owned()).spawn_scoped(scope, run).unwrap().join().unwrap()
        })
    }
}

#[derive(Default)]
struct Phases {
    transfers: u64,
    admit: u64,
    judge: u64,
    transfers_apart: u64,
    execute: u64,
    apply_and_roots: u64,
    receipts_root: u64,
    commit: u64,
}

impl Phases {
    fn print(&self, write: u64) {
        let per = |ns: u64| ns as f64 / 1000.0 / self.transfers.max(1) as f64;
        let apart = |ns: u64| ns as f64 / 1000.0 / self.transfers_apart.max(1) as f64;
        println!("CPU µs per transfer, over {} transfers:", self.transfers);
        println!("  admit             {:6.2}", per(self.admit));
        println!("  judge             {:6.2}", per(self.judge));
        println!("    executing       {:6.2}  (measured once more, apart)", apart(self.execute));
        println!("    trie and roots  {:6.2}  (measured once more, apart)", apart(self.apply_and_roots));
        println!("    receipts root   {:6.2}  (measured once more, apart)", apart(self.receipts_root));
        println!("  commit            {:6.2}", per(self.commit));
        println!("    store write     {:6.2}", per(write));
        println!("  judge and commit  {:6.2}", per(self.judge + self.commit));
    }
}

struct Bench {
    sealer: Sealer,
    ledger: Ledger,
    store: Arc<TimedStore>,
    phases: Phases,
    _directory: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let genesis = chain_genesis();
        let directory = tempfile::tempdir_in(common::scratch()).unwrap();
        let inner = RocksStore::open(directory.path(), RocksConfig::default()).unwrap();
        let store = Arc::new(TimedStore { inner, write_ns: AtomicU64::default() });
        let options = LedgerOptions { workers: Workers::Inline, ..LedgerOptions::default() };
        let ledger = Ledger::open(Arc::clone(&store) as _, &genesis, options).unwrap();
        store.write_ns.store(0, Ordering::Relaxed);
        Self { sealer: Sealer::new(genesis), ledger, store, phases: Phases::default(), _directory: directory }
    }

    /// CPU time of judging and committing.
    fn replay(&mut self, blocks: u64) -> Duration {
        let blocks = self.sealer.many(blocks, TRANSFERS);
        let before = self.phases.judge + self.phases.commit;
        for (number, (block, transactions)) in blocks.into_iter().enumerate() {
            self.phases.transfers += transactions.len() as u64;
            if number % 16 == 15 {
                self.measure_apart(&transactions);
            }
            timed(&mut self.phases.admit, || transactions.iter().for_each(|t| self.ledger.admit(Arc::clone(t))));
            let (digest, ledger) = (block.digest(), &mut self.ledger);
            let judgement = timed(&mut self.phases.judge, || ledger.judge(&block)).unwrap();
            assert_eq!(judgement.verdict, minuet_core::messages::Verdict::Valid);
            let finalization = finalization(digest);
            let finality = timed(&mut self.phases.commit, || ledger.commit(&[digest], &finalization)).unwrap();
            assert!(finality.is_some());
        }
        assert_eq!(self.ledger.signatures_checked(), 0);
        Duration::from_nanos(self.phases.judge + self.phases.commit - before)
    }

    /// The parts of judging, on a thread of its own so that a profile of this one shows the whole only.
    fn measure_apart(&mut self, transactions: &[Arc<Transaction>]) {
        let (phases, ledger) = (&mut self.phases, &self.ledger);
        phases.transfers_apart += transactions.len() as u64;
        let run = || {
            let context = BlockContext { base_fee: support::BASE_FEE, beneficiary: beneficiary() };
            let root = ledger.tip().state_root();
            let mut executor = Executor::new(ledger.state(), root, context, support::GAS_LIMIT);
            timed(&mut phases.execute, || {
                executor.look_up(transactions, Workers::Inline);
                for transaction in transactions {
                    executor.push(Arc::clone(transaction)).unwrap();
                }
            });
            black_box(timed(&mut phases.apply_and_roots, || executor.finish(Workers::Inline)));
            let receipts: Vec<_> = (1..=transactions.len() as u64).map(|n| Receipt::transfer(n * 21_000)).collect();
            black_box(timed(&mut phases.receipts_root, || receipts_root(&receipts)));
        };
        std::thread::scope(|scope| {
            std::thread::Builder::new().name("apart".to_owned()).spawn_scoped(scope, run).unwrap().join().unwrap();
        });
    }

    /// Bytes that the process gave to the disk for an empty block, on average.
    fn empty_block_bytes(&mut self) -> u64 {
        let count = common::large(EMPTY_BLOCKS, 10);
        let blocks = self.sealer.many(count, 0);
        let before = written_bytes();
        for (block, _) in blocks {
            self.ledger.judge(&block).unwrap();
            self.ledger.commit(&[block.digest()], &finalization(block.digest())).unwrap();
        }
        (written_bytes() - before) / count
    }
}

fn written_bytes() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap();
    let line = io.lines().find_map(|line| line.strip_prefix("write_bytes: ")).unwrap();
    line.parse().unwrap()
}

fn ledger(criterion: &mut Criterion) {
    let bench = LazyCell::new(|| {
        let mut bench = Bench::new();
        println!("an empty block writes {} bytes", bench.empty_block_bytes());
        RefCell::new(bench)
    });
    let has_run = Cell::new(false);
    let mut group = criterion.benchmark_group("ledger::judge_and_commit_cpu");
    group.throughput(Throughput::Elements(u64::from(TRANSFERS)));
    common::slow(&mut group);
    group.bench_function(of(&[("transfers", &TRANSFERS), ("accounts", &accounts())]), |bencher| {
        has_run.set(true);
        bencher.iter_custom(|blocks| bench.borrow_mut().replay(blocks));
    });
    group.finish();
    if has_run.get() {
        let bench = bench.borrow();
        bench.phases.print(bench.store.write_ns.load(Ordering::Relaxed));
    }
}

criterion_group! {
    name = benches;
    config = common::criterion();
    targets = ledger
}
criterion_main!(benches);
