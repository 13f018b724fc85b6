//! Senders with money, their transfers, and a way to make them leave the pool.

use minuet_core::account::{Account, StateReader};
use minuet_core::alloy_rlp::encode_list;
use minuet_core::ed25519::{Ed25519PublicKey, Ed25519SecretKey};
use minuet_core::fees::FeeRules;
use minuet_core::header::BlockHeader;
use minuet_core::messages::StateNotice;
use minuet_core::store::StoreError;
use minuet_core::transaction::{EmptyList, UnsignedTransaction, address_of};
use minuet_core::{Address, B256, Bytes, TimeMs, U256};
use minuet_mempool::{ChainRules, MempoolConfig};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Transactions that one turn of the driver takes in.
pub const BATCH: u64 = 512;
/// Those of what waits already; the batch's are others.
const SENDERS: u64 = 10_000;

/// Everybody is rich, except while everybody is poor.
#[derive(Debug)]
pub struct Funds {
    poor: AtomicBool,
    batch: Vec<Address>,
}

impl Default for Funds {
    fn default() -> Self {
        let batch = batch_senders().map(|key| address_of(&key.public_key())).collect();
        Self { poor: AtomicBool::new(false), batch }
    }
}

impl Funds {
    fn balance(&self) -> U256 {
        if self.poor.load(Relaxed) { U256::ZERO } else { U256::MAX >> 1 }
    }

    /// Makes the batch leave a pool: its senders lose all their money, and have it again afterwards.
    pub fn while_poor(&self, mut tell: impl FnMut(StateNotice)) {
        for poor in [true, false] {
            self.poor.store(poor, Relaxed);
            let accounts = self.batch.iter().map(|address| (*address, 0, self.balance())).collect();
            let header = BlockHeader::genesis(B256::ZERO, B256::ZERO, TimeMs(0), 0, 0);
            tell(StateNotice::Finalized { header: Arc::new(header), blocks: Vec::new(), accounts });
        }
    }
}

impl StateReader for Funds {
    fn account(&self, _: &Address) -> Result<Option<Account>, StoreError> {
        Ok(Some(Account::with_balance(self.balance())))
    }
}

pub fn rules() -> ChainRules {
    ChainRules { chain_id: 7, genesis: B256::ZERO, fees: FeeRules::default() }
}

/// With room for more than a node has by default.
pub fn config() -> MempoolConfig {
    MempoolConfig { max_transactions: 200_000, max_bytes: 256 << 20, ..MempoolConfig::default() }
}

fn key(number: u64) -> Ed25519SecretKey {
    let mut seed = [5; 32];
    seed[..8].copy_from_slice(&number.to_be_bytes());
    Ed25519SecretKey::from_bytes(&seed)
}

/// Tips are spread out.
fn sign(key: &Ed25519SecretKey, nonce: u64, number: u64) -> Bytes {
    let tip = u128::from(number.wrapping_mul(2_654_435_761) % 1_000_000);
    let unsigned = UnsignedTransaction {
        chain_id: 7,
        nonce,
        max_priority_fee_per_gas: tip,
        max_fee_per_gas: tip + 10_000_000,
        gas_limit: 21_000,
        to: Address::repeat_byte(1),
        value: U256::from(1),
        data: Bytes::new(),
        access_list: EmptyList,
        public_key: Ed25519PublicKey([0; 32]),
    };
    unsigned.sign(key, &rules().genesis).envelope().clone()
}

/// So many, one after the other from each sender.
pub fn transfers(count: u64) -> Vec<Bytes> {
    let keys: Vec<_> = (0..count.min(SENDERS)).map(key).collect();
    (0..count).map(|number| sign(&keys[(number % SENDERS) as usize], number / SENDERS, number)).collect()
}

fn batch_senders() -> impl Iterator<Item = Ed25519SecretKey> {
    (SENDERS..SENDERS + BATCH).map(key)
}

/// Transfers of as many senders that have none waiting.
pub fn batch() -> Vec<Bytes> {
    batch_senders().zip(0..).map(|(key, number)| sign(&key, 0, number)).collect()
}

/// A gossip frame of them.
pub fn frame(envelopes: &[Bytes]) -> Bytes {
    let mut payload = Vec::new();
    encode_list::<Bytes, Bytes>(envelopes, &mut payload);
    payload.into()
}
