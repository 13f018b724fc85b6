//! Signature checks wait until everything that has arrived was taken in, so that one check serves all of it.

use super::Driver;
use crate::input::Input;
use crate::verify::Gathered;
use minuet_core::certificate::CertificateKind;
use minuet_core::statement::{SignedStatement, Statement};
use std::collections::BTreeMap;

/// What the rules want checked.
#[derive(Default)]
pub(super) struct PendingChecks {
    quorums: BTreeMap<Statement, CertificateKind>,
    each: Vec<Statement>,
    pairs: Vec<[SignedStatement; 2]>,
}

impl PendingChecks {
    /// A finalization's check serves for the notarization too.
    pub fn quorum(&mut self, statement: Statement, kind: CertificateKind) {
        let wanted = self.quorums.entry(statement).or_insert(kind);
        if kind == CertificateKind::Finalization {
            *wanted = kind;
        }
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
        while !self.checks.is_empty() {
            let PendingChecks { quorums, each, pairs } = std::mem::take(&mut self.checks);
            for (statement, kind) in quorums {
                self.check_quorum(statement, kind);
            }
            for statement in each {
                let Some(state) = self.replica.views().get(&statement.view()) else { continue };
                let open = state.tally.unverified(&statement);
                let verdicts = self.verifier.members(&statement, &open);
                self.feed(Input::Settled { statement, verdicts });
            }
            for signed in pairs.into_iter().flatten() {
                let verdicts = self.verifier.members(&signed.statement, &[(signed.signer, signed.signature)]);
                self.feed(Input::Settled { statement: signed.statement, verdicts });
            }
        }
    }

    fn check_quorum(&mut self, statement: Statement, kind: CertificateKind) {
        let Some(state) = self.replica.views().get(&statement.view()) else { return };
        let held = match kind {
            CertificateKind::Finalization => state.finalization.is_some(),
            CertificateKind::Nullification => state.nullification.is_some(),
            CertificateKind::Notarization => {
                state.notarizations.contains_key(&statement.digest().unwrap_or_default())
            }
        };
        if held {
            return;
        }
        let signatures = state.tally.signatures(&statement);
        match self.verifier.gather(kind, &statement, &signatures) {
            Gathered::Certificate(certificate) => self.feed(Input::Certificate(certificate)),
            Gathered::Members(verdicts) => {
                for (signer, good) in &verdicts {
                    if !good {
                        self.reject(signer.peer(), minuet_core::wire::Offence::BadSignature, "statement");
                    }
                }
                self.feed(Input::Settled { statement, verdicts });
            }
        }
    }
}
