//! A node that lags behind: ranges are believed under a finalization that verifies, and not otherwise.

use super::bench::Bench;
use crate::fixture::v;
use crate::wire::{Request, Response, ServedBlock};
use minuet_core::Height;
use minuet_core::block::Block;
use minuet_core::bls::BlsSignature;
use minuet_core::header::BlockHeader;
use minuet_core::messages::{NetworkCommand, PeerEvent};
use minuet_core::wire::{FrameKind, Offence, Recipients};
use std::sync::Arc;

fn chain(bench: &Bench, length: u64) -> Vec<Arc<BlockHeader>> {
    let mut parent = bench.fixture.genesis.clone();
    let mut blocks = Vec::new();
    for view in 1..=length {
        parent = bench.fixture.block(&parent, view, view);
        blocks.push(parent.clone());
    }
    blocks
}

fn served(headers: &[Arc<BlockHeader>]) -> Vec<ServedBlock> {
    let blocks = headers.iter().map(|header| Block::empty(header.clone()).expect("no transactions"));
    blocks.map(|block| ServedBlock { block, finalization: None }).collect()
}

/// Twelve final blocks behind; the peer that it asks for them is the answer.
fn lagging() -> (Bench, Vec<Arc<BlockHeader>>, u16) {
    let mut bench = Bench::new(0);
    let headers = chain(&bench, 12);
    for peer in 1..6 {
        bench.peer(PeerEvent::Up(v(peer).peer()));
    }
    let last = bench.fixture.finalization(12, headers[11].digest(), &[1, 2, 3, 4, 5]);
    bench.receive(2, FrameKind::Certificate, last.to_bytes());
    bench.settle();
    let range = Request::Range(Height(1)).to_bytes();
    let asked: Vec<_> =
        bench.sent_of(FrameKind::Request).into_iter().filter(|(_, payload)| *payload == range).collect();
    let [(Recipients::One(peer), _)] = asked[..] else { panic!("one peer is asked: {asked:?}") };
    (bench, headers, u16::try_from(peer.0).expect("a validator"))
}

fn was_blamed(bench: &mut Bench, peer: u16, offence: Offence) -> bool {
    bench.sent().contains(&NetworkCommand::Blame { peer: v(peer).peer(), offence })
}

#[test]
fn a_range_under_a_verified_finalization_is_taken_and_stored() {
    let (mut bench, headers, peer) = lagging();
    let mut blocks = served(&headers);
    blocks[11].finalization = Some(bench.fixture.finalization(12, headers[11].digest(), &[1, 2, 3, 4, 5]));
    bench.receive(peer, FrameKind::Response, Response::Blocks(blocks).to_bytes());
    bench.settle();
    assert_eq!(bench.ledger.chain.len(), 12);
    assert_eq!(bench.driver.replica().tip().header, headers[11]);
}

#[test]
fn a_range_that_ends_before_the_known_finality_is_taken_as_far_as_it_goes() {
    let (mut bench, headers, peer) = lagging();
    let mut blocks = served(&headers[..8]);
    blocks[5].finalization = Some(bench.fixture.finalization(6, headers[5].digest(), &[1, 2, 3, 4, 5]));
    bench.receive(peer, FrameKind::Response, Response::Blocks(blocks).to_bytes());
    bench.settle();
    assert_eq!(bench.ledger.chain.len(), 6);
    bench.pass_us(400_000);
    bench.settle();
    assert!(!bench.sent_of(FrameKind::Request).is_empty(), "the rest is asked for");
}

#[test]
fn a_range_with_a_forged_finalization_is_refused() {
    let (mut bench, headers, peer) = lagging();
    let mut blocks = served(&headers[..6]);
    let mut forged = bench.fixture.finalization(6, headers[5].digest(), &[1, 2, 3, 4, 5]);
    forged.signature = BlsSignature([9; 48]);
    blocks[5].finalization = Some(forged);
    bench.receive(peer, FrameKind::Response, Response::Blocks(blocks).to_bytes());
    bench.settle();
    assert!(was_blamed(&mut bench, peer, Offence::BadCertificate));
    assert!(bench.ledger.chain.is_empty() && bench.ledger.requests.is_empty(), "nothing of it was taken");
}

#[test]
fn a_range_that_is_no_chain_on_the_final_block_is_refused() {
    let (mut bench, headers, peer) = lagging();
    let mut blocks = served(&headers);
    blocks[11].finalization = Some(bench.fixture.finalization(12, headers[11].digest(), &[1, 2, 3, 4, 5]));
    blocks.remove(4);
    bench.receive(peer, FrameKind::Response, Response::Blocks(blocks).to_bytes());
    bench.settle();
    assert!(was_blamed(&mut bench, peer, Offence::Invalid));
    assert!(bench.ledger.chain.is_empty());
}

#[test]
fn a_range_without_a_finalization_or_from_a_peer_that_was_not_asked_is_not_taken() {
    let (mut bench, headers, peer) = lagging();
    let mut blocks = served(&headers);
    let other = if peer == 1 { 2 } else { 1 };
    blocks[11].finalization = Some(bench.fixture.finalization(12, headers[11].digest(), &[1, 2, 3, 4, 5]));
    bench.receive(other, FrameKind::Response, Response::Blocks(blocks.clone()).to_bytes());
    bench.settle();
    blocks[11].finalization = None;
    bench.receive(peer, FrameKind::Response, Response::Blocks(blocks).to_bytes());
    bench.settle();
    assert!(bench.ledger.chain.is_empty());
}

#[test]
fn a_silent_peer_is_not_asked_for_ever() {
    let (mut bench, _, first) = lagging();
    let mut asked = std::collections::BTreeSet::from([u32::from(first)]);
    for _ in 0..12 {
        bench.pass_us(150_000);
        bench.settle();
        for (to, _) in bench.sent_of(FrameKind::Request) {
            if let Recipients::One(peer) = to {
                asked.insert(peer.0);
            }
        }
    }
    assert_eq!(asked.len(), 5, "L-SYNC: one honest peer is enough");
}

#[test]
fn final_blocks_are_served_from_the_ledger_and_unfinalized_ones_from_memory() {
    let (mut bench, headers, peer) = lagging();
    let mut blocks = served(&headers);
    blocks[11].finalization = Some(bench.fixture.finalization(12, headers[11].digest(), &[1, 2, 3, 4, 5]));
    bench.receive(peer, FrameKind::Response, Response::Blocks(blocks).to_bytes());
    bench.settle();
    bench.sent();
    bench.receive(5, FrameKind::Request, Request::Range(Height(3)).to_bytes());
    bench.receive(5, FrameKind::Request, Request::Block(headers[6].digest()).to_bytes());
    bench.receive(5, FrameKind::Request, Request::Range(Height(99)).to_bytes());
    bench.settle();
    let answers: Vec<_> = bench
        .sent_of(FrameKind::Response)
        .into_iter()
        .map(|(_, payload)| match Response::from_bytes(&payload).expect("own form") {
            Response::Blocks(blocks) => blocks.len(),
            Response::Proofs { .. } => 0,
        })
        .collect();
    assert_eq!(answers, [10, 1]);
}
