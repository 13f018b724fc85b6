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
