//! What the disk costs: batches of RocksDB with and without a sync, reads, and groups of the journal. Real files, beside the
//! build outputs.

#[path = "../../core/benches/support/mod.rs"]
mod support;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use minuet_core::messages::JournalRecord;
use minuet_core::store::{Batch, Column, Durability, Store};
use minuet_core::{B256, Bytes, keccak256};
use minuet_storage::{Journal, JournalConfig, RealDirectory, RocksConfig, RocksStore};
use std::cell::{Cell, LazyCell, RefCell};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::of;
use tempfile::TempDir;

/// Transfers of the blocks that are written.
const TRANSFERS: [u64; 2] = [0, 1_000];
/// Accounts that are there to be read.
const ACCOUNTS: u64 = 100_000;
const READ: u64 = 1_000;

/// Bytes of an account's, a header's and a certificate's value, of an indexed place and of a transfer in a body.
const ACCOUNT_BYTES: usize = 24;
const HEADER_BYTES: usize = 620;
const CERTIFICATE_BYTES: usize = 110;
const PLACE_BYTES: usize = 12;
const TRANSFER_BYTES: usize = 180;

fn name(number: u64) -> B256 {
    keccak256(number.to_be_bytes())
}

/// Bytes that no compression makes shorter.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    (0..).flat_map(|part: u64| name(seed.wrapping_mul(1 << 20) ^ part).0).take(length).collect()
}

struct Database {
    store: Arc<RocksStore>,
    height: Cell<u64>,
    _directory: TempDir,
}

impl Database {
    fn new() -> Self {
        let directory = tempfile::tempdir_in(support::scratch()).expect("the disk has room");
        let store = RocksStore::open(directory.path(), RocksConfig::default()).expect("an empty directory");
        Self { store, height: Cell::new(0), _directory: directory }
    }

    /// As many entries and bytes as a commit of the next block writes.
    fn block(&self, transfers: u64) -> Batch {
        let height = self.height.replace(self.height.get() + 1);
        let key = height.to_be_bytes();
        let mut batch = Batch::default();
        batch.put(Column::Headers, key, noise(height, HEADER_BYTES));
        batch.put(Column::BlockIndex, name(height).0, key);
        batch.put(Column::Certificates, key, noise(height + 1, CERTIFICATE_BYTES));
        batch.put(Column::Meta, *b"tip", noise(height + 2, 40));
        if transfers > 0 {
            batch.put(Column::Bodies, key, noise(height + 3, TRANSFER_BYTES * transfers as usize));
            batch.put(Column::Receipts, key, vec![1; 4 * transfers as usize]);
        }
        for number in 0..transfers {
            let transaction = name((height << 20) | number);
            batch.put(Column::TransactionIndex, transaction.0, noise(number, PLACE_BYTES));
            // Sender and recipient.
            for account in [name(number), name((height << 21) | number)] {
                batch.put(Column::Accounts, &account[..20], noise(height, ACCOUNT_BYTES));
            }
        }
        batch
    }

    fn fill(&self) {
        for page in (0..support::large(ACCOUNTS, 1_000)).collect::<Vec<_>>().chunks(10_000) {
            let mut batch = Batch::default();
            page.iter()
                .for_each(|number| batch.put(Column::Accounts, &name(*number)[..20], noise(*number, ACCOUNT_BYTES)));
            self.store.write(batch, Durability::Unsynced).expect("the disk has room");
        }
        self.store.flush().expect("the disk has room");
    }
}

fn bench_database(criterion: &mut Criterion) {
    let database = LazyCell::new(Database::new);
    let mut group = criterion.benchmark_group("storage::batch");
    for transfers in TRANSFERS {
        for (synced, durability) in [("no", Durability::Unsynced), ("yes", Durability::Synced)] {
            group.bench_function(of(&[("transfers", &transfers), ("synced", &synced)]), |bencher| {
                let database = &*database;
                bencher.iter_batched(
                    || database.block(transfers),
                    |batch| database.store.write(batch, durability).expect("the disk has room"),
                    BatchSize::PerIteration,
                );
            });
        }
    }
    group.finish();
    let database = LazyCell::new(|| {
        let database = Database::new();
        database.fill();
        database
    });
    let accounts = support::large(ACCOUNTS, 1_000);
    let mut group = criterion.benchmark_group("storage::get_many");
    group.throughput(Throughput::Elements(READ));
    group.bench_function(of(&[("keys", &READ), ("accounts", &accounts)]), |bencher| {
        let keys: Vec<Vec<u8>> = (0..READ).map(|n| name(n * 7_919 % accounts)[..20].to_vec()).collect();
        let read = || database.store.get_many(Column::Accounts, black_box(&keys)).expect("it was written");
        assert!(read().iter().all(Option::is_some));
        bencher.iter(read);
    });
}

struct Log {
    journal: Journal<RealDirectory>,
    next: u64,
    _directory: TempDir,
}

impl Log {
    fn new() -> Self {
        let directory = tempfile::tempdir_in(support::scratch()).expect("the disk has room");
        let files = RealDirectory::open_or_create(directory.path()).expect("a new directory");
        let (journal, _) = Journal::open(files, B256::ZERO, JournalConfig::default()).expect("an empty directory");
        Self { journal, next: 1, _directory: directory }
    }

    /// Groups of records, each durable before the next; what is old goes as in a chain that becomes final.
    fn append(&mut self, groups: u64, records: u64, payload: &Bytes) -> Duration {
        let mut total = Duration::ZERO;
        for _ in 0..groups {
            let group: Vec<_> =
                (0..records).map(|_| JournalRecord { tag: self.next, payload: payload.clone() }).collect();
            let begun = Instant::now();
            self.journal.append(&group).expect("the disk has room");
            self.journal.sync().expect("the disk has room");
            total += begun.elapsed();
            self.next += 1;
            self.journal.prune(self.next.saturating_sub(64)).expect("the disk has room");
        }
        total
    }
}

fn bench_journal(criterion: &mut Criterion) {
    let log = LazyCell::new(|| RefCell::new(Log::new()));
    let mut group = criterion.benchmark_group("journal::append_and_sync");
    // A vote; votes that waited together; a small block; a block of 1,000 transfers.
    for (records, bytes) in [(1, 50), (16, 50), (1, 1_000), (1, TRANSFER_BYTES * 1_000)] {
        group.throughput(Throughput::Bytes(records * bytes as u64));
        group.bench_function(of(&[("records", &records), ("bytes", &bytes)]), |bencher| {
            let payload = Bytes::from(noise(1, bytes));
            let mut log = log.borrow_mut();
            bencher.iter_custom(|groups| log.append(groups, records, &payload));
        });
    }
}

criterion_group! {
    name = benches;
    config = support::criterion();
    targets = bench_database, bench_journal
}
criterion_main!(benches);
