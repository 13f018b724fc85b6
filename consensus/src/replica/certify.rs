//! R6, R7, R9, R11: counting statements, taking certificates, asking for what is missing.

use super::Replica;
use crate::effect::{Effect, Event, Halt};
use crate::mutation::{self, Mutation};
use crate::quorum;
use crate::tally::Added;
use crate::verify::Verified;
use minuet_core::ValidatorIndex;
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::statement::{SignedStatement, Statement};
use std::sync::Arc;

impl Replica {
    pub(super) fn on_statement(&mut self, signed: &SignedStatement, verified: bool, out: &mut Vec<Effect>) {
        let (view, statement) = (signed.statement.view(), signed.statement);
        if !self.config.rules.committee.contains(signed.signer) {
            return;
        }
        if view >= self.view.previous() {
            self.heard(signed.signer);
        }
        let Some(state) = self.view_state_mut(view) else { return };
        match state.tally.add(signed, verified) {
            Added::Known => return,
            Added::Yes => {}
            Added::Conflict => self.on_conflict(signed, out),
        }
        if mutation::is(Mutation::UnverifiedCounts) {
            self.believe(&statement, out);
        }
        self.check_quorums(&statement, out);
    }

    /// [`Mutation::UnverifiedCounts`]: M statements make a proof, whoever signed them.
    fn believe(&mut self, statement: &Statement, out: &mut Vec<Effect>) {
        let Some(state) = self.views.get(&statement.view()) else { return };
        let signatures = state.tally.signatures(statement);
        let kind = match statement {
            Statement::Nullify { .. } => CertificateKind::Nullification,
            Statement::Notarize { .. } => CertificateKind::Notarization,
        };
        let (Some((_, any)), true) = (signatures.first(), signatures.len() >= quorum::m(self.quorums)) else { return };
        let signers = signatures.iter().map(|(signer, _)| *signer);
        let unchecked = Certificate::from_checked(kind, statement, self.quorums.n(), signers, *any);
        self.on_certificate(Verified::own(unchecked), out);
    }

    fn on_conflict(&self, signed: &SignedStatement, out: &mut Vec<Effect>) {
        let view = signed.statement.view();
        let Some(state) = self.views.get(&view) else { return };
        let unsettled: Vec<_> = state
            .tally
            .unsettled_conflicts(view)
            .into_iter()
            .filter(|[first, _]| first.signer == signed.signer)
            .collect();
        if !unsettled.is_empty() {
            out.push(Effect::CheckConflicts(unsettled));
        }
    }

    /// The driver's verdicts: bad signatures leave their slots, good ones count as evidence.
    pub(super) fn on_settled(
        &mut self,
        statement: &Statement,
        verdicts: &[(ValidatorIndex, bool)],
        out: &mut Vec<Effect>,
    ) {
        let view = statement.view();
        let Some(state) = self.view_state_mut(view) else { return };
        let before = state.tally.equivocations(view);
        for (signer, good) in verdicts {
            state.tally.settle(statement, *signer, *good);
        }
        let proven = state.tally.equivocations(view);
        for pair in proven.into_iter().filter(|pair| !before.contains(pair)) {
            Self::report(out, Event::Equivocation(pair));
        }
        self.check_quorums(statement, out);
    }

    /// R6, R7, R8: asks for the check of signatures that would make a certificate. R11: asks for a block that at least
    /// one honest validator votes for and that is unknown here.
    fn check_quorums(&self, statement: &Statement, out: &mut Vec<Effect>) {
        let Some(state) = self.views.get(&statement.view()) else { return };
        let count = state.tally.count(statement);
        let mut check = |kind: CertificateKind, held: bool| {
            let complete = !held && count >= quorum::threshold(kind, self.quorums);
            if complete {
                out.push(Effect::Check { kind, statement: *statement });
            }
            complete
        };
        match statement {
            Statement::Nullify { .. } => {
                check(CertificateKind::Nullification, state.nullification.is_some());
            }
            Statement::Notarize { digest, .. } => {
                let notarized = state.notarizations.contains_key(digest);
                if !check(CertificateKind::Finalization, state.finalization.is_some()) {
                    check(CertificateKind::Notarization, notarized);
                }
                if count >= self.quorums.one_honest() && self.header(digest).is_none() {
                    let signers = state.tally.signatures(statement).into_iter().map(|(signer, _)| signer).collect();
                    out.push(Effect::FetchBlock { digest: *digest, signers });
                }
            }
        }
    }

    /// Takes a verified certificate: keeps every distinct one, sends new proofs on, votes by it (R3).
    pub(super) fn on_certificate(&mut self, certificate: Verified<Certificate>, out: &mut Vec<Effect>) {
        let certificate = Arc::new(certificate.into_inner());
        let (view, digest) = (certificate.view, certificate.digest);
        if view <= self.tip.header.view() {
            self.check_against_tip(&certificate, out);
            return;
        }
        if self.halts_for_own_signature(&certificate, out) {
            return;
        }
        let Some(state) = self.proven_state_mut(view) else { return };
        let second = certificate.kind == CertificateKind::Notarization && state.has_notarization();
        if state.holds(&certificate) || (second && mutation::is(Mutation::OneNotarizationPerView)) {
            return;
        }
        let news = match certificate.kind {
            CertificateKind::Nullification => {
                state.nullification = Some(certificate.clone());
                true
            }
            kind => {
                if kind == CertificateKind::Finalization {
                    state.finalization = Some(certificate.clone());
                }
                let fresh = !state.notarizations.contains_key(&digest);
                state.notarizations.entry(digest).or_insert_with(|| certificate.clone());
                fresh
            }
        };
        self.links_changed |= certificate.kind == CertificateKind::Finalization;
        Self::report(out, Event::Certified(certificate.clone()));
        if news {
            out.push(Effect::Share(certificate.clone()));
        }
        if certificate.is_notarization() {
            self.notarize_by_certificate(&certificate, out);
            self.note_finalization(&certificate);
            // Also if only its body may be missing: blocks on top of it could not be executed.
            if self.header(&digest).is_none_or(|header| !header.is_empty_block()) {
                let signers = certificate.signers.iter().collect();
                out.push(Effect::FetchBlock { digest, signers });
            }
        }
    }

    /// R8 for the newest final view: a different block there can only come from more than f faults.
    pub(super) fn check_against_tip(&mut self, certificate: &Arc<Certificate>, out: &mut Vec<Effect>) {
        let tip = &self.tip.header;
        let same_view = certificate.kind == CertificateKind::Finalization && certificate.view == tip.view();
        if same_view && certificate.digest != tip.digest() {
            self.halt_for_conflict(certificate.clone(), out);
        }
    }

    /// D-OWN-SIG: the own key signed something that this validator's journal does not hold.
    pub(super) fn halts_for_own_signature(&mut self, certificate: &Arc<Certificate>, out: &mut Vec<Effect>) -> bool {
        let Some(me) = self.config.me else { return false };
        let unseen = mutation::is(Mutation::OwnSignatureUnseen);
        if unseen || certificate.view <= self.floor || !certificate.signers.contains(me) {
            return false;
        }
        let said = self.views.get(&certificate.view).is_some_and(|state| match certificate.kind {
            CertificateKind::Nullification => state.own_nullified,
            _ => state.own_notarized == Some(certificate.digest),
        });
        if !said {
            self.halted = true;
            let halt = Halt::OwnSignature { view: certificate.view, certificate: certificate.clone() };
            out.push(Effect::Halt(halt));
        }
        !said
    }
}
