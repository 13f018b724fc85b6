//! A localnet's directory: what is made, checked, reused and deleted.
//!
//! Invariant: only names that a localnet makes are ever deleted, and only in a directory with its manifest.

use super::children::{LOG_FILE, SPANS_FILE, TRACE_FILE};
use crate::cli::LocalnetArgs;
use crate::config::{
    ConsensusConfig, FleetEntry, METRICS_PORT, NodeConfig, P2P_PORT, PeerConfig, RPC_PORT, VISUALIZER_PORT,
    read_genesis,
};
use crate::devkeys::{DevSeed, SEED_FILE};
use crate::exit::{Exit, Failure};
use crate::keys::{self, BLS_FILE, KeyKind, NETWORK_FILE, VALIDATOR_FILE};
use crate::versions::foreign_version;
use minuet_core::committee::CommitteeError;
use minuet_core::genesis::{GENESIS_VERSION, Genesis, GenesisFile};
use minuet_core::scheme::{MAX_ED25519_VALIDATORS, StatementScheme};
use minuet_core::{Address, U256};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const MANIFEST_FILE: &str = "localnet.toml";
/// The genesis of all.
pub const GENESIS_FILE: &str = "genesis.json";
const MANIFEST_VERSION: u8 = 1;
const DEFAULT_VALIDATORS: u16 = 6;
const DEFAULT_ACCOUNTS: u32 = 1000;
const DEFAULT_RECIPIENTS: u32 = 100_000;
const CHAIN_ID: u64 = 31_109;
const ETHER: u64 = 1_000_000_000_000_000_000;
/// Expected message delay on one machine.
const DELTA_BASE_MS: u64 = 100;
/// Each further kind of ports begins so far above the one before: peers, APIs, metrics, dashboards.
const RPC_OFFSET: u16 = 100;
/// Prometheus' port is at least so far above the first one of metrics.
const PROMETHEUS_OFFSET: u16 = 50;
const PROMETHEUS_PORT: u16 = 9091;

/// What a localnet's directory holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    version: u8,
    /// Whether everything was written.
    complete: bool,
    /// Validators.
    pub validators: u16,
    /// Funded accounts.
    pub accounts: u32,
    /// Accounts that only receive.
    pub recipients: u32,
    /// UDP port of validator 0.
    pub p2p_port: u16,
    /// TCP port of validator 0's API.
    pub rpc_port: u16,
}

impl Manifest {
    /// Reads the manifest of a whole localnet.
    ///
    /// # Errors
    /// Exit code 3: none there, or damaged.
    pub fn read(dir: &Path) -> Result<Self, Failure> {
        read_manifest(dir)?.filter(|manifest| manifest.complete).ok_or_else(|| {
            Failure::config(format!(
                "no localnet in {}: make one with 'minuet localnet', or name its --dir",
                dir.display()
            ))
        })
    }

    /// The API of every validator, in order.
    #[must_use]
    pub fn rpc_urls(&self) -> Vec<String> {
        (0..self.validators).map(|index| format!("http://{}", local(self.rpc_port + index))).collect()
    }

    /// Where a validator's dashboard listens: 8080 + i, or three hundred above the base port.
    #[must_use]
    pub fn dashboard(&self, index: u16) -> SocketAddr {
        let is_default = (self.p2p_port, self.rpc_port) == (P2P_PORT, RPC_PORT);
        let first = if is_default { VISUALIZER_PORT } else { self.p2p_port + 3 * offset(self.validators) };
        local(first + index)
    }

    /// UDP and TCP address of a validator.
    #[must_use]
    pub fn addresses(&self, index: u16) -> (SocketAddr, SocketAddr) {
        (local(self.p2p_port + index), local(self.rpc_port + index))
    }

    /// Where a validator's metrics are. The usual ports leave out 9091, which is Prometheus' own.
    #[must_use]
    pub fn metrics_address(&self, index: u16) -> SocketAddr {
        match (self.p2p_port, self.rpc_port, index) {
            (P2P_PORT, RPC_PORT, 0) => local(METRICS_PORT),
            (P2P_PORT, RPC_PORT, _) => local(METRICS_PORT + 1 + index),
            _ => local(self.p2p_port + 2 * offset(self.validators) + index),
        }
    }

    /// Where `--observe` puts Prometheus: behind the validators' metrics; `None` if there is no such port.
    #[must_use]
    pub fn prometheus_port(&self) -> Option<u16> {
        match (self.p2p_port, self.rpc_port) {
            (P2P_PORT, RPC_PORT) => Some(PROMETHEUS_PORT),
            _ => self.p2p_port.checked_add(2 * offset(self.validators) + PROMETHEUS_OFFSET.max(self.validators)),
        }
    }
}

/// Between the first ports of two kinds, counted from the base port.
fn offset(validators: u16) -> u16 {
    RPC_OFFSET.max(validators + 1)
}

