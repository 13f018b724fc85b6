//! What all benchmarks share: how long each one takes, whether anything is measured at all, and the place for files.
//!
//! Every benchmark is named `module::operation/key=value`, several pairs joined by commas. What takes long to set up is
//! set up on first use, inside the closure that is measured, so that a filter, `--list` or `--test` does not pay for it.

#![allow(dead_code, reason = "every benchmark uses its own part")]

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, SamplingMode};
use std::fmt::Display;
use std::path::Path;
use std::time::Duration;

/// As in the program (decision 0020).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Settings with which the whole suite takes a few minutes.
pub fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(500))
        .nresamples(10_000)
}

/// For operations of a millisecond or more: the fewest samples, of equal length.
pub fn slow(group: &mut BenchmarkGroup<'_, WallTime>) {
    group.sample_size(10).sampling_mode(SamplingMode::Flat).warm_up_time(Duration::from_millis(100));
}

/// The part of a name behind the slash.
pub fn of(pairs: &[(&str, &dyn Display)]) -> BenchmarkId {
    let pairs: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
    BenchmarkId::from_parameter(pairs.join(","))
}

/// Whether this is `cargo bench` and not a run that only shows that the benchmarks work.
pub fn is_measured() -> bool {
    let has = |flag: &str| std::env::args().any(|argument| argument == flag);
    has("--bench") && !has("--test")
}

/// A size that is worth measuring, or a small one in a run that measures nothing.
pub fn large(measured: u64, otherwise: u64) -> u64 {
    if is_measured() { measured } else { otherwise }
}

/// A directory beside the build outputs: on a real disk wherever those are, which /tmp often is not.
pub fn scratch() -> &'static Path {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    path
}

/// Memory that the system can give now; all that one could wish for where it does not say.
pub fn available_memory_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kilobytes.map_or(u64::MAX, |kilobytes| kilobytes << 10)
}
