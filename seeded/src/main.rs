//! Searches for seeds that catch each broken rule, and prints the table of docs/testing.md.
//!
//! `minuet-seeded [NAME …]`; without names, all variants. At most 60 seconds each.
//! `minuet-seeded --twins N [FIRST SEED]` runs twins instead, every other seed with D-OWN-SIG off.

mod twins;

use minuet_simulator::mutation::{Mutation, with};
use minuet_simulator::{Options, run};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

/// What caught it, if anything did.
fn catch(mutation: Mutation, options: &Options) -> Option<String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| with(Some(mutation), || run(options))));
    match outcome {
        Ok(outcome) => outcome.violation.map(|violation| violation.invariant.to_owned()),
        Err(panic) => {
            let words = panic.downcast_ref::<String>().map(String::as_str);
            let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
            Some(format!("assertion: {}", words.lines().next().unwrap_or_default()))
        }
    }
}

fn main() -> ExitCode {
    let names: Vec<String> = std::env::args().skip(1).collect();
    if let Some(("--twins", numbers)) = names.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return twins::run_all(numbers);
    }
    std::panic::set_hook(Box::new(|_| {}));
    let unknown = names.iter().find(|name| Mutation::from_name(name).is_none());
    if let Some(name) = unknown {
        let known: Vec<&str> = Mutation::ALL.iter().map(|mutation| mutation.name()).collect();
        eprintln!("there is no variant '{name}', only {}", known.join(", "));
        return ExitCode::from(2);
    }
    let wanted = |mutation: &Mutation| names.is_empty() || names.iter().any(|name| name == mutation.name());
    println!("| variant | what is wrong | caught by | seed | simulated | after |\n|---|---|---|---|---|---|");
    let mut missed = 0;
    for mutation in Mutation::ALL.into_iter().filter(wanted) {
        let begun = Instant::now();
        let mut found = None;
        let mut seed = 0;
        while found.is_none() && begun.elapsed() < PATIENCE {
            // Every third seed has twins; that is part of the seed's name.
            let options = Options { twins: seed % 3 == 2, ..Options::of(seed) };
            found = catch(mutation, &options).map(|check| (check, options));
            seed += 1;
        }
        let took = begun.elapsed().as_secs_f64();
        match found {
            Some((check, options)) => {
                let twins = if options.twins { ", twins" } else { "" };
                println!(
                    "| {} | {} | {check} | {}{twins} | {seed} seeds | {took:.1} s |",
                    mutation.name(),
                    mutation.what(),
                    options.seed
                );
            }
            None => {
                missed += 1;
                println!("| {} | {} | NOT CAUGHT | – | {seed} seeds | {took:.1} s |", mutation.name(), mutation.what());
            }
        }
    }
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
