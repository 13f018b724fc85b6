//! L-SYNC: catching up from any lag. The newest finalization is verified and its header fetched by digest; from then on
//! the distance is known, and the blocks in between come in ranges from several peers. A range is taken under a
//! finalization that verifies, or because a proven block names its last one as parent; never on a peer's word. What is
//! taken is executed and committed like every other block.
//!
//! Ranges are of blocks that somebody stored as final. After a power cut in the middle of many unfinalized blocks each
//! validator may lack some of them, so that nobody can; then they come one by one, from those who voted for them.

use super::Driver;
use super::catchup::{Next, Part};
use super::inbound::reason_of;
use super::progress::Progress;
use crate::input::Input;
use crate::wire::{Request, ServedBlock};
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::rejection::RejectReason;
use minuet_core::wire::{FrameKind, Recipients};
use minuet_core::{Digest, Height, PeerId, ValidatorIndex};

/// So many blocks are asked for in ranges; fewer one by one.
const RANGE_FROM: u64 = 4;
/// Finalizations on their way into the store before the next range is taken: execution sets the pace.
const MAX_BACKLOG: usize = 2;
/// Between two looks at how far the peers have come meanwhile.
const PROBE_US: u64 = 1_000_000;
/// A chain that grows is never stored to its very end: so few blocks behind is level, and only more is worth a line.
const LEVEL_WITHIN: u64 = 8;
const SAY_FROM: u64 = 16;

impl Driver {
    /// Whether a block whose header is unknown needs no request of its own: ranges bring it, now or when it is their
    /// turn. A validator fetches what it needs for the current views all the same.
    pub(super) fn comes_in_a_range(&self, digest: &Digest) -> bool {
        let is_missing = self.replica.gap().is_some_and(|gap| gap.missing == *digest);
        let is_awaited = if is_missing { !self.catchup.is_barren() } else { self.replica.me().is_none() };
        self.catchup.is_on() && is_awaited
    }

    /// A peer has nothing of a range: the missing block is asked for by its digest too.
    pub(super) fn range_is_empty(&mut self, peer: PeerId) {
        self.catchup.has_nothing(peer, self.now.mono_us);
        self.fetch_missing();
    }

    /// Asks for the header that the rules miss, by its digest.
    fn fetch_missing(&mut self) {
        if let (Some(gap), Some(pending)) = (self.replica.gap(), self.replica.pending_final()) {
            let (missing, signers) = (gap.missing, pending.signers.iter().collect::<Vec<_>>());
            self.fetch_block(missing, &signers);
        }
    }

    /// The highest block known to be final, by a verified finalization and the header that it signs.
    pub(super) fn known_height(&self) -> Height {
        let tip = self.replica.tip().header.height();
        let pending = self.replica.pending_final().and_then(|pending| self.replica.header(&pending.digest));
        pending.map_or(tip, |header| header.height().max(tip))
    }

    /// Aims, takes what has come, asks for more, and tells how it goes.
    pub(super) fn catch_up(&mut self) {
        self.aim();
        if self.catchup.is_on() {
            self.take_parts();
        }
        if self.catchup.is_on() {
            self.probe();
            let tip = self.replica.tip().header.height();
            for (peer, from) in self.catchup.plan(self.now.mono_us, tip, &self.connected) {
                tracing::debug!(%peer, %from, "asked for a range");
                self.conducts.asked(peer);
                self.out.bulk(Recipients::One(peer), FrameKind::Request, Request::Range(from).to_bytes().into());
            }
        }
        self.report_progress();
    }

    fn aim(&mut self) {
        let tip = self.replica.tip().header.height();
        let least = if self.catchup.is_on() { 1 } else { RANGE_FROM };
        let goal = match self.replica.gap() {
            None => None,
            Some(gap) => match &gap.lowest {
                Some(lowest) => Some(Height(lowest.height().0.saturating_sub(1))),
                // A newer finalization whose header is not here: what was aimed at is still to be fetched.
                None => self.catchup.goal(),
            },
        };
        let was_on = self.catchup.is_on();
        self.catchup.aim(goal.filter(|goal| goal.0 >= tip.0.saturating_add(least)), tip);
        // What little is left comes block by block.
        if was_on && !self.catchup.is_on() {
            self.fetch_missing();
        }
    }

