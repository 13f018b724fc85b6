//! The driver's ends of its rings. What does not fit is held here; while anything is held no new work is taken (B-RING). Only
//! the mempool holds up nothing: of what it is asked the newest alone counts, so that little is ever held for it (L-ISOLATE).

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

/// Whether an older request means nothing any more beside a newer one ([`MempoolRequest`]).
const fn is_replaced(older: &MempoolRequest, newer: &MempoolRequest) -> bool {
    use MempoolRequest::{Cancel, Select, Watch};
    matches!((older, newer), (Watch { .. }, Watch { .. }) | (Select { .. } | Cancel, Select { .. } | Cancel))
}

/// The sending ends.
pub(super) struct Outboxes {
    urgent: Outbox<UrgentCommand>,
    bulk: Outbox<BulkCommand>,
    mempool: Outbox<MempoolRequest>,
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
        let network = self.urgent.is_holding() || self.bulk.is_holding();
        network || self.ledger.is_holding() || self.journal.is_holding()
    }

    /// Whether something held would now fit.
    pub fn could_flush(&self) -> bool {
        fn could<T: RingMessage>(outbox: &Outbox<T>) -> bool {
            !outbox.held.is_empty() && outbox.sender.has_room()
        }
        could(&self.urgent) || could(&self.bulk) || could(&self.mempool) || could(&self.ledger) || could(&self.journal)
    }

    /// Asks the mempool at once.
    pub fn mempool(&mut self, request: MempoolRequest) {
        self.mempool_later(request);
        self.mempool.flush();
    }

    /// With the last flush of the turn: what nobody's vote waits for wakes its thread after what somebody's does, on a core
    /// that both may share.
    pub fn mempool_later(&mut self, request: MempoolRequest) {
        self.mempool.held.retain(|held| !is_replaced(held, &request));
        self.mempool.held.push_back(request);
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

    /// Outboxes with the far end of the mempool's ring; the others lead nowhere.
    fn outboxes() -> (Outboxes, Receiver<MempoolRequest>) {
        let (bell, _waiter) = Doorbell::new();
        let (mempool, asked) = ring(&bell);
        let out = Outboxes {
            urgent: Outbox::new(ring(&bell).0),
            bulk: Outbox::new(ring(&bell).0),
            mempool: Outbox::new(mempool),
            ledger: Outbox::new(ring(&bell).0),
            journal: Outbox::new(ring(&bell).0),
        };
        (out, asked)
    }

    fn branch() -> Branch {
        Branch { parent: Digest::ZERO, with_transactions: Vec::new(), base_fee: 1 }
    }

    fn watch(view: u64) -> MempoolRequest {
        MempoolRequest::Watch { view: View(view), branch: branch(), leader: PeerId(1) }
    }

    fn select(view: u64) -> MempoolRequest {
        MempoolRequest::Select { view: View(view), branch: branch(), max_bytes: 1, max_gas: 1 }
    }

    #[test]
    fn what_can_wait_goes_with_the_flush_or_before_what_cannot_in_order() {
        let (mut out, mut asked) = outboxes();
        out.mempool_later(watch(1));
        assert!(asked.is_empty());
        out.flush();
        assert_eq!(asked.try_recv(), Some(watch(1)));
        out.mempool_later(watch(2));
        out.mempool(select(2));
        assert_eq!([asked.try_recv(), asked.try_recv(), asked.try_recv()], [Some(watch(2)), Some(select(2)), None]);
    }

    #[test]
    fn a_mempool_that_does_not_answer_holds_up_nothing_and_is_asked_the_newest() {
        let (mut out, mut asked) = outboxes();
        let fits = MempoolRequest::CAPACITY as u64;
        (1..=fits).for_each(|view| out.mempool(watch(view)));
        for view in fits + 1..fits + 1000 {
            out.mempool_later(watch(view));
            out.mempool(select(view));
            out.mempool_later(MempoolRequest::Cancel);
            out.flush();
            assert!(out.mempool.held.len() <= 2 && !out.is_congested() && !out.could_flush());
        }
        let first: Vec<MempoolRequest> = std::iter::from_fn(|| asked.try_recv()).collect();
        assert_eq!(first, (1..=fits).map(watch).collect::<Vec<_>>());
        assert!(out.could_flush());
        out.flush();
        assert_eq!(asked.try_recv(), Some(watch(fits + 999)));
        assert_eq!([asked.try_recv(), asked.try_recv()], [Some(MempoolRequest::Cancel), None]);
    }
}
