//! The dashboard's wiring. A node without one goes on: it only observes.

use super::adapters;
use super::face::Face;
use crate::config::VisualizerConfig;
use minuet_core::views::ViewRing;
use minuet_visualizer::{MAX_CLIENTS, VisualizerContext, VisualizerHandle};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::sync::Arc;

/// Files that the node needs besides its clients: database, journal, peers, the API's connections.
const OTHER_FILES: u64 = 2048;

/// Starts it, if it is asked for. What keeps it from running is told, and the node runs all the same.
pub fn spawn(config: &VisualizerConfig, face: &Face<'_>, views: Arc<ViewRing>) -> Option<VisualizerHandle> {
    if !config.enabled {
        return None;
    }
    let context = VisualizerContext {
        genesis: face.genesis.clone(),
        status: face.status.clone(),
        views,
        validator: face.signer,
        role: face.role.name(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        chain: Arc::new(adapters::Chain(face.reader.clone())),
        peers: Arc::new(adapters::Peers::new(face.p2p.clone(), face.genesis)),
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
