//! The rule-breaking variants, and what this search catches each with.

use crate::oracle::Check;
use crate::run::{Found, Limits, Summary, search};
use crate::world::Options;
use minuet_consensus::mutation::Mutation;

/// A variant with the search that finds it.
#[derive(Clone, Debug)]
pub struct Case {
    /// What is broken.
    pub mutation: Mutation,
    /// Where it is searched for.
    pub options: Options,
    /// What it must break, any of these: the fork itself for what can fork the chain in two views.
    pub breaks: Vec<Check>,
}

/// How each variant is caught.
#[must_use]
pub fn case(mutation: Mutation) -> Case {
    use Mutation as M;
    let forks = Check::FORKS.to_vec();
    let (leads, is_wide, breaks) = match mutation {
        M::QuorumTwoF
        | M::FinalityOneLess
        | M::EvidenceAboveF
        | M::EvidenceByMessages
        | M::NullifyCascades
        | M::TimeoutAfterVote
        | M::VoteAfterNullify
        | M::DuplicateSigners
        | M::CertificateVoteAfterNullify
        | M::ForgottenRecord => (1, false, forks),
        M::GapOffByOne | M::GapUnchecked => (2, false, forks),
        // Two blocks in the parent's view and a Byzantine leader after it: no fork with one such leader in two views.
        M::ParentNotNotarized => (2, false, vec![Check::Parent]),
        M::EntryProofNotDurable => (1, false, vec![Check::Entry]),
        M::OneNotarizationPerView => (1, false, vec![Check::Multi]),
        M::NoCertificateVote => (1, false, vec![Check::VoteOnCertificate]),
        M::NoRebroadcast => (1, true, vec![Check::Stuck]),
        M::NotYetIsInvalid => (2, true, vec![Check::RetryVerify]),
        M::UnboundedFuture => (1, true, vec![Check::Votes]),
        M::UnverifiedCounts => (1, true, vec![Check::Certificate]),
        // Not a variant of docs/protocol.md §6: it is for the simulator's twins.
        M::OwnSignatureUnseen => (1, true, Vec::new()),
    };
    let options = Options { wide: is_wide, ..Options::new(2, leads) };
    Case { mutation, options: options.broken(mutation), breaks }
}

impl Case {
    /// Searches until it is caught: the first of what it must break, and the summary.
    #[must_use]
    pub fn run(&self) -> (Option<Found>, Summary) {
        let summary = search(self.options.clone(), &Limits { until: self.breaks.clone(), ..Limits::default() });
        let caught = summary.found.iter().filter(|found| self.breaks.contains(&found.check));
        (caught.min_by_key(|found| found.steps).cloned(), summary)
    }

    /// A row of the table in docs/testing.md.
    #[must_use]
    pub fn row(&self, caught: Option<&Found>, summary: &Summary) -> String {
        let (mutation, seconds) = (self.mutation, summary.took.as_secs_f64());
        let first = summary.found.iter().min_by_key(|found| found.steps);
        let tell =
            |found: Option<&Found>| found.map_or("–".to_owned(), |f| format!("{} ({})", f.check.name(), f.steps));
        format!(
            "| `{}` | {} | {} | {} | {} | {seconds:.2} |",
            mutation.name(),
            mutation.what(),
            tell(first),
            tell(caught),
            summary.states
        )
    }
}

/// The head of that table.
pub const TABLE_HEAD: &str = "\
| variant | what is wrong | first broken (steps) | caught with (steps) | states | s |
|---|---|---|---|---|---|";
