//! What a replica knows and has said of one view.

use crate::tally::Tally;
use minuet_core::Digest;
use minuet_core::certificate::{Certificate, CertificateKind};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One view above the final one.
#[derive(Clone, Debug)]
pub struct ViewState {
    /// Everybody's statements.
    pub tally: Tally,
    /// Every distinct notarization, not only the first (L-MULTI).
    pub notarizations: BTreeMap<Digest, Arc<Certificate>>,
    /// The nullification.
    pub nullification: Option<Arc<Certificate>>,
    /// The finalization.
    pub finalization: Option<Arc<Certificate>>,
    /// The first proposal of the leader.
    pub proposal: Option<Digest>,
    /// The proposal can never be valid.
    pub proposal_refused: bool,
    /// What this validator proposed.
    pub own_proposed: Option<Digest>,
    /// What this validator voted for.
    pub own_notarized: Option<Digest>,
    /// Whether this validator nullified.
    pub own_nullified: bool,
    /// R14: nullified on entry.
    pub skipped: bool,
    /// A block was asked for.
    pub building: bool,
}

impl ViewState {
    /// Nothing known, of `n` validators.
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self {
            tally: Tally::new(n),
            notarizations: BTreeMap::new(),
            nullification: None,
            finalization: None,
            proposal: None,
            proposal_refused: false,
            own_proposed: None,
            own_notarized: None,
            own_nullified: false,
            skipped: false,
            building: false,
        }
    }

    /// Any proof of the view: by it the next one is entered.
    #[must_use]
    pub fn proof(&self) -> Option<&Arc<Certificate>> {
        self.finalization.as_ref().or_else(|| self.notarizations.values().next()).or(self.nullification.as_ref())
    }

    /// Whether some block of the view is notarized.
    #[must_use]
    pub fn has_notarization(&self) -> bool {
        !self.notarizations.is_empty()
    }

    /// Whether this certificate, or one that says as much, is held.
    #[must_use]
    pub fn holds(&self, certificate: &Certificate) -> bool {
        match certificate.kind {
            CertificateKind::Notarization => self.notarizations.contains_key(&certificate.digest),
            CertificateKind::Nullification => self.nullification.is_some(),
            CertificateKind::Finalization => self.finalization.is_some(),
        }
    }

    /// Whether this validator has said nothing about the view.
    #[must_use]
    pub const fn is_undecided(&self) -> bool {
        self.own_notarized.is_none() && !self.own_nullified
    }
}
