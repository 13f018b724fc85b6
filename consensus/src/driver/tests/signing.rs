//! Votes: order of durability and signing, what is checked, who is blamed.

use super::bench::{Bench, START, rings};
use crate::driver::Fatal;
use crate::fixture::{Fixture, notarize, nullify, v};
use crate::record::{Own, Record};
use crate::wire::{Proposal, Request, Response};
use minuet_core::bls::BlsSignature;
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::header::BlockHeader;
use minuet_core::messages::{JournalReply, NetworkCommand, PeerEvent};
use minuet_core::rejection::RejectReason;
use minuet_core::statement::SignedStatement;
use minuet_core::wire::{FrameKind, Offence, Recipients};
use minuet_core::{TimeMs, View};
use std::sync::Arc;

/// A leader's frame.
pub fn proposal(
    fixture: &Fixture,
    header: &Arc<BlockHeader>,
    parent_proof: Option<Certificate>,
    gap: Vec<Certificate>,
) -> Vec<u8> {
    let statement = notarize(header.view().0, header.digest());
    let signature = fixture.sign(statement, fixture.leader(header.view().0).0).signature;
    Proposal { header: header.clone(), parent_proof, gap, signature }.to_bytes()
}

fn statements(bench: &mut Bench) -> Vec<SignedStatement> {
    let sent = bench.sent_of(FrameKind::Statement).into_iter();
    sent.map(|(_, payload)| SignedStatement::from_bytes(&payload).expect("own form")).collect()
}

fn blames(bench: &mut Bench) -> Vec<(u32, Offence)> {
    let blame = bench.sent().into_iter().filter_map(|command| match command {
        NetworkCommand::Blame { peer, offence } => Some((peer.0, offence)),
        NetworkCommand::Send { .. } => None,
    });
    blame.collect()
}

pub fn first_block(bench: &Bench) -> Arc<BlockHeader> {
    bench.fixture.block(&bench.fixture.genesis, 1, 0)
}

#[test]
fn nothing_is_signed_before_the_journal_has_it() {
    let mut bench = Bench::new(0);
    let block = first_block(&bench);
    bench.receive(1, FrameKind::Proposal, proposal(&bench.fixture, &block, None, Vec::new()));
    bench.turn();
    bench.turn();
    assert!(bench.sent().is_empty(), "D-BEFORE-SEND");
    let records = bench.appends.iter().flat_map(|(_, records)| records);
    let records: Vec<_> = records.map(|record| Record::from_journal(record).expect("own form")).collect();
    assert!(matches!(&records[0], Record::Block { proposal, .. } if proposal.header == block), "D-BODY");
    assert_eq!(records[1], Record::Own { view: View(1), own: Own::Notarize(block.digest()) });
    // A peer that asks meanwhile hears nothing of it either.
    bench.peer(PeerEvent::Up(v(3).peer()));
    bench.receive(3, FrameKind::Request, Request::Proof(View(1)).to_bytes());
    bench.turn();
    assert!(bench.sent().is_empty());
    bench.sync();
    bench.turn();
    let sent = statements(&mut bench);
    assert_eq!(sent, [bench.fixture.sign(notarize(1, block.digest()), 0)]);
}

#[test]
fn a_nullify_waits_for_its_entry_proof_to_be_durable() {
    let mut bench = Bench::new(0);
    let proof = bench.fixture.nullification(1, &[2, 3, 4]);
    bench.receive(2, FrameKind::Certificate, proof.to_bytes());
    bench.turn();
    bench.sent();
    bench.pass_us(1_000_000);
    bench.turn();
    assert!(statements(&mut bench).is_empty());
    let records: Vec<_> =
        bench.appends[0].1.iter().map(|record| Record::from_journal(record).expect("own form")).collect();
    let expected = [Record::Certificate(Arc::new(proof)), Record::Own { view: View(2), own: Own::Nullify }];
    assert_eq!(records, expected, "D-ENTRY");
    bench.sync();
    bench.turn();
    assert_eq!(statements(&mut bench), [bench.fixture.sign(nullify(2), 0)]);
    let counts = &bench.status.nullifications;
    assert_eq!([&counts.timeout, &counts.contradiction, &counts.skip].map(|count| count.get()), [1, 0, 0]);
}

