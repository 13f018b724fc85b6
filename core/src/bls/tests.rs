use alloy_rlp::{Decodable, Encodable};
use proptest::prelude::*;

use super::*;

const MESSAGE: &[u8] = b"notarize: view 7";

fn key(seed: u8) -> BlsSecretKey {
    BlsSecretKey::from_ikm(&[seed; 32])
}

fn keys(count: u8) -> (Vec<BlsSecretKey>, Vec<BlsPublicKey>) {
    let secrets: Vec<_> = (1..=count).map(key).collect();
    let publics = secrets.iter().map(BlsSecretKey::public_key).collect();
    (secrets, publics)
}

fn votes<'a>(secrets: &[BlsSecretKey], publics: &'a [BlsPublicKey]) -> Vec<(&'a BlsPublicKey, BlsSignature)> {
    publics.iter().zip(secrets).map(|(public, secret)| (public, secret.sign(MESSAGE))).collect()
}

fn infinity<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    bytes[0] = 0xc0;
    bytes
}

/// Adds two signatures without any check.
fn sum(a: &BlsSignature, b: &BlsSignature) -> BlsSignature {
    let (a, b) = (a.parse().unwrap(), b.parse().unwrap());
    let sum = blst::min_sig::AggregateSignature::aggregate(&[&a, &b], false).unwrap();
    BlsSignature::from_point(&sum.to_signature())
}

/// The negative of a compressed point is the same x with the other sign of y.
fn negative(signature: &BlsSignature) -> BlsSignature {
    let mut bytes = signature.0;
    bytes[0] ^= 0x20;
    BlsSignature(bytes)
}

/// A point on the curve of G1 that is (almost surely) outside the subgroup: the first x that has a square root.
fn outside_subgroup_g1() -> BlsSignature {
    (0..=255u8)
        .map(|low| {
            let mut bytes = [0; SIGNATURE_BYTES];
            bytes[0] = 0x80;
            bytes[SIGNATURE_BYTES - 1] = low;
            bytes
        })
        .find(|bytes| blst::min_sig::Signature::uncompress(bytes).is_ok_and(|point| !point.subgroup_check()))
        .map(BlsSignature)
        .unwrap()
}

fn outside_subgroup_g2() -> [u8; PUBLIC_KEY_BYTES] {
    (0..=255u8)
        .map(|low| {
            let mut bytes = [0; PUBLIC_KEY_BYTES];
            bytes[0] = 0x80;
            bytes[PUBLIC_KEY_BYTES - 1] = low;
            bytes
        })
        .find(|bytes| {
            blst::min_sig::PublicKey::uncompress(bytes)
                .is_ok_and(|point| point.validate() == Err(BLST_ERROR::BLST_POINT_NOT_IN_GROUP))
        })
        .unwrap()
}

#[test]
fn a_signature_fits_its_key_and_message_and_no_other() {
    let (secrets, publics) = keys(2);
    let signature = secrets[0].sign(MESSAGE);
    assert_eq!(publics[0].verify(MESSAGE, &signature), Ok(()));
    assert_eq!(publics[1].verify(MESSAGE, &signature), Err(BlsError::Mismatch));
    assert_eq!(publics[0].verify(b"another", &signature), Err(BlsError::Mismatch));
}

#[test]
fn a_fixed_seed_gives_the_golden_key_signature_and_proof() {
    let secret = key(7);
    let public = secret.public_key();
    assert_eq!(hex::encode(*secret.to_bytes()), GOLDEN_SECRET);
    assert_eq!(public.to_string(), GOLDEN_PUBLIC);
    assert_eq!(secret.sign(b"minuet").to_string(), GOLDEN_SIGNATURE);
    assert_eq!(secret.prove_possession().to_string(), GOLDEN_POSSESSION);
}

