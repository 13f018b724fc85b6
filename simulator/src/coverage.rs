//! Which rules a run has seen at work. A check of a rule that never acted proves nothing.

use std::collections::BTreeMap;

/// An effect of a rule that an onlooker can see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// R1: an honest leader proposed.
    Proposed,
    /// R1: on a parent that is not of the view before: the gap was nullified.
    ProposedOverGap,
    /// R2.
    NotarizedByValidation,
    /// R3.
    NotarizedByCertificate,
    /// R4.
    NullifiedByTimeout,
    /// R5.
    NullifiedByContradiction,
    /// R6.
    Notarization,
    /// R7.
    Nullification,
    /// R7: a view has both.
    NotarizationAndNullification,
    /// R8.
    Finalization,
    /// R8: more than one block at once.
    FinalizedWithAncestors,
    /// R9: more than one view at once.
    Climbed,
    /// R9: a proof of a skipped view was asked for.
    AskedForProof,
    /// R10.
    SaidAgain,
    /// R11.
    AskedForBlock,
    /// R12.
    TooDeep,
    /// R13: Δ grew.
    BackedOff,
    /// R13: and came back to its base.
    BackAtBase,
    /// R14.
    Skipped,
    /// L-SYNC: final blocks were asked for in ranges.
    AskedForRange,
    /// D-OWN-SIG.
    OwnSignature,
    /// D-WIPED.
    Observer,
    /// D-FAIL-STOP.
    JournalFailed,
    /// D-FLOOR.
    FloorRaised,
    /// A validator came back with what it had said.
    Recovered,
    /// A key said two different things, and honest nodes met it.
    Equivocated,
    /// L-MULTI: two notarizations of one view.
    TwoNotarizations,
}

impl Effect {
    /// All of them.
    pub const ALL: [Self; 27] = [
        Self::Proposed,
        Self::ProposedOverGap,
        Self::NotarizedByValidation,
        Self::NotarizedByCertificate,
        Self::NullifiedByTimeout,
        Self::NullifiedByContradiction,
        Self::Notarization,
        Self::Nullification,
        Self::NotarizationAndNullification,
        Self::Finalization,
        Self::FinalizedWithAncestors,
        Self::Climbed,
        Self::AskedForProof,
        Self::SaidAgain,
        Self::AskedForBlock,
        Self::TooDeep,
        Self::BackedOff,
        Self::BackAtBase,
        Self::Skipped,
        Self::AskedForRange,
        Self::OwnSignature,
        Self::Observer,
        Self::JournalFailed,
        Self::FloorRaised,
        Self::Recovered,
        Self::Equivocated,
        Self::TwoNotarizations,
    ];

    /// The rule or invariant whose effect it is.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Proposed => "R1 proposed",
            Self::ProposedOverGap => "R1 over nullified views",
            Self::NotarizedByValidation => "R2",
            Self::NotarizedByCertificate => "R3",
            Self::NullifiedByTimeout => "R4",
            Self::NullifiedByContradiction => "R5",
            Self::Notarization => "R6",
            Self::Nullification => "R7",
            Self::NotarizationAndNullification => "R7 beside a notarization",
            Self::Finalization => "R8",
            Self::FinalizedWithAncestors => "R8 with ancestors",
            Self::Climbed => "R9 more than one view",
            Self::AskedForProof => "R9 asked for a proof",
            Self::SaidAgain => "R10",
            Self::AskedForBlock => "R11",
            Self::TooDeep => "R12",
            Self::BackedOff => "R13 grew",
            Self::BackAtBase => "R13 back at its base",
            Self::Skipped => "R14",
            Self::AskedForRange => "L-SYNC",
            Self::OwnSignature => "D-OWN-SIG",
            Self::Observer => "D-WIPED",
            Self::JournalFailed => "D-FAIL-STOP",
            Self::FloorRaised => "D-FLOOR",
            Self::Recovered => "D-ENTRY",
            Self::Equivocated => "equivocation met",
            Self::TwoNotarizations => "L-MULTI",
        }
    }
}

/// How often each effect was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage(BTreeMap<Effect, u64>);

impl Coverage {
    /// Once more.
    pub fn saw(&mut self, effect: Effect) {
        *self.0.entry(effect).or_insert(0) += 1;
    }

    /// So many times.
    #[must_use]
    pub fn count(&self, effect: Effect) -> u64 {
        self.0.get(&effect).copied().unwrap_or(0)
    }

    /// Adds another run's.
    pub fn add(&mut self, other: &Self) {
        for (effect, count) in &other.0 {
            *self.0.entry(*effect).or_insert(0) += count;
        }
    }

    /// What was never seen.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        Effect::ALL.into_iter().filter(|effect| self.count(*effect) == 0).map(Effect::rule).collect()
    }
}
