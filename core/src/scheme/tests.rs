use super::*;
use crate::certificate::{Certificate, CertificateError, CertificateKind, MAX_CERTIFICATE_BYTES};
use crate::committee::{Committee, CommitteeError};
use crate::statement::{SignedStatement, SigningContext, Statement};
use crate::{Address, Digest, Epoch, View, codec};

const N: u8 = 6;
const CONTEXT: SigningContext = SigningContext { genesis: B256::repeat_byte(0xaa), epoch: Epoch(0) };
const VOTE: Statement = Statement::Notarize { view: View(7), digest: B256::repeat_byte(0xdd) };
const BOTH: [StatementScheme; 2] = [StatementScheme::Bls, StatementScheme::Ed25519];

fn network_key(index: u8) -> Ed25519SecretKey {
    Ed25519SecretKey::from_bytes(&[index + 1; 32])
}

fn bls_key(index: u8) -> BlsSecretKey {
    BlsSecretKey::from_ikm(&[index + 1; 32])
}

fn validators(n: u8) -> Vec<Validator> {
    let validator = |index| Validator {
        bls_key: bls_key(index).public_key(),
        network_key: network_key(index).public_key(),
        fee_recipient: Address::ZERO,
    };
    (0..n).map(validator).collect()
}

fn committee(scheme: StatementScheme) -> Committee {
    Committee::with_scheme(validators(N), scheme).unwrap()
}

fn vote(scheme: StatementScheme, signer: u8, statement: Statement) -> SignedStatement {
    let key: &dyn StatementKey = match scheme {
        StatementScheme::Bls => &bls_key(signer),
        StatementScheme::Ed25519 => &network_key(signer),
    };
    statement.sign(ValidatorIndex(signer.into()), key, &CONTEXT)
}

fn votes(scheme: StatementScheme, signers: &[u8]) -> Vec<(ValidatorIndex, StatementSignature)> {
    let sign = |signer: &u8| (ValidatorIndex(u16::from(*signer)), vote(scheme, *signer, VOTE).signature);
    signers.iter().map(sign).collect()
}

fn certificate(scheme: StatementScheme, signers: &[u8]) -> Certificate {
    Certificate::assemble(CertificateKind::Notarization, &VOTE, N.into(), &votes(scheme, signers)).unwrap()
}

/// What is gathered from these, checked as a whole.
fn gathered(
    scheme: StatementScheme,
    committee: &Committee,
    votes: &[(ValidatorIndex, StatementSignature)],
) -> Option<QuorumSignature> {
    let signed: Vec<_> = votes.iter().map(|(signer, vote)| (*signer, committee.get(*signer).unwrap(), *vote)).collect();
    scheme.gather(&signed, &VOTE.message(&CONTEXT))
}

#[test]
fn what_is_gathered_in_any_order_is_the_certificate_of_its_signers() {
    for scheme in BOTH {
        let committee = committee(scheme);
        let expected = certificate(scheme, &[1, 3, 5]);
        expected.verify(&committee, &CONTEXT).unwrap();
        assert_eq!(Certificate::from_bytes(&expected.to_bytes()).unwrap(), expected);
        for order in [[1, 3, 5], [5, 1, 3], [3, 5, 1]] {
            assert_eq!(gathered(scheme, &committee, &votes(scheme, &order)).as_ref(), Some(&expected.signature));
            assert_eq!(certificate(scheme, &order), expected);
        }
    }
}

#[test]
fn one_wrong_signature_is_found_alone_and_spoils_the_whole() {
    for scheme in BOTH {
        let committee = committee(scheme);
        let mut votes = votes(scheme, &[0, 2, 4]);
        votes[1].1 = vote(scheme, 2, Statement::Nullify { view: View(7) }).signature;
        assert_eq!(gathered(scheme, &committee, &votes), None);
        let signed: Vec<_> =
            votes.iter().map(|(signer, vote)| (*signer, committee.get(*signer).unwrap(), *vote)).collect();
        assert_eq!(scheme.verify_each(&signed, &VOTE.message(&CONTEXT)), [true, false, true], "{scheme}");
        let forged = Certificate::assemble(CertificateKind::Notarization, &VOTE, N.into(), &votes).unwrap();
        assert_eq!(forged.verify(&committee, &CONTEXT), Err(CertificateError::Signature));
    }
    assert_eq!(gathered(StatementScheme::Ed25519, &committee(StatementScheme::Ed25519), &[]), None);
}

