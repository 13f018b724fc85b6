//! The only place where bytes from a peer become [`Authenticated`] or [`Verified`] (docs/protocol.md §5).

use crate::quorum;
use minuet_core::certificate::{Certificate, CertificateError, CertificateKind};
use minuet_core::committee::{Committee, Validator};
use minuet_core::scheme::{QuorumSignature, Signed, StatementScheme, StatementSignature};
use minuet_core::statement::{SignedStatement, SigningContext, Statement};
use minuet_core::{B256, PeerId, ValidatorIndex};
use std::fmt;
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

/// How signatures of statements are checked: by the committee's [`StatementScheme`] in a node. A simulation may have
/// something cheaper.
pub trait Scheme: fmt::Debug + Send + Sync {
    /// Joins distinct signers' signatures and checks them together; `None` if one of them is wrong.
    fn gather(&self, signed: &[Signed<'_>], message: &B256) -> Option<QuorumSignature>;
    /// Checks a quorum's signature of exactly these signers.
    fn verify_quorum(
        &self,
        signers: &[(ValidatorIndex, &Validator)],
        message: &B256,
        signature: &QuorumSignature,
    ) -> bool;
    /// The verdict on each signature alone, safe against offsets that cancel out.
    fn verify_each(&self, signed: &[Signed<'_>], message: &B256) -> Vec<bool>;
}

impl Scheme for StatementScheme {
    fn gather(&self, signed: &[Signed<'_>], message: &B256) -> Option<QuorumSignature> {
        Self::gather(*self, signed, message)
    }
    fn verify_quorum(
        &self,
        signers: &[(ValidatorIndex, &Validator)],
        message: &B256,
        signature: &QuorumSignature,
    ) -> bool {
        Self::verify_quorum(*self, signers, message, signature)
    }
    fn verify_each(&self, signed: &[Signed<'_>], message: &B256) -> Vec<bool> {
        Self::verify_each(*self, signed, message)
    }
}

/// What signatures are checked against.
#[derive(Clone, Debug)]
pub struct Verifier {
    committee: Arc<Committee>,
    context: SigningContext,
    scheme: Arc<dyn Scheme>,
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
    pub fn new(committee: Arc<Committee>, context: SigningContext) -> Self {
        let scheme = committee.scheme();
        Self::with_scheme(committee, context, Arc::new(scheme))
    }

    /// With another scheme than the committee's: for simulations.
    #[must_use]
    pub fn with_scheme(committee: Arc<Committee>, context: SigningContext, scheme: Arc<dyn Scheme>) -> Self {
        Self { committee, context, scheme }
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

    /// How signatures are checked.
    #[must_use]
    pub fn scheme(&self) -> &dyn Scheme {
        &*self.scheme
    }

    /// S-CERT: the whole check of a certificate.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn certificate(&self, certificate: Certificate) -> Result<Verified<Certificate>, CertificateError> {
        if self.is_wrongly_enough(&certificate) {
            return Ok(Verified(certificate));
        }
        certificate.verify_with(&self.committee, &self.context, |signers, message, signature| {
            self.scheme.verify_quorum(signers, message, signature)
        })?;
        Ok(Verified(certificate))
    }

    /// Whether only a rule-breaking variant takes these signers for a quorum; their signatures are genuine.
    fn is_wrongly_enough(&self, certificate: &Certificate) -> bool {
        let quorums = self.committee.quorums();
        if certificate.check_shape(quorums).is_ok() || quorum::check_shape(certificate, quorums).is_err() {
            return false;
        }
        let signers = quorum::named_signers(certificate, quorums.n());
        let keys: Vec<_> = signers.filter_map(|signer| Some((signer, self.committee.get(signer)?))).collect();
        let message = certificate.statement().message(&self.context);
        self.scheme.verify_quorum(&keys, &message, &certificate.signature)
    }

    /// One statement alone.
    #[must_use]
    pub fn statement(&self, signed: SignedStatement) -> Option<Verified<SignedStatement>> {
        let validator = self.committee.get(signed.signer)?;
        let item = (signed.signer, validator, signed.signature);
        let verdicts = self.scheme.verify_each(&[item], &signed.statement.message(&self.context));
        (verdicts == [true]).then_some(Verified(signed))
    }

    /// Joins statements and checks them together; where that fails, each gets its own verdict.
    #[must_use]
    pub fn gather(
        &self,
        kind: CertificateKind,
        statement: &Statement,
        signatures: &[(ValidatorIndex, StatementSignature)],
    ) -> Gathered {
        let message = statement.message(&self.context);
        let items = self.items(signatures);
        if let Some(signature) = self.scheme.gather(&items, &message) {
            let signers = items.iter().map(|(signer, ..)| *signer);
            let joined = Certificate::from_checked(kind, statement, self.committee.n(), signers, signature);
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
        signatures: &[(ValidatorIndex, StatementSignature)],
    ) -> Vec<(ValidatorIndex, bool)> {
        let message = statement.message(&self.context);
        let known = self.items(signatures);
        let verdicts = self.scheme.verify_each(&known, &message);
        known.iter().map(|(signer, ..)| *signer).zip(verdicts).collect()
    }

    /// Each known signer once, with its key.
    fn items(&self, signatures: &[(ValidatorIndex, StatementSignature)]) -> Vec<Signed<'_>> {
        let mut seen = std::collections::BTreeSet::new();
        let distinct = signatures.iter().filter(|(signer, _)| seen.insert(*signer));
        distinct.filter_map(|(signer, signature)| Some((*signer, self.committee.get(*signer)?, *signature))).collect()
    }
}
