use super::*;

#[test]
fn thresholds_are_derived_from_n_alone() {
    let row = |n| {
        let q = Quorums::new(n).unwrap();
        (q.f(), q.m(), q.l())
    };
    assert_eq!(row(1), (0, 1, 1));
    assert_eq!(row(5), (0, 1, 5));
    assert_eq!(row(6), (1, 3, 5));
    assert_eq!(row(7), (1, 3, 6));
    assert_eq!(row(11), (2, 5, 9));
    assert_eq!(row(50), (9, 19, 41));
    assert_eq!(row(101), (20, 41, 81));
}

#[test]
fn quorums_intersect_as_the_safety_proof_needs() {
    for n in 1..=MAX_VALIDATORS {
        let q = Quorums::new(n).unwrap();
        assert!(n > 5 * q.f(), "n = {n}");
        // A finalization and a notarization or nullification share an honest signer: L + M - n > f.
        assert!(q.l() + q.m() - n > q.f(), "n = {n}");
        // Honest validators alone reach both thresholds.
        assert!(q.l() <= n - q.f() && q.m() <= n - q.f(), "n = {n}");
    }
}

#[test]
fn empty_and_oversized_committees_are_refused() {
    assert_eq!(Committee::new(vec![]).unwrap_err(), CommitteeError::Empty);
    assert!(matches!(Quorums::new(MAX_VALIDATORS + 1), Err(CommitteeError::TooMany { .. })));
}

#[test]
fn leaders_take_turns_and_survive_the_largest_view() {
    let leaders: Vec<u16> = (1..8).map(|v| leader_of(View(v), 6).0).collect();
    assert_eq!(leaders, [1, 2, 3, 4, 5, 0, 1]);
    assert!(leader_of(View(u64::MAX), 6).0 < 6);
}

fn validator(bls: u8, network: u8) -> Validator {
    Validator {
        bls_key: crate::bls::BlsSecretKey::from_ikm(&[bls; 32]).public_key(),
        network_key: Ed25519PublicKey([network; 32]),
        fee_recipient: Address::ZERO,
    }
}

#[test]
fn a_repeated_key_is_refused_with_its_place_and_kind() {
    let bls = Committee::new(vec![validator(1, 1), validator(2, 2), validator(1, 3)]).unwrap_err();
    assert_eq!(bls, CommitteeError::Duplicate { index: 2, key: "BLS" });
    let network = Committee::new(vec![validator(1, 1), validator(2, 1)]).unwrap_err();
    assert_eq!(network, CommitteeError::Duplicate { index: 1, key: "network" });
    assert!(network.to_string().contains("validator 1 repeats the network key"));
}

#[test]
fn members_are_found_by_index_and_by_network_key() {
    let committee = Committee::new(vec![validator(1, 1), validator(2, 2)]).unwrap();
    assert_eq!(committee.get(ValidatorIndex(1)), Some(&validator(2, 2)));
    assert_eq!(committee.get(ValidatorIndex(2)), None);
    assert!(committee.contains(ValidatorIndex(1)) && !committee.contains(ValidatorIndex(u16::MAX)));
    assert_eq!(committee.by_network_key(&Ed25519PublicKey([2; 32])), Some(ValidatorIndex(1)));
    assert_eq!(committee.by_network_key(&Ed25519PublicKey([3; 32])), None);
    assert_eq!(committee.leader(View(3)), ValidatorIndex(1));
}
