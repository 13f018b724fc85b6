//! The statements of one view: at most one notarize, one nullify and one piece of equivocation evidence per validator
//! (B-VOTES). Slots are fixed at the committee's size; nothing else is allocated for what is not verified (B-FUTURE).

use minuet_core::scheme::StatementSignature;
use minuet_core::statement::{SignedStatement, Statement};
use minuet_core::{Digest, ValidatorIndex, View};
use std::collections::BTreeMap;

/// One validator's statement of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot {
    /// What it votes for; zero in nullify slots.
    pub digest: Digest,
    /// As received.
    pub signature: StatementSignature,
    /// Whether the signature was checked alone (not merely as part of an aggregate).
    pub verified: bool,
}

/// What adding a statement did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It fills its signer's slot, or is now known to be genuine.
    Yes,
    /// It was there.
    Known,
    /// The signer's slot holds another digest: two different votes of one key, one of them perhaps forged.
    Conflict,
}

/// All statements of one view.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tally {
    notarize: Vec<Option<Slot>>,
    nullify: Vec<Option<Slot>>,
    /// The second, different notarize of a signer: evidence once both are verified.
    conflicts: BTreeMap<ValidatorIndex, Slot>,
}

impl Tally {
    /// No statements yet, of `n` validators.
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { notarize: vec![None; n], nullify: vec![None; n], conflicts: BTreeMap::new() }
    }

    fn slots(&self, statement: &Statement) -> &[Option<Slot>] {
        match statement {
            Statement::Notarize { .. } => &self.notarize,
            Statement::Nullify { .. } => &self.nullify,
        }
    }

    /// Puts a statement into its signer's slot. Signers outside the committee are the caller's to refuse.
    pub fn add(&mut self, signed: &SignedStatement, verified: bool) -> Added {
        let digest = signed.statement.digest().unwrap_or_default();
        let new = Slot { digest, signature: signed.signature, verified };
        let slots = match signed.statement {
            Statement::Notarize { .. } => &mut self.notarize,
            Statement::Nullify { .. } => &mut self.nullify,
        };
        let Some(slot) = slots.get_mut(signed.signer.as_usize()) else { return Added::Known };
        match slot {
            None => {
                *slot = Some(new);
                Added::Yes
            }
            Some(old) if old.digest == digest => {
                if verified && !old.verified {
                    *old = new;
                    return Added::Yes;
                }
                Added::Known
            }
            Some(_) => {
                let second = self.conflicts.entry(signed.signer).or_insert(new);
                if verified && !second.verified {
                    *second = new;
                }
                Added::Conflict
            }
        }
    }

    /// All signatures under a statement, checked or not.
    #[must_use]
    pub fn signatures(&self, statement: &Statement) -> Vec<(ValidatorIndex, StatementSignature)> {
        self.matching(statement).map(|(signer, slot)| (signer, slot.signature)).collect()
    }

    /// Signatures under a statement that are not checked alone yet.
    #[must_use]
    pub fn unverified(&self, statement: &Statement) -> Vec<(ValidatorIndex, StatementSignature)> {
        let open = self.matching(statement).filter(|(_, slot)| !slot.verified);
        open.map(|(signer, slot)| (signer, slot.signature)).collect()
    }

    fn matching<'a>(&'a self, statement: &'a Statement) -> impl Iterator<Item = (ValidatorIndex, &'a Slot)> {
        let digest = statement.digest().unwrap_or_default();
        let slots = (0u16..).map(ValidatorIndex).zip(self.slots(statement));
        slots.filter_map(move |(signer, slot)| {
            slot.as_ref().filter(|slot| slot.digest == digest).map(|slot| (signer, slot))
        })
    }

    /// Who has made a statement.
    pub fn signers<'a>(&'a self, statement: &'a Statement) -> impl Iterator<Item = ValidatorIndex> {
        self.matching(statement).map(|(signer, _)| signer)
    }

    /// Distinct signers of a statement.
    #[must_use]
    pub fn count(&self, statement: &Statement) -> usize {
        self.matching(statement).count()
    }

    /// The digest that a validator's notarize slot holds.
    #[must_use]
    pub fn vote_of(&self, signer: ValidatorIndex) -> Option<Digest> {
        self.notarize.get(signer.as_usize())?.as_ref().map(|slot| slot.digest)
    }

    /// Distinct digests voted for, with their number of signers.
    #[must_use]
    pub fn digests(&self) -> BTreeMap<Digest, usize> {
        let mut counts = BTreeMap::new();
        for slot in self.notarize.iter().flatten() {
            *counts.entry(slot.digest).or_insert(0) += 1;
        }
        counts
    }

    /// Validators that nullified, or voted for something else than `own` (R5); `only_verified` leaves out the rest.
    pub fn contradicting(&self, own: Digest, only_verified: bool) -> impl Iterator<Item = ValidatorIndex> {
        let counts = move |slot: &Slot| slot.verified || !only_verified;
        (0u16..).map(ValidatorIndex).take(self.notarize.len()).filter(move |signer| {
            let place = signer.as_usize();
            let nullified = self.nullify[place].as_ref().is_some_and(counts);
            let other = self.notarize[place].as_ref().is_some_and(|slot| counts(slot) && slot.digest != own);
            let second = self.conflicts.get(signer).is_some_and(|slot| counts(slot) && slot.digest != own);
            nullified || other || second
        })
    }

    /// The same, message by message: what [`crate::mutation::Mutation::EvidenceByMessages`] counts.
    pub(crate) fn contradicting_messages(&self, own: Digest, only_verified: bool) -> usize {
        let counts = |slot: &&Slot| slot.verified || !only_verified;
        let other = |slot: &&Slot| slot.digest != own;
        let votes = self.notarize.iter().flatten().chain(self.conflicts.values());
        self.nullify.iter().flatten().filter(counts).count() + votes.filter(counts).filter(other).count()
    }

    /// Takes the verdict on one signature under a statement: a wrong one leaves its slot.
    pub fn settle(&mut self, statement: &Statement, signer: ValidatorIndex, good: bool) {
        let digest = statement.digest().unwrap_or_default();
        let conflict = self.conflicts.get(&signer).copied();
        let slots = match statement {
            Statement::Notarize { .. } => &mut self.notarize,
            Statement::Nullify { .. } => &mut self.nullify,
        };
        let Some(slot) = slots.get_mut(signer.as_usize()) else { return };
        match slot {
            Some(held) if held.digest == digest && good => held.verified = true,
            Some(held) if held.digest == digest && !held.verified => {
                *slot = None;
                if let (Statement::Notarize { .. }, Some(second)) = (statement, conflict) {
                    *slot = Some(second);
                    self.conflicts.remove(&signer);
                }
            }
            _ => match (self.conflicts.get_mut(&signer), good) {
                (Some(second), true) if second.digest == digest => second.verified = true,
                (Some(second), false) if second.digest == digest && !second.verified => {
                    self.conflicts.remove(&signer);
                }
                _ => {}
            },
        }
    }

    /// Signers with two different votes whose signatures are not both checked yet, with both statements.
    #[must_use]
    pub fn unsettled_conflicts(&self, view: View) -> Vec<[SignedStatement; 2]> {
        self.pairs(view, |first, second| !(first.verified && second.verified))
    }

    /// Proven equivocations: two different votes of one key, both verified.
    #[must_use]
    pub fn equivocations(&self, view: View) -> Vec<[SignedStatement; 2]> {
        self.pairs(view, |first, second| first.verified && second.verified)
    }

    fn pairs(&self, view: View, wanted: impl Fn(&Slot, &Slot) -> bool) -> Vec<[SignedStatement; 2]> {
        let sign = |signer, slot: &Slot| SignedStatement {
            statement: Statement::Notarize { view, digest: slot.digest },
            signer,
            signature: slot.signature,
        };
        let pairs = self.conflicts.iter().filter_map(|(signer, second)| {
            let first = self.notarize.get(signer.as_usize())?.as_ref()?;
            wanted(first, second).then(|| [sign(*signer, first), sign(*signer, second)])
        });
        pairs.collect()
    }

    /// Nullify statements and statements for other digests than `own` whose signatures are not checked (R5).
    #[must_use]
    pub fn unverified_contradictions(&self, view: View, own: Digest) -> Vec<Statement> {
        let mut statements: Vec<Statement> = self
            .digests()
            .into_keys()
            .filter(|d| *d != own)
            .map(|digest| Statement::Notarize { view, digest })
            .collect();
        statements.push(Statement::Nullify { view });
        statements.retain(|statement| !self.unverified(statement).is_empty());
        statements
    }
}

#[cfg(test)]
mod tests;
