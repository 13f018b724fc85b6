use std::ops::{Add, Mul};

use alloy_rlp::{Decodable, Encodable};
use ed25519_dalek::{SigningKey, VerifyingKey};
use proptest::prelude::*;
use sha2::{Digest, Sha512};

use super::*;

/// The message of the published ZIP-215 corner cases.
const VECTOR_MESSAGE: &[u8] = b"Zcash";

/// A 32-byte little-endian number with equal middle bytes.
fn number(low: u8, middle: u8, high: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    bytes[0] = low;
    bytes[31] = high;
    bytes
}

fn from_hex(text: &str) -> [u8; 32] {
    hex::decode(text).unwrap().try_into().unwrap()
}

/// All encodings of the points whose order divides eight.
pub(super) fn torsion() -> Vec<[u8; 32]> {
    [canonical_torsion(), non_canonical_torsion()].concat()
}

/// Both signs of the canonical encodings of the eight points whose order divides eight.
fn canonical_torsion() -> Vec<[u8; 32]> {
    vec![
        number(0x01, 0x00, 0x00), // order 1
        number(0xec, 0xff, 0x7f), // order 2
        number(0x00, 0x00, 0x00), // order 4
        number(0x00, 0x00, 0x80),
        from_hex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), // order 8
        from_hex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"),
        from_hex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
        from_hex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"),
    ]
}

/// Their six further encodings: y = p or p + 1 not reduced, and x = 0 with the sign set.
fn non_canonical_torsion() -> Vec<[u8; 32]> {
    vec![
        number(0x01, 0x00, 0x80),
        number(0xec, 0xff, 0xff),
        number(0xed, 0xff, 0x7f),
        number(0xed, 0xff, 0xff),
        number(0xee, 0xff, 0x7f),
        number(0xee, 0xff, 0xff),
    ]
}

/// The 196 corner cases: every pair of a low-order key and a low-order R, with s = 0.
fn corner_cases() -> Vec<Item> {
    let encodings = torsion();
    let pairs = encodings.iter().flat_map(|key| encodings.iter().map(move |r| (*key, *r)));
    pairs
        .map(|(key, r)| {
            let mut signature = [0; SIGNATURE_BYTES];
            signature[..32].copy_from_slice(&r);
            Item {
                key: Ed25519PublicKey(key),
                signature: Ed25519Signature(signature),
                message: VECTOR_MESSAGE.to_vec(),
            }
        })
        .collect()
}

/// A little-endian number as a scalar of the type of `_like`, which only the curve library can name.
fn scalar<S>(_like: S, bytes: &[u8]) -> S
where
    S: Copy + From<u8> + Add<Output = S> + Mul<Output = S>,
{
    let radix = S::from(255u8) + S::from(1u8);
    let digits = bytes.iter().rev();
    digits.fold(S::from(0u8), |sum, digit| sum * radix + S::from(*digit))
}

/// Signatures by one secret under its key plus each torsion point, with R plus each torsion point: valid by the
/// cofactored equation, mostly invalid by the one without the cofactor.
fn mixed_order_signatures() -> Vec<Item> {
    let point = |bytes: &[u8; 32]| VerifyingKey::from_bytes(bytes).unwrap().to_edwards();
    let signer = SigningKey::from_bytes(&[5; 32]);
    let nonce = SigningKey::from_bytes(&[6; 32]);
    let (secret, r) = (signer.to_scalar(), nonce.to_scalar());
    let mut items = Vec::new();
    for key_offset in canonical_torsion() {
        for r_offset in canonical_torsion() {
            let key = (signer.verifying_key().to_edwards() + point(&key_offset)).compress();
            let commitment = (nonce.verifying_key().to_edwards() + point(&r_offset)).compress();
            let mut hasher = Sha512::new();
            hasher.update(commitment.as_bytes());
            hasher.update(key.as_bytes());
            hasher.update(b"mixed");
            let challenge = scalar(secret, &hasher.finalize());
            let s = r + challenge * secret;
            let mut signature = [0; SIGNATURE_BYTES];
            signature[..32].copy_from_slice(commitment.as_bytes());
            signature[32..].copy_from_slice(s.as_bytes());
            items.push(Item {
                key: Ed25519PublicKey(key.to_bytes()),
                signature: Ed25519Signature(signature),
                message: b"mixed".to_vec(),
            });
        }
    }
    items
}

