//! Two faces: two blocks of one leader, two votes of one key. Neither counts twice, and both are kept as evidence.

use crate::harness::{Header, Stage, notarize, nowhere, nullify};
use minuet_core::View;
use minuet_core::block::Block;
use minuet_core::evidence::Evidence;
use minuet_core::statement::{SignedStatement, Statement};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The node keeps exactly these two votes as evidence against their signer, and they prove themselves.
fn is_proven(stage: &Stage, mut votes: [SignedStatement; 2]) {
    let mut evidence = stage.evidence(1);
    assert_eq!(evidence.len(), 1);
    let Evidence::Equivocation(kept) = &mut evidence[0] else { panic!("{evidence:?}") };
    kept.sort_by_key(|vote| vote.statement);
    votes.sort_by_key(|vote| vote.statement);
    assert_eq!(*kept, votes);
    assert!(kept.iter().all(|vote| vote.is_genuine(stage.chain.genesis.committee(), &stage.chain.context)));
}

#[test]
fn of_two_blocks_of_one_leader_the_first_is_voted_for_and_both_are_evidence() {
    let mut stage = Stage::new();
    stage.goes_on();
    let first = stage.proposed();
    let second = stage.chain.sibling(&stage.tip, stage.view, 1);
    assert_ne!(first.digest(), second.digest());
    stage.proposes(&second);
    let leader = first.proposer().0;
    is_proven(&stage, [&first, &second].map(|header| stage.chain.sign(notarize(header), leader)));
    assert!(!stage.has_said(notarize(&second)));
    stage.votes(&first);
    stage.settles(&first);
    stage.is_undisturbed();
    stage.ends_well();
}

#[test]
fn the_second_block_of_a_leader_becomes_final_if_the_others_voted_for_it() {
    let mut stage = Stage::new();
    stage.goes_on();
    let first = stage.proposed();
    let second = stage.chain.sibling(&stage.tip, stage.view, 1);
    // The node saw the first one first; four others and the leader itself, the second.
    let finalization = stage.chain.finalization(&second, &stage.hands());
    stage.serves(&Block::empty(second.clone()).unwrap(), &Arc::new(AtomicBool::new(true)));
    stage.puppet(5).certificate(&finalization);
    stage.settles(&second);
    assert!(!stage.has_said(notarize(&second)), "it has voted for the first");
    assert!(stage.has_said(notarize(&first)));
    stage.is_undisturbed();
    stage.ends_well();
}

fn voted() -> (Stage, Header) {
    let mut stage = Stage::new();
    stage.goes_on();
    let block = stage.proposed();
    (stage, block)
}

#[test]
fn two_votes_of_one_key_count_once_and_are_evidence() {
    let (mut stage, block) = voted();
    let two_faced = 5;
    let votes = [nowhere(1), block.digest()].map(|digest| Statement::Notarize { view: block.view(), digest });
    let votes = votes.map(|vote| stage.chain.sign(vote, two_faced));
    votes.iter().for_each(|vote| stage.puppet(two_faced).statement(vote));
    is_proven(&stage, votes);
    for signer in [1, 3] {
        stage.puppet(signer).statement(&stage.chain.sign(notarize(&block), signer));
    }
    // Its own, the leader's, two more: enough to go on, but with the two-faced one's second vote they would be final.
    stage.sees_certificate(minuet_core::certificate::CertificateKind::Notarization, block.view().0);
    assert_eq!(stage.status().height, 1);
    stage.puppet(4).statement(&stage.chain.sign(notarize(&block), 4));
    stage.settles(&block);
    stage.is_undisturbed();
    stage.ends_well();
}

#[test]
fn a_forged_second_vote_is_no_evidence_against_its_signer() {
    let (mut stage, block) = voted();
    let other = Statement::Notarize { view: block.view(), digest: nowhere(1) };
    stage.puppet(5).statement(&stage.chain.sign(notarize(&block), 5));
    let forged = SignedStatement { signature: stage.chain.sign(other, 4).signature, ..stage.chain.sign(other, 5) };
    stage.puppet(5).statement(&forged);
    stage.refuses("bad_statement_signature", 1);
    // Its genuine vote still counts.
    for signer in [1, 3] {
        stage.puppet(signer).statement(&stage.chain.sign(notarize(&block), signer));
    }
    stage.settles(&block);
    assert_eq!(stage.status().evidence_count, 0);
    stage.ends_well();
}

#[test]
fn a_vote_and_a_nullify_of_one_key_are_what_the_rules_allow() {
    let (mut stage, block) = voted();
    stage.puppet(5).statement(&stage.chain.sign(nullify(block.view().0), 5));
    stage.votes(&block);
    stage.settles(&block);
    assert_eq!(stage.faults(), 0);
    stage.is_undisturbed();
    assert_eq!(stage.status().evidence_count, 0);
    stage.ends_well();
}

#[test]
fn many_different_votes_of_one_key_take_no_more_room_than_two() {
    let (mut stage, block) = voted();
    let before = stage.status().resident_bytes;
    let liar = 5;
    for number in 0..2_000u64 {
        let digest = minuet_core::keccak256(number.to_be_bytes());
        let vote = Statement::Notarize { view: View(block.view().0 + number % 64), digest };
        stage.puppet(liar).statement(&stage.chain.sign(vote, liar));
    }
    assert!(stage.evidence(64).len() <= 64, "one piece a view");
    stage.votes(&block);
    stage.settles(&block);
    stage.goes_on();
    let grown = stage.status().resident_bytes.saturating_sub(before);
    assert!(grown < 16 << 20, "{grown} bytes more");
    stage.ends_well();
}
