//! Settings and the errors of starting and stopping.

use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use thiserror::Error;

/// Local settings of the interface, section `[rpc]` of the node's file. All limits are per node unless said otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RpcConfig {
    /// Where to listen. Port 0 takes a free one. There is no authentication: keep it on the loopback or behind a proxy.
    pub listen_address: SocketAddr,
    /// The longest message that a client may send, in bytes. Must exceed an envelope's 131,072.
    pub max_request_bytes: usize,
    /// Calls that one connection may have open, streams included.
    pub max_calls_per_connection: u32,
    /// Calls in progress altogether, waits and streams not counted.
    pub max_calls: usize,
    /// Open calls of `SubmitAndWait`.
    pub max_waiters: usize,
    /// Open subscriptions.
    pub max_subscriptions: usize,
    /// Blocks that a subscriber which had caught up may fall behind before it is dropped.
    pub max_subscriber_lag_blocks: u64,
    /// Blocks of the recent past kept in memory for subscribers, at most.
    pub recent_blocks: usize,
    /// Bytes of memory that their transactions take, at most.
    pub recent_bytes: usize,
    /// Transactions that are taken per second on average; 0 switches the limit off.
    pub submit_rate_per_second: u32,
    /// Transactions that are taken at once after a pause.
    pub submit_burst: u32,
    /// How long the pool may take to answer, in milliseconds.
    pub request_timeout_ms: u64,
    /// How often a waiting call asks the pool whether its transaction was dropped, in milliseconds.
    pub drop_check_ms: u64,
    /// The node reports itself unhealthy when its newest final block is older, in milliseconds.
    pub stale_after_ms: u64,
    /// The node reports itself unhealthy when it is more blocks behind its peers.
    pub max_lag_blocks: u64,
    /// How often the standard health service is brought up to date, in milliseconds.
    pub health_check_ms: u64,
    /// How long open calls may take to end at shutdown, in milliseconds.
    pub shutdown_ms: u64,
}

impl Default for RpcConfig {
    fn default() -> Self {
        Self {
            listen_address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 50051),
            max_request_bytes: 256 * 1024,
            max_calls_per_connection: 1024,
            max_calls: 4096,
            max_waiters: 8192,
            max_subscriptions: 256,
            max_subscriber_lag_blocks: 256,
            recent_blocks: 512,
            recent_bytes: 8 * 1024 * 1024,
            submit_rate_per_second: 20_000,
            submit_burst: 20_000,
            request_timeout_ms: 10_000,
            drop_check_ms: 1000,
            stale_after_ms: 30_000,
            max_lag_blocks: 64,
            health_check_ms: 1000,
            shutdown_ms: 2000,
        }
    }
}

impl RpcConfig {
    /// Values that would make the interface useless.
    ///
    /// # Errors
    /// The first of them, by its key.
    pub fn check(&self) -> Result<(), RpcError> {
        let envelope = minuet_core::transaction::MAX_TRANSACTION_BYTES;
        let checks = [
            (self.max_request_bytes > envelope, "rpc.max_request_bytes", "must be above 131072, a transaction's limit"),
            (self.max_calls_per_connection > 0, "rpc.max_calls_per_connection", "must be above 0"),
            (self.max_calls > 0, "rpc.max_calls", "must be above 0"),
            (self.submit_rate_per_second == 0 || self.submit_burst > 0, "rpc.submit_burst", "must be above 0"),
            (self.request_timeout_ms > 0, "rpc.request_timeout_ms", "must be above 0"),
            (self.drop_check_ms > 0, "rpc.drop_check_ms", "must be above 0"),
            (self.health_check_ms > 0, "rpc.health_check_ms", "must be above 0"),
        ];
        let semaphores = [
            (self.max_calls, "rpc.max_calls"),
            (self.max_waiters, "rpc.max_waiters"),
            (self.max_subscriptions, "rpc.max_subscriptions"),
        ];
        if let Some((_, key, reason)) = checks.into_iter().find(|(good, ..)| !good) {
            return Err(RpcError::Config { key, reason });
        }
        match semaphores.into_iter().find(|(limit, _)| *limit > 1_000_000) {
            Some((_, key)) => Err(RpcError::Config { key, reason: "must be at most 1000000" }),
            None => Ok(()),
        }
    }
}

/// Why the interface does not start.
#[derive(Debug, Error)]
pub enum RpcError {
    /// A setting is of no use.
    #[error("{key} {reason}")]
    Config {
        /// Its name in the file.
        key: &'static str,
        /// What it must be.
        reason: &'static str,
    },
    /// The address cannot be listened on.
    #[error(
        "rpc.listen_address {address}: {source}; stop the program that uses it or set rpc.listen_address to another port"
    )]
    Bind {
        /// From the settings.
        address: SocketAddr,
        /// The system's words.
        source: std::io::Error,
    },
    /// The system gives no thread or no timer.
    #[error("the interface's thread cannot be started: {0}")]
    Thread(std::io::Error),
    /// Neither service tree nor store: the chain's tip could not be read.
    #[error(transparent)]
    Store(#[from] minuet_core::store::StoreError),
    /// The compiled proto file cannot be offered.
    #[error("reflection: {0}")]
    Reflection(String),
}
