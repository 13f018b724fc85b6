//! What peers and clients send, beside blocks and transactions themselves.

use crate::samples::{self, LARGE_QUORUM, SMALL_QUORUM, VALIDATORS};
use crate::{assert_canonical, block, is_sampled};
use minuet_consensus::wire::{
    BodyMessage, MAX_GAP_PROOFS, MAX_RESPONSE_BLOCKS, MAX_RESPONSE_PROOFS, Proposal, Request, Response,
};
use minuet_core::alloy_rlp::{Encodable, Header};
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::evidence::Evidence;
use minuet_core::finality_proof::{FinalityProof, MAX_PROOF_HEADERS, ProvenBy};
use minuet_core::statement::SignedStatement;
use minuet_core::transaction::{MAX_TRANSACTION_BYTES, Transaction};
use minuet_core::wire::FrameKind;
use minuet_core::{Bytes, ValidatorIndex};
use minuet_p2p::hello::{HELLO_BYTES, Hello, PREFIX_BYTES};

pub fn handshake(data: &[u8]) -> bool {
    let Some((prefix, rest)) = data.split_first_chunk::<PREFIX_BYTES>() else { return false };
    let Ok(version) = Hello::read_version(prefix) else { return false };
    let Some((rest, _)) = rest.split_first_chunk::<{ HELLO_BYTES - PREFIX_BYTES }>() else { return false };
    let hello = Hello::decode_rest(version, rest);
    assert_canonical("handshake", &data[..HELLO_BYTES], &hello.encode());
    let expected = samples::hello();
    let own = Hello { sender: expected.recipient, recipient: expected.sender, instance: 1, ..expected };
    let is_let_in = hello.check(&own, Some(expected.sender)).is_ok();
    assert_eq!(is_let_in, hello == Hello { instance: hello.instance, ..expected }, "let in by another handshake");
    true
}

pub fn statement(data: &[u8]) -> bool {
    let Ok(signed) = SignedStatement::from_bytes(data) else { return false };
    assert_canonical("statement", data, &signed.to_bytes());
    assert!(data.len() <= FrameKind::Statement.max_bytes());
    let (committee, context) = (samples::genesis().committee(), samples::genesis().signing_context());
    let of_first = SignedStatement { signer: ValidatorIndex(0), ..signed };
    if is_sampled(data, 64) && of_first.is_genuine(committee, &context) {
        // The signer's index says whose key is to be taken; it is not signed.
        let is_genuine = |genuine: &SignedStatement| genuine.statement == signed.statement;
        assert!(samples::statements().iter().any(is_genuine), "{signed:?} verifies, but nobody signed it");
    }
    true
}

/// Read, and held to S-CERT's thresholds, which are stated here anew.
pub fn certificate(data: &[u8]) -> bool {
    let Ok(certificate) = Certificate::from_bytes(data) else { return false };
    assert_canonical("certificate", data, &certificate.to_bytes());
    assert!(data.len() <= FrameKind::Certificate.max_bytes());
    let committee = samples::genesis().committee();
    let is_of_six = certificate.signers.as_bytes().len() == 1 && certificate.signers.as_bytes()[0] < 1 << VALIDATORS;
    let needed = if certificate.kind == CertificateKind::Finalization { LARGE_QUORUM } else { SMALL_QUORUM };
    let has_quorum = is_of_six && certificate.signers.iter().count() >= needed;
    assert_eq!(certificate.check_shape(committee.quorums()).is_ok(), has_quorum, "{certificate:?}");
    if is_sampled(data, 128) && certificate.verify(committee, &samples::genesis().signing_context()).is_ok() {
        let is_genuine = |signed: &Certificate| signed.statement() == certificate.statement();
        assert!(has_quorum && samples::certificates().iter().any(is_genuine), "{certificate:?} is forged and verifies");
    }
    true
}

