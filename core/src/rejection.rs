//! Why something that a peer sent is refused: one list, so that every refusal is counted by its reason and weighed alike.

use crate::status::Gauge;
use crate::wire::Offence;

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal, $offence:expr;)+) => {
        /// A reason. Those without an [`Offence`] can befall honest peers and are only counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum RejectReason {
            $($(#[doc = $doc])+ $name,)+
        }

        impl RejectReason {
            /// All reasons.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The stable word for metrics, the API and logs.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }

            /// What the sender did wrong, if that is provable.
            #[must_use]
            pub const fn offence(self) -> Option<Offence> {
                match self {
                    $(Self::$name => $offence,)+
                }
            }
        }
    };
}

reasons! {
    /// Bytes that do not decode.
    Malformed = "malformed", Some(Offence::Malformed);
    /// A statement whose signature is not its signer's.
    StatementSignature = "bad_statement_signature", Some(Offence::BadSignature);
    /// A certificate whose signature is not that of the signers it names, on this chain and in this epoch.
    BadCertificate = "bad_certificate", Some(Offence::BadCertificate);
    /// A certificate whose bitmap is not of exactly n bits, or names somebody unknown.
    CertificateBitmap = "certificate_bitmap", Some(Offence::BadCertificate);
    /// A certificate with too few signers for its kind.
    CertificateThreshold = "certificate_threshold", Some(Offence::BadCertificate);
    /// A statement of somebody else than its sender.
    ForeignStatement = "foreign_statement", Some(Offence::Invalid);
    /// A proposal by somebody who does not lead its view.
    ForeignProposal = "foreign_proposal", Some(Offence::Invalid);
    /// A proposal with proofs of something else than it builds on.
    ProposalProofs = "proposal_proofs", Some(Offence::Malformed);
    /// A block that can never be valid.
    InvalidProposal = "invalid_proposal", Some(Offence::Invalid);
    /// A body that is not the one its header commits to.
    WrongBody = "wrong_body", Some(Offence::Invalid);
    /// Blocks that are no chain on the final block.
    BadRange = "bad_range", Some(Offence::Invalid);
    /// About a view that is final or forgotten.
    Old = "old", None;
    /// About a view further ahead than anything is kept for.
    FarFuture = "far_future", None;
    /// An answer to nothing that was asked.
    Unrequested = "unrequested", Some(Offence::Unrequested);
    /// More requests than any honest node has.
    RequestFlood = "request_flood", Some(Offence::Flood);
    /// A request beyond the bytes that one peer is served per second.
    FetchBudget = "fetch_budget", None;
    /// From a peer that was found at fault a moment ago.
    Muted = "muted", None;
}

/// How often each reason applied since the node started.
#[derive(Debug, Default)]
pub struct Rejections {
    counts: [Gauge; RejectReason::ALL.len()],
}

impl Rejections {
    /// One more.
    pub fn count(&self, reason: RejectReason) {
        self.counts[reason as usize].add(1);
    }

    /// So many so far.
    #[must_use]
    pub fn of(&self, reason: RejectReason) -> u64 {
        self.counts[reason as usize].get()
    }

    /// Over all reasons.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(count.get()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_reason_has_a_word_and_a_count_of_its_own() {
        let words: BTreeSet<_> = RejectReason::ALL.iter().map(|reason| reason.word()).collect();
        assert_eq!(words.len(), RejectReason::ALL.len());
        let rejections = Rejections::default();
        for (times, reason) in RejectReason::ALL.iter().enumerate() {
            (0..times).for_each(|_| rejections.count(*reason));
        }
        for (times, reason) in RejectReason::ALL.iter().enumerate() {
            assert_eq!(rejections.of(*reason), times as u64, "{reason:?}");
        }
    }
}
