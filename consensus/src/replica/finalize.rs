//! R8: a finalization makes its block and all ancestors final, oldest first, by parent digest.

use super::{Replica, Tip};
use crate::effect::{Effect, Halt};
use crate::verify::Verified;
use minuet_core::Digest;
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::header::BlockHeader;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What the chain from the newest known finalization down to the newest final block lacks here (L-SYNC).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The first header on the way down that is not known.
    pub missing: Digest,
    /// Its child; `None` if the finalized block's own header is missing.
    pub lowest: Option<Arc<BlockHeader>>,
}

/// A complete chain with its finalization, or a finalization whose chain does not meet the newest final block.
type Followed = Result<(Vec<Digest>, Arc<Certificate>), Arc<Certificate>>;

impl Replica {
    pub(super) fn note_finalization(&mut self, certificate: &Arc<Certificate>) {
        let newer = self.pending_final.as_ref().is_none_or(|held| held.view < certificate.view);
        if certificate.kind == CertificateKind::Finalization && newer {
            self.pending_final = Some(certificate.clone());
            self.links_changed = true;
        }
    }

    /// Final blocks need their headers down to the newest final one; bodies and execution are the driver's.
    pub(super) fn try_finalize(&mut self, out: &mut Vec<Effect>) {
        if std::mem::take(&mut self.links_changed) {
            match self.complete_chain() {
                None => self.gap = self.find_gap(),
                Some(Err(certificate)) => return self.halt_for_conflict(certificate, out),
                Some(Ok((blocks, finalization))) => return self.finalize(blocks, finalization, out),
            }
        }
        if let (Some(pending), Some(gap)) = (&self.pending_final, &self.gap) {
            out.push(Effect::FetchBlock { digest: gap.missing, signers: pending.signers.iter().collect() });
        }
    }

    /// The highest first; while its chain is incomplete here, lower ones may already be complete. What an incomplete
    /// chain went through is incomplete too.
    fn complete_chain(&self) -> Option<Followed> {
        let mut followed = BTreeSet::new();
        let above = self.views.range(self.tip.header.view().next()..).rev();
        above.filter_map(|(_, state)| state.finalization.as_ref()).find_map(|certificate| {
            if followed.contains(&certificate.digest) {
                return None;
            }
            self.chain_to_tip(certificate, &mut followed)
        })
    }

    /// The digests from the child of the newest final block up to the certificate's; `None` while a header is missing.
    fn chain_to_tip(&self, certificate: &Arc<Certificate>, followed: &mut BTreeSet<Digest>) -> Option<Followed> {
        let tip = &self.tip.header;
        let mut blocks = Vec::new();
        let mut digest = certificate.digest;
        while digest != tip.digest() {
            let entry = self.blocks.get(&digest)?;
            followed.insert(digest);
            if entry.header.view() <= tip.view() || entry.header.height() <= tip.height() {
                return Some(Err(certificate.clone()));
            }
            blocks.push(digest);
            digest = entry.header.parent();
            let last = entry.header.parent_view() <= tip.view() || entry.header.height() == tip.height().next();
            if last && digest != tip.digest() {
                return Some(Err(certificate.clone()));
            }
        }
        blocks.reverse();
        Some(Ok((blocks, certificate.clone())))
    }

    fn find_gap(&self) -> Option<Gap> {
        let mut gap = Gap { missing: self.pending_final.as_ref()?.digest, lowest: None };
        while let Some(entry) = self.blocks.get(&gap.missing) {
            gap = Gap { missing: entry.header.parent(), lowest: Some(entry.header.clone()) };
        }
        Some(gap)
    }

    /// Blocks of a range that a peer served. Their finalization is checked like every other one; below the current view
    /// it is of use for this chain only and is neither kept, nor sent on, nor voted by.
    pub(super) fn on_final_chain(
        &mut self,
        headers: Vec<Arc<BlockHeader>>,
        finalization: Option<Verified<Certificate>>,
        out: &mut Vec<Effect>,
    ) {
        headers.into_iter().for_each(|header| self.learn_header(header));
        let Some(finalization) = finalization else { return };
        if finalization.get().view >= self.view || finalization.get().view <= self.tip.header.view() {
            return self.on_certificate(finalization, out);
        }
        let certificate = Arc::new(finalization.into_inner());
        if self.halts_for_own_signature(&certificate, out) {
            return;
        }
        match self.chain_to_tip(&certificate, &mut BTreeSet::new()) {
            None => {}
            Some(Err(certificate)) => self.halt_for_conflict(certificate, out),
            Some(Ok((blocks, finalization))) => self.finalize(blocks, finalization, out),
        }
    }

    fn finalize(&mut self, blocks: Vec<Digest>, finalization: Arc<Certificate>, out: &mut Vec<Effect>) {
        let Some(entry) = self.blocks.get(&finalization.digest) else { return };
        let view = entry.header.view();
        if view >= self.view {
            // Leave the view by its own proof before what is known of it goes.
            self.climb(out);
        }
        assert!(self.view > view, "a finalization is a proof of its view (R9)");
        let Some(entry) = self.blocks.get(&finalization.digest) else { return };
        self.tip = Tip { header: entry.header.clone(), finalization: Some(finalization.clone()) };
        if self.pending_final.as_ref().is_some_and(|held| held.view <= view) {
            self.pending_final = None;
            self.gap = None;
        }
        self.links_changed = true;
        self.views.retain(|kept, _| *kept > view);
        self.blocks.retain(|_, entry| entry.header.view() > view);
        // R13: divided by 1.5 per finalization.
        self.delta_us = (self.delta_us.saturating_mul(2) / 3).max(self.config.timing.delta_base_us);
        out.push(Effect::Commit { blocks, finalization });
    }

    /// R8: keep both as evidence, never reorganize.
    pub(super) fn halt_for_conflict(&mut self, certificate: Arc<Certificate>, out: &mut Vec<Effect>) {
        self.halted = true;
        let finalized = self.tip.header.digest();
        out.push(Effect::Halt(Halt::ConflictingFinalization { finalized, certificate }));
    }
}
