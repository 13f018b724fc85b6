//! What the rules want done. The driver owns the order durable → signed → sent → counted (D-BEFORE-SEND).

use crate::input::Timer;
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::header::BlockHeader;
use minuet_core::statement::{SignedStatement, Statement};
use minuet_core::{Digest, ValidatorIndex, View};
use std::sync::Arc;

/// Why a statement may be made; decides what must be durable before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ground {
    /// The block is validated (R2), or it is the own proposal (R1): its body and attached proofs must be durable.
    Block,
    /// A notarization is held (R3): it must be durable.
    Certificate(Arc<Certificate>),
    /// A view to leave (R4, R5, R14).
    Nullify,
}

/// Why a validator nullified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NullifyReason {
    /// R4.
    Timeout,
    /// R5.
    Contradiction,
    /// R14.
    Skip,
}

/// Something worth telling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A view began.
    EnteredView {
        /// Which.
        view: View,
        /// Its leader.
        leader: ValidatorIndex,
    },
    /// This validator nullified.
    Nullified {
        /// Which view.
        view: View,
        /// Why.
        reason: NullifyReason,
    },
    /// A new proof is held.
    Certified(Arc<Certificate>),
    /// A leader's proposal can never be valid.
    InvalidProposal {
        /// The block.
        digest: Digest,
        /// Who proposed it.
        proposer: ValidatorIndex,
        /// What is wrong.
        reason: String,
    },
    /// Two different votes of one key, both genuine.
    Equivocation([SignedStatement; 2]),
}

/// Why this validator must stop at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// R8: a finalization that does not extend what is final. The safety assumption is broken; both are evidence.
    ConflictingFinalization {
        /// The newest final block here.
        finalized: Digest,
        /// The certificate that contradicts it.
        certificate: Arc<Certificate>,
    },
    /// D-OWN-SIG: a genuine signature of the own key that this validator's journal does not hold.
    OwnSignature {
        /// About this view.
        view: View,
        /// The certificate in which it stands.
        certificate: Arc<Certificate>,
    },
}

/// One thing to do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Make durable, sign, send to all, hand back as [`crate::input::Input::Checked`].
    Cast {
        /// What is said.
        statement: Statement,
        /// What it stands on.
        ground: Ground,
    },
    /// The same for the own block: the proposal carries the leader's notarize statement (R1).
    Propose {
        /// The block.
        header: Arc<BlockHeader>,
        /// The parent's notarization, unless the parent is final.
        parent_proof: Option<Arc<Certificate>>,
        /// Nullifications between parent and block, newest first.
        gap: Vec<Arc<Certificate>>,
    },
    /// Send a new proof on to all (R6, R7).
    Share(Arc<Certificate>),
    /// Set a timer; the earlier of two with the same name counts, except that `Stuck` starts anew.
    SetTimer {
        /// Which.
        timer: Timer,
        /// From now.
        after_us: u64,
    },
    /// A view began: watch for reasons of its leader, forget what was built for earlier ones.
    Enter {
        /// Which.
        view: View,
        /// Its leader.
        leader: ValidatorIndex,
        /// The block that the leader will build on, as far as it is known here.
        parent: Option<Digest>,
    },
    /// Make a block (R1): at once with transactions, after `empty_after_us` without.
    Build {
        /// For this view.
        view: View,
        /// On this block, whose header is known.
        parent: Digest,
        /// R12: take no transactions.
        only_empty: bool,
        /// From now.
        empty_after_us: u64,
    },
    /// Execute this block, once its body and its parent are here. Idempotent.
    Judge(Digest),
    /// Enough signatures under a statement are here to make a certificate: check them together.
    Check {
        /// Which quorum.
        kind: CertificateKind,
        /// Under what.
        statement: Statement,
    },
    /// Check the unverified signatures under these statements one by one: R5's evidence would be complete.
    CheckEach(Vec<Statement>),
    /// Check both votes of an apparent equivocation.
    CheckConflicts(Vec<[SignedStatement; 2]>),
    /// These blocks are final, oldest first.
    Commit {
        /// The chain from the child of the last final block.
        blocks: Vec<Digest>,
        /// For the last of them.
        finalization: Arc<Certificate>,
    },
    /// Ask for a proof of a view (R9). Idempotent.
    FetchProof(View),
    /// Ask for a block; these signers should have it (R11). Idempotent.
    FetchBlock {
        /// Which.
        digest: Digest,
        /// Whom to ask first.
        signers: Vec<ValidatorIndex>,
    },
    /// R10: send proof and own statements of the current view again, and those of every view above the final one.
    Rebroadcast(View),
    /// For observers.
    Report(Event),
    /// Stop signing and stop the node.
    Halt(Halt),
}