fn numbered(seed: u32, message: &[u8]) -> Item {
    let mut bytes = [9; 32];
    bytes[..4].copy_from_slice(&seed.to_le_bytes());
    signed_by(bytes, message)
}

fn signed(seed: u8, message: &[u8]) -> Item {
    signed_by([seed; 32], message)
}

fn signed_by(seed: [u8; 32], message: &[u8]) -> Item {
    let secret = Ed25519SecretKey::from_bytes(&seed);
    Item { key: secret.public_key(), signature: secret.sign(message), message: message.to_vec() }
}

fn verify_singly(items: &[Item]) -> Vec<bool> {
    items.iter().map(|item| verify(&item.key, &item.message, &item.signature).is_ok()).collect()
}

#[test]
fn all_196_corner_cases_are_valid_singly_and_in_every_batch() {
    let cases = corner_cases();
    assert_eq!(cases.len(), 196);
    assert_eq!(verify_singly(&cases), [true; 196]);
    assert_eq!(verify_batch_inline(&cases), [true; 196]);
    assert_eq!(verify_batch(&cases), [true; 196]);
    assert_eq!(verify_each_known(&cases), [true; 196]);
    for case in &cases {
        let pair = [case.clone(), signed(1, b"beside it")];
        assert_eq!(verify_batch_inline(&pair), [true; 2]);
    }
}

#[test]
fn corner_cases_keep_their_verdicts_beside_a_bad_signature() {
    let mut cases = corner_cases();
    cases[100] = Item { message: b"not what was signed".to_vec(), ..signed(1, b"honest") };
    let singly = verify_singly(&cases);
    assert_eq!(singly.iter().filter(|valid| !**valid).count(), 1);
    assert_eq!(verify_batch_inline(&cases), singly);
    assert_eq!(verify_batch(&cases), singly);
    assert_eq!(verify_each_known(&cases), singly);
}

#[test]
fn an_unreduced_s_is_refused_alone_and_in_a_batch() {
    let honest = signed(1, b"message");
    let mut unreduced = honest.clone();
    unreduced.signature.0[63] |= 0xe0;
    for others in [1, 20] {
        let items = [vec![honest.clone(); others], vec![unreduced.clone()]].concat();
        let verdicts = [vec![true; others], vec![false]].concat();
        assert_eq!(verify_singly(&items), verdicts);
        assert_eq!(verify_batch_inline(&items), verdicts);
        assert_eq!(verify_each_known(&items), verdicts);
    }
}

/// A batch that does not hold is looked at one by one, so that a wrong no shows in no verdict: here it does. Nodes with and
/// without vectors must agree, so both ways are gone where the processor has both.
#[test]
fn batches_hold_as_a_whole_only_if_every_signature_does() {
    for batch_holds in [verify::batch_holds, verify::batch_holds_by_library] {
        hold_only_if_every_signature_does(batch_holds);
    }
}

fn hold_only_if_every_signature_does(batch_holds: fn(&[Item]) -> Option<bool>) {
    let honest: Vec<Item> = (0..512u32).map(|number| numbered(number, b"message")).collect();
    for (name, all) in [("corner cases", corner_cases()), ("mixed order", mixed_order_signatures()), ("honest", honest)]
    {
        for count in [2, 7, 8, 9, 64, all.len()] {
            let items = &all[..count];
            assert_eq!(batch_holds(items), Some(true), "{name}, {count} of them");
            let last_as = |change: &dyn Fn(&mut Item)| {
                let mut items = items.to_vec();
                items[count - 1] = numbered(7, b"honest");
                change(&mut items[count - 1]);
                batch_holds(&items)
            };
            assert_eq!(last_as(&|_| {}), Some(true));
            assert_eq!(last_as(&|item| item.message.push(0)), Some(false), "{name}, {count} of them");
            assert_eq!(
                last_as(&|item| item.signature.0[..32].copy_from_slice(&number(2, 0, 0))),
                None,
                "R is no point"
            );
            assert_eq!(last_as(&|item| item.signature.0[63] |= 0xe0), None, "s is not reduced");
            assert_eq!(last_as(&|item| item.key.0 = number(2, 0, 0)), None, "the key is no point");
        }
    }
}

#[test]
fn mixed_order_keys_and_r_are_valid_alone_and_in_every_batch() {
    let items = mixed_order_signatures();
    assert_eq!(items.len(), 64);
    assert_eq!(verify_singly(&items), [true; 64]);
    assert_eq!(verify_batch_inline(&items), [true; 64]);
    assert_eq!(verify_batch(&items), [true; 64]);
    assert_eq!(verify_each_known(&items), [true; 64]);
}

