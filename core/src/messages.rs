//! The messages between the services' threads. Each ring's message type declares its name, its capacity and what
//! happens when the ring is full (B-RING).
//!
//! Requests are held by their sender; replies always fit, because outstanding requests never exceed reply capacity.

use crate::block::Block;
use crate::certificate::Certificate;
use crate::evidence::Evidence;
use crate::header::BlockHeader;
use crate::receipt::Receipt;
use crate::ring::{RingMessage, WhenFull};
use crate::transaction::Transaction;
use crate::wire::{FrameKind, Offence, Recipients};
use crate::{Address, Bytes, Digest, Height, PeerId, TimeMs, TxHash, U256, ValidatorIndex, View};
use std::sync::Arc;

macro_rules! ring_message {
    ($type:ty, $name:literal, $capacity:literal, $when_full:ident) => {
        impl RingMessage for $type {
            const NAME: &'static str = $name;
            const CAPACITY: usize = $capacity;
            const WHEN_FULL: WhenFull = WhenFull::$when_full;
        }
    };
}

/// A frame from a peer whose identity the connection proved. The payload is unchecked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerFrame {
    /// Who sent it.
    pub peer: PeerId,
    /// What it claims to be; already within [`FrameKind::max_bytes`].
    pub kind: FrameKind,
    /// The bytes.
    pub payload: Bytes,
}

/// p2p → consensus: certificates, drained before anything else.
#[derive(Debug)]
pub struct CertificateFrame(pub PeerFrame);
ring_message!(CertificateFrame, "p2p_consensus_certificates", 1024, BackPressure);

/// p2p → consensus: statements and proposals.
#[derive(Debug)]
pub struct ConsensusFrame(pub PeerFrame);
ring_message!(ConsensusFrame, "p2p_consensus_votes", 4096, BackPressure);

/// p2p → consensus: bodies, requests and responses.
#[derive(Debug)]
pub struct BulkFrame(pub PeerFrame);
ring_message!(BulkFrame, "p2p_consensus_bulk", 64, BackPressure);

/// p2p → mempool: gossiped transactions.
#[derive(Debug)]
pub struct TransactionFrame(pub PeerFrame);
ring_message!(TransactionFrame, "p2p_mempool_transactions", 256, DropNewest);

/// p2p → consensus and p2p → mempool: who is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerEvent {
    /// The handshake is done in both directions.
    Up(PeerId),
    /// The connection is gone.
    Down(PeerId),
}
ring_message!(PeerEvent, "p2p_peer_events", 1024, BackPressure);

/// What a service wants of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkCommand {
    /// Send a frame. At most [`FrameKind::max_bytes`] of payload.
    Send {
        /// Whom to.
        to: Recipients,
        /// What it is.
        kind: FrameKind,
        /// The bytes.
        payload: Bytes,
    },
    /// A peer misbehaved.
    Blame {
        /// Who.
        peer: PeerId,
        /// How.
        offence: Offence,
    },
}

/// consensus → p2p: certificates, statements, proposals, blame.
#[derive(Debug)]
pub struct UrgentCommand(pub NetworkCommand);
ring_message!(UrgentCommand, "consensus_p2p_urgent", 4096, HoldBySender);

/// consensus → p2p: bodies, requests, responses.
#[derive(Debug)]
pub struct BulkCommand(pub NetworkCommand);
ring_message!(BulkCommand, "consensus_p2p_bulk", 256, HoldBySender);

/// mempool → p2p: gossip, blame.
#[derive(Debug)]
pub struct GossipCommand(pub NetworkCommand);
ring_message!(GossipCommand, "mempool_p2p_gossip", 1024, DropNewest);

/// The unfinalized branch that a block is to be built on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// Digest of the parent.
    pub parent: Digest,
    /// The parent and its unfinalized ancestors that have transactions, newest first. At most a few hundred.
    pub with_transactions: Vec<Digest>,
    /// Base fee of the block to build, in wei per gas.
    pub base_fee: u64,
}

/// consensus → mempool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MempoolRequest {
    /// Choose transactions for a block. Answered by [`MempoolReply::Selected`] as soon as there is at least one; a newer
    /// request or [`MempoolRequest::Cancel`] replaces one that waits.
    Select {
        /// The view of the block; names the answer.
        view: View,
        /// Where the block goes.
        branch: Branch,
        /// Bytes of envelopes at most.
        max_bytes: usize,
        /// Sum of gas limits at most.
        max_gas: u64,
    },
    /// No block is needed any more; a waiting [`MempoolRequest::Select`] is forgotten.
    Cancel,
    /// Say [`MempoolReply::Handed`] once a transaction that is executable on this branch and in none of its blocks has
    /// been handed to the leader: sent to it or got from it (R4). Replaces the watch before.
    Watch {
        /// The view; names the answer.
        view: View,
        /// Where the leader builds.
        branch: Branch,
        /// The leader.
        leader: PeerId,
    },
}
ring_message!(MempoolRequest, "consensus_mempool", 64, HoldBySender);

