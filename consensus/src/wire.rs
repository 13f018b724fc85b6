//! What consensus says to its peers: proposals, bodies, requests and responses. Statements and certificates are core's.

use alloy_rlp::{Buf, Decodable, Header, RlpDecodable, RlpEncodable};
use minuet_core::block::{Block, Body};
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::codec::{self, CodecError};
use minuet_core::header::BlockHeader;
use minuet_core::scheme::StatementSignature;
use minuet_core::statement::SignedStatement;
use minuet_core::wire::FrameKind;
use minuet_core::{Bytes, Digest, Height, View};
use std::sync::Arc;

/// Nullifications that a proposal carries at most; more of the gap is fetched.
pub const MAX_GAP_PROOFS: usize = 16;
/// Certificates or statements in one response at most.
pub const MAX_RESPONSE_PROOFS: usize = 64;
/// Final blocks in one response at most.
pub const MAX_RESPONSE_BLOCKS: usize = 512;

/// A leader's block header with the proofs that it stands on; also the leader's notarize statement (R1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The proposed header.
    pub header: Arc<BlockHeader>,
    /// The parent's notarization; `None` if the parent is genesis or was already final for the leader.
    pub parent_proof: Option<Certificate>,
    /// Nullifications of the views between parent and block, newest first.
    pub gap: Vec<Certificate>,
    /// The leader's signature under `Notarize { view, digest }`.
    pub signature: StatementSignature,
}

#[derive(RlpEncodable, RlpDecodable)]
struct ProposalFields {
    header: Bytes,
    proofs: Vec<Certificate>,
    signature: StatementSignature,
}

impl Proposal {
    /// The wire form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let proofs = self.parent_proof.iter().chain(&self.gap).cloned().collect();
        codec::encode(&ProposalFields { header: self.header.encode().into(), proofs, signature: self.signature })
    }

    /// Reads the wire form; signatures are not checked.
    ///
    /// # Errors
    /// Anything malformed, proofs in excess or out of place.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        const WHAT: &str = "proposal";
        let fields: ProposalFields = codec::decode(WHAT, bytes, FrameKind::Proposal.max_bytes())?;
        let header = BlockHeader::decode(&fields.header)?;
        let mut proofs = fields.proofs;
        if proofs.len() > MAX_GAP_PROOFS + 1 {
            return Err(CodecError::TooLong { what: WHAT, length: proofs.len(), limit: MAX_GAP_PROOFS + 1 });
        }
        let parent_proof = match proofs.first() {
            Some(first) if first.is_notarization() => Some(proofs.remove(0)),
            _ => None,
        };
        if proofs.iter().any(|proof| proof.kind != CertificateKind::Nullification) {
            return Err(CodecError::malformed(WHAT, "more than one notarization is attached"));
        }
        Ok(Self { header: Arc::new(header), parent_proof, gap: proofs, signature: fields.signature })
    }
}

/// A block's transactions on their way: which block, and its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyMessage {
    /// The block's digest.
    pub digest: Digest,
    /// Its transactions.
    pub body: Arc<Body>,
}

#[derive(RlpEncodable, RlpDecodable)]
struct BodyFields {
    digest: Digest,
    body: Bytes,
}

impl BodyMessage {
    /// The wire form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::encode(&BodyFields { digest: self.digest, body: self.body.encode().into() })
    }

    /// Reads the wire form; that the body belongs to the digest is not checked.
    ///
    /// # Errors
    /// Anything malformed or too long.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        let fields: BodyFields = codec::decode("body", bytes, FrameKind::Body.max_bytes())?;
        Ok(Self { digest: fields.digest, body: Arc::new(Body::decode(&fields.body)?) })
    }
}

/// What one node asks another for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Request {
    /// Proofs of a view (R9), or the asked node's own statements of it (R10).
    Proof(View),
    /// A block, final or not (R11).
    Block(Digest),
    /// Final blocks upwards from a height (L-SYNC).
    Range(Height),
}

#[derive(RlpEncodable, RlpDecodable)]
struct RequestFields {
    kind: u8,
    number: u64,
    digest: Digest,
}

impl Request {
    /// The wire form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let fields = match *self {
            Self::Proof(view) => RequestFields { kind: 1, number: view.0, digest: Digest::ZERO },
            Self::Block(digest) => RequestFields { kind: 2, number: 0, digest },
            Self::Range(height) => RequestFields { kind: 3, number: height.0, digest: Digest::ZERO },
        };
        codec::encode(&fields)
    }

    /// Reads the wire form.
    ///
    /// # Errors
    /// Anything but one canonical request.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        const WHAT: &str = "request";
        let fields: RequestFields = codec::decode(WHAT, bytes, FrameKind::Request.max_bytes())?;
        match (fields.kind, fields.number, fields.digest.is_zero()) {
            (1, number, true) => Ok(Self::Proof(View(number))),
            (2, 0, _) => Ok(Self::Block(fields.digest)),
            (3, number, true) => Ok(Self::Range(Height(number))),
            _ => Err(CodecError::malformed(WHAT, "unknown kind, or a field that its kind does not have")),
        }
    }
}

