//! Proof of misbehaviour that anybody can check: the contradicting signatures themselves.
//!
//! Evidence is made from verified signatures only. Who is at fault: the signer of an equivocation; more than f validators
//! behind two conflicting finalizations; the holder of a doubled key behind an own signature.

use crate::certificate::{Certificate, MAX_CERTIFICATE_BYTES};
use crate::codec::{self, CodecError};
use crate::statement::SignedStatement;
use crate::{ValidatorIndex, View};
use alloy_rlp::{RlpDecodable, RlpEncodable};

/// The format that this program writes.
pub const EVIDENCE_VERSION: u8 = 1;
/// The longest encoded piece of evidence, in bytes.
pub const MAX_EVIDENCE_BYTES: usize = 2 * MAX_CERTIFICATE_BYTES + 64;
/// Bytes of [`Evidence::key`].
pub const KEY_BYTES: usize = 11;

const WHAT: &str = "evidence";

/// One proven contradiction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// Two different votes of one key in one view.
    Equivocation([SignedStatement; 2]),
    /// R8: a finalization that does not extend what is final here.
    ConflictingFinalization {
        /// The newest finalization here; `None` if only genesis was final.
        finalized: Option<Certificate>,
        /// The one that contradicts it.
        certificate: Certificate,
    },
    /// D-OWN-SIG: a signature of the own key that the own journal does not hold.
    OwnSignature {
        /// Whose key.
        validator: ValidatorIndex,
        /// The certificate in which it stands.
        certificate: Certificate,
    },
}

#[derive(RlpEncodable, RlpDecodable)]
struct Fields {
    version: u8,
    kind: u8,
    validator: ValidatorIndex,
    statements: Vec<SignedStatement>,
    certificates: Vec<Certificate>,
}

impl Evidence {
    /// The stable word of its kind.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Equivocation(_) => "equivocation",
            Self::ConflictingFinalization { .. } => "conflicting_finalization",
            Self::OwnSignature { .. } => "own_signature",
        }
    }

    /// The view of the contradiction.
    #[must_use]
    pub const fn view(&self) -> View {
        match self {
            Self::Equivocation([first, _]) => first.statement.view(),
            Self::ConflictingFinalization { certificate, .. } | Self::OwnSignature { certificate, .. } => {
                certificate.view
            }
        }
    }

    /// Whose key it is about, if it is about one.
    #[must_use]
    pub const fn validator(&self) -> Option<ValidatorIndex> {
        match self {
            Self::Equivocation([first, _]) => Some(first.signer),
            Self::ConflictingFinalization { .. } => None,
            Self::OwnSignature { validator, .. } => Some(*validator),
        }
    }

    /// The signed messages in wire form.
    #[must_use]
    pub fn messages(&self) -> Vec<Vec<u8>> {
        let fields = self.fields();
        let statements = fields.statements.iter().map(SignedStatement::to_bytes);
        statements.chain(fields.certificates.iter().map(Certificate::to_bytes)).collect()
    }

    const fn code(&self) -> u8 {
        match self {
            Self::Equivocation(_) => 1,
            Self::ConflictingFinalization { .. } => 2,
            Self::OwnSignature { .. } => 3,
        }
    }

    /// One piece is kept for each validator, kind and view (B-VOTES): view (8) ‖ kind (1) ‖ validator (2), big endian.
    #[must_use]
    pub fn key(&self) -> [u8; KEY_BYTES] {
        let mut key = [0; KEY_BYTES];
        key[..8].copy_from_slice(&self.view().0.to_be_bytes());
        key[8] = self.code();
        key[9..].copy_from_slice(&self.validator().map_or(u16::MAX, |index| index.0).to_be_bytes());
        key
    }

    fn fields(&self) -> Fields {
        let (mut statements, mut certificates) = (Vec::new(), Vec::new());
        match self {
            Self::Equivocation(pair) => statements.extend(pair),
            Self::ConflictingFinalization { finalized, certificate } => {
                certificates.push(certificate.clone());
                certificates.extend(finalized.clone());
            }
            Self::OwnSignature { certificate, .. } => certificates.push(certificate.clone()),
        }
        let validator = self.validator().unwrap_or_default();
        Fields { version: EVIDENCE_VERSION, kind: self.code(), validator, statements, certificates }
    }

    /// The stored form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::encode(&self.fields())
    }

    /// Reads the stored form; signatures are not checked.
    ///
    /// # Errors
    /// Anything but one canonical piece of evidence of this version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        let fields: Fields = codec::decode(WHAT, bytes, MAX_EVIDENCE_BYTES)?;
        if fields.version != EVIDENCE_VERSION {
            return Err(CodecError::Version { what: WHAT, found: fields.version, expected: EVIDENCE_VERSION });
        }
        let Fields { kind, validator, statements, certificates, .. } = fields;
        let evidence = match (kind, statements.as_slice(), certificates.as_slice()) {
            (1, [first, second], []) if first.signer == second.signer => Self::Equivocation([*first, *second]),
            (2, [], [certificate]) => {
                Self::ConflictingFinalization { finalized: None, certificate: certificate.clone() }
            }
            (2, [], [certificate, finalized]) => {
                Self::ConflictingFinalization { finalized: Some(finalized.clone()), certificate: certificate.clone() }
            }
            (3, [], [certificate]) => Self::OwnSignature { validator, certificate: certificate.clone() },
            _ => return Err(CodecError::malformed(WHAT, "unknown kind, or messages that its kind does not have")),
        };
        if evidence.validator().unwrap_or_default() != validator {
            return Err(CodecError::malformed(WHAT, "it names another validator than its messages do"));
        }
        Ok(evidence)
    }
}
