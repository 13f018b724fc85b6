//! How long a transaction takes from its entry to finality, seen by the validator where it entered.
//!
//! It comes at a random moment to a random validator, which sends it to the next leaders at once; the first block whose
//! making begins after the transaction is there has it.

use super::links::Links;
use super::random::Stream;
use super::trace::{Trace, ViewTrace};

/// Transactions per run.
const SAMPLES: usize = 20_000;

/// Durations in nanoseconds. Transactions come between the first measured proposal and three quarters of the run.
pub fn latencies(trace: &Trace, skip: usize, links: &Links, hop_ns: u64, seed: u64) -> Vec<u64> {
    let views: Vec<&ViewTrace> = trace.measured(skip).filter(|view| view.carries).collect();
    let (Some(first), Some(last)) = (views.first(), views.get(views.len() * 3 / 4)) else { return Vec::new() };
    let (from, span) = (first.proposed, last.proposed.saturating_sub(first.proposed));
    let mut chance = Stream::new(seed, u64::MAX);
    let sample = |_| {
        let entry = chance.below(links.n() as u64) as usize;
        let at = from + chance.below(span.max(1));
        let next = views.partition_point(|view| view.proposed < at);
        let included = views[next..].iter().find(|view| {
            let hop_ns = if view.leader == entry { 0 } else { hop_ns };
            at + links.sample(entry, view.leader, &mut chance) + hop_ns <= view.proposed
        });
        included.map(|view| view.finalized[entry].saturating_sub(at))
    };
    (0..SAMPLES).filter_map(sample).collect()
}
