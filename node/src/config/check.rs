//! Ranges and contradictions inside one configuration, found before anything is opened.

use super::NodeConfig;
use crate::exit::Failure;
use minuet_core::block::MAX_BODY_BYTES;
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// # Errors
/// The first option outside its range, by its name.
pub fn check_ranges(config: &NodeConfig) -> Result<(), Failure> {
    let NodeConfig { consensus, mempool, storage, .. } = config;
    let checks = [
        (consensus.empty_block_delay_ms <= 60_000, "consensus.empty_block_delay_ms must be at most 60000"),
        (consensus.vote_linger_us <= 100_000, "consensus.vote_linger_us must be at most 100000"),
        ((1..=60_000).contains(&consensus.delta_base_ms), "consensus.delta_base_ms must be between 1 and 60000"),
        (
            (consensus.delta_base_ms..=600_000).contains(&consensus.delta_max_ms),
            "consensus.delta_max_ms must be between delta_base_ms and 600000",
        ),
        (
            (1024..=MAX_BODY_BYTES).contains(&consensus.max_block_bytes),
            "consensus.max_block_bytes must be between 1024 and 2097152",
        ),
        (
            (1..=10_000_000).contains(&mempool.max_transactions),
            "mempool.max_transactions must be between 1 and 10000000",
        ),
        ((1..=65_536).contains(&mempool.max_mb), "mempool.max_mb must be between 1 and 65536"),
        (
            (1..=mempool.max_transactions).contains(&mempool.max_per_sender),
            "mempool.max_per_sender must be between 1 and max_transactions",
        ),
        ((1..=1_000_000).contains(&mempool.nonce_window), "mempool.nonce_window must be between 1 and 1000000"),
        (mempool.log_mb <= 4096, "mempool.log_mb must be at most 4096"),
        ((1..=1_048_576).contains(&storage.block_cache_mb), "storage.block_cache_mb must be between 1 and 1048576"),
        ((1..=1_048_576).contains(&storage.write_buffer_mb), "storage.write_buffer_mb must be between 1 and 1048576"),
        ((16..=1_000_000).contains(&storage.max_open_files), "storage.max_open_files must be between 16 and 1000000"),
        (config.p2p.max_followers <= 1024, "p2p.max_followers must be at most 1024"),
        ((1..=1024).contains(&storage.journal_segment_mb), "storage.journal_segment_mb must be between 1 and 1024"),
        (
            storage.retain_blocks == 0 || storage.retain_blocks >= 1000,
            "storage.retain_blocks must be 0, which keeps everything, or at least 1000: peers that are behind need them",
        ),
        (config.metrics.ready_min_disk_mb <= 1_048_576, "metrics.ready_min_disk_mb must be at most 1048576"),
        (config.metrics.ready_stale_after_ms > 0, "metrics.ready_stale_after_ms must be above 0"),
        (config.metrics.ready_min_peers <= 512, "metrics.ready_min_peers must be at most 512"),
        (storage.low_disk_mb <= 1_048_576, "storage.low_disk_mb must be at most 1048576"),
    ];
    if let Some((_, reason)) = checks.iter().find(|(good, _)| !good) {
        return Err(Failure::config(reason));
    }
    config.rpc.check().map_err(Failure::config)?;
    config.visualizer.check().map_err(Failure::config)?;
    check_level(&config.log.level)?;
    check_peers(config)
}

fn check_level(level: &str) -> Result<(), Failure> {
    tracing_subscriber::EnvFilter::try_new(level).map(|_| ()).map_err(|error| {
        Failure::config(format!("log.level '{level}': {error}; use error, warn, info, debug, trace or module=level"))
    })
}

fn check_peers(config: &NodeConfig) -> Result<(), Failure> {
    let (mut indexes, mut addresses) = (BTreeSet::new(), BTreeSet::new());
    let listens = config.p2p.listen_address;
    for peer in &config.p2p.peers {
        let place = format!("p2p.peers: validator {}", peer.index);
        let port = peer
            .address
            .rsplit_once(':')
            .and_then(|(host, port)| if host.is_empty() { None } else { port.parse::<u16>().ok() });
        if port.is_none_or(|port| port == 0) {
            return Err(Failure::config(format!("{place}: address '{}' is not host:port", peer.address)));
        }
        // The socket that listens also dials.
        let address = peer.address.parse::<SocketAddr>().ok();
        if listens.ip().is_loopback() && address.is_some_and(|address| !address.ip().is_loopback()) {
            let port = listens.port();
            return Err(Failure::config(format!(
                "{place} at {} is out of reach of p2p.listen_address {listens}, from which it is dialled: listen on an address that \
                 reaches it, for example 0.0.0.0:{port}",
                peer.address
            )));
        }
        if !indexes.insert(peer.index) {
            return Err(Failure::config(format!("{place} is named twice")));
        }
        if !addresses.insert(&peer.address) {
            return Err(Failure::config(format!("{place}: address {} is also another peer's", peer.address)));
        }
    }
    Ok(())
}
