//! Numbers at their ends: a view, a height or a time that a liar chooses moves nothing and breaks nothing (B-ARITH,
//! B-FUTURE).

use crate::harness::{N, Stage, bitmap, nowhere};
use minuet_consensus::wire::{Proposal, Request, Response, ServedBlock};
use minuet_core::block::Block;
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::header::{BlockHeader, HeaderParts};
use minuet_core::statement::Statement;
use minuet_core::{Epoch, Height, TimeMs, ValidatorIndex, View};
use std::sync::Arc;

const VIEWS: [u64; 6] = [0, 1, 1 << 32, 1 << 63, u64::MAX - 1, u64::MAX];

/// A header of any numbers, by the leader of its view.
fn header(stage: &Stage, view: u64, change: impl FnOnce(&mut HeaderParts)) -> Arc<BlockHeader> {
    let (root, leader) = (stage.chain.root(), ValidatorIndex(stage.chain.leader(view)));
    let mut parts = HeaderParts {
        epoch: Epoch(0),
        view: View(view),
        parent_view: stage.tip.view(),
        proposer: leader,
        parent: stage.tip.digest(),
        height: stage.tip.height().next(),
        time: stage.tip.time(),
        beneficiary: stage.chain.rules.committee.get(leader).unwrap().fee_recipient,
        state_root: root.state_root(),
        transactions_root: root.transactions_root(),
        receipts_root: root.ethereum().receipts_root,
        gas_limit: root.ethereum().gas_limit,
        gas_used: 0,
        base_fee: root.base_fee(),
    };
    change(&mut parts);
    Arc::new(BlockHeader::seal(&parts))
}

#[test]
fn statements_of_any_view_change_nothing() {
    let mut stage = Stage::new();
    stage.goes_on();
    let before = stage.status().resident_bytes;
    for view in VIEWS.into_iter().chain([stage.view + 64, stage.view + 65]) {
        for puppet in stage.cast() {
            puppet.statement(&stage.chain.sign(Statement::Nullify { view: View(view) }, puppet.index));
            let vote = Statement::Notarize { view: View(view), digest: nowhere(u8::try_from(view % 251).unwrap()) };
            // Not all of a kind: a quorum of validators may of course end any view in reach.
            if puppet.index < 3 {
                puppet.statement(&stage.chain.sign(vote, puppet.index));
            }
        }
        if view == stage.view + 64 {
            break;
        }
    }
    // The last one is in reach and was nullified by all: the node jumps there (R9).
    let last = stage.view + 64;
    stage.sees_certificate(CertificateKind::Nullification, last);
    stage.enters(last + 1);
    let status = stage.status();
    assert_eq!(status.height, 1);
    assert!(status.resident_bytes < before + (16 << 20));
    assert!(stage.cast().all(|puppet| puppet.is_up()));
    stage.ends_well();
}

#[test]
fn forged_certificates_of_any_view_are_refused() {
    for view in [2, 1 << 32, u64::MAX - 1, u64::MAX] {
        let mut stage = Stage::new();
        stage.goes_on();
        let genuine = stage.chain.nullification(view, &[1, 2, 3]);
        let forged = Certificate { signers: bitmap(6, &[1, 2, 4]), ..genuine };
        let vote = Statement::Notarize { view: View(view), digest: nowhere(1) };
        let signatures = stage.chain.signatures(vote, &[1, 2, 3, 4, 4]);
        let also = stage.chain.forged(CertificateKind::Finalization, vote, bitmap(6, &[1, 2, 3, 4, 5]), &signatures);
        stage.puppet(3).certificate(&forged);
        stage.puppet(4).certificate(&also);
        stage.refuses("bad_certificate", 2);
        assert_eq!(stage.status().view, 2);
        stage.is_undisturbed();
        stage.ends_well();
    }
}

