//! Certificates: what a quorum signed. One aggregate signature and a bitmap of exactly n bits, so that anyone can see
//! who signed (S-CERT).

use crate::bls::{self, BlsPublicKey, BlsSignature};
use crate::codec::{self, CodecError};
use crate::committee::{Committee, MAX_VALIDATORS, Quorums};
use crate::statement::{SigningContext, Statement};
use crate::{B256, Bytes, Digest, ValidatorIndex, View};
use alloy_rlp::{BufMut, Decodable, Encodable, RlpDecodable, RlpEncodable};
use thiserror::Error;

/// The longest encoded certificate, in bytes.
pub const MAX_CERTIFICATE_BYTES: usize = 192;

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
    /// Aggregate of their signatures.
    pub signature: BlsSignature,
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
    /// The aggregate is not these signers' signature of this statement.
    #[error("aggregate signature is not the named signers' signature of this statement")]
    Signature,
}

impl Certificate {
    /// Joins statements that say the same; signatures are aggregated, not checked.
    ///
    /// # Errors
    /// [`CertificateError::Signature`] if a signature is no curve point.
    pub fn assemble(
        kind: CertificateKind,
        statement: &Statement,
        n: usize,
        signatures: &[(ValidatorIndex, BlsSignature)],
    ) -> Result<Self, CertificateError> {
        let mut signers = SignerBitmap::new(n);
        let mut distinct = Vec::with_capacity(signatures.len());
        for (signer, signature) in signatures {
            if signers.insert(*signer) {
                distinct.push(*signature);
            }
        }
        let signature = bls::aggregate(&distinct).map_err(|_| CertificateError::Signature)?;
        let digest = statement.digest().unwrap_or_default();
        Ok(Self { kind, view: statement.view(), digest, signers, signature })
    }

    /// A certificate of an aggregate that was checked for exactly these signers.
    #[must_use]
    pub fn from_aggregate(
        kind: CertificateKind,
        statement: &Statement,
        n: usize,
        members: impl Iterator<Item = ValidatorIndex>,
        signature: BlsSignature,
    ) -> Self {
        let mut signers = SignerBitmap::new(n);
        for member in members {
            signers.insert(member);
        }
        Self { kind, view: statement.view(), digest: statement.digest().unwrap_or_default(), signers, signature }
    }

    /// The statement that its signers signed.
    #[must_use]
    pub const fn statement(&self) -> Statement {
        match self.kind {
            CertificateKind::Nullification => Statement::Nullify { view: self.view },
            _ => Statement::Notarize { view: self.view, digest: self.digest },
        }
    }

    /// Bitmap of n bits and enough distinct signers; no cryptography.
    ///
    /// # Errors
    /// [`CertificateError::Bitmap`] or [`CertificateError::BelowThreshold`].
    pub fn check_shape(&self, quorums: Quorums) -> Result<(), CertificateError> {
        let n = quorums.n();
        if !self.signers.fits(n) {
            return Err(CertificateError::Bitmap { bytes: self.signers.0.len(), n });
        }
        let (count, needed) = (self.signers.count(), self.kind.threshold(quorums));
        if count < needed {
            return Err(CertificateError::BelowThreshold { count, needed });
        }
        Ok(())
    }

    /// The whole check (S-CERT): shape, known signers, aggregate signature under this chain and epoch.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn verify(&self, committee: &Committee, context: &SigningContext) -> Result<(), CertificateError> {
        self.verify_with(committee, context, |signers, message, aggregate| {
            let keys: Vec<&BlsPublicKey> = signers.iter().map(|(_, key)| *key).collect();
            bls::verify_aggregate(&keys, message.as_slice(), aggregate).is_ok()
        })
    }

    /// The same with another check of the aggregate: it is given the signers with their keys, the message and the
    /// aggregate.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn verify_with(
        &self,
        committee: &Committee,
        context: &SigningContext,
        is_genuine: impl FnOnce(&[(ValidatorIndex, &BlsPublicKey)], &B256, &BlsSignature) -> bool,
    ) -> Result<(), CertificateError> {
        self.check_shape(committee.quorums())?;
        let keys = self.signers.iter().map(|signer| committee.get(signer).map(|v| (signer, &v.bls_key)));
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
    signature: BlsSignature,
}

impl Certificate {
    fn fields(&self) -> CertificateFields {
        CertificateFields {
            kind: self.kind.code(),
            view: self.view,
            digest: self.digest,
            signers: self.signers.0.clone().into(),
            signature: self.signature,
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
        Ok(Self { kind, view: fields.view, digest: fields.digest, signers, signature: fields.signature })
    }
}

#[cfg(test)]
mod tests;
