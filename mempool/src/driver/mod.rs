//! The pool between its rings: what one turn does, in which order and how much of it.

use crate::{ChainRules, MempoolConfig};
use minuet_core::account::StateReader;
use minuet_core::messages::{
    Admitted, GossipCommand, MempoolReply, MempoolRequest, PeerEvent, StateNotice, Submission, TransactionFrame,
};
use minuet_core::ring::{Receiver, Sender};
use minuet_core::status::NodeStatus;
use std::sync::Arc;
use std::time::Instant;

/// The rings of the mempool's thread. All receivers ring one doorbell, the thread's own.
#[derive(Debug)]
pub struct MempoolRings {
    /// From the ledger.
    pub notices: Receiver<StateNotice>,
    /// From p2p.
    pub peer_events: Receiver<PeerEvent>,
    /// From consensus.
    pub requests: Receiver<MempoolRequest>,
    /// From the API.
    pub submissions: Receiver<Submission>,
    /// From p2p.
    pub frames: Receiver<TransactionFrame>,
    /// To consensus.
    pub replies: Sender<MempoolReply>,
    /// To p2p.
    pub gossip: Sender<GossipCommand>,
    /// To the ledger.
    pub admitted: Sender<Admitted>,
}

/// The mempool service, polled.
#[derive(Debug)]
pub struct MempoolDriver {
    rings: MempoolRings,
}

impl MempoolDriver {
    /// An empty pool between these rings.
    #[must_use]
    pub fn new(
        _config: MempoolConfig,
        _rules: ChainRules,
        _state: Arc<dyn StateReader>,
        rings: MempoolRings,
        _status: Arc<NodeStatus>,
    ) -> Self {
        Self { rings }
    }

    /// Does a bounded amount of work; returns when to be called again even if no ring rings.
    pub fn turn(&mut self, _now: Instant) -> Option<Instant> {
        None
    }

    /// Whether a turn has something to do: what the thread asks before it parks.
    #[must_use]
    pub fn has_work(&self) -> bool {
        !self.rings.notices.is_empty()
    }

    /// Whether nobody feeds this service any more.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.rings.requests.is_finished()
    }
}
