//! The smoke run: at least so many views without a violation, and every rule seen at work in it.

use crate::judged;
use minuet_simulator::{Class, Coverage, Options, Swarm};

const VIEWS: u64 = 200_000;

#[test]
fn two_hundred_thousand_views_break_nothing_and_show_every_rule() {
    let mut coverage = Coverage::default();
    let (mut views, mut seed) = (0, 0);
    while views < VIEWS {
        let outcome = judged(&Options::of(seed));
        views += outcome.views;
        coverage.add(&outcome.coverage);
        seed += 1;
    }
    let twins = judged(&Options { twins: true, swarm: Some(Swarm::of(&[Class::Twins])), ..Options::of(1) });
    coverage.add(&twins.coverage);
    println!("{views} views of {seed} seeds");
    assert!(coverage.missing().is_empty(), "never seen: {}", coverage.missing().join(", "));
}
