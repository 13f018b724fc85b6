//! What the interface reads, as traits that the node implements.

use minuet_core::account::Account;
use minuet_core::block::Body;
use minuet_core::certificate::Certificate;
use minuet_core::evidence::Evidence;
use minuet_core::header::BlockHeader;
use minuet_core::receipt::Receipt;
use minuet_core::store::StoreError;
use minuet_core::{Address, Digest, Height, PeerId, TxHash, ValidatorIndex};
use std::sync::Arc;

/// The finalized chain, readable from any thread. Reads take microseconds; those of bodies and receipts are called from
/// threads that may block.
///
/// Nothing above [`ChainSource::tip`] is visible, and a block is visible as a whole: header, body, receipts, index.
pub trait ChainSource: Send + Sync + 'static {
    /// The newest final block; genesis at first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn tip(&self) -> Result<(Height, Digest), StoreError>;

    /// The lowest height whose block is kept; 0 while everything is. Below, only genesis' header is there.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn oldest(&self) -> Result<Height, StoreError>;

    /// The header at a height, genesis included.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn header_by_height(&self, height: Height) -> Result<Option<Arc<BlockHeader>>, StoreError>;

    /// The height of the final block with this digest.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn height_by_digest(&self, digest: &Digest) -> Result<Option<Height>, StoreError>;

    /// The envelopes of the block at a height. May be `None` for a block without transactions.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn body(&self, height: Height) -> Result<Option<Body>, StoreError>;

    /// The receipts of the block at a height, one a transaction. May be `None` for a block without transactions.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn receipts(&self, height: Height) -> Result<Option<Vec<Receipt>>, StoreError>;

    /// The block's own finalization, if it has one.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn certificate(&self, height: Height) -> Result<Option<Certificate>, StoreError>;

    /// Stored evidence of misbehaviour by ascending view, from a key on, at most so many pieces.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn evidence(&self, from: &[u8], limit: usize) -> Result<Vec<Evidence>, StoreError>;

    /// Height and place in the block of a final transaction.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn transaction_location(&self, hash: &TxHash) -> Result<Option<(Height, u32)>, StoreError>;

    /// The account in the newest final state.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn account(&self, address: &Address) -> Result<Option<Account>, StoreError>;
}

/// What this node is to the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Signs.
    #[default]
    Validator,
    /// Has a validator's key and does not sign.
    Observer,
    /// Has no validator's key: follows and answers, takes no transactions.
    Follower,
}

impl Role {
    /// The stable word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Validator => "validator",
            Self::Observer => "observer",
            Self::Follower => "follower",
        }
    }
}

/// The nodes that this one knows.
pub trait PeerSource: Send + Sync + 'static {
    /// A snapshot, in the order of their ids. Must not block.
    fn peers(&self) -> Vec<PeerView>;

    /// What the network itself refused since start, by reason. Must not block.
    fn rejects(&self) -> Vec<(&'static str, u64)>;
}

/// One known node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerView {
    /// Its number.
    pub id: PeerId,
    /// Its place in the committee, if it is a validator.
    pub validator: Option<ValidatorIndex>,
    /// Ed25519 key that its connection proves.
    pub network_key: [u8; 32],
    /// Host and port.
    pub address: String,
    /// The handshake is done in both directions.
    pub connected: bool,
    /// It dialled this node.
    pub inbound: bool,
    /// Round trip in microseconds; 0 if unknown.
    pub rtt_us: u64,
    /// Bytes from it.
    pub bytes_received: u64,
    /// Bytes to it.
    pub bytes_sent: u64,
    /// Why it is not connected, if it is not.
    pub last_error: String,
    /// How much longer it is banned; 0 if it is not.
    pub banned_for_ms: u64,
    /// Bans since start.
    pub bans: u32,
    /// Points of its offences since the last ban.
    pub score: u64,
    /// It only follows.
    pub follower: bool,
}
