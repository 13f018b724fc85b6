use super::*;
use crate::fixture::{Fixture, digest, notarize, nullify};
use minuet_core::bls::BlsSignature;
use minuet_core::keccak256;

fn proposal() -> Proposal {
    let fixture = Fixture::new(6);
    let parent = fixture.block(&fixture.genesis, 1, 0);
    let header = fixture.block(&parent, 3, 5);
    Proposal {
        signature: fixture.sign(notarize(3, header.digest()), 3).signature,
        parent_proof: Some(fixture.notarization(1, parent.digest(), &[0, 1, 2])),
        gap: vec![fixture.nullification(2, &[3, 4, 5])],
        header,
    }
}

fn body() -> Arc<Body> {
    Arc::new(Body { transactions: vec![Bytes::from_static(b"one"), Bytes::from_static(b"two")] })
}

/// A header that commits to `body`.
fn header_of(body: &Body) -> Arc<BlockHeader> {
    let fixture = Fixture::new(6);
    let empty = fixture.block(&fixture.genesis, 1, 0);
    let ethereum = empty.ethereum();
    Arc::new(BlockHeader::seal(&minuet_core::header::HeaderParts {
        epoch: empty.epoch(),
        view: empty.view(),
        parent_view: empty.parent_view(),
        proposer: empty.proposer(),
        parent: empty.parent(),
        height: empty.height(),
        time: empty.time(),
        beneficiary: ethereum.beneficiary,
        state_root: ethereum.state_root,
        transactions_root: body.root(),
        receipts_root: ethereum.receipts_root,
        gas_limit: ethereum.gas_limit,
        gas_used: 0,
        base_fee: empty.base_fee(),
    }))
}

fn responses() -> [Response; 2] {
    let fixture = Fixture::new(6);
    let block = Block::new(header_of(&body()), body()).expect("its own body");
    let finalization = Some(fixture.finalization(1, block.digest(), &[0, 1, 2, 3, 4]));
    [
        Response::Proofs {
            certificates: vec![fixture.nullification(2, &[3, 4, 5])],
            statements: vec![fixture.sign(nullify(2), 1)],
        },
        Response::Blocks(vec![ServedBlock { block, finalization }]),
    ]
}

/// Changing one of these cuts this node off from the others: only with a new protocol version.
#[test]
fn messages_have_their_golden_form() {
    let [proofs, blocks] = responses();
    let body = BodyMessage { digest: digest(3), body: body() };
    let found = [
        ("proposal", proposal().to_bytes()),
        ("body", body.to_bytes()),
        ("proofs", proofs.to_bytes()),
        ("blocks", blocks.to_bytes()),
    ];
    let golden = [
        ("proposal", "0x8f25d4d6319688d0e5164c0456b2f076c05324bdd560fddd07d91246959a889a"),
        ("body", "0x7de8e77048cbbd7375fa68bda37abf71d3a7a973b79405ea94bbcd12154c0d5a"),
        ("proofs", "0x440d75ccfcf093252177b134141413e879506f9e371a27e57f2371ee73d68b88"),
        ("blocks", "0x4807793721a6fdcb0ebd1121690b8e89e1ca7ddea2733da8cd9b040c84fb450b"),
    ];
    let found: Vec<_> = found.iter().map(|(name, bytes)| (*name, keccak256(bytes).to_string())).collect();
    let golden: Vec<_> = golden.iter().map(|(name, hash)| (*name, (*hash).to_owned())).collect();
    assert_eq!(found, golden);
}

#[test]
fn requests_have_their_golden_form() {
    let found = [Request::Proof(View(5)), Request::Block(digest(3)), Request::Range(Height(258))];
    let found = found.map(|request| Bytes::from(request.to_bytes()).to_string());
    assert_eq!(
        found,
        [
            "0xe30105a00000000000000000000000000000000000000000000000000000000000000000",
            "0xe30280a00303030303030303030303030303030303030303030303030303030303030303",
            "0xe503820102a00000000000000000000000000000000000000000000000000000000000000000"
        ]
    );
}

