//! Everything that a node needs before its first thread starts.

use super::NodeConfig;
use crate::datadir::DataDir;
use crate::exit::{Exit, Failure};
use crate::keys::{self, KeyKind};
use minuet_core::ValidatorIndex;
use minuet_core::bls::BlsSecretKey;
use minuet_core::ed25519::Ed25519SecretKey;
use minuet_core::genesis::Genesis;
use std::path::Path;

/// A configuration whose files have been read and checked against each other, with the data directory locked.
#[derive(Debug)]
pub struct Prepared {
    /// With absolute or working-directory-relative paths.
    pub config: NodeConfig,
    /// Checked.
    pub genesis: Genesis,
    /// Signs statements; not needed by a node that only follows.
    pub bls_key: Option<BlsSecretKey>,
    /// Proves this node's identity.
    pub network_key: Ed25519SecretKey,
    /// Which validator the keys belong to; `None` for a node that only follows.
    pub validator: Option<ValidatorIndex>,
    /// Held until the node ends.
    pub data_dir: DataDir,
}

/// As [`Prepared`], but nothing is locked or written.
#[derive(Debug)]
pub struct Files {
    /// Checked.
    pub genesis: Genesis,
    /// Signs statements.
    pub bls_key: Option<BlsSecretKey>,
    /// Proves this node's identity.
    pub network_key: Ed25519SecretKey,
    /// Which validator the keys belong to.
    pub validator: Option<ValidatorIndex>,
}

impl Prepared {
    /// Reads genesis and keys, checks that they belong together, and locks the data directory.
    ///
    /// # Errors
    /// Exit codes 3 (configuration, genesis), 4 (keys) and 5 (data directory).
    pub fn new(config: NodeConfig) -> Result<Self, Failure> {
        let Files { genesis, bls_key, network_key, validator } = read_files(&config)?;
        let data_dir = DataDir::open(&config.data_dir, genesis.chain_id(), genesis.fingerprint())?;
        if validator.is_some() {
            crate::journal::marker::refuse_exported(data_dir.path())?;
        }
        Ok(Self { config, genesis, bls_key, network_key, validator, data_dir })
    }
}

/// Reads what the configuration names, without changing anything.
///
/// # Errors
/// As [`Prepared::new`], except the data directory's.
pub fn read_files(config: &NodeConfig) -> Result<Files, Failure> {
    let genesis = read_genesis(&config.genesis)?;
    let network_key = keys::read_ed25519(&config.keys.network, KeyKind::Network)?;
    let is_validator = genesis.committee().by_network_key(&network_key.public_key()).is_some();
    // A node that only follows signs nothing: it needs no such key.
    let needs_bls = is_validator || config.keys.bls.exists();
    let bls_key = if needs_bls { Some(keys::read_bls(&config.keys.bls)?) } else { None };
    let validator = match &bls_key {
        Some(bls_key) => membership(&genesis, bls_key, &network_key)?,
        None => None,
    };
    check_peers(config, &genesis, validator)?;
    Ok(Files { genesis, bls_key, network_key, validator })
}

/// Reads and checks a genesis file.
///
/// # Errors
/// Exit code 3, with the file's name.
pub fn read_genesis(path: &Path) -> Result<Genesis, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::config(format!("cannot read genesis {}: {error}", path.display())))?;
    Genesis::from_json(&text).map_err(|error| Failure::config(format!("{}: {error}", path.display())))
}

fn membership(
    genesis: &Genesis,
    bls: &BlsSecretKey,
    network: &Ed25519SecretKey,
) -> Result<Option<ValidatorIndex>, Failure> {
    let bls_key = bls.public_key();
    let by_bls = genesis.committee().iter().find(|(_, entry)| entry.bls_key == bls_key).map(|(index, _)| index);
    let by_network = genesis.committee().by_network_key(&network.public_key());
    if by_bls == by_network {
        return Ok(by_bls);
    }
    let name =
        |index: Option<ValidatorIndex>| index.map_or("no validator".to_owned(), |index| format!("validator {index}"));
    let reason = format!(
        "keys.bls belongs to {}, keys.network to {} of this genesis: both must be of one validator",
        name(by_bls),
        name(by_network)
    );
    Err(Failure::new(Exit::Keys, reason))
}

fn check_peers(config: &NodeConfig, genesis: &Genesis, own: Option<ValidatorIndex>) -> Result<(), Failure> {
    let n = genesis.committee().n();
    if own.is_none() && config.p2p.peers.is_empty() {
        let reason = "the keys belong to no validator of this genesis, so this node only follows: name at least one \
                      validator that it shall dial under p2p.peers, or use a validator's keys";
        return Err(Failure::config(reason));
    }
    for peer in &config.p2p.peers {
        if !genesis.committee().contains(ValidatorIndex(peer.index)) {
            let reason =
                format!("p2p.peers: validator {} does not exist: the genesis has {n} (0 to {})", peer.index, n - 1);
            return Err(Failure::config(reason));
        }
        if own == Some(ValidatorIndex(peer.index)) {
            return Err(Failure::config(format!("p2p.peers: validator {} is this node itself", peer.index)));
        }
    }
    Ok(())
}
