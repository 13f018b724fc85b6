//! The driver's ends of its rings. What does not fit is held here; while anything is held no new work is taken (B-RING).

use minuet_core::certificate::Certificate;
use minuet_core::messages::{
    BulkCommand, BulkFrame, CertificateFrame, ConsensusFrame, JournalReply, JournalRequest, LedgerReply, LedgerRequest,
    MempoolReply, MempoolRequest, NetworkCommand, PeerEvent, UrgentCommand,
};
use minuet_core::ring::{Receiver, RingMessage, SendError, Sender};
use minuet_core::statement::SignedStatement;
use minuet_core::wire::{FrameKind, Offence, Recipients};
use minuet_core::{Bytes, PeerId};
use std::collections::VecDeque;

/// All rings of the consensus service.
pub struct DriverRings {
    /// From p2p: certificates.
    pub certificates: Receiver<CertificateFrame>,
    /// From p2p: statements and proposals.
    pub votes: Receiver<ConsensusFrame>,
    /// From p2p: bodies, requests, responses.
    pub bulk: Receiver<BulkFrame>,
    /// From p2p: who is connected.
    pub peers: Receiver<PeerEvent>,
    /// To p2p: what cannot wait.
    pub urgent_out: Sender<UrgentCommand>,
    /// To p2p: bodies, requests, responses.
    pub bulk_out: Sender<BulkCommand>,
    /// To the mempool.
    pub mempool_out: Sender<MempoolRequest>,
    /// From the mempool.
    pub mempool: Receiver<MempoolReply>,
    /// To the ledger.
    pub ledger_out: Sender<LedgerRequest>,
    /// From the ledger.
    pub ledger: Receiver<LedgerReply>,
    /// To the journal.
    pub journal_out: Sender<JournalRequest>,
    /// From the journal.
    pub journal: Receiver<JournalReply>,
}

impl DriverRings {
    pub(super) fn split(self) -> (Outboxes, Inboxes) {
        let out = Outboxes {
            urgent: Outbox::new(self.urgent_out),
            bulk: Outbox::new(self.bulk_out),
            mempool: Outbox::new(self.mempool_out),
            ledger: Outbox::new(self.ledger_out),
            journal: Outbox::new(self.journal_out),
        };
        let inbound = Inboxes {
            certificates: self.certificates,
            votes: self.votes,
            bulk: self.bulk,
            peers: self.peers,
            mempool: self.mempool,
            ledger: self.ledger,
            journal: self.journal,
        };
        (out, inbound)
    }
}

/// The receiving ends.
pub(super) struct Inboxes {
    pub certificates: Receiver<CertificateFrame>,
    pub votes: Receiver<ConsensusFrame>,
    pub bulk: Receiver<BulkFrame>,
    pub peers: Receiver<PeerEvent>,
    pub mempool: Receiver<MempoolReply>,
    pub ledger: Receiver<LedgerReply>,
    pub journal: Receiver<JournalReply>,
}

impl Inboxes {
    pub fn has_replies(&self) -> bool {
        !self.journal.is_empty() || !self.ledger.is_empty() || !self.mempool.is_empty()
    }

    pub fn has_frames(&self) -> bool {
        let network = !self.certificates.is_empty() || !self.votes.is_empty() || !self.bulk.is_empty();
        network || !self.peers.is_empty()
    }

    pub fn is_abandoned(&self) -> bool {
        self.peers.is_finished() || self.journal.is_finished() || self.ledger.is_finished()
    }
}

/// One sending end with the messages that found it full.
pub(super) struct Outbox<T: RingMessage> {
    sender: Sender<T>,
    held: VecDeque<T>,
}

impl<T: RingMessage> Outbox<T> {
    const fn new(sender: Sender<T>) -> Self {
        Self { sender, held: VecDeque::new() }
    }

    pub fn push(&mut self, message: T) {
        self.held.push_back(message);
        self.flush();
    }

