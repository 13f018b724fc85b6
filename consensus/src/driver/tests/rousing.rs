//! When the journal is told that a record comes soon.

use super::bench::{Bench, transaction};
use super::signing::{first_block, proposal};
use crate::driver::rousing::{AWAKE_US, LEAD_US};
use crate::fixture::EMPTY_DELAY_US;
use minuet_core::View;
use minuet_core::messages::MempoolReply;
use minuet_core::wire::FrameKind;

#[test]
fn the_disk_is_roused_once_shortly_before_the_empty_block_is_due() {
    let mut bench = Bench::new(0);
    bench.settle();
    bench.pass_us(EMPTY_DELAY_US - LEAD_US - 1);
    bench.settle();
    assert_eq!((bench.roused, bench.deadline), (0, Some(bench.now.mono_us + 1)));
    for _ in 0..3 {
        bench.pass_us(1);
        bench.settle();
        assert_eq!(bench.roused, 1);
    }
}

#[test]
fn a_record_keeps_the_disk_awake() {
    let mut bench = Bench::new(0);
    bench.settle();
    let block = first_block(&bench);
    bench.receive(1, FrameKind::Proposal, proposal(&bench.fixture, &block, None, Vec::new()));
    bench.settle();
    assert!(!bench.journal.is_empty(), "it voted");
    bench.pass_us(EMPTY_DELAY_US);
    bench.settle();
    assert_eq!(bench.roused, 0, "nothing is expected before the next view");
}

#[test]
fn a_transaction_on_its_way_to_the_leader_rouses_the_disk_unless_it_is_awake() {
    let mut bench = Bench::new(0);
    bench.settle();
    for (pause_us, roused) in [(0, 1), (AWAKE_US - 1, 1), (1, 2)] {
        bench.pass_us(pause_us);
        bench.ends.mempool.send_fitting(MempoolReply::Handed { view: View(1) }).expect("the driver lives");
        bench.settle();
        assert_eq!(bench.roused, roused);
    }
    let mut leader = Bench::new(1);
    leader.turn();
    leader.serve_mempool();
    leader.reply_selected(View(1), vec![transaction(0)]);
    leader.turn();
    assert_eq!(leader.roused, 1, "while the ledger seals");
}

#[test]
fn who_signs_nothing_rouses_nothing() {
    let mut bench = Bench::new(0);
    bench.driver.casting.stop();
    bench.settle();
    bench.pass_us(EMPTY_DELAY_US);
    bench.ends.mempool.send_fitting(MempoolReply::Handed { view: View(1) }).expect("the driver lives");
    bench.settle();
    assert_eq!(bench.roused, 0);
}