const GOLDEN_SECRET: &str = "23c205e368093188a73311a45658e3d30e00741019b0eff05277ba2fd42bc422";
const GOLDEN_PUBLIC: &str = "8038bfe033bc328ea36bb7c3438bc5a27a0dc880506277e116c8b842ed0c1ea78d32c90b04afbca59bd828c1e6c5e3f319274412f2e9eecf7334114b02847693e9d997f1aa9f936d90cae8946df6593033431513e210880bcda015da1b61f6f5";
const GOLDEN_SIGNATURE: &str =
    "aa37f1bbad5bad223ae4d635431fdeb41ce18277ac3194bc4b7a4f057076ca7f06341d479401395a64a25a91019362f8";
const GOLDEN_POSSESSION: &str =
    "b0781d031286474e1c0cbbf03cd86d4c63ae189b5417dea0b9708aff4efb61459f6c0612feb5ca0b021c18b45285e62b";

#[test]
fn the_domains_are_the_ones_that_were_published() {
    assert_eq!(STATEMENT_DST, b"MINUET-V1-BLS12381G1_XMD:SHA-256_SSWU_RO_STMT_");
    assert_eq!(POSSESSION_DST, b"MINUET-V1-BLS12381G1_XMD:SHA-256_SSWU_RO_POP_");
}

#[test]
fn a_statement_never_passes_as_a_proof_of_possession_nor_the_reverse() {
    let secret = key(1);
    let public = secret.public_key();
    let statement_over_key = secret.sign(public.as_bytes());
    assert_eq!(public.verify_possession(&statement_over_key), Err(BlsError::Mismatch));
    let proof = secret.prove_possession();
    assert_eq!(public.verify_possession(&proof), Ok(()));
    assert_eq!(public.verify(public.as_bytes(), &proof), Err(BlsError::Mismatch));
}

#[test]
fn a_rogue_key_forges_an_aggregate_but_cannot_prove_possession() {
    let victim = key(1).public_key();
    let attacker = key(2);
    // The rogue key is attacker·G − victim; its secret is known to nobody.
    let mut difference = blst::min_sig::AggregatePublicKey::from_public_key(&attacker.public_key().point);
    difference.sub_aggregate(&blst::min_sig::AggregatePublicKey::from_public_key(&victim.point));
    let rogue = BlsPublicKey::from_bytes(&difference.to_public_key().compress()).unwrap();

    let forged = attacker.sign(MESSAGE);
    assert_eq!(verify_aggregate(&[&victim, &rogue], MESSAGE, &forged), Ok(()), "this is why possession must be proven");
    for attempt in [attacker.prove_possession(), attacker.sign(rogue.as_bytes()), forged] {
        assert_eq!(rogue.verify_possession(&attempt), Err(BlsError::Mismatch));
    }
}

#[test]
fn keys_and_signatures_survive_their_encodings() {
    let secret = key(3);
    let again = BlsSecretKey::from_bytes(&secret.to_bytes()).unwrap();
    assert_eq!(again.public_key(), secret.public_key());
    let public = secret.public_key();
    assert_eq!(BlsPublicKey::from_bytes(&public.to_bytes()), Ok(public.clone()));
    let encoded = alloy_rlp::encode(&public);
    assert_eq!(encoded.len(), public.length());
    assert_eq!(BlsPublicKey::decode(&mut &encoded[..]), Ok(public));

    let signature = secret.sign(MESSAGE);
    let encoded = alloy_rlp::encode(signature);
    assert_eq!(encoded.len(), 49);
    assert_eq!(BlsSignature::decode(&mut &encoded[..]), Ok(signature));
}

#[test]
fn signatures_of_other_lengths_are_refused_by_the_codec() {
    for length in [0, 1, 47, 49, 96] {
        let encoded = alloy_rlp::encode(&vec![0x80u8; length][..]);
        assert!(BlsSignature::decode(&mut &encoded[..]).is_err(), "{length} bytes");
        assert_eq!(
            BlsSignature::from_bytes(&vec![0; length]),
            Err(BlsError::Signature(PointFault::Length { expected: 48, found: length }))
        );
    }
}

#[test]
fn unusable_secret_keys_are_refused() {
    assert_eq!(BlsSecretKey::from_bytes(&[0; 32]).err(), Some(BlsError::SecretKey));
    assert_eq!(BlsSecretKey::from_bytes(&[0xff; 32]).err(), Some(BlsError::SecretKey));
}

