//! What a node shows of itself: the same parts for the API, the metrics and the dashboard.

use super::adapters;
use super::wires::{ApiEnds, RingWatch};
use crate::config::MempoolConfig;
use crate::metrics::Sources;
use minuet_core::ValidatorIndex;
use minuet_core::genesis::Genesis;
use minuet_core::status::NodeStatus;
use minuet_core::views::ViewRing;
use minuet_execution::ChainReader;
use minuet_p2p::P2pStats;
use minuet_rpc::{CallObserver, Role, RpcContext};
use minuet_storage::RocksStore;
use std::sync::Arc;

/// The parts.
pub struct Face<'a> {
    pub genesis: &'a Arc<Genesis>,
    pub status: &'a Arc<NodeStatus>,
    /// Whose keys this node has.
    pub validator: Option<ValidatorIndex>,
    /// Whom it signs as.
    pub signer: Option<ValidatorIndex>,
    pub role: Role,
    pub reader: &'a ChainReader,
    pub p2p: &'a Arc<P2pStats>,
}

impl Face<'_> {
    /// What the API is wired to.
    pub fn context(&self, api: ApiEnds, calls: Option<Arc<dyn CallObserver>>) -> RpcContext {
        RpcContext {
            genesis: self.genesis.clone(),
            status: self.status.clone(),
            validator: self.signer,
            role: self.role,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            chain: Arc::new(adapters::Chain(self.reader.clone())),
            peers: Arc::new(adapters::Peers::new(self.p2p.clone(), self.genesis)),
            submissions: api.submissions,
            finalized: api.finalized,
            finalized_bell: api.bell,
            calls,
        }
    }

    /// What the metrics are of.
    pub fn sources(
        &self,
        rings: Vec<RingWatch>,
        views: Arc<ViewRing>,
        store: &Arc<RocksStore>,
        pool: &MempoolConfig,
    ) -> Sources {
        Sources {
            status: self.status.clone(),
            genesis: self.genesis.clone(),
            validator: self.validator,
            role: self.role,
            p2p: self.p2p.clone(),
            rings,
            store: store.clone(),
            views,
            pool_transactions: pool.max_transactions,
            pool_bytes: pool.max_mb << 20,
        }
    }
}
