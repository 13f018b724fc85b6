use super::*;
use crate::bls::{BlsSecretKey, BlsSignature, SIGNATURE_BYTES};
use crate::committee::Validator;
use crate::ed25519::Ed25519PublicKey;
use crate::{Address, B256, Epoch};

const N: u8 = 6;
const CONTEXT: SigningContext = SigningContext { genesis: B256::repeat_byte(0xaa), epoch: Epoch(0) };
const DIGEST: B256 = B256::repeat_byte(0xdd);
const NOTARIZE: Statement = Statement::Notarize { view: View(7), digest: DIGEST };
const NULLIFY: Statement = Statement::Nullify { view: View(7) };

fn key(index: u8) -> BlsSecretKey {
    BlsSecretKey::from_ikm(&[index + 1; 32])
}

fn committee_of(n: u8) -> Committee {
    let validators = (0..n).map(|index| Validator {
        bls_key: key(index).public_key(),
        network_key: Ed25519PublicKey([index; 32]),
        fee_recipient: Address::ZERO,
    });
    Committee::new(validators.collect()).unwrap()
}

fn signature(index: u8, statement: Statement) -> (ValidatorIndex, StatementSignature) {
    let signer = ValidatorIndex(index.into());
    (signer, statement.sign(signer, &key(index), &CONTEXT).signature)
}

fn certificate(kind: CertificateKind, statement: Statement, signers: impl IntoIterator<Item = u8>) -> Certificate {
    let signatures: Vec<_> = signers.into_iter().map(|index| signature(index, statement)).collect();
    Certificate::assemble(kind, &statement, N.into(), &signatures).unwrap()
}

fn verify(certificate: &Certificate) -> Result<(), CertificateError> {
    certificate.verify(&committee_of(N), &CONTEXT)
}

fn raw(kind: u8, digest: B256, signers: Vec<u8>) -> Vec<u8> {
    let signature = BlsSignature([1; SIGNATURE_BYTES]).into();
    codec::encode(&CertificateFields { kind, view: View(7), digest, signers: signers.into(), signature })
}

#[test]
fn quorums_of_each_kind_verify_and_read_back() {
    for good in [
        certificate(CertificateKind::Notarization, NOTARIZE, [0, 2, 5]),
        certificate(CertificateKind::Nullification, NULLIFY, [1, 3, 4]),
        certificate(CertificateKind::Finalization, NOTARIZE, [0, 1, 2, 4, 5]),
        certificate(CertificateKind::Finalization, NOTARIZE, 0..6),
    ] {
        verify(&good).unwrap();
        assert_eq!(Certificate::from_bytes(&good.to_bytes()).unwrap(), good);
    }
}

#[test]
fn one_signer_below_the_threshold_is_refused() {
    for (kind, statement, count, needed) in [
        (CertificateKind::Notarization, NOTARIZE, 2, 3),
        (CertificateKind::Nullification, NULLIFY, 2, 3),
        (CertificateKind::Finalization, NOTARIZE, 4, 5),
    ] {
        let error = verify(&certificate(kind, statement, 0..count)).unwrap_err();
        assert_eq!(error, CertificateError::BelowThreshold { count: count.into(), needed });
    }
}

#[test]
fn a_signer_that_stands_twice_counts_once() {
    let twice = certificate(CertificateKind::Notarization, NOTARIZE, [1, 4, 4, 1, 4]);
    assert_eq!(verify(&twice).unwrap_err(), CertificateError::BelowThreshold { count: 2, needed: 3 });
    let enough = certificate(CertificateKind::Notarization, NOTARIZE, [1, 4, 4, 2]);
    verify(&enough).unwrap();
}

#[test]
fn an_aggregate_with_one_signature_added_twice_is_refused() {
    let signatures: Vec<_> = [0, 1, 2, 2].map(|index| signature(index, NOTARIZE).1).into();
    let mut certificate = certificate(CertificateKind::Notarization, NOTARIZE, 0..3);
    certificate.signature = QuorumSignature::join(&signatures).unwrap();
    assert_eq!(verify(&certificate), Err(CertificateError::Signature));
}

#[test]
fn bits_for_validators_that_do_not_exist_are_refused() {
    for index in [6, 7] {
        let mut certificate = certificate(CertificateKind::Notarization, NOTARIZE, 0..5);
        certificate.signers.0[0] |= 1 << index;
        assert_eq!(verify(&certificate), Err(CertificateError::Bitmap { bytes: 1, n: 6 }), "bit {index}");
    }
}

#[test]
fn a_bitmap_of_another_length_is_refused() {
    let good = certificate(CertificateKind::Notarization, NOTARIZE, 0..3);
    for bytes in [vec![], vec![0b111, 0]] {
        let length = bytes.len();
        let certificate = Certificate { signers: SignerBitmap(bytes), ..good.clone() };
        assert_eq!(verify(&certificate), Err(CertificateError::Bitmap { bytes: length, n: 6 }));
    }
    assert!(good.verify(&committee_of(9), &CONTEXT).is_err());
}

