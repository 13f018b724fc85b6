//! The only place where bytes from a peer become [`Authenticated`] or [`Verified`] (docs/protocol.md §5).

use crate::quorum;
use minuet_core::bls::{self, BlsPublicKey, BlsSignature};
use minuet_core::certificate::{Certificate, CertificateError, CertificateKind};
use minuet_core::committee::Committee;
use minuet_core::statement::{SignedStatement, SigningContext, Statement};
use minuet_core::{PeerId, ValidatorIndex};
use std::sync::Arc;

/// Straight from its signer over the connection bound to that validator's key; the signature is not checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticated<T>(T);

/// The signature is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> Authenticated<T> {
    /// The value.
    pub const fn get(&self) -> &T {
        &self.0
    }
    /// The value itself.
    pub fn into_inner(self) -> T {
        self.0
    }
    /// A message whose signer is the peer that sent it; `None` for a relayed one.
    pub fn from_peer(value: T, signer: ValidatorIndex, peer: PeerId) -> Option<Self> {
        (signer.peer() == peer).then_some(Self(value))
    }
}

impl<T> Verified<T> {
    /// The value.
    pub const fn get(&self) -> &T {
        &self.0
    }
    /// The value itself.
    pub fn into_inner(self) -> T {
        self.0
    }
    /// A value that needs no check: made by this validator itself, read from its own journal, or part of a test.
    pub const fn own(value: T) -> Self {
        Self(value)
    }
}

/// What signatures are checked against.
#[derive(Clone, Debug)]
pub struct Verifier {
    committee: Arc<Committee>,
    context: SigningContext,
}

/// The outcome of gathering statements into a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gathered {
    /// They make a certificate.
    Certificate(Verified<Certificate>),
    /// Some are wrong: the verdict on each signer.
    Members(Vec<(ValidatorIndex, bool)>),
}

impl Verifier {
    /// Checks against this committee on this chain.
    #[must_use]
    pub const fn new(committee: Arc<Committee>, context: SigningContext) -> Self {
        Self { committee, context }
    }

    /// The committee.
    #[must_use]
    pub const fn committee(&self) -> &Arc<Committee> {
        &self.committee
    }

    /// The chain and epoch.
    #[must_use]
    pub const fn context(&self) -> &SigningContext {
        &self.context
    }

    /// S-CERT: the whole check of a certificate.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn certificate(&self, certificate: Certificate) -> Result<Verified<Certificate>, CertificateError> {
        if self.is_wrongly_enough(&certificate) {
            return Ok(Verified(certificate));
        }
        certificate.verify(&self.committee, &self.context)?;
        Ok(Verified(certificate))
    }

    /// Whether only a rule-breaking variant takes these signers for a quorum; their signatures are genuine.
    fn is_wrongly_enough(&self, certificate: &Certificate) -> bool {
        let quorums = self.committee.quorums();
        if certificate.check_shape(quorums).is_ok() || quorum::check_shape(certificate, quorums).is_err() {
            return false;
        }
        let signers = quorum::named_signers(certificate, quorums.n());
        let keys: Vec<_> = signers.filter_map(|signer| Some(&self.committee.get(signer)?.bls_key)).collect();
        let message = certificate.statement().message(&self.context);
        bls::verify_aggregate(&keys, message.as_slice(), &certificate.signature).is_ok()
    }

    /// One statement alone.
    #[must_use]
    pub fn statement(&self, signed: SignedStatement) -> Option<Verified<SignedStatement>> {
        let validator = self.committee.get(signed.signer)?;
        signed.verify(&validator.bls_key, &self.context).ok()?;
        Some(Verified(signed))
    }

    /// Joins statements and checks them as one aggregate; where that fails, each gets its own verdict.
    #[must_use]
    pub fn gather(
        &self,
        kind: CertificateKind,
        statement: &Statement,
        signatures: &[(ValidatorIndex, BlsSignature)],
    ) -> Gathered {
        let message = statement.message(&self.context);
        let items = self.items(signatures);
        let pairs: Vec<_> = items.iter().map(|(_, key, signature)| (*key, *signature)).collect();
        if let Ok(aggregate) = bls::aggregate_and_verify(&pairs, message.as_slice()) {
            let signers = items.iter().map(|(signer, ..)| *signer);
            let joined = Certificate::from_aggregate(kind, statement, self.committee.n(), signers, aggregate);
            if quorum::check_shape(&joined, self.committee.quorums()).is_ok() {
                return Gathered::Certificate(Verified(joined));
            }
        }
        Gathered::Members(self.members(statement, signatures))
    }

    /// The verdict on each signature alone (safe against offsets that cancel out).
    #[must_use]
    pub fn members(
        &self,
        statement: &Statement,
        signatures: &[(ValidatorIndex, BlsSignature)],
    ) -> Vec<(ValidatorIndex, bool)> {
        let message = statement.message(&self.context);
        let known = self.items(signatures);
        let items: Vec<_> = known.iter().map(|(_, key, signature)| (*key, *signature)).collect();
        let verdicts = bls::verify_each(&items, message.as_slice());
        known.iter().map(|(signer, ..)| *signer).zip(verdicts).collect()
    }

    /// Each known signer once, with its key.
    fn items(
        &self,
        signatures: &[(ValidatorIndex, BlsSignature)],
    ) -> Vec<(ValidatorIndex, &BlsPublicKey, BlsSignature)> {
        let mut seen = std::collections::BTreeSet::new();
        let distinct = signatures.iter().filter(|(signer, _)| seen.insert(*signer));
        distinct
            .filter_map(|(signer, signature)| Some((*signer, &self.committee.get(*signer)?.bls_key, *signature)))
            .collect()
    }
}
