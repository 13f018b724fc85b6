//! The rule-breaking variants of docs/protocol.md §6: what the checks must be able to see. Each is one `if` in the rules.
//!
//! They exist in the package `minuet-mutants` alone, which compiles this crate once more with `cfg(minuet_mutations)`, and
//! which no shipped package may depend on. Everywhere else [`is`] is constantly false, and nothing can switch one on.

/// One broken rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mutation {
    /// S-QUORUM: M one too low.
    QuorumTwoF,
    /// S-QUORUM: L one too low.
    FinalityOneLess,
    /// R5 satisfied with less than M others.
    EvidenceAboveF,
    /// R5: what one validator said twice counts twice.
    EvidenceByMessages,
    /// S-NO-CASCADE broken.
    NullifyCascades,
    /// R4 also after a vote.
    TimeoutAfterVote,
    /// R2 also after a nullify.
    VoteAfterNullify,
    /// R2: the lowest view of the gap is not looked at.
    GapOffByOne,
    /// R2: the gap is not looked at.
    GapUnchecked,
    /// R2: the parent's notarization is not asked for.
    ParentNotNotarized,
    /// S-CERT: bits beyond n name the signers again, and count again.
    DuplicateSigners,
    /// R3 also after a nullify.
    CertificateVoteAfterNullify,
    /// A decision to nullify is not written down.
    ForgottenRecord,
    /// D-ENTRY: a nullify without its entry proof in the journal.
    EntryProofNotDurable,
    /// R10 absent.
    NoRebroadcast,
    /// L-MULTI: a view's second notarization is thrown away.
    OneNotarizationPerView,
    /// R3 absent.
    NoCertificateVote,
    /// L-RETRY-VERIFY: what is not here yet is held against the proposal for ever.
    NotYetIsInvalid,
    /// B-VOTES: no view is too far ahead.
    UnboundedFuture,
    /// S-CERT: M statements are believed before their signatures are checked.
    UnverifiedCounts,
    /// D-OWN-SIG is off. Not one of docs/protocol.md §6: with it, twins go on to say two things, and the rest must stand
    /// that.
    OwnSignatureUnseen,
}

#[cfg(not(minuet_mutations))]
mod switch {
    use super::Mutation;

    /// Whether this rule is broken: never.
    #[inline]
    #[must_use]
    pub const fn is(_: Mutation) -> bool {
        false
    }
}

#[cfg(minuet_mutations)]
mod switch {
    use super::Mutation;
    use std::cell::Cell;

    thread_local! {
        static ON: Cell<Option<Mutation>> = const { Cell::new(None) };
    }

    /// Whether this rule is broken on this thread now.
    #[must_use]
    pub fn is(mutation: Mutation) -> bool {
        ON.get() == Some(mutation)
    }

    /// A broken rule (or none) for as long as this lives, on this thread. What was before comes back.
    #[derive(Debug)]
    #[must_use = "the rule is whole again when this is dropped"]
    pub struct Broken {
        before: Option<Mutation>,
    }

    impl Broken {
        /// Breaks this rule, or none.
        pub fn new(mutation: Option<Mutation>) -> Self {
            Self { before: ON.replace(mutation) }
        }
    }

    impl Drop for Broken {
        fn drop(&mut self) {
            ON.set(self.before);
        }
    }

    /// Runs with a broken rule, or with none.
    pub fn with<T>(mutation: Option<Mutation>, run: impl FnOnce() -> T) -> T {
        let _broken = Broken::new(mutation);
        run()
    }

