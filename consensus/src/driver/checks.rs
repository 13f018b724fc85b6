//! Signature checks wait until everything that has arrived was taken in, so that one check serves all of it.

use super::Driver;
use crate::input::Input;
use crate::verify::Gathered;
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::rejection::RejectReason;
use minuet_core::statement::{SignedStatement, Statement};
use minuet_core::{PeerId, ValidatorIndex};
use std::collections::BTreeMap;

/// Lingers that a notarization waits where nothing here needs it: the own vote is cast, and the next block is that of
/// another, who is there, and brings the proof along. Seldom is the finalization not here before.
const IDLE_LINGERS: u64 = 8;

/// A quorum's check that is due at a moment.
#[derive(Clone, Copy)]
struct Wanted {
    kind: CertificateKind,
    due_us: u64,
}

/// What the rules want checked.
#[derive(Default)]
pub(super) struct PendingChecks {
    quorums: BTreeMap<Statement, Wanted>,
    /// Peers' notarizations of what waits for a check of its own: of use should that fail.
    spares: BTreeMap<Statement, (PeerId, Certificate)>,
    /// How long a notarization waits for the votes that would make it a finalization, in microseconds: one check then
    /// serves for both. Nothing but the next view waits for it.
    linger_us: u64,
    each: Vec<Statement>,
    pairs: Vec<[SignedStatement; 2]>,
}

impl PendingChecks {
    pub fn new(linger_us: u64) -> Self {
        Self { linger_us, ..Self::default() }
    }

    /// A finalization's check serves for the notarization too. `needed`: something here goes on with a notarization.
    pub fn quorum(&mut self, statement: Statement, kind: CertificateKind, needed: bool, now_us: u64) {
        let waits = kind == CertificateKind::Notarization;
        let linger_us = if needed { self.linger_us } else { self.linger_us.saturating_mul(IDLE_LINGERS) };
        let due_us = if waits { now_us.saturating_add(linger_us) } else { now_us };
        let wanted = self.quorums.entry(statement).or_insert(Wanted { kind, due_us });
        if !waits {
            *wanted = Wanted { kind, due_us };
        }
    }

    /// Takes a peer's certificate for which the own signatures wait to be checked, most likely for more than it says.
    pub fn spare(&mut self, peer: PeerId, certificate: Certificate, now_us: u64) -> Result<(), Certificate> {
        let statement = certificate.statement();
        let waits = self.quorums.get(&statement).is_some_and(|wanted| wanted.due_us > now_us);
        if certificate.kind != CertificateKind::Notarization || !waits {
            return Err(certificate);
        }
        self.spares.insert(statement, (peer, certificate));
        Ok(())
    }

    pub fn next_us(&self) -> Option<u64> {
        self.quorums.values().map(|wanted| wanted.due_us).min()
    }

    /// Takes out what is due.
    fn take_due(&mut self, now_us: u64) -> Self {
        let later = self.quorums.iter().filter(|(_, wanted)| wanted.due_us > now_us);
        let later: BTreeMap<_, _> = later.map(|(statement, wanted)| (*statement, *wanted)).collect();
        let linger_us = self.linger_us;
        let spares = std::mem::take(&mut self.spares);
        let mut due = std::mem::replace(self, Self { quorums: later, spares, ..Self::new(linger_us) });
        due.quorums.retain(|statement, _| !self.quorums.contains_key(statement));
        due
    }

    pub fn each(&mut self, statements: Vec<Statement>) {
        for statement in statements {
            if !self.each.contains(&statement) {
                self.each.push(statement);
            }
        }
    }

    pub fn conflicts(&mut self, pairs: &[[SignedStatement; 2]]) {
        self.pairs.extend_from_slice(pairs);
    }

    fn is_empty(&self) -> bool {
        self.quorums.is_empty() && self.each.is_empty() && self.pairs.is_empty()
    }
}

impl Driver {
    /// The rules want a quorum's signatures checked.
    pub(super) fn want_quorum(&mut self, kind: CertificateKind, statement: Statement) {
        let view = statement.view();
        let leads_next = self.replica.me() == Some(self.verifier.committee().leader(view.next()));
        let has_voted = self.replica.views().get(&view).is_some_and(|state| state.own_notarized.is_some());
        let needed = leads_next || !has_voted || self.replica.doubts_leader_of(view.next());
        self.checks.quorum(statement, kind, needed, self.now.mono_us);
    }

