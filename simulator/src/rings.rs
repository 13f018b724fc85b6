//! All rings of a simulated node, with bells that wake nobody, and the ends that the simulation holds.

use minuet_consensus::driver::DriverRings;
use minuet_core::messages::{
    Admitted, BulkCommand, BulkFrame, CertificateFrame, ConsensusFrame, FinalizedBlock, GossipCommand, JournalReply,
    JournalRequest, LedgerReply, LedgerRequest, MempoolReply, MempoolRequest, PeerEvent, StateNotice, Submission,
    TransactionFrame, UrgentCommand,
};
use minuet_core::ring::{Doorbell, Receiver, RingMessage, Sender, ring, ring_with_capacity};
use minuet_execution::LedgerRings;
use minuet_mempool::MempoolRings;

/// The simulation's ends.
pub struct Ends {
    pub certificates: Sender<CertificateFrame>,
    pub votes: Sender<ConsensusFrame>,
    pub bulk: Sender<BulkFrame>,
    pub transactions: Sender<TransactionFrame>,
    pub peers: Sender<PeerEvent>,
    pub mempool_peers: Sender<PeerEvent>,
    pub urgent_out: Receiver<UrgentCommand>,
    pub bulk_out: Receiver<BulkCommand>,
    pub gossip_out: Receiver<GossipCommand>,
    pub submissions: Sender<Submission>,
    pub finalized: Receiver<FinalizedBlock>,
    /// What consensus asks of the journal: looked at, then passed on.
    pub journal_tap: Receiver<JournalRequest>,
    pub journal_in: Sender<JournalRequest>,
}

/// The services' ends.
pub struct Wires {
    pub consensus: DriverRings,
    pub mempool: MempoolRings,
    pub ledger: LedgerRings,
    pub journal_requests: Receiver<JournalRequest>,
    pub journal_replies: Sender<JournalReply>,
}

/// Room enough for a simulated network, which never sends so much at once; a full ring makes it wait.
const FRAMES: usize = 512;

fn whole<T: RingMessage>() -> (Sender<T>, Receiver<T>) {
    ring(&Doorbell::silent())
}

fn small<T: RingMessage>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    ring_with_capacity(capacity, &Doorbell::silent())
}

/// Makes them all.
pub fn connect() -> (Wires, Ends) {
    let (certificates, certificates_in) = small(FRAMES);
    let (votes, votes_in) = small(FRAMES);
    let (bulk, bulk_in) = whole();
    let (transactions, transactions_in) = whole();
    let (peers, peers_in) = whole();
    let (mempool_peers, mempool_peers_in) = whole();
    let (urgent, urgent_out) = whole();
    let (bulk_commands, bulk_out) = whole();
    let (gossip, gossip_out) = whole();
    let (mempool_out, mempool_requests) = whole::<MempoolRequest>();
    let (mempool_replies, mempool) = whole::<MempoolReply>();
    let (ledger_out, ledger_requests) = whole::<LedgerRequest>();
    let (ledger_replies, ledger) = whole::<LedgerReply>();
    let (journal_out, journal_tap) = whole();
    let (journal_in, journal_requests) = whole();
    let (journal_replies, journal) = whole::<JournalReply>();
    let (notices_out, notices) = whole::<StateNotice>();
    let (admitted_out, admitted) = small::<Admitted>(1024);
    let (submissions, submissions_in) = small(FRAMES);
    let (events, finalized) = whole();
    let consensus = DriverRings {
        certificates: certificates_in,
        votes: votes_in,
        bulk: bulk_in,
        peers: peers_in,
        urgent_out: urgent,
        bulk_out: bulk_commands,
        mempool_out,
        mempool,
        ledger_out,
        ledger,
        journal_out,
        journal,
    };
    let mempool = MempoolRings {
        notices,
        peer_events: mempool_peers_in,
        requests: mempool_requests,
        submissions: submissions_in,
        frames: transactions_in,
        replies: mempool_replies,
        gossip,
        admitted: admitted_out,
    };
    let ledger =
        LedgerRings { requests: ledger_requests, replies: ledger_replies, admitted, notices: notices_out, events };
    let wires = Wires { consensus, mempool, ledger, journal_requests, journal_replies };
    let ends = Ends {
        certificates,
        votes,
        bulk,
        transactions,
        peers,
        mempool_peers,
        urgent_out,
        bulk_out,
        gossip_out,
        submissions,
        finalized,
        journal_tap,
        journal_in,
    };
    (wires, ends)
}