/// A block in a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedBlock {
    /// Header and body, which belong together.
    pub block: Block,
    /// The block's own finalization, if the server holds one.
    pub finalization: Option<Certificate>,
}

/// What the asked node answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// To [`Request::Proof`].
    Proofs {
        /// Certificates of the view.
        certificates: Vec<Certificate>,
        /// The answering node's own statements of the view, if it holds no certificate.
        statements: Vec<SignedStatement>,
    },
    /// To [`Request::Block`] and [`Request::Range`]: ascending by height.
    Blocks(Vec<ServedBlock>),
}

#[derive(RlpEncodable, RlpDecodable)]
struct BlockFields {
    header: Bytes,
    body: Bytes,
    finalization: Vec<Certificate>,
}

#[derive(RlpEncodable, RlpDecodable)]
struct ResponseFields {
    kind: u8,
    certificates: Vec<Certificate>,
    statements: Vec<SignedStatement>,
    blocks: Vec<BlockFields>,
}

impl Response {
    /// The wire form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let fields = match self {
            Self::Proofs { certificates, statements } => ResponseFields {
                kind: 1,
                certificates: certificates.clone(),
                statements: statements.clone(),
                blocks: Vec::new(),
            },
            Self::Blocks(blocks) => ResponseFields {
                kind: 2,
                certificates: Vec::new(),
                statements: Vec::new(),
                blocks: blocks.iter().map(BlockFields::of).collect(),
            },
        };
        codec::encode(&fields)
    }

    /// Reads the wire form; every body is held against its header, certificates are not verified.
    ///
    /// # Errors
    /// Anything malformed, in excess, or a body that is not its header's.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        const WHAT: &str = "response";
        check_counts(WHAT, bytes)?;
        let fields: ResponseFields = codec::decode(WHAT, bytes, FrameKind::Response.max_bytes())?;
        let proofs = fields.certificates.len() + fields.statements.len();
        match fields.kind {
            1 if fields.blocks.is_empty() && proofs <= MAX_RESPONSE_PROOFS => {
                Ok(Self::Proofs { certificates: fields.certificates, statements: fields.statements })
            }
            2 if proofs == 0 && fields.blocks.len() <= MAX_RESPONSE_BLOCKS => {
                Ok(Self::Blocks(fields.blocks.iter().map(BlockFields::read).collect::<Result<_, _>>()?))
            }
            _ => Err(CodecError::malformed(WHAT, "unknown kind, or more than its kind may hold")),
        }
    }
}

/// The items of a response's lists, counted before any is kept: half a million blocks of four bytes would take 22 times
/// their bytes.
fn check_counts(what: &'static str, mut bytes: &[u8]) -> Result<(), CodecError> {
    let malformed = |error| CodecError::malformed(what, error);
    let mut fields = Header::decode_bytes(&mut bytes, true).map_err(malformed)?;
    u8::decode(&mut fields).map_err(malformed)?;
    for limit in [MAX_RESPONSE_PROOFS, MAX_RESPONSE_PROOFS, MAX_RESPONSE_BLOCKS] {
        let mut items = Header::decode_bytes(&mut fields, true).map_err(malformed)?;
        let mut length = 0;
        while !items.is_empty() {
            let payload_length = Header::decode(&mut items).map_err(malformed)?.payload_length;
            items.advance(payload_length);
            length += 1;
            if length > limit {
                return Err(CodecError::TooLong { what, length, limit });
            }
        }
    }
    Ok(())
}

impl BlockFields {
    fn of(served: &ServedBlock) -> Self {
        Self {
            header: served.block.header().encode().into(),
            body: served.block.body().encode().into(),
            finalization: served.finalization.iter().cloned().collect(),
        }
    }

    fn read(&self) -> Result<ServedBlock, CodecError> {
        if self.finalization.len() > 1 {
            return Err(CodecError::malformed("response", "a block has more than one finalization"));
        }
        let header = Arc::new(BlockHeader::decode(&self.header)?);
        let block = Block::new(header, Arc::new(Body::decode(&self.body)?))?;
        Ok(ServedBlock { block, finalization: self.finalization.first().cloned() })
    }
}

#[cfg(test)]
mod tests;