pub fn proposal(data: &[u8]) -> bool {
    let Ok(proposal) = Proposal::from_bytes(data) else { return false };
    assert_canonical("proposal", data, &proposal.to_bytes());
    assert!(data.len() <= FrameKind::Proposal.max_bytes() && proposal.gap.len() <= MAX_GAP_PROOFS);
    block::check_header(&proposal.header, &proposal.header.encode());
    assert!(proposal.parent_proof.as_ref().is_none_or(Certificate::is_notarization));
    assert!(proposal.gap.iter().all(|proof| !proof.is_notarization()));
    true
}

pub fn body(data: &[u8]) -> bool {
    let Ok(message) = BodyMessage::from_bytes(data) else { return false };
    assert_canonical("body", data, &message.to_bytes());
    assert!(data.len() <= FrameKind::Body.max_bytes());
    block::check_body(&message.body);
    true
}

pub fn request(data: &[u8]) -> bool {
    let Ok(request) = Request::from_bytes(data) else { return false };
    assert_canonical("request", data, &request.to_bytes());
    true
}

pub fn response(data: &[u8]) -> bool {
    let Ok(response) = Response::from_bytes(data) else { return false };
    assert_canonical("response", data, &response.to_bytes());
    assert!(data.len() <= FrameKind::Response.max_bytes());
    match response {
        Response::Proofs { certificates, statements } => {
            assert!(certificates.len() + statements.len() <= MAX_RESPONSE_PROOFS);
        }
        Response::Blocks(blocks) => {
            assert!(blocks.len() <= MAX_RESPONSE_BLOCKS);
            for served in blocks {
                block::check_header(served.block.header(), &served.block.header().encode());
                block::check_body(served.block.body());
                assert_eq!(served.block.body().root(), served.block.header().transactions_root());
            }
        }
    }
    true
}

/// A frame of gossip, envelope by envelope as the mempool takes it.
pub fn transactions(data: &[u8]) -> bool {
    if data.len() > FrameKind::Transactions.max_bytes() {
        return false;
    }
    let mut payload = Vec::new();
    for envelope in minuet_mempool::unpack_frame(data) {
        let Ok(envelope) = envelope else { return false };
        if let Ok(transaction) = Transaction::decode(&envelope) {
            assert!(envelope.len() <= MAX_TRANSACTION_BYTES);
            assert_eq!(transaction.envelope(), &envelope);
        }
        envelope.encode(&mut payload);
    }
    let mut again = Vec::with_capacity(payload.len() + 9);
    Header { list: true, payload_length: payload.len() }.encode(&mut again);
    again.extend_from_slice(&payload);
    assert_canonical("list of transactions", data, &again);
    true
}

pub fn evidence(data: &[u8]) -> bool {
    let Ok(evidence) = Evidence::from_bytes(data) else { return false };
    assert_canonical("evidence", data, &evidence.to_bytes());
    assert_eq!(evidence.key()[..8], evidence.view().0.to_be_bytes());
    assert!(!evidence.messages().is_empty());
    true
}

pub fn finality_proof(data: &[u8]) -> bool {
    let Ok(proof) = FinalityProof::decode(data) else { return false };
    assert_canonical("finality proof", data, &proof.encode());
    assert!(proof.headers().len() <= MAX_PROOF_HEADERS);
    if let Some(header) = proof.headers().first() {
        block::check_header(header, &header.encode());
    }
    if is_sampled(data, 4)
        && let Ok(proven) = proof.verify(samples::genesis())
    {
        let genuine = match proven.by {
            ProvenBy::Genesis => vec![samples::genesis().digest()],
            ProvenBy::Certificate { .. } => samples::final_digests(),
        };
        assert!(
            genuine.contains(&proven.header.digest()),
            "block {} is proven, but is not final",
            proven.header.digest()
        );
    }
    true
}

/// What a frame's kind says of its payload.
pub fn payload(kind: FrameKind, payload: &Bytes) -> bool {
    match kind {
        FrameKind::Certificate => certificate(payload),
        FrameKind::Statement => statement(payload),
        FrameKind::Proposal => proposal(payload),
        FrameKind::Body => body(payload),
        FrameKind::Transactions => transactions(payload),
        FrameKind::Request => request(payload),
        FrameKind::Response => response(payload),
    }
}
