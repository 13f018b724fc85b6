//! A node's local settings: the TOML file, what overrides it, and what a node needs before it starts.
//!
//! Owns: every option with its default and its range. Never does: hold what all nodes must agree on (that is the
//! genesis), or anything that derives from it.
//!
//! Order, later wins: defaults, file, environment (`NODE_SECTION__KEY`), flags.

mod check;
mod commands;
#[cfg(test)]
mod fuzz_tests;
mod layers;
mod metrics;
mod prepare;
#[cfg(test)]
mod tests;

pub use commands::{cannot_listen, run};
pub use layers::{Overrides, load};
pub use metrics::{METRICS_PORT, MetricsConfig};
pub use prepare::{Files, Prepared, read_files, read_genesis};

use minuet_core::block::MAX_BODY_BYTES;
pub use minuet_rpc::RpcConfig;
pub use minuet_visualizer::{FleetEntry, VisualizerConfig};
use serde::{Deserialize, Serialize};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// UDP port of the first validator.
pub const P2P_PORT: u16 = 9000;
/// TCP port of the first validator's API.
pub const RPC_PORT: u16 = 50051;

/// TCP port of the first validator's dashboard.
pub const VISUALIZER_PORT: u16 = 8080;

/// The whole file. `config.example.toml` documents every option.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NodeConfig {
    /// Database, journal and lock.
    pub data_dir: PathBuf,
    /// The genesis file.
    pub genesis: PathBuf,
    /// Key files.
    pub keys: KeysConfig,
    /// Connections to other nodes.
    pub p2p: P2pConfig,
    /// The API.
    pub rpc: RpcConfig,
    /// Local choices of the protocol.
    pub consensus: ConsensusConfig,
    /// The transaction pool.
    pub mempool: MempoolConfig,
    /// Database and journal.
    pub storage: StorageConfig,
    /// What is written to standard error.
    pub log: LogConfig,
    /// What is written down for checks.
    pub trace: TraceConfig,
    /// Metrics and probes.
    pub metrics: MetricsConfig,
    /// The dashboard.
    pub visualizer: VisualizerConfig,
}

/// `[keys]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeysConfig {
    /// Signs statements.
    pub bls: PathBuf,
    /// Proves this node's identity to its peers.
    pub network: PathBuf,
}

/// `[p2p]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct P2pConfig {
    /// UDP address to listen on.
    pub listen_address: SocketAddr,
    /// Where the other validators are.
    pub peers: Vec<PeerConfig>,
    /// Nodes that only follow and are let in at a time.
    pub max_followers: usize,
}

/// `[[p2p.peers]]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerConfig {
    /// Its place in the genesis.
    pub index: u16,
    /// `host:port`.
    pub address: String,
}

/// `[consensus]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConsensusConfig {
    /// A leader without transactions waits so long for the first (R1).
    pub empty_block_delay_ms: u64,
    /// M votes wait so long for L of them, so that one signature check serves both.
    pub vote_linger_us: u64,
    /// Δ where no view fails (R13).
    pub delta_base_ms: u64,
    /// Δ at most (R13).
    pub delta_max_ms: u64,
    /// Transaction bytes of a proposed block.
    pub max_block_bytes: usize,
}

/// `[mempool]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MempoolConfig {
    /// Transactions in the pool.
    pub max_transactions: usize,
    /// Their bytes in mebibytes.
    pub max_mb: usize,
    /// Transactions of one sender.
    pub max_per_sender: usize,
    /// Nonces beyond an account's next that are kept.
    pub nonce_window: u64,
    /// The pool log at most, in mebibytes; 0: none is kept.
    pub log_mb: u64,
}

/// `[storage]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StorageConfig {
    /// The one block cache, in mebibytes.
    pub block_cache_mb: usize,
    /// All write buffers together, in mebibytes.
    pub write_buffer_mb: usize,
    /// Files that the database keeps open.
    pub max_open_files: u32,
    /// A preallocated journal file, in mebibytes.
    pub journal_segment_mb: u64,
    /// Blocks that are kept below the newest final one; 0 keeps everything.
    pub retain_blocks: u64,
    /// Free space of the data directory's file system below which the node warns, in mebibytes.
    pub low_disk_mb: u64,
}

/// `[log]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// As `RUST_LOG`: `info`, `warn,minuet_consensus=debug`, ...
    pub level: String,
    /// The form of a line.
    pub format: LogFormat,
}

/// `[trace]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TraceConfig {
    /// Where every signed message from peers is written, as JSON lines; empty: nowhere.
    pub received: PathBuf,
    /// Where the moments of transfers and views are written, as JSON lines; empty: nowhere.
    pub spans: PathBuf,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

impl Default for NodeConfig {
    fn default() -> Self {
        Self {
            data_dir: "data".into(),
            genesis: "genesis.json".into(),
            keys: KeysConfig::default(),
            p2p: P2pConfig::default(),
            rpc: RpcConfig::default(),
            consensus: ConsensusConfig::default(),
            mempool: MempoolConfig::default(),
            storage: StorageConfig::default(),
            log: LogConfig::default(),
            trace: TraceConfig::default(),
            metrics: MetricsConfig::default(),
            visualizer: VisualizerConfig::default(),
        }
    }
}

impl Default for KeysConfig {
    fn default() -> Self {
        Self { bls: crate::keys::BLS_FILE.into(), network: crate::keys::NETWORK_FILE.into() }
    }
}

impl Default for P2pConfig {
    fn default() -> Self {
        Self { listen_address: local(P2P_PORT), peers: Vec::new(), max_followers: 16 }
    }
}

impl Default for ConsensusConfig {
    fn default() -> Self {
        Self {
            empty_block_delay_ms: 200,
            vote_linger_us: 1000,
            delta_base_ms: 250,
            delta_max_ms: 2000,
            max_block_bytes: MAX_BODY_BYTES,
        }
    }
}

impl Default for MempoolConfig {
    fn default() -> Self {
        Self { max_transactions: 65_536, max_mb: 64, max_per_sender: 256, nonce_window: 256, log_mb: 64 }
    }
}

impl Default for StorageConfig {
    fn default() -> Self {
        Self {
            block_cache_mb: 16,
            write_buffer_mb: 16,
            max_open_files: 256,
            journal_segment_mb: 16,
            retain_blocks: 0,
            low_disk_mb: 1024,
        }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Text }
    }
}

const fn local(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}
