//! Every rule-breaking variant of docs/protocol.md §6 is caught by the simulator: by the seed that is recorded here, or, when
//! the code has changed so much that this seed shows something else, by a search of at most 60 seconds.
//! And twins: with D-OWN-SIG on and off, nothing else breaks.

use minuet_simulator::mutation::{Mutation, with};
use minuet_simulator::{Options, Outcome, run};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// Variant, seed, whether one key runs twice in it. 'minuet-seeded' finds them anew.
const RECORDED: [(Mutation, u64, bool); 20] = [
    (Mutation::QuorumTwoF, 0, false),
    (Mutation::FinalityOneLess, 0, false),
    (Mutation::EvidenceAboveF, 3, false),
    (Mutation::EvidenceByMessages, 43, false),
    (Mutation::NullifyCascades, 0, false),
    (Mutation::TimeoutAfterVote, 0, false),
    (Mutation::VoteAfterNullify, 0, false),
    (Mutation::GapOffByOne, 100, false),
    (Mutation::GapUnchecked, 27, false),
    (Mutation::ParentNotNotarized, 27, false),
    (Mutation::DuplicateSigners, 10, false),
    (Mutation::CertificateVoteAfterNullify, 0, false),
    (Mutation::ForgottenRecord, 0, false),
    (Mutation::EntryProofNotDurable, 0, false),
    (Mutation::NoRebroadcast, 0, false),
    (Mutation::OneNotarizationPerView, 2, true),
    (Mutation::NoCertificateVote, 0, false),
    (Mutation::NotYetIsInvalid, 1, false),
    (Mutation::UnboundedFuture, 24, false),
    (Mutation::UnverifiedCounts, 0, false),
];
const PATIENCE: Duration = Duration::from_secs(60);
const TWINS: u64 = 5_000;

fn is_caught(mutation: Mutation, options: &Options) -> bool {
    let outcome = catch_unwind(AssertUnwindSafe(|| with(Some(mutation), || run(options))));
    outcome.map_or(true, |outcome| outcome.violation.is_some())
}

fn options(seed: u64, twins: bool) -> Options {
    Options { twins, ..Options::of(seed) }
}

#[test]
fn every_broken_rule_is_caught() {
    assert_eq!(RECORDED.map(|(mutation, ..)| mutation), Mutation::ALL, "one line a variant, in order");
    // What is caught by an assertion of the rules themselves need not fill the screen.
    std::panic::set_hook(Box::new(|_| {}));
    let mut missed = Vec::new();
    for (mutation, seed, twins) in RECORDED {
        let begun = Instant::now();
        let mut caught = is_caught(mutation, &options(seed, twins)).then_some(seed);
        let mut next = 0;
        while caught.is_none() && begun.elapsed() < PATIENCE {
            caught = is_caught(mutation, &options(next, next % 3 == 2)).then_some(next);
            next += 1;
        }
        match caught {
            Some(seed) => println!("{}: seed {seed}, {} ms", mutation.name(), begun.elapsed().as_millis()),
            None => missed.push(mutation.name()),
        }
    }
    let _ = std::panic::take_hook();
    assert!(missed.is_empty(), "not caught: {}", missed.join(", "));
}

#[test]
fn whole_rules_pass_where_broken_ones_were_caught() {
    for (mutation, seed, twins) in RECORDED {
        let outcome = run(&options(seed, twins));
        assert_eq!(outcome.violation, None, "{}: {}", mutation.name(), options(seed, twins).command());
    }
}

fn twins(seed: u64) -> Outcome {
    let options = Options { twins: true, chaos_ms: 300, ..Options::of(seed) };
    // Every other seed goes on where a validator would stop at once.
    let off = (seed % 2 == 1).then_some(Mutation::OwnSignatureUnseen);
    let outcome = with(off, || run(&options));
    assert_eq!(
        outcome.violation,
        None,
        "own signatures {}: {}",
        if off.is_some() { "unseen" } else { "seen" },
        options.command()
    );
    outcome
}

#[test]
fn twins_break_nothing_whether_they_see_each_other_or_not() {
    let mut both = [0u64; 2];
    for seed in 0..TWINS {
        both[usize::from(seed % 2 == 1)] += u64::from(twins(seed).both_signed);
    }
    println!(
        "{TWINS} scenarios; one key said two things in one view in {} with D-OWN-SIG on, {} with it off",
        both[0], both[1]
    );
    assert!(both.iter().all(|both| *both > TWINS / 20), "{both:?}");
}