#[test]
fn a_certificate_holds_for_its_kind_view_digest_chain_and_epoch_alone() {
    let good = certificate(CertificateKind::Finalization, NOTARIZE, 0..6);
    for (name, bad) in [
        ("kind", Certificate { kind: CertificateKind::Nullification, digest: B256::ZERO, ..good.clone() }),
        ("view", Certificate { view: View(8), ..good.clone() }),
        ("digest", Certificate { digest: B256::repeat_byte(0xde), ..good.clone() }),
    ] {
        assert_eq!(verify(&bad), Err(CertificateError::Signature), "{name}");
    }
    let committee = committee_of(N);
    for context in
        [SigningContext { genesis: B256::repeat_byte(0xab), ..CONTEXT }, SigningContext { epoch: Epoch(1), ..CONTEXT }]
    {
        assert_eq!(good.verify(&committee, &context), Err(CertificateError::Signature));
    }
    let notarization = Certificate { kind: CertificateKind::Notarization, ..good };
    verify(&notarization).unwrap();
}

#[test]
fn a_nullification_made_of_votes_for_a_block_is_refused() {
    let signatures: Vec<_> = (0..3).map(|index| signature(index, NOTARIZE)).collect();
    let forged = Certificate::assemble(CertificateKind::Nullification, &NULLIFY, N.into(), &signatures).unwrap();
    assert_eq!(verify(&forged), Err(CertificateError::Signature));
}

#[test]
fn votes_for_different_blocks_make_no_certificate() {
    let other = Statement::Notarize { view: View(7), digest: B256::repeat_byte(0xde) };
    let mixed = [signature(0, NOTARIZE), signature(1, NOTARIZE), signature(2, other)];
    let certificate = Certificate::assemble(CertificateKind::Notarization, &NOTARIZE, N.into(), &mixed).unwrap();
    assert_eq!(verify(&certificate), Err(CertificateError::Signature));
}

#[test]
fn signatures_under_other_names_are_refused() {
    let renamed = [0, 1, 2].map(|index| (ValidatorIndex(5 - u16::from(index)), signature(index, NOTARIZE).1));
    let forged = Certificate::assemble(CertificateKind::Notarization, &NOTARIZE, N.into(), &renamed).unwrap();
    assert_eq!(verify(&forged), Err(CertificateError::Signature));
}

#[test]
fn bytes_that_are_no_curve_point_make_no_certificate() {
    let broken = [(ValidatorIndex(0), BlsSignature([0xff; SIGNATURE_BYTES]).into())];
    let result = Certificate::assemble(CertificateKind::Notarization, &NOTARIZE, N.into(), &broken);
    assert_eq!(result.unwrap_err(), CertificateError::Signature);
    let mut certificate = certificate(CertificateKind::Notarization, NOTARIZE, 0..3);
    certificate.signature = BlsSignature([0; SIGNATURE_BYTES]).into();
    assert_eq!(verify(&certificate), Err(CertificateError::Signature));
}

#[test]
fn forms_that_no_certificate_has_do_not_decode() {
    Certificate::from_bytes(&raw(1, DIGEST, vec![7])).unwrap();
    for (name, bytes) in [
        ("kind 0", raw(0, DIGEST, vec![7])),
        ("kind 4", raw(4, DIGEST, vec![7])),
        ("a nullification with a digest", raw(2, DIGEST, vec![7])),
        ("a bitmap longer than any committee's", raw(1, DIGEST, vec![0xff; MAX_VALIDATORS / 8 + 1])),
    ] {
        assert!(Certificate::from_bytes(&bytes).is_err(), "{name}");
    }
}

#[test]
fn truncated_oversized_and_continued_certificates_are_refused() {
    let bytes = certificate(CertificateKind::Notarization, NOTARIZE, 0..3).to_bytes();
    for length in 0..bytes.len() {
        assert!(Certificate::from_bytes(&bytes[..length]).is_err(), "{length} bytes");
    }
    let continued = [bytes.as_slice(), &[0]].concat();
    assert!(matches!(Certificate::from_bytes(&continued), Err(CodecError::Trailing { count: 1, .. })));
    let oversized = vec![0xf8; MAX_CERTIFICATE_BYTES + 1];
    assert!(matches!(Certificate::from_bytes(&oversized), Err(CodecError::TooLong { .. })));
}

#[test]
fn the_largest_committee_fits_the_limit() {
    let mut signers = SignerBitmap::new(MAX_VALIDATORS);
    assert!((0..512).all(|index| signers.insert(ValidatorIndex(index))));
    assert!(!signers.insert(ValidatorIndex(512)) && !signers.contains(ValidatorIndex(512)));
    assert_eq!(signers.count(), 512);
    let signature = BlsSignature([0xff; SIGNATURE_BYTES]).into();
    let kind = CertificateKind::Finalization;
    let largest = Certificate { kind, view: View(u64::MAX), digest: DIGEST, signers, signature };
    assert!(largest.to_bytes().len() <= MAX_CERTIFICATE_BYTES);
    assert_eq!(Certificate::from_bytes(&largest.to_bytes()).unwrap(), largest);
}

#[test]
fn bitmaps_list_their_members_in_order() {
    let mut signers = SignerBitmap::new(11);
    for index in [10, 0, 7, 8] {
        assert!(signers.insert(ValidatorIndex(index)));
    }
    assert!(!signers.insert(ValidatorIndex(7)));
    assert_eq!(signers.iter().map(|signer| signer.0).collect::<Vec<_>>(), [0, 7, 8, 10]);
    assert_eq!(signers.as_bytes(), [0b1000_0001, 0b0000_0101]);
}
