//! Long runs of real processes that are killed, paused, doubled, robbed of their disks and lied to, and the figures that
//! come of it. Not a set of tests but a programme: it prints what it does, a result for each scenario, and ends with a
//! failure at the first violation.
//!
//! | `MINUET_CHAOS` | what runs |
//! |---|---|
//! | not set (`make test`) | the programme checks its own checker, in a moment |
//! | `smoke` (`make chaos-smoke`) | every scenario, about 5 minutes |
//! | `figures` (`scripts/figures-chaos.sh`) | measurements as rows of a Markdown table |
//! | `attacker` | one hostile validator; started by `figures` |
//!
//! `MINUET_CHAOS_ONLY=a,b` runs these scenarios or figures only, `MINUET_CHAOS_SEED` repeats a run's choices.

mod attacker;
#[path = "../../src/chaos/chance.rs"]
mod chance;
mod disks;
mod figures;
#[path = "../processes/harness/mod.rs"]
mod harness;
mod hostile;
mod kills;
mod memory;
mod self_check;

use chance::Chance;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

/// A scenario or a figure: its name, what it is about, and what runs.
type Part = (&'static str, &'static str, fn(&mut Chance) -> String);

const SMOKE: [Part; 8] = [
    ("kills", "one, two or all killed, stopped or paused at any moment, under a constant load", kills::rounds),
    ("all", "all killed at once under load, again and again", kills::all_at_once),
    ("disk-limit", "writes refused by the kernel at any moment, under load", disks::limits),
    ("disk-full", "a disk that fills up", disks::full),
    ("disk-read-only", "a disk that cannot be written", disks::read_only),
    ("no-data", "a data directory deleted, the key kept", memory::without_data),
    ("old-copy", "an old copy of a data directory restored", memory::older_copy),
    ("doubled", "the same key in two processes", memory::doubled),
];

const FIGURES: [Part; 5] = [
    ("restart", "a killed validator restarted", figures::restart),
    ("two", "two of six killed", figures::two_down),
    ("all", "all six killed at once under load", figures::all_down),
    ("behind", "far behind, under load", figures::behind),
    ("hostile", "one hostile validator", hostile::flood),
];

/// A number from the environment.
pub fn setting(name: &str, default: u64) -> u64 {
    let Ok(text) = std::env::var(name) else { return default };
    text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number"))
}

fn seed() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(1, |since| since.subsec_nanos());
    setting("MINUET_CHAOS_SEED", u64::from(now))
}

fn chosen(parts: &[Part]) -> Result<Vec<Part>, String> {
    let Ok(only) = std::env::var("MINUET_CHAOS_ONLY") else { return Ok(parts.to_vec()) };
    let names: Vec<&str> = only.split(',').collect();
    let known = |name: &&str| parts.iter().any(|(part, ..)| part == name);
    match names.iter().find(|name| !known(name)) {
        Some(name) => {
            let all: Vec<&str> = parts.iter().map(|(part, ..)| *part).collect();
            Err(format!("MINUET_CHAOS_ONLY: there is no '{name}', only {}", all.join(", ")))
        }
        None => Ok(parts.iter().filter(|(part, ..)| names.contains(part)).copied().collect()),
    }
}

/// Runs parts one after the other until one fails.
fn run(parts: &[Part], seed: u64, mut tell: impl FnMut(&Part, &str, Duration)) -> ExitCode {
    for part in parts {
        let (name, about, work) = part;
        eprintln!("chaos: {name}: {about} …");
        let begun = Instant::now();
        // Each part draws from a chance of its own: it can be repeated alone.
        let mut chance = Chance::new(seed);
        match catch_unwind(AssertUnwindSafe(|| work(&mut chance))) {
            Ok(result) => tell(part, &result, begun.elapsed()),
            Err(_) => {
                eprintln!("chaos: VIOLATION in '{name}' after {} s, with seed {seed}", begun.elapsed().as_secs());
                eprintln!("chaos: repeat it with MINUET_CHAOS_ONLY={name} MINUET_CHAOS_SEED={seed}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

fn smoke() -> Result<ExitCode, String> {
    let (parts, seed, begun) = (chosen(&SMOKE)?, seed(), Instant::now());
    println!("chaos: {} scenarios, seed {seed}", parts.len());
    let code = run(&parts, seed, |(name, ..), result, took| println!("ok  {name} ({} s): {result}", took.as_secs()));
    if code == ExitCode::SUCCESS {
        println!("chaos: all well after {} s", begun.elapsed().as_secs());
    }
    Ok(code)
}

fn measure() -> Result<ExitCode, String> {
    let (parts, seed) = (chosen(&FIGURES)?, seed());
    eprintln!("chaos: seed {seed}");
    println!("| | to reach | measured | reached | command |\n|---|---|---|---|---|");
    Ok(run(&parts, seed, |_, row, _| println!("{row}")))
}

fn main() -> ExitCode {
    let mode = std::env::var("MINUET_CHAOS").unwrap_or_default();
    let outcome = match mode.as_str() {
        "" => Ok(self_check::run()),
        "smoke" => smoke(),
        "figures" => measure(),
        "attacker" => Ok(attacker::run()),
        other => Err(format!("MINUET_CHAOS={other}: use smoke or figures, or leave it out")),
    };
    outcome.unwrap_or_else(|reason| {
        eprintln!("chaos: {reason}");
        ExitCode::from(2)
    })
}
