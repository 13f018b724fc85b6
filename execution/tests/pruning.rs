//! Old blocks go, everything that is kept stays whole, and a crash in between leaves either.

mod support;

use minuet_core::account::StateReader;
use minuet_core::block::Block;
use minuet_core::genesis::Genesis;
use minuet_core::messages::ChainQuery;
use minuet_core::store::{Batch, Column, Durability, Store, StoreError};
use minuet_core::transaction::Transaction;
use minuet_core::{Height, U256};
use minuet_execution::chain::format;
use minuet_execution::{Ledger, LedgerOptions, Workers};
use minuet_storage::{MemoryStore, RocksConfig, RocksStore};
use std::sync::Arc;
use support::*;

fn open_retaining(store: Arc<dyn Store>, genesis: &Genesis, retain_blocks: u64) -> Result<Ledger, StoreError> {
    Ledger::open(store, genesis, LedgerOptions { workers: Workers::Inline, retain_blocks, ..LedgerOptions::default() })
}

/// Seals and commits a block with one transfer.
fn extend(ledger: &mut Ledger, genesis: &Genesis) -> (Block, Arc<Transaction>) {
    let tip = Arc::clone(ledger.tip());
    let next = tip.height().0 + 1;
    let transaction = transfer(genesis, 0, next - 1, stranger(1), 5);
    let block = seal(ledger, &tip, next, vec![Arc::clone(&transaction)]);
    commit(ledger, &[&block]);
    (block, transaction)
}

fn kept(ledger: &Ledger) -> Vec<u64> {
    (0..=ledger.tip().height().0).filter(|height| ledger.reader().header(Height(*height)).unwrap().is_some()).collect()
}

fn range(ledger: &Ledger, from: u64) -> Vec<u64> {
    let query = ChainQuery::Range { from: Height(from), max_blocks: 100, max_bytes: u32::MAX };
    ledger.serve(query).unwrap().iter().map(|served| served.block.header().height().0).collect()
}

#[test]
fn so_many_blocks_below_the_newest_are_kept_and_of_the_others_nothing() {
    let genesis = genesis();
    let mut ledger = open_retaining(Arc::new(MemoryStore::new()), &genesis, 3).unwrap();
    let blocks: Vec<_> = (0..10).map(|_| extend(&mut ledger, &genesis)).collect();
    let reader = ledger.reader().clone();
    assert_eq!((kept(&ledger), reader.oldest().unwrap()), (vec![0, 7, 8, 9, 10], Height(7)));
    for (block, transaction) in &blocks {
        let height = block.header().height();
        let is_kept = height >= Height(7);
        assert_eq!(reader.body(height).unwrap().is_some(), is_kept, "{height}");
        assert_eq!(reader.receipts(height).unwrap().is_some(), is_kept);
        assert_eq!(reader.certificate(height).unwrap().is_some(), is_kept);
        assert_eq!(reader.height_of(&block.digest()).unwrap().is_some(), is_kept);
        assert_eq!(reader.place_of(&transaction.hash()).unwrap().is_some(), is_kept);
        assert_eq!(reader.transaction(&transaction.hash()).unwrap().is_some(), is_kept);
        assert_eq!(!ledger.serve(ChainQuery::Digest(block.digest())).unwrap().is_empty(), is_kept);
    }
    assert_eq!(reader.height_of(&genesis.digest()).unwrap(), Some(Height(0)));
    assert_eq!(reader.account(&stranger(1)).unwrap().unwrap().balance, U256::from(50u64), "the state stays");
    assert_eq!((range(&ledger, 7), range(&ledger, 6), range(&ledger, 1)), (vec![7, 8, 9, 10], vec![], vec![]));
}

#[test]
fn without_a_setting_everything_is_kept() {
    let genesis = genesis();
    let store = Arc::new(MemoryStore::new());
    let mut ledger = open_retaining(store.clone(), &genesis, 0).unwrap();
    (0..5).for_each(|_| drop(extend(&mut ledger, &genesis)));
    assert_eq!((kept(&ledger).len(), ledger.reader().oldest().unwrap()), (6, Height(0)));
    assert_eq!(store.get(Column::Meta, format::META_FORMAT).unwrap(), Some(vec![format::FORMAT_VERSION]));
}

#[test]
fn a_chain_of_blocks_under_one_certificate_keeps_the_certificate_that_proves_what_is_kept() {
    let genesis = genesis();
    let mut ledger = open_retaining(Arc::new(MemoryStore::new()), &genesis, 2).unwrap();
    let mut parent = Arc::clone(ledger.tip());
    let mut blocks = Vec::new();
    for view in 1..=6 {
        let block = seal(&mut ledger, &parent, view, vec![]);
        parent = Arc::clone(block.header());
        blocks.push(block);
    }
    commit(&mut ledger, &blocks.iter().collect::<Vec<_>>());
    assert_eq!(kept(&ledger), [0, 4, 5, 6]);
    let certified = |height| ledger.reader().certificate(Height(height)).unwrap().is_some();
    assert_eq!([4, 5, 6].map(certified), [false, false, true]);
}

