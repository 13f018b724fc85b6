//! Two views, every state of them.

use minuet_model::oracle::Check;
use minuet_model::run::{Limits, Summary, search};
use minuet_model::world::Options;

fn tell(what: &str, summary: &Summary) {
    println!(
        "{what}: {} states, {} of one validator, {} steps, depth {}, {:.1} s",
        summary.states,
        summary.locals,
        summary.steps,
        summary.depth,
        summary.took.as_secs_f64()
    );
    for found in &summary.found {
        println!("{} after {} steps\n{}", found.check.name(), found.steps, found.trace.join("\n"));
    }
}

fn is_safe(byzantine: u16, least_states: usize) {
    let summary = search(Options::new(2, byzantine), &Limits::default());
    tell(&format!("validator {byzantine} is Byzantine"), &summary);
    assert!(summary.found.is_empty(), "an invariant is broken");
    assert!(summary.is_exhaustive && summary.states >= least_states, "the search became smaller");
}

#[test]
fn two_views_are_safe_with_a_byzantine_leader_of_the_first() {
    is_safe(1, 1_300_000);
}

#[test]
fn two_views_are_safe_with_a_byzantine_leader_of_the_second() {
    is_safe(2, 2_400_000);
}

#[test]
fn two_views_are_safe_with_a_byzantine_validator_that_leads_none() {
    is_safe(0, 480_000);
}

#[test]
fn two_byzantine_validators_of_six_fork_the_chain() {
    let options = Options { byzantine: vec![0, 1], ..Options::new(2, 1) };
    let summary = search(options, &Limits { until: Check::FORKS.to_vec(), ..Limits::default() });
    tell("validators 0 and 1 are Byzantine", &summary);
    assert!(summary.found.iter().any(|found| Check::FORKS.contains(&found.check)), "no fork was found");
}
