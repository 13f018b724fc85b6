//! A store that can fail, a small genesis, and shorthands for transfers and blocks.

#![allow(dead_code, reason = "every test file uses its own part")]

use minuet_core::block::Block;
use minuet_core::bls::BlsSecretKey;
use minuet_core::certificate::{Certificate, CertificateKind, SignerBitmap};
use minuet_core::ed25519::{Ed25519PublicKey, Ed25519SecretKey};
use minuet_core::fees::FeeRules;
use minuet_core::genesis::{Genesis, GenesisFile, GenesisValidator};
use minuet_core::header::BlockHeader;
use minuet_core::messages::Verdict;
use minuet_core::store::{Batch, Change, Column, Durability, KeyValue, NumberedBy, Store, StoreError};
use minuet_core::transaction::{Transaction, UnsignedTransaction, address_of};
use minuet_core::{Address, B256, Bytes, Digest, TimeMs, U256, ValidatorIndex, View};
use minuet_execution::ledger::SealParts;
use minuet_execution::{Ledger, LedgerOptions, Workers};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

pub const CHAIN_ID: u64 = 77;
pub const BASE_FEE: u64 = 1_000;
pub const GAS_LIMIT: u64 = 210_000_000;
pub const RICH: u128 = 1_000_000_000_000_000_000;

pub type Entries = BTreeMap<(Column, Vec<u8>), Vec<u8>>;

/// Atomic batches in memory; refuses writes when told to.
pub struct TestStore {
    entries: Mutex<Entries>,
    writes_left: AtomicI64,
    last_batch_bytes: AtomicUsize,
}

impl Default for TestStore {
    fn default() -> Self {
        Self {
            entries: Mutex::default(),
            writes_left: AtomicI64::new(i64::MAX),
            last_batch_bytes: AtomicUsize::default(),
        }
    }
}

impl TestStore {
    pub fn fail_after(&self, writes: i64) {
        self.writes_left.store(writes, Ordering::SeqCst);
    }

    pub fn heal(&self) {
        self.fail_after(i64::MAX);
    }

    pub fn last_batch_bytes(&self) -> usize {
        self.last_batch_bytes.load(Ordering::SeqCst)
    }

    pub fn snapshot(&self) -> Entries {
        self.entries.lock().unwrap().clone()
    }
}

impl Store for TestStore {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.entries.lock().unwrap().get(&(column, key.to_vec())).cloned())
    }

    fn write(&self, batch: Batch, _: Durability) -> Result<(), StoreError> {
        if self.writes_left.fetch_sub(1, Ordering::SeqCst) <= 0 {
            let reason = "injected".to_owned();
            return Err(StoreError::Io { path: "test".to_owned(), operation: "write", reason });
        }
        let mut entries = self.entries.lock().unwrap();
        let mut bytes = 0;
        for change in batch.changes {
            match change {
                Change::Put { column, key, value } => {
                    bytes += key.len() + value.len();
                    entries.insert((column, key), value);
                }
                Change::Delete { column, key } => {
                    entries.remove(&(column, key));
                }
            }
        }
        self.last_batch_bytes.store(bytes, Ordering::SeqCst);
        Ok(())
    }

    fn scan(
        &self,
        column: Column,
        from: &[u8],
        until: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<KeyValue>, StoreError> {
        let entries = self.entries.lock().unwrap();
        let range = entries.range((Bound::Included((column, from.to_vec())), Bound::Unbounded));
        let inside = range.take_while(|((c, key), _)| *c == column && until.is_none_or(|until| key.as_slice() < until));
        Ok(inside.take(limit).map(|((_, key), value)| (key.clone(), value.clone())).collect())
    }

    fn last(&self, column: Column) -> Result<Option<KeyValue>, StoreError> {
        let entries = self.entries.lock().unwrap();
        let last = entries.iter().rev().find(|((c, _), _)| *c == column);
        Ok(last.map(|((_, key), value)| (key.clone(), value.clone())))
    }

    fn retire(&self, column: Column, by: NumberedBy, until: u64) {
        let range = 1_u64.to_be_bytes().to_vec()..until.to_be_bytes().to_vec();
        self.entries.lock().unwrap().retain(|(c, key), value| {
            let numbered = if by == NumberedBy::Key { key } else { value };
            *c != column || !range.contains(numbered)
        });
    }
}

pub fn key(seed: u32) -> Ed25519SecretKey {
    let mut bytes = [0x55; 32];
    bytes[..4].copy_from_slice(&seed.to_be_bytes());
    Ed25519SecretKey::from_bytes(&bytes)
}