#[test]
fn unusable_public_keys_are_refused_each_with_its_reason() {
    let refuse = |bytes: &[u8]| match BlsPublicKey::from_bytes(bytes) {
        Err(BlsError::PublicKey(fault)) => fault,
        other => panic!("{other:?}"),
    };
    assert_eq!(refuse(&infinity::<PUBLIC_KEY_BYTES>()), PointFault::Infinity);
    assert_eq!(refuse(&outside_subgroup_g2()), PointFault::NotInSubgroup);
    assert_eq!(refuse(&[0xff; PUBLIC_KEY_BYTES]), PointFault::Encoding);
    assert_eq!(refuse(&[0; 95]), PointFault::Length { expected: 96, found: 95 });
    let uncompressed = key(1).public_key().point.serialize();
    assert_eq!(refuse(&uncompressed), PointFault::Length { expected: 96, found: 192 });
}

#[test]
fn unusable_signatures_are_refused_each_with_its_reason() {
    let public = key(1).public_key();
    let infinity = BlsSignature(infinity());
    let garbage = BlsSignature([0xff; SIGNATURE_BYTES]);
    for (signature, fault) in [
        (infinity, PointFault::Infinity),
        (outside_subgroup_g1(), PointFault::NotInSubgroup),
        (garbage, PointFault::Encoding),
    ] {
        assert_eq!(public.verify(MESSAGE, &signature), Err(BlsError::Signature(fault)));
        assert_eq!(verify_aggregate(&[&public], MESSAGE, &signature), Err(BlsError::Signature(fault)));
        let good = key(1).sign(MESSAGE);
        assert_eq!(aggregate(&[good, signature]), Err(BlsError::Member { index: 1, fault }));
        assert_eq!(verify_each(&[(&public, signature)], MESSAGE), [false]);
    }
}

#[test]
fn an_aggregate_verifies_for_exactly_its_signers_and_message() {
    let (secrets, publics) = keys(5);
    let items = votes(&secrets, &publics);
    let sum = aggregate_and_verify(&items, MESSAGE).unwrap();
    let signatures: Vec<_> = items.iter().map(|(_, signature)| *signature).collect();
    assert_eq!(aggregate(&signatures), Ok(sum));

    let signers: Vec<_> = publics.iter().collect();
    assert_eq!(verify_aggregate(&signers, MESSAGE, &sum), Ok(()));
    assert_eq!(verify_aggregate(&signers[1..], MESSAGE, &sum), Err(BlsError::Mismatch));
    assert_eq!(verify_aggregate(&signers, b"another", &sum), Err(BlsError::Mismatch));
}

#[test]
fn nobody_signs_nothing() {
    assert_eq!(aggregate(&[]), Err(BlsError::NoSigners));
    assert_eq!(aggregate_and_verify(&[], MESSAGE), Err(BlsError::NoSigners));
    let signature = key(1).sign(MESSAGE);
    assert_eq!(verify_aggregate(&[], MESSAGE, &signature), Err(BlsError::NoSigners));
    assert!(verify_each(&[], MESSAGE).is_empty());
}

#[test]
fn keys_that_cancel_out_sign_nothing() {
    let public = key(1).public_key();
    let mut bytes = public.to_bytes();
    bytes[0] ^= 0x20;
    let opposite = BlsPublicKey::from_bytes(&bytes).unwrap();
    let signature = key(1).sign(MESSAGE);
    let opposite_signature = negative(&signature);
    assert_eq!(opposite.verify(MESSAGE, &opposite_signature), Ok(()));
    assert_eq!(aggregate(&[signature, opposite_signature]), Err(BlsError::Signature(PointFault::Infinity)));
    assert_eq!(verify_aggregate(&[&public, &opposite], MESSAGE, &signature), Err(BlsError::Mismatch));
    assert_eq!(verify_each(&[(&public, signature), (&opposite, opposite_signature)], MESSAGE), [true, true]);
}

