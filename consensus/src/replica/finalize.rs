//! R8: a finalization makes its block and all ancestors final, oldest first, by parent digest.

use super::{Replica, Tip};
use crate::effect::{Effect, Halt};
use minuet_core::certificate::{Certificate, CertificateKind};
use std::sync::Arc;

impl Replica {
    pub(super) fn note_finalization(&mut self, certificate: &Arc<Certificate>) {
        let newer = self.pending_final.as_ref().is_none_or(|held| held.view < certificate.view);
        if certificate.kind == CertificateKind::Finalization && newer {
            self.pending_final = Some(certificate.clone());
        }
    }

    /// Final blocks need their headers down to the newest final one; bodies and execution are the driver's.
    pub(super) fn try_finalize(&mut self, out: &mut Vec<Effect>) {
        // The highest first; while its chain is incomplete here, lower ones may already be complete.
        let complete = self
            .views
            .range(self.tip.header.view().next()..)
            .rev()
            .filter_map(|(_, state)| state.finalization.clone())
            .find_map(|certificate| self.chain_to_tip(&certificate).transpose());
        match complete {
            None => self.fetch_missing_ancestor(out),
            Some(Err(certificate)) => self.halt_for_conflict(certificate, out),
            Some(Ok((blocks, finalization))) => self.finalize(blocks, finalization, out),
        }
    }

    /// The digests from the child of the newest final block up to the certificate's; `None` while a header is missing.
    ///
    /// # Errors
    /// The certificate, if its chain does not meet the newest final block.
    #[allow(clippy::type_complexity)]
    fn chain_to_tip(
        &self,
        certificate: &Arc<Certificate>,
    ) -> Result<Option<(Vec<minuet_core::Digest>, Arc<Certificate>)>, Arc<Certificate>> {
        let tip = &self.tip.header;
        let mut blocks = Vec::new();
        let mut digest = certificate.digest;
        while digest != tip.digest() {
            let Some(entry) = self.blocks.get(&digest) else { return Ok(None) };
            if entry.header.view() <= tip.view() || entry.header.height() <= tip.height() {
                return Err(certificate.clone());
            }
            blocks.push(digest);
            digest = entry.header.parent();
            let last = entry.header.parent_view() <= tip.view() || entry.header.height() == tip.height().next();
            if last && digest != tip.digest() {
                return Err(certificate.clone());
            }
        }
        blocks.reverse();
        Ok(Some((blocks, certificate.clone())))
    }

    fn fetch_missing_ancestor(&self, out: &mut Vec<Effect>) {
        let Some(pending) = &self.pending_final else { return };
        let mut digest = pending.digest;
        while let Some(entry) = self.blocks.get(&digest) {
            digest = entry.header.parent();
        }
        out.push(Effect::FetchBlock { digest, signers: pending.signers.iter().collect() });
    }

    fn finalize(&mut self, blocks: Vec<minuet_core::Digest>, finalization: Arc<Certificate>, out: &mut Vec<Effect>) {
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
        }
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