    /// With the last flush of the turn: what nobody's vote waits for wakes its thread after what somebody's does, on a core
    /// that both may share.
    pub fn push_later(&mut self, message: T) {
        self.held.push_back(message);
    }

    /// Whether a message waits for room.
    pub fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    fn flush(&mut self) {
        while let Some(message) = self.held.pop_front() {
            match self.sender.try_send(message) {
                Ok(()) => {}
                Err(SendError::Full(message)) => {
                    self.held.push_front(message);
                    return;
                }
                // The service is gone: the node is stopping, which `is_abandoned` shows.
                Err(SendError::Disconnected(_)) => self.held.clear(),
            }
        }
    }
}

/// The sending ends.
pub(super) struct Outboxes {
    urgent: Outbox<UrgentCommand>,
    bulk: Outbox<BulkCommand>,
    pub mempool: Outbox<MempoolRequest>,
    pub ledger: Outbox<LedgerRequest>,
    pub journal: Outbox<JournalRequest>,
}

impl Outboxes {
    pub fn flush(&mut self) {
        self.urgent.flush();
        self.bulk.flush();
        self.mempool.flush();
        self.ledger.flush();
        self.journal.flush();
    }

    pub fn is_congested(&self) -> bool {
        let held = [self.urgent.held.len(), self.bulk.held.len(), self.mempool.held.len()];
        held.iter().any(|held| *held > 0) || !self.ledger.held.is_empty() || !self.journal.held.is_empty()
    }

    /// Whether something held would now fit.
    pub fn could_flush(&self) -> bool {
        fn could<T: RingMessage>(outbox: &Outbox<T>) -> bool {
            !outbox.held.is_empty() && outbox.sender.has_room()
        }
        could(&self.urgent) || could(&self.bulk) || could(&self.mempool) || could(&self.ledger) || could(&self.journal)
    }

    fn urgent(&mut self, to: Recipients, kind: FrameKind, payload: Bytes) {
        self.urgent.push(UrgentCommand(NetworkCommand::Send { to, kind, payload }));
    }

    pub fn bulk(&mut self, to: Recipients, kind: FrameKind, payload: Bytes) {
        self.bulk.push(BulkCommand(NetworkCommand::Send { to, kind, payload }));
    }

    pub fn certificate(&mut self, to: Recipients, certificate: &Certificate) {
        self.urgent(to, FrameKind::Certificate, certificate.to_bytes().into());
    }

    pub fn statement(&mut self, to: Recipients, signed: &SignedStatement) {
        self.urgent(to, FrameKind::Statement, signed.to_bytes().into());
    }

    pub fn proposal(&mut self, to: Recipients, payload: Bytes) {
        self.urgent(to, FrameKind::Proposal, payload);
    }

    pub fn blame(&mut self, peer: PeerId, offence: Offence) {
        self.urgent.push(UrgentCommand(NetworkCommand::Blame { peer, offence }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use minuet_core::messages::Branch;
    use minuet_core::ring::{Doorbell, ring};
    use minuet_core::{Digest, View};

    #[test]
    fn what_can_wait_goes_with_the_flush_or_before_what_cannot_in_order() {
        let (bell, _waiter) = Doorbell::new();
        let (sender, mut receiver) = ring(&bell);
        let mut outbox = Outbox::new(sender);
        outbox.push_later(MempoolRequest::Cancel);
        assert!(receiver.is_empty() && outbox.is_holding());
        outbox.flush();
        assert!(matches!(receiver.try_recv(), Some(MempoolRequest::Cancel)) && !outbox.is_holding());
        outbox.push_later(MempoolRequest::Cancel);
        let branch = Branch { parent: Digest::ZERO, with_transactions: Vec::new(), base_fee: 1 };
        outbox.push(MempoolRequest::Watch { view: View(2), branch, leader: PeerId(1) });
        assert!(matches!(receiver.try_recv(), Some(MempoolRequest::Cancel)));
        assert!(matches!(receiver.try_recv(), Some(MempoolRequest::Watch { .. })));
    }
}
