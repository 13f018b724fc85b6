//! Thresholds as the rules use them: those of [`Quorums`], unless a variant of docs/protocol.md §6 breaks one.

use crate::mutation::{self, Mutation};
use minuet_core::ValidatorIndex;
use minuet_core::certificate::{Certificate, CertificateError, CertificateKind};
use minuet_core::committee::Quorums;

/// M: a notarization or a nullification.
#[must_use]
pub fn m(quorums: Quorums) -> usize {
    if mutation::is(Mutation::QuorumTwoF) {
        return (2 * quorums.f()).max(1);
    }
    quorums.m()
}

/// L: a finalization.
#[must_use]
pub fn l(quorums: Quorums) -> usize {
    if mutation::is(Mutation::FinalityOneLess) {
        return (quorums.l() - 1).max(1);
    }
    quorums.l()
}

/// R5: distinct others that contradict a vote.
#[must_use]
pub fn evidence(quorums: Quorums) -> usize {
    if mutation::is(Mutation::EvidenceAboveF) {
        return quorums.one_honest();
    }
    m(quorums)
}

/// Signers of a certificate of this kind.
#[must_use]
pub fn threshold(kind: CertificateKind, quorums: Quorums) -> usize {
    match kind {
        CertificateKind::Notarization | CertificateKind::Nullification => m(quorums),
        CertificateKind::Finalization => l(quorums),
    }
}

/// S-CERT without the signature: [`Certificate::check_shape`] under these thresholds.
///
/// # Errors
/// What is wrong with it.
pub fn check_shape(certificate: &Certificate, quorums: Quorums) -> Result<(), CertificateError> {
    let enough = |count: usize| count >= threshold(certificate.kind, quorums);
    match certificate.check_shape(quorums) {
        Err(CertificateError::BelowThreshold { count, .. }) if enough(count) => Ok(()),
        Err(CertificateError::Bitmap { bytes, n })
            if mutation::is(Mutation::DuplicateSigners)
                && bytes == n.div_ceil(8)
                && enough(certificate.signers.count()) =>
        {
            Ok(())
        }
        outcome => outcome,
    }
}

/// The signers that a certificate's bitmap names. Of one that passed [`Certificate::check_shape`]: its bits.
pub fn named_signers(certificate: &Certificate, n: usize) -> impl Iterator<Item = ValidatorIndex> {
    let wrapped = move |bit: ValidatorIndex| ValidatorIndex(u16::try_from(bit.as_usize() % n).unwrap_or(bit.0));
    certificate.signers.iter().map(wrapped)
}
