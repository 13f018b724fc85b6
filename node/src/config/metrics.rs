//! `[metrics]`

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// TCP port of the first validator's metrics.
pub const METRICS_PORT: u16 = 9090;

/// `[metrics]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsConfig {
    /// Whether `/metrics`, `/livez` and `/readyz` are served.
    pub enabled: bool,
    /// TCP address to listen on.
    pub listen_address: SocketAddr,
    /// `/readyz` says no when the newest final block is older.
    pub ready_stale_after_ms: u64,
    /// `/readyz` says no when the node is more blocks behind its peers.
    pub ready_max_lag_blocks: u64,
    /// `/readyz` says no with fewer connected validators; 0: fewer than finality needs.
    pub ready_min_peers: u64,
    /// `/readyz` says no below so much free space, in mebibytes; 0: never.
    pub ready_min_disk_mb: u64,
}

impl Default for MetricsConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            listen_address: super::local(METRICS_PORT),
            ready_stale_after_ms: 10_000,
            ready_max_lag_blocks: 64,
            ready_min_peers: 0,
            ready_min_disk_mb: 256,
        }
    }
}