#[test]
fn a_failed_journal_ends_signing_and_the_node() {
    let mut bench = Bench::new(0);
    let block = first_block(&bench);
    bench.receive(1, FrameKind::Proposal, proposal(&bench.fixture, &block, None, Vec::new()));
    bench.turn();
    let reason = "consensus.journal: no space".to_owned();
    bench.ends.journal.send_fitting(JournalReply::Failed { reason: reason.clone() }).expect("the driver lives");
    assert_eq!(bench.failing_turn(), Fatal::Journal(reason.clone()));
    bench.ends.journal.send_fitting(JournalReply::Durable { ticket: 9 }).expect("the driver lives");
    bench.pass_us(1_000_000);
    assert_eq!(bench.failing_turn(), Fatal::Journal(reason), "also when it is called again");
    assert!(bench.sent().is_empty());
}

#[test]
fn a_proposal_from_the_future_waits_for_its_time() {
    let mut bench = Bench::new(0);
    let header = bench.fixture.rules.empty_block(&bench.fixture.genesis, View(1), v(1), TimeMs(START.wall.0 + 20));
    let block = Arc::new(header);
    bench.receive(1, FrameKind::Proposal, proposal(&bench.fixture, &block, None, Vec::new()));
    bench.settle();
    assert!(bench.sent().is_empty());
    let wait_us = bench.deadline.expect("it wants to be called again") - bench.now.mono_us;
    assert!((1..=20_000).contains(&wait_us), "{wait_us}");
    bench.pass_us(20_000);
    bench.settle();
    assert_eq!(statements(&mut bench).len(), 1);
}

#[test]
fn a_forged_statement_in_a_quorum_is_found_and_its_signer_blamed() {
    let mut bench = Bench::new(0);
    let forged = SignedStatement { signature: BlsSignature([1; 48]).into(), ..bench.fixture.sign(nullify(1), 4) };
    let stolen = SignedStatement { signer: v(5), ..bench.fixture.sign(nullify(1), 3) };
    for signed in [bench.fixture.sign(nullify(1), 2), forged, stolen] {
        bench.receive(signed.signer.0, FrameKind::Statement, signed.to_bytes());
    }
    bench.settle();
    assert_eq!(blames(&mut bench), [(4, Offence::BadSignature), (5, Offence::BadSignature)]);
    assert_eq!(bench.driver.replica().view(), View(1));
    for signer in [3, 4] {
        let signed = bench.fixture.sign(nullify(1), signer);
        bench.receive(signer, FrameKind::Statement, signed.to_bytes());
    }
    bench.settle();
    assert_eq!(bench.driver.replica().view(), View(2), "the genuine ones still count");
    let shared = bench.sent_of(FrameKind::Certificate);
    let (to, payload) = &shared[0];
    assert_eq!(*to, Recipients::All);
    let certificate = Certificate::from_bytes(payload).expect("own form");
    assert!(bench.fixture.verifier().certificate(certificate).is_ok());
}

#[test]
fn forged_contradictions_are_blamed_and_do_not_nullify() {
    let mut bench = Bench::new(0);
    let block = first_block(&bench);
    bench.receive(1, FrameKind::Proposal, proposal(&bench.fixture, &block, None, Vec::new()));
    bench.settle();
    bench.sent();
    for signer in [2, 3, 4] {
        let statement = if signer == 3 { notarize(1, crate::fixture::digest(9)) } else { nullify(1) };
        let forged =
            SignedStatement { signature: BlsSignature([1; 48]).into(), ..bench.fixture.sign(statement, signer) };
        bench.receive(signer, FrameKind::Statement, forged.to_bytes());
    }
    bench.settle();
    let mut blamed = blames(&mut bench);
    blamed.sort_unstable();
    assert_eq!(blamed, [2, 3, 4].map(|peer| (peer, Offence::BadSignature)));
    assert!(!bench.driver.replica().has_decided(View(1), Own::Nullify));
}

