//! R2 and R3: voting for a block, by validating it or because a quorum already did. And the signing gate.

use super::{BlockEntry, Replica};
use crate::effect::{Effect, Event, Ground};
use crate::mutation::{self, Mutation};
use crate::quorum;
use crate::record::Own;
use minuet_core::certificate::Certificate;
use minuet_core::header::BlockHeader;
use minuet_core::statement::Statement;
use minuet_core::{Digest, View};
use std::sync::Arc;

/// How a proposal stands with what is known here. Only `Invalid` is for ever.
enum Standing {
    Valid,
    NotYet(Box<Effect>),
    Waiting,
    Invalid(String),
}

impl Replica {
    /// The signing gate (docs/protocol.md §3): whether this may be said without ever contradicting anything said.
    #[must_use]
    pub fn may_sign(&self, view: View, own: Own) -> bool {
        let Some(me) = self.config.me else { return false };
        if self.halted || view <= self.floor || view <= self.tip.header.view() {
            return false;
        }
        let empty = super::ViewState::new(0);
        let state = self.views.get(&view).unwrap_or(&empty);
        if view > self.view && !state.has_notarization() {
            return false;
        }
        let free_for = |said: Option<Digest>, digest: Digest| said.is_none_or(|said| said == digest);
        match own {
            Own::Propose(digest) => {
                self.leader(view) == me
                    && free_for(state.own_proposed, digest)
                    && free_for(state.own_notarized, digest)
                    && !state.own_nullified
            }
            Own::Notarize(digest) => {
                let validated = self.blocks.get(&digest).is_some_and(|entry| entry.valid == Some(true));
                let certified = state.notarizations.contains_key(&digest);
                let repeated = state.own_notarized == Some(digest);
                let nullified = state.own_nullified
                    && !mutation::is(Mutation::VoteAfterNullify)
                    && !mutation::is(Mutation::CertificateVoteAfterNullify);
                free_for(state.own_notarized, digest) && !nullified && (validated || certified || repeated)
            }
            Own::Nullify => {
                let unbound = state.own_notarized.is_none()
                    || mutation::is(Mutation::TimeoutAfterVote)
                    || mutation::is(Mutation::NullifyCascades);
                let contradicted = || self.contradictions(view, true) >= quorum::evidence(self.quorums);
                state.own_nullified || (view == self.view && (unbound || contradicted()))
            }
        }
    }

    /// Whether this was decided, here or before a restart. The driver signs nothing else.
    #[must_use]
    pub fn has_decided(&self, view: View, own: Own) -> bool {
        self.views.get(&view).is_some_and(|state| match own {
            Own::Propose(digest) => state.own_proposed == Some(digest),
            Own::Notarize(digest) => state.own_notarized == Some(digest),
            Own::Nullify => state.own_nullified,
        })
    }

    pub(super) fn on_proposal(&mut self, header: Arc<BlockHeader>) {
        let (view, digest) = (header.view(), header.digest());
        let leader = self.leader(view);
        if view >= self.view {
            self.heard(leader);
        }
        let Some(state) = self.view_state_mut(view) else { return };
        let first = *state.proposal.get_or_insert(digest);
        // A second one permits no vote, but is needed for finality if a quorum notarized it.
        if first == digest || state.notarizations.contains_key(&digest) {
            self.blocks.entry(digest).or_insert(BlockEntry { header, valid: None });
            self.links_changed = true;
        }
        if first != digest {
            tracing::warn!(%view, %leader, "a second, different proposal: no vote for it");
        }
    }

