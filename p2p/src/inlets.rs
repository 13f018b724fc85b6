//! What goes from peers to the other threads: frames and events, with back-pressure.
//!
//! A frame that finds its ring full is held here and its lane is not read on; whoever makes room rings the service.
//! While anything is held for a ring, later frames queue behind it, so every ring stays in order per lane, and the last
//! attempt on a full ring is always one that asked for the bell.

use crate::rings::FrameObserver;
use minuet_core::PeerId;
use minuet_core::messages::{BulkFrame, CertificateFrame, ConsensusFrame, PeerEvent, PeerFrame, TransactionFrame};
use minuet_core::ring::{RingMessage, SendError, Sender};
use minuet_core::wire::Lane;
use std::collections::VecDeque;
use tokio::sync::oneshot;

/// Fires when the frame is in its ring.
pub(crate) type Placed = oneshot::Receiver<()>;

/// What became of a frame.
pub(crate) enum Delivery {
    Done,
    /// Dropped: the mempool's ring is full.
    Dropped,
    /// Held: read on when this fires.
    Held(Placed),
}

#[derive(Debug)]
struct Inlet<T: RingMessage> {
    sender: Sender<T>,
    /// At most one frame for each lane that is being read.
    held: VecDeque<(T, oneshot::Sender<()>)>,
}

impl<T: RingMessage> Inlet<T> {
    const fn new(sender: Sender<T>) -> Self {
        Self { sender, held: VecDeque::new() }
    }

    fn offer(&mut self, value: T) -> Delivery {
        // What a closed connection left behind must not pile up.
        self.held.retain(|(_, done)| !done.is_closed());
        let value = if self.held.is_empty() {
            match self.sender.try_send(value) {
                Ok(()) | Err(SendError::Disconnected(_)) => return Delivery::Done,
                Err(SendError::Full(value)) => value,
            }
        } else {
            value
        };
        let (done, placed) = oneshot::channel();
        self.held.push_back((value, done));
        Delivery::Held(placed)
    }

    fn flush(&mut self) {
        while let Some((value, done)) = self.held.pop_front() {
            match self.sender.try_send(value) {
                // A closed connection no longer waits to hear of it.
                Ok(()) | Err(SendError::Disconnected(_)) => drop(done.send(())),
                Err(SendError::Full(value)) => {
                    self.held.push_front((value, done));
                    return;
                }
            }
        }
    }

    fn can_flush(&self) -> bool {
        !self.held.is_empty() && (self.sender.has_room() || self.sender.is_abandoned())
    }
}

#[derive(Debug)]
struct EventInlet {
    sender: Sender<PeerEvent>,
    held: VecDeque<PeerEvent>,
}

impl EventInlet {
    const fn new(sender: Sender<PeerEvent>) -> Self {
        Self { sender, held: VecDeque::new() }
    }

    /// A `Down` whose `Up` is still held takes it back: so at most two events wait per peer.
    fn push(&mut self, event: PeerEvent) {
        if let PeerEvent::Down(peer) = event
            && let Some(place) = self.held.iter().rposition(|held| *held == PeerEvent::Up(peer))
        {
            self.held.remove(place);
            return;
        }
        self.held.push_back(event);
        self.flush();
    }

    fn flush(&mut self) {
        while let Some(event) = self.held.pop_front() {
            if let Err(SendError::Full(event)) = self.sender.try_send(event) {
                self.held.push_front(event);
                return;
            }
        }
    }

    fn can_flush(&self) -> bool {
        !self.held.is_empty() && (self.sender.has_room() || self.sender.is_abandoned())
    }
}

/// The sending ends of all rings that leave the service.
#[derive(Debug)]
pub(crate) struct Inlets {
    certificates: Inlet<CertificateFrame>,
    consensus: Inlet<ConsensusFrame>,
    bulk: Inlet<BulkFrame>,
    transactions: Sender<TransactionFrame>,
    consensus_events: EventInlet,
    mempool_events: EventInlet,
    observer: Option<Box<dyn FrameObserver>>,
}

impl Inlets {
    pub(crate) fn new(
        certificates: Sender<CertificateFrame>,
        consensus: Sender<ConsensusFrame>,
        bulk: Sender<BulkFrame>,
        transactions: Sender<TransactionFrame>,
        [consensus_events, mempool_events]: [Sender<PeerEvent>; 2],
    ) -> Self {
        Self {
            certificates: Inlet::new(certificates),
            consensus: Inlet::new(consensus),
            bulk: Inlet::new(bulk),
            transactions,
            consensus_events: EventInlet::new(consensus_events),
            mempool_events: EventInlet::new(mempool_events),
            observer: None,
        }
    }

    /// Shows every frame to an observer first.
    pub(crate) fn observed_by(self, observer: Option<Box<dyn FrameObserver>>) -> Self {
        Self { observer, ..self }
    }

    /// Hands a frame to the ring of its lane.
    pub(crate) fn deliver(&mut self, frame: PeerFrame) -> Delivery {
        if let Some(observer) = &mut self.observer {
            observer.received(&frame);
        }
        match frame.kind.lane() {
            Lane::Certificates => self.certificates.offer(CertificateFrame(frame)),
            Lane::Votes | Lane::Headers => self.consensus.offer(ConsensusFrame(frame)),
            Lane::Bodies | Lane::Sync => self.bulk.offer(BulkFrame(frame)),
            Lane::Transactions if self.transactions.send_or_drop(TransactionFrame(frame)) => Delivery::Done,
            Lane::Transactions => Delivery::Dropped,
        }
    }

    /// The mempool hears of validators only: nobody else is sent transactions.
    pub(crate) fn up(&mut self, peer: PeerId, is_follower: bool) {
        self.consensus_events.push(PeerEvent::Up(peer));
        if !is_follower {
            self.mempool_events.push(PeerEvent::Up(peer));
        }
    }

    pub(crate) fn down(&mut self, peer: PeerId, is_follower: bool) {
        self.consensus_events.push(PeerEvent::Down(peer));
        if !is_follower {
            self.mempool_events.push(PeerEvent::Down(peer));
        }
    }

    /// Moves what is held into rings with room.
    pub(crate) fn flush(&mut self) {
        self.consensus_events.flush();
        self.mempool_events.flush();
        self.certificates.flush();
        self.consensus.flush();
        self.bulk.flush();
    }

    /// Whether [`Inlets::flush`] would get anything done.
    pub(crate) fn can_flush(&self) -> bool {
        self.consensus_events.can_flush()
            || self.mempool_events.can_flush()
            || self.certificates.can_flush()
            || self.consensus.can_flush()
            || self.bulk.can_flush()
    }
}
