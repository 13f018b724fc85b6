//! Signature checks wait until everything that has arrived was taken in, so that one check serves all of it.

use super::Driver;
use crate::input::Input;
use crate::verify::Gathered;
use minuet_core::certificate::CertificateKind;
use minuet_core::rejection::RejectReason;
use minuet_core::statement::{SignedStatement, Statement};
use minuet_core::{ValidatorIndex, View};
use std::collections::BTreeMap;
use std::mem::{replace, take};

/// Longer than this no notarization waits for its finalization, and where finalizations are later than half of it none waits
/// for them on purpose: on a wide area the next block must not.
const MAX_WAIT_US: u64 = 16_000;
/// A gap counts by one in so many.
const GAP_SHARE: u64 = 8;

/// How long a notarization's check waits for the votes that would make it a finalization, in microseconds: one check then
/// serves for both, at every validator, and no notarization has to go around. Only the next view waits for it.
#[derive(Clone, Copy, Default)]
struct Linger {
    /// At least; 0 switches all waiting off.
    base_us: u64,
    /// From M votes to L of them, smoothed.
    gap_us: u64,
}

impl Linger {
    fn sample(&mut self, gap_us: u64) {
        self.gap_us = (self.gap_us * (GAP_SHARE - 1) + gap_us.min(MAX_WAIT_US)) / GAP_SHARE;
    }

    const fn us(self) -> u64 {
        let twice_us = 2 * self.gap_us;
        if self.base_us == 0 || twice_us <= self.base_us || twice_us > MAX_WAIT_US { self.base_us } else { twice_us }
    }
}

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
    /// When M votes were here, for those that have not become L yet.
    since_us: BTreeMap<Statement, u64>,
    linger: Linger,
    each: Vec<Statement>,
    pairs: Vec<[SignedStatement; 2]>,
}

impl PendingChecks {
    pub fn new(linger_us: u64) -> Self {
        // Far from each other until it was seen that they are not.
        Self { linger: Linger { base_us: linger_us, gap_us: MAX_WAIT_US }, ..Self::default() }
    }

    /// As where all votes have come at once for long.
    #[cfg(test)]
    pub fn near(linger_us: u64) -> Self {
        Self { linger: Linger { base_us: linger_us, gap_us: 0 }, ..Self::default() }
    }

    /// A finalization's check serves for the notarization too.
    pub fn quorum(&mut self, statement: Statement, kind: CertificateKind, now_us: u64) {
        match kind {
            CertificateKind::Notarization => {
                self.give_up_waiting(now_us);
                self.since_us.entry(statement).or_insert(now_us);
                let due_us = now_us.saturating_add(self.linger.us());
                self.quorums.entry(statement).or_insert(Wanted { kind, due_us });
            }
            CertificateKind::Finalization | CertificateKind::Nullification => {
                if let Some(since_us) = self.since_us.remove(&statement) {
                    self.linger.sample(now_us.saturating_sub(since_us));
                }
                self.quorums.insert(statement, Wanted { kind, due_us: now_us });
            }
        }
    }

    /// Of votes that are too late to wait for, or never come, only that is known.
    fn give_up_waiting(&mut self, now_us: u64) {
        let count = self.since_us.len();
        self.since_us.retain(|_, since_us| now_us.saturating_sub(*since_us) <= MAX_WAIT_US);
        (self.since_us.len()..count).for_each(|_| self.linger.sample(MAX_WAIT_US));
    }

    /// Whether all votes come so close together that waiting for them costs little.
    pub const fn is_near(&self) -> bool {
        self.linger.base_us > 0 && 2 * self.linger.gap_us <= MAX_WAIT_US
    }

    /// Views that are final need nothing more.
    pub fn forget_through(&mut self, view: View) {
        self.since_us.retain(|statement, _| statement.view() > view);
    }

    pub fn next_us(&self) -> Option<u64> {
        self.quorums.values().map(|wanted| wanted.due_us).min()
    }

    /// Takes out what is due.
    fn take_due(&mut self, now_us: u64) -> Self {
        let later = self.quorums.iter().filter(|(_, wanted)| wanted.due_us > now_us);
        let later: BTreeMap<_, _> = later.map(|(statement, wanted)| (*statement, *wanted)).collect();
        let (since_us, linger) = (take(&mut self.since_us), self.linger);
        let mut due = replace(self, Self { quorums: later, since_us, linger, ..Self::default() });
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

#[cfg(test)]
mod tests {
    use super::*;
    use minuet_core::B256;

    const VOTE: Statement = Statement::Notarize { view: View(7), digest: B256::ZERO };

    fn waits_us(checks: &mut PendingChecks, now_us: u64) -> u64 {
        checks.quorum(VOTE, CertificateKind::Notarization, now_us);
        let due_us = checks.next_us().unwrap();
        assert!(due_us == now_us || checks.take_due(due_us - 1).is_empty());
        due_us - now_us
    }

    #[test]
    fn a_notarization_waits_twice_as_long_as_finalizations_take_unless_they_take_long() {
        for (gap_us, waited_us) in [(0, 1_000), (400, 1_000), (2_000, 4_000), (7_000, 14_000), (30_000, 1_000)] {
            let mut checks = PendingChecks::new(1_000);
            let mut now_us = 10;
            assert_eq!(waits_us(&mut checks, now_us), 1_000);
            for _ in 0..100 {
                now_us += gap_us;
                checks.quorum(VOTE, CertificateKind::Finalization, now_us);
                assert_eq!(checks.take_due(now_us).quorums.len(), 1, "a finalization does not wait");
                _ = waits_us(&mut checks, now_us);
            }
            let waits_us = checks.linger.us();
            assert!(waits_us.abs_diff(waited_us) < 40, "after gaps of {gap_us}: {waits_us}");
        }
    }

    #[test]
    fn validators_are_far_from_each_other_until_finalizations_follow_and_again_once_they_do_not() {
        let vote = |view| Statement::Notarize { view: View(view), digest: B256::ZERO };
        let mut checks = PendingChecks::new(1_000);
        let mut now_us = 0;
        for view in 0..20 {
            assert_eq!(checks.is_near(), view > 5, "after {view} finalizations");
            checks.quorum(vote(view), CertificateKind::Notarization, now_us);
            checks.quorum(vote(view), CertificateKind::Finalization, now_us);
            now_us += 100_000;
        }
        for view in 20..40 {
            checks.quorum(vote(view), CertificateKind::Notarization, now_us);
            now_us += 100_000;
            assert_eq!(checks.since_us.len(), 1, "who waits for ever is forgotten");
        }
        assert!(!checks.is_near());
    }

    #[test]
    fn without_a_linger_nothing_waits_and_what_is_final_is_forgotten() {
        let mut checks = PendingChecks::new(0);
        assert_eq!(waits_us(&mut checks, 10), 0);
        checks.quorum(VOTE, CertificateKind::Finalization, 4_000);
        assert_eq!(checks.take_due(4_000).quorums.len(), 1);
        assert_eq!(waits_us(&mut checks, 5_000), 0);
        checks.forget_through(View(6));
        assert_eq!(checks.since_us.len(), 1);
        checks.forget_through(View(7));
        assert!(checks.since_us.is_empty());
    }
}