/// mempool → consensus.
#[derive(Clone, Debug)]
pub enum MempoolReply {
    /// Transactions in the order in which they are to execute; at least one.
    Selected {
        /// From the request.
        view: View,
        /// Admitted transactions, signatures checked.
        transactions: Vec<Arc<Transaction>>,
    },
    /// The leader has had reason to propose since now (R4).
    Handed {
        /// From the request.
        view: View,
    },
}
ring_message!(MempoolReply, "mempool_consensus", 256, AlwaysFits);

/// consensus → ledger.
#[derive(Clone, Debug)]
pub enum LedgerRequest {
    /// Execute a block on its parent, whose header rules consensus has checked; compare gas and roots with the header.
    /// Answered by [`LedgerReply::Judged`].
    Judge {
        /// Body root already equal to the header's.
        block: Block,
        /// By the rules, of which a proof is here: it is executed however many blocks wait to become final, since they wait
        /// for it.
        is_final: bool,
    },
    /// Execute these transactions on a parent and make the block. Transactions that do not execute are left out.
    /// Answered by [`LedgerReply::Sealed`].
    Seal {
        /// View of the block; names the answer.
        view: View,
        /// An executed or finalized block's header.
        parent: Arc<BlockHeader>,
        /// Who proposes.
        proposer: ValidatorIndex,
        /// Its fee recipient.
        beneficiary: Address,
        /// Time of the block, not before the parent's.
        time: TimeMs,
        /// Base fee of the block.
        base_fee: u64,
        /// In order; signatures checked.
        transactions: Vec<Arc<Transaction>>,
    },
    /// Make blocks final in one atomic, synced write. All have been judged valid. Answered by
    /// [`LedgerReply::Committed`] once durable.
    Commit {
        /// Oldest first; the first's parent is the newest final block.
        blocks: Vec<Digest>,
        /// For the last of them.
        finalization: Arc<Certificate>,
    },
    /// Store evidence durably. Not answered: a failure stops the node.
    KeepEvidence(Box<Evidence>),
    /// Read final blocks for a peer. Answered by [`LedgerReply::Served`].
    Serve {
        /// Names the answer.
        ticket: u64,
        /// What is asked for.
        query: ChainQuery,
    },
}
ring_message!(LedgerRequest, "consensus_ledger", 256, HoldBySender);

/// What final blocks somebody asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainQuery {
    /// The final block with this digest.
    Digest(Digest),
    /// Final blocks upwards from a height, as many as fit.
    Range {
        /// The first height.
        from: Height,
        /// Blocks at most.
        max_blocks: u32,
        /// Encoded bytes at most (but at least one block).
        max_bytes: u32,
    },
}

/// A final block as it is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinalBlock {
    /// With its body.
    pub block: Block,
    /// Its own finalization, if it has one; else a later block's makes it final.
    pub finalization: Option<Certificate>,
}

/// The outcome of executing somebody else's block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Gas and roots are as the header says.
    Valid,
    /// It can never be valid.
    Invalid(String),
    /// The parent has not been executed here, or too many blocks wait to become final: not yet.
    MissingParent,
}

/// ledger → consensus.
#[derive(Clone, Debug)]
pub enum LedgerReply {
    /// Answers [`LedgerRequest::Judge`].
    Judged {
        /// The block.
        digest: Digest,
        /// The outcome.
        verdict: Verdict,
    },
    /// Answers [`LedgerRequest::Seal`].
    Sealed {
        /// From the request.
        view: View,
        /// The block, executed; `None` if the parent has not been executed here.
        block: Option<Block>,
    },
    /// Answers [`LedgerRequest::Commit`]: the blocks are final and durable.
    Committed {
        /// Of the newest final block.
        height: Height,
        /// Of the newest final block.
        digest: Digest,
    },
    /// Answers [`LedgerRequest::Serve`].
    Served {
        /// From the request.
        ticket: u64,
        /// Ascending; empty if nothing is stored there.
        blocks: Vec<FinalBlock>,
    },
}
ring_message!(LedgerReply, "ledger_consensus", 512, AlwaysFits);

/// One transaction of a block, as the pool needs to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransactionMark {
    /// Names it.
    pub hash: TxHash,
    /// Whose it is.
    pub sender: Address,
    /// Its sequence number.
    pub nonce: u64,
    /// What the sender paid, in wei, value included.
    pub spent: U256,
}

/// ledger → mempool. For one block, `Executed` is sent before consensus hears of its verdict.
#[derive(Clone, Debug)]
pub enum StateNotice {
    /// A block was executed; it is not final yet. Sent for blocks with transactions only.
    Executed {
        /// The block.
        digest: Digest,
        /// Its parent.
        parent: Digest,
        /// Its height.
        height: Height,
        /// Its transactions in order.
        transactions: Arc<[TransactionMark]>,
    },
    /// Blocks are final up to here.
    Finalized {
        /// The newest final block.
        header: Arc<BlockHeader>,
        /// All blocks that became final now, oldest first; siblings of them have lost.
        blocks: Vec<Digest>,
        /// Nonce and balance of every account that changed, as of now.
        accounts: Vec<(Address, u64, U256)>,
    },
}
ring_message!(StateNotice, "ledger_mempool", 1024, HoldBySender);