    impl Mutation {
        /// All, in the order of docs/protocol.md §6.
        pub const ALL: [Self; 20] = [
            Self::QuorumTwoF,
            Self::FinalityOneLess,
            Self::EvidenceAboveF,
            Self::EvidenceByMessages,
            Self::NullifyCascades,
            Self::TimeoutAfterVote,
            Self::VoteAfterNullify,
            Self::GapOffByOne,
            Self::GapUnchecked,
            Self::ParentNotNotarized,
            Self::DuplicateSigners,
            Self::CertificateVoteAfterNullify,
            Self::ForgottenRecord,
            Self::EntryProofNotDurable,
            Self::NoRebroadcast,
            Self::OneNotarizationPerView,
            Self::NoCertificateVote,
            Self::NotYetIsInvalid,
            Self::UnboundedFuture,
            Self::UnverifiedCounts,
        ];

        /// Its name in commands and tables.
        #[must_use]
        pub const fn name(self) -> &'static str {
            match self {
                Self::QuorumTwoF => "quorum-two-f",
                Self::FinalityOneLess => "finality-one-less",
                Self::EvidenceAboveF => "evidence-above-f",
                Self::EvidenceByMessages => "evidence-by-messages",
                Self::NullifyCascades => "nullify-cascades",
                Self::TimeoutAfterVote => "timeout-after-vote",
                Self::VoteAfterNullify => "vote-after-nullify",
                Self::GapOffByOne => "gap-off-by-one",
                Self::GapUnchecked => "gap-unchecked",
                Self::ParentNotNotarized => "parent-not-notarized",
                Self::DuplicateSigners => "duplicate-signers",
                Self::CertificateVoteAfterNullify => "certificate-vote-after-nullify",
                Self::ForgottenRecord => "forgotten-record",
                Self::EntryProofNotDurable => "entry-proof-not-durable",
                Self::NoRebroadcast => "no-rebroadcast",
                Self::OneNotarizationPerView => "one-notarization-per-view",
                Self::NoCertificateVote => "no-certificate-vote",
                Self::NotYetIsInvalid => "not-yet-is-invalid",
                Self::UnboundedFuture => "unbounded-future",
                Self::UnverifiedCounts => "unverified-counts",
                Self::OwnSignatureUnseen => "own-signature-unseen",
            }
        }

        /// The variant of this name.
        #[must_use]
        pub fn from_name(name: &str) -> Option<Self> {
            Self::ALL.into_iter().find(|mutation| mutation.name() == name)
        }

        /// What is wrong, in one line.
        #[must_use]
        pub const fn what(self) -> &'static str {
            match self {
                Self::QuorumTwoF => "M = 2f instead of 2f+1",
                Self::FinalityOneLess => "L = n-f-1 instead of n-f",
                Self::EvidenceAboveF => "f+1 contradicting validators are enough for R5 instead of 2f+1",
                Self::EvidenceByMessages => "R5 counts messages instead of validators",
                Self::NullifyCascades => "nullifies after a vote because an older view was nullified",
                Self::TimeoutAfterVote => "nullifies by time-out after a vote",
                Self::VoteAfterNullify => "votes by validation after a nullify",
                Self::GapOffByOne => "the lowest view between parent and block need not be nullified",
                Self::GapUnchecked => "no view between parent and block need be nullified",
                Self::ParentNotNotarized => "the parent need not be notarized",
                Self::DuplicateSigners => "a certificate may name a signer twice",
                Self::CertificateVoteAfterNullify => "R3 votes by certificate after a nullify",
                Self::ForgottenRecord => "a decision to nullify is not in the journal",
                Self::EntryProofNotDurable => "a nullify leaves before its view's entry proof is durable",
                Self::NoRebroadcast => "R10 absent: nothing is ever said again",
                Self::OneNotarizationPerView => "only the first notarization of a view is kept",
                Self::NoCertificateVote => "R3 absent: no vote by certificate",
                Self::NotYetIsInvalid => "a proposal that cannot be validated yet is refused for ever",
                Self::UnboundedFuture => "statements of views however far ahead are kept",
                Self::UnverifiedCounts => "unverified votes count for M",
                Self::OwnSignatureUnseen => "a signature of the own key that the journal does not hold stops nothing",
            }
        }
    }
}

pub use switch::*;
