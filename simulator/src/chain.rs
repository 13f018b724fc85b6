//! The chain of a run: a committee with reproducible keys, funded senders, and their transfers.

use crate::scheme::{Mock, MockKey};
use minuet_consensus::header_rules::ChainRules;
use minuet_consensus::verify::{Scheme, Verifier};
use minuet_core::bls::BlsSecretKey;
use minuet_core::committee::Committee;
use minuet_core::ed25519::Ed25519SecretKey;
use minuet_core::fees::FeeRules;
use minuet_core::genesis::{GENESIS_VERSION, Genesis, GenesisFile, GenesisValidator};
use minuet_core::scheme::{QuorumSignature, StatementKey, StatementScheme, StatementSignature};
use minuet_core::transaction::{EmptyList, UnsignedTransaction, address_of};
use minuet_core::{Address, B256, Bytes, U256, ValidatorIndex};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Senders of transfers.
pub const SENDERS: usize = 8;
/// Unix milliseconds of genesis, and of a run's beginning.
pub const BEGIN_MS: u64 = 1_800_000_000_000;
const RICH: u128 = 1_000_000_000_000_000_000_000;

/// How statements are signed in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signatures {
    /// Keyed hashes: thousands of views a second.
    Mock,
    /// As in a node whose genesis names this scheme.
    Real(StatementScheme),
}

/// A committee of one size with its genesis.
#[derive(Debug)]
pub struct Chain {
    /// Block 0 and everything that follows from it.
    pub genesis: Genesis,
    /// The validators.
    pub committee: Arc<Committee>,
    wallets: Vec<Ed25519SecretKey>,
    transfers: Mutex<BTreeMap<(usize, u64), Bytes>>,
}

static CHAINS: Mutex<BTreeMap<usize, Arc<Chain>>> = Mutex::new(BTreeMap::new());

fn material(kind: u8, index: usize) -> [u8; 32] {
    let mut bytes = [kind; 32];
    bytes[..8].copy_from_slice(&(index as u64 + 1).to_be_bytes());
    bytes
}

fn statement_key(index: usize) -> BlsSecretKey {
    BlsSecretKey::from_ikm(&material(1, index))
}

fn network_key(index: usize) -> Ed25519SecretKey {
    Ed25519SecretKey::from_bytes(&material(2, index))
}

impl Chain {
    /// The chain of `n` validators; made once a process.
    ///
    /// # Panics
    /// If `n` makes no committee.
    #[must_use]
    pub fn of(n: usize) -> Arc<Self> {
        let mut chains = CHAINS.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(chains.entry(n).or_insert_with(|| Arc::new(Self::new(n))))
    }

    fn new(n: usize) -> Self {
        let validator = |index: usize| {
            let key = statement_key(index);
            GenesisValidator {
                bls_key: Bytes::copy_from_slice(&key.public_key().to_bytes()),
                proof_of_possession: Bytes::copy_from_slice(&key.prove_possession().0),
                network_key: B256::from(network_key(index).public_key().0),
                fee_recipient: Address::left_padding_from(&(index as u64 + 0x1000).to_be_bytes()),
            }
        };
        let wallets: Vec<_> = (0..SENDERS).map(|index| Ed25519SecretKey::from_bytes(&material(3, index))).collect();
        let accounts = wallets.iter().map(|key| (address_of(&key.public_key()), U256::from(RICH)));
        let file = GenesisFile {
            version: GENESIS_VERSION,
            chain_id: 6,
            time_ms: BEGIN_MS,
            fees: FeeRules::default(),
            statement_scheme: StatementScheme::Bls,
            validators: (0..n).map(validator).collect(),
            accounts: accounts.collect(),
        };
        let genesis = Genesis::new(file).expect("a genesis of our own making");
        let committee = Arc::new(genesis.committee().clone());
        Self { genesis, committee, wallets, transfers: Mutex::default() }
    }

    /// What headers are held against.
    #[must_use]
    pub fn rules(&self) -> ChainRules {
        ChainRules { committee: self.committee.clone(), fees: *self.genesis.fees() }
    }

    /// A validator's key.
    #[must_use]
    pub fn key(&self, index: ValidatorIndex, signatures: Signatures) -> Box<dyn StatementKey> {
        match signatures {
            Signatures::Mock => Box::new(MockKey::of(index)),
            Signatures::Real(StatementScheme::Bls) => Box::new(statement_key(index.as_usize())),
            Signatures::Real(StatementScheme::Ed25519) => Box::new(network_key(index.as_usize())),
        }
    }

    /// Checks what those keys signed.
    #[must_use]
    pub fn verifier(&self, signatures: Signatures) -> Verifier {
        let scheme: Arc<dyn Scheme> = match signatures {
            Signatures::Mock => Arc::new(Mock),
            Signatures::Real(scheme) => Arc::new(scheme),
        };
        Verifier::with_scheme(self.committee.clone(), self.genesis.signing_context(), scheme)
    }

    /// Joins signatures, unchecked, as whoever forges a certificate would.
    #[must_use]
    pub fn sum(&self, signed: &[StatementSignature], signatures: Signatures) -> Option<QuorumSignature> {
        match signatures {
            Signatures::Mock => Some(crate::scheme::sum(signed)),
            Signatures::Real(_) => QuorumSignature::join(signed),
        }
    }

    /// The senders' addresses, in order.
    #[must_use]
    pub fn senders(&self) -> Vec<Address> {
        self.wallets.iter().map(|key| address_of(&key.public_key())).collect()
    }

    /// A sender's transfer of 1 wei with this nonce.
    #[must_use]
    pub fn transfer(&self, sender: usize, nonce: u64) -> Bytes {
        let mut transfers = self.transfers.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let key = &self.wallets[sender];
            let unsigned = UnsignedTransaction {
                chain_id: self.genesis.chain_id(),
                nonce,
                max_priority_fee_per_gas: 1_000,
                max_fee_per_gas: 1_000_000_000,
                gas_limit: 21_000,
                to: Address::repeat_byte(0xee),
                value: U256::from(1),
                data: Bytes::new(),
                access_list: EmptyList,
                public_key: key.public_key(),
            };
            unsigned.sign(key, &self.genesis.digest()).envelope().clone()
        };
        transfers.entry((sender, nonce)).or_insert_with(make).clone()
    }
}