    /// Runs checks until the rules want no more. Verdicts settle their slots, so this ends.
    pub(super) fn run_checks(&mut self) {
        loop {
            let due = self.checks.take_due(self.now.mono_us);
            if due.is_empty() {
                return;
            }
            let PendingChecks { quorums, each, pairs, .. } = due;
            for (statement, wanted) in quorums {
                self.check_quorum(statement, wanted.kind);
            }
            for statement in each {
                let Some(state) = self.replica.views().get(&statement.view()) else { continue };
                let open = state.tally.unverified(&statement);
                let verdicts = self.verifier.members(&statement, &open);
                self.settle(statement, verdicts);
            }
            for signed in pairs.into_iter().flatten() {
                let verdicts = self.verifier.members(&signed.statement, &[(signed.signer, signed.signature)]);
                self.settle(signed.statement, verdicts);
            }
        }
    }

    fn check_quorum(&mut self, statement: Statement, kind: CertificateKind) {
        let spare = self.checks.spares.remove(&statement);
        let Some(state) = self.replica.views().get(&statement.view()) else { return };
        let held = match kind {
            CertificateKind::Finalization => state.finalization.is_some(),
            CertificateKind::Nullification => state.nullification.is_some(),
            CertificateKind::Notarization => state.notarizations.contains_key(&statement.digest().unwrap_or_default()),
        };
        if held {
            return;
        }
        let signatures = state.tally.signatures(&statement);
        match self.verifier.gather(kind, &statement, &signatures) {
            Gathered::Certificate(certificate) => self.feed(Input::Certificate(certificate)),
            Gathered::Members(verdicts) => {
                self.settle(statement, verdicts);
                if let Some((peer, certificate)) = spare {
                    self.on_peer_certificate(peer, certificate);
                }
            }
        }
    }

    /// Statements come straight from their signers: a bad signature is its signer's doing.
    fn settle(&mut self, statement: Statement, verdicts: Vec<(ValidatorIndex, bool)>) {
        for (signer, good) in &verdicts {
            if !good {
                self.reject(signer.peer(), RejectReason::StatementSignature);
            }
        }
        self.feed(Input::Settled { statement, verdicts });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use minuet_core::bls::BlsSignature;
    use minuet_core::{B256, View};

    const VOTE: Statement = Statement::Notarize { view: View(7), digest: B256::ZERO };

    fn notarization() -> Certificate {
        let signers = [1, 2, 3].map(ValidatorIndex).into_iter();
        Certificate::from_aggregate(CertificateKind::Notarization, &VOTE, 6, signers, BlsSignature([1; 48]))
    }

    #[test]
    fn a_notarization_waits_for_the_finalization_and_longer_where_nothing_needs_it() {
        for (needed, due_us) in [(true, 1_010), (false, 8_010)] {
            let mut checks = PendingChecks::new(1_000);
            checks.quorum(VOTE, CertificateKind::Notarization, needed, 10);
            assert_eq!(checks.next_us(), Some(due_us));
            assert!(checks.take_due(due_us - 1).is_empty());
            checks.quorum(VOTE, CertificateKind::Finalization, needed, 20);
            assert_eq!(checks.take_due(20).quorums.len(), 1, "a finalization does not wait");
        }
    }

    #[test]
    fn a_peers_notarization_is_set_aside_while_the_own_check_waits_and_only_then() {
        let mut checks = PendingChecks::new(1_000);
        let peer = PeerId(2);
        assert!(checks.spare(peer, notarization(), 0).is_err(), "nothing waits");
        checks.quorum(VOTE, CertificateKind::Notarization, false, 0);
        assert!(checks.spare(peer, notarization(), 10).is_ok());
        let finalization = Certificate { kind: CertificateKind::Finalization, ..notarization() };
        assert!(checks.spare(peer, finalization, 10).is_err(), "it says more than the own check will");
        assert!(checks.take_due(10).is_empty());
        assert_eq!(checks.spares.len(), 1);
        assert!(checks.spare(peer, notarization(), 8_000).is_err(), "due");
    }
}
