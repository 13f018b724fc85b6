//! R2 to R8 and the signing gate.

use super::lone::Lone;
use super::net::{Message, Net, forged, straight};
use crate::effect::{Event, Halt, NullifyReason};
use crate::fixture::{digest, notarize, nullify, v};
use crate::input::Input;
use crate::record::{Own, Record};
use minuet_core::View;
use minuet_core::certificate::CertificateKind;
use std::sync::Arc;

#[test]
fn a_block_is_final_two_steps_after_it_was_proposed() {
    let mut net = Net::new(6);
    net.start();
    let proposals: Vec<_> = net.queue.drain(..).collect();
    assert!(proposals.iter().all(|envelope| matches!(envelope.message, Message::Proposal(..))));
    proposals.into_iter().for_each(|envelope| net.deliver(envelope));
    let votes: Vec<_> = net.queue.drain(..).collect();
    for envelope in votes.into_iter().filter(|envelope| matches!(envelope.message, Message::Statement(_))) {
        net.deliver(envelope);
    }
    for me in 0..6 {
        assert_eq!(net.node(me).chain.len(), 1, "replica {me}");
    }
}

#[test]
fn six_replicas_agree_on_a_chain_without_nullifying() {
    let mut net = Net::new(6);
    net.start();
    net.run_to_view(20);
    assert!(net.finalized.len() >= 15);
    assert!(net.nullified.is_empty());
}

#[test]
fn a_silent_leader_is_nullified_then_skipped_and_tried_again_when_it_speaks() {
    let mut net = Net::new(6);
    net.nodes[1].dead = true;
    net.start();
    for (turn, reason) in [(1, NullifyReason::Timeout), (7, NullifyReason::Timeout), (13, NullifyReason::Skip)] {
        net.run_to_view(turn);
        if reason == NullifyReason::Timeout {
            net.run();
            net.time_out();
        }
        net.run_to_view(turn + 1);
        let wanted = Event::Nullified { view: View(turn), reason };
        assert!(net.node(0).events.contains(&wanted), "view {turn}");
    }
    net.nodes[1].dead = false;
    net.feed(1, Input::Start);
    net.unstick();
    net.run_to_view(20);
    assert!(net.nullified.contains(&(0, View(19))), "it is heard: skipped for one more turn");
    net.run_to_view(27);
    assert!(!net.nullified.contains(&(0, View(25))), "and then tried again");
    assert!(
        net.headers.values().any(|header| header.view() == View(25) && net.node(0).chain.contains(&header.digest()))
    );
}

#[test]
fn a_notarization_brings_the_vote_before_the_block_is_here() {
    let mut lone = Lone::new();
    let block = lone.first(0);
    lone.notarized(1, block.digest());
    assert!(lone.has_voted(1, block.digest()));
    assert_eq!(lone.replica().view(), View(2));
    let records = &lone.0.node(0).records;
    assert!(matches!(&records[0], Record::Certificate(proof) if proof.digest == block.digest()));
    assert_eq!(records.last(), Some(&Record::Own { view: View(1), own: Own::Notarize(block.digest()) }));
    assert!(lone.asked(&Message::WantBlock(block.digest())));
}

#[test]
fn a_notarization_brings_the_vote_also_in_a_past_view() {
    let mut lone = Lone::new();
    let block = lone.first(0);
    lone.nullified(1);
    lone.nullified(2);
    assert_eq!(lone.replica().view(), View(3));
    lone.notarized(1, block.digest());
    assert!(lone.has_voted(1, block.digest()));
}

#[test]
fn after_nullifying_neither_a_proposal_nor_a_notarization_brings_a_vote() {
    let mut lone = Lone::new();
    let block = lone.first(0);
    lone.0.time_out();
    assert!(lone.has_nullified(1));
    lone.propose(&block);
    lone.notarized(1, block.digest());
    assert!(!lone.0.votes.contains_key(&(0, View(1))));
    assert!(!lone.replica().may_sign(View(1), Own::Notarize(block.digest())));
}

#[test]
fn a_validator_that_has_voted_never_nullifies_by_time() {
    let mut lone = Lone::new();
    let block = lone.first(0);
    lone.propose(&block);
    assert!(lone.has_voted(1, block.digest()));
    lone.0.time_out();
    assert!(!lone.has_nullified(1));
}

