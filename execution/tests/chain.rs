//! The stored chain: formats, opening, restarting, reading.

mod support;

use minuet_core::account::{Account, StateReader};
use minuet_core::alloy_primitives::hex;
use minuet_core::store::{Batch, Column, Durability, Store, StoreError};
use minuet_core::{B256, Height, TxHash, U256};
use minuet_execution::Workers;
use minuet_execution::chain::format;
use std::sync::Arc;
use support::*;

#[test]
fn golden_formats() {
    let account = Account { nonce: 5, ..Account::with_balance(U256::from(1_000)) };
    assert_eq!(hex::encode(format::encode_account(&account)), "c4058203e8");
    assert_eq!(format::decode_account(&hex!("c4058203e8")).unwrap(), account);
    let contract = Account { code_hash: B256::repeat_byte(1), storage_root: B256::repeat_byte(2), ..account };
    let bytes = format::encode_account(&contract);
    assert_eq!(
        hex::encode(&bytes),
        format!("f846058203e8a0{}a0{}", "02".repeat(32), "01".repeat(32)),
        "[nonce, balance, storage root, code hash]"
    );
    assert_eq!(format::decode_account(&bytes).unwrap(), contract);
    assert_eq!(hex::encode(format::height_key(Height(258))), "0000000000000102");
    assert_eq!(hex::encode(format::encode_place(Height(1), 2)), "000000000000000100000002");
    assert_eq!(format::decode_place(&format::encode_place(Height(1), 2)).unwrap(), (Height(1), 2));
    let tip = format::encode_tip(Height(3), &B256::repeat_byte(7));
    assert_eq!(hex::encode(tip), format!("0000000000000003{}", "07".repeat(32)));
}

#[test]
fn damaged_values_are_named() {
    for bytes in [&hex!("c4058203e8ff")[..], &hex!("c2058203e8"), &hex!("80"), &[], &hex!("c505820000e8")] {
        assert!(matches!(format::decode_account(bytes), Err(StoreError::Corrupt { .. })), "{bytes:?}");
    }
    // A plain account has one form: without the two hashes.
    let long = minuet_core::alloy_rlp::encode(Account::with_balance(U256::from(5)));
    assert!(format::decode_account(&long).unwrap_err().to_string().contains("contract's form"));
    assert!(format::decode_place(&[0; 11]).is_err() && format::decode_place(&[]).is_err());
    assert!(format::decode_height("height", &[0; 7]).is_err());
}

#[test]
fn a_restart_resumes_at_the_stored_tip_with_the_same_root() {
    let genesis = genesis();
    let store = Arc::new(TestStore::default());
    let mut ledger = open(&store, &genesis);
    let mut parent = Arc::clone(ledger.tip());
    for view in 1..=3u64 {
        let transactions = (0..5).map(|s| transfer(&genesis, s, view - 1, stranger(view), 9)).collect();
        let block = seal(&mut ledger, &parent, view, transactions);
        commit(&mut ledger, &[&block]);
        parent = Arc::clone(block.header());
    }
    let unfinalized = seal(&mut ledger, &parent, 4, vec![transfer(&genesis, 0, 3, stranger(1), 1)]);
    drop(ledger);
    let mut ledger = open(&store, &genesis);
    assert_eq!(ledger.tip().digest(), parent.digest());
    assert_eq!(ledger.state().clone().root_hash(Workers::Inline), parent.state_root());
    assert_eq!(verdict(&mut ledger, &unfinalized), minuet_core::messages::Verdict::Valid);
    commit(&mut ledger, &[&unfinalized]);
    assert_eq!(open(&store, &genesis).tip().height(), Height(4));
}

