//! Liars, floods and contradictions: refused, counted by reason, weighed, and kept as evidence where they prove something.

use super::bench::{Bench, START};
use super::signing::{first_block, proposal};
use crate::driver::Fatal;
use crate::effect::Halt;
use crate::fixture::{digest, notarize, nullify, v};
use crate::wire::{BodyMessage, Request};
use minuet_core::block::{Block, Body};
use minuet_core::bls::BlsSignature;
use minuet_core::certificate::Certificate;
use minuet_core::evidence::Evidence;
use minuet_core::messages::{LedgerRequest, NetworkCommand, PeerEvent};
use minuet_core::rejection::RejectReason;
use minuet_core::wire::{FrameKind, Offence};
use minuet_core::{Height, PeerId, View};
use std::sync::Arc;

fn counted(bench: &Bench, reason: RejectReason) -> u64 {
    bench.status.rejections.of(reason)
}

fn blames(bench: &mut Bench) -> usize {
    bench.sent().iter().filter(|command| matches!(command, NetworkCommand::Blame { .. })).count()
}

fn evidence(bench: &Bench) -> Vec<Evidence> {
    let kept = bench.ledger.requests.iter().filter_map(|request| match request {
        LedgerRequest::KeepEvidence(evidence) => Some((**evidence).clone()),
        _ => None,
    });
    kept.collect()
}

fn forged(bench: &Bench, view: u64) -> Certificate {
    Certificate { signature: BlsSignature([7; 48]).into(), ..bench.fixture.nullification(view, &[2, 3, 4]) }
}

#[test]
fn a_peer_found_at_fault_costs_no_further_checks_until_it_connects_anew() {
    let mut bench = Bench::new(0);
    bench.peer(PeerEvent::Up(v(2).peer()));
    for view in 1..=100 {
        bench.receive(2, FrameKind::Certificate, forged(&bench, view).to_bytes());
    }
    bench.receive(2, FrameKind::Statement, vec![1, 2, 3]);
    bench.receive(2, FrameKind::Body, vec![1, 2, 3]);
    bench.settle();
    assert_eq!(counted(&bench, RejectReason::BadCertificate), 2, "two are enough for a ban");
    assert_eq!(counted(&bench, RejectReason::Muted), 100);
    assert_eq!(counted(&bench, RejectReason::Malformed), 0);
    assert_eq!(blames(&mut bench), 2);
    assert_eq!(bench.status.rejections.total(), 102);

    let genuine = bench.fixture.nullification(1, &[2, 3, 4]);
    bench.peer(PeerEvent::Down(v(2).peer()));
    bench.settle();
    bench.receive(2, FrameKind::Certificate, genuine.to_bytes());
    bench.settle();
    assert_eq!(bench.driver.replica().view().0, 1, "what it had sent before");
    bench.peer(PeerEvent::Up(v(2).peer()));
    bench.settle();
    bench.receive(2, FrameKind::Certificate, genuine.to_bytes());
    bench.settle();
    assert_eq!(bench.driver.replica().view().0, 2);
}

#[test]
fn old_and_far_future_statements_and_proposals_are_counted_and_nobodys_fault() {
    let mut bench = Bench::new(0);
    for view in [0, 66, u64::MAX] {
        bench.receive(3, FrameKind::Statement, bench.fixture.sign(nullify(view), 3).to_bytes());
        bench.receive(3, FrameKind::Statement, bench.fixture.sign(notarize(view, digest(9)), 3).to_bytes());
    }
    let far = bench.fixture.block(&bench.fixture.genesis, u64::MAX, 0);
    let leader = bench.fixture.leader(u64::MAX).0;
    bench.receive(leader, FrameKind::Proposal, proposal(&bench.fixture, &far, None, Vec::new()));
    bench.settle();
    assert_eq!(counted(&bench, RejectReason::Old), 2);
    assert_eq!(counted(&bench, RejectReason::FarFuture), 5);
    assert_eq!(blames(&mut bench), 0);
    assert!(bench.driver.replica().views().len() <= 1, "B-FUTURE: {:?}", bench.driver.replica().views().keys());
}

#[test]
fn the_first_forged_proof_of_a_proposal_is_the_last_that_is_checked() {
    let mut bench = Bench::new(0);
    let block = bench.fixture.block(&bench.fixture.genesis, 9, 0);
    let gap = (1..9).map(|view| forged(&bench, view)).collect();
    let leader = bench.fixture.leader(9).0;
    bench.receive(leader, FrameKind::Proposal, proposal(&bench.fixture, &block, None, gap));
    bench.settle();
    assert_eq!(counted(&bench, RejectReason::BadCertificate), 1);
    assert_eq!(bench.driver.replica().header(&block.digest()), None);
}

