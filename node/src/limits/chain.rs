//! What blocks full of transfers cost, each transfer: signing, decoding and hashing, executing, state root, commit to
//! RocksDB. The production code path on the calling thread, over many accounts.

use super::clock::{cpu_us_of, micros, percentile};
use super::effort::Effort;
use super::watched_store::{WatchedStore, Written};
use super::workload::{Workload, finalization};
use crate::exit::{Exit, Failure};
use minuet_core::Bytes;
use minuet_core::store::{Durability, StoreError};
use minuet_core::transaction::{Transaction, TransactionError, transactions_root};
use minuet_execution::block::{Executor, InvalidBlock};
use minuet_execution::transfer::BlockContext;
use minuet_execution::{Ledger, LedgerError, LedgerOptions, Workers};
use minuet_storage::{RocksConfig, RocksStore};
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

/// Accounts of the whole measurement, and of a quick look.
pub const ACCOUNTS: u32 = 100_000;
/// Transfers of a block, one of each sender.
pub const TRANSFERS: u32 = 1_000;
/// Half of them are synced.
const BLOCKS: u32 = 60;
/// At the start: caches and tables are cold.
const WARM_UP_BLOCKS: u32 = 2;

/// Microseconds of processor time a transfer, unless the name says otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChainCosts {
    /// Accounts in the state.
    pub accounts: u32,
    /// Transfers in a block.
    pub transfers: u32,
    /// The client makes and signs it.
    pub sign_us: f64,
    /// Decoding, hashing, checks without state, the signed message, the body's root.
    pub hash_us: f64,
    /// Executing.
    pub execution_us: f64,
    /// Applying to the trie, state root, receipts root.
    pub state_root_us: f64,
    /// Committing: the batch, and writing it. Half of them are not synced: a sync is waiting, not work.
    pub state_write_us: f64,
    /// Of its envelope.
    pub envelope_bytes: f64,
    /// Keys of a block's batch.
    pub batch_keys: f64,
    /// Microseconds until a block's batch is written, not synced.
    pub batch_unsynced_us: f64,
    /// The same, synced.
    pub batch_synced_us: f64,
}

/// What is collected, a sample a block.
#[derive(Default)]
struct Samples {
    sign: Vec<f64>,
    hash: Vec<f64>,
    execution: Vec<f64>,
    state_root: Vec<f64>,
    commit: Vec<f64>,
    synced: Vec<Written>,
    unsynced: Vec<Written>,
    envelope_bytes: f64,
}

/// Makes a chain in a new database in this directory.
///
/// # Errors
/// When the disk refuses, or a block is refused, which is a bug.
pub fn measure(dir: &Path, workload: &mut Workload, accounts: u32, effort: Effort) -> Result<ChainCosts, Failure> {
    let failed = |error: StoreError| Failure::new(Exit::Storage, format!("the database cannot be measured: {error}"));
    let inner = RocksStore::open(dir, RocksConfig::default()).map_err(failed)?;
    let store = Arc::new(WatchedStore::new(inner));
    let options = LedgerOptions { workers: Workers::Inline, ..LedgerOptions::default() };
    let mut ledger = Ledger::open(Arc::clone(&store) as _, workload.genesis(), options).map_err(failed)?;
    let (mut samples, mut transfers) = (Samples::default(), 0);
    for number in 0..WARM_UP_BLOCKS + effort.count(BLOCKS) {
        if number == WARM_UP_BLOCKS {
            samples = Samples::default();
        }
        let durability = if number % 2 == 0 { Durability::Synced } else { Durability::Unsynced };
        store.write_as(durability);
        transfers = block(&mut ledger, workload, &mut samples)?;
        let written = store.take().ok_or_else(|| bug("a commit wrote nothing"))?;
        match durability {
            Durability::Synced => samples.synced.push(written),
            Durability::Unsynced => samples.unsynced.push(written),
        }
    }
    Ok(samples.costs(accounts, transfers))
}

/// One block through all of it; the number of its transfers.
fn block(ledger: &mut Ledger, workload: &mut Workload, samples: &mut Samples) -> Result<u32, Failure> {
    let (transfers, sign_us) = workload.round();
    let count = transfers.len().max(1) as f64;
    samples.sign.push(sign_us);
    let envelopes: Vec<Bytes> = transfers.iter().map(|transfer| transfer.envelope().clone()).collect();
    samples.envelope_bytes = envelopes.iter().map(|envelope| envelope.len() as f64).sum::<f64>() / count;

    let (checked, hash_us) = cpu_us_of(|| decode(&envelopes, workload));
    checked.map_err(|error| bug(error.to_string()))?;
    samples.hash.push(hash_us / count);

    let (state, root, parts) = (ledger.state(), ledger.tip().state_root(), workload.seal_parts(ledger.tip()));
    let context = BlockContext { base_fee: parts.base_fee, beneficiary: parts.beneficiary };
    let mut executor = Executor::new(state, root, context, workload.genesis().fees().block_gas_limit);
    let (pushed, execution_us) = cpu_us_of(|| {
        executor.look_up(&transfers, Workers::Inline);
        transfers.iter().try_for_each(|transfer| executor.push(Arc::clone(transfer)))
    });
    pushed.map_err(|error: InvalidBlock| bug(error.to_string()))?;
    samples.execution.push(execution_us / count);
    let (execution, state_root_us) = cpu_us_of(|| executor.finish(Workers::Inline));
    samples.state_root.push(state_root_us / count);

    let (sealed, _) = ledger.seal(&parts, transfers).ok_or_else(|| bug("the tip cannot be built on"))?;
    if sealed.header().state_root() != execution.state_root || sealed.body().transactions.len() != envelopes.len() {
        return Err(bug("a block was sealed with another outcome"));
    }
    let finalization = finalization(sealed.digest(), parts.view);
    let (committed, commit_us) = cpu_us_of(|| ledger.commit(&[sealed.digest()], &finalization));
    committed.map_err(|error: LedgerError| Failure::new(Exit::Storage, error))?;
    samples.commit.push(commit_us / count);
    Ok(u32::try_from(envelopes.len()).unwrap_or(u32::MAX))
}

/// What a validator does with a body before it looks at signatures and state.
fn decode(envelopes: &[Bytes], workload: &Workload) -> Result<(), TransactionError> {
    let genesis = workload.genesis();
    for envelope in envelopes {
        let transaction = Transaction::decode(envelope)?;
        transaction.check_fields(genesis.chain_id())?;
        transaction.check_sender_key()?;
        black_box(transaction.signature_item(&genesis.digest()));
    }
    black_box(transactions_root(envelopes));
    Ok(())
}

fn bug(reason: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Bug, format!("the chain cannot be measured: {reason}"))
}

impl Samples {
    fn costs(mut self, accounts: u32, transfers: u32) -> ChainCosts {
        let wait = |written: &[Written]| {
            percentile(&mut written.iter().map(|written| micros(written.took)).collect::<Vec<_>>(), 50)
        };
        let mut keys: Vec<f64> = self.synced.iter().chain(&self.unsynced).map(|written| written.keys as f64).collect();
        ChainCosts {
            accounts,
            transfers,
            sign_us: percentile(&mut self.sign, 50),
            hash_us: percentile(&mut self.hash, 50),
            execution_us: percentile(&mut self.execution, 50),
            state_root_us: percentile(&mut self.state_root, 50),
            state_write_us: percentile(&mut self.commit, 50),
            envelope_bytes: self.envelope_bytes,
            batch_keys: percentile(&mut keys, 50),
            batch_unsynced_us: wait(&self.unsynced),
            batch_synced_us: wait(&self.synced),
        }
    }
}
