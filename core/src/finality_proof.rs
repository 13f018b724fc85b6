//! Finality proofs: what shows anyone who holds the genesis, and nothing else, that a block is final.
//!
//! A proof is the path of headers from the block asked for up to the descendant that a quorum finalized, and that
//! descendant's certificate (R8: a finalization makes all ancestors final). Block 0 is final by definition and needs
//! only its header.
//!
//! Owns: the proof's encoding, its bounds and its verification. Never does: trust a claim of whoever made it; every hash
//! is computed here, and the committee, the epoch and the signing context are the genesis' own.
//!
//! Invariant: what verifies has exactly one encoding, and its first header is the block that is proven.

use crate::certificate::{Certificate, CertificateError, CertificateKind, MAX_CERTIFICATE_BYTES};
use crate::codec::CodecError;
use crate::genesis::Genesis;
use crate::header::{BlockHeader, MAX_HEADER_BYTES};
use crate::{Digest, Epoch, Height, View};
use alloy_rlp::{Buf, Decodable, Encodable, Header};
use std::sync::Arc;
use thiserror::Error;

/// The format that this program reads and writes.
pub const FINALITY_PROOF_VERSION: u8 = 1;
/// Headers of one proof at most: the block asked for, the certificate's block and all between.
pub const MAX_PROOF_HEADERS: usize = 4096;
/// An encoded proof at most, in bytes: the headers with their prefixes, the certificate, the lists around them.
pub const MAX_PROOF_BYTES: usize = MAX_PROOF_HEADERS * (MAX_HEADER_BYTES + 3) + MAX_CERTIFICATE_BYTES + 16;

const WHAT: &str = "finality proof";

/// Headers upwards and the certificate of the last; nothing of it is verified but the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinalityProof {
    headers: Vec<Arc<BlockHeader>>,
    certificate: Option<Certificate>,
}

/// A block that a proof has shown to be final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proven<'a> {
    /// Its header.
    pub header: &'a BlockHeader,
    /// What makes it final.
    pub by: ProvenBy,
}

/// What makes a block final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProvenBy {
    /// It is block 0.
    Genesis,
    /// A quorum's certificate of it or of a descendant.
    Certificate {
        /// The certified block's height.
        height: Height,
        /// The view in which it was finalized.
        view: View,
        /// Validators that signed.
        signers: usize,
    },
}

/// Which check a proof fails.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ProofError {
    /// No header at all.
    #[error("headers: there is none, the block's own is the least")]
    Empty,
    /// A header is not of the height that its place asks for.
    #[error("height: the header after block {before} is block {found}")]
    Height {
        /// The header before.
        before: Height,
        /// This one.
        found: Height,
    },
    /// A header does not name the one before it as its parent.
    #[error("parent: block {height} names parent {found}, the header before it has the digest {expected}")]
    Parent {
        /// Of the header that names it.
        height: Height,
        /// What it names.
        found: Digest,
        /// What it had to name.
        expected: Digest,
    },
    /// A header names another view of its parent than the parent has.
    #[error("parent view: block {height} says its parent is of view {found}, the header before it is of {expected}")]
    ParentView {
        /// Of the header that names it.
        height: Height,
        /// What it names.
        found: View,
        /// What it had to name.
        expected: View,
    },
    /// A header of a period for which the genesis names no committee.
    #[error("epoch: block {height} is of epoch {found}, this genesis' committee rules in epoch {expected}")]
    Epoch {
        /// Of the header.
        height: Height,
        /// What it says.
        found: Epoch,
        /// What it had to say.
        expected: Epoch,
    },
    /// Block 0 of another chain, or a path that starts at another block 0.
    #[error("genesis: block 0 has the digest {found}, this genesis' has {expected}: another chain's proof or genesis")]
    Genesis {
        /// The header's.
        found: Digest,
        /// This genesis'.
        expected: Digest,
    },
    /// Block 0 with more than its header.
    #[error("genesis: block 0 is final by definition, its proof has neither further headers nor a certificate")]
    GenesisWithPath,
    /// No certificate, though the block is not block 0.
    #[error("certificate: there is none")]
    NoCertificate,
    /// A certificate that finalizes nothing.
    #[error("certificate kind: it is a {found:?}, only a Finalization makes a block final")]
    Kind {
        /// Which it is.
        found: CertificateKind,
    },
    /// A certificate of a block that is not the last header's.
    #[error("certificate block: it is of {found}, the last header has the digest {expected}")]
    Block {
        /// What it is of.
        found: Digest,
        /// What it had to be of.
        expected: Digest,
    },
    /// A certificate of another view than the block's.
    #[error("certificate view: it is of view {found}, the last header of {expected}")]
    View {
        /// What it is of.
        found: View,
        /// What it had to be of.
        expected: View,
    },
    /// Not a quorum of this genesis' committee, or not its signature.
    #[error("certificate signatures: {0}; the proof is forged or damaged, or the genesis is another chain's")]
    Certificate(#[from] CertificateError),
}