/// What does not match is looked at by the library, so that a wrong no shows in no verdict: here it does. More keys than
/// are kept, and some that come again.
#[test]
#[cfg(target_arch = "x86_64")]
fn honest_signatures_of_known_keys_match_and_others_do_not() {
    let Some(wide) = wide::Wide::try_new() else { return };
    let mut items: Vec<Item> = (0..600u32).chain(0..40).map(|number| numbered(number, b"message")).collect();
    for some in items.chunks(7) {
        assert_eq!(known::matches(wide, some), vec![true; some.len()]);
    }
    items.truncate(20);
    items[1].message.push(0);
    items[4].signature.0[0] ^= 1;
    items[7].signature.0[32] ^= 1;
    items[11].signature.0[63] |= 0xe0;
    items[13].key.0 = number(2, 0, 0);
    items[19].key = items[18].key;
    let wrong: Vec<usize> =
        (0..).zip(known::matches(wide, &items)).filter(|(_, is)| !is).map(|(place, _)| place).collect();
    assert_eq!(wrong, [1, 4, 7, 11, 13, 19]);
    assert_eq!(verify_each_known(&items), verify_singly(&items));
    assert!(verify_each_known(&[]).is_empty());
}

#[test]
fn the_rfc_8032_vectors_hold() {
    let seed = from_hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    let secret = Ed25519SecretKey::from_bytes(&seed);
    assert_eq!(secret.public_key().to_string(), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    let signature = secret.sign(b"");
    assert_eq!(
        signature.to_string(),
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    );
    assert_eq!(verify(&secret.public_key(), b"", &signature), Ok(()));
}

/// Every number of them, so that lanes stay empty, and messages around the ends of what is hashed in one piece.
#[test]
fn signatures_made_together_are_those_that_are_made_alone() {
    let keys: Vec<_> = (0..=20).map(|seed| Ed25519SecretKey::from_bytes(&[seed; 32])).collect();
    let mut messages: Vec<Vec<u8>> = (0..=20).map(|length| vec![length; usize::from(length) * 15]).collect();
    messages[7] = vec![7; 1_000];
    for count in 0..=keys.len() {
        let items: Vec<_> = keys.iter().zip(&messages).map(|(key, message)| (key, &message[..])).take(count).collect();
        let alone: Vec<_> = items.iter().map(|(key, message)| key.sign(message)).collect();
        assert_eq!(sign_each(&items), alone);
    }
}

#[test]
fn a_signature_fits_its_key_and_message_and_no_other() {
    let item = signed(1, b"message");
    let other = signed(2, b"message");
    assert_eq!(verify(&item.key, b"message", &item.signature), Ok(()));
    assert_eq!(verify(&item.key, b"other", &item.signature), Err(Ed25519Error::Mismatch));
    assert_eq!(verify(&other.key, b"message", &item.signature), Err(Ed25519Error::Mismatch));
    let not_a_point = Ed25519PublicKey(number(0x02, 0x00, 0x00));
    assert_eq!(verify(&not_a_point, b"message", &item.signature), Err(Ed25519Error::PublicKey));
}

#[test]
fn bad_signatures_are_found_across_chunks_and_empty_batches_are_empty() {
    assert!(verify_batch(&[]).is_empty());
    assert!(verify_batch_inline(&[]).is_empty());
    let mut items: Vec<Item> = (0..600u32).map(|number| signed(number as u8, &number.to_be_bytes())).collect();
    assert_eq!(verify_batch(&items), vec![true; 600]);
    for bad in [0, 255, 256, 599] {
        items[bad].message.push(0);
    }
    let verdicts = verify_batch(&items);
    let found: Vec<_> = (0..600).filter(|&index| !verdicts[index]).collect();
    assert_eq!(found, [0, 255, 256, 599]);
    assert_eq!(verify_batch_inline(&items), verdicts);
}

#[test]
fn a_batch_runs_in_the_pool_it_is_called_in() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let items: Vec<Item> = (0..80).map(|seed| signed(seed, b"message")).collect();
    assert_eq!(pool.install(|| verify_batch(&items)), [true; 80]);
}

#[test]
fn low_order_keys_may_not_send() {
    for key in canonical_torsion() {
        assert_eq!(check_sender_key(&key), Err(KeyRuleError::LowOrder));
    }
}

