//! Blocks that are not stored as final yet: headers, proposals, bodies, and how far the ledger is with them.

use super::Driver;
use crate::input::Input;
use crate::wire::{BodyMessage, Proposal};
use minuet_core::block::{Block, Body};
use minuet_core::bls::BlsSignature;
use minuet_core::header::BlockHeader;
use minuet_core::messages::{LedgerRequest, Verdict};
use minuet_core::rejection::RejectReason;
use minuet_core::{Digest, Height, PeerId, View};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How far the ledger is with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Execution {
    /// Not given to it: body or parent are missing.
    Waiting,
    /// Given to it.
    Sent,
    /// Executed, as its header says.
    Valid,
    /// Executed, with another result.
    Invalid,
}

#[derive(Debug)]
struct Entry {
    header: Arc<BlockHeader>,
    proposal: Option<Proposal>,
    body: Option<Arc<Body>>,
    execution: Execution,
}

/// All known blocks above the stored chain.
pub(super) struct BlockStore {
    entries: BTreeMap<Digest, Entry>,
    /// The newest stored final block: executed by definition.
    stored: Digest,
    stored_view: View,
    /// One body a peer that came before its header.
    early: BTreeMap<PeerId, BodyMessage>,
    /// Something may be ready for the ledger.
    dirty: bool,
}

impl BlockStore {
    pub fn new(stored: &BlockHeader) -> Self {
        let (entries, early) = (BTreeMap::new(), BTreeMap::new());
        Self { entries, stored: stored.digest(), stored_view: stored.view(), early, dirty: false }
    }

    pub fn peer_gone(&mut self, peer: PeerId) {
        self.early.remove(&peer);
    }

    pub fn add_header(&mut self, header: &Arc<BlockHeader>) {
        if header.view() <= self.stored_view {
            return;
        }
        let body = header.is_empty_block().then(Arc::default);
        self.dirty = true;
        self.entries.entry(header.digest()).or_insert_with(|| Entry {
            header: header.clone(),
            proposal: None,
            body,
            execution: Execution::Waiting,
        });
    }

    pub fn add_proposal(&mut self, proposal: Proposal) {
        self.add_header(&proposal.header);
        if let Some(entry) = self.entries.get_mut(&proposal.header.digest()) {
            entry.proposal.get_or_insert(proposal);
        }
    }

    pub fn set_signature(&mut self, digest: &Digest, signature: BlsSignature) {
        if let Some(proposal) = self.entries.get_mut(digest).and_then(|entry| entry.proposal.as_mut()) {
            proposal.signature = signature;
        }
    }

    /// Whether the body belongs to a known block; `None` if no such block is known.
    pub fn add_body(&mut self, digest: Digest, body: Arc<Body>) -> Option<bool> {
        let entry = self.entries.get_mut(&digest)?;
        if entry.body.is_some() {
            return Some(true);
        }
        let fits = body.root() == entry.header.transactions_root();
        if fits {
            entry.body = Some(body);
            self.dirty = true;
        }
        Some(fits)
    }

    /// A block that the ledger has made or executed itself.
    pub fn add_executed(&mut self, block: &Block) {
        self.add_header(block.header());
        if let Some(entry) = self.entries.get_mut(&block.digest()) {
            entry.body = Some(block.body().clone());
            entry.execution = Execution::Valid;
        }
    }

    pub fn header(&self, digest: &Digest) -> Option<&Arc<BlockHeader>> {
        self.entries.get(digest).map(|entry| &entry.header)
    }

    pub fn body(&self, digest: &Digest) -> Option<Arc<Body>> {
        self.entries.get(digest)?.body.clone()
    }

    /// The proposal in which a block came, with its body.
    pub fn proposed(&self, digest: &Digest) -> Option<(Proposal, Arc<Body>)> {
        let entry = self.entries.get(digest)?;
        Some((entry.proposal.clone()?, entry.body.clone()?))
    }

    pub fn block(&self, digest: &Digest) -> Option<Block> {
        let entry = self.entries.get(digest)?;
        Some(Block::sealed(entry.header.clone(), entry.body.clone()?))
    }

    pub fn execution(&self, digest: &Digest) -> Option<Execution> {
        if *digest == self.stored {
            return Some(Execution::Valid);
        }
        self.entries.get(digest).map(|entry| entry.execution)
    }

    /// Whether a block can be built with transactions on this one.
    pub fn is_executed(&self, digest: &Digest) -> bool {
        self.execution(digest) == Some(Execution::Valid)
    }

