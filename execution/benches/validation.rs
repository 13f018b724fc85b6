//! What a block costs before there may be a vote for it, by its number of transfers: signatures alone in three ways; decoding,
//! hashing, signatures and every other check that needs no state; the whole, with execution, receipts and all roots.
//!
//! "Seen" is a block whose transactions were all checked at admission, "cold" one of which none was. What is measured is
//! the ledger that a node runs, with both cores where it uses them. Blocks of a size are taken in turn, so that none
//! finds its own accounts in the processor's caches.

#[path = "../../core/benches/support/mod.rs"]
mod common;
#[path = "../tests/support/mod.rs"]
mod support;

use common::of;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use minuet_core::block::{Block, Body};
use minuet_core::ed25519::{self, Item};
use minuet_core::genesis::Genesis;
use minuet_core::header::{BlockHeader, HeaderParts};
use minuet_core::messages::Verdict;
use minuet_core::store::Store;
use minuet_core::{U256, keccak256};
use minuet_execution::{Ledger, LedgerOptions};
use minuet_storage::MemoryStore;
use std::cell::{LazyCell, RefCell};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{CHAIN_ID, RICH, address, commit, genesis_with, parts, stranger};

const TRANSFERS: [u64; 5] = [100, 500, 1_000, 5_000, 10_000];
/// Keys that send, one transfer after the other where a block has more of them.
const SENDERS: u64 = 1_000;
const ACCOUNTS: u64 = 1_000_000;
/// Accounts where none is looked at.
const FEW_ACCOUNTS: u64 = 1;
/// Transfers of all blocks of one size together, at least two blocks.
const IN_TURN: u64 = 8_000;

/// Whether its transactions were checked before the block came.
#[derive(Clone, Copy, PartialEq)]
enum Known {
    Cold,
    Seen,
}

/// A block of which all but the parent is decided.
struct Made {
    parts: HeaderParts,
    body: Vec<u8>,
    transfers: u64,
}

/// Blocks of one size, in turn.
struct Rota {
    made: Vec<Made>,
    next: usize,
}

/// A ledger at whose tip any number of blocks can be tried, one after the other.
struct World {
    genesis: Genesis,
    ledger: Ledger,
    /// So that blocks do not repeat transfers.
    value: u128,
}

fn accounts(accounts: u64) -> BTreeMap<minuet_core::Address, U256> {
    let senders = (0..SENDERS as u32).map(address);
    (0..accounts).map(stranger).chain(senders).map(|address| (address, U256::from(RICH))).collect()
}

impl World {
    fn new(count: u64) -> RefCell<Self> {
        let genesis = genesis_with(accounts(count), CHAIN_ID);
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let ledger = Ledger::open(store, &genesis, LedgerOptions::default()).expect("an empty store");
        RefCell::new(Self { genesis, ledger, value: 1_000 })
    }

    /// Makes the blocks of a size among so many accounts.
    fn rota(&mut self, transfers: u64, known: Known, accounts: u64) -> Rota {
        let blocks = common::large((IN_TURN / transfers).clamp(2, 8), 1);
        Rota { made: (0..blocks).map(|_| self.make(transfers, known, accounts)).collect(), next: 0 }
    }

    fn make(&mut self, transfers: u64, known: Known, accounts: u64) -> Made {
        self.value += 1;
        let transfer = |number: u64| {
            let chance = keccak256([u64::to_be_bytes(number), (self.value as u64).to_be_bytes()].concat());
            let to = u64::from_be_bytes(chance[..8].try_into().expect("eight of 32 bytes")) % accounts;
            let (sender, nonce) = ((number % SENDERS) as u32, number / SENDERS);
            support::transfer(&self.genesis, sender, nonce, stranger(to), self.value)
        };
        let transactions: Vec<_> = (0..transfers).map(transfer).collect();
        let tip = Arc::clone(self.ledger.tip());
        let block = support::seal(&mut self.ledger, &tip, tip.view().0 + 1, transactions.clone());
        assert_eq!(block.body().transactions.len() as u64, transfers, "all of them were executed");
        self.forget();
        if known == Known::Seen {
            transactions.into_iter().for_each(|transaction| self.ledger.admit(transaction));
        }
        Made { parts: block.header().parts(), body: block.body().encode(), transfers }
    }

    /// The next block of a rota, on the newest final block.
    fn next<'a>(&self, rota: &'a mut Rota) -> (Arc<BlockHeader>, &'a Made) {
        let place = rota.next % rota.made.len();
        rota.next += 1;
        let (made, tip) = (&rota.made[place], self.ledger.tip());
        let on_tip = HeaderParts {
            parent: tip.digest(),
            parent_view: tip.view(),
            view: tip.view().next(),
            height: tip.height().next(),
            time: tip.time(),
            ..made.parts.clone()
        };
        (Arc::new(BlockHeader::seal(&on_tip)), made)
    }

    /// Makes an empty block final beside what was judged, which goes without having changed anything.
    fn forget(&mut self) {
        let tip = Arc::clone(self.ledger.tip());
        let (empty, _) = self.ledger.seal(&parts(&tip, tip.view().0 + 1), Vec::new()).expect("the tip is executed");
        commit(&mut self.ledger, &[&empty]);
        assert!(self.ledger.unfinalized().is_empty());
    }

    /// Runs something on the next block; as many signatures must have been checked as it has unknown ones.
    fn timed(
        &mut self,
        rota: &mut Rota,
        known: Known,
        work: fn(&mut Ledger, Arc<BlockHeader>, &[u8]) -> u64,
    ) -> Duration {
        let (header, made) = self.next(rota);
        let before = self.ledger.signatures_checked();
        let begun = Instant::now();
        let done = work(&mut self.ledger, header, black_box(&made.body));
        let elapsed = begun.elapsed();
        assert_eq!(done, made.transfers);
        let checked = if known == Known::Cold { made.transfers } else { 0 };
        assert_eq!(self.ledger.signatures_checked() - before, checked);
        self.forget();
        elapsed
    }
}

