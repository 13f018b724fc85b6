//! Blocks: selection, sealing, execution, storing.

use super::bench::{Bench, seal, transaction};
use super::signing::proposal;
use crate::driver::Fatal;
use crate::record::{Own, Record};
use crate::wire::{BodyMessage, Proposal};
use minuet_core::block::{Block, Body};
use minuet_core::messages::{LedgerReply, LedgerRequest, MempoolRequest, PeerEvent};
use minuet_core::wire::{FrameKind, Offence, Recipients};
use minuet_core::{Bytes, TimeMs, View};
use std::sync::Arc;

fn proposals(bench: &mut Bench) -> Vec<Proposal> {
    let sent = bench.sent_of(FrameKind::Proposal).into_iter();
    sent.map(|(_, payload)| Proposal::from_bytes(&payload).expect("own form")).collect()
}

/// A block of view 1 with one transaction, by its leader.
fn full_block(bench: &Bench) -> Block {
    let genesis = &bench.fixture.genesis;
    let leader = bench.fixture.leader(1);
    let validator = bench.fixture.rules.committee.get(leader).expect("there are six");
    let time = TimeMs(2_000_000);
    let base_fee = bench.fixture.rules.base_fee(genesis, time);
    let body = Body { transactions: vec![transaction(0).envelope().clone()] };
    seal(View(1), genesis, leader, validator.fee_recipient, time, base_fee, body)
}

fn commits(bench: &Bench) -> usize {
    bench.ledger.requests.iter().filter(|request| matches!(request, LedgerRequest::Commit { .. })).count()
}

#[test]
fn a_leader_proposes_what_the_mempool_chose_and_the_ledger_sealed() {
    let mut bench = Bench::new(1);
    bench.turn();
    assert!(bench.serve_mempool() || !bench.asked_mempool.is_empty());
    assert!(matches!(bench.asked_mempool[0], MempoolRequest::Select { view: View(1), .. }));
    bench.reply_selected(View(1), vec![transaction(0), transaction(1)]);
    bench.turn();
    bench.serve_ledger();
    bench.turn();
    assert!(bench.sent().is_empty(), "not durable yet");
    bench.sync();
    bench.turn();
    let sent = bench.sent();
    let kinds: Vec<_> = sent
        .iter()
        .filter_map(|command| match command {
            minuet_core::messages::NetworkCommand::Send { to: Recipients::All, kind, .. } => Some(*kind),
            _ => None,
        })
        .collect();
    assert_eq!(kinds, [FrameKind::Proposal, FrameKind::Body]);
    assert!(bench.now.mono_us < bench.deadline.expect("timers run"));
}

/// Whether each question to the ledger about a block said that it is final.
fn judged_as_final(bench: &Bench) -> Vec<bool> {
    let of_judging = |request: &LedgerRequest| match request {
        LedgerRequest::Judge { is_final, .. } => Some(*is_final),
        _ => None,
    };
    bench.ledger.requests.iter().filter_map(of_judging).collect()
}

/// Nothing makes room in a full ledger but the commit that waits for the block which found none.
#[test]
fn a_block_that_found_no_room_is_judged_once_it_is_final_and_shown_as_final_once_it_is_stored() {
    for is_answered_before in [true, false] {
        let mut bench = Bench::new(0);
        bench.ledger.is_full = true;
        let block = full_block(&bench);
        bench.receive(1, FrameKind::Proposal, proposal(&bench.fixture, block.header(), None, Vec::new()));
        let body = BodyMessage { digest: block.digest(), body: block.body().clone() };
        bench.receive(1, FrameKind::Body, body.to_bytes());
        if is_answered_before {
            bench.settle();
            assert_eq!(judged_as_final(&bench), [false]);
        } else {
            bench.turn();
        }
        bench.receive(
            2,
            FrameKind::Certificate,
            bench.fixture.finalization(1, block.digest(), &[1, 2, 3, 4, 5]).to_bytes(),
        );
        bench.turn();
        assert_eq!((bench.driver.replica().tip().header.view(), bench.status.finalized_view.get()), (View(1), 0));
        bench.settle();
        assert_eq!(judged_as_final(&bench), [false, true], "answered before: {is_answered_before}");
        assert_eq!((commits(&bench), bench.status.finalized_view.get()), (1, 1));
    }
}

