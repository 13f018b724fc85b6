//! The dashboard's wiring. A node without one goes on: it only observes.

use super::adapters;
use crate::config::VisualizerConfig;
use minuet_core::ValidatorIndex;
use minuet_core::genesis::Genesis;
use minuet_core::status::NodeStatus;
use minuet_core::views::ViewRing;
use minuet_execution::ChainReader;
use minuet_p2p::P2pStats;
use minuet_rpc::Role;
use minuet_visualizer::{MAX_CLIENTS, VisualizerContext, VisualizerHandle};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::sync::Arc;

/// Files that the node needs besides its clients: database, journal, peers, the API's connections.
const OTHER_FILES: u64 = 2048;

/// What the dashboard reads.
pub struct Seen<'a> {
    pub genesis: &'a Arc<Genesis>,
    pub status: &'a Arc<NodeStatus>,
    pub views: Arc<ViewRing>,
    pub validator: Option<ValidatorIndex>,
    pub role: Role,
    pub chain: ChainReader,
    pub peers: &'a Arc<P2pStats>,
}

/// Starts it, if it is asked for. What keeps it from running is told, and the node runs all the same.
pub fn spawn(config: &VisualizerConfig, seen: Seen<'_>) -> Option<VisualizerHandle> {
    if !config.enabled {
        return None;
    }
    let context = VisualizerContext {
        genesis: seen.genesis.clone(),
        status: seen.status.clone(),
        views: seen.views,
        validator: seen.validator,
        role: seen.role.name(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        chain: Arc::new(adapters::Chain(seen.chain)),
        peers: Arc::new(adapters::Peers::new(seen.peers.clone(), seen.genesis)),
        max_clients: max_clients(),
    };
    match minuet_visualizer::spawn(config, context) {
        Ok(dashboard) => {
            tracing::info!(url = dashboard.url(), "the dashboard runs");
            Some(dashboard)
        }
        Err(error) => {
            tracing::error!(%error, "there is no dashboard; the node runs without");
            None
        }
    }
}

/// As many as the open files allow, after asking for all that the system grants: a client must never take a file from the
/// database.
fn max_clients() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum && setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_err() {
        tracing::debug!("the limit of open files stays as it is");
    }
    // No limit is no number.
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let places = files.saturating_sub(OTHER_FILES).max(files / 8);
    usize::try_from(places).unwrap_or(MAX_CLIENTS).min(MAX_CLIENTS)
}
