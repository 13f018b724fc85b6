//! What all nodes of a chain must agree on: committee, fees, chain id, first accounts. Local settings live elsewhere.
//!
//! The fingerprint is a hash over everything; it stands in block 0's `extraData`, so block 0's digest binds it all.

use crate::account::Account;
use crate::bls::{BlsPublicKey, BlsSignature};
use crate::committee::{Committee, CommitteeError, Validator};
use crate::ed25519::Ed25519PublicKey;
use crate::fees::FeeRules;
use crate::header::BlockHeader;
use crate::scheme::StatementScheme;
use crate::statement::SigningContext;
use crate::{Address, B256, Bytes, Digest, Epoch, TimeMs, U256, domain, keccak256};
use alloy_rlp::{RlpDecodable, RlpEncodable};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use thiserror::Error;

/// The format that this program reads.
pub const GENESIS_VERSION: u8 = 1;

/// The file: JSON, unknown keys are errors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisFile {
    /// [`GENESIS_VERSION`].
    pub version: u8,
    /// EIP-155 chain id, not 0.
    pub chain_id: u64,
    /// Unix milliseconds; a whole second.
    pub time_ms: u64,
    /// Fee rules.
    pub fees: FeeRules,
    /// How the validators sign their statements; `bls` if it is not there.
    #[serde(default, skip_serializing_if = "StatementScheme::is_default")]
    pub statement_scheme: StatementScheme,
    /// In the order of their indexes.
    pub validators: Vec<GenesisValidator>,
    /// Address → balance in wei (decimal string); none twice.
    #[serde(deserialize_with = "distinct_accounts")]
    pub accounts: BTreeMap<Address, U256>,
}

/// By itself a map takes the last of two values for one key without a word, and a balance would be lost.
fn distinct_accounts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<Address, U256>, D::Error> {
    struct Accounts;

    impl<'de> Visitor<'de> for Accounts {
        type Value = BTreeMap<Address, U256>;

        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str("addresses with their balances")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
            let mut accounts = BTreeMap::new();
            while let Some((address, balance)) = entries.next_entry()? {
                if accounts.insert(address, balance).is_some() {
                    return Err(A::Error::custom(format_args!(
                        "account {address} is named twice: give it one balance"
                    )));
                }
            }
            Ok(accounts)
        }
    }

    deserializer.deserialize_map(Accounts)
}

#[derive(Deserialize)]
struct VersionOnly {
    version: u8,
}

/// A validator's public side in the file, as `0x` hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, RlpEncodable, RlpDecodable)]
#[serde(deny_unknown_fields)]
pub struct GenesisValidator {
    /// 96 bytes, compressed G2.
    pub bls_key: Bytes,
    /// 48 bytes: shows that the validator holds the BLS key (against rogue keys).
    pub proof_of_possession: Bytes,
    /// 32 bytes, Ed25519.
    pub network_key: B256,
    /// Receives priority fees.
    pub fee_recipient: Address,
}

/// Why a genesis is refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum GenesisError {
    /// Not the JSON of a genesis.
    #[error("genesis: {0}")]
    Json(String),
    /// Another version's file.
    #[error("genesis: format version {found}, this program reads {GENESIS_VERSION}")]
    Version {
        /// In the file.
        found: u8,
    },
    /// A value outside its range.
    #[error("genesis: {0}")]
    Value(&'static str),
    /// The validators make no committee.
    #[error("genesis: {0}")]
    Committee(#[from] CommitteeError),
    /// A validator's key or proof is bad.
    #[error("genesis: validator {index}: {reason}")]
    Validator {
        /// Place in the list.
        index: usize,
        /// What is wrong.
        reason: String,
    },
}

/// A checked genesis with everything that derives from it.
#[derive(Clone, Debug)]
pub struct Genesis {
    file: GenesisFile,
    committee: Committee,
    fingerprint: B256,
    header: BlockHeader,
}

impl Genesis {
    /// Reads and checks a genesis file.
    ///
    /// # Errors
    /// What is wrong with it, with the place.
    pub fn from_json(text: &str) -> Result<Self, GenesisError> {
        // Another version may have other keys: the version is named, not those.
        match serde_json::from_str::<VersionOnly>(text) {
            Ok(file) if file.version != GENESIS_VERSION => Err(GenesisError::Version { found: file.version }),
            _ => Self::new(serde_json::from_str(text).map_err(|error| GenesisError::Json(error.to_string()))?),
        }
    }

    /// Checks a genesis: version, ranges, keys, proofs of possession; computes the state root and block 0.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn new(file: GenesisFile) -> Result<Self, GenesisError> {
        if file.version != GENESIS_VERSION {
            return Err(GenesisError::Version { found: file.version });
        }
        check_values(&file)?;
        let validators = file
            .validators
            .iter()
            .enumerate()
            .map(|(index, entry)| entry.check().map_err(|reason| GenesisError::Validator { index, reason }));
        let committee = Committee::with_scheme(validators.collect::<Result<_, _>>()?, file.statement_scheme)?;
        let fingerprint = fingerprint(&file);
        let fees = &file.fees;
        let header = BlockHeader::genesis(
            fingerprint,
            state_root(&file.accounts),
            TimeMs(file.time_ms),
            fees.block_gas_limit,
            fees.initial_base_fee.max(fees.min_base_fee),
        );
        Ok(Self { file, committee, fingerprint, header })
    }

    /// Drops the first accounts, some 100 bytes of memory each: once they are in a store, nobody asks for them again.
    /// Everything that derives from them stays. A store that is opened with such a genesis must have block 0.
    pub fn forget_accounts(&mut self) {
        self.file.accounts = BTreeMap::new();
    }

    /// The file's values.
    #[must_use]
    pub const fn file(&self) -> &GenesisFile {
        &self.file
    }
    /// The validators.
    #[must_use]
    pub const fn committee(&self) -> &Committee {
        &self.committee
    }
    /// The chain id.
    #[must_use]
    pub const fn chain_id(&self) -> u64 {
        self.file.chain_id
    }
    /// The fee rules.
    #[must_use]
    pub const fn fees(&self) -> &FeeRules {
        &self.file.fees
    }
    /// Hash over the whole file's values.
    #[must_use]
    pub const fn fingerprint(&self) -> B256 {
        self.fingerprint
    }
    /// Block 0.
    #[must_use]
    pub const fn header(&self) -> &BlockHeader {
        &self.header
    }
    /// Digest of block 0: what every signature is bound to.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.header.digest()
    }
    /// The context of the first epoch's signatures.
    #[must_use]
    pub const fn signing_context(&self) -> SigningContext {
        SigningContext { genesis: self.header.digest(), epoch: Epoch(0) }
    }
}

