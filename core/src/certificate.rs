//! Certificates: what a quorum signed. Their signature, by the chain's scheme, and a bitmap of exactly n bits, so that
//! anyone can see who signed (S-CERT).

use crate::codec::{self, CodecError};
use crate::committee::{Committee, MAX_VALIDATORS, Quorums, Validator};
use crate::ed25519::SIGNATURE_BYTES;
use crate::scheme::{MAX_ED25519_VALIDATORS, QuorumSignature, StatementSignature};
use crate::statement::{SigningContext, Statement};
use crate::{B256, Bytes, Digest, ValidatorIndex, View};
use alloy_rlp::{BufMut, Decodable, Encodable, RlpDecodable, RlpEncodable};
use thiserror::Error;

/// The longest encoded certificate, in bytes.
pub const MAX_CERTIFICATE_BYTES: usize = MAX_ED25519_VALIDATORS * SIGNATURE_BYTES + 192;

/// Which quorum a certificate shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CertificateKind {
    /// M notarize statements for one digest.
    Notarization,
    /// M nullify statements.
    Nullification,
    /// L notarize statements for one digest.
    Finalization,
}

impl CertificateKind {
    /// Signers needed.
    #[must_use]
    pub const fn threshold(self, quorums: Quorums) -> usize {
        match self {
            Self::Notarization | Self::Nullification => quorums.m(),
            Self::Finalization => quorums.l(),
        }
    }

    const fn code(self) -> u8 {
        match self {
            Self::Notarization => 1,
            Self::Nullification => 2,
            Self::Finalization => 3,
        }
    }
}

/// A set of validators as bits: bit i is bit (i mod 8) of byte (i / 8). Always ⌈n/8⌉ bytes, no bit at or above n.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignerBitmap(Vec<u8>);

impl SignerBitmap {
    /// The empty set of a committee of `n`.
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(vec![0; n.min(MAX_VALIDATORS).div_ceil(8)])
    }

    /// Adds a validator; `false` if it was there or the committee is smaller.
    pub fn insert(&mut self, signer: ValidatorIndex) -> bool {
        let (byte, bit) = (signer.as_usize() / 8, 1u8 << (signer.0 % 8));
        match self.0.get_mut(byte) {
            Some(place) if *place & bit == 0 => {
                *place |= bit;
                true
            }
            _ => false,
        }
    }

    /// Whether the validator is in the set.
    #[must_use]
    pub fn contains(&self, signer: ValidatorIndex) -> bool {
        self.0.get(signer.as_usize() / 8).is_some_and(|byte| byte & (1 << (signer.0 % 8)) != 0)
    }

    /// Number of validators in the set.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.iter().map(|byte| byte.count_ones() as usize).sum()
    }

    /// The validators in the set, ascending.
    pub fn iter(&self) -> impl Iterator<Item = ValidatorIndex> {
        (0u16..).take(self.0.len() * 8).map(ValidatorIndex).filter(|signer| self.contains(*signer))
    }

    fn fits(&self, n: usize) -> bool {
        self.0.len() == n.div_ceil(8) && self.iter().all(|signer| signer.as_usize() < n)
    }

    /// The bytes of the bitmap.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A quorum's statement.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Certificate {
    /// Which quorum.
    pub kind: CertificateKind,
    /// The view that it is about.
    pub view: View,
    /// The block; zero for a nullification.
    pub digest: Digest,
    /// Who signed.
    pub signers: SignerBitmap,
    /// Theirs together.
    pub signature: QuorumSignature,
}

/// Why a certificate is not one.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CertificateError {
    /// The bitmap is not of exactly n bits.
    #[error("signer bitmap of {bytes} bytes does not belong to a committee of {n}")]
    Bitmap {
        /// Its length.
        bytes: usize,
        /// The committee's size.
        n: usize,
    },
    /// Too few signers.
    #[error("{count} signers, {needed} are needed")]
    BelowThreshold {
        /// In the bitmap.
        count: usize,
        /// For its kind.
        needed: usize,
    },
    /// Not these signers' signature of this statement.
    #[error("the signature is not the named signers' signature of this statement")]
    Signature,
}

impl Certificate {
    /// Joins statements that say the same; signatures are joined, not checked.
    ///
    /// # Errors
    /// [`CertificateError::Signature`] if a signature is no curve point, or not of the others' scheme.
    pub fn assemble(
        kind: CertificateKind,
        statement: &Statement,
        n: usize,
        signatures: &[(ValidatorIndex, StatementSignature)],
    ) -> Result<Self, CertificateError> {
        let mut sorted = signatures.to_vec();
        sorted.sort_by_key(|(signer, _)| *signer);
        let mut signers = SignerBitmap::new(n);
        sorted.retain(|(signer, _)| signers.insert(*signer));
        let distinct: Vec<_> = sorted.iter().map(|(_, signature)| *signature).collect();
        let signature = QuorumSignature::join(&distinct).ok_or(CertificateError::Signature)?;
        let digest = statement.digest().unwrap_or_default();
        Ok(Self { kind, view: statement.view(), digest, signers, signature })
    }

