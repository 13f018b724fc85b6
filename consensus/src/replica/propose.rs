//! R1 and R12: what a leader builds on, and when it asks for a block.

use super::{BlockEntry, Replica};
use crate::effect::Effect;
use crate::record::Own;
use minuet_core::certificate::Certificate;
use minuet_core::header::BlockHeader;
use minuet_core::{Digest, View};
use std::sync::Arc;

/// The block that a proposal of some view must build on, with its proofs.
#[derive(Clone, Debug)]
pub struct Parent {
    /// The block.
    pub digest: Digest,
    /// Its notarization or finalization; `None` for genesis.
    pub proof: Option<Arc<Certificate>>,
    /// Nullifications of all views between, newest first.
    pub gap: Vec<Arc<Certificate>>,
}

impl Replica {
    /// R1: the highest notarized view below `view` such that every view between is nullified; of several notarizations
    /// the least digest.
    ///
    /// # Errors
    /// The highest view between whose proof is missing here.
    pub fn parent_for(&self, view: View) -> Result<Parent, View> {
        let mut gap = Vec::new();
        let mut below = view.previous();
        while below > self.tip.header.view() {
            let state = self.views.get(&below).ok_or(below)?;
            if let Some((digest, proof)) = state.notarizations.first_key_value() {
                return Ok(Parent { digest: *digest, proof: Some(proof.clone()), gap });
            }
            gap.push(state.nullification.clone().ok_or(below)?);
            below = below.previous();
        }
        Ok(Parent { digest: self.tip.header.digest(), proof: self.tip.finalization.clone(), gap })
    }

    /// The proofs that are held here, hence verified, for what a header builds on: its parent's, unless the parent is
    /// genesis, and the nullifications between, newest first. What a leader attached is never taken in their place.
    #[must_use]
    pub fn held_proofs(&self, header: &BlockHeader) -> (Option<Arc<Certificate>>, Vec<Arc<Certificate>>) {
        let tip = &self.tip;
        let parent_proof = if header.parent() == tip.header.digest() {
            tip.finalization.clone()
        } else {
            self.views.get(&header.parent_view()).and_then(|state| state.notarizations.get(&header.parent())).cloned()
        };
        let lowest = header.parent_view().max(tip.header.view()).next();
        let between = if lowest < header.view() { Some(self.views.range(lowest..header.view())) } else { None };
        let gap = between.into_iter().flatten().rev().filter_map(|(_, state)| state.nullification.clone()).collect();
        (parent_proof, gap)
    }

    pub(super) fn try_propose(&mut self, out: &mut Vec<Effect>) {
        let view = self.view;
        if self.config.me != Some(self.leader(view)) || view <= self.floor {
            return;
        }
        let wanted = self.view_state_mut(view).is_some_and(|state| {
            !state.building && state.own_proposed.is_none() && state.proposal.is_none() && state.is_undecided()
        });
        if !wanted {
            return;
        }
        let parent = match self.parent_for(view) {
            Ok(parent) => parent,
            Err(missing) => return out.push(Effect::FetchProof(missing)),
        };
        if self.header(&parent.digest).is_none() {
            let signers = parent.proof.map(|proof| proof.signers.iter().collect()).unwrap_or_default();
            return out.push(Effect::FetchBlock { digest: parent.digest, signers });
        }
        let only_empty = self.is_too_deep();
        let empty_after_us = self.empty_delay_us();
        if let Some(state) = self.view_state_mut(view) {
            state.building = true;
        }
        out.push(Effect::Build { view, parent: parent.digest, only_empty, empty_after_us });
    }

    /// The own block is made: decide for it, once (S-ONE-PROPOSAL).
    pub(super) fn on_built(&mut self, header: Arc<BlockHeader>, out: &mut Vec<Effect>) {
        let (view, digest) = (header.view(), header.digest());
        let undecided = self.views.get(&view).is_some_and(|s| s.own_proposed.is_none() && s.is_undecided());
        if view != self.view || !undecided || !self.may_sign(view, Own::Propose(digest)) {
            return;
        }
        let Ok(parent) = self.parent_for(view) else { return };
        if parent.digest != header.parent() {
            // A better parent came meanwhile: build again.
            if let Some(state) = self.view_state_mut(view) {
                state.building = false;
            }
            return;
        }
        self.blocks.insert(digest, BlockEntry { header: header.clone(), valid: Some(true) });
        self.links_changed = true;
        if let Some(state) = self.view_state_mut(view) {
            state.proposal = Some(digest);
            state.own_proposed = Some(digest);
            state.own_notarized = Some(digest);
        }
        out.push(Effect::Propose { header, parent_proof: parent.proof, gap: parent.gap });
    }
}
