//! Blocks that are not stored as final yet: headers, proposals, bodies, and how far the ledger is with them.

use super::Driver;
use super::showing::BodySize;
use crate::input::Input;
use crate::wire::{BodyMessage, Proposal};
use minuet_core::block::{Block, Body};
use minuet_core::header::BlockHeader;
use minuet_core::messages::{LedgerRequest, Verdict};
use minuet_core::rejection::RejectReason;
use minuet_core::scheme::StatementSignature;
use minuet_core::spans;
use minuet_core::{Digest, Height, PeerId, View};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Blocks that the ledger executes at a time: enough to keep it busy, few enough that other requests fit in its ring.
const MAX_JUDGING: usize = 64;
/// Bytes of bodies on top of a chain that is not here yet. What is refused is fetched once the chain has come so far.
const MAX_WAITING_BYTES: usize = 64 << 20;

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

impl Execution {
    /// Whether children can be given to the ledger, which works in order.
    const fn is_under_way(self) -> bool {
        matches!(self, Self::Sent | Self::Valid)
    }
}

#[derive(Debug)]
struct Entry {
    header: Arc<BlockHeader>,
    proposal: Option<Proposal>,
    body: Option<Arc<Body>>,
    execution: Execution,
    /// By the rules: the ledger executes it even if it has no room for others.
    is_final: bool,
}

/// All known blocks above the stored chain.
pub(super) struct BlockStore {
    entries: BTreeMap<Digest, Entry>,
    /// The newest stored final block: executed by definition.
    stored: Digest,
    stored_view: View,
    /// One body a peer that came before its header.
    early: BTreeMap<PeerId, BodyMessage>,
    /// Blocks by their parent, so that nothing is searched when a parent is executed.
    children: BTreeMap<Digest, Vec<Digest>>,
    /// Blocks that the ledger can execute now, lowest first.
    ready: BTreeSet<(Height, Digest)>,
    /// Blocks that the ledger executes.
    judging: usize,
    /// Bytes of all bodies.
    body_bytes: usize,
}

impl BlockStore {
    pub fn new(stored: &BlockHeader) -> Self {
        Self {
            entries: BTreeMap::new(),
            stored: stored.digest(),
            stored_view: stored.view(),
            early: BTreeMap::new(),
            children: BTreeMap::new(),
            ready: BTreeSet::new(),
            judging: 0,
            body_bytes: 0,
        }
    }

    /// Of the newest block that is stored as final.
    pub const fn stored_view(&self) -> View {
        self.stored_view
    }

    pub fn peer_gone(&mut self, peer: PeerId) {
        self.early.remove(&peer);
    }

    pub fn add_header(&mut self, header: &Arc<BlockHeader>) {
        if header.view() <= self.stored_view {
            return;
        }
        let digest = header.digest();
        if self.entries.contains_key(&digest) {
            return;
        }
        let body = header.is_empty_block().then(Arc::default);
        let entry =
            Entry { header: header.clone(), proposal: None, body, execution: Execution::Waiting, is_final: false };
        self.entries.insert(digest, entry);
        self.children.entry(header.parent()).or_default().push(digest);
        self.look_at(digest);
    }

    /// Whether the ledger can execute this block now.
    fn look_at(&mut self, digest: Digest) {
        let Some(entry) = self.entries.get(&digest) else { return };
        let has_parent = self.execution(&entry.header.parent()).is_some_and(Execution::is_under_way);
        if entry.execution == Execution::Waiting && entry.body.is_some() && has_parent {
            self.ready.insert((entry.header.height(), digest));
        }
    }

    fn look_at_children(&mut self, parent: &Digest) {
        for child in self.children.get(parent).cloned().unwrap_or_default() {
            self.look_at(child);
        }
    }

    pub fn add_proposal(&mut self, proposal: Proposal) {
        self.add_header(&proposal.header);
        if let Some(entry) = self.entries.get_mut(&proposal.header.digest()) {
            entry.proposal.get_or_insert(proposal);
        }
    }

