//! Senders, transactions, blocks and a finalized state for tests.

use crate::{ChainRules, Examined, MempoolConfig, Origin, Pool};
use minuet_core::account::{Account, StateReader};
use minuet_core::ed25519::{Ed25519PublicKey, Ed25519SecretKey};
use minuet_core::fees::FeeRules;
use minuet_core::header::{BlockHeader, HeaderParts};
use minuet_core::mempool_errors::AdmissionError;
use minuet_core::messages::{Branch, StateNotice, TransactionMark};
use minuet_core::store::StoreError;
use minuet_core::transaction::{EmptyList, Transaction, UnsignedTransaction, address_of};
use minuet_core::{Address, B256, Bytes, Digest, Epoch, Height, TimeMs, TxHash, U256, ValidatorIndex, View};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

pub(crate) const FLOOR: u64 = 10;
pub(crate) const BLOCK_GAS: u64 = 2_100_000;
pub(crate) const RICH: u128 = 1_000_000_000_000_000;

pub(crate) fn rules() -> ChainRules {
    let fees =
        FeeRules { block_gas_limit: BLOCK_GAS, min_base_fee: FLOOR, initial_base_fee: FLOOR, ..FeeRules::default() };
    ChainRules { chain_id: 7, genesis: B256::repeat_byte(9), fees }
}

/// The finalized state, or a broken disk.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) accounts: Mutex<BTreeMap<Address, (u64, U256)>>,
    pub(crate) is_broken: std::sync::atomic::AtomicBool,
}

impl State {
    pub(crate) fn set(&self, address: Address, nonce: u64, balance: u128) {
        self.accounts.lock().unwrap().insert(address, (nonce, U256::from(balance)));
    }
}

impl StateReader for State {
    fn account(&self, address: &Address) -> Result<Option<Account>, StoreError> {
        if self.is_broken.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(StoreError::Corrupt { what: "account".into(), reason: "test".into() });
        }
        let found = self.accounts.lock().unwrap().get(address).copied();
        Ok(found.map(|(nonce, balance)| Account { nonce, ..Account::with_balance(balance) }))
    }
}

pub(crate) struct Wallet {
    key: Ed25519SecretKey,
}

impl Wallet {
    pub(crate) fn new(seed: u16) -> Self {
        let mut bytes = [3; 32];
        bytes[..2].copy_from_slice(&seed.to_be_bytes());
        Self { key: Ed25519SecretKey::from_bytes(&bytes) }
    }
    pub(crate) fn address(&self) -> Address {
        address_of(&self.key.public_key())
    }
    /// A transfer of 1 wei that offers this tip over twice the floor.
    pub(crate) fn transfer(&self, nonce: u64, tip: u128) -> Arc<Transaction> {
        self.sign(unsigned(nonce, tip))
    }
    pub(crate) fn sign(&self, unsigned: UnsignedTransaction) -> Arc<Transaction> {
        Arc::new(unsigned.sign(&self.key, &rules().genesis))
    }
}

pub(crate) fn unsigned(nonce: u64, tip: u128) -> UnsignedTransaction {
    UnsignedTransaction {
        chain_id: 7,
        nonce,
        max_priority_fee_per_gas: tip,
        max_fee_per_gas: tip + 2 * u128::from(FLOOR),
        gas_limit: 21_000,
        to: Address::repeat_byte(1),
        value: U256::from(1),
        data: Bytes::new(),
        access_list: EmptyList,
        public_key: Ed25519PublicKey([0; 32]),
    }
}

/// Senders 0..count, each with plenty.
pub(crate) fn wallets(count: u16, state: &State) -> Vec<Wallet> {
    let wallets: Vec<_> = (0..count).map(Wallet::new).collect();
    for wallet in &wallets {
        state.set(wallet.address(), 0, RICH);
    }
    wallets
}

pub(crate) fn pool_with(config: MempoolConfig) -> (Pool, Arc<State>) {
    let state = Arc::new(State::default());
    (Pool::new(config, rules(), Arc::<State>::clone(&state)), state)
}

/// Admission without the signature.
pub(crate) fn admit(pool: &mut Pool, transaction: &Arc<Transaction>) -> Result<TxHash, AdmissionError> {
    match pool.examine(transaction.envelope())? {
        Examined::Known(hash) => Ok(hash),
        Examined::New(found) => pool.insert(found, Origin::Client),
    }
}

pub(crate) fn digest(name: u8) -> Digest {
    B256::repeat_byte(name)
}

pub(crate) fn branch(blocks: &[u8]) -> Branch {
    let with_transactions: Vec<_> = blocks.iter().rev().map(|name| digest(*name)).collect();
    Branch { parent: digest(*blocks.last().unwrap_or(&0)), with_transactions, base_fee: FLOOR }
}

pub(crate) fn mark(transaction: &Transaction) -> TransactionMark {
    let fields = transaction.fields();
    let fee = U256::from(fields.gas_limit) * U256::from(fields.effective_tip(FLOOR).unwrap_or(0) + u128::from(FLOOR));
    let (hash, sender, nonce) = (transaction.hash(), transaction.sender(), transaction.nonce());
    TransactionMark { hash, sender, nonce, spent: fee + fields.value }
}

pub(crate) fn executed(name: u8, height: u64, transactions: &[Arc<Transaction>]) -> StateNotice {
    executed_on(0, name, height, transactions)
}

pub(crate) fn executed_on(parent: u8, name: u8, height: u64, transactions: &[Arc<Transaction>]) -> StateNotice {
    let transactions = transactions.iter().map(|transaction| mark(transaction)).collect();
    StateNotice::Executed { digest: digest(name), parent: digest(parent), height: Height(height), transactions }
}

pub(crate) fn finalized(height: u64, blocks: &[u8], accounts: Vec<(Address, u64, U256)>) -> StateNotice {
    let header = BlockHeader::seal(&HeaderParts {
        epoch: Epoch(0),
        view: View(height + 1),
        parent_view: View(0),
        proposer: ValidatorIndex(0),
        parent: digest(0),
        height: Height(height),
        time: TimeMs(1000),
        beneficiary: Address::ZERO,
        state_root: B256::ZERO,
        transactions_root: B256::ZERO,
        receipts_root: B256::ZERO,
        gas_limit: BLOCK_GAS,
        gas_used: 0,
        base_fee: FLOOR,
    });
    let blocks = blocks.iter().map(|name| digest(*name)).collect();
    StateNotice::Finalized { header: Arc::new(header), blocks, accounts }
}
