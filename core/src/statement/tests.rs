use super::*;
use crate::bls::{BlsSecretKey, BlsSignature, SIGNATURE_BYTES};
use crate::committee::Validator;
use crate::ed25519::Ed25519PublicKey;

const CONTEXT: SigningContext = SigningContext { genesis: B256::repeat_byte(0xaa), epoch: Epoch(3) };

fn key(seed: u8) -> BlsSecretKey {
    BlsSecretKey::from_ikm(&[seed; 32])
}

fn notarize() -> Statement {
    Statement::Notarize { view: View(7), digest: B256::repeat_byte(0xdd) }
}

fn nullify() -> Statement {
    Statement::Nullify { view: View(7) }
}

fn encoded(kind: u8, view: u64, digest: B256) -> Vec<u8> {
    let statement = StatementFields { kind, view: View(view), digest };
    let mut payload = codec::encode(&statement);
    payload.push(0x02);
    payload.extend(codec::encode(&BlsSignature([1; SIGNATURE_BYTES])));
    let mut bytes = Vec::new();
    alloy_rlp::Header { list: true, payload_length: payload.len() }.encode(&mut bytes);
    [bytes, payload].concat()
}

#[test]
fn statements_read_back_equal() {
    for statement in [notarize(), nullify(), Statement::Nullify { view: View(u64::MAX) }] {
        let signed = statement.sign(ValidatorIndex(511), &key(1), &CONTEXT);
        let bytes = signed.to_bytes();
        assert!(bytes.len() <= MAX_STATEMENT_BYTES);
        assert_eq!(SignedStatement::from_bytes(&bytes).unwrap(), signed);
    }
}

#[test]
fn a_signature_holds_for_its_key_statement_chain_and_epoch_alone() {
    let signed = notarize().sign(ValidatorIndex(0), &key(1), &CONTEXT);
    let of = |seed: u8| {
        let validator = Validator {
            bls_key: key(seed).public_key(),
            network_key: Ed25519PublicKey([1; 32]),
            fee_recipient: crate::Address::ZERO,
        };
        Committee::new(vec![validator]).unwrap()
    };
    let committee = of(1);
    assert!(signed.is_genuine(&committee, &CONTEXT));

    let other_chain = SigningContext { genesis: B256::repeat_byte(0xab), ..CONTEXT };
    let other_epoch = SigningContext { epoch: Epoch(4), ..CONTEXT };
    for context in [other_chain, other_epoch] {
        assert!(!signed.is_genuine(&committee, &context));
    }
    assert!(!signed.is_genuine(&of(2), &CONTEXT));
    let nobody = SignedStatement { signer: ValidatorIndex(1), ..signed };
    assert!(!nobody.is_genuine(&committee, &CONTEXT));
    for statement in [
        nullify(),
        Statement::Notarize { view: View(8), digest: B256::repeat_byte(0xdd) },
        Statement::Notarize { view: View(7), digest: B256::repeat_byte(0xde) },
    ] {
        assert!(!SignedStatement { statement, ..signed }.is_genuine(&committee, &CONTEXT));
    }
}

#[test]
fn a_vote_for_the_zero_digest_is_not_a_nullify() {
    let zero = Statement::Notarize { view: View(7), digest: B256::ZERO };
    assert_ne!(zero.message(&CONTEXT), nullify().message(&CONTEXT));
    assert_ne!(zero, nullify());
}

#[test]
fn unknown_kinds_and_a_nullify_with_a_digest_are_refused() {
    SignedStatement::from_bytes(&encoded(1, 7, B256::repeat_byte(1))).unwrap();
    SignedStatement::from_bytes(&encoded(2, 7, B256::ZERO)).unwrap();
    for (kind, digest) in [(0, B256::ZERO), (3, B256::ZERO), (255, B256::ZERO), (2, B256::repeat_byte(1))] {
        assert!(SignedStatement::from_bytes(&encoded(kind, 7, digest)).is_err(), "kind {kind}");
    }
}

#[test]
fn truncated_oversized_and_continued_statements_are_refused() {
    let bytes = notarize().sign(ValidatorIndex(5), &key(1), &CONTEXT).to_bytes();
    for length in 0..bytes.len() {
        assert!(SignedStatement::from_bytes(&bytes[..length]).is_err(), "{length} bytes");
    }
    let continued = [bytes.as_slice(), &[0]].concat();
    assert!(matches!(SignedStatement::from_bytes(&continued), Err(CodecError::Trailing { count: 1, .. })));
    let oversized = vec![0xf8; MAX_STATEMENT_BYTES + 1];
    assert!(matches!(SignedStatement::from_bytes(&oversized), Err(CodecError::TooLong { .. })));
}