    /// R2: votes for the current view's first proposal once everything that it stands on is here and valid.
    pub(super) fn try_notarize(&mut self, out: &mut Vec<Effect>) {
        let view = self.view;
        if self.config.me.is_none() {
            return;
        }
        let Some(state) = self.views.get(&view) else { return };
        let open = state.is_undecided() || (mutation::is(Mutation::VoteAfterNullify) && state.own_notarized.is_none());
        let Some(digest) = state.proposal.filter(|_| open && !state.proposal_refused) else { return };
        let Some(entry) = self.blocks.get(&digest) else { return };
        match self.standing(entry) {
            Standing::Waiting => {}
            Standing::NotYet(_) if mutation::is(Mutation::NotYetIsInvalid) => self.refuse_proposal(view),
            Standing::NotYet(effect) => out.push(*effect),
            Standing::Invalid(reason) => {
                let proposer = self.leader(view);
                Self::report(out, Event::InvalidProposal { digest, proposer, reason });
                self.refuse_proposal(view);
            }
            Standing::Valid => {
                if let Some(entry) = self.blocks.get_mut(&digest) {
                    entry.valid = Some(true);
                }
                self.notarize(view, digest, Ground::Block, out);
            }
        }
    }

    fn refuse_proposal(&mut self, view: View) {
        if let Some(state) = self.view_state_mut(view) {
            state.proposal_refused = true;
        }
    }

    fn standing(&self, entry: &BlockEntry) -> Standing {
        let header = &entry.header;
        let (view, tip) = (header.view(), &self.tip.header);
        if header.parent_view() < tip.view() || (header.parent_view() == tip.view() && header.parent() != tip.digest())
        {
            return Standing::Invalid("the parent is not on the final chain".to_owned());
        }
        if header.parent_view() > tip.view() && !mutation::is(Mutation::ParentNotNotarized) {
            let parent_state = self.views.get(&header.parent_view());
            if !parent_state.is_some_and(|state| state.notarizations.contains_key(&header.parent())) {
                return Standing::NotYet(Box::new(Effect::FetchProof(header.parent_view())));
            }
        }
        let below_gap = if mutation::is(Mutation::GapUnchecked) {
            view
        } else if mutation::is(Mutation::GapOffByOne) {
            header.parent_view().next()
        } else {
            header.parent_view()
        };
        let mut between = view.previous();
        while between > below_gap {
            if self.views.get(&between).is_none_or(|state| state.nullification.is_none()) {
                return Standing::NotYet(Box::new(Effect::FetchProof(between)));
            }
            between = between.previous();
        }
        let Some(parent) = self.header(&header.parent()) else {
            return Standing::NotYet(Box::new(Effect::FetchBlock { digest: header.parent(), signers: Vec::new() }));
        };
        if let Err(error) = self.config.rules.check(header, parent) {
            return Standing::Invalid(error.to_string());
        }
        match entry.valid {
            Some(true) => Standing::Valid,
            Some(false) => Standing::Invalid("execution gives another result than the header says".to_owned()),
            None if header.is_empty_block() => Standing::Valid,
            None if view == self.view => Standing::NotYet(Box::new(Effect::Judge(header.digest()))),
            None => Standing::Waiting,
        }
    }

    /// R3: a quorum notarized the block; vote for it too, also without its body and also in a past view.
    pub(super) fn notarize_by_certificate(&mut self, certificate: &Arc<Certificate>, out: &mut Vec<Effect>) {
        let open = self.views.get(&certificate.view).is_some_and(|state| {
            let ignored = mutation::is(Mutation::CertificateVoteAfterNullify) && state.own_notarized.is_none();
            state.is_undecided() || ignored
        });
        if open && !mutation::is(Mutation::NoCertificateVote) {
            let ground = Ground::Certificate(certificate.clone());
            self.notarize(certificate.view, certificate.digest, ground, out);
        }
    }

    /// R3 for certificates that the journal held.
    pub(super) fn notarize_by_held_certificates(&mut self, out: &mut Vec<Effect>) {
        let held: Vec<_> =
            self.views.values().filter_map(|state| state.notarizations.values().next().cloned()).collect();
        for certificate in held {
            self.notarize_by_certificate(&certificate, out);
        }
    }

    fn notarize(&mut self, view: View, digest: Digest, ground: Ground, out: &mut Vec<Effect>) {
        if !self.may_sign(view, Own::Notarize(digest)) {
            return;
        }
        let Some(state) = self.views.get_mut(&view) else { return };
        state.own_notarized = Some(digest);
        out.push(Effect::Cast { statement: Statement::Notarize { view, digest }, ground });
    }
}