#[test]
fn offsets_that_cancel_pass_as_an_aggregate_but_each_is_found() {
    let (secrets, publics) = keys(6);
    let mut items = votes(&secrets, &publics);
    let delta = key(99).sign(b"delta");
    items[1].1 = sum(&items[1].1, &delta);
    items[4].1 = sum(&items[4].1, &negative(&delta));
    assert!(aggregate_and_verify(&items, MESSAGE).is_ok());
    assert_eq!(verify_each(&items, MESSAGE), [true, false, true, true, false, true]);
}

#[test]
fn a_vote_outside_the_subgroup_is_named_and_cancelling_ones_change_nothing() {
    let (secrets, publics) = keys(3);
    let honest = votes(&secrets, &publics);
    let expected = aggregate_and_verify(&honest, MESSAGE).unwrap();
    let add = |a: &BlsSignature, b: &BlsSignature| {
        let (a, b) = (a.on_curve().unwrap(), b.on_curve().unwrap());
        let sum = blst::min_sig::AggregateSignature::aggregate(&[&a, &b], false).unwrap();
        BlsSignature::from_point(&sum.to_signature())
    };
    let offset = outside_subgroup_g1();
    let mut items = honest.clone();
    items[1].1 = add(&items[1].1, &offset);
    let fault = PointFault::NotInSubgroup;
    assert_eq!(aggregate_and_verify(&items, MESSAGE), Err(BlsError::Member { index: 1, fault }));
    assert_eq!(verify_each(&items, MESSAGE), [true, false, true]);

    items[2].1 = add(&items[2].1, &negative(&offset));
    assert_eq!(aggregate_and_verify(&items, MESSAGE), Ok(expected));
    let members: Vec<_> = items.iter().map(|(_, signature)| *signature).collect();
    assert_eq!(aggregate(&members), Err(BlsError::Member { index: 1, fault }));
    assert_eq!(verify_each(&items, MESSAGE), [true, false, false]);
}

#[test]
fn a_wrong_vote_fails_the_aggregate_and_is_singled_out_of_many() {
    let (secrets, publics) = keys(41);
    let mut items = votes(&secrets, &publics);
    assert_eq!(verify_each(&items, MESSAGE), [true; 41]);
    items[17].1 = secrets[17].sign(b"another");
    items[30].1 = BlsSignature([0xff; SIGNATURE_BYTES]);
    assert_eq!(aggregate_and_verify(&items, MESSAGE), Err(BlsError::Member { index: 30, fault: PointFault::Encoding }));
    let verdicts = verify_each(&items, MESSAGE);
    let wrong: Vec<_> = (0..41).filter(|&index| !verdicts[index]).collect();
    assert_eq!(wrong, [17, 30]);
}

#[test]
fn secrets_and_points_print_nothing_long() {
    let secret = key(1);
    assert_eq!(format!("{secret:?}"), "BlsSecretKey(hidden)");
    assert!(format!("{:?}", secret.public_key()).len() < 32);
    assert!(format!("{:?}", secret.sign(MESSAGE)).len() < 32);
}

#[test]
fn generated_keys_differ() {
    let (a, b) = (BlsSecretKey::generate().unwrap(), BlsSecretKey::generate().unwrap());
    assert_ne!(a.public_key(), b.public_key());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn each_verdict_is_the_single_one(wrong in proptest::collection::vec(0u8..4, 1..14)) {
        let (secrets, publics) = keys(u8::try_from(wrong.len()).unwrap());
        let mut items = votes(&secrets, &publics);
        for (position, kind) in wrong.iter().enumerate() {
            match kind {
                1 => items[position].1 = secrets[position].sign(b"another"),
                2 => items[position].1 = outside_subgroup_g1(),
                _ => {}
            }
        }
        let single: Vec<bool> =
            items.iter().map(|(public, signature)| public.verify(MESSAGE, signature).is_ok()).collect();
        prop_assert_eq!(verify_each(&items, MESSAGE), single);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = BlsPublicKey::from_bytes(&bytes);
        let _ = BlsPublicKey::decode(&mut &bytes[..]);
        if let Ok(signature) = BlsSignature::from_bytes(&bytes) {
            let _ = aggregate(&[signature]);
        }
    }
}