#[test]
fn an_answer_that_nobody_asked_for_is_not_even_decoded() {
    let mut bench = Bench::new(0);
    for _ in 0..3 {
        bench.receive(3, FrameKind::Response, vec![0xff; 1000]);
    }
    bench.settle();
    assert_eq!(counted(&bench, RejectReason::Unrequested), 3);
    assert_eq!(counted(&bench, RejectReason::Malformed), 0);
    let blamed = bench.sent();
    let of_three = NetworkCommand::Blame { peer: v(3).peer(), offence: Offence::Unrequested };
    assert_eq!(blamed.iter().filter(|command| **command == of_three).count(), 3);
}

#[test]
fn a_flood_of_requests_is_cut_off_and_blamed() {
    let mut bench = Bench::new(0);
    for _ in 0..5000 {
        bench.receive(4, FrameKind::Request, Request::Range(Height(1)).to_bytes());
        bench.turn();
        bench.serve_ledger();
        bench.sent();
    }
    assert!(counted(&bench, RejectReason::RequestFlood) >= 10, "then it is muted");
    assert!(counted(&bench, RejectReason::Muted) > 500);
    assert!(bench.ledger.requests.len() <= 4096, "{}", bench.ledger.requests.len());
}

#[test]
fn a_new_connection_brings_no_new_budget() {
    let mut bench = Bench::new(0);
    let ask = |bench: &mut Bench| {
        bench.receive(4, FrameKind::Request, Request::Proof(View(50)).to_bytes());
        bench.turn();
        counted(bench, RejectReason::RequestFlood)
    };
    let flooded = (0..5000).find(|_| ask(&mut bench) == 1).expect("there is an end");
    bench.peer(PeerEvent::Down(v(4).peer()));
    bench.peer(PeerEvent::Up(v(4).peer()));
    assert_eq!(ask(&mut bench), 2, "after {flooded} that were looked at");
}

/// A block of about a megabyte, in memory and not final.
#[test]
fn followers_are_answered_so_many_bytes_in_a_second_from_memory_too() {
    let mut bench = Bench::new(0);
    let envelope = super::bench::transaction(0).envelope().clone();
    let body = Body { transactions: vec![envelope.clone(); 1_000_000 / envelope.len()] };
    let (genesis, empty) = (bench.fixture.genesis.clone(), first_block(&bench));
    let (leader, recipient) = (bench.fixture.leader(1), empty.ethereum().beneficiary);
    let block = super::bench::seal(empty.view(), &genesis, leader, recipient, empty.time(), empty.base_fee(), body);
    bench.receive(1, FrameKind::Proposal, proposal(&bench.fixture, block.header(), None, Vec::new()));
    let body = BodyMessage { digest: block.digest(), body: block.body().clone() };
    bench.receive(1, FrameKind::Body, body.to_bytes());
    bench.settle();
    bench.sent();
    let asked = Request::Block(block.digest()).to_bytes();
    let mut answered = |peer: PeerId, pass_us: u64| {
        bench.pass_us(pass_us);
        assert!(bench.receive_from(peer, FrameKind::Request, asked.clone().into()));
        bench.turn();
        bench.sent_of(FrameKind::Response).len()
    };
    // Of two followers together eight megabytes and what the last answer is beyond them.
    let first: Vec<usize> = (0..12).map(|turn| answered(PeerId(6 + turn % 2), 0)).collect();
    assert_eq!(first, [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0]);
    assert_eq!(answered(v(3).peer(), 0), 1, "a validator is answered all the same");
    assert_eq!(answered(PeerId(6), 1_000_000), 1, "and followers in the next second");
}

/// A block with one transaction for view 1, and its body swapped for another.
fn block_and_swapped_body(bench: &Bench) -> (Block, BodyMessage) {
    let body = Body { transactions: vec![super::bench::transaction(0).envelope().clone()] };
    let genesis = bench.fixture.genesis.clone();
    let leader = bench.fixture.leader(1);
    let empty = first_block(bench);
    let recipient = empty.ethereum().beneficiary;
    let block = super::bench::seal(empty.view(), &genesis, leader, recipient, empty.time(), empty.base_fee(), body);
    let swapped = Body { transactions: vec![super::bench::transaction(1).envelope().clone()] };
    let wrong = BodyMessage { digest: block.digest(), body: Arc::new(swapped) };
    (block, wrong)
}

fn is_judged(bench: &Bench) -> bool {
    bench.ledger.requests.iter().any(|request| matches!(request, LedgerRequest::Judge { .. }))
}

#[test]
fn a_swapped_body_is_refused_and_the_right_one_still_taken() {
    let mut bench = Bench::new(0);
    let (block, wrong) = block_and_swapped_body(&bench);
    bench.receive(1, FrameKind::Proposal, proposal(&bench.fixture, block.header(), None, Vec::new()));
    bench.receive(3, FrameKind::Body, wrong.to_bytes());
    bench.settle();
    assert_eq!(counted(&bench, RejectReason::WrongBody), 1);
    let right = BodyMessage { digest: block.digest(), body: block.body().clone() };
    bench.receive(4, FrameKind::Body, right.to_bytes());
    bench.settle();
    assert!(is_judged(&bench));
}

