use super::*;
use crate::bls::BlsSecretKey;
use crate::ed25519::Ed25519SecretKey;
use crate::fees::FeeRules;
use crate::genesis::{GenesisFile, GenesisValidator};
use crate::header::HeaderParts;
use crate::statement::{SigningContext, Statement};
use crate::{Address, B256, TimeMs, ValidatorIndex, codec};
use std::collections::BTreeMap;

const N: u8 = 6;

fn key(index: u8) -> BlsSecretKey {
    BlsSecretKey::from_ikm(&[index + 1; 32])
}

fn genesis_of(chain_id: u64, n: u8) -> Genesis {
    let validators = (0..n).map(|index| GenesisValidator {
        bls_key: key(index).public_key().to_bytes().into(),
        proof_of_possession: key(index).prove_possession().to_bytes().into(),
        network_key: Ed25519SecretKey::from_bytes(&[index + 1; 32]).public_key().0.into(),
        fee_recipient: Address::repeat_byte(index),
    });
    let (fees, accounts) = (FeeRules::default(), BTreeMap::new());
    let validators = validators.collect();
    let statement_scheme = Default::default();
    let file = GenesisFile { version: 1, chain_id, time_ms: 1_000_000, fees, statement_scheme, validators, accounts };
    Genesis::new(file).unwrap()
}

fn genesis() -> Genesis {
    genesis_of(7, N)
}

fn parts(parent: &BlockHeader) -> HeaderParts {
    HeaderParts {
        epoch: Epoch(0),
        view: View(parent.view().0 + 2),
        parent_view: parent.view(),
        proposer: ValidatorIndex(1),
        parent: parent.digest(),
        height: parent.height().next(),
        time: TimeMs(2_000_000),
        beneficiary: Address::ZERO,
        state_root: B256::repeat_byte(3),
        transactions_root: crate::account::EMPTY_ROOT_HASH,
        receipts_root: crate::account::EMPTY_ROOT_HASH,
        gas_limit: 1_000_000,
        gas_used: 0,
        base_fee: 9,
    }
}

/// Blocks 0 to `count`.
fn chain(genesis: &Genesis, count: usize) -> Vec<Arc<BlockHeader>> {
    let mut headers = vec![Arc::new(genesis.header().clone())];
    for place in 0..count {
        let header = BlockHeader::seal(&parts(&headers[place]));
        headers.push(Arc::new(header));
    }
    headers
}

fn sign(
    kind: CertificateKind,
    statement: Statement,
    signers: impl IntoIterator<Item = u8>,
    context: &SigningContext,
) -> Certificate {
    let sign = |index: u8| {
        let signer = ValidatorIndex(index.into());
        (signer, statement.sign(signer, &key(index), context).signature)
    };
    let signatures: Vec<_> = signers.into_iter().map(sign).collect();
    Certificate::assemble(kind, &statement, N.into(), &signatures).unwrap()
}

fn finalization(header: &BlockHeader, signers: impl IntoIterator<Item = u8>) -> Certificate {
    let statement = Statement::Notarize { view: header.view(), digest: header.digest() };
    sign(CertificateKind::Finalization, statement, signers, &genesis().signing_context())
}

/// Of block 3, by the certificate of block 6.
fn good() -> FinalityProof {
    let headers = chain(&genesis(), 6).split_off(3);
    let certificate = finalization(&headers[3], 0..5);
    FinalityProof::new(headers, Some(certificate)).unwrap()
}

fn refusal(proof: &FinalityProof) -> String {
    proof.verify(&genesis()).unwrap_err().to_string()
}

/// The good proof with other headers or another certificate.
fn with(change: impl FnOnce(&mut FinalityProof)) -> FinalityProof {
    let mut proof = good();
    change(&mut proof);
    proof
}

#[test]
fn a_block_is_proven_by_its_own_certificate_and_by_a_descendants() {
    let genesis = genesis();
    let proof = good();
    let proven = proof.verify(&genesis).unwrap();
    assert_eq!((proven.header.height(), proven.header.digest()), (Height(3), chain(&genesis, 3)[3].digest()));
    assert_eq!(proven.by, ProvenBy::Certificate { height: Height(6), view: View(12), signers: 5 });
    let own = FinalityProof::new(vec![proof.headers()[3].clone()], proof.certificate().cloned()).unwrap();
    assert_eq!(own.verify(&genesis).unwrap().header.height(), Height(6));
    for proof in [proof, own] {
        assert_eq!(FinalityProof::decode(&proof.encode()).unwrap(), proof);
    }
}

#[test]
fn block_0_is_final_by_definition_and_only_on_its_own_chain() {
    let (ours, other) = (genesis(), genesis_of(8, N));
    let proof = |genesis: &Genesis| FinalityProof::new(chain(genesis, 0), None).unwrap();
    assert_eq!(proof(&ours).verify(&ours).unwrap().by, ProvenBy::Genesis);
    assert_eq!(FinalityProof::decode(&proof(&ours).encode()).unwrap(), proof(&ours));
    assert!(refusal(&proof(&other)).starts_with("genesis: block 0 has the digest"));
    let headers = chain(&ours, 1);
    let certificate = finalization(&headers[1], 0..5);
    for longer in [(chain(&ours, 0), Some(certificate.clone())), (headers, Some(certificate))] {
        let proof = FinalityProof::new(longer.0, longer.1).unwrap();
        assert_eq!(proof.verify(&ours), Err(ProofError::GenesisWithPath));
    }
}

