//! When certificates are sent on, and to whom.

use super::bench::Bench;
use super::signing::{first_block, proposal};
use crate::driver::checks::PendingChecks;
use crate::fixture::{DELTA_US, EMPTY_DELAY_US, digest, notarize, v};
use minuet_core::certificate::Certificate;
use minuet_core::messages::PeerEvent;
use minuet_core::statement::Statement;
use minuet_core::wire::{FrameKind, Recipients};
use minuet_core::{PeerId, View};

const LINGER_US: u64 = 1_000;
const SOON_US: u64 = DELTA_US / 4;
const ALL_US: u64 = EMPTY_DELAY_US + DELTA_US / 2;

/// A validator whose peers are near.
fn near() -> Bench {
    let mut bench = Bench::new(0);
    bench.driver.checks = PendingChecks::near(LINGER_US);
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
    assert_eq!(after(&mut bench, SOON_US), [(one(5), View(1))], "5 may have no vote of view 1 yet");
    assert_eq!(after(&mut bench, ALL_US - SOON_US - 1), []);
    assert_eq!(after(&mut bench, 1), [(one(1), View(1)), (one(4), View(1))]);
    // Who sends a certificate of a view is past it.
    let of_view_2 = bench.fixture.notarization(2, digest(2), &[1, 2, 3]);
    bench.receive(4, FrameKind::Certificate, of_view_2.to_bytes());
    bench.settle();
    let soon = after(&mut bench, SOON_US);
    assert_eq!(
        soon,
        [1, 3, 5].map(|peer| (one(peer), View(2))),
        "the leader of view 3, and who said nothing in view 2"
    );
    assert_eq!(after(&mut bench, ALL_US - SOON_US), [(one(2), View(2))]);
}

#[test]
fn a_next_leader_that_stays_behind_is_sent_the_proof_soon_and_the_others_later() {
    let mut bench = finalized();
    assert_eq!(after(&mut bench, SOON_US - 1), []);
    assert_eq!(after(&mut bench, 1), [(one(2), View(1)), (one(5), View(1))]);
    assert_eq!(after(&mut bench, ALL_US - SOON_US), [1, 3, 4].map(|peer| (one(peer), View(1))));
    assert_eq!(after(&mut bench, SOON_US), [], "once");
}

#[test]
fn what_was_shown_on_another_connection_does_not_count() {
    let mut bench = finalized();
    say(&mut bench, notarize(2, digest(2)), &[2, 3]);
    bench.peer(PeerEvent::Down(v(2).peer()));
    bench.peer(PeerEvent::Up(v(2).peer()));
    bench.settle();
    _ = sent(&mut bench);
    assert_eq!(after(&mut bench, SOON_US), [(one(2), View(1)), (one(5), View(1))]);
}

/// Three of six have voted for the first block, this validator among them.
fn notarized() -> Bench {
    let mut bench = near();
    let block = first_block(&bench);
    bench.receive(1, FrameKind::Proposal, proposal(&bench.fixture, &block, None, Vec::new()));
    bench.settle();
    say(&mut bench, notarize(1, block.digest()), &[2]);
    assert_eq!(after(&mut bench, LINGER_US), []);
    assert_eq!(bench.driver.replica().view(), View(2));
    bench
}

#[test]
fn whatever_is_proven_beside_another_proof_of_the_view_goes_to_all() {
    let (notarization, nullification) = {
        let fixture = near().fixture;
        (fixture.notarization(1, digest(9), &[3, 4, 5]), fixture.nullification(1, &[3, 4, 5]))
    };
    let mut bench = near();
    bench.receive(3, FrameKind::Certificate, nullification.to_bytes());
    bench.settle();
    assert_eq!(sent(&mut bench), [(Recipients::All, View(1))], "a nullification does not wait");
    bench.receive(3, FrameKind::Certificate, notarization.to_bytes());
    bench.settle();
    assert_eq!(sent(&mut bench), [(Recipients::All, View(1))], "a notarization beside it neither");

    for second in [notarization, nullification] {
        let mut bench = notarized();
        bench.receive(5, FrameKind::Certificate, second.to_bytes());
        bench.settle();
        assert_eq!(sent(&mut bench), [(Recipients::All, View(1))]);
        let first = after(&mut bench, ALL_US);
        assert!(first.contains(&(Recipients::All, View(1))), "the first one too, when it is due: {first:?}");
    }
}

#[test]
fn of_followers_and_strangers_nothing_is_remembered() {
    let mut bench = finalized();
    let before = bench.driver.sharing.remembers();
    let certificate = bench.fixture.notarization(2, digest(2), &[1, 2, 3]);
    for number in 0..100 {
        bench.receive_from(PeerId(1_000 + number), FrameKind::Certificate, certificate.to_bytes().into());
    }
    bench.settle();
    assert_eq!(bench.driver.sharing.remembers(), before);
    assert!(before <= 5);
}

#[test]
fn far_from_each_other_nothing_waits() {
    for linger_us in [0, LINGER_US] {
        let mut bench = near();
        bench.driver.checks = PendingChecks::new(linger_us);
        let block = first_block(&bench);
        bench.receive(1, FrameKind::Proposal, proposal(&bench.fixture, &block, None, Vec::new()));
        say(&mut bench, notarize(1, block.digest()), &[2]);
        bench.pass_us(linger_us);
        bench.settle();
        assert_eq!(sent(&mut bench), [(Recipients::All, View(1))]);
    }
}
