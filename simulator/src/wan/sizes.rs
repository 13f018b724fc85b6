//! Bytes of messages: core's and consensus' own encodings of typical ones, and what QUIC, UDP and IP add on the wire.

use minuet_consensus::wire::{BodyMessage, Proposal};
use minuet_core::bls::BlsSignature;
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::header::BlockHeader;
use minuet_core::statement::{SignedStatement, Statement};
use minuet_core::{B256, Digest, TimeMs, ValidatorIndex, View};
use std::sync::Arc;

/// An encoded transfer without data, signature and key included (core/tests/golden/transaction.hex).
pub const TRANSFER_BYTES: usize = 149;
/// The kind and length before every payload (p2p's frame).
const FRAME_BYTES: usize = 5;
/// The largest UDP payload that path discovery settles on.
const PACKET_BYTES: usize = 1452;
/// In each packet: QUIC's short header with an 8-byte connection id and 2-byte number, its tag, a stream frame's header.
const QUIC_BYTES: usize = 1 + 8 + 2 + 16 + 6;
/// Around each packet: IPv4 and UDP.
const IP_BYTES: usize = 20 + 8;

/// Bytes on the wire for a payload: whole packets of its own. Acknowledgements are not counted.
pub const fn on_wire(payload: usize) -> usize {
    let framed = payload + FRAME_BYTES;
    framed + framed.div_ceil(PACKET_BYTES - QUIC_BYTES) * (QUIC_BYTES + IP_BYTES)
}

/// Payloads of the messages of a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// A header with its parent's certificate and its proposer's signature.
    pub header: usize,
    /// The transactions of a block.
    pub body: usize,
    /// A vote.
    pub vote: usize,
    /// A certificate.
    pub certificate: usize,
}

impl Sizes {
    /// As this project encodes them, for a committee of `n` and blocks of so many bytes.
    pub fn of(n: usize, block_bytes: usize) -> Self {
        let view = View(1_000);
        let vote = Statement::Notarize { view, digest: Digest::repeat_byte(1) };
        let signature = BlsSignature([1; 48]);
        let signers = (0..n).map(|signer| ValidatorIndex(u16::try_from(signer).unwrap_or(u16::MAX)));
        let certificate = Certificate::from_checked(CertificateKind::Notarization, &vote, n, signers, signature);
        let root = B256::repeat_byte(1);
        let header = BlockHeader::genesis(root, root, TimeMs(1_700_000_000_000), 210_000_000, 1_000_000);
        let statement = SignedStatement { statement: vote, signer: ValidatorIndex(1), signature: signature.into() };
        let certificate_bytes = certificate.to_bytes().len();
        let proposal = Proposal {
            header: Arc::new(header),
            parent_proof: Some(certificate),
            gap: Vec::new(),
            signature: signature.into(),
        };
        Self {
            header: proposal.to_bytes().len(),
            body: body_bytes(block_bytes),
            vote: statement.to_bytes().len(),
            certificate: certificate_bytes,
        }
    }
}

/// A body with its digest; none for an empty block.
pub fn body_bytes(block_bytes: usize) -> usize {
    let empty = BodyMessage { digest: Digest::repeat_byte(1), body: Arc::default() };
    if block_bytes == 0 { 0 } else { block_bytes + empty.to_bytes().len() }
}