#[test]
fn second_encodings_of_a_key_may_not_send() {
    for key in non_canonical_torsion() {
        assert_eq!(check_sender_key(&key), Err(KeyRuleError::NotCanonical));
    }
    // Every unreduced y, whether on the curve or not.
    for low in 0xed..=0xff {
        for high in [0x7f, 0xff] {
            assert_eq!(check_sender_key(&number(low, 0xff, high)), Err(KeyRuleError::NotCanonical));
        }
    }
}

#[test]
fn the_bytes_alone_show_every_refusal_but_the_missing_point() {
    let mut cases: Vec<[u8; 32]> = canonical_torsion();
    cases.extend(non_canonical_torsion());
    cases.extend((0..200u8).map(|seed| Ed25519SecretKey::from_bytes(&[seed; 32]).public_key().0));
    for bytes in cases {
        assert_eq!(check_sender_key_bytes(&bytes), check_sender_key(&bytes), "{bytes:02x?}");
    }
}

#[test]
fn a_key_that_is_no_point_may_not_send() {
    assert_eq!(check_sender_key(&number(0x02, 0x00, 0x00)), Err(KeyRuleError::NotOnCurve));
}

#[test]
fn keys_and_signatures_survive_their_encodings_and_no_other_length_does() {
    let item = signed(3, b"message");
    let key = alloy_rlp::encode(item.key);
    let signature = alloy_rlp::encode(item.signature);
    assert_eq!((key.len(), signature.len()), (item.key.length(), item.signature.length()));
    assert_eq!(Ed25519PublicKey::decode(&mut &key[..]), Ok(item.key));
    assert_eq!(Ed25519Signature::decode(&mut &signature[..]), Ok(item.signature));
    for length in [0, 1, 31, 33, 63, 65] {
        let encoded = alloy_rlp::encode(&vec![0x80u8; length][..]);
        assert!(Ed25519PublicKey::decode(&mut &encoded[..]).is_err());
        assert!(Ed25519Signature::decode(&mut &encoded[..]).is_err());
        assert!(Ed25519PublicKey::from_slice(&vec![0; length]).is_err());
        assert!(Ed25519Signature::from_slice(&vec![0; length]).is_err());
    }
    let secret = Ed25519SecretKey::from_bytes(&[3; 32]);
    assert_eq!(*secret.to_bytes(), [3; 32]);
    assert_eq!(format!("{secret:?}"), "Ed25519SecretKey(hidden)");
}

#[test]
fn generated_keys_differ() {
    let (a, b) = (Ed25519SecretKey::generate().unwrap(), Ed25519SecretKey::generate().unwrap());
    assert_ne!(a.public_key(), b.public_key());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn batches_of_good_bad_and_crafted_signatures_have_the_single_verdicts(
        kinds in proptest::collection::vec((0u8..6, any::<u8>(), 0usize..196), 0..70)
    ) {
        let cases = corner_cases();
        let items: Vec<Item> = kinds.into_iter().map(|(kind, seed, case)| {
            let mut item = signed(seed, &[seed]);
            match kind {
                0 => item.message.push(1),
                1 => item.signature.0[usize::from(seed) % 64] ^= 1 << (seed % 8),
                2 => item.key.0[usize::from(seed) % 32] ^= 1 << (seed % 8),
                3 => item = cases[case].clone(),
                _ => {}
            }
            item
        }).collect();
        let singly = verify_singly(&items);
        prop_assert_eq!(&verify_batch_inline(&items), &singly);
        prop_assert_eq!(&verify_batch(&items), &singly);
        prop_assert_eq!(&verify_each_known(&items), &singly);
        if items.len() > 1 {
            prop_assert_eq!(verify::batch_holds(&items), verify::batch_holds_by_library(&items));
        }
    }

    #[test]
    fn the_key_rule_agrees_with_compressing_the_point_again(bytes in any::<[u8; 32]>()) {
        let expected = match VerifyingKey::from_bytes(&bytes) {
            Err(_) => Err(KeyRuleError::NotOnCurve),
            Ok(key) if key.to_edwards().compress().to_bytes() != bytes => Err(KeyRuleError::NotCanonical),
            Ok(key) if key.is_weak() => Err(KeyRuleError::LowOrder),
            Ok(_) => Ok(()),
        };
        prop_assert_eq!(check_sender_key(&bytes), expected);
    }
}
