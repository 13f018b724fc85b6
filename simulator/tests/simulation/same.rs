//! The same options give the same run.

use crate::judged;
use minuet_core::scheme::StatementScheme;
use minuet_simulator::{Options, Signatures};

#[test]
fn the_same_seed_gives_the_same_events() {
    for seed in 0..24 {
        let options = Options { chaos_ms: 2_000, ..Options::of(seed) };
        let (first, second) = (judged(&options), judged(&options));
        assert_eq!(first, second, "{}", options.command());
        let other = judged(&Options { seed: seed + 1_000, ..options.clone() });
        assert_ne!(first.hash, other.hash, "another seed is another run");
    }
}

#[test]
fn a_trace_changes_nothing_and_tells_everything() {
    let options = Options { chaos_ms: 1_000, ..Options::of(5) };
    let traced = judged(&Options { trace: true, ..options.clone() });
    assert_eq!(traced.hash, judged(&options).hash);
    let says = |what: &str| traced.trace.iter().any(|line| line.contains(what));
    assert!(says("notarize") && says("final") && says("starts at height 0"), "{:#?}", &traced.trace[..40]);
}

#[test]
fn real_signatures_give_the_same_chain_of_events_twice() {
    for scheme in [StatementScheme::Bls, StatementScheme::Ed25519] {
        let options = Options { signatures: Signatures::Real(scheme), chaos_ms: 500, ..Options::of(3) };
        assert_eq!(judged(&options), judged(&options), "{scheme}");
    }
}
