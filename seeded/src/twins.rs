//! Twins on demand: one key in two unmodified nodes. With even seeds a validator stops when it sees its own key speak
//! elsewhere; with odd ones D-OWN-SIG is off, and both go on.

use minuet_simulator::mutation::{Mutation, with};
use minuet_simulator::{Options, run};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

const CHAOS_MS: u64 = 300;

#[derive(Default)]
struct Sums {
    next: AtomicU64,
    views: AtomicU64,
    both_signed: [AtomicU64; 2],
    violations: AtomicU64,
}

impl Sums {
    fn run_one(&self, seed: u64) {
        let options = Options { twins: true, chaos_ms: CHAOS_MS, ..Options::of(seed) };
        let is_off = seed % 2 == 1;
        let outcome = with(is_off.then_some(Mutation::OwnSignatureUnseen), || run(&options));
        self.views.fetch_add(outcome.views, Ordering::Relaxed);
        self.both_signed[usize::from(is_off)].fetch_add(u64::from(outcome.both_signed), Ordering::Relaxed);
        if let Some(violation) = outcome.violation {
            self.violations.fetch_add(1, Ordering::Relaxed);
            let own = if is_off { "off" } else { "on" };
            eprintln!("{} with D-OWN-SIG {own}: {}\n  {}", violation.invariant, violation.what, options.command());
        }
    }
}

fn numbers(words: &[String]) -> Option<(u64, u64)> {
    match words {
        [count] => Some((count.parse().ok()?, 0)),
        [count, first] => Some((count.parse().ok()?, first.parse().ok()?)),
        _ => None,
    }
}

/// Runs as many seeds as asked for, on every core, from a first one on.
pub fn run_all(words: &[String]) -> ExitCode {
    let Some((count, first)) = numbers(words) else {
        eprintln!("after --twins: the number of seeds, then the first one if it is not 0");
        return ExitCode::from(2);
    };
    let (begun, sums) = (Instant::now(), Sums::default());
    let work = || {
        loop {
            let number = sums.next.fetch_add(1, Ordering::Relaxed);
            if number >= count || sums.violations.load(Ordering::Relaxed) > 0 {
                return;
            }
            sums.run_one(first.saturating_add(number));
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..cores).for_each(|_| _ = scope.spawn(work)));
    let [on, off] = sums.both_signed.each_ref().map(|count| count.load(Ordering::Relaxed));
    let violations = sums.violations.load(Ordering::Relaxed);
    println!(
        "{count} scenarios of twins from seed {first} on, {} views, {violations} violations, {:.0} s; one key said two \
         things in one view in {on} with D-OWN-SIG on and in {off} with it off",
        sums.views.load(Ordering::Relaxed),
        begun.elapsed().as_secs_f64()
    );
    if violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
