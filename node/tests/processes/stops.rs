//! Orderly ends, and what a start finds afterwards.

use crate::harness::{Load, Lone, Network, VALIDATORS};
use std::time::{Duration, Instant};

/// A write in flight and the joining of threads, on a machine that has other things to do.
const QUICKLY: Duration = Duration::from_secs(5);

#[test]
fn sigterm_ends_a_node_quickly_with_success_and_the_next_start_has_everything_it_showed() {
    let lone = Lone::new();
    let mut shown = 0;
    for _ in 0..3 {
        let node = lone.start();
        assert!(node.view.height() >= shown, "a final block is gone");
        shown = node.view.goes_on(10);
        let begun = Instant::now();
        assert_eq!(node.stop().code(), Some(0));
        assert!(begun.elapsed() < QUICKLY, "{:?}", begun.elapsed());
    }
}

#[test]
fn a_network_that_was_told_to_stop_under_load_resumes_at_its_stored_height() {
    let mut network = Network::start();
    let load = Load::start(network.dir(), 20, 6);
    network.view(0).carries(20);
    let mut shown = Vec::new();
    for (index, view) in network.all().collect::<Vec<_>>() {
        shown.push(view.latest());
        let begun = Instant::now();
        assert_eq!(network.take(index).stop().code(), Some(0), "validator {index}");
        assert!(begun.elapsed() < QUICKLY, "validator {index}: {:?}", begun.elapsed());
    }
    // Alone it can finalize nothing: what it has is what it stored.
    network.start_one(2);
    let stored = network.view(2).latest();
    assert!(stored.height >= shown[2].height);
    assert_eq!(network.view(2).block(shown[2].height).hash, shown[2].hash);
    assert_eq!(network.take(2).stop().code(), Some(0));

    network.start_all();
    for ((index, view), before) in network.all().zip(&shown) {
        assert_eq!(view.block(before.height).hash, before.hash, "validator {index}");
    }
    let load = load.finish();
    assert_eq!((&load["submitted"], &load["finalized"]), (&120.into(), &120.into()), "{load}");
    let height = network.view(VALIDATORS - 1).goes_on(5);
    network.agrees_up_to(height);
}