#[test]
fn a_wrong_body_that_came_before_its_header_does_not_hide_the_right_one() {
    let mut bench = Bench::new(0);
    let (block, wrong) = block_and_swapped_body(&bench);
    bench.receive(3, FrameKind::Body, wrong.to_bytes());
    let right = BodyMessage { digest: block.digest(), body: block.body().clone() };
    bench.receive(4, FrameKind::Body, right.to_bytes());
    bench.settle();
    bench.receive(1, FrameKind::Proposal, proposal(&bench.fixture, block.header(), None, Vec::new()));
    bench.settle();
    assert_eq!(counted(&bench, RejectReason::WrongBody), 1);
    assert!(is_judged(&bench));
}

#[test]
fn two_votes_of_one_key_are_kept_as_evidence_once_both_are_verified() {
    let mut bench = Bench::new(0);
    let [first, second] = [digest(1), digest(2)].map(|digest| bench.fixture.sign(notarize(1, digest), 4));
    for signed in [first, second, first, second] {
        bench.receive(4, FrameKind::Statement, signed.to_bytes());
        bench.settle();
    }
    assert_eq!(evidence(&bench), [Evidence::Equivocation([first, second])]);
    assert_eq!(bench.status.equivocations.get(), 1);
    let forged = minuet_core::statement::SignedStatement { signature: BlsSignature([7; 48]).into(), ..second };
    let mut other = Bench::new(0);
    for signed in [first, forged] {
        other.receive(4, FrameKind::Statement, signed.to_bytes());
        other.settle();
    }
    assert!(evidence(&other).is_empty(), "a forged vote proves nothing");
    assert_eq!(counted(&other, RejectReason::StatementSignature), 1);
}

#[test]
fn two_proposals_of_one_leader_are_evidence() {
    let mut bench = Bench::new(0);
    let twins = [0, 1].map(|twin| bench.fixture.block(&bench.fixture.genesis, 1, twin));
    for block in &twins {
        bench.receive(1, FrameKind::Proposal, proposal(&bench.fixture, block, None, Vec::new()));
    }
    bench.settle();
    let signed = twins.map(|block| bench.fixture.sign(notarize(1, block.digest()), 1));
    assert_eq!(evidence(&bench), [Evidence::Equivocation(signed)]);
}

/// Final in view 1, and five keys that finalize another block there.
fn conflict() -> (Bench, Evidence) {
    let mut bench = Bench::new(0);
    let block = first_block(&bench);
    bench.receive(1, FrameKind::Proposal, proposal(&bench.fixture, &block, None, Vec::new()));
    let finalization = bench.fixture.finalization(1, block.digest(), &[1, 2, 3, 4, 5]);
    bench.receive(2, FrameKind::Certificate, finalization.to_bytes());
    bench.settle();
    let certificate = bench.fixture.finalization(1, digest(9), &[1, 2, 3, 4, 5]);
    bench.receive(3, FrameKind::Certificate, certificate.to_bytes());
    (bench, Evidence::ConflictingFinalization { finalized: Some(finalization), certificate })
}

#[test]
fn conflicting_finality_stops_the_node_and_both_certificates_are_kept() {
    let (mut bench, proof) = conflict();
    let fatal = bench.failing_turn();
    assert!(matches!(fatal, Fatal::Halt(Halt::ConflictingFinalization { .. })), "{fatal}");
    bench.serve_ledger();
    assert_eq!(evidence(&bench), [proof]);
}

#[test]
fn the_node_does_not_end_before_the_ledger_has_the_evidence() {
    let (mut bench, proof) = conflict();
    // The ledger is busy and its ring full.
    for height in 0..300 {
        bench.receive(u16::try_from(height % 5).unwrap() + 1, FrameKind::Request, Request::Range(Height(1)).to_bytes());
        bench.driver.turn(START).ok();
    }
    let mut turns = 0;
    while bench.driver.turn(bench.now).is_ok() {
        bench.serve_ledger();
        turns += 1;
        assert!(turns < 1000, "it ends");
    }
    bench.serve_ledger();
    assert_eq!(evidence(&bench), [proof]);
}

#[test]
fn a_signature_of_the_own_key_that_the_journal_does_not_hold_stops_the_node_with_evidence() {
    let mut bench = Bench::new(0);
    let certificate = bench.fixture.notarization(1, digest(5), &[0, 2, 3]);
    bench.receive(3, FrameKind::Certificate, certificate.to_bytes());
    let fatal = bench.failing_turn();
    assert!(matches!(fatal, Fatal::Halt(Halt::OwnSignature { .. })), "{fatal}");
    bench.serve_ledger();
    assert_eq!(evidence(&bench), [Evidence::OwnSignature { validator: v(0), certificate }]);
}