impl GenesisValidator {
    fn check(&self) -> Result<Validator, String> {
        let bls_key = BlsPublicKey::from_bytes(&self.bls_key).map_err(|error| format!("bls_key: {error}"))?;
        let proof = BlsSignature::from_bytes(&self.proof_of_possession)
            .map_err(|error| format!("proof_of_possession: {error}"))?;
        bls_key.verify_possession(&proof).map_err(|_| {
            "proof_of_possession does not belong to bls_key: make it with 'minuet keys generate'".to_owned()
        })?;
        crate::ed25519::check_sender_key(&self.network_key.0).map_err(|error| format!("network_key: {error}"))?;
        Ok(Validator { bls_key, network_key: Ed25519PublicKey(self.network_key.0), fee_recipient: self.fee_recipient })
    }
}

fn check_values(file: &GenesisFile) -> Result<(), GenesisError> {
    let fees = &file.fees;
    let checks = [
        (file.chain_id != 0, "chain_id must not be 0"),
        (file.time_ms.is_multiple_of(1000), "time_ms must be a whole second (end in 000)"),
        (fees.gas_target_per_second > 0, "fees.gas_target_per_second must be above 0"),
        (
            fees.block_gas_limit >= crate::transaction::TRANSFER_GAS,
            "fees.block_gas_limit must allow one transfer (21000)",
        ),
        (fees.min_base_fee > 0, "fees.min_base_fee must be above 0"),
    ];
    if let Some((_, reason)) = checks.iter().find(|(good, _)| !good) {
        return Err(GenesisError::Value(reason));
    }
    let total = file.accounts.values().try_fold(U256::ZERO, |sum, balance| sum.checked_add(*balance));
    if total.is_none() {
        return Err(GenesisError::Value("the balances of all accounts together exceed 256 bits"));
    }
    Ok(())
}

#[derive(RlpEncodable)]
struct AccountEntry {
    address: Address,
    balance: U256,
}

#[derive(RlpEncodable)]
#[rlp(trailing)]
struct Fingerprinted<'a> {
    version: u8,
    chain_id: u64,
    time_ms: u64,
    fees: FeeRules,
    validators: &'a Vec<GenesisValidator>,
    accounts: Vec<AccountEntry>,
    /// Not there for BLS: chains from before there was a choice keep their fingerprints.
    statement_scheme: Option<u8>,
}

fn fingerprint(file: &GenesisFile) -> B256 {
    let accounts = file.accounts.iter().map(|(address, balance)| AccountEntry { address: *address, balance: *balance });
    let values = Fingerprinted {
        version: file.version,
        chain_id: file.chain_id,
        time_ms: file.time_ms,
        fees: file.fees,
        validators: &file.validators,
        accounts: accounts.collect(),
        statement_scheme: match file.statement_scheme {
            StatementScheme::Bls => None,
            StatementScheme::Ed25519 => Some(1),
        },
    };
    let mut preimage = domain::GENESIS.to_vec();
    alloy_rlp::Encodable::encode(&values, &mut preimage);
    keccak256(preimage)
}

fn state_root(accounts: &BTreeMap<Address, U256>) -> B256 {
    let mut leaves: Vec<(B256, Vec<u8>)> = accounts
        .iter()
        .filter(|(_, balance)| !balance.is_zero())
        .map(|(address, balance)| (keccak256(address), alloy_rlp::encode(Account::with_balance(*balance))))
        .collect();
    leaves.sort_unstable();
    let mut builder = alloy_trie::HashBuilder::default();
    for (key, account) in &leaves {
        builder.add_leaf(alloy_trie::Nibbles::unpack(key), account);
    }
    builder.root()
}

#[cfg(test)]
mod tests;
