//! What the pool costs at every depth: letting transactions in, with and without their signatures, and choosing those of a
//! proposal.

#[path = "../../../core/benches/support/mod.rs"]
mod support;

mod node;
mod senders;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use minuet_core::messages::{Branch, StateNotice, TransactionMark};
use minuet_core::transaction::{TRANSFER_GAS, Transaction};
use minuet_core::{B256, Bytes, Height, U256};
use minuet_mempool::{Examined, Origin, Pool, SelectLimits, unpack_frame};
use node::Node;
use senders::{BATCH, Funds, batch, config, rules, transfers};
use std::cell::{LazyCell, RefCell};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::of;

const PENDING: [u64; 4] = [100, 1_000, 10_000, 100_000];
/// Of a block: as much gas as 10,000 transfers take, or two megabytes.
const WHOLE_BLOCK: u64 = 10_000;
const FEW: u64 = 500;
const IN_BRANCH: usize = 2_000;
const DEEP: u64 = 10_000;

/// Depths that are worth the time of their set-up.
fn depths() -> impl Iterator<Item = u64> {
    PENDING.into_iter().filter(|pending| *pending <= support::large(u64::MAX, 1_000))
}

/// A pool in which so many wait.
struct Filled {
    pool: Pool,
    funds: Arc<Funds>,
    batch: Vec<Bytes>,
}

impl Filled {
    fn new(pending: u64) -> Self {
        let funds = Arc::new(Funds::default());
        let mut pool = Pool::new(config(), rules(), Arc::clone(&funds) as _);
        for envelope in transfers(pending) {
            insert(&mut pool, &envelope);
        }
        assert_eq!(pool.pending() as u64, pending);
        Self { pool, funds, batch: batch() }
    }

    /// Lets a batch in, in so much time, and makes it leave again.
    fn admit(&mut self) -> Duration {
        let before = self.pool.pending();
        let begun = Instant::now();
        for envelope in &self.batch {
            insert(&mut self.pool, black_box(envelope));
        }
        let elapsed = begun.elapsed();
        assert_eq!(self.pool.pending(), before + self.batch.len());
        self.funds.while_poor(|notice| self.pool.apply(notice));
        assert_eq!(self.pool.pending(), before);
        elapsed
    }
}

/// As the driver does it, but for the signature between the two.
fn insert(pool: &mut Pool, envelope: &Bytes) {
    let Ok(Examined::New(transaction)) = pool.examine(envelope) else { panic!("it is new and good") };
    pool.insert(transaction, Origin::Client).expect("there is room");
}

fn repeat(times: u64, mut work: impl FnMut() -> Duration) -> Duration {
    (0..times).map(|_| work()).sum()
}

fn bench_admission(criterion: &mut Criterion) {
    for pending in depths() {
        let id = |from: &str| of(&[("pending", &pending), ("batch", &BATCH), ("from", &from)]);
        let pool = LazyCell::new(|| RefCell::new(Filled::new(pending)));
        let mut group = criterion.benchmark_group("mempool::admit_unchecked");
        group.throughput(Throughput::Elements(BATCH));
        group.bench_function(id("client"), |bencher| {
            let mut filled = pool.borrow_mut();
            bencher.iter_custom(|times| repeat(times, || filled.admit()));
        });
        group.finish();
        drop(pool);

        let node = LazyCell::new(|| RefCell::new(Node::new(pending)));
        let mut group = criterion.benchmark_group("mempool::admit");
        group.throughput(Throughput::Elements(BATCH));
        group.bench_function(id("client"), |bencher| {
            let mut node = node.borrow_mut();
            bencher.iter_custom(|times| repeat(times, || node.submit()));
        });
        group.bench_function(id("peer"), |bencher| {
            let mut node = node.borrow_mut();
            bencher.iter_custom(|times| repeat(times, || node.receive()));
        });
        group.finish();
    }
    let frame = LazyCell::new(|| senders::frame(&transfers(1_000)));
    let id = of(&[("message", &"transactions"), ("transfers", &1_000)]);
    criterion.benchmark_group("codec::decode").bench_function(id, |bencher| {
        let frame = &*frame;
        assert_eq!(unpack_frame(frame).filter(Result::is_ok).count(), 1_000);
        bencher.iter(|| {
            unpack_frame(black_box(frame)).map(|envelope| envelope.map_or(0, |bytes| bytes.len())).sum::<usize>()
        });
    });
}

/// On the newest final block.
fn flat(base_fee: u64) -> Branch {
    Branch { parent: B256::ZERO, with_transactions: vec![], base_fee }
}

fn limits(transfers: u64) -> SelectLimits {
    SelectLimits { max_bytes: 2 * 1024 * 1024, max_gas: transfers * TRANSFER_GAS }
}

/// What is selected; an empty proposal measures nothing.
fn select(pool: &Pool, branch: &Branch, transfers: u64) -> Vec<Arc<Transaction>> {
    let overlay = pool.overlay(black_box(branch)).expect("the branch is known");
    let chosen = pool.select(&overlay, limits(transfers));
    assert!(!chosen.is_empty(), "an empty proposal, though {} transactions wait", pool.pending());
    chosen
}

fn bench_selection(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mempool::select");
    for pending in depths() {
        let filled = LazyCell::new(|| Filled::new(pending));
        for block in [FEW, WHOLE_BLOCK] {
            group.bench_function(of(&[("pending", &pending), ("limit", &block)]), |bencher| {
                assert_eq!(select(&filled.pool, &flat(1_000_000), block).len() as u64, block.min(pending));
                bencher.iter(|| select(&filled.pool, &flat(1_000_000), block));
            });
        }
    }
    group.finish();
    let pending = support::large(DEEP, 3_000);
    let filled = LazyCell::new(|| RefCell::new(Filled::new(pending)));
    let id = || of(&[("pending", &pending), ("limit", &FEW)]);
    criterion.benchmark_group("mempool::select_at_higher_base_fee").bench_function(id(), |bencher| {
        let filled = filled.borrow();
        bencher.iter(|| select(&filled.pool, &flat(10_500_000), FEW));
    });
    let id = of(&[("pending", &pending), ("limit", &FEW), ("branch", &IN_BRANCH)]);
    criterion.benchmark_group("mempool::select_on_branch").bench_function(id, |bencher| {
        let mut filled = filled.borrow_mut();
        let digest = executed(&mut filled.pool);
        let branch = Branch { parent: digest, with_transactions: vec![digest], base_fee: 1_000_000 };
        bencher.iter(|| select(&filled.pool, &branch, FEW));
    });
}

/// Tells the pool of a block of the best that wait; idempotent.
fn executed(pool: &mut Pool) -> B256 {
    let (digest, parent) = (B256::repeat_byte(1), B256::ZERO);
    let mark = |transaction: &Arc<Transaction>| TransactionMark {
        hash: transaction.hash(),
        sender: transaction.sender(),
        nonce: transaction.nonce(),
        spent: U256::from(TRANSFER_GAS),
    };
    let best = select(pool, &flat(1_000_000), IN_BRANCH as u64);
    let transactions = best.iter().map(mark).collect();
    pool.apply(StateNotice::Executed { digest, parent, height: Height(1), transactions });
    digest
}

criterion_group! {
    name = benches;
    config = support::criterion();
    targets = bench_admission, bench_selection
}
criterion_main!(benches);
