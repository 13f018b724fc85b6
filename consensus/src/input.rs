//! What the rules react to.

use crate::verify::{Authenticated, Verified};
use minuet_core::certificate::Certificate;
use minuet_core::header::BlockHeader;
use minuet_core::statement::{SignedStatement, Statement};
use minuet_core::{Digest, ValidatorIndex, View};
use std::sync::Arc;

/// A timer that the rules set and the driver keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// R4: nullify if nothing was voted for.
    Nullify(View),
    /// R10: the view lasts too long; say everything again.
    Stuck(View),
}

/// One event, in the order in which it happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// Once, first: enter the current view.
    Start,
    /// A timer went off.
    Timeout(Timer),
    /// A leader's header, straight from the leader, whose time has come by the local clock. Its attached proofs were
    /// verified and given as [`Input::Certificate`] before it.
    Proposal(Authenticated<Arc<BlockHeader>>),
    /// A header known by its digest: fetched, or read from the journal. It permits no vote by itself.
    Header(Arc<BlockHeader>),
    /// Somebody's statement whose signature is not checked.
    Statement(Authenticated<SignedStatement>),
    /// A checked statement: the own one after it was sent, or one that was checked alone.
    Checked(Verified<SignedStatement>),
    /// The verdicts on signatures of the tally, after [`crate::effect::Effect::Check`] failed or for R5's evidence.
    Settled {
        /// Under which statement.
        statement: Statement,
        /// Signer and whether its signature is genuine.
        verdicts: Vec<(ValidatorIndex, bool)>,
    },
    /// A quorum's proof.
    Certificate(Verified<Certificate>),
    /// Final blocks on the newest final one, each the next one's parent (L-SYNC).
    FinalChain {
        /// Oldest first.
        headers: Vec<Arc<BlockHeader>>,
        /// Of the last; `None` if it is the block that [`crate::replica::Gap`] misses.
        finalization: Option<Verified<Certificate>>,
    },
    /// The block that was asked for with [`crate::effect::Effect::Build`].
    Built {
        /// Its header; body and execution are the driver's.
        header: Arc<BlockHeader>,
    },
    /// The outcome of executing a block.
    Judged {
        /// The block.
        digest: Digest,
        /// Whether it is what its header says.
        valid: bool,
    },
    /// R4: the leader of this view has had reason to propose since now.
    Handed(View),
}