#[test]
fn without_transactions_an_empty_block_goes_out_in_time() {
    let mut bench = Bench::new(1);
    bench.settle();
    assert!(bench.sent().is_empty());
    let lead_us = crate::driver::rousing::LEAD_US;
    assert_eq!(bench.deadline, Some(bench.now.mono_us + crate::fixture::EMPTY_DELAY_US - lead_us));
    bench.pass_us(crate::fixture::EMPTY_DELAY_US - lead_us);
    bench.settle();
    assert_eq!((bench.deadline, bench.roused), (Some(bench.now.mono_us + lead_us), 1));
    bench.pass_us(lead_us);
    bench.settle();
    let sent = proposals(&mut bench);
    assert!(sent.len() == 1 && sent[0].header.is_empty_block());
    assert!(bench.asked_mempool.contains(&MempoolRequest::Cancel));
}

#[test]
fn a_ledger_that_does_not_answer_costs_the_block_its_transactions_and_its_late_answer_nothing() {
    let mut bench = Bench::new(1);
    bench.turn();
    bench.reply_selected(View(1), vec![transaction(0)]);
    bench.turn();
    let request = bench.ends.ledger_out.try_recv().expect("a block to seal");
    assert!(matches!(request, LedgerRequest::Seal { .. }));
    bench.pass_us(crate::fixture::DELTA_US);
    bench.turn();
    bench.sync();
    bench.turn();
    let sent = proposals(&mut bench);
    assert!(sent.len() == 1 && sent[0].header.is_empty_block(), "L-ISOLATE");
    let late = full_block(&bench);
    bench.reply_ledger(LedgerReply::Sealed { view: View(1), block: Some(late) });
    bench.settle();
    assert!(proposals(&mut bench).is_empty(), "S-ONE-PROPOSAL");
}

#[test]
fn answers_about_another_view_are_ignored() {
    let mut bench = Bench::new(1);
    bench.turn();
    bench.reply_selected(View(7), vec![transaction(0)]);
    bench.turn();
    assert!(bench.ends.ledger_out.try_recv().is_none());
    let block = full_block(&bench);
    bench.reply_ledger(LedgerReply::Sealed { view: View(7), block: Some(block) });
    bench.settle();
    assert!(bench.sent().is_empty());
}

#[test]
fn a_restarted_leader_repeats_its_proposal_with_its_body_and_makes_no_other() {
    let mut bench = Bench::new(1);
    bench.transactions = vec![transaction(0)];
    bench.settle();
    let made = proposals(&mut bench);
    let mut again = Bench::with(1, bench.journal, bench.ledger, bench.now, 4096);
    again.peer(PeerEvent::Up(crate::fixture::v(4).peer()));
    again.settle();
    again.pass_us(200_000);
    again.settle();
    let sent = again.sent();
    let frames = |wanted: FrameKind| {
        let of_kind = sent.iter().filter_map(move |command| match command {
            minuet_core::messages::NetworkCommand::Send { kind, payload, .. } if *kind == wanted => {
                Some(payload.clone())
            }
            _ => None,
        });
        of_kind.collect::<Vec<Bytes>>()
    };
    let repeated: Vec<_> =
        frames(FrameKind::Proposal).iter().map(|payload| Proposal::from_bytes(payload).expect("own form")).collect();
    assert!(!repeated.is_empty() && repeated.iter().all(|proposal| *proposal == made[0]));
    let bodies = frames(FrameKind::Body);
    let body = BodyMessage::from_bytes(&bodies[0]).expect("own form");
    assert_eq!(body.digest, made[0].header.digest());
    assert!(!again.ledger.requests.iter().any(|request| matches!(request, LedgerRequest::Seal { .. })));
}

#[test]
fn a_block_is_voted_for_once_its_body_is_here_and_executed() {
    let mut bench = Bench::new(0);
    let block = full_block(&bench);
    bench.receive(1, FrameKind::Proposal, proposal(&bench.fixture, block.header(), None, Vec::new()));
    bench.settle();
    assert!(bench.sent_of(FrameKind::Statement).is_empty());
    let message = BodyMessage { digest: block.digest(), body: block.body().clone() };
    bench.receive(1, FrameKind::Body, message.to_bytes());
    bench.settle();
    assert_eq!(bench.sent_of(FrameKind::Statement).len(), 1);
    let journaled = bench
        .journal
        .iter()
        .any(|record| matches!(Record::from_journal(record), Ok(Record::Block { body, .. }) if body == *block.body()));
    assert!(journaled, "D-BODY");
}

