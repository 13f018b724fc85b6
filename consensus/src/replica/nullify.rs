//! R4 and R5: leaving a view without a block.

use super::Replica;
use crate::effect::{Effect, Event, Ground, NullifyReason};
use crate::input::Timer;
use crate::mutation::{self, Mutation};
use crate::quorum;
use crate::record::Own;
use minuet_core::View;
use minuet_core::statement::Statement;
use std::collections::BTreeSet;

impl Replica {
    /// R4: nothing was voted for in time. A validator that has notarized never nullifies by time.
    pub(super) fn nullify_by_timeout(&mut self, view: View, out: &mut Vec<Effect>) {
        let undecided = self.views.get(&view).is_none_or(super::ViewState::is_undecided);
        if view == self.view && (undecided || mutation::is(Mutation::TimeoutAfterVote)) {
            self.nullify(NullifyReason::Timeout, out);
        }
    }

    /// R4: the leader has had reason to propose since now; not with too many blocks unfinalized, when it proposes none but
    /// empty ones and those at their own pace (R12).
    pub(super) fn on_handed(&mut self, view: View, out: &mut Vec<Effect>) {
        if view == self.view && !self.is_too_deep() {
            let after_us = self.delta_us.saturating_mul(2);
            out.push(Effect::SetTimer { timer: Timer::Nullify(view), after_us });
        }
    }

    /// R5: in the current view, having notarized, M distinct others say otherwise. Nothing else ever causes a nullify
    /// after a vote (S-NO-CASCADE).
    pub(super) fn try_contradiction(&mut self, out: &mut Vec<Effect>) {
        let view = self.view;
        let Some(state) = self.views.get(&view) else { return };
        let (Some(own), false) = (state.own_notarized, state.own_nullified) else { return };
        let cascades = mutation::is(Mutation::NullifyCascades) && self.is_older_view_nullified();
        if self.contradictions(view, true) >= quorum::evidence(self.quorums) || cascades {
            self.nullify(NullifyReason::Contradiction, out);
        } else if self.contradictions(view, false) >= quorum::evidence(self.quorums) {
            let statements = state.tally.unverified_contradictions(view, own);
            if !statements.is_empty() {
                out.push(Effect::CheckEach(statements));
            }
        }
    }

    /// [`Mutation::NullifyCascades`]: the ground for it.
    fn is_older_view_nullified(&self) -> bool {
        self.views.range(..self.view).any(|(_, state)| state.nullification.is_some())
    }

    /// Distinct other validators that nullified `view` or voted for another block there, certificates included.
    pub(super) fn contradictions(&self, view: View, only_verified: bool) -> usize {
        let Some(state) = self.views.get(&view) else { return 0 };
        let Some(own) = state.own_notarized else { return 0 };
        let mut signers: BTreeSet<_> = state.tally.contradicting(own, only_verified).collect();
        let others = state.notarizations.iter().filter(|(digest, _)| **digest != own).map(|(_, proof)| proof);
        for proof in others.chain(&state.nullification) {
            signers.extend(proof.signers.iter());
        }
        if let Some(me) = self.config.me {
            signers.remove(&me);
        }
        if mutation::is(Mutation::EvidenceByMessages) {
            return state.tally.contradicting_messages(own, only_verified);
        }
        signers.len()
    }

    pub(super) fn nullify(&mut self, reason: NullifyReason, out: &mut Vec<Effect>) {
        let view = self.view;
        if !self.may_sign(view, Own::Nullify) {
            return;
        }
        let Some(state) = self.view_state_mut(view) else { return };
        state.own_nullified = true;
        Self::report(out, Event::Nullified { view, reason });
        out.push(Effect::Cast { statement: Statement::Nullify { view }, ground: Ground::Nullify });
    }
}
