//! Transfers like those of a load, on a chain of their own: keys that derive from numbers, and accounts to send to.

use super::clock::cpu_us_of;
use crate::exit::{Exit, Failure};
use minuet_core::bls::BlsSecretKey;
use minuet_core::certificate::{Certificate, CertificateKind, SignerBitmap};
use minuet_core::ed25519::Ed25519SecretKey;
use minuet_core::fees::FeeRules;
use minuet_core::genesis::{GENESIS_VERSION, Genesis, GenesisFile, GenesisValidator};
use minuet_core::header::BlockHeader;
use minuet_core::scheme::StatementScheme;
use minuet_core::transaction::{EmptyList, TRANSFER_GAS, Transaction, UnsignedTransaction, address_of};
use minuet_core::{Address, B256, Bytes, Digest, TimeMs, U256, ValidatorIndex, View, keccak256};
use minuet_execution::ledger::SealParts;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Of the chain; any would do.
const CHAIN_ID: u64 = 31_109;
/// The fewest that tolerate a fault; who they are costs the ledger nothing.
const VALIDATORS: u8 = 6;
const ETHER: u64 = 1_000_000_000_000_000_000;
const VALUE_WEI: u64 = 1_000;
/// Spreads the recipients over all accounts.
const STRIDE: u64 = 7_919;

/// A genesis with senders and recipients, and the senders' keys.
pub struct Workload {
    genesis: Genesis,
    keys: Vec<Ed25519SecretKey>,
    recipients: u64,
    sent: u64,
}

impl Workload {
    /// With so many accounts that send and that receive.
    ///
    /// # Errors
    /// A genesis that is refused: a bug.
    pub fn new(senders: u32, recipients: u32) -> Result<Self, Failure> {
        let keys: Vec<_> = (0..senders).map(sender).collect();
        let senders = keys.iter().map(|key| address_of(&key.public_key()));
        let accounts: BTreeMap<_, _> = senders
            .chain((0..u64::from(recipients)).map(recipient))
            .map(|address| (address, U256::from(ETHER)))
            .collect();
        let file = GenesisFile {
            version: GENESIS_VERSION,
            chain_id: CHAIN_ID,
            time_ms: 1_000_000,
            fees: FeeRules::default(),
            statement_scheme: StatementScheme::Bls,
            validators: (0..VALIDATORS).map(validator).collect(),
            accounts,
        };
        let genesis = Genesis::new(file).map_err(|error| Failure::new(Exit::Bug, error))?;
        Ok(Self { genesis, keys, recipients: u64::from(recipients.max(1)), sent: 0 })
    }

    /// Of the chain.
    #[must_use]
    pub const fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The next transfer of every sender, and the microseconds of processor time that signing one took.
    pub fn round(&mut self) -> (Vec<Arc<Transaction>>, f64) {
        let count = self.keys.len().max(1) as u64;
        let (transfers, cpu_us) = cpu_us_of(|| {
            let unsigned = self.keys.iter().zip(self.sent..).map(|(key, number)| self.unsigned(key, number)).collect();
            let keys: Vec<_> = self.keys.iter().collect();
            let signed = UnsignedTransaction::sign_each(unsigned, &keys, &self.genesis.digest());
            signed.into_iter().map(Arc::new).collect::<Vec<_>>()
        });
        self.sent += count;
        (transfers, cpu_us / count as f64)
    }

    fn unsigned(&self, key: &Ed25519SecretKey, number: u64) -> UnsignedTransaction {
        let fee = u128::from(self.genesis.fees().min_base_fee);
        UnsignedTransaction {
            chain_id: CHAIN_ID,
            nonce: number / self.keys.len().max(1) as u64,
            max_priority_fee_per_gas: 0,
            max_fee_per_gas: fee.saturating_mul(2),
            gas_limit: TRANSFER_GAS,
            to: recipient(number.wrapping_mul(STRIDE) % self.recipients),
            value: U256::from(VALUE_WEI),
            data: Bytes::new(),
            access_list: EmptyList,
            public_key: key.public_key(),
        }
    }

    /// What a proposer decides of the next block.
    #[must_use]
    pub fn seal_parts(&self, parent: &Arc<BlockHeader>) -> SealParts {
        SealParts {
            view: View(parent.view().0 + 1),
            parent: Arc::clone(parent),
            proposer: ValidatorIndex(0),
            beneficiary: Address::repeat_byte(0xbe),
            time: TimeMs(parent.time().0 + 100),
            base_fee: self.genesis.fees().min_base_fee,
        }
    }
}

/// Not signed by anyone: the ledger leaves that to consensus.
#[must_use]
pub fn finalization(digest: Digest, view: View) -> Certificate {
    let mut signers = SignerBitmap::new(usize::from(VALIDATORS));
    for signer in 1..VALIDATORS {
        signers.insert(ValidatorIndex(u16::from(signer)));
    }
    let signature = bls_secret(0).sign(b"limits");
    Certificate { kind: CertificateKind::Finalization, view, digest, signers, signature: signature.into() }
}

/// The key of a validator that exists in measurements only.
#[must_use]
pub fn bls_secret(number: u16) -> BlsSecretKey {
    BlsSecretKey::from_ikm(&keccak256([b"limits bls ".as_slice(), &number.to_be_bytes()].concat()).0)
}

/// The key of its connections.
#[must_use]
pub fn network_secret(number: u16) -> Ed25519SecretKey {
    sender(u32::MAX - u32::from(number))
}

fn validator(number: u8) -> GenesisValidator {
    let secret = bls_secret(u16::from(number));
    GenesisValidator {
        bls_key: Bytes::copy_from_slice(&secret.public_key().to_bytes()),
        proof_of_possession: Bytes::copy_from_slice(&secret.prove_possession().to_bytes()),
        network_key: B256::from(network_secret(u16::from(number)).public_key().to_bytes()),
        fee_recipient: Address::repeat_byte(0xbe),
    }
}

fn sender(number: u32) -> Ed25519SecretKey {
    Ed25519SecretKey::from_bytes(&keccak256([b"limits sender ".as_slice(), &number.to_be_bytes()].concat()).0)
}

/// An address that nobody has a key of.
fn recipient(number: u64) -> Address {
    Address::from_word(keccak256([b"limits recipient ".as_slice(), &number.to_be_bytes()].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sender_sends_a_valid_transfer_a_round() {
        let mut workload = Workload::new(3, 10).unwrap();
        for nonce in [0, 1] {
            let (transfers, sign_us) = workload.round();
            assert!(transfers.len() == 3 && sign_us > 0.0);
            for transfer in transfers {
                transfer.check_fields(CHAIN_ID).unwrap();
                transfer.check_signature(&workload.genesis().digest()).unwrap();
                assert_eq!(transfer.nonce(), nonce);
            }
        }
    }
}