#[test]
fn three_distinct_others_that_contradict_bring_a_nullify_after_the_vote() {
    let mut lone = Lone::new();
    let block = lone.first(0);
    lone.propose(&block);
    lone.says(2, nullify(1));
    lone.says(3, notarize(1, digest(9)));
    assert!(!lone.has_nullified(1));
    lone.says(4, nullify(1));
    assert!(lone.has_nullified(1));
    let wanted = Event::Nullified { view: View(1), reason: NullifyReason::Contradiction };
    assert!(lone.0.node(0).events.contains(&wanted));
}

#[test]
fn one_signer_that_contradicts_twice_and_the_own_vote_are_not_counted_as_more() {
    let mut lone = Lone::new();
    let block = lone.first(0);
    lone.propose(&block);
    for signer in [2, 3] {
        lone.says(signer, nullify(1));
        lone.says(signer, notarize(1, digest(9)));
        lone.says(signer, notarize(1, digest(8)));
    }
    assert_eq!(lone.replica().contradictions(View(1), false), 2);
    assert!(!lone.has_nullified(1));
}

#[test]
fn forged_contradictions_do_not_bring_a_nullify() {
    let mut lone = Lone::new();
    let block = lone.first(0);
    lone.propose(&block);
    lone.says(2, nullify(1));
    lone.says(3, notarize(1, digest(9)));
    lone.0.feed(0, Input::Statement(straight(forged(nullify(1), 4), v(4))));
    assert!(!lone.has_nullified(1));
    lone.says(4, nullify(1));
    assert!(lone.has_nullified(1));
}

#[test]
fn signers_inside_certificates_count_as_contradiction() {
    let mut lone = Lone::new();
    let block = lone.first(0);
    lone.propose(&block);
    lone.notarized(1, digest(9));
    assert_eq!(lone.replica().contradictions(View(1), true), 3);
    lone.certificate(CertificateKind::Nullification, nullify(1), &[3, 4, 5]);
    assert_eq!(lone.replica().contradictions(View(1), true), 5, "signer 3 stands in both");
}

#[test]
fn a_nullification_of_an_older_view_changes_nothing_in_this_one() {
    let mut lone = Lone::new();
    let first = lone.first(0);
    lone.propose(&first);
    lone.notarized(1, first.digest());
    let second = lone.block(&first, 2, 0);
    lone.propose(&second);
    assert!(lone.has_voted(2, second.digest()));
    lone.nullified(1);
    assert!(lone.0.nullified.is_empty(), "S-NO-CASCADE");
    assert_eq!(lone.replica().view(), View(2));
}

#[test]
fn a_proposal_waits_for_its_parents_proof_and_the_gaps_nullifications() {
    let mut lone = Lone::new();
    let first = lone.first(0);
    let fourth = lone.block(&first, 4, 0);
    lone.nullified(3);
    lone.propose(&fourth);
    assert!(lone.0.votes.is_empty(), "not yet");
    lone.0.feed(0, Input::Header(first.clone()));
    lone.nullified(2);
    assert!(!lone.0.votes.contains_key(&(0, View(4))), "its parent is not notarized");
    lone.notarized(1, first.digest());
    assert!(lone.has_voted(4, fourth.digest()));
}

#[test]
fn a_proposal_that_breaks_a_header_rule_is_refused_for_ever() {
    let mut lone = Lone::new();
    let first = lone.first(0);
    let wrong = lone.block(&first, 3, 0);
    let genesis = lone.0.fixture.genesis.clone();
    lone.notarized(1, first.digest());
    lone.0.feed(0, Input::Header(first));
    lone.nullified(2);
    let sibling = lone.block(&genesis, 3, 1);
    lone.propose(&sibling);
    assert!(!lone.0.votes.contains_key(&(0, View(3))), "view 1 is in its gap and not nullified");
    lone.propose(&wrong);
    assert!(!lone.0.votes.contains_key(&(0, View(3))), "only the first proposal of a view is voted for");
}

#[test]
fn an_invalid_block_is_reported_with_its_proposer() {
    let mut lone = Lone::new();
    let genesis = lone.0.fixture.genesis.clone();
    let rules = &lone.0.fixture.rules;
    let wrong = Arc::new(rules.empty_block(&genesis, View(1), v(2), minuet_core::TimeMs(2_000_000)));
    lone.0.headers.insert(wrong.digest(), wrong.clone());
    lone.0.feed(0, Input::Proposal(straight(wrong, v(2))));
    let blamed = lone.0.node(0).events.iter().any(|event| {
        matches!(event, Event::InvalidProposal { proposer, reason, .. } if *proposer == v(1) && reason.contains("lead"))
    });
    assert!(blamed && lone.0.votes.is_empty());
}

