//! Many seeds, judged by every invariant. A failure names the command that repeats its run.

mod coverage;
mod same;
mod seeds;

use minuet_simulator::{Options, Outcome, run};

/// Runs one; fails with the command that repeats it.
fn judged(options: &Options) -> Outcome {
    let outcome = run(options);
    if let Some(violation) = &outcome.violation {
        panic!(
            "{}: {}\n  faults: {}\n  {}\n  repeat it with: {}",
            violation.invariant,
            violation.what,
            outcome.faults.join(", "),
            outcome.liars.join("\n  "),
            options.command()
        );
    }
    outcome
}
