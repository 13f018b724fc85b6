//! The configuration in the services' own terms.

use crate::config::Prepared;
use crate::exit::Failure;
use minuet_consensus::replica::Timing;
use minuet_core::PeerId;
use minuet_execution::LedgerOptions;
use minuet_mempool::MempoolConfig;
use minuet_p2p::{P2pConfig, PeerEntry};
use minuet_storage::{JournalConfig, RocksConfig};
use std::net::{SocketAddr, ToSocketAddrs};

/// What each service is started with.
pub struct Plan {
    pub peer: PeerId,
    pub p2p: P2pConfig,
    pub rocks: RocksConfig,
    pub journal: JournalConfig,
    pub ledger: LedgerOptions,
    pub mempool: MempoolConfig,
    pub timing: Timing,
    pub max_block_bytes: usize,
    pub linger_us: u64,
}

impl Plan {
    pub fn new(prepared: &Prepared) -> Result<Self, Failure> {
        let config = &prepared.config;
        let consensus = &config.consensus;
        Ok(Self {
            peer: prepared.validator.map_or(PeerId::FOLLOWER, |index| index.peer()),
            p2p: p2p(prepared)?,
            rocks: RocksConfig {
                block_cache_bytes: config.storage.block_cache_mb << 20,
                write_buffer_bytes: config.storage.write_buffer_mb << 20,
                max_open_files: i32::try_from(config.storage.max_open_files).unwrap_or(i32::MAX),
                ..RocksConfig::default()
            },
            journal: JournalConfig {
                segment_bytes: config.storage.journal_segment_mb << 20,
                ..JournalConfig::default()
            },
            ledger: LedgerOptions { retain_blocks: config.storage.retain_blocks, ..LedgerOptions::default() },
            mempool: MempoolConfig {
                max_transactions: config.mempool.max_transactions,
                max_bytes: config.mempool.max_mb << 20,
                max_per_sender: config.mempool.max_per_sender,
                nonce_window: config.mempool.nonce_window,
                ..MempoolConfig::default()
            },
            timing: Timing {
                empty_block_delay_us: consensus.empty_block_delay_ms.saturating_mul(1000),
                delta_base_us: consensus.delta_base_ms.saturating_mul(1000),
                delta_max_us: consensus.delta_max_ms.saturating_mul(1000),
            },
            max_block_bytes: consensus.max_block_bytes,
            linger_us: consensus.vote_linger_us,
        })
    }
}

fn p2p(prepared: &Prepared) -> Result<P2pConfig, Failure> {
    let config = &prepared.config.p2p;
    let mut peers = Vec::new();
    for (index, validator) in prepared.genesis.committee().iter() {
        let configured = config.peers.iter().find(|peer| peer.index == index.0);
        let address = configured.map(|peer| resolve(&peer.address)).transpose()?;
        peers.push(PeerEntry { peer: index.peer(), address, key: validator.network_key });
    }
    let (listen_address, max_followers) = (config.listen_address, config.max_followers);
    Ok(P2pConfig { listen_address, peers, max_followers, ..P2pConfig::default() })
}

fn resolve(address: &str) -> Result<SocketAddr, Failure> {
    let failed = |reason: String| Failure::config(format!("p2p.peers: address {address:?}: {reason}"));
    let mut found = address.to_socket_addrs().map_err(|error| failed(error.to_string()))?;
    found.next().ok_or_else(|| failed("names no host".to_owned()))
}
