//! Every saved input, and a fixed number of mutants of each, through every target; the memory of each run is measured.
//!
//! One test at a time: what the others take would count too.

use minuet_fuzzing::runner::{self, Meter, Plan};
use minuet_fuzzing::{TARGETS, Target};
use peak_alloc::PeakAlloc;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const METER: Meter =
    Meter { in_use: || MEMORY.current_usage(), peak: || MEMORY.peak_usage(), restart: || MEMORY.reset_peak_usage() };

fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn every_saved_input_and_its_mutants_keep_all_properties() {
    let _alone = alone();
    let plan = Plan::from_env();
    let mut broken = Vec::new();
    for target in TARGETS.iter().filter(|target| plan.names(target)) {
        let outcome = match runner::check(target, &plan, Some(METER)) {
            Ok(outcome) => outcome,
            Err(report) => {
                broken.push(report);
                continue;
            }
        };
        println!(
            "{:<15} {:>3} files, {:>9} runs, {:>8} values, {:>8.1?}, at most {} + {} bytes for each byte",
            target.name,
            outcome.files,
            outcome.runs,
            outcome.accepted,
            outcome.time,
            target.fixed_bytes,
            outcome.bytes_per_byte
        );
    }
    assert!(broken.is_empty(), "{} targets are broken:\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn a_run_that_takes_more_memory_than_its_input_allows_is_reported() {
    let _alone = alone();
    let greedy = Target {
        name: "greedy",
        run: |bytes| std::hint::black_box(vec![0_u8; 100 * bytes.len()]).is_empty(),
        seeds: Vec::new,
        fixed_bytes: 64 << 10,
        bytes_per_byte: 16,
        mutants: 0,
    };
    let corpus = [("one".to_owned(), vec![7; 4 << 10])];
    let broken = runner::run(&greedy, &corpus, &Plan::fixed(0, 1), Some(METER)).unwrap_err();
    assert!(broken.reason.contains("4096 bytes of input take"), "{}", broken.reason);
    let allowed = Target { bytes_per_byte: 100, ..greedy };
    assert!(runner::run(&allowed, &corpus, &Plan::fixed(0, 1), Some(METER)).is_ok());
}

#[test]
fn every_target_has_a_corpus_and_a_binary_of_cargo_fuzz_and_no_corpus_is_without_a_target() {
    let _alone = alone();
    let program = ["config", "journal_export"];
    let names: BTreeSet<String> = TARGETS.iter().map(|target| target.name).chain(program).map(str::to_owned).collect();
    let folders = std::fs::read_dir(runner::corpora()).expect("there are corpora");
    let folders: BTreeSet<String> =
        folders.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(folders, names);
    let manifest = std::fs::read_to_string(runner::corpora().with_file_name("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let binaries = manifest["bin"].as_array().unwrap().iter().map(|binary| binary["name"].as_str().unwrap());
    let targets = TARGETS.iter().map(|target| target.name);
    assert_eq!(binaries.collect::<BTreeSet<_>>(), targets.collect());
}