#[test]
fn messages_read_back_as_they_were_written() {
    assert_eq!(Proposal::from_bytes(&proposal().to_bytes()), Ok(proposal()));
    let first = Proposal { parent_proof: None, gap: Vec::new(), ..proposal() };
    assert_eq!(Proposal::from_bytes(&first.to_bytes()), Ok(first));
    let message = BodyMessage { digest: digest(3), body: body() };
    assert_eq!(BodyMessage::from_bytes(&message.to_bytes()), Ok(message));
    for request in [Request::Proof(View(5)), Request::Block(digest(3)), Request::Range(Height(u64::MAX))] {
        assert_eq!(Request::from_bytes(&request.to_bytes()), Ok(request));
    }
    for response in responses() {
        assert_eq!(Response::from_bytes(&response.to_bytes()), Ok(response));
    }
}

#[test]
fn truncated_and_trailing_messages_are_refused() {
    type Reader = fn(&[u8]) -> Option<CodecError>;
    let [proofs, blocks] = responses();
    let readers: [(Vec<u8>, Reader); 5] = [
        (proposal().to_bytes(), |bytes| Proposal::from_bytes(bytes).err()),
        (BodyMessage { digest: digest(3), body: body() }.to_bytes(), |bytes| BodyMessage::from_bytes(bytes).err()),
        (Request::Proof(View(5)).to_bytes(), |bytes| Request::from_bytes(bytes).err()),
        (proofs.to_bytes(), |bytes| Response::from_bytes(bytes).err()),
        (blocks.to_bytes(), |bytes| Response::from_bytes(bytes).err()),
    ];
    for (bytes, error_of) in readers {
        for length in 0..bytes.len() {
            assert!(error_of(&bytes[..length]).is_some(), "cut to {length} of {}", bytes.len());
        }
        let longer = [&bytes[..], &[0]].concat();
        assert!(matches!(error_of(&longer), Some(CodecError::Trailing { .. })));
    }
}

#[test]
fn a_proposal_with_too_many_or_misplaced_proofs_is_refused() {
    let whole = proposal();
    let gap = whole.gap[0].clone();
    let most = Proposal { gap: vec![gap.clone(); MAX_GAP_PROOFS], ..whole.clone() };
    assert!(Proposal::from_bytes(&most.to_bytes()).is_ok());
    assert!(most.to_bytes().len() <= FrameKind::Proposal.max_bytes());
    let more = Proposal { gap: vec![gap.clone(); MAX_GAP_PROOFS + 1], ..whole.clone() };
    assert!(matches!(Proposal::from_bytes(&more.to_bytes()), Err(CodecError::TooLong { .. })));
    let notarization = whole.parent_proof.clone().expect("there is one");
    let misplaced = Proposal { gap: vec![gap, notarization], ..whole };
    assert!(matches!(Proposal::from_bytes(&misplaced.to_bytes()), Err(CodecError::Malformed { .. })));
}

#[test]
fn a_request_with_a_field_that_its_kind_does_not_have_is_refused() {
    let fields = [
        RequestFields { kind: 0, number: 0, digest: Digest::ZERO },
        RequestFields { kind: 1, number: 5, digest: digest(1) },
        RequestFields { kind: 2, number: 5, digest: digest(1) },
        RequestFields { kind: 3, number: 5, digest: digest(1) },
        RequestFields { kind: 4, number: 0, digest: Digest::ZERO },
    ];
    for fields in fields {
        assert!(Request::from_bytes(&codec::encode(&fields)).is_err());
    }
}

#[test]
fn oversized_responses_and_unknown_kinds_are_refused() {
    let fixture = Fixture::new(6);
    let statement = fixture.sign(nullify(2), 1);
    let most = Response::Proofs { certificates: Vec::new(), statements: vec![statement; MAX_RESPONSE_PROOFS] };
    assert!(Response::from_bytes(&most.to_bytes()).is_ok());
    let more = Response::Proofs { certificates: Vec::new(), statements: vec![statement; MAX_RESPONSE_PROOFS + 1] };
    assert!(Response::from_bytes(&more.to_bytes()).is_err());
    let header = fixture.block(&fixture.genesis, 1, 0);
    let block = Block::empty(header).expect("no transactions");
    let many = vec![ServedBlock { block, finalization: None }; MAX_RESPONSE_BLOCKS + 1];
    assert!(Response::from_bytes(&Response::Blocks(many.clone()).to_bytes()).is_err());
    assert!(Response::from_bytes(&Response::Blocks(many[1..].to_vec()).to_bytes()).is_ok());
    for kind in [0, 3, 255] {
        let fields = ResponseFields { kind, certificates: Vec::new(), statements: Vec::new(), blocks: Vec::new() };
        assert!(Response::from_bytes(&codec::encode(&fields)).is_err());
    }
    let mixed = ResponseFields {
        kind: 1,
        certificates: Vec::new(),
        statements: Vec::new(),
        blocks: vec![BlockFields::of(&many[0])],
    };
    assert!(Response::from_bytes(&codec::encode(&mixed)).is_err());
}