const fn local(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

/// A validator's directory.
#[must_use]
pub fn home(dir: &Path, index: u16) -> PathBuf {
    dir.join(format!("validator-{index}"))
}

pub(super) fn failed(path: &Path, what: &str, error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::DataDirectory, format!("localnet: cannot {what} {}: {error}", path.display()))
}

fn read_manifest(dir: &Path) -> Result<Option<Manifest>, Failure> {
    let path = dir.join(MANIFEST_FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&path, "read", error)),
    };
    if let Some(found) = foreign_version(&text, MANIFEST_VERSION) {
        return Err(Failure::config(format!(
            "{}: format version {found}, this program reads {MANIFEST_VERSION}; use the program that made the localnet, or \
             another --dir",
            path.display()
        )));
    }
    let manifest =
        toml::from_str(&text).map_err(|error| Failure::config(format!("{}: {}", path.display(), error.message())))?;
    Ok(Some(manifest))
}

fn write_manifest(dir: &Path, manifest: &Manifest) -> Result<(), Failure> {
    let path = dir.join(MANIFEST_FILE);
    let text = toml::to_string(manifest).map_err(|error| failed(&path, "write", error))?;
    fs::write(&path, text).map_err(|error| failed(&path, "write", error))
}

/// Makes the network, or checks the one that is there, and moves its ports if asked to.
///
/// # Errors
/// The directory holds something else, an other network than asked for, or cannot be written.
pub fn prepare(args: &LocalnetArgs) -> Result<Manifest, Failure> {
    // Before anything is deleted.
    let validators = usize::from(args.validators.unwrap_or(DEFAULT_VALIDATORS));
    if args.statement_scheme == Some(StatementScheme::Ed25519) && validators > MAX_ED25519_VALIDATORS {
        return Err(Failure::config(CommitteeError::TooManyForEd25519 { count: validators }));
    }
    let found = read_manifest(&args.dir)?;
    let mut manifest = match found {
        Some(manifest) if manifest.complete && !args.reset => {
            check(args, &manifest)?;
            manifest
        }
        Some(manifest) => {
            clear(&args.dir, manifest.validators)?;
            return make(args);
        }
        None => {
            refuse_foreign(&args.dir)?;
            return make(args);
        }
    };
    let there = (manifest.p2p_port, manifest.rpc_port);
    if let Some(asked) = base_ports(args, manifest.validators)?.filter(|asked| *asked != there) {
        (manifest.p2p_port, manifest.rpc_port) = asked;
        write_configs(&args.dir, &manifest)?;
        write_manifest(&args.dir, &manifest)?;
    }
    Ok(manifest)
}

/// The ports that `--base-port` asks for.
fn base_ports(args: &LocalnetArgs, validators: u16) -> Result<Option<(u16, u16)>, Failure> {
    let Some(base) = args.base_port else { return Ok(None) };
    let offset = offset(validators);
    // Peers, APIs, metrics and dashboards.
    match base.checked_add(3 * offset).and_then(|dashboards| dashboards.checked_add(validators)) {
        Some(_) => Ok(Some((base, base + offset))),
        None => Err(Failure::new(Exit::Usage, format!("--base-port {base}: the ports do not fit below 65536"))),
    }
}

fn refuse_foreign(dir: &Path) -> Result<(), Failure> {
    let Ok(entries) = fs::read_dir(dir) else { return Ok(()) };
    let foreign = entries.flatten().find(|entry| entry.file_name() != crate::datadir::LOCK_FILE);
    match foreign {
        None => Ok(()),
        Some(entry) => Err(Failure::new(
            Exit::DataDirectory,
            format!("{} holds files ({:?}) but no localnet: name an empty directory", dir.display(), entry.file_name()),
        )),
    }
}

fn check(args: &LocalnetArgs, manifest: &Manifest) -> Result<(), Failure> {
    let differences = [
        ("--validators", args.validators.map(u32::from), u32::from(manifest.validators)),
        ("--accounts", args.accounts, manifest.accounts),
        ("--recipients", args.recipients, manifest.recipients),
    ];
    for (flag, asked, there) in differences {
        if let Some(asked) = asked.filter(|asked| *asked != there) {
            let dir = args.dir.display();
            let reason =
                format!("{flag} {asked}: the localnet in {dir} was made with {there}; start anew with --reset");
            return Err(Failure::config(reason));
        }
    }
    for index in 0..manifest.validators {
        for name in ["config.toml", BLS_FILE, NETWORK_FILE] {
            let path = home(&args.dir, index).join(name);
            if !path.exists() {
                return Err(Failure::config(format!("{} is missing: start anew with --reset", path.display())));
            }
        }
    }
    let genesis = read_genesis(&args.dir.join(GENESIS_FILE))?;
    if genesis.committee().n() != usize::from(manifest.validators) {
        return Err(Failure::config(format!(
            "{GENESIS_FILE} in {} is not this localnet's: --reset",
            args.dir.display()
        )));
    }
    let there = genesis.committee().scheme();
    if let Some(asked) = args.statement_scheme.filter(|asked| *asked != there) {
        let dir = args.dir.display();
        let reason =
            format!("--statement-scheme {asked}: the localnet in {dir} was made with {there}; start anew with --reset");
        return Err(Failure::config(reason));
    }
    Ok(())
}

