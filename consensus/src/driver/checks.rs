//! Signature checks wait until everything that has arrived was taken in, so that one check serves all of it.

use super::Driver;
use crate::input::Input;
use crate::verify::Gathered;
use minuet_core::ValidatorIndex;
use minuet_core::certificate::CertificateKind;
use minuet_core::rejection::RejectReason;
use minuet_core::statement::{SignedStatement, Statement};
use std::collections::BTreeMap;

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

    /// A finalization's check serves for the notarization too.
    pub fn quorum(&mut self, statement: Statement, kind: CertificateKind, now_us: u64) {
        let waits = kind == CertificateKind::Notarization;
        let due_us = if waits { now_us.saturating_add(self.linger_us) } else { now_us };
        let wanted = self.quorums.entry(statement).or_insert(Wanted { kind, due_us });
        if !waits {
            *wanted = Wanted { kind, due_us };
        }
    }

    pub fn next_us(&self) -> Option<u64> {
        self.quorums.values().map(|wanted| wanted.due_us).min()
    }

    /// Takes out what is due.
    fn take_due(&mut self, now_us: u64) -> Self {
        let later = self.quorums.iter().filter(|(_, wanted)| wanted.due_us > now_us);
        let later: BTreeMap<_, _> = later.map(|(statement, wanted)| (*statement, *wanted)).collect();
        let linger_us = self.linger_us;
        let mut due = std::mem::replace(self, Self { quorums: later, ..Self::new(linger_us) });
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
            Gathered::Members(verdicts) => self.settle(statement, verdicts),
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