#[test]
fn signatures_of_the_other_scheme_are_wrong_ones() {
    for (scheme, other) in [(BOTH[0], BOTH[1]), (BOTH[1], BOTH[0])] {
        let committee = committee(scheme);
        assert!(!vote(other, 1, VOTE).is_genuine(&committee, &CONTEXT));
        assert!(vote(scheme, 1, VOTE).is_genuine(&committee, &CONTEXT));
        let foreign = certificate(other, &[0, 1, 2]);
        assert_eq!(foreign.verify(&committee, &CONTEXT), Err(CertificateError::Signature), "{scheme}");
        let mixed = [votes(scheme, &[0, 1]), votes(other, &[2])].concat();
        assert_eq!(gathered(scheme, &committee, &mixed), None);
        assert_eq!(QuorumSignature::join(&mixed.iter().map(|(_, vote)| *vote).collect::<Vec<_>>()), None);
        let signed: Vec<_> =
            mixed.iter().map(|(signer, vote)| (*signer, committee.get(*signer).unwrap(), *vote)).collect();
        assert_eq!(scheme.verify_each(&signed, &VOTE.message(&CONTEXT)), [true, true, false]);
    }
}

#[test]
fn a_list_has_one_signature_for_each_signer_in_their_order() {
    let committee = committee(StatementScheme::Ed25519);
    let good = certificate(StatementScheme::Ed25519, &[0, 1, 2]);
    let QuorumSignature::Ed25519(list) = good.signature.clone() else { panic!("{good:?}") };
    let with =
        |list: &[Ed25519Signature]| Certificate { signature: QuorumSignature::Ed25519(list.to_vec()), ..good.clone() };
    for (name, list) in [
        ("one is missing", list[..2].to_vec()),
        ("one stands twice more", [&list[..], &list[2..]].concat()),
        ("none", Vec::new()),
    ] {
        let bad = with(&list);
        assert_eq!(bad.verify(&committee, &CONTEXT), Err(CertificateError::Signature), "{name}");
        assert!(Certificate::from_bytes(&bad.to_bytes()).is_err(), "{name}");
    }
    for (name, list) in [("in another order", [list[1], list[0], list[2]]), ("the same thrice", [list[0]; 3])] {
        let bad = with(&list);
        assert_eq!(bad.verify(&committee, &CONTEXT), Err(CertificateError::Signature), "{name}");
        assert_eq!(Certificate::from_bytes(&bad.to_bytes()).unwrap(), bad, "its form is good");
    }
}

#[test]
fn lengths_that_no_signature_has_do_not_decode() {
    for length in [0, 1, 47, 49, 63, 65, 96, 128] {
        assert_eq!(StatementSignature::from_bytes(&vec![1; length]), None, "{length} bytes");
    }
    for length in [0, 1, 47, 49, 63, 65, 96, 127, 64 * (MAX_ED25519_VALIDATORS + 1)] {
        assert_eq!(QuorumSignature::from_bytes(&vec![1; length]), None, "{length} bytes");
    }
    for length in [48, 64, 128, 64 * MAX_ED25519_VALIDATORS] {
        let signature = QuorumSignature::from_bytes(&vec![1; length]).unwrap();
        assert_eq!(signature.to_bytes().len(), length);
        assert_eq!(codec::encode(&signature).len(), alloy_rlp::Encodable::length(&signature));
    }
}

#[test]
fn committees_beyond_the_limit_sign_with_bls() {
    let limit = u8::try_from(MAX_ED25519_VALIDATORS).unwrap();
    let most = Committee::with_scheme(validators(limit), StatementScheme::Ed25519).unwrap();
    let error = Committee::with_scheme(validators(limit + 1), StatementScheme::Ed25519).unwrap_err();
    assert_eq!(error, CommitteeError::TooManyForEd25519 { count: MAX_ED25519_VALIDATORS + 1 });
    assert_eq!(StatementScheme::for_committee_of(MAX_ED25519_VALIDATORS), StatementScheme::Ed25519);
    assert_eq!(StatementScheme::for_committee_of(MAX_ED25519_VALIDATORS + 1), StatementScheme::Bls);

    let signers: Vec<u8> = (0..limit).collect();
    let view = Statement::Notarize { view: View(u64::MAX), digest: Digest::repeat_byte(0xff) };
    let sign = |signer: &u8| {
        let signed = vote(StatementScheme::Ed25519, *signer, view);
        (signed.signer, signed.signature)
    };
    let signatures: Vec<_> = signers.iter().map(sign).collect();
    let largest = Certificate::assemble(CertificateKind::Finalization, &view, limit.into(), &signatures).unwrap();
    largest.verify(&most, &CONTEXT).unwrap();
    assert!(largest.to_bytes().len() <= MAX_CERTIFICATE_BYTES);
}

#[test]
fn what_a_network_key_signs_elsewhere_is_no_statement() {
    let message = VOTE.message(&CONTEXT);
    let committee = committee(StatementScheme::Ed25519);
    for bytes in [message.to_vec(), [domain::TRANSACTION, message.as_slice()].concat()] {
        let signature = network_key(1).sign(&bytes).into();
        let signed = SignedStatement { statement: VOTE, signer: ValidatorIndex(1), signature };
        assert!(!signed.is_genuine(&committee, &CONTEXT));
    }
}