#[test]
fn proposals_of_any_view_height_and_time_change_nothing() {
    let mut stage = Stage::new();
    stage.goes_on();
    let mut proposals = Vec::new();
    for view in VIEWS.into_iter().chain([stage.view + 64, stage.view + 66]) {
        proposals.push(header(&stage, view, |_| {}));
        proposals.push(header(&stage, view, |parts| parts.parent_view = View(view)));
        proposals.push(header(&stage, view, |parts| parts.parent_view = View(u64::MAX)));
    }
    for number in [0, 1, 1 << 63, u64::MAX - 1, u64::MAX] {
        for view in 2..6 {
            proposals.push(header(&stage, view, |parts| parts.height = Height(number.max(1))));
            proposals.push(header(&stage, view, |parts| parts.time = TimeMs(number)));
            proposals.push(header(&stage, view, |parts| (parts.gas_used, parts.base_fee) = (number, number)));
            proposals.push(header(&stage, view, |parts| parts.gas_limit = number));
            proposals.push(header(&stage, view, |parts| parts.epoch = Epoch(number)));
        }
    }
    for header in &proposals {
        let proposer = header.proposer().0;
        // The node itself is lied to by nobody, and the first puppet goes on afterwards.
        if proposer > 1 {
            stage.puppet(proposer).proposal(&stage.chain.proposal(header, None, vec![]));
        }
    }
    // Views that do not rise do not even decode: whoever went too far is thrown out. The node itself leads view 6.
    stage.refuses("malformed", 5);
    stage.refuses("far_future", 1);
    for index in 2..N {
        stage.silence(index);
    }
    while stage.leader() != stage.me {
        stage.puppet(1).certificate(&stage.chain.nullification(stage.view, &[1, 2, 3]));
        stage.passed();
    }
    let header = stage.sees_proposal(stage.view);
    stage.puppet(1).certificate(&stage.chain.finalization(&header, &stage.hands()));
    stage.settles(&header);
    assert!(
        stage
            .witness()
            .statements()
            .iter()
            .all(|statement| statement.view().0 < 2 || !matches!(statement, Statement::Notarize { .. }))
    );
    stage.ends_well();
}

#[test]
fn a_block_whose_time_has_not_come_waits_without_holding_up_anybody() {
    let mut stage = Stage::new();
    stage.goes_on();
    for time in [u64::MAX, u64::MAX / 2, 4_000_000_000_000] {
        let leader = stage.until_a_puppet_leads();
        let early = header(&stage, stage.view, |parts| parts.time = TimeMs(time));
        assert_eq!(early.proposer().0, leader);
        stage.proposes(&early);
        stage.passes();
        assert!(!stage.has_said(crate::harness::notarize(&early)));
    }
    assert_eq!(stage.faults(), 0, "a fast clock is no offence");
    stage.is_undisturbed();
    stage.ends_well();
}

#[test]
fn questions_and_answers_of_any_number_change_nothing() {
    let mut stage = Stage::new();
    stage.goes_on();
    for number in VIEWS {
        for puppet in stage.cast() {
            puppet.request(Request::Proof(View(number)));
            puppet.request(Request::Range(Height(number)));
            puppet.request(Request::Block(nowhere(u8::try_from(number % 251).unwrap())));
        }
    }
    for number in [1, 2, u64::MAX - 1, u64::MAX] {
        let far = header(&stage, u64::MAX, |parts| (parts.height, parts.parent_view) = (Height(number), View(number)));
        let block = Block::empty(far.clone()).unwrap();
        let finalization = Some(stage.chain.finalization(&far, &[1, 2, 3]));
        let answer = Response::Blocks(vec![ServedBlock { block, finalization }]);
        stage.puppet(2).response(&answer);
    }
    // The one question with an answer, behind all others.
    stage.puppet(1).request(Request::Block(stage.tip.digest()));
    stage.puppet(1).finds("an answer", |frame| match frame {
        crate::harness::Frame::Response(Response::Blocks(blocks)) => {
            blocks.iter().any(|served| served.block.digest() == stage.tip.digest()).then_some(())
        }
        _ => None,
    });
    stage.is_undisturbed();
    stage.ends_well();
}

#[test]
fn a_proposal_with_as_many_proofs_as_fit_is_read_and_one_more_refused() {
    let mut stage = Stage::new();
    stage.goes_on();
    let block = stage.chain.child(&stage.tip, 20);
    let gap: Vec<Certificate> = (2..20).rev().map(|view| stage.chain.nullification(view, &[1, 2, 3])).collect();
    let proposal = |proofs: usize| Proposal {
        gap: gap[..proofs].to_vec(),
        ..stage.chain.proposal(&block, stage.tip_proof.clone(), vec![])
    };
    let leader = block.proposer().0;
    stage.puppet(leader).proposal(&proposal(17));
    stage.refuses("malformed", 1);
    assert_eq!(stage.status().view, 2);
    stage.puppet(leader).proposal(&proposal(16));
    stage.sees_certificate(CertificateKind::Nullification, 19);
    stage.enters(20);
    stage.ends_well();
}