pub fn address(seed: u32) -> Address {
    address_of(&key(seed).public_key())
}

/// An address that nobody has a key of.
pub fn stranger(seed: u64) -> Address {
    Address::from_word(minuet_core::keccak256(seed.to_be_bytes()))
}

/// Six validators and these accounts.
pub fn genesis_with(accounts: BTreeMap<Address, U256>, chain_id: u64) -> Genesis {
    let validators = (0..6u8).map(|index| {
        let bls = BlsSecretKey::from_ikm(&[index + 1; 32]);
        GenesisValidator {
            bls_key: Bytes::copy_from_slice(&bls.public_key().to_bytes()),
            proof_of_possession: Bytes::copy_from_slice(&bls.prove_possession().to_bytes()),
            network_key: B256::from(Ed25519SecretKey::from_bytes(&[index + 1; 32]).public_key().to_bytes()),
            fee_recipient: beneficiary(),
        }
    });
    let fees = FeeRules {
        gas_target_per_second: 420_000_000,
        block_gas_limit: GAS_LIMIT,
        min_base_fee: BASE_FEE,
        initial_base_fee: BASE_FEE,
    };
    let validators = validators.collect();
    let statement_scheme = Default::default();
    let file = GenesisFile { version: 1, chain_id, time_ms: 1_000_000, fees, statement_scheme, validators, accounts };
    Genesis::new(file).unwrap()
}

/// Senders 0 to 9 are rich.
pub fn genesis() -> Genesis {
    genesis_with((0..10).map(|seed| (address(seed), U256::from(RICH))).collect(), CHAIN_ID)
}

pub fn beneficiary() -> Address {
    Address::repeat_byte(0xbe)
}

pub fn unsigned(nonce: u64, to: Address, value: u128) -> UnsignedTransaction {
    UnsignedTransaction {
        chain_id: CHAIN_ID,
        nonce,
        max_priority_fee_per_gas: 7,
        max_fee_per_gas: 5_000,
        gas_limit: 21_000,
        to,
        value: U256::from(value),
        data: Bytes::new(),
        access_list: Default::default(),
        public_key: Ed25519PublicKey([0; 32]),
    }
}

pub fn transfer(genesis: &Genesis, sender: u32, nonce: u64, to: Address, value: u128) -> Arc<Transaction> {
    Arc::new(unsigned(nonce, to, value).sign(&key(sender), &genesis.digest()))
}

pub fn open(store: &Arc<TestStore>, genesis: &Genesis) -> Ledger {
    try_open(store, genesis).unwrap()
}

pub fn try_open(store: &Arc<TestStore>, genesis: &Genesis) -> Result<Ledger, StoreError> {
    let store: Arc<dyn Store> = Arc::clone(store) as _;
    Ledger::open(store, genesis, LedgerOptions { workers: Workers::Inline, ..LedgerOptions::default() })
}

pub fn parts(parent: &Arc<BlockHeader>, view: u64) -> SealParts {
    SealParts {
        view: View(view),
        parent: Arc::clone(parent),
        proposer: ValidatorIndex(1),
        beneficiary: beneficiary(),
        time: TimeMs(parent.time().0 + 10),
        base_fee: BASE_FEE,
    }
}

pub fn seal(ledger: &mut Ledger, parent: &Arc<BlockHeader>, view: u64, transactions: Vec<Arc<Transaction>>) -> Block {
    ledger.seal(&parts(parent, view), transactions).expect("the parent is executed").0
}

pub fn verdict(ledger: &mut Ledger, block: &Block) -> Verdict {
    ledger.judge(block).unwrap().verdict
}

/// Not signed by anyone: the ledger does not check certificates.
pub fn finalization(digest: Digest) -> Certificate {
    let signature = BlsSecretKey::from_ikm(&[1; 32]).sign(b"test");
    let mut signers = SignerBitmap::new(6);
    for signer in 0..5 {
        signers.insert(ValidatorIndex(signer));
    }
    Certificate { kind: CertificateKind::Finalization, view: View(1), digest, signers, signature: signature.into() }
}

pub fn commit(ledger: &mut Ledger, blocks: &[&Block]) {
    let digests: Vec<Digest> = blocks.iter().map(|block| block.digest()).collect();
    let finality = ledger.commit(&digests, &finalization(*digests.last().unwrap())).unwrap();
    assert!(finality.is_some(), "something became final");
}