#[test]
fn another_chains_data_is_refused_with_advice() {
    let store = Arc::new(TestStore::default());
    let ours = genesis();
    open(&store, &ours);
    let other = genesis_with(ours.file().accounts.clone(), CHAIN_ID + 1);
    let error = try_open(&store, &other).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, StoreError::Mismatch { .. }));
    assert!(
        text.contains(&ours.fingerprint().to_string()) && text.contains(&other.fingerprint().to_string()),
        "{text}"
    );
    assert!(text.contains("data directory"), "{text}");
    let mut batch = Batch::default();
    batch.put(Column::Meta, format::META_FORMAT, [9]);
    store.write(batch, Durability::Synced).unwrap();
    assert!(try_open(&store, &ours).unwrap_err().to_string().contains("format version 9"));
}

#[test]
fn a_damaged_state_is_refused_naming_both_roots() {
    let store = Arc::new(TestStore::default());
    let genesis = genesis();
    let root = open(&store, &genesis).tip().state_root();
    let mut batch = Batch::default();
    batch.delete(Column::Accounts, address(0).as_slice());
    store.write(batch, Durability::Synced).unwrap();
    let error = try_open(&store, &genesis).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }));
    assert!(error.to_string().contains(&root.to_string()), "{error}");
}

#[test]
fn a_genesis_that_was_cut_short_is_written_again() {
    let genesis = genesis_with((0..25_000).map(|i| (stranger(i), U256::from(i))).collect(), CHAIN_ID);
    for writes in 0..4 {
        let store = Arc::new(TestStore::default());
        store.fail_after(writes);
        assert!(try_open(&store, &genesis).is_err(), "{writes} writes");
        store.heal();
        let ledger = open(&store, &genesis);
        assert_eq!(ledger.tip().digest(), genesis.digest());
    }
}

#[test]
fn everything_final_is_found_by_one_key() {
    let genesis = genesis();
    let store = Arc::new(TestStore::default());
    let mut ledger = open(&store, &genesis);
    let reader = ledger.reader().clone();
    assert_eq!(reader.tip().unwrap(), (Height(0), genesis.digest()));
    let tip = Arc::clone(ledger.tip());
    let transactions: Vec<_> = (0..3).map(|s| transfer(&genesis, s, 0, stranger(1), 100)).collect();
    let first = seal(&mut ledger, &tip, 1, transactions.clone());
    let second = seal(&mut ledger, first.header(), 2, vec![]);
    assert_eq!(reader.tip().unwrap().0, Height(0), "nothing is shown before it is final");
    assert!(reader.transaction(&transactions[0].hash()).unwrap().is_none());
    commit(&mut ledger, &[&first, &second]);

    assert_eq!(reader.latest().unwrap(), *second.header());
    assert_eq!(reader.header(Height(1)).unwrap().as_ref(), Some(first.header()));
    assert_eq!(reader.body(Height(1)).unwrap().as_ref(), Some(&**first.body()));
    assert_eq!(reader.body(Height(2)).unwrap(), Some(Default::default()));
    assert_eq!(reader.receipts(Height(1)).unwrap().unwrap()[2].cumulative_gas_used, 63_000);
    assert_eq!(reader.receipts(Height(2)).unwrap(), Some(vec![]));
    assert_eq!(reader.certificate(Height(2)).unwrap(), Some(finalization(second.digest())));
    assert_eq!(reader.certificate(Height(1)).unwrap(), None);
    assert_eq!(reader.height_of(&first.digest()).unwrap(), Some(Height(1)));
    assert_eq!(reader.height_of(&B256::ZERO).unwrap(), None);
    assert!(reader.header(Height(3)).unwrap().is_none() && reader.body(Height(3)).unwrap().is_none());
    assert_eq!(reader.account(&stranger(1)).unwrap().unwrap().balance, U256::from(300));
    assert_eq!(reader.account(&stranger(2)).unwrap(), None);

    let found = reader.transaction(&transactions[2].hash()).unwrap().unwrap();
    assert_eq!((found.header.height(), found.index), (Height(1), 2));
    assert_eq!((found.gas_used, found.effective_gas_price), (21_000, u128::from(BASE_FEE) + 7));
    assert!(found.receipt.success && found.transaction == *transactions[2]);
    assert!(reader.transaction(&TxHash::ZERO).unwrap().is_none());
}