impl FinalityProof {
    /// Joins headers, ascending, and the certificate of the last; `None` for block 0 alone.
    ///
    /// # Errors
    /// More than [`MAX_PROOF_HEADERS`].
    pub fn new(headers: Vec<Arc<BlockHeader>>, certificate: Option<Certificate>) -> Result<Self, CodecError> {
        check_count(headers.len())?;
        Ok(Self { headers, certificate })
    }

    /// Reads a proof from its parts as an API gives them; an empty certificate is none.
    ///
    /// # Errors
    /// Too many headers, or the first part that is not canonical.
    pub fn from_parts<B: AsRef<[u8]>>(headers: &[B], certificate: &[u8]) -> Result<Self, CodecError> {
        check_count(headers.len())?;
        let headers = headers.iter().map(|bytes| BlockHeader::decode(bytes.as_ref()).map(Arc::new));
        let certificate = (!certificate.is_empty()).then(|| Certificate::from_bytes(certificate)).transpose()?;
        Ok(Self { headers: headers.collect::<Result<_, _>>()?, certificate })
    }

    /// The headers, ascending: first the block that is proven.
    #[must_use]
    pub fn headers(&self) -> &[Arc<BlockHeader>] {
        &self.headers
    }

    /// The last header's certificate.
    #[must_use]
    pub const fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref()
    }

    /// The form in which it is kept: a list of version, headers and certificate.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let headers: Vec<crate::Bytes> = self.headers.iter().map(|header| header.encode().into()).collect();
        let certificate = self.certificate.as_ref().map(Certificate::to_bytes).unwrap_or_default();
        let payload_length = FINALITY_PROOF_VERSION.length() + headers.length() + certificate[..].length();
        let mut out = Vec::with_capacity(payload_length + 9);
        Header { list: true, payload_length }.encode(&mut out);
        FINALITY_PROOF_VERSION.encode(&mut out);
        headers.encode(&mut out);
        certificate[..].encode(&mut out);
        out
    }

    /// Reads what [`FinalityProof::encode`] wrote. The version is read first, and counts and lengths before anything is
    /// kept.
    ///
    /// # Errors
    /// Too long, another version, not canonical, or a header or certificate that does not decode.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        if bytes.len() > MAX_PROOF_BYTES {
            return Err(CodecError::TooLong { what: WHAT, length: bytes.len(), limit: MAX_PROOF_BYTES });
        }
        let malformed = |error: alloy_rlp::Error| CodecError::malformed(WHAT, error);
        let mut rest = bytes;
        let mut fields = Header::decode_bytes(&mut rest, true).map_err(malformed)?;
        let version = u8::decode(&mut fields).map_err(malformed)?;
        if version != FINALITY_PROOF_VERSION {
            return Err(CodecError::Version { what: WHAT, found: version, expected: FINALITY_PROOF_VERSION });
        }
        let headers = items(Header::decode_bytes(&mut fields, true).map_err(malformed)?)?;
        let certificate = Header::decode_bytes(&mut fields, false).map_err(malformed)?;
        match fields.len() + rest.len() {
            0 => Self::from_parts(&headers, certificate),
            count => Err(CodecError::Trailing { what: WHAT, count }),
        }
    }

    /// Checks that the first header's block is final on the chain of this genesis, by this proof alone.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn verify(&self, genesis: &Genesis) -> Result<Proven<'_>, ProofError> {
        let (Some(first), Some(last)) = (self.headers.first(), self.headers.last()) else {
            return Err(ProofError::Empty);
        };
        if first.height() == Height::GENESIS {
            return self.verify_genesis(first, genesis);
        }
        self.verify_links(genesis)?;
        let certificate = self.certificate.as_ref().ok_or(ProofError::NoCertificate)?;
        if certificate.kind != CertificateKind::Finalization {
            return Err(ProofError::Kind { found: certificate.kind });
        }
        if certificate.digest != last.digest() {
            return Err(ProofError::Block { found: certificate.digest, expected: last.digest() });
        }
        if certificate.view != last.view() {
            return Err(ProofError::View { found: certificate.view, expected: last.view() });
        }
        certificate.verify(genesis.committee(), &genesis.signing_context())?;
        let (height, signers) = (last.height(), certificate.signers.count());
        Ok(Proven { header: first, by: ProvenBy::Certificate { height, view: certificate.view, signers } })
    }

    fn verify_genesis<'a>(&self, first: &'a BlockHeader, genesis: &Genesis) -> Result<Proven<'a>, ProofError> {
        if first.digest() != genesis.digest() {
            return Err(ProofError::Genesis { found: first.digest(), expected: genesis.digest() });
        }
        if self.headers.len() > 1 || self.certificate.is_some() {
            return Err(ProofError::GenesisWithPath);
        }
        Ok(Proven { header: first, by: ProvenBy::Genesis })
    }

    /// Every header is of the one epoch and the child of the one before it (S-DIGEST-BINDS, S-CHAIN).
    fn verify_links(&self, genesis: &Genesis) -> Result<(), ProofError> {
        let expected = genesis.signing_context().epoch;
        let other_epoch = self.headers.iter().find(|header| header.epoch() != expected);
        if let Some(header) = other_epoch {
            return Err(ProofError::Epoch { height: header.height(), found: header.epoch(), expected });
        }
        for (parent, child) in self.headers.iter().zip(self.headers.iter().skip(1)) {
            let height = child.height();
            if parent.height().0.checked_add(1) != Some(height.0) {
                return Err(ProofError::Height { before: parent.height(), found: height });
            }
            if child.parent() != parent.digest() {
                return Err(ProofError::Parent { height, found: child.parent(), expected: parent.digest() });
            }
            if child.parent_view() != parent.view() {
                return Err(ProofError::ParentView { height, found: child.parent_view(), expected: parent.view() });
            }
        }
        // Its own link is not in the proof, but block 1 has only one possible parent.
        match self.headers.first() {
            Some(first) if first.height() == Height(1) && first.parent() != genesis.digest() => {
                Err(ProofError::Genesis { found: first.parent(), expected: genesis.digest() })
            }
            _ => Ok(()),
        }
    }
}

fn check_count(count: usize) -> Result<(), CodecError> {
    match count {
        0..=MAX_PROOF_HEADERS => Ok(()),
        _ => Err(CodecError::malformed(WHAT, format!("{count} headers, at most {MAX_PROOF_HEADERS} are allowed"))),
    }
}

/// The items of a list, borrowed; counted and measured before any is kept.
fn items(list: &[u8]) -> Result<Vec<&[u8]>, CodecError> {
    let malformed = |error: alloy_rlp::Error| CodecError::malformed(WHAT, error);
    let (mut rest, mut count) = (list, 0);
    while !rest.is_empty() {
        let length = Header::decode(&mut rest).map_err(malformed)?.payload_length;
        if length > MAX_HEADER_BYTES {
            return Err(CodecError::TooLong { what: "block header", length, limit: MAX_HEADER_BYTES });
        }
        count += 1;
        check_count(count)?;
        rest.advance(length);
    }
    let mut items = Vec::with_capacity(count);
    let mut rest = list;
    while !rest.is_empty() {
        items.push(Header::decode_bytes(&mut rest, false).map_err(malformed)?);
    }
    Ok(items)
}

#[cfg(test)]
mod tests;