    pub fn set_signature(&mut self, digest: &Digest, signature: StatementSignature) {
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
            self.body_bytes += bytes_of(&body);
            entry.body = Some(body);
            self.look_at(digest);
        }
        Some(fits)
    }

    /// A block of a verified range, whose header and body belong together.
    pub fn add_final(&mut self, block: &Block) {
        self.add_header(block.header());
        if let Some(entry) = self.entries.get_mut(&block.digest())
            && entry.body.is_none()
        {
            self.body_bytes += bytes_of(block.body());
            entry.body = Some(block.body().clone());
            self.look_at(block.digest());
        }
    }

    /// Whether there is room for bodies that cannot be executed for long.
    const fn has_room(&self) -> bool {
        self.body_bytes < MAX_WAITING_BYTES
    }

    /// A block that the ledger has made or executed itself.
    pub fn add_executed(&mut self, block: &Block) {
        self.add_header(block.header());
        if let Some(entry) = self.entries.get_mut(&block.digest()) {
            if entry.body.is_none() {
                self.body_bytes += bytes_of(block.body());
            }
            entry.body = Some(block.body().clone());
        }
        self.set_execution(&block.digest(), Execution::Valid);
    }

    pub fn header(&self, digest: &Digest) -> Option<&Arc<BlockHeader>> {
        self.entries.get(digest).map(|entry| &entry.header)
    }

    pub fn body(&self, digest: &Digest) -> Option<Arc<Body>> {
        self.entries.get(digest)?.body.clone()
    }

    /// A block's header, with its number of transactions and their bytes once its body is here.
    pub fn described(&self, digest: &Digest) -> Option<(&BlockHeader, Option<BodySize>)> {
        let entry = self.entries.get(digest)?;
        let size = |body: &Arc<Body>| (body.transactions.len() as u64, bytes_of(body) as u64);
        Some((&entry.header, entry.body.as_ref().map(size)))
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

    /// These blocks are final by the rules. Those for which the ledger had no room are given to it again: nothing else makes
    /// room but their own commit.
    pub fn mark_final(&mut self, digests: &[Digest]) {
        for digest in digests {
            if let Some(entry) = self.entries.get_mut(digest) {
                entry.is_final = true;
                self.look_at(*digest);
            }
        }
    }

    /// A block whose body is here and whose parent the ledger has, lowest first, and whether it is final by the rules.
    fn next_for_ledger(&mut self) -> Option<(Block, bool)> {
        while self.judging < MAX_JUDGING {
            let (_, digest) = self.ready.pop_first()?;
            let Some(block) = self.block(&digest) else { continue };
            if self.execution(&digest) == Some(Execution::Waiting) {
                self.set_execution(&digest, Execution::Sent);
                self.judging += 1;
                let is_final = self.entries.get(&digest).is_some_and(|entry| entry.is_final);
                return Some((block, is_final));
            }
        }
        None
    }

    fn set_execution(&mut self, digest: &Digest, execution: Execution) {
        let Some(entry) = self.entries.get_mut(digest) else { return };
        entry.execution = execution;
        if execution.is_under_way() {
            self.look_at_children(digest);
        }
    }

    /// The ledger's answer. Without a parent or without room it is asked again after the next commit, or at once if the block
    /// has become final by the rules meanwhile.
    fn judged(&mut self, digest: &Digest, execution: Execution) {
        self.judging = self.judging.saturating_sub(1);
        self.set_execution(digest, execution);
        if execution == Execution::Waiting && self.entries.get(digest).is_some_and(|entry| entry.is_final) {
            self.look_at(*digest);
        }
    }

    /// The chain up to this block is stored.
    pub fn stored(&mut self, digest: Digest, view: View) {
        (self.stored, self.stored_view) = (digest, view);
        self.entries.retain(|_, entry| entry.header.view() > view);
        self.body_bytes = self.entries.values().filter_map(|entry| entry.body.as_deref()).map(bytes_of).sum();
        let Self { entries, children, ready, .. } = self;
        children.retain(|_, of_parent| {
            of_parent.retain(|child| entries.contains_key(child));
            !of_parent.is_empty()
        });
        ready.retain(|(_, digest)| entries.contains_key(digest));
        let waiting = self.entries.iter().filter(|(_, entry)| entry.execution == Execution::Waiting);
        for digest in waiting.map(|(digest, _)| *digest).collect::<Vec<_>>() {
            self.look_at(digest);
        }
    }
}

fn bytes_of(body: &Body) -> usize {
    body.transactions.iter().map(|envelope| envelope.len()).sum()
}

impl Driver {
    /// Gives the ledger every block that it can execute.
    pub(super) fn pump_judging(&mut self) {
        while let Some((block, is_final)) = self.blocks.next_for_ledger() {
            self.out.ledger.push(LedgerRequest::Judge { block, is_final });
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
            Verdict::MissingParent => self.blocks.judged(&digest, Execution::Waiting),
            Verdict::Valid => {
                self.blocks.judged(&digest, Execution::Valid);
                if let Some(header) = self.blocks.header(&digest) {
                    tracing::trace!(name: spans::JUDGED, target: spans::TARGET, view = header.view().0);
                }
                self.feed(Input::Judged { digest, valid: true });
            }
            Verdict::Invalid(reason) => {
                tracing::warn!(%digest, reason, "a block does not execute as its header says");
                self.blocks.judged(&digest, Execution::Invalid);
                self.feed(Input::Judged { digest, valid: false });
            }
        }
    }

    /// A body from a peer: taken if it belongs to a known block, kept for a moment if its header has not come yet.
    pub(super) fn on_body(&mut self, peer: PeerId, message: BodyMessage) {
        if self.catchup.is_on() && !self.blocks.has_room() {
            return;
        }
        match self.blocks.add_body(message.digest, message.body.clone()) {
            Some(true) => {
                self.fetching.have_block(&message.digest);
                if let Some(header) = self.blocks.header(&message.digest) {
                    tracing::trace!(name: spans::BODY, target: spans::TARGET, view = header.view().0);
                }
                self.show_block(&message.digest);
            }
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
}