    /// How far the peers are now: the header of the newest finalization.
    fn probe(&mut self) {
        let now_us = self.now.mono_us;
        let Some(pending) = self.replica.pending_final() else { return };
        if now_us < self.probed_us.saturating_add(PROBE_US) || self.replica.header(&pending.digest).is_some() {
            return;
        }
        let signers: Vec<ValidatorIndex> = pending.signers.iter().collect();
        let digest = pending.digest;
        self.probed_us = now_us;
        self.fetch_block_after(digest, &signers, 0);
    }

    /// Takes the next blocks while the ledger keeps up.
    fn take_parts(&mut self) {
        while self.committing.backlog() <= MAX_BACKLOG && self.fatal.is_none() {
            let tip = self.replica.tip().header.clone();
            let missing = self.replica.gap().map(|gap| gap.missing);
            match self.catchup.take_next(tip.height(), tip.digest(), missing) {
                Next::Missing => match self.drop_mismatch() {
                    Some(peer) => self.lied(peer, RejectReason::BadRange),
                    None => return,
                },
                // Blocks that lead to nothing final.
                Next::Lie(peer) => self.lied(peer, RejectReason::BadRange),
                Next::Chain(blocks, finalization) => {
                    let mut headers = Vec::with_capacity(blocks.len());
                    for ServedBlock { block, .. } in &blocks {
                        self.fetching.have_block(&block.digest());
                        self.blocks.add_final(block);
                        headers.push(block.header().clone());
                    }
                    self.feed(Input::FinalChain { headers, finalization });
                    self.aim();
                }
            }
        }
    }

    /// Blocks that came for the missing header's height and are not it.
    fn drop_mismatch(&mut self) -> Option<PeerId> {
        let gap = self.replica.gap()?;
        let height = Height(gap.lowest.as_ref()?.height().0.checked_sub(1)?);
        self.catchup.drop_mismatch(height, gap.missing)
    }

    pub(super) fn lied(&mut self, peer: PeerId, reason: RejectReason) {
        self.catchup.distrust(peer, self.now.mono_us);
        self.reject(peer, reason);
    }

    /// An answer to one of this node's requests for a range.
    pub(super) fn take_range(&mut self, peer: PeerId, from: Height, to: Height, blocks: Vec<ServedBlock>) {
        match self.check_range(peer, from, to, blocks) {
            Ok(part) => self.catchup.arrived(from, part, self.now.mono_us),
            Err(reason) => self.lied(peer, reason),
        }
    }

    /// Blocks of ascending heights, each the next one's parent, with the last finalization among them verified.
    fn check_range(
        &self,
        peer: PeerId,
        from: Height,
        to: Height,
        mut blocks: Vec<ServedBlock>,
    ) -> Result<Part, RejectReason> {
        let mut parent = None;
        for (height, served) in (from.0..).zip(&blocks) {
            let header = served.block.header();
            let is_chain = header.height().0 == height && parent.is_none_or(|parent| parent == header.parent());
            if !is_chain || served.finalization.as_ref().is_some_and(|proof| !is_of(proof, served)) {
                return Err(RejectReason::BadRange);
            }
            parent = Some(header.digest());
        }
        let wanted = usize::try_from(to.0 - from.0 + 1).unwrap_or(usize::MAX);
        blocks.truncate(wanted);
        let proven = blocks.iter().rposition(|served| served.finalization.is_some()).map_or(0, |last| last + 1);
        let claimed = proven.checked_sub(1).and_then(|last| blocks[last].finalization.take());
        let finalization =
            claimed.map(|claimed| self.verifier.certificate(claimed)).transpose().map_err(|error| reason_of(&error))?;
        Ok(Part::new(peer, blocks, proven, finalization))
    }

    fn report_progress(&mut self) {
        let (now_us, stored, known) = (self.now.mono_us, self.committing.stored(), self.known_height());
        match &mut self.progress {
            None if self.catchup.is_on() && known.0.saturating_sub(stored.0) >= SAY_FROM => {
                self.progress = Some(Progress::begin(now_us, stored, known));
            }
            None => {}
            Some(progress) => {
                let is_level = self.replica.gap().is_none() && stored.0.saturating_add(LEVEL_WITHIN) >= known.0;
                progress.say(now_us, stored, known);
                if is_level && let Some(progress) = self.progress.take() {
                    progress.end(now_us, stored);
                }
            }
        }
    }
}

fn is_of(proof: &Certificate, served: &ServedBlock) -> bool {
    let header = served.block.header();
    proof.kind == CertificateKind::Finalization && proof.digest == header.digest() && proof.view == header.view()
}