#[test]
fn a_commit_that_fails_takes_nothing_away_and_one_that_succeeds_survives_a_power_cut() {
    let genesis = genesis();
    let store = Arc::new(MemoryStore::new());
    let mut ledger = open_retaining(store.clone(), &genesis, 3).unwrap();
    (0..5).for_each(|_| drop(extend(&mut ledger, &genesis)));
    assert_eq!(kept(&ledger), [0, 2, 3, 4, 5]);
    let tip = Arc::clone(ledger.tip());
    let block = seal(&mut ledger, &tip, 6, vec![]);
    store.fail_next_writes(1);
    assert!(ledger.commit(&[block.digest()], &finalization(block.digest())).is_err());
    assert_eq!((kept(&ledger), ledger.reader().oldest().unwrap()), (vec![0, 2, 3, 4, 5], Height(2)));

    commit(&mut ledger, &[&block]);
    store.lose_unsynced();
    let ledger = open_retaining(store, &genesis, 3).unwrap();
    assert_eq!((kept(&ledger), ledger.reader().oldest().unwrap()), (vec![0, 3, 4, 5, 6], Height(3)));
}

#[test]
fn what_is_gone_is_gone_after_every_restart_whatever_the_setting() {
    let genesis = genesis();
    let place = tempfile::tempdir().unwrap();
    let open = |retain| {
        let store = RocksStore::open(place.path(), RocksConfig::default()).unwrap();
        (store.clone(), open_retaining(store, &genesis, retain).unwrap())
    };
    let (store, mut ledger) = open(4);
    (0..10).for_each(|_| drop(extend(&mut ledger, &genesis)));
    assert_eq!(kept(&ledger), [0, 6, 7, 8, 9, 10]);
    drop((store, ledger));
    // Nothing of the space was given back yet.
    let (store, mut ledger) = open(0);
    assert_eq!((kept(&ledger), ledger.reader().oldest().unwrap()), (vec![0, 6, 7, 8, 9, 10], Height(6)));
    extend(&mut ledger, &genesis);
    assert_eq!(kept(&ledger).len(), 7, "with 0 no more goes");
    store.reclaim().unwrap();
    assert_eq!(kept(&ledger).len(), 7);
    drop((store, ledger));

    let (store, mut ledger) = open(8);
    extend(&mut ledger, &genesis);
    assert_eq!(ledger.reader().oldest().unwrap(), Height(6), "the mark does not fall");
    drop((store, ledger));
    let (_store, mut ledger) = open(1);
    extend(&mut ledger, &genesis);
    assert_eq!(kept(&ledger), [0, 12, 13]);
}

#[test]
fn the_format_says_that_blocks_are_gone_and_contradictions_are_damage() {
    let genesis = genesis();
    let store = Arc::new(MemoryStore::new());
    let mut ledger = open_retaining(store.clone(), &genesis, 1).unwrap();
    (0..3).for_each(|_| drop(extend(&mut ledger, &genesis)));
    assert_eq!(store.get(Column::Meta, format::META_FORMAT).unwrap(), Some(vec![format::PRUNED_FORMAT_VERSION]));
    let refusal = |change: &dyn Fn(&mut Batch)| {
        let mut batch = Batch::default();
        change(&mut batch);
        store.write(batch, Durability::Synced).unwrap();
        open_retaining(store.clone(), &genesis, 1).map(|_| ()).unwrap_err()
    };
    let newer = refusal(&|batch| batch.put(Column::Meta, format::META_FORMAT, [3]));
    assert!(matches!(&newer, StoreError::Mismatch { reason, .. } if reason.contains("format version 3")), "{newer}");
    let whole = refusal(&|batch| batch.put(Column::Meta, format::META_FORMAT, [format::FORMAT_VERSION]));
    assert!(matches!(&whole, StoreError::Corrupt { what, .. } if what == "format version"), "{whole}");
    let above = refusal(&|batch| {
        batch.put(Column::Meta, format::META_FORMAT, [format::PRUNED_FORMAT_VERSION]);
        batch.put(Column::Meta, format::META_OLDEST, format::height_key(Height(4)));
    });
    assert!(above.to_string().contains("above the newest block"), "{above}");
    let short = refusal(&|batch| batch.put(Column::Meta, format::META_OLDEST, [1, 2]));
    assert!(matches!(&short, StoreError::Corrupt { what, .. } if what == "oldest kept height"), "{short}");
    let missing = refusal(&|batch| batch.delete(Column::Meta, format::META_OLDEST));
    assert!(matches!(&missing, StoreError::Corrupt { what, .. } if what == "format version"), "{missing}");
}