#[test]
fn a_statement_or_proposal_from_somebody_else_is_refused() {
    let mut bench = Bench::new(0);
    bench.receive(3, FrameKind::Statement, bench.fixture.sign(nullify(1), 2).to_bytes());
    let block = first_block(&bench);
    bench.receive(2, FrameKind::Proposal, proposal(&bench.fixture, &block, None, Vec::new()));
    bench.receive(4, FrameKind::Statement, vec![1, 2, 3]);
    bench.settle();
    let blamed = blames(&mut bench);
    assert_eq!(blamed, [(3, Offence::Invalid), (2, Offence::Invalid), (4, Offence::Malformed)]);
    assert_eq!(bench.status.rejections.total(), 3);
}

#[test]
fn certificates_below_the_threshold_of_another_committee_or_forged_are_refused() {
    let mut bench = Bench::new(0);
    let fixture = bench.fixture.clone();
    let genuine = fixture.nullification(1, &[2, 3, 4]);
    let few = [2, 3].map(v).into_iter();
    let below =
        Certificate::from_checked(CertificateKind::Nullification, &nullify(1), 6, few, genuine.signature.clone());
    let members = [2, 3, 4].map(v);
    let wide = Certificate::from_checked(
        CertificateKind::Nullification,
        &nullify(1),
        16,
        members.into_iter(),
        genuine.signature.clone(),
    );
    let others = [1, 3, 4].map(v).into_iter();
    let claimed =
        Certificate::from_checked(CertificateKind::Nullification, &nullify(1), 6, others, genuine.signature.clone());
    let renamed = Certificate { kind: CertificateKind::Nullification, view: View(9), ..genuine.clone() };
    let raised =
        Certificate { kind: CertificateKind::Finalization, ..fixture.notarization(1, genuine.digest, &[2, 3, 4]) };
    for (peer, bad) in (1..).zip([below, wide, claimed, renamed, raised]) {
        bench.receive(peer, FrameKind::Certificate, bad.to_bytes());
        bench.settle();
        assert_eq!(blames(&mut bench), [(u32::from(peer), Offence::BadCertificate)], "{bad:?}");
        assert_eq!(bench.driver.replica().view(), View(1));
    }
    let counted = |reason| bench.status.rejections.of(reason);
    assert_eq!(counted(RejectReason::CertificateThreshold), 2);
    assert_eq!(counted(RejectReason::CertificateBitmap), 1);
    assert_eq!(counted(RejectReason::BadCertificate), 2);
    bench.receive(2, FrameKind::Certificate, genuine.to_bytes());
    bench.settle();
    assert_eq!(bench.driver.replica().view(), View(2));
}

#[test]
fn a_certificate_that_says_nothing_new_is_not_even_checked() {
    let mut bench = Bench::new(0);
    let genuine = bench.fixture.nullification(1, &[2, 3, 4]);
    let garbage = Certificate { signature: BlsSignature([7; 48]).into(), ..genuine.clone() };
    bench.receive(2, FrameKind::Certificate, genuine.to_bytes());
    bench.receive(3, FrameKind::Certificate, garbage.to_bytes());
    bench.settle();
    assert!(blames(&mut bench).is_empty(), "B-OLD: held already");
}