fn clear(dir: &Path, validators: u16) -> Result<(), Failure> {
    for index in 0..validators {
        let home = home(dir, index);
        let data = home.join("data");
        if data.exists() {
            fs::remove_dir_all(&data).map_err(|error| failed(&data, "delete", error))?;
        }
        for name in ["config.toml", BLS_FILE, NETWORK_FILE, VALIDATOR_FILE, LOG_FILE, TRACE_FILE, SPANS_FILE] {
            remove(&home.join(name))?;
        }
        remove(&crate::run::first_use::marker_of(&home.join(BLS_FILE)))?;
        match fs::remove_dir(&home) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed(&home, "delete", format!("{error}; it holds files that no localnet made")));
            }
            _ => {}
        }
    }
    super::observe::clear(dir)?;
    for name in [GENESIS_FILE, SEED_FILE, MANIFEST_FILE] {
        remove(&dir.join(name))?;
    }
    Ok(())
}

pub(super) fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(path, "delete", error)),
        _ => Ok(()),
    }
}

fn make(args: &LocalnetArgs) -> Result<Manifest, Failure> {
    let dir = &args.dir;
    let validators = args.validators.unwrap_or(DEFAULT_VALIDATORS);
    let (p2p_port, rpc_port) = base_ports(args, validators)?.unwrap_or((P2P_PORT, RPC_PORT));
    let mut manifest = Manifest {
        version: MANIFEST_VERSION,
        complete: false,
        validators,
        accounts: args.accounts.unwrap_or(DEFAULT_ACCOUNTS),
        recipients: args.recipients.unwrap_or(DEFAULT_RECIPIENTS),
        p2p_port,
        rpc_port,
    };
    fs::create_dir_all(dir).map_err(|error| failed(dir, "create", error))?;
    write_manifest(dir, &manifest)?;
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).map_err(|error| Failure::new(Exit::Keys, format!("no randomness: {error}")))?;
    keys::write_secret(&dir.join(SEED_FILE), KeyKind::Seed, &seed)?;
    let entries = (0..validators).map(|index| keys::generate(&home(dir, index), None));
    let genesis = GenesisFile {
        version: GENESIS_VERSION,
        chain_id: CHAIN_ID,
        time_ms: crate::genesis::current_second_ms(),
        fees: Default::default(),
        statement_scheme: args.statement_scheme.unwrap_or(StatementScheme::for_committee_of(validators.into())),
        validators: entries.collect::<Result<_, _>>()?,
        accounts: balances(&DevSeed::new(seed), &manifest),
    };
    crate::genesis::write(&dir.join(GENESIS_FILE), &Genesis::new(genesis).map_err(Failure::config)?)?;
    write_configs(dir, &manifest)?;
    manifest.complete = true;
    write_manifest(dir, &manifest)?;
    Ok(manifest)
}

fn balances(seed: &DevSeed, manifest: &Manifest) -> BTreeMap<Address, U256> {
    let funded = U256::from(1_000_000u64) * U256::from(ETHER);
    let small = U256::from(ETHER / 1000);
    let recipients = (0..manifest.recipients).map(|index| (seed.recipient(index), small));
    recipients.chain((0..manifest.accounts).map(|index| (seed.sender_address(index), funded))).collect()
}

fn write_configs(dir: &Path, manifest: &Manifest) -> Result<(), Failure> {
    for index in 0..manifest.validators {
        let path = home(dir, index).join("config.toml");
        let text = toml::to_string_pretty(&config(manifest, index)).map_err(|error| failed(&path, "write", error))?;
        let text = format!("# Made by 'minuet localnet'; config.example.toml explains every option.\n{text}");
        fs::write(&path, text).map_err(|error| failed(&path, "write", error))?;
    }
    Ok(())
}

fn config(manifest: &Manifest, index: u16) -> NodeConfig {
    let (p2p, rpc) = manifest.addresses(index);
    let others = (0..manifest.validators).filter(|other| *other != index);
    let peer = |other| PeerConfig { index: other, address: manifest.addresses(other).0.to_string() };
    let mut config = NodeConfig {
        genesis: Path::new("..").join(GENESIS_FILE),
        consensus: ConsensusConfig { delta_base_ms: DELTA_BASE_MS, ..ConsensusConfig::default() },
        ..NodeConfig::default()
    };
    config.p2p.listen_address = p2p;
    config.p2p.peers = others.map(peer).collect();
    config.rpc.listen_address = rpc;
    config.metrics.enabled = true;
    config.metrics.listen_address = manifest.metrics_address(index);
    config.visualizer.enabled = true;
    config.visualizer.listen_address = manifest.dashboard(index);
    let fleet = (0..manifest.validators)
        .map(|index| FleetEntry { index, url: format!("http://{}", manifest.dashboard(index)) });
    config.visualizer.fleet = fleet.collect();
    config
}

#[cfg(test)]
#[path = "layout_tests.rs"]
mod tests;