    /// `parent` and its ancestors that have transactions and are not stored yet, newest first.
    pub fn with_transactions(&self, parent: &Digest) -> Vec<Digest> {
        let mut digests = Vec::new();
        let mut digest = *parent;
        while let Some(entry) = self.entries.get(&digest) {
            if !entry.header.is_empty_block() {
                digests.push(digest);
            }
            digest = entry.header.parent();
        }
        digests
    }

    /// The highest block at or below this one that waits for its body: without it nothing above is executed.
    fn missing_body_below(&self, digest: &Digest) -> Option<Digest> {
        let mut entry = self.entries.get(digest)?;
        while entry.execution == Execution::Waiting {
            if entry.body.is_none() {
                return Some(entry.header.digest());
            }
            entry = self.entries.get(&entry.header.parent())?;
        }
        None
    }

    /// A block whose body is here and whose parent the ledger has, lowest first.
    fn next_for_ledger(&mut self) -> Option<Block> {
        let ready = self.entries.values().filter(|entry| {
            let parent = self.execution(&entry.header.parent());
            let parent_known = matches!(parent, Some(Execution::Sent | Execution::Valid));
            entry.execution == Execution::Waiting && entry.body.is_some() && parent_known
        });
        let digest = ready.min_by_key(|entry| entry.header.height())?.header.digest();
        let entry = self.entries.get_mut(&digest)?;
        entry.execution = Execution::Sent;
        Some(Block::sealed(entry.header.clone(), entry.body.clone()?))
    }

    fn set_execution(&mut self, digest: &Digest, execution: Execution) {
        if let Some(entry) = self.entries.get_mut(digest) {
            entry.execution = execution;
            self.dirty = true;
        }
    }

    /// The chain up to this block is stored.
    pub fn stored(&mut self, digest: Digest, view: View) {
        (self.stored, self.stored_view) = (digest, view);
        self.entries.retain(|_, entry| entry.header.view() > view);
        self.dirty = true;
    }
}

impl Driver {
    /// Gives the ledger every block that it can execute.
    pub(super) fn pump_judging(&mut self) {
        while self.blocks.dirty {
            match self.blocks.next_for_ledger() {
                Some(block) => self.out.ledger.push(LedgerRequest::Judge { block }),
                None => self.blocks.dirty = false,
            }
        }
    }

    /// The rules wait for this block's execution: if its body is missing for long, ask for it (R11).
    pub(super) fn want_judged(&mut self, digest: Digest) {
        match self.blocks.execution(&digest) {
            Some(Execution::Valid) => self.feed(Input::Judged { digest, valid: true }),
            Some(Execution::Invalid) => self.feed(Input::Judged { digest, valid: false }),
            _ => {
                if let Some(missing) = self.blocks.missing_body_below(&digest) {
                    self.fetch_body_later(missing);
                }
            }
        }
    }

    pub(super) fn on_judged(&mut self, digest: Digest, verdict: Verdict) {
        match verdict {
            Verdict::MissingParent => self.blocks.set_execution(&digest, Execution::Waiting),
            Verdict::Valid => {
                self.blocks.set_execution(&digest, Execution::Valid);
                self.feed(Input::Judged { digest, valid: true });
            }
            Verdict::Invalid(reason) => {
                tracing::warn!(%digest, reason, "a block does not execute as its header says");
                self.blocks.set_execution(&digest, Execution::Invalid);
                self.feed(Input::Judged { digest, valid: false });
            }
        }
    }

    /// A body from a peer: taken if it belongs to a known block, kept for a moment if its header has not come yet.
    pub(super) fn on_body(&mut self, peer: PeerId, message: BodyMessage) {
        match self.blocks.add_body(message.digest, message.body.clone()) {
            Some(true) => self.fetching.have_block(&message.digest),
            Some(false) => self.reject(peer, RejectReason::WrongBody),
            None => {
                self.blocks.early.insert(peer, message);
            }
        }
    }

    /// A header came: its body may have been faster. More than one peer may have sent one, and not all the right one.
    pub(super) fn match_early_body(&mut self, digest: &Digest) {
        let waiting = self.blocks.early.iter().filter(|(_, message)| message.digest == *digest);
        for peer in waiting.map(|(peer, _)| *peer).collect::<Vec<_>>() {
            if let Some(message) = self.blocks.early.remove(&peer) {
                self.on_body(peer, message);
            }
        }
    }

    /// The lowest height that is not stored yet, as far as the rules know.
    pub(super) fn next_height(&self) -> Height {
        self.replica.tip().header.height().next()
    }
}
