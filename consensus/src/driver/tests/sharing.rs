//! When certificates are sent on, and to whom.

use super::bench::Bench;
use super::signing::{first_block, proposal};
use crate::driver::checks::PendingChecks;
use crate::fixture::{DELTA_US, EMPTY_DELAY_US, digest, notarize, nullify, v};
use minuet_core::certificate::Certificate;
use minuet_core::messages::PeerEvent;
use minuet_core::statement::Statement;
use minuet_core::wire::{FrameKind, Recipients};
use minuet_core::{PeerId, View};

const LINGER_US: u64 = 1_000;
const LEADER_AFTER_US: u64 = DELTA_US / 4;
const ALL_AFTER_US: u64 = EMPTY_DELAY_US + DELTA_US / 2;

/// A validator whose peers are near.
fn near() -> Bench {
    let mut bench = Bench::new(0);
    bench.driver.checks = PendingChecks::new(LINGER_US);
    for peer in 1..6 {
        bench.peer(PeerEvent::Up(v(peer).peer()));
    }
    bench.settle();
    bench
}

fn say(bench: &mut Bench, statement: Statement, signers: &[u16]) {
    for signer in signers {
        let signed = bench.fixture.sign(statement, *signer);
        bench.receive(*signer, FrameKind::Statement, signed.to_bytes());
    }
    bench.settle();
}

/// Certificates of view 1 or later that went out since the last look, and to whom.
fn sent(bench: &mut Bench) -> Vec<(Recipients, View)> {
    let frames = bench.sent_of(FrameKind::Certificate).into_iter();
    frames.map(|(to, payload)| (to, Certificate::from_bytes(&payload).unwrap().view)).collect()
}

fn one(peer: u16) -> Recipients {
    Recipients::One(v(peer).peer())
}

/// The first block is final here, by the votes of all but one.
fn finalized() -> Bench {
    let mut bench = near();
    let block = first_block(&bench);
    bench.receive(1, FrameKind::Proposal, proposal(&bench.fixture, &block, None, Vec::new()));
    bench.settle();
    say(&mut bench, notarize(1, block.digest()), &[2, 3, 4]);
    assert_eq!(bench.driver.replica().view(), View(2));
    assert_eq!(sent(&mut bench), [], "everybody is about to gather the same");
    bench
}

fn after(bench: &mut Bench, us: u64) -> Vec<(Recipients, View)> {
    bench.pass_us(us);
    bench.settle();
    sent(bench)
}

#[test]
fn nobody_is_sent_what_it_has_shown_to_be_past() {
    let mut bench = finalized();
    say(&mut bench, notarize(2, digest(2)), &[2, 3]);
    assert_eq!(after(&mut bench, LEADER_AFTER_US), [], "the next leader is in its view");
    let left = ALL_AFTER_US - LEADER_AFTER_US;
    let of_view_2 = bench.fixture.notarization(2, digest(2), &[1, 2, 3]);
    assert_eq!(after(&mut bench, left - 1), []);
    // 4 is behind, 5 and 1 have said nothing since.
    assert_eq!(after(&mut bench, 1), [(one(1), View(1)), (one(4), View(1)), (one(5), View(1))]);
    // Who sends a certificate of the next view is past this one; what comes of it is sent to those behind alone.
    bench.receive(4, FrameKind::Certificate, of_view_2.to_bytes());
    bench.settle();
    assert_eq!(
        after(&mut bench, LEADER_AFTER_US),
        [(one(3), View(2))],
        "the leader of view 3 has not shown that it is there"
    );
    let rest = after(&mut bench, ALL_AFTER_US - LEADER_AFTER_US);
    assert_eq!(rest, [1, 2, 3, 5].map(|peer| (one(peer), View(2))));
}

#[test]
fn a_next_leader_that_stays_behind_is_sent_the_proof_soon_and_the_others_later() {
    let mut bench = finalized();
    assert_eq!(after(&mut bench, LEADER_AFTER_US - 1), []);
    assert_eq!(after(&mut bench, 1), [(one(2), View(1))]);
    assert_eq!(after(&mut bench, ALL_AFTER_US - LEADER_AFTER_US), [(Recipients::All, View(1))]);
    assert_eq!(after(&mut bench, 10 * ALL_AFTER_US).iter().filter(|(_, view)| *view == View(1)).count(), 0, "once");
}

#[test]
fn what_was_shown_on_another_connection_does_not_count() {
    let mut bench = finalized();
    say(&mut bench, notarize(2, digest(2)), &[2, 3]);
    bench.peer(PeerEvent::Down(v(2).peer()));
    bench.peer(PeerEvent::Up(v(2).peer()));
    bench.settle();
    _ = sent(&mut bench);
    assert_eq!(after(&mut bench, LEADER_AFTER_US), [(one(2), View(1))]);
}

#[test]
fn nullifications_and_second_notarizations_go_to_all_at_once() {
    let mut bench = near();
    say(&mut bench, nullify(1), &[2, 3, 4]);
    assert_eq!(sent(&mut bench), [(Recipients::All, View(1))]);

    let mut bench = finalized();
    let other = bench.fixture.notarization(1, digest(9), &[3, 4, 5]);
    let nullification = bench.fixture.nullification(3, &[3, 4, 5]);
    bench.receive(5, FrameKind::Certificate, nullification.to_bytes());
    bench.settle();
    assert_eq!(sent(&mut bench), [(Recipients::All, View(3))]);
    // Of a view that is final here nothing is taken.
    bench.receive(5, FrameKind::Certificate, other.to_bytes());
    bench.settle();
    assert_eq!(sent(&mut bench), []);
}

#[test]
fn followers_and_strangers_leave_no_trace() {
    let mut bench = finalized();
    let certificate = bench.fixture.notarization(2, digest(2), &[1, 2, 3]);
    for number in 0..100 {
        bench.receive_from(PeerId(1_000 + number), FrameKind::Certificate, certificate.to_bytes().into());
    }
    bench.settle();
    assert_eq!(after(&mut bench, LEADER_AFTER_US).first(), Some(&(one(2), View(1))));
}

#[test]
fn far_from_each_other_nothing_waits() {
    let mut bench = Bench::new(0);
    for peer in 1..6 {
        bench.peer(PeerEvent::Up(v(peer).peer()));
    }
    bench.settle();
    let block = first_block(&bench);
    bench.receive(1, FrameKind::Proposal, proposal(&bench.fixture, &block, None, Vec::new()));
    say(&mut bench, notarize(1, block.digest()), &[2]);
    assert_eq!(sent(&mut bench), [(Recipients::All, View(1))]);
}