/// mempool → ledger: an admitted transaction, so that its signature is not checked again in a block.
#[derive(Clone, Debug)]
pub struct Admitted(pub Arc<Transaction>);
ring_message!(Admitted, "mempool_ledger_admitted", 65536, DropNewest);

/// A record of the consensus journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalRecord {
    /// The view that it is about: decides when its segment may go.
    pub tag: u64,
    /// Opaque to the journal.
    pub payload: Bytes,
}

/// consensus → journal.
#[derive(Clone, Debug)]
pub enum JournalRequest {
    /// Write and sync; answered by [`JournalReply::Durable`]. Appends that wait together are synced together.
    Append {
        /// Ascending; names the answer.
        ticket: u64,
        /// In order.
        records: Vec<JournalRecord>,
    },
    /// Segments all of whose records have a tag at or below this are no longer needed.
    Prune {
        /// The highest view that is no longer needed.
        tag: u64,
    },
    /// An append comes soon: a disk that has rested takes longer for it. Nothing is written, nothing is answered.
    Rouse,
}
ring_message!(JournalRequest, "consensus_journal", 256, HoldBySender);

/// journal → consensus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JournalReply {
    /// Everything up to this ticket survives a power cut.
    Durable {
        /// The newest durable append.
        ticket: u64,
    },
    /// Writing failed: nothing may be signed any more (D-FAIL-STOP).
    Failed {
        /// File and reason.
        reason: String,
    },
}
ring_message!(JournalReply, "journal_consensus", 256, AlwaysFits);

/// ledger → observers: a block is final and durable.
#[derive(Clone, Debug)]
pub struct FinalizedBlock {
    /// Its header.
    pub header: Arc<BlockHeader>,
    /// Its transactions.
    pub transactions: Arc<[Arc<Transaction>]>,
    /// Its receipts, one a transaction.
    pub receipts: Arc<[Receipt]>,
    /// Bytes of the encoded body.
    pub body_bytes: usize,
    /// When it was stored here, in Unix microseconds.
    pub stored_at_us: u64,
}
ring_message!(FinalizedBlock, "ledger_events", 1024, DropNewest);

/// Where the mempool's answer to a submission goes. Called once, must not block.
pub type SubmissionReply = Box<dyn FnOnce(Result<TxHash, crate::mempool_errors::AdmissionError>) + Send>;
/// Where the mempool's answers to many submissions go: one each, in their order. Called once, must not block.
pub type ManyReply = Box<dyn FnOnce(Vec<Result<TxHash, crate::mempool_errors::AdmissionError>>) + Send>;
/// Where the mempool's answer to a query goes. Called once, must not block.
pub type QueryReply = Box<dyn FnOnce(PoolStatus) + Send>;

/// api → mempool.
pub enum Submission {
    /// Admit a transaction.
    Submit {
        /// The envelope, unchecked.
        envelope: Bytes,
        /// Called with the outcome.
        reply: SubmissionReply,
    },
    /// Admit several transactions, each with its own outcome. At most [`MAX_SUBMITTED_TOGETHER`], so that a turn stays
    /// bounded.
    SubmitMany {
        /// The envelopes, unchecked.
        envelopes: Vec<Bytes>,
        /// Called with the outcomes.
        reply: ManyReply,
    },
    /// What the pool knows of a transaction.
    Query {
        /// Which one.
        hash: TxHash,
        /// Called with the answer.
        reply: QueryReply,
    },
    /// The next nonce of a sender, pool included.
    NextNonce {
        /// Whose.
        sender: Address,
        /// Called with the answer; `None` if the state cannot be read.
        reply: Box<dyn FnOnce(Option<u64>) + Send>,
    },
}
/// Envelopes of one [`Submission::SubmitMany`].
pub const MAX_SUBMITTED_TOGETHER: usize = 512;
ring_message!(Submission, "api_mempool", 4096, RefuseCaller);

impl std::fmt::Debug for Submission {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Submit { envelope, .. } => write!(out, "Submit({} bytes)", envelope.len()),
            Self::SubmitMany { envelopes, .. } => write!(out, "SubmitMany({} envelopes)", envelopes.len()),
            Self::Query { hash, .. } => write!(out, "Query({hash})"),
            Self::NextNonce { sender, .. } => write!(out, "NextNonce({sender})"),
        }
    }
}

/// What the pool knows of a transaction. Final ones are not the pool's: ask the chain first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PoolStatus {
    /// Never seen, or forgotten.
    Unknown,
    /// Executable now.
    Pending,
    /// Waits for an earlier nonce.
    Queued,
    /// In an executed block that is not final yet.
    Included {
        /// The block.
        digest: Digest,
        /// Its height.
        height: Height,
    },
    /// No longer in the pool, with the reason.
    Dropped {
        /// Why.
        reason: String,
    },
}