#[test]
fn another_chains_genesis_or_committee_is_refused() {
    let proof = good();
    for other in [genesis_of(8, N), genesis_of(7, 5)] {
        let text = proof.verify(&other).unwrap_err().to_string();
        assert!(text.contains("another chain's"), "{text}");
    }
    // Seven validators have other thresholds, but a bitmap of as many bytes.
    assert!(matches!(proof.verify(&genesis_of(7, 7)), Err(ProofError::Certificate(_))));
    let first = chain(&genesis(), 1).split_off(1);
    let certificate = finalization(&first[0], 0..5);
    let proof = FinalityProof::new(first, Some(certificate)).unwrap();
    proof.verify(&genesis()).unwrap();
    assert!(matches!(proof.verify(&genesis_of(8, N)), Err(ProofError::Genesis { .. })));
}

#[test]
fn headers_out_of_place_are_refused_by_name() {
    assert_eq!(FinalityProof::new(vec![], None).unwrap().verify(&genesis()), Err(ProofError::Empty));
    let swapped = with(|proof| proof.headers.swap(1, 2));
    assert_eq!(refusal(&swapped), "height: the header after block 3 is block 5");
    let missing = with(|proof| drop(proof.headers.remove(1)));
    assert_eq!(refusal(&missing), "height: the header after block 3 is block 5");
    let repeated = with(|proof| proof.headers.insert(1, proof.headers[1].clone()));
    assert_eq!(refusal(&repeated), "height: the header after block 4 is block 4");
    let descending = with(|proof| proof.headers.reverse());
    assert!(refusal(&descending).starts_with("height:"));
    let shorter = with(|proof| drop(proof.headers.pop()));
    assert!(refusal(&shorter).starts_with("certificate block:"));
}

#[test]
fn a_changed_header_breaks_the_link_or_the_certificate() {
    let change = |header: &BlockHeader, change: &dyn Fn(&mut HeaderParts)| {
        let mut parts = HeaderParts {
            view: header.view(),
            parent_view: header.parent_view(),
            parent: header.parent(),
            height: header.height(),
            ..parts(header)
        };
        change(&mut parts);
        Arc::new(BlockHeader::seal(&parts))
    };
    let unchanged = with(|proof| proof.headers[0] = change(&proof.headers[0], &|_| {}));
    unchanged.verify(&genesis()).unwrap();
    for place in 0..3 {
        let other = with(|proof| proof.headers[place] = change(&proof.headers[place], &|parts| parts.base_fee += 1));
        assert!(refusal(&other).starts_with("parent: block"), "{place}");
    }
    let last = with(|proof| proof.headers[3] = change(&proof.headers[3], &|parts| parts.base_fee += 1));
    assert!(refusal(&last).starts_with("certificate block:"));
    let epoch = with(|proof| proof.headers[2] = change(&proof.headers[2], &|parts| parts.epoch = Epoch(1)));
    assert!(refusal(&epoch).starts_with("epoch: block 5 is of epoch 1"));
    let view = with(|proof| proof.headers[1] = change(&proof.headers[1], &|parts| parts.parent_view = View(5)));
    assert!(refusal(&view).starts_with("parent view: block 4 says its parent is of view 5"));
    let height = with(|proof| proof.headers[3] = change(&proof.headers[3], &|parts| parts.height = Height(u64::MAX)));
    assert!(refusal(&height).starts_with("height:"));
}

#[test]
fn certificates_that_do_not_finalize_the_last_header_are_refused_by_name() {
    let context = genesis().signing_context();
    let last = good().headers[3].clone();
    let notarize = Statement::Notarize { view: last.view(), digest: last.digest() };
    let use_this = |certificate| refusal(&with(|proof| proof.certificate = Some(certificate)));

    assert_eq!(refusal(&with(|proof| proof.certificate = None)), "certificate: there is none");
    let notarization = sign(CertificateKind::Notarization, notarize, 0..5, &context);
    assert!(use_this(notarization).starts_with("certificate kind: it is a Notarization"));
    let nullify = Statement::Nullify { view: last.view() };
    let nullification = sign(CertificateKind::Nullification, nullify, 0..5, &context);
    assert!(use_this(nullification).starts_with("certificate kind:"));
    assert!(use_this(finalization(&good().headers[2], 0..5)).starts_with("certificate block:"));
    let other_view = Statement::Notarize { view: View(13), digest: last.digest() };
    let other_view = sign(CertificateKind::Finalization, other_view, 0..5, &context);
    assert!(use_this(other_view).starts_with("certificate view: it is of view 13"));

    let few = use_this(finalization(&last, 0..4));
    assert!(few.starts_with("certificate signatures: 4 signers, 5 are needed"), "{few}");
    let other_chain = sign(CertificateKind::Finalization, notarize, 0..5, &genesis_of(8, N).signing_context());
    assert!(use_this(other_chain).contains("is not the named signers' signature"));
    let other_epoch =
        sign(CertificateKind::Finalization, notarize, 0..5, &SigningContext { epoch: Epoch(1), ..context });
    assert!(use_this(other_epoch).contains("is not the named signers' signature"));
    let mut claimed = finalization(&last, 0..5);
    claimed.signers.insert(ValidatorIndex(5));
    assert!(use_this(claimed).contains("is not the named signers' signature"));
}