#[test]
fn a_full_ring_to_the_network_holds_what_it_has_and_takes_no_new_work() {
    let mut bench = Bench::with(0, Vec::new(), super::bench::Ledger::default(), START, 1);
    for view in 1..=3 {
        let proof = bench.fixture.nullification(view, &[2, 3, 4]);
        bench.receive(2, FrameKind::Certificate, proof.to_bytes());
    }
    bench.turn();
    assert_eq!(bench.driver.replica().view(), View(4), "one drain");
    let late = bench.fixture.nullification(4, &[2, 3, 4]);
    bench.receive(2, FrameKind::Certificate, late.to_bytes());
    bench.turn();
    assert_eq!(bench.driver.replica().view(), View(4), "B-RING: held");
    assert!(!bench.driver.has_work(), "and it does not spin");
    let mut sent = 0;
    while bench.driver.replica().view() == View(4) {
        assert!(sent < 10, "held messages leave in order as room comes");
        sent += bench.sent().len();
        assert!(bench.driver.has_work());
        bench.turn();
    }
    assert!(sent >= 2);
}

#[test]
fn forged_proofs_in_a_proposal_never_reach_the_journal() {
    let mut bench = Bench::new(0);
    let genuine = bench.fixture.nullification(1, &[2, 3, 4]);
    bench.receive(3, FrameKind::Certificate, genuine.to_bytes());
    bench.settle();
    // Nullifications that are held are not checked again: a leader can attach anything in their place.
    let forged = Certificate { signature: BlsSignature([7; 48]).into(), ..genuine.clone() };
    let block = bench.fixture.block(&bench.fixture.genesis, 2, 0);
    bench.receive(2, FrameKind::Proposal, proposal(&bench.fixture, &block, None, vec![forged]));
    bench.settle();
    let blocks = bench.journal.iter().filter_map(|record| match Record::from_journal(record).expect("own form") {
        Record::Block { proposal, .. } => Some(proposal.gap),
        _ => None,
    });
    assert_eq!(blocks.collect::<Vec<_>>(), [vec![genuine]]);
}

#[test]
fn a_forged_finalization_attached_to_a_proposal_makes_nothing_final_after_a_restart() {
    let mut bench = Bench::new(0);
    let first = first_block(&bench);
    let genuine = bench.fixture.notarization(1, first.digest(), &[1, 2, 3]);
    bench.receive(1, FrameKind::Proposal, proposal(&bench.fixture, &first, None, Vec::new()));
    bench.receive(3, FrameKind::Certificate, genuine.to_bytes());
    bench.settle();
    let forged = Certificate { kind: CertificateKind::Finalization, ..genuine };
    let second = bench.fixture.block(&first, 2, 0);
    bench.receive(2, FrameKind::Proposal, proposal(&bench.fixture, &second, Some(forged), Vec::new()));
    bench.settle();
    assert!(!bench.driver.replica().has_decided(View(2), Own::Notarize(second.digest())), "no vote for a forger");
    let mut again = Bench::with(0, bench.journal, bench.ledger, START, 4096);
    again.settle();
    assert_eq!(again.driver.replica().tip().header.view(), View::GENESIS);
}

#[test]
fn another_proof_of_a_view_is_fetched_although_one_is_held() {
    let mut bench = Bench::new(0);
    bench.peer(PeerEvent::Up(v(3).peer()));
    let first = first_block(&bench);
    bench.receive(3, FrameKind::Certificate, bench.fixture.notarization(1, first.digest(), &[1, 2, 3]).to_bytes());
    bench.settle();
    bench.sent();
    // Its leader skips view 1 and does not show why.
    let block = bench.fixture.block(&bench.fixture.genesis, 2, 0);
    bench.receive(2, FrameKind::Proposal, proposal(&bench.fixture, &block, None, Vec::new()));
    bench.settle();
    let wanted = Request::Proof(View(1)).to_bytes();
    assert!(bench.sent_of(FrameKind::Request).iter().any(|(_, payload)| *payload == wanted));
    let nullification = bench.fixture.nullification(1, &[2, 4, 5]);
    let answer = Response::Proofs { certificates: vec![nullification], statements: Vec::new() };
    bench.receive(3, FrameKind::Response, answer.to_bytes());
    bench.settle();
    assert!(bench.driver.replica().has_decided(View(2), Own::Notarize(block.digest())));
}

