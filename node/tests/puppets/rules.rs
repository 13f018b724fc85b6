//! Rules whose effect shows on the wire: R2, R3, R5, S-NO-CASCADE, R8 for past views, and what a restart repeats.

use crate::harness::{Frame, Header, M, Stage, notarize, nowhere, nullify};
use minuet_consensus::wire::Request;
use minuet_core::View;
use minuet_core::block::Block;
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::statement::Statement;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

#[test]
fn a_notarization_that_outruns_its_block_is_voted_for() {
    let mut stage = Stage::new();
    let block = stage.chain.block_with(1, vec![stage.chain.transfer(0)]);
    let (header, may) = (block.header().clone(), Arc::new(AtomicBool::new(false)));
    stage.serves(&block, &may);
    stage.puppet(4).certificate(&stage.chain.notarization(&header, &[1, 2, 3]));
    // R3: neither header nor body has come.
    stage.sees(notarize(&header));
    stage.asks(&Request::Block(header.digest()));
    // Its vote counts like any other: with four more the block is final, and shown once it is here and executed.
    for signer in [1, 2, 3, 4] {
        stage.puppet(signer).statement(&stage.chain.sign(notarize(&header), signer));
    }
    assert_eq!(stage.status().height, 0, "nothing is shown before it is here");
    may.store(true, SeqCst);
    stage.settles(&header);
    let block = stage.api().block(1);
    assert_eq!(block.transaction_count, 1);
    let finalization = block.finalization.expect("its own");
    assert_eq!((finalization.signer_bitmap.as_ref(), finalization.signer_count), (&[0b1_1111][..], 5));
    stage.is_undisturbed();
    stage.ends_well();
}

#[test]
fn a_late_notarization_of_a_past_view_is_still_voted_for() {
    let mut stage = Stage::new();
    let header = stage.chain.child(&stage.tip, 1);
    let may = Arc::new(AtomicBool::new(true));
    stage.serves(&Block::empty(header.clone()).unwrap(), &may);
    // The node goes on to view 2 by a certificate, without a word of its own on view 1.
    stage.puppet(2).certificate(&stage.chain.nullification(1, &[1, 2, 3]));
    stage.passed();
    assert!(!stage.has_said(nullify(1)));
    stage.puppet(2).certificate(&stage.chain.notarization(&header, &[2, 3, 4]));
    stage.sees(notarize(&header));
    for signer in [1, 3, 4, 5] {
        stage.puppet(signer).statement(&stage.chain.sign(notarize(&header), signer));
    }
    // R8 for a past view: the late votes, its own among them, make it final.
    let next = stage.view;
    stage.settles(&header);
    (stage.view, stage.gap) = (next, Vec::new());
    stage.is_undisturbed();
    stage.ends_well();
}

#[test]
fn late_votes_finalize_a_block_that_others_were_built_on() {
    let mut stage = Stage::new();
    let first = stage.proposed();
    for signer in [2, 3] {
        stage.puppet(signer).statement(&stage.chain.sign(notarize(&first), signer));
    }
    let proof = stage.sees_certificate(CertificateKind::Notarization, 1);
    let second = stage.chain.child(&first, 2);
    stage.puppet(2).proposal(&stage.chain.proposal(&second, Some(proof), vec![]));
    stage.sees(notarize(&second));
    assert_eq!(stage.status().height, 0);
    stage.puppet(4).statement(&stage.chain.sign(notarize(&first), 4));
    stage.settles(&first);
    stage.votes(&second);
    stage.settles(&second);
    stage.is_undisturbed();
    stage.ends_well();
}

#[test]
fn a_block_whose_parents_proof_is_missing_waits_for_it() {
    let mut stage = Stage::new();
    // The node knows nothing of view 1; the leader of view 2 builds on a block of it.
    let first = stage.chain.child(&stage.tip, 1);
    let second = stage.chain.child(&first, 2);
    stage.puppet(3).certificate(&stage.chain.nullification(1, &[1, 2, 3]));
    stage.passed();
    stage.puppet(2).proposal(&stage.chain.proposal(&second, None, vec![]));
    stage.asks(&Request::Proof(View(1)));
    assert!(!stage.has_said(notarize(&second)), "R2: not yet");
    stage.serves(&Block::empty(first.clone()).unwrap(), &Arc::new(AtomicBool::new(true)));
    stage.puppet(3).certificate(&stage.chain.notarization(&first, &[1, 2, 3]));
    stage.sees(notarize(&second));
    assert!(stage.has_said(notarize(&first)), "R3");
    stage.votes(&second);
    stage.gap.clear();
    stage.settles(&second);
    assert_eq!(stage.faults(), 0);
    stage.is_undisturbed();
    stage.ends_well();
}

fn voted() -> (Stage, Header) {
    let mut stage = Stage::new();
    stage.goes_on();
    let block = stage.proposed();
    (stage, block)
}

fn other(block: &Header) -> Statement {
    Statement::Notarize { view: block.view(), digest: nowhere(1) }
}