#[test]
fn a_body_that_overtakes_its_header_is_kept_and_one_that_does_not_fit_is_blamed() {
    let mut bench = Bench::new(0);
    let block = full_block(&bench);
    let message = BodyMessage { digest: block.digest(), body: block.body().clone() };
    bench.receive(1, FrameKind::Body, message.to_bytes());
    bench.settle();
    bench.receive(1, FrameKind::Proposal, proposal(&bench.fixture, block.header(), None, Vec::new()));
    bench.settle();
    assert!(bench.driver.replica().has_decided(View(1), Own::Notarize(block.digest())));

    let mut bench = Bench::new(0);
    let swapped = BodyMessage { digest: block.digest(), body: Arc::default() };
    bench.receive(1, FrameKind::Proposal, proposal(&bench.fixture, block.header(), None, Vec::new()));
    bench.settle();
    bench.receive(1, FrameKind::Body, swapped.to_bytes());
    bench.settle();
    let blamed = bench.sent().into_iter().any(|command| {
        let peer = crate::fixture::v(1).peer();
        command == minuet_core::messages::NetworkCommand::Blame { peer, offence: Offence::Invalid }
    });
    assert!(blamed && !bench.driver.replica().has_decided(View(1), Own::Notarize(block.digest())));
}

#[test]
fn a_final_block_is_stored_only_after_it_was_executed_here() {
    let mut bench = Bench::new(0);
    let block = full_block(&bench);
    bench.receive(1, FrameKind::Proposal, proposal(&bench.fixture, block.header(), None, Vec::new()));
    let finalization = bench.fixture.finalization(1, block.digest(), &[1, 2, 3, 4, 5]);
    bench.receive(2, FrameKind::Certificate, finalization.to_bytes());
    bench.settle();
    assert_eq!(bench.driver.replica().tip().header.digest(), block.digest(), "final for the rules");
    assert_eq!(commits(&bench), 0, "but its body is missing");
    bench.peer(PeerEvent::Up(crate::fixture::v(3).peer()));
    bench.pass_us(200_000);
    bench.settle();
    assert!(!bench.sent_of(FrameKind::Request).is_empty(), "it is asked for");
    let message = BodyMessage { digest: block.digest(), body: block.body().clone() };
    bench.receive(1, FrameKind::Body, message.to_bytes());
    bench.settle();
    assert_eq!((commits(&bench), bench.ledger.chain.len()), (1, 1));
}

#[test]
fn a_final_block_that_executes_to_something_else_here_stops_the_node() {
    let mut bench = Bench::new(0);
    let block = full_block(&bench);
    bench.ledger.wrong.insert(block.digest());
    bench.receive(1, FrameKind::Proposal, proposal(&bench.fixture, block.header(), None, Vec::new()));
    let message = BodyMessage { digest: block.digest(), body: block.body().clone() };
    bench.receive(1, FrameKind::Body, message.to_bytes());
    bench.settle();
    assert!(bench.sent_of(FrameKind::Statement).is_empty(), "no vote for it");
    let finalization = bench.fixture.finalization(1, block.digest(), &[1, 2, 3, 4, 5]);
    bench.receive(2, FrameKind::Certificate, finalization.to_bytes());
    assert_eq!(bench.failing_turn(), Fatal::StateMismatch { digest: block.digest() });
}

#[test]
fn the_body_of_a_notarized_block_is_fetched_so_that_its_children_can_be_executed() {
    let mut bench = Bench::new(0);
    for peer in 1..6 {
        bench.peer(PeerEvent::Up(crate::fixture::v(peer).peer()));
    }
    let block = full_block(&bench);
    bench.receive(1, FrameKind::Proposal, proposal(&bench.fixture, block.header(), None, Vec::new()));
    bench.settle();
    let notarization = bench.fixture.notarization(1, block.digest(), &[1, 2, 3]);
    bench.receive(2, FrameKind::Certificate, notarization.to_bytes());
    bench.settle();
    assert!(bench.sent_of(FrameKind::Request).is_empty(), "it may be on its way");
    bench.pass_us(60_000);
    bench.settle();
    let wanted = crate::wire::Request::Block(block.digest()).to_bytes();
    let asked: Vec<_> =
        bench.sent_of(FrameKind::Request).into_iter().filter(|(_, payload)| *payload == wanted).collect();
    assert_eq!(asked.len(), 1, "R11");
}
