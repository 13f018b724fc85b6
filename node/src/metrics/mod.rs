//! Metrics for Prometheus, and whether the node lives and is ready, over HTTP.
//!
//! Owns: the table of all metrics ([`table`]), their values, the thread "minuet-metrics". Never does: ask a service to do
//! anything: it reads atomics, drains fixed rings of durations and folds the ring of views, so that the services are as
//! fast with it as without.
//!
//! Invariants:
//! - Every series that can exist is there from the first answer on; counters never fall.
//! - Labels have few values, known at the start.

mod asked;
mod calls;
mod observer;
mod process;
mod registry;
mod server;
mod sources;
mod table;
#[cfg(test)]
mod tests;
mod views;
mod watch;

pub use server::MetricsHandle;

use crate::config::{MetricsConfig, cannot_listen};
use crate::exit::Failure;
use crate::run::RingWatch;
use calls::CallCounts;
use minuet_core::ValidatorIndex;
use minuet_core::genesis::Genesis;
use minuet_core::health::Limits;
use minuet_core::status::NodeStatus;
use minuet_core::views::ViewRing;
use minuet_p2p::P2pStats;
use minuet_rpc::{CallObserver, Role};
use minuet_storage::RocksStore;
use observer::Observer;
use registry::Registry;
use std::net::TcpListener;
use std::sync::Arc;

/// What is observed.
pub struct Sources {
    pub status: Arc<NodeStatus>,
    pub genesis: Arc<Genesis>,
    /// Whose keys this node has.
    pub validator: Option<ValidatorIndex>,
    pub role: Role,
    pub p2p: Arc<P2pStats>,
    pub rings: Vec<RingWatch>,
    pub store: Arc<RocksStore>,
    pub views: Arc<ViewRing>,
    /// Transactions that the pool may hold.
    pub pool_transactions: usize,
    /// Bytes that it may hold.
    pub pool_bytes: usize,
}

/// An address that is bound and series that may be counted, before there is anything to observe.
pub struct Meters {
    config: MetricsConfig,
    listener: TcpListener,
    registry: Arc<Registry>,
    calls: Arc<CallCounts>,
}

impl Meters {
    /// Binds the address; nothing if metrics are off.
    ///
    /// # Errors
    /// [`crate::exit::Exit::Network`] if the address cannot be listened on.
    pub fn open(config: &MetricsConfig) -> Result<Option<Self>, Failure> {
        if !config.enabled {
            return Ok(None);
        }
        let address = config.listen_address;
        let listener =
            TcpListener::bind(address).map_err(|error| cannot_listen("metrics.listen_address", address, &error))?;
        let registry = Arc::new(Registry::new());
        let calls = Arc::new(CallCounts::new(&registry));
        Ok(Some(Self { config: config.clone(), listener, registry, calls }))
    }

    /// For the API.
    pub fn calls(&self) -> Arc<dyn CallObserver> {
        self.calls.clone()
    }

    /// Begins to observe and to answer.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(self, sources: &Sources) -> Result<MetricsHandle, Failure> {
        let limits = limits(&self.config, sources);
        let address = self.listener.local_addr().unwrap_or(self.config.listen_address);
        let handle = server::spawn(self.listener, Observer::new(self.registry, sources, limits))?;
        tracing::info!(url = %format_args!("http://{address}/metrics"), "metrics are served");
        Ok(handle)
    }
}

/// What makes a node unready. A validator needs as many peers as it takes to make a block final with it.
fn limits(config: &MetricsConfig, sources: &Sources) -> Limits {
    let to_finalize = sources.genesis.committee().quorums().l().saturating_sub(1) as u64;
    let needed = if sources.validator.is_some() { to_finalize } else { 1 };
    Limits {
        max_age_ms: config.ready_stale_after_ms,
        max_lag_blocks: config.ready_max_lag_blocks,
        min_peers: if config.ready_min_peers == 0 { needed } else { config.ready_min_peers },
        min_disk_bytes: config.ready_min_disk_mb << 20,
    }
}
