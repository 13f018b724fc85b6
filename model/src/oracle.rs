//! What must never be seen: the named invariants of docs/protocol.md §4, with thresholds restated here and taken from
//! nowhere else. The oracle never asks production what a quorum is.

/// More signers than there are.
pub const NEVER: usize = usize::MAX;

/// Thresholds by the protocol's text, for `n` validators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// 2f+1.
    pub m: usize,
    /// n−f.
    pub l: usize,
}

impl Thresholds {
    /// f is the largest number of faults with n ≥ 5f+1.
    #[must_use]
    pub fn of(n: usize) -> Self {
        let f = (0..n).take_while(|f| n > 5 * (f + 1)).count();
        Self { m: f + f + 1, l: n - f }
    }
}

/// One invariant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// Two final blocks of which none descends from the other.
    Agree,
    /// A finalized view with another notarized block.
    OtherNotarization,
    /// A finalized view that is nullified.
    NullifiedFinal,
    /// A validator stopped because what it is told contradicts what is final.
    Halt,
    /// A proof with too few distinct signers was taken.
    Quorum,
    /// A proof with a signature that is not genuine was taken.
    Certificate,
    /// Two votes of one key in one view.
    OneVote,
    /// Two proposals of one key in one view.
    OneProposal,
    /// A vote in a view that the same key had nullified.
    VoteAfterNull,
    /// A nullify after a vote without R5's evidence.
    NullJustified,
    /// A vote for a block whose parent is not notarized or whose gap is not nullified.
    Parent,
    /// After a restart a view whose entry proof is nowhere, or an older view than the journal's.
    Entry,
    /// A notarization held without having had a say in its view.
    VoteOnCertificate,
    /// A notarization of a view above the final one that was thrown away.
    Multi,
    /// A proposal for which everything is here, without a vote.
    RetryVerify,
    /// A view that lasts too long without anything being said again.
    Stuck,
    /// Something kept of a view too far ahead.
    Votes,
    /// An assertion in the rules failed.
    Asserted,
}

impl Check {
    /// All, worst first.
    pub const ALL: [Self; 18] = [
        Self::Agree,
        Self::OtherNotarization,
        Self::NullifiedFinal,
        Self::Halt,
        Self::Quorum,
        Self::Certificate,
        Self::OneVote,
        Self::OneProposal,
        Self::VoteAfterNull,
        Self::NullJustified,
        Self::Parent,
        Self::Entry,
        Self::VoteOnCertificate,
        Self::Multi,
        Self::RetryVerify,
        Self::Stuck,
        Self::Votes,
        Self::Asserted,
    ];

    /// Those with which the chain forks, or is free to.
    pub const FORKS: [Self; 3] = [Self::Agree, Self::OtherNotarization, Self::NullifiedFinal];

    /// Its name in docs/protocol.md.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Agree => "S-AGREE",
            Self::OtherNotarization => "S-X1",
            Self::NullifiedFinal => "S-X2",
            Self::Halt => "S-HALT",
            Self::Quorum => "S-QUORUM",
            Self::Certificate => "S-CERT",
            Self::OneVote => "S-ONE-VOTE",
            Self::OneProposal => "S-ONE-PROPOSAL",
            Self::VoteAfterNull => "S-NO-VOTE-AFTER-NULL",
            Self::NullJustified => "S-NULL-JUSTIFIED",
            Self::Parent => "S-PARENT",
            Self::Entry => "D-ENTRY",
            Self::VoteOnCertificate => "L-VOTE-ON-CERT",
            Self::Multi => "L-MULTI",
            Self::RetryVerify => "L-RETRY-VERIFY",
            Self::Stuck => "L-STUCK",
            Self::Votes => "B-VOTES",
            Self::Asserted => "asserted by the rules",
        }
    }

    /// Its bit in [`crate::network::Network::broken`].
    #[must_use]
    pub const fn bit(self) -> u32 {
        1 << self as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_those_of_the_protocol() {
        for (n, m, l) in
            [(1, 1, 1), (5, 1, 5), (6, 3, 5), (7, 3, 6), (10, 3, 9), (11, 5, 9), (16, 7, 13), (101, 41, 81)]
        {
            assert_eq!(Thresholds::of(n), Thresholds { m, l }, "n = {n}");
        }
    }
}
