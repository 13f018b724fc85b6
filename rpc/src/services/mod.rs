//! The five services over what they share.

mod accounts;
mod blocks;
mod node;
mod subscriptions;
mod transactions;

use crate::config::RpcConfig;
use crate::convert::FinalEntry;
use crate::events::Feed;
use crate::limits::Limits;
use crate::pool::Pool;
use crate::refusal::{inconsistent, pruned, stopping, store_failed};
use crate::source::{ChainSource, PeerSource, Role};
use minuet_core::genesis::Genesis;
use minuet_core::status::NodeStatus;
use minuet_core::store::StoreError;
use minuet_core::{Height, ValidatorIndex};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::watch;
use tonic::Status;

/// What all services use.
pub struct Shared {
    pub config: RpcConfig,
    pub genesis: Arc<Genesis>,
    pub status: Arc<NodeStatus>,
    pub validator: Option<ValidatorIndex>,
    pub role: Role,
    pub version: String,
    pub chain: Arc<dyn ChainSource>,
    pub peers: Arc<dyn PeerSource>,
    pub pool: Pool,
    pub feed: Arc<Feed>,
    pub limits: Limits,
    pub started_at: Instant,
    /// True once open calls shall end.
    pub stop: watch::Receiver<bool>,
}

/// A service; one type for all five, since they share everything.
#[derive(Clone)]
pub struct Services(pub Arc<Shared>);

impl Shared {
    /// A read of some microseconds, on this thread.
    pub fn read<T>(&self, read: impl FnOnce(&dyn ChainSource) -> Result<T, StoreError>) -> Result<T, Status> {
        read(self.chain.as_ref()).map_err(|error| store_failed(&error))
    }

    /// The final block at a height that the chain's index named.
    pub async fn indexed_block(&self, height: Height) -> Result<Arc<FinalEntry>, Status> {
        match self.feed.entry(height).await {
            Ok(Some(entry)) => Ok(entry),
            // It may have gone at any moment until now.
            missed => {
                self.kept(height)?;
                missed?.ok_or_else(|| inconsistent(format_args!("block {height} is in the index only")))
            }
        }
    }

    /// Refuses heights whose blocks are no longer kept.
    pub fn kept(&self, height: Height) -> Result<(), Status> {
        let oldest = self.read(|chain| chain.oldest())?;
        if height < oldest && height != Height::GENESIS { Err(pruned(height, oldest)) } else { Ok(()) }
    }

    /// Ends when the node stops; the error says so.
    pub async fn stopped(&self) -> Status {
        let mut stop = self.stop.clone();
        // A closed channel means the same.
        let _ = stop.wait_for(|stop| *stop).await;
        stopping()
    }
}
