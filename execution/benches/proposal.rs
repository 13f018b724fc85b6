//! What a leader's block costs by how much waits: choosing its transactions, executing them, all roots. All senders have
//! money; an empty block would measure nothing and is an error.

#[path = "../../core/benches/support/mod.rs"]
mod common;
#[path = "../tests/support/mod.rs"]
mod support;

use common::of;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use minuet_core::U256;
use minuet_core::genesis::Genesis;
use minuet_core::messages::Branch;
use minuet_core::store::Store;
use minuet_execution::{Ledger, LedgerOptions};
use minuet_mempool::{ChainRules, Examined, MempoolConfig, Origin, Pool, SelectLimits};
use minuet_storage::MemoryStore;
use std::cell::{LazyCell, RefCell};
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{BASE_FEE, CHAIN_ID, GAS_LIMIT, RICH, address, commit, genesis_with, key, parts, stranger, unsigned};

const PENDING: [u64; 4] = [100, 1_000, 10_000, 100_000];
const SENDERS: u64 = 10_000;
const ACCOUNTS: u64 = 100_000;
/// As much gas as a block has.
const MOST_IN_A_BLOCK: u64 = GAS_LIMIT / 21_000;
const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;

/// A leader's ledger and pool.
struct Leader {
    genesis: Genesis,
    ledger: Ledger,
    pool: Pool,
    admitted: u64,
}

impl Leader {
    fn new() -> RefCell<Self> {
        let senders = (0..common::large(SENDERS, 100) as u32).map(address);
        let all = (0..common::large(ACCOUNTS, 1_000)).map(stranger).chain(senders);
        let genesis = genesis_with(all.map(|address| (address, U256::from(RICH))).collect(), CHAIN_ID);
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let ledger = Ledger::open(store, &genesis, LedgerOptions::default()).expect("an empty store");
        let config = MempoolConfig { max_transactions: 200_000, max_bytes: 256 << 20, ..MempoolConfig::default() };
        let pool = Pool::new(config, ChainRules::from(&genesis), Arc::new(ledger.reader().clone()));
        RefCell::new(Self { genesis, ledger, pool, admitted: 0 })
    }

    /// Lets transfers in until so many wait: one of each sender, then the next one of each.
    fn fill(&mut self, pending: u64) {
        let keys: Vec<_> = (0..pending.min(SENDERS) as u32).map(key).collect();
        for number in self.admitted..pending {
            let (sender, nonce) = ((number % SENDERS) as usize, number / SENDERS);
            let mut fields = unsigned(nonce, stranger(number * 7_919 % common::large(ACCOUNTS, 1_000)), 1_000);
            fields.max_priority_fee_per_gas = u128::from(number % 1_000);
            let transfer = fields.sign(&keys[sender], &self.genesis.digest());
            let Ok(Examined::New(transfer)) = self.pool.examine(transfer.envelope()) else {
                panic!("it is new and good")
            };
            self.pool.insert(transfer, Origin::Client).expect("there is room");
        }
        self.admitted = self.admitted.max(pending);
        assert_eq!(self.pool.pending() as u64, pending, "sizes are measured in ascending order");
    }

    /// The time from the request to the sealed block, which goes without having changed anything.
    fn propose(&mut self) -> Duration {
        let tip = Arc::clone(self.ledger.tip());
        let limits = SelectLimits { max_bytes: MAX_BODY_BYTES, max_gas: GAS_LIMIT };
        let branch = Branch { parent: tip.digest(), with_transactions: Vec::new(), base_fee: BASE_FEE };
        let parts = parts(&tip, tip.view().0 + 1);
        let begun = Instant::now();
        let overlay = self.pool.overlay(&branch).expect("nothing is unfinalized");
        let chosen = self.pool.select(&overlay, limits);
        let (block, _) = self.ledger.seal(&parts, chosen).expect("the tip is executed");
        let elapsed = begun.elapsed();
        let wanted = self.admitted.min(MOST_IN_A_BLOCK);
        assert_eq!(block.body().transactions.len() as u64, wanted, "an empty or short proposal");
        let (empty, _) = self.ledger.seal(&parts, Vec::new()).expect("the tip is executed");
        commit(&mut self.ledger, &[&empty]);
        elapsed
    }
}

fn proposal(criterion: &mut Criterion) {
    let leader = LazyCell::new(Leader::new);
    let mut group = criterion.benchmark_group("proposal::build");
    common::slow(&mut group);
    for pending in PENDING.into_iter().filter(|pending| *pending <= common::large(u64::MAX, 100)) {
        group.throughput(Throughput::Elements(pending.min(MOST_IN_A_BLOCK)));
        group.bench_function(of(&[("pending", &pending)]), |bencher| {
            let mut leader = leader.borrow_mut();
            leader.fill(pending);
            bencher.iter_custom(|blocks| (0..blocks).map(|_| leader.propose()).sum());
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = common::criterion();
    targets = proposal
}
criterion_main!(benches);