#[test]
fn a_finalization_that_does_not_extend_the_final_chain_halts() {
    let mut lone = Lone::new();
    let (first, other) = (lone.first(0), lone.first(1));
    lone.propose(&first);
    lone.finalized(1, first.digest());
    assert_eq!(lone.0.node(0).chain, [first.digest()]);
    let fork = lone.block(&other, 3, 0);
    lone.0.feed(0, Input::Header(other.clone()));
    lone.0.feed(0, Input::Header(fork.clone()));
    lone.finalized(3, fork.digest());
    let halt = lone.0.node(0).halt.clone();
    assert!(matches!(halt, Some(Halt::ConflictingFinalization { finalized, .. }) if finalized == first.digest()));
    assert!(!lone.replica().may_sign(View(9), Own::Nullify), "nothing is signed any more");
}

#[test]
fn a_second_finalization_of_the_final_view_halts() {
    let mut lone = Lone::new();
    let (first, other) = (lone.first(0), lone.first(1));
    lone.propose(&first);
    lone.finalized(1, first.digest());
    lone.finalized(1, other.digest());
    assert!(matches!(lone.0.node(0).halt, Some(Halt::ConflictingFinalization { .. })));
}

#[test]
fn a_certificate_with_an_own_signature_that_the_journal_does_not_hold_halts() {
    let mut lone = Lone::new();
    lone.certificate(CertificateKind::Nullification, nullify(1), &[0, 1, 2]);
    assert!(matches!(lone.0.node(0).halt, Some(Halt::OwnSignature { view: View(1), .. })));
}

#[test]
fn a_finalization_that_comes_before_its_headers_waits_for_them() {
    let mut lone = Lone::new();
    let first = lone.first(0);
    let second = lone.block(&first, 2, 0);
    lone.finalized(2, second.digest());
    assert!(lone.0.node(0).chain.is_empty() && lone.asked(&Message::WantBlock(second.digest())));
    lone.0.feed(0, Input::Header(second.clone()));
    assert!(lone.asked(&Message::WantBlock(first.digest())), "then its parent is asked for");
    lone.0.feed(0, Input::Header(first.clone()));
    assert_eq!(lone.0.node(0).chain, [first.digest(), second.digest()], "oldest first");
    assert!(lone.replica().views().keys().all(|view| *view > View(2)), "nothing is kept of final views");
}

#[test]
fn an_equivocating_leaders_other_block_can_still_become_final() {
    let mut lone = Lone::new();
    let (mine, theirs) = (lone.first(0), lone.first(1));
    lone.propose(&mine);
    assert!(!lone.replica().wants_proposal(View(1), &theirs.digest()), "a second proposal is not kept");
    lone.notarized(1, theirs.digest());
    assert!(lone.replica().wants_proposal(View(1), &theirs.digest()), "until a quorum notarized it");
    lone.propose(&theirs);
    lone.finalized(1, theirs.digest());
    assert_eq!(lone.0.node(0).chain, [theirs.digest()]);
    assert!(lone.has_voted(1, mine.digest()), "the own vote stays what it was");
}

#[test]
fn a_forged_vote_leaves_the_quorum_and_the_genuine_one_completes_it() {
    let mut lone = Lone::new();
    lone.says(2, nullify(1));
    lone.says(3, nullify(1));
    lone.0.feed(0, Input::Statement(straight(forged(nullify(1), 4), v(4))));
    assert_eq!(lone.replica().view(), View(1));
    lone.says(4, nullify(1));
    assert_eq!(lone.replica().view(), View(2));
}

#[test]
fn a_genuine_equivocation_is_reported_once() {
    let mut lone = Lone::new();
    for (signer, byte) in [(4, 1), (4, 2), (2, 1), (2, 2), (4, 3)] {
        lone.says(signer, notarize(1, digest(byte)));
    }
    let pairs = lone.0.node(0).events.iter().filter_map(|event| match event {
        Event::Equivocation([first, _]) => Some(first.signer),
        _ => None,
    });
    assert_eq!(pairs.collect::<Vec<_>>(), [v(4), v(2)]);
}
