//! What one driver shows of its views.

use super::bench::{Bench, seal, transaction};
use super::signing::{first_block, proposal};
use crate::fixture::{DELTA_US, EMPTY_DELAY_US, digest, notarize, nullify, v};
use crate::wire::BodyMessage;
use minuet_core::block::Body;
use minuet_core::statement::Statement;
use minuet_core::views::{OwnStatement, Slot, SlotStatus};
use minuet_core::wire::FrameKind;
use minuet_core::{Height, TimeMs, View};

fn shown(bench: &Bench, view: u64) -> Slot {
    bench.shown.read(View(view)).expect("something of it is known")
}

fn voters(slot: &Slot) -> Vec<u16> {
    slot.votes.iter().map(|validator| validator.0).collect()
}

fn say(bench: &mut Bench, statement: Statement, signers: &[u16]) {
    for signer in signers {
        let signed = bench.fixture.sign(statement, *signer);
        bench.receive(*signer, FrameKind::Statement, signed.to_bytes());
    }
    bench.settle();
}

#[test]
fn a_view_is_shown_from_its_beginning_to_its_stored_block() {
    let mut bench = Bench::new(0);
    let began = bench.now;
    bench.settle();
    let slot = shown(&bench, 1);
    assert!(slot.is_entered && slot.started_at == began.wall && slot.leader == v(1) && slot.proposal.is_none());
    assert_eq!((slot.status(), bench.shown.newest()), (SlotStatus::InProgress, View(1)));

    bench.pass_us(700);
    let block = first_block(&bench);
    bench.receive(1, FrameKind::Proposal, proposal(&bench.fixture, &block, None, Vec::new()));
    bench.settle();
    let slot = shown(&bench, 1);
    let shown_block = slot.proposal.expect("its header is here");
    assert_eq!((shown_block.height, shown_block.tx_count, shown_block.bytes), (Height(1), Some(0), Some(0)));
    assert_eq!((shown_block.after_us, slot.block, slot.own), (700, Some(block.digest()), Some(OwnStatement::Voted)));
    assert_eq!(voters(&slot), [0, 1], "the leader's vote is in the proposal");

    bench.pass_us(300);
    say(&mut bench, notarize(1, block.digest()), &[2]);
    let slot = shown(&bench, 1);
    assert_eq!((slot.status(), slot.m_after_us, slot.left_after_us), (SlotStatus::Notarized, Some(1_000), Some(1_000)));
    assert!(shown(&bench, 2).is_entered && bench.shown.newest() == View(2));

    bench.pass_us(500);
    say(&mut bench, notarize(1, block.digest()), &[3, 4]);
    let slot = shown(&bench, 1);
    assert_eq!((slot.status(), slot.l_after_us), (SlotStatus::Finalized, Some(1_500)));
    assert_eq!((slot.finalized_after_us, slot.finalized_at), (Some(1_500), Some(bench.now.wall)));
    assert_eq!(slot.finality_us(), Some(bench.now.wall.since(block.time()) * 1000));

    // The sixth vote is of no use any more, but its signer has not missed the view.
    say(&mut bench, notarize(1, block.digest()), &[5]);
    assert_eq!(voters(&shown(&bench, 1)), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn a_view_without_a_proposal_is_shown_with_its_nullify_votes_and_the_reason() {
    let mut bench = Bench::new(0);
    bench.settle();
    say(&mut bench, nullify(1), &[4]);
    assert_eq!(shown(&bench, 1).own, None);
    bench.pass_us(EMPTY_DELAY_US + 2 * DELTA_US);
    bench.settle();
    assert_eq!(shown(&bench, 1).own, Some(OwnStatement::Timeout));
    say(&mut bench, nullify(1), &[5]);
    let slot = shown(&bench, 1);
    assert_eq!(slot.nullify_votes.iter().collect::<Vec<_>>(), [v(0), v(4), v(5)]);
    assert_eq!((slot.status(), slot.nullified_after_us), (SlotStatus::Nullified, slot.left_after_us));
}

#[test]
fn a_nullification_after_the_view_was_left_by_a_notarization_is_shown_as_late() {
    let mut bench = Bench::new(0);
    bench.settle();
    let block = first_block(&bench);
    bench.receive(1, FrameKind::Proposal, proposal(&bench.fixture, &block, None, Vec::new()));
    say(&mut bench, notarize(1, block.digest()), &[2]);
    assert_eq!(shown(&bench, 1).status(), SlotStatus::Notarized);
    let nullification = bench.fixture.nullification(1, &[3, 4, 5]);
    bench.receive(3, FrameKind::Certificate, nullification.to_bytes());
    bench.settle();
    let slot = shown(&bench, 1);
    assert_eq!(slot.status(), SlotStatus::NullifiedLate);
    assert!(slot.m_after_us.is_some() && slot.nullify_votes.len() == 3);
}

#[test]
fn votes_for_another_block_do_not_count_until_that_one_is_notarized() {
    let mut bench = Bench::new(0);
    bench.settle();
    // The first thing that is heard of the view is a vote for a block that nobody proposed.
    say(&mut bench, notarize(1, digest(9)), &[5]);
    assert_eq!(voters(&shown(&bench, 1)), [5]);
    let block = first_block(&bench);
    bench.receive(1, FrameKind::Proposal, proposal(&bench.fixture, &block, None, Vec::new()));
    bench.settle();
    let slot = shown(&bench, 1);
    assert_eq!((slot.block, voters(&slot)), (Some(block.digest()), vec![0, 1]));
    let other = bench.fixture.notarization(1, digest(9), &[3, 4, 5]);
    bench.receive(3, FrameKind::Certificate, other.to_bytes());
    bench.settle();
    let slot = shown(&bench, 1);
    assert_eq!((slot.block, slot.proposal, voters(&slot)), (Some(digest(9)), None, vec![3, 4, 5]));
}

#[test]
fn a_block_is_shown_with_its_transactions_once_its_body_is_here() {
    let mut bench = Bench::new(0);
    bench.settle();
    let leader = bench.fixture.leader(1);
    let recipient = bench.fixture.rules.committee.get(leader).expect("there are six").fee_recipient;
    let genesis = bench.fixture.genesis.clone();
    let base_fee = bench.fixture.rules.base_fee(&genesis, TimeMs(2_000_000));
    let body = Body { transactions: vec![transaction(0).envelope().clone()] };
    let bytes = body.transactions[0].len() as u64;
    let block = seal(View(1), &genesis, leader, recipient, TimeMs(2_000_000), base_fee, body);
    bench.receive(1, FrameKind::Proposal, proposal(&bench.fixture, block.header(), None, Vec::new()));
    bench.settle();
    assert_eq!(shown(&bench, 1).proposal.and_then(|block| block.tx_count), None);
    let message = BodyMessage { digest: block.digest(), body: block.body().clone() };
    bench.receive(1, FrameKind::Body, message.to_bytes());
    bench.settle();
    let proposal = shown(&bench, 1).proposal.expect("its header is here");
    assert_eq!((proposal.tx_count, proposal.bytes), (Some(1), Some(bytes)));
}

#[test]
fn a_vote_that_was_forged_is_taken_back() {
    let mut bench = Bench::new(0);
    bench.settle();
    let block = first_block(&bench);
    bench.receive(1, FrameKind::Proposal, proposal(&bench.fixture, &block, None, Vec::new()));
    bench.settle();
    let mut forged = bench.fixture.sign(notarize(1, block.digest()), 2);
    forged.signature = bench.fixture.sign(notarize(2, block.digest()), 2).signature;
    bench.receive(2, FrameKind::Statement, forged.to_bytes());
    bench.settle();
    assert_eq!(voters(&shown(&bench, 1)), [0, 1], "M votes were checked together, and one of them is none");
}

#[test]
fn far_ahead_statements_are_not_shown() {
    let mut bench = Bench::new(0);
    bench.settle();
    say(&mut bench, nullify(1 + 256), &[4]);
    assert!(bench.shown.read(View(1)).is_some() && bench.shown.read(View(257)).is_none());
}
