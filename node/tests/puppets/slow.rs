//! Peers that take their time: one that does not read, one that sends half a frame and lives on.

use crate::harness::{Frame, Setting, Stage, notarize};
use minuet_consensus::wire::{BodyMessage, Request};
use minuet_core::Height;
use minuet_core::wire::FrameKind;

/// What a queue for one peer, its connection and the allocator may take.
const ALLOWED_BYTES: u64 = 48 << 20;

#[test]
fn a_peer_that_does_not_read_what_it_asked_for_is_served_to_a_bound() {
    let slow = 3;
    let mut stage = Stage::set(Setting { slow_reader: Some(slow), ..Setting::default() });
    // A block of nearly two megabytes.
    let transactions = (0..15).map(|nonce| stage.chain.transfer_with(nonce, vec![7; 120_000])).collect();
    let block = stage.chain.block_with(1, transactions);
    let header = block.header().clone();
    stage.proposes(&header);
    stage.puppet(1).body(&BodyMessage { digest: header.digest(), body: block.body().clone() });
    stage.sees(notarize(&header));
    stage.votes(&header);
    stage.settles(&header);
    stage.goes_on();

    let memory = stage.status().resident_bytes;
    // A few at a time, each time when the node has heard the ones before.
    for round in 1..=20 {
        for _ in 0..8 {
            stage.puppet(slow).request(Request::Block(header.digest()));
        }
        let mark = stage.puppet(1).mark();
        stage.puppet(1).request(Request::Range(Height(2)));
        stage.puppet(1).finds_from(mark, "an answer", |frame| matches!(frame, Frame::Response(_)).then_some(round));
    }
    stage.refuses("fetch_budget", 1);
    stage.is_undisturbed();
    let grown = stage.status().resident_bytes.saturating_sub(memory);
    assert!(grown < ALLOWED_BYTES, "{grown} bytes more");
    assert_eq!(stage.faults(), 0, "to be slow is no fault");
    assert!(stage.puppet(slow).is_up());
    stage.ends_well();
}

#[test]
fn half_a_frame_holds_nobody_up() {
    let slow = 5;
    let mut stage = Stage::set(Setting { relayed: Some(slow), ..Setting::default() });
    stage.goes_on();
    let memory = stage.status().resident_bytes;
    stage.relay().narrow(200_000);
    for kind in [FrameKind::Body, FrameKind::Response, FrameKind::Transactions] {
        stage.puppet(slow).send(kind, vec![0; kind.max_bytes()]);
    }
    stage.relay().waits_used_up();
    stage.silence(slow);
    stage.is_undisturbed();
    let grown = stage.status().resident_bytes.saturating_sub(memory);
    assert!(grown < ALLOWED_BYTES, "{grown} bytes more");
    assert_eq!(stage.faults(), 0);
    assert!(stage.puppet(slow).is_up(), "it only takes its time");
    stage.ends_well();
}

#[test]
fn a_leader_whose_proposal_gets_stuck_loses_its_turn_by_time() {
    let slow = 3;
    let mut stage = Stage::set(Setting { relayed: Some(slow), delta_ms: 1000, ..Setting::default() });
    while stage.leader() != slow {
        stage.goes_on();
    }
    stage.relay().narrow(0);
    let header = stage.chain.child(&stage.tip, stage.view);
    stage.proposes(&header);
    // Nobody else says anything: only the node's own patience ends.
    stage.sees(crate::harness::nullify(stage.view));
    stage.silence(slow);
    stage.passes();
    assert!(!stage.has_said(notarize(&header)));
    stage.is_undisturbed();
    stage.ends_well();
}
