//! The service's ends of its rings, and the bell by which other threads wake it.

use minuet_core::messages::{
    BulkCommand, BulkFrame, CertificateFrame, ConsensusFrame, GossipCommand, PeerEvent, PeerFrame, TransactionFrame,
    UrgentCommand,
};
use minuet_core::ring::{AsyncWaiter, Doorbell, Receiver, RingMessage, Sender, ring, ring_with_room_bell};
use std::sync::Arc;
use tokio::sync::Notify;

/// Is shown every frame that comes from a peer, before the frame goes to its ring. Called on the service's thread, so it
/// must never wait for anything.
pub trait FrameObserver: Send + std::fmt::Debug {
    /// A whole frame has come; its payload is unchecked.
    fn received(&mut self, frame: &PeerFrame);
}

/// Everything through which the service talks to other threads. Dropping the far end of `urgent` stops the service.
///
/// Frames and events are sent with back-pressure, so their rings must ring the service's [`bell`] when there is room
/// again: make them with [`ring_with_room_bell`], or all of them with [`P2pRings::connect`].
#[derive(Debug)]
pub struct P2pRings {
    /// To consensus.
    pub certificates: Sender<CertificateFrame>,
    /// To consensus.
    pub consensus: Sender<ConsensusFrame>,
    /// To consensus.
    pub bulk: Sender<BulkFrame>,
    /// To the mempool.
    pub transactions: Sender<TransactionFrame>,
    /// To consensus.
    pub consensus_events: Sender<PeerEvent>,
    /// To the mempool.
    pub mempool_events: Sender<PeerEvent>,
    /// From consensus.
    pub urgent: Receiver<UrgentCommand>,
    /// From consensus.
    pub bulk_commands: Receiver<BulkCommand>,
    /// From the mempool.
    pub gossip: Receiver<GossipCommand>,
    /// Who else is shown what peers send; nobody unless set.
    pub observer: Option<Box<dyn FrameObserver>>,
}

/// The consensus thread's ends.
#[derive(Debug)]
pub struct ConsensusEnds {
    /// Certificates from peers.
    pub certificates: Receiver<CertificateFrame>,
    /// Statements and proposals from peers.
    pub consensus: Receiver<ConsensusFrame>,
    /// Bodies, requests and responses from peers.
    pub bulk: Receiver<BulkFrame>,
    /// Who is connected.
    pub events: Receiver<PeerEvent>,
    /// Small frames to send, and blame.
    pub urgent: Sender<UrgentCommand>,
    /// Large frames to send.
    pub bulk_commands: Sender<BulkCommand>,
}

/// The mempool thread's ends.
#[derive(Debug)]
pub struct MempoolEnds {
    /// Transactions from peers.
    pub transactions: Receiver<TransactionFrame>,
    /// Who is connected.
    pub events: Receiver<PeerEvent>,
    /// Gossip to send, and blame.
    pub gossip: Sender<GossipCommand>,
}

impl P2pRings {
    /// All rings of the service. `own` is the service's bell from [`bell`]; the others are the two threads' bells. What
    /// those threads may hold when a ring is full rings them back.
    #[must_use]
    pub fn connect(own: &Doorbell, consensus: &Doorbell, mempool: &Doorbell) -> (Self, ConsensusEnds, MempoolEnds) {
        fn pair<T: RingMessage>(receiver: &Doorbell, sender: &Doorbell) -> (Sender<T>, Receiver<T>) {
            ring_with_room_bell(T::CAPACITY, receiver, sender)
        }
        let certificates = pair(consensus, own);
        let votes = pair(consensus, own);
        let bulk = pair(consensus, own);
        let transactions = ring(mempool);
        let consensus_events = pair(consensus, own);
        let mempool_events = pair(mempool, own);
        let urgent = pair(own, consensus);
        let bulk_commands = pair(own, consensus);
        let gossip = ring(own);
        let rings = Self {
            certificates: certificates.0,
            consensus: votes.0,
            bulk: bulk.0,
            transactions: transactions.0,
            consensus_events: consensus_events.0,
            mempool_events: mempool_events.0,
            urgent: urgent.1,
            bulk_commands: bulk_commands.1,
            gossip: gossip.1,
            observer: None,
        };
        let consensus = ConsensusEnds {
            certificates: certificates.1,
            consensus: votes.1,
            bulk: bulk.1,
            events: consensus_events.1,
            urgent: urgent.0,
            bulk_commands: bulk_commands.0,
        };
        let mempool = MempoolEnds { transactions: transactions.1, events: mempool_events.1, gossip: gossip.0 };
        (rings, consensus, mempool)
    }
}

/// What the service sleeps on; goes to [`crate::spawn`].
#[derive(Debug)]
pub struct P2pWaiter {
    pub(crate) announced: AsyncWaiter,
    pub(crate) rung: Arc<Notify>,
}

/// The service's bell, for the rings that feed it and for the room in the rings that it feeds.
#[must_use]
pub fn bell() -> (Doorbell, P2pWaiter) {
    let rung = Arc::new(Notify::new());
    let hook = Arc::clone(&rung);
    let (doorbell, announced) = Doorbell::from_fn(Arc::new(move || hook.notify_one()));
    (doorbell, P2pWaiter { announced, rung })
}
