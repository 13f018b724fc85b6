use super::*;
use crate::fixture::{digest, notarize, nullify, v};
use minuet_core::bls::BlsSignature;

fn signed(statement: Statement, signer: u16, signature: u8) -> SignedStatement {
    SignedStatement { statement, signer: v(signer), signature: BlsSignature([signature; 48]).into() }
}

#[test]
fn a_statement_fills_its_signers_slot_once() {
    let mut tally = Tally::new(6);
    assert_eq!(tally.add(&signed(notarize(1, digest(1)), 2, 1), false), Added::Yes);
    assert_eq!(tally.add(&signed(notarize(1, digest(1)), 2, 2), false), Added::Known);
    assert_eq!(tally.add(&signed(nullify(1), 2, 3), false), Added::Yes, "a nullify has a slot of its own");
    assert_eq!(tally.count(&notarize(1, digest(1))), 1, "one signer repeated is one signer");
    assert_eq!(tally.count(&nullify(1)), 1);
    assert_eq!(tally.vote_of(v(2)), Some(digest(1)));
}

#[test]
fn a_signer_outside_the_committee_changes_nothing() {
    let mut tally = Tally::new(6);
    assert_eq!(tally.add(&signed(nullify(1), 6, 1), true), Added::Known);
    assert_eq!(tally, Tally::new(6));
}

#[test]
fn a_second_vote_for_another_block_counts_for_neither_quorum_and_is_evidence_once_both_are_genuine() {
    let mut tally = Tally::new(6);
    tally.add(&signed(notarize(1, digest(1)), 3, 1), false);
    assert_eq!(tally.add(&signed(notarize(1, digest(2)), 3, 2), false), Added::Conflict);
    assert_eq!(tally.count(&notarize(1, digest(2))), 0);
    assert_eq!(tally.unsettled_conflicts(View(1)).len(), 1);
    assert!(tally.equivocations(View(1)).is_empty());
    tally.settle(&notarize(1, digest(1)), v(3), true);
    tally.settle(&notarize(1, digest(2)), v(3), true);
    assert!(tally.unsettled_conflicts(View(1)).is_empty());
    let [first, second] = tally.equivocations(View(1))[0];
    assert_eq!((first.statement, second.statement), (notarize(1, digest(1)), notarize(1, digest(2))));
}

#[test]
fn a_third_vote_of_one_signer_takes_no_further_memory() {
    let mut tally = Tally::new(6);
    for byte in 1..=200 {
        tally.add(&signed(notarize(1, digest(byte)), 3, byte), false);
    }
    assert_eq!(tally.conflicts.len(), 1);
    assert_eq!(tally.conflicts[&v(3)].digest, digest(2));
}

#[test]
fn a_forged_statement_leaves_its_slot_and_the_genuine_one_takes_it() {
    let mut tally = Tally::new(6);
    tally.add(&signed(nullify(1), 4, 9), false);
    tally.settle(&nullify(1), v(4), false);
    assert_eq!(tally.count(&nullify(1)), 0);
    assert_eq!(tally.add(&signed(nullify(1), 4, 1), false), Added::Yes);
}

#[test]
fn the_second_vote_moves_up_when_the_first_was_forged() {
    let mut tally = Tally::new(6);
    tally.add(&signed(notarize(1, digest(1)), 3, 9), false);
    tally.add(&signed(notarize(1, digest(2)), 3, 1), false);
    tally.settle(&notarize(1, digest(1)), v(3), false);
    assert_eq!(tally.vote_of(v(3)), Some(digest(2)));
    assert!(tally.unsettled_conflicts(View(1)).is_empty());
}

#[test]
fn a_verdict_of_forgery_does_not_remove_what_was_found_genuine() {
    let mut tally = Tally::new(6);
    tally.add(&signed(nullify(1), 4, 1), true);
    tally.settle(&nullify(1), v(4), false);
    assert_eq!(tally.count(&nullify(1)), 1);
}

#[test]
fn a_checked_statement_replaces_the_unchecked_one_and_is_not_checked_again() {
    let mut tally = Tally::new(6);
    tally.add(&signed(nullify(1), 4, 1), false);
    assert_eq!(tally.unverified(&nullify(1)).len(), 1);
    assert_eq!(tally.add(&signed(nullify(1), 4, 2), true), Added::Yes);
    assert!(tally.unverified(&nullify(1)).is_empty());
    assert_eq!(tally.signatures(&nullify(1)), [(v(4), BlsSignature([2; 48]).into())]);
}

#[test]
fn contradictions_are_counted_by_signers_and_only_checked_ones_where_asked() {
    let mut tally = Tally::new(6);
    let own = digest(1);
    tally.add(&signed(notarize(1, own), 0, 1), true);
    tally.add(&signed(notarize(1, digest(2)), 1, 1), true);
    tally.add(&signed(nullify(1), 1, 1), true);
    tally.add(&signed(nullify(1), 2, 1), false);
    let all: Vec<_> = tally.contradicting(own, false).collect();
    assert_eq!(all, [v(1), v(2)], "a signer that says two things is one signer");
    let checked: Vec<_> = tally.contradicting(own, true).collect();
    assert_eq!(checked, [v(1)]);
    assert_eq!(tally.unverified_contradictions(View(1), own), [nullify(1)]);
}

#[test]
fn an_equivocators_vote_for_another_block_contradicts_although_its_first_agrees() {
    let mut tally = Tally::new(6);
    tally.add(&signed(notarize(1, digest(1)), 1, 1), true);
    tally.add(&signed(notarize(1, digest(2)), 1, 2), true);
    assert_eq!(tally.contradicting(digest(1), true).collect::<Vec<_>>(), [v(1)]);
}

#[test]
fn digests_are_counted_with_their_signers() {
    let mut tally = Tally::new(6);
    for (signer, byte) in [(0, 1), (1, 1), (2, 2)] {
        tally.add(&signed(notarize(1, digest(byte)), signer, 1), false);
    }
    assert_eq!(tally.digests().into_iter().collect::<Vec<_>>(), [(digest(1), 2), (digest(2), 1)]);
}