#[test]
fn only_the_first_of_many_proposals_of_one_view_is_kept() {
    let mut bench = Bench::new(0);
    let blocks: Vec<_> = (0..20).map(|twin| bench.fixture.block(&bench.fixture.genesis, 1, twin)).collect();
    for block in &blocks {
        bench.receive(1, FrameKind::Proposal, proposal(&bench.fixture, block, None, Vec::new()));
    }
    bench.settle();
    bench.sent();
    for (place, block) in blocks.iter().enumerate() {
        bench.receive(3, FrameKind::Request, Request::Block(block.digest()).to_bytes());
        bench.settle();
        let kept = !bench.sent_of(FrameKind::Response).is_empty();
        assert_eq!(kept, place == 0, "B-FUTURE: proposal {place}");
    }
}

#[test]
fn after_a_restart_every_own_statement_is_repeated_to_whoever_connects() {
    let mut bench = Bench::new(0);
    let block = first_block(&bench);
    bench.receive(1, FrameKind::Proposal, proposal(&bench.fixture, &block, None, Vec::new()));
    bench.settle();
    let entry = bench.fixture.nullification(1, &[2, 3, 4]);
    bench.receive(2, FrameKind::Certificate, entry.to_bytes());
    bench.settle();
    bench.pass_us(400_000);
    bench.settle();
    let mut again = Bench::with(0, bench.journal, bench.ledger, START, 4096);
    assert_eq!(again.driver.replica().view(), View(2));
    // Others fill the window of future views: that must not crowd out the own statements.
    for view in 3..=66 {
        again.receive(5, FrameKind::Statement, again.fixture.sign(nullify(view), 5).to_bytes());
    }
    again.settle();
    again.sent();
    again.peer(PeerEvent::Up(v(4).peer()));
    again.settle();
    let sent = again.sent();
    let of = |wanted: FrameKind| {
        let frames = sent.iter().filter_map(move |command| match command {
            NetworkCommand::Send { to: Recipients::One(to), kind, payload }
                if *kind == wanted && *to == v(4).peer() =>
            {
                Some(payload.clone())
            }
            _ => None,
        });
        frames.collect::<Vec<_>>()
    };
    let mut said: Vec<_> = of(FrameKind::Statement)
        .iter()
        .map(|payload| SignedStatement::from_bytes(payload).expect("own form").statement)
        .collect();
    said.sort_unstable();
    assert_eq!(said, [notarize(1, block.digest()), nullify(2)]);
    assert_eq!(of(FrameKind::Certificate), [entry.to_bytes()], "the proof of its view");
}

#[test]
fn a_peer_that_asks_for_a_proof_gets_it_or_the_own_statements() {
    let mut bench = Bench::new(0);
    bench.receive(2, FrameKind::Certificate, bench.fixture.nullification(1, &[2, 3, 4]).to_bytes());
    bench.settle();
    bench.pass_us(400_000);
    bench.settle();
    bench.sent();
    let mut answers = Vec::new();
    for view in 1..=3 {
        bench.receive(5, FrameKind::Request, Request::Proof(View(view)).to_bytes());
        bench.settle();
        let sent = bench.sent_of(FrameKind::Response);
        answers.push(sent.first().map(|(_, payload)| Response::from_bytes(payload).expect("own form")));
    }
    let proofs = |certificates, statements| Some(Response::Proofs { certificates, statements });
    assert_eq!(answers[0], proofs(vec![bench.fixture.nullification(1, &[2, 3, 4])], Vec::new()));
    assert_eq!(answers[1], proofs(Vec::new(), vec![bench.fixture.sign(nullify(2), 0)]));
    assert_eq!(answers[2], None);
}

#[test]
fn a_driver_whose_services_are_gone_says_so() {
    let (driver_rings, ends) = rings(16);
    drop(driver_rings);
    assert!(ends.urgent_out.is_abandoned());
    let bench = Bench::new(0);
    assert!(!bench.driver.is_abandoned());
    drop(bench.ends);
    assert!(bench.driver.is_abandoned());
}