#[test]
fn however_often_too_few_others_leave_a_view_the_node_stays() {
    let (mut stage, block) = voted();
    // M−1 others, each by all that it can say, a hundred times over (R5 counts signers).
    for signer in [3, 4] {
        for _ in 0..100 {
            stage.puppet(signer).statement(&stage.chain.sign(nullify(block.view().0), signer));
            stage.puppet(signer).statement(&stage.chain.sign(other(&block), signer));
        }
    }
    // Behind it on the same lanes: all of it was heard in the view itself.
    for signer in [3, 4] {
        stage.puppet(signer).statement(&stage.chain.sign(nullify(u64::MAX), signer));
    }
    stage.refuses("far_future", 2);
    assert_eq!(stage.status().view, stage.view);
    stage.puppet(2).certificate(&stage.chain.finalization(&block, &[1, 2, 3, 4, 5]));
    stage.settles(&block);
    stage.goes_on();
    assert!(!stage.has_said(nullify(block.view().0)), "R5 counted messages");
    assert_eq!(stage.faults(), 0);
    stage.ends_well();
}

#[test]
fn as_many_distinct_others_as_it_takes_make_the_node_leave_a_view() {
    let (mut stage, block) = voted();
    // One by leaving, two by voting for another block: M distinct others, and no certificate of anything.
    stage.puppet(3).statement(&stage.chain.sign(nullify(block.view().0), 3));
    for signer in [4, 5] {
        stage.puppet(signer).statement(&stage.chain.sign(other(&block), signer));
    }
    stage.sees(nullify(block.view().0));
    assert_eq!(stage.status().view, stage.view, "it left by R5, not by a certificate");
    // Two more, with it and the first: the view ends without a block.
    stage.puppet(1).statement(&stage.chain.sign(nullify(block.view().0), 1));
    stage.passed();
    assert_eq!(stage.gap[0].signers.count(), usize::from(M));
    assert_eq!(stage.faults(), 0);
    stage.is_undisturbed();
    stage.ends_well();
}

#[test]
fn a_nullification_of_an_older_view_changes_nothing_after_a_vote() {
    let mut stage = Stage::new();
    let first = stage.proposed();
    stage.puppet(2).certificate(&stage.chain.notarization(&first, &[1, 2, 3]));
    let proof = stage.sees_certificate(CertificateKind::Notarization, 1);
    let second = stage.chain.child(&first, 2);
    stage.puppet(2).proposal(&stage.chain.proposal(&second, Some(proof), vec![]));
    stage.sees(notarize(&second));
    // View 1 is nullified as well as notarized, by certificate and by everybody's statements.
    stage.puppet(3).certificate(&stage.chain.nullification(1, &[2, 3, 4]));
    for puppet in stage.cast() {
        puppet.statement(&stage.chain.sign(nullify(1), puppet.index));
    }
    stage.sees_certificate(CertificateKind::Nullification, 1);
    // S-NO-CASCADE: neither in the view of the certificate, where it voted, nor in the present one.
    stage.votes(&second);
    stage.settles(&second);
    stage.goes_on();
    assert!(!stage.has_said(nullify(1)) && !stage.has_said(nullify(2)));
    assert_eq!(stage.faults(), 0);
    stage.ends_well();
}

#[test]
fn a_leader_builds_on_what_is_notarized_and_attaches_its_proofs() {
    let mut stage = Stage::new();
    // Views 1 and 2 are notarized but not final, 3 to 5 nullified; the node leads view 6.
    let first = stage.proposed();
    stage.puppet(5).certificate(&stage.chain.notarization(&first, &[1, 2, 3]));
    let second = stage.chain.child(&first, 2);
    let proof = Some(stage.chain.notarization(&first, &[1, 2, 3]));
    stage.puppet(2).proposal(&stage.chain.proposal(&second, proof, vec![]));
    stage.sees(notarize(&second));
    stage.puppet(5).certificate(&stage.chain.notarization(&second, &[2, 3, 4]));
    for view in 3..6 {
        stage.puppet(4).certificate(&stage.chain.nullification(view, &[3, 4, 5]));
    }
    let proposal = stage.witness().finds("its proposal", |frame| match frame {
        Frame::Proposal(proposal) if proposal.header.view() == View(6) => Some(proposal.clone()),
        _ => None,
    });
    assert_eq!(proposal.header.parent(), second.digest());
    let (committee, context) = (&stage.chain.rules.committee, &stage.chain.context);
    let is_proof = |proof: &Certificate, kind, view| {
        assert_eq!((proof.kind, proof.view), (kind, View(view)));
        assert_eq!(proof.verify(committee, context), Ok(()));
    };
    is_proof(proposal.parent_proof.as_ref().expect("its parent's"), CertificateKind::Notarization, 2);
    assert_eq!(proposal.gap.len(), 3);
    for (proof, view) in proposal.gap.iter().zip([5, 4, 3]) {
        is_proof(proof, CertificateKind::Nullification, view);
    }
    let header = proposal.header.clone();
    stage.votes(&header);
    stage.settles(&header);
    assert_eq!(stage.api().block(2).hash, second.digest().as_slice(), "its ancestors became final with it");
    stage.is_undisturbed();
    stage.ends_well();
}
