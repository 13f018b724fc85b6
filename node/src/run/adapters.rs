//! What the API reads, in its own terms.

use minuet_core::account::{Account, StateReader};
use minuet_core::block::Body;
use minuet_core::certificate::Certificate;
use minuet_core::evidence::Evidence;
use minuet_core::genesis::Genesis;
use minuet_core::header::BlockHeader;
use minuet_core::receipt::Receipt;
use minuet_core::store::StoreError;
use minuet_core::{Address, Digest, Height, TxHash, ValidatorIndex};
use minuet_execution::ChainReader;
use minuet_p2p::{P2pStats, Reject};
use minuet_rpc::{ChainSource, PeerSource, PeerView};
use minuet_visualizer::{BlockSource, PeerLink};
use std::sync::Arc;

/// The stored chain.
pub struct Chain(pub ChainReader);

impl ChainSource for Chain {
    fn tip(&self) -> Result<(Height, Digest), StoreError> {
        self.0.tip()
    }
    fn oldest(&self) -> Result<Height, StoreError> {
        self.0.oldest()
    }
    fn header_by_height(&self, height: Height) -> Result<Option<Arc<BlockHeader>>, StoreError> {
        self.0.header(height)
    }
    fn height_by_digest(&self, digest: &Digest) -> Result<Option<Height>, StoreError> {
        self.0.height_of(digest)
    }
    fn body(&self, height: Height) -> Result<Option<Body>, StoreError> {
        self.0.body(height)
    }
    fn receipts(&self, height: Height) -> Result<Option<Vec<Receipt>>, StoreError> {
        self.0.receipts(height)
    }
    fn certificate(&self, height: Height) -> Result<Option<Certificate>, StoreError> {
        self.0.certificate(height)
    }
    fn evidence(&self, from: &[u8], limit: usize) -> Result<Vec<Evidence>, StoreError> {
        self.0.evidence(from, limit)
    }
    fn transaction_location(&self, hash: &TxHash) -> Result<Option<(Height, u32)>, StoreError> {
        self.0.place_of(hash)
    }
    fn account(&self, address: &Address) -> Result<Option<Account>, StoreError> {
        StateReader::account(&self.0, address)
    }
}

impl BlockSource for Chain {
    fn tip(&self) -> Result<(Height, Digest), StoreError> {
        self.0.tip()
    }
    fn oldest(&self) -> Result<Height, StoreError> {
        self.0.oldest()
    }
    fn header(&self, height: Height) -> Result<Option<Arc<BlockHeader>>, StoreError> {
        self.0.header(height)
    }
    fn body(&self, height: Height) -> Result<Option<Body>, StoreError> {
        self.0.body(height)
    }
    fn certificate(&self, height: Height) -> Result<Option<Certificate>, StoreError> {
        self.0.certificate(height)
    }
}

/// The network's view of its peers.
pub struct Peers {
    stats: Arc<P2pStats>,
    n: usize,
}

impl Peers {
    pub fn new(stats: Arc<P2pStats>, genesis: &Genesis) -> Self {
        Self { stats, n: genesis.committee().n() }
    }
}

impl PeerSource for Peers {
    fn peers(&self) -> Vec<PeerView> {
        let view = |info: minuet_p2p::PeerInfo| {
            let place = usize::try_from(info.peer.0).unwrap_or(usize::MAX);
            let validator = u16::try_from(info.peer.0).ok().map(ValidatorIndex).filter(|_| place < self.n);
            PeerView {
                id: info.peer,
                validator,
                network_key: info.key.0,
                address: info.address.map(|address| address.to_string()).unwrap_or_default(),
                connected: info.connected,
                inbound: info.follower,
                rtt_us: info.rtt_us,
                bytes_received: info.bytes_in,
                bytes_sent: info.bytes_out,
                last_error: info.last_error.unwrap_or_default(),
                banned_for_ms: info.banned_for_ms,
                bans: info.bans,
                score: info.score,
                follower: info.follower,
            }
        };
        self.stats.peers().into_iter().map(view).collect()
    }

    fn rejects(&self) -> Vec<(&'static str, u64)> {
        Reject::ALL.into_iter().map(|reason| (reason.name(), self.stats.rejected(reason))).collect()
    }
}

impl minuet_visualizer::PeerSource for Peers {
    fn peers(&self) -> Vec<PeerLink> {
        let link = |info: minuet_p2p::PeerInfo| PeerLink {
            id: info.peer,
            address: info.address.map(|address| address.to_string()).unwrap_or_default(),
            connected: info.connected,
            rtt_us: info.rtt_us,
            last_error: info.last_error.filter(|_| !info.connected).unwrap_or_default(),
        };
        self.stats.peers().into_iter().map(link).collect()
    }
}