/// All that needs no state.
fn stateless(ledger: &mut Ledger, header: Arc<BlockHeader>, body: &[u8]) -> u64 {
    let body = Body::decode(body).expect("a good body");
    let block = Block::sealed(header, Arc::new(body));
    ledger.checked_transactions(&block).expect("good transactions").len() as u64
}

/// From the bytes to the verdict: the transactions root is compared when header and body are joined.
fn whole(ledger: &mut Ledger, header: Arc<BlockHeader>, body: &[u8]) -> u64 {
    let body = Body::decode(body).expect("a good body");
    let block = Block::new(header, Arc::new(body)).expect("its own body");
    assert_eq!(ledger.judge(&block).expect("memory does not fail").verdict, Verdict::Valid);
    block.body().transactions.len() as u64
}

fn items(transfers: u64) -> Vec<Item> {
    let genesis = support::genesis();
    let transfer = |number: u64| {
        let (sender, nonce) = ((number % SENDERS) as u32, number / SENDERS);
        support::transfer(&genesis, sender, nonce, stranger(number), 1_000).signature_item(&genesis.digest())
    };
    (0..transfers).map(transfer).collect()
}

fn one_by_one(items: &[Item]) -> Vec<bool> {
    items.iter().map(|item| ed25519::verify(&item.key, &item.message, &item.signature).is_ok()).collect()
}

type Verify = fn(&[Item]) -> Vec<bool>;

const VERIFIERS: [(&str, Verify); 3] = [
    ("validation::signatures_sequential", one_by_one),
    ("validation::signatures_batched", ed25519::verify_batch_inline),
    ("validation::signatures_rayon", ed25519::verify_batch),
];

fn bench_signatures(criterion: &mut Criterion) {
    let all = LazyCell::new(|| items(10_000));
    for (operation, verify) in VERIFIERS {
        let mut group = criterion.benchmark_group(operation);
        for transfers in TRANSFERS {
            if transfers >= 1_000 {
                common::slow(&mut group);
            }
            group.throughput(Throughput::Elements(transfers));
            group.bench_function(of(&[("transfers", &transfers)]), |bencher| {
                let items = &all[..transfers as usize];
                assert!(verify(items).into_iter().all(|good| good));
                bencher.iter(|| verify(black_box(items)));
            });
        }
        group.finish();
    }
}

fn bench_ledger(criterion: &mut Criterion) {
    type Work = fn(&mut Ledger, Arc<BlockHeader>, &[u8]) -> u64;
    const STATELESS: Work = stateless;
    const WHOLE: Work = whole;
    let sizes = |is_whole: bool| if is_whole { common::large(ACCOUNTS, 1_000) } else { FEW_ACCOUNTS };
    for (is_whole, work) in [(false, STATELESS), (true, WHOLE)] {
        let accounts = sizes(is_whole);
        let world = LazyCell::new(|| World::new(accounts));
        for known in [Known::Seen, Known::Cold] {
            let mut group = criterion.benchmark_group(match (is_whole, known) {
                (false, Known::Seen) => "validation::stateless",
                (false, Known::Cold) => "validation::stateless_cold",
                (true, Known::Seen) => "validation::whole",
                (true, Known::Cold) => "validation::whole_cold",
            });
            common::slow(&mut group);
            for transfers in TRANSFERS {
                let with_accounts = of(&[("transfers", &transfers), ("accounts", &accounts)]);
                let id = if is_whole { with_accounts } else { of(&[("transfers", &transfers)]) };
                let rota = LazyCell::new(|| RefCell::new(world.borrow_mut().rota(transfers, known, accounts)));
                group.throughput(Throughput::Elements(transfers));
                group.bench_function(id, |bencher| {
                    let mut rota = rota.borrow_mut();
                    let mut world = world.borrow_mut();
                    bencher.iter_custom(|blocks| (0..blocks).map(|_| world.timed(&mut rota, known, work)).sum());
                });
            }
            group.finish();
        }
    }
}

fn bench_roots(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("validation::transactions_root");
    for transfers in TRANSFERS {
        let body = LazyCell::new(|| {
            let genesis = support::genesis();
            let transfer = |number| support::transfer(&genesis, 0, number, stranger(number), 1_000).envelope().clone();
            Body { transactions: (0..transfers).map(transfer).collect() }
        });
        group.bench_function(of(&[("transfers", &transfers)]), |bencher| {
            let body = &*body;
            bencher.iter(|| black_box(body).root());
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = common::criterion();
    targets = bench_signatures, bench_roots, bench_ledger
}
criterion_main!(benches);
