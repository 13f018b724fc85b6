//! Final blocks on their way into the ledger's store, oldest first. What the rules call final is shown to nobody before
//! the ledger has stored it.

use super::bodies::Execution;
use super::{Driver, Fatal};
use minuet_core::certificate::Certificate;
use minuet_core::messages::LedgerRequest;
use minuet_core::spans;
use minuet_core::{Digest, Height, View};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Finalizations that are not stored yet.
pub(super) struct Committing {
    queue: VecDeque<(Vec<Digest>, Arc<Certificate>)>,
    /// Sent to the ledger, by their last block: the view.
    sent: BTreeMap<Digest, View>,
    /// The newest stored block.
    stored: Height,
}

impl Committing {
    pub const fn new(stored: Height) -> Self {
        Self { queue: VecDeque::new(), sent: BTreeMap::new(), stored }
    }

    /// The newest stored block.
    pub const fn stored(&self) -> Height {
        self.stored
    }

    /// Finalizations that are not stored yet.
    pub fn backlog(&self) -> usize {
        self.queue.len() + self.sent.len()
    }

    pub fn push(&mut self, blocks: Vec<Digest>, finalization: Arc<Certificate>) {
        self.queue.push_back((blocks, finalization));
    }
}

impl Driver {
    /// Sends on every finalization whose blocks are all executed; asks for bodies that are missing.
    pub(super) fn pump_commits(&mut self) {
        while let Some((blocks, _)) = self.committing.queue.front() {
            let open = blocks.iter().find(|digest| self.blocks.execution(digest) != Some(Execution::Valid)).copied();
            match open {
                None => {
                    let Some((blocks, finalization)) = self.committing.queue.pop_front() else { return };
                    if let Some(last) = blocks.last() {
                        self.committing.sent.insert(*last, finalization.view);
                    }
                    tracing::trace!(name: spans::COMMITTING, target: spans::TARGET, view = finalization.view.0);
                    self.out.ledger.push(LedgerRequest::Commit { blocks, finalization });
                }
                Some(digest) => {
                    if self.blocks.execution(&digest) == Some(Execution::Invalid) {
                        self.fail(Fatal::StateMismatch { digest });
                    } else {
                        self.fetch_bodies_of_front();
                    }
                    return;
                }
            }
        }
    }

    fn fetch_bodies_of_front(&mut self) {
        let Some((blocks, finalization)) = self.committing.queue.front() else { return };
        let missing: Vec<Digest> =
            blocks.iter().filter(|digest| self.blocks.body(digest).is_none()).take(16).copied().collect();
        let signers: Vec<_> = finalization.signers.iter().collect();
        for digest in missing {
            self.fetch_block(digest, &signers);
        }
    }

    pub(super) fn on_committed(&mut self, height: Height, digest: Digest) {
        tracing::debug!(%height, %digest, "stored");
        self.committing.stored = height;
        if let Some(view) = self.committing.sent.remove(&digest) {
            self.show_stored(digest);
            self.blocks.stored(digest, view);
            self.raise_floor_to(view);
            self.checks.forget_through(view);
        }
        self.fetching.forget_satisfied(&self.replica);
    }
}