#[test]
fn bitmaps_of_any_other_length_or_with_strangers_are_refused() {
    let last = good().headers[3].clone();
    let proof_with = |bitmap: &[u8]| {
        let certificate = finalization(&last, 0..5);
        let mut payload = Vec::new();
        3u8.encode(&mut payload);
        certificate.view.encode(&mut payload);
        certificate.digest.encode(&mut payload);
        bitmap.encode(&mut payload);
        certificate.signature.encode(&mut payload);
        let mut bytes = Vec::new();
        Header { list: true, payload_length: payload.len() }.encode(&mut bytes);
        bytes.extend(payload);
        let headers: Vec<_> = good().headers.iter().map(|header| header.encode()).collect();
        FinalityProof::from_parts(&headers, &bytes)
    };
    proof_with(&[0b01_1111]).unwrap().verify(&genesis()).unwrap();
    for bitmap in [&[][..], &[0b01_1111, 0], &[0b01_1111, 1], &[0b0101_1111], &[0b1001_1111]] {
        let text = refusal(&proof_with(bitmap).unwrap());
        assert!(text.starts_with("certificate signatures: signer bitmap of"), "{bitmap:?}: {text}");
    }
    assert!(proof_with(&[0xff; 65]).is_err());
}

#[test]
fn every_flipped_bit_of_a_proof_is_refused() {
    let headers = chain(&genesis(), 2).split_off(1);
    let certificate = finalization(&headers[1], 0..5);
    let bytes = FinalityProof::new(headers, Some(certificate)).unwrap().encode();
    let genesis = genesis();
    FinalityProof::decode(&bytes).unwrap().verify(&genesis).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(proof) = FinalityProof::decode(&bytes) {
            assert_eq!(proof.encode(), bytes, "bit {bit}: a second encoding");
            assert!(proof.verify(&genesis).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn other_versions_are_named_and_limits_hold_before_anything_is_kept() {
    let bytes = good().encode();
    let at = bytes.iter().position(|byte| *byte == FINALITY_PROOF_VERSION).unwrap();
    for version in [0x80, 2, 9] {
        let mut other = bytes.clone();
        other[at] = version;
        let found = if version == 0x80 { 0 } else { version };
        let error = FinalityProof::decode(&other).unwrap_err();
        assert_eq!(error, CodecError::Version { what: WHAT, found, expected: FINALITY_PROOF_VERSION });
    }
    assert!(matches!(FinalityProof::decode(&vec![0xf9; MAX_PROOF_BYTES + 1]), Err(CodecError::TooLong { .. })));
    let trailing = [&bytes[..], &[0x80]].concat();
    assert!(matches!(FinalityProof::decode(&trailing), Err(CodecError::Trailing { count: 1, .. })));
    assert!(FinalityProof::decode(&[]).is_err() && FinalityProof::decode(b"a text file").is_err());

    let list = |items: Vec<u8>| {
        let inner = Header { list: true, payload_length: items.len() };
        let mut payload = codec::encode(&FINALITY_PROOF_VERSION);
        inner.encode(&mut payload);
        payload.extend(items);
        payload.push(0x80);
        let mut bytes = Vec::new();
        Header { list: true, payload_length: payload.len() }.encode(&mut bytes);
        [bytes, payload].concat()
    };
    let many = FinalityProof::decode(&list(vec![0x80; MAX_PROOF_HEADERS + 1])).unwrap_err().to_string();
    assert!(many.contains("4097 headers, at most 4096"), "{many}");
    let long = codec::encode(&crate::Bytes::from(vec![1; MAX_HEADER_BYTES + 1]));
    assert!(matches!(FinalityProof::decode(&list(long)), Err(CodecError::TooLong { what: "block header", .. })));
    let header = chain(&genesis(), 1)[1].clone();
    assert!(FinalityProof::new(vec![header; MAX_PROOF_HEADERS + 1], None).is_err());
}

#[test]
fn the_longest_proof_fits_its_bound() {
    let headers = chain(&genesis(), MAX_PROOF_HEADERS).split_off(1);
    let certificate = finalization(&headers[MAX_PROOF_HEADERS - 1], 0..6);
    let proof = FinalityProof::new(headers, Some(certificate)).unwrap();
    let bytes = proof.encode();
    assert!(bytes.len() <= MAX_PROOF_BYTES);
    FinalityProof::decode(&bytes).unwrap().verify(&genesis()).unwrap();
}