#[test]
fn a_swapped_body_under_a_valid_digest_is_refused() {
    let header = header_of(&body());
    let other = Arc::new(Body { transactions: vec![Bytes::from_static(b"two"), Bytes::from_static(b"one")] });
    for swapped in [other, Arc::default()] {
        let block = Block::sealed(header.clone(), swapped);
        let response = Response::Blocks(vec![ServedBlock { block, finalization: None }]);
        assert!(Response::from_bytes(&response.to_bytes()).is_err());
    }
}

#[test]
fn a_block_with_two_finalizations_is_refused() {
    let fixture = Fixture::new(6);
    let header = fixture.block(&fixture.genesis, 1, 0);
    let finalization = fixture.finalization(1, header.digest(), &[0, 1, 2, 3, 4]);
    let fields = ResponseFields {
        kind: 2,
        certificates: Vec::new(),
        statements: Vec::new(),
        blocks: vec![BlockFields {
            header: header.encode().into(),
            body: Body::default().encode().into(),
            finalization: vec![finalization.clone(), finalization],
        }],
    };
    assert!(Response::from_bytes(&codec::encode(&fields)).is_err());
}

#[test]
fn what_holds_the_longest_certificates_fits_its_limits() {
    use minuet_core::ValidatorIndex;
    use minuet_core::ed25519::Ed25519Signature;
    use minuet_core::evidence::{Evidence, MAX_EVIDENCE_BYTES};
    use minuet_core::scheme::{MAX_ED25519_VALIDATORS, QuorumSignature};

    let n = MAX_ED25519_VALIDATORS;
    let longest = |kind, digest| {
        let statement = match kind {
            CertificateKind::Nullification => nullify(u64::MAX),
            _ => notarize(u64::MAX, digest),
        };
        let signers = (0..).take(n).map(ValidatorIndex);
        let certificate = Certificate::from_checked(kind, &statement, n, signers, BlsSignature([0xff; 48]));
        Certificate { signature: QuorumSignature::Ed25519(vec![Ed25519Signature([0xff; 64]); n]), ..certificate }
    };
    let notarization = longest(CertificateKind::Finalization, digest(0xff));
    let nullification = longest(CertificateKind::Nullification, Digest::ZERO);
    assert!(notarization.to_bytes().len() <= FrameKind::Certificate.max_bytes());
    let (parent_proof, gap) = (Some(notarization.clone()), vec![nullification.clone(); MAX_GAP_PROOFS]);
    let proposal = Proposal { parent_proof, gap, ..proposal() };
    assert!(proposal.to_bytes().len() <= FrameKind::Proposal.max_bytes());
    assert_eq!(Proposal::from_bytes(&proposal.to_bytes()).unwrap(), proposal);
    let certificates = vec![nullification; MAX_RESPONSE_PROOFS];
    let proofs = Response::Proofs { certificates, statements: Vec::new() };
    assert!(proofs.to_bytes().len() <= 256 * 1024, "beside a range's blocks");
    assert_eq!(Response::from_bytes(&proofs.to_bytes()).unwrap(), proofs);
    let evidence =
        Evidence::ConflictingFinalization { finalized: Some(notarization.clone()), certificate: notarization };
    assert!(evidence.to_bytes().len() <= MAX_EVIDENCE_BYTES);
    assert_eq!(Evidence::from_bytes(&evidence.to_bytes()).unwrap(), evidence);
}