    /// A certificate of a signature that was checked for exactly these signers.
    #[must_use]
    pub fn from_checked(
        kind: CertificateKind,
        statement: &Statement,
        n: usize,
        members: impl Iterator<Item = ValidatorIndex>,
        signature: impl Into<QuorumSignature>,
    ) -> Self {
        let mut signers = SignerBitmap::new(n);
        for member in members {
            signers.insert(member);
        }
        let (view, digest) = (statement.view(), statement.digest().unwrap_or_default());
        Self { kind, view, digest, signers, signature: signature.into() }
    }

    /// The statement that its signers signed.
    #[must_use]
    pub const fn statement(&self) -> Statement {
        match self.kind {
            CertificateKind::Nullification => Statement::Nullify { view: self.view },
            _ => Statement::Notarize { view: self.view, digest: self.digest },
        }
    }

    /// Bitmap of n bits, enough distinct signers and a signature that can be theirs; no cryptography.
    ///
    /// # Errors
    /// All of [`CertificateError`].
    pub fn check_shape(&self, quorums: Quorums) -> Result<(), CertificateError> {
        let n = quorums.n();
        if !self.signers.fits(n) {
            return Err(CertificateError::Bitmap { bytes: self.signers.0.len(), n });
        }
        let (count, needed) = (self.signers.count(), self.kind.threshold(quorums));
        if count < needed {
            return Err(CertificateError::BelowThreshold { count, needed });
        }
        if self.signature.fits(count) { Ok(()) } else { Err(CertificateError::Signature) }
    }

    /// The whole check (S-CERT): shape, known signers, their signature under this chain and epoch.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn verify(&self, committee: &Committee, context: &SigningContext) -> Result<(), CertificateError> {
        self.verify_with(committee, context, |signers, message, signature| {
            committee.scheme().verify_quorum(signers, message, signature)
        })
    }

    /// The same with another check of the signature: it is given the signers with their keys, ascending, the message and
    /// the signature.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn verify_with(
        &self,
        committee: &Committee,
        context: &SigningContext,
        is_genuine: impl FnOnce(&[(ValidatorIndex, &Validator)], &B256, &QuorumSignature) -> bool,
    ) -> Result<(), CertificateError> {
        self.check_shape(committee.quorums())?;
        let keys = self.signers.iter().map(|signer| committee.get(signer).map(|validator| (signer, validator)));
        let keys: Option<Vec<_>> = keys.collect();
        let keys = keys.ok_or(CertificateError::Bitmap { bytes: self.signers.0.len(), n: committee.n() })?;
        let message = self.statement().message(context);
        if is_genuine(&keys, &message, &self.signature) { Ok(()) } else { Err(CertificateError::Signature) }
    }

    /// A finalization is a notarization too.
    #[must_use]
    pub fn is_notarization(&self) -> bool {
        self.kind != CertificateKind::Nullification
    }

    /// The wire form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads the wire form; nothing is verified but the form.
    ///
    /// # Errors
    /// Anything but one canonical certificate.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode("certificate", bytes, MAX_CERTIFICATE_BYTES)
    }
}

#[derive(RlpEncodable, RlpDecodable)]
struct CertificateFields {
    kind: u8,
    view: View,
    digest: Digest,
    signers: Bytes,
    signature: QuorumSignature,
}

impl Certificate {
    fn fields(&self) -> CertificateFields {
        CertificateFields {
            kind: self.kind.code(),
            view: self.view,
            digest: self.digest,
            signers: self.signers.0.clone().into(),
            signature: self.signature.clone(),
        }
    }
}

impl Encodable for Certificate {
    fn encode(&self, out: &mut dyn BufMut) {
        self.fields().encode(out);
    }
    fn length(&self) -> usize {
        self.fields().length()
    }
}

impl Decodable for Certificate {
    fn decode(buf: &mut &[u8]) -> alloy_rlp::Result<Self> {
        let fields = CertificateFields::decode(buf)?;
        let kind = match fields.kind {
            1 => CertificateKind::Notarization,
            2 => CertificateKind::Nullification,
            3 => CertificateKind::Finalization,
            _ => return Err(alloy_rlp::Error::Custom("unknown kind of certificate")),
        };
        if kind == CertificateKind::Nullification && !fields.digest.is_zero() {
            return Err(alloy_rlp::Error::Custom("a nullification names no block"));
        }
        if fields.signers.len() > MAX_VALIDATORS.div_ceil(8) {
            return Err(alloy_rlp::Error::Custom("signer bitmap longer than any committee's"));
        }
        let signers = SignerBitmap(fields.signers.to_vec());
        if !fields.signature.fits(signers.count()) {
            return Err(alloy_rlp::Error::Custom("not one signature for each signer"));
        }
        Ok(Self { kind, view: fields.view, digest: fields.digest, signers, signature: fields.signature })
    }
}

#[cfg(test)]
mod tests;
