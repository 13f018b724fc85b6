//! What the dashboard reads, as traits that the node implements.

use minuet_core::block::Body;
use minuet_core::certificate::Certificate;
use minuet_core::header::BlockHeader;
use minuet_core::store::StoreError;
use minuet_core::{Digest, Height, PeerId};
use std::sync::Arc;

/// The stored chain, readable from any thread. Headers take microseconds; bodies are read on threads that may block.
pub trait BlockSource: Send + Sync + 'static {
    /// The newest final block; genesis at first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn tip(&self) -> Result<(Height, Digest), StoreError>;

    /// The lowest height whose block is kept; 0 while everything is.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn oldest(&self) -> Result<Height, StoreError>;

    /// The header at a height, genesis included.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn header(&self, height: Height) -> Result<Option<Arc<BlockHeader>>, StoreError>;

    /// The envelopes of the block at a height. May be `None` for a block without transactions.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn body(&self, height: Height) -> Result<Option<Body>, StoreError>;

    /// The block's own finalization, if it has one.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn certificate(&self, height: Height) -> Result<Option<Certificate>, StoreError>;
}

/// The nodes that this one knows.
pub trait PeerSource: Send + Sync + 'static {
    /// A snapshot, in the order of their numbers. Must not block.
    fn peers(&self) -> Vec<PeerLink>;
}

/// One known node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerLink {
    /// Validators have their index, other nodes the numbers from n on.
    pub id: PeerId,
    /// Host and port; empty if unknown.
    pub address: String,
    /// The handshake is done in both directions.
    pub connected: bool,
    /// Round trip in microseconds; 0 if unknown.
    pub rtt_us: u64,
    /// Why it is not connected, if it is not.
    pub last_error: String,
}
