//! Runs a target over its corpus and a number of mutants, and reports what broke so that it can be run again.
//!
//! Settings of a run, as environment variables:
//! - `MINUET_FUZZ_RUNS`: mutants of every target, instead of a fixed number for each file of its corpus;
//! - `MINUET_FUZZ_SEED`: another seed, so other mutants;
//! - `MINUET_FUZZ_ONLY`: names of targets, separated by commas;
//! - `MINUET_FUZZ_INPUT`: a file that is run instead of everything else;
//! - `UPDATE_CORPUS=1`: the seeds are written to the corpora first. Other files there are inputs that were found; they
//!   are left alone.

use crate::{Seed, Target, mutant_of};
use minuet_core::keccak256;
use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A run that takes longer counts as one without an end.
const LONGEST_RUN: Duration = Duration::from_secs(20);
/// Of the seed, if none is set.
const SEED: u64 = 1;

/// Measures memory; it has to be the allocator of the whole program, so the program brings it.
#[derive(Clone, Copy, Debug)]
pub struct Meter {
    /// Bytes in use.
    pub in_use: fn() -> usize,
    /// The most bytes that were in use at once since `restart`.
    pub peak: fn() -> usize,
    /// Begins anew.
    pub restart: fn(),
}

/// What is run.
#[derive(Clone, Debug)]
pub struct Plan {
    runs: Option<u64>,
    seed: u64,
    only: Vec<String>,
    input: Option<PathBuf>,
    is_update: bool,
}

/// What was run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Files of the corpus.
    pub files: usize,
    /// Runs, those of the files among them.
    pub runs: u64,
    /// Inputs that were values.
    pub accepted: u64,
    /// All together.
    pub time: Duration,
    /// The most memory of a run beyond what is taken in any case, in bytes for each byte of its input; if measured.
    pub bytes_per_byte: usize,
}

/// A broken property, with all that is needed to see it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// What broke.
    pub reason: String,
    /// The input.
    pub input: Vec<u8>,
    /// Where it came from.
    pub origin: String,
}

impl Plan {
    /// As the environment says.
    ///
    /// # Panics
    /// When a number is none.
    #[must_use]
    pub fn from_env() -> Self {
        let read = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let number = |name| {
            read(name).map(|text| text.parse().unwrap_or_else(|_| panic!("{name}: '{text}' is not a whole number")))
        };
        Self {
            runs: number("MINUET_FUZZ_RUNS"),
            seed: number("MINUET_FUZZ_SEED").unwrap_or(SEED),
            only: read("MINUET_FUZZ_ONLY")
                .map(|names| names.split(',').map(str::to_owned).collect())
                .unwrap_or_default(),
            input: read("MINUET_FUZZ_INPUT").map(PathBuf::from),
            is_update: read("UPDATE_CORPUS").is_some(),
        }
    }

    /// So many mutants from this seed, whatever the environment says.
    #[must_use]
    pub const fn fixed(runs: u64, seed: u64) -> Self {
        Self { runs: Some(runs), seed, only: Vec::new(), input: None, is_update: false }
    }

    /// Whether the target is among those that are to be run.
    #[must_use]
    pub fn names(&self, target: &Target) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == target.name)
    }
}

/// Where the corpora are.
#[must_use]
pub fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("it lies in the workspace").join("fuzz/corpus")
}

/// Runs a target's corpus and mutants of it.
///
/// # Errors
/// The first property that is broken; its input is saved, and the message says how to run it again.
///
/// # Panics
/// When the corpus is not there or not what the seeds say.
pub fn check(target: &Target, plan: &Plan, meter: Option<Meter>) -> Result<Outcome, String> {
    if let Some(path) = &plan.input {
        let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        return run(target, &[(path.display().to_string(), bytes)], &Plan::fixed(0, 0), meter)
            .map_err(|broken| format!("{}: {}", target.name, broken.reason));
    }
    let folder = corpora().join(target.name);
    let seeds = (target.seeds)();
    if plan.is_update {
        write_seeds(&folder, &seeds).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    }
    let corpus = read_corpus(&folder);
    hold_against_seeds(target, &corpus, &seeds);
    run(target, &corpus, plan, meter).map_err(|broken| report(target, &broken))
}

/// Runs the files and then the mutants.
///
/// # Errors
/// The first property that is broken.
pub fn run(
    target: &Target,
    corpus: &[(String, Vec<u8>)],
    plan: &Plan,
    meter: Option<Meter>,
) -> Result<Outcome, Box<Broken>> {
    let started = Instant::now();
    // What is computed once for all runs is none of theirs.
    (target.seeds)().iter().for_each(|seed| _ = catch_unwind(AssertUnwindSafe(|| (target.run)(&seed.bytes))));
    let mut outcome = Outcome { files: corpus.len(), runs: 0, accepted: 0, time: Duration::ZERO, bytes_per_byte: 0 };
    let watch = Watch::start(target.name, plan.seed);
    for (name, bytes) in corpus {
        let accepted = run_one(target, bytes, meter, &mut outcome).map_err(|reason| broken(reason, bytes, name))?;
        let expected = [("good-", true), ("bad-", false)].into_iter().find(|(prefix, _)| name.starts_with(prefix));
        if expected.is_some_and(|(_, expected)| expected != accepted) {
            let reason = format!("{name} is {}", if accepted { "read, though it is broken" } else { "refused" });
            return Err(broken(reason, bytes, name));
        }
        watch.ended();
    }
    let files = corpus.len() as u64;
    let mutants = plan.runs.unwrap_or(files * target.mutants);
    for number in 0..mutants {
        let (base, bytes) = mutant(corpus, plan.seed, number);
        run_one(target, &bytes, meter, &mut outcome)
            .map_err(|reason| broken(reason, &bytes, &format!("mutant {number} of seed {}, of {base}", plan.seed)))?;
        watch.ended();
    }
    outcome.time = started.elapsed();
    Ok(outcome)
}

fn broken(reason: String, input: &[u8], origin: &str) -> Box<Broken> {
    Box::new(Broken { reason, input: input.to_vec(), origin: origin.to_owned() })
}

/// The files take turns, so that every one has as many mutants as the others.
fn mutant(corpus: &[(String, Vec<u8>)], seed: u64, number: u64) -> (&str, Vec<u8>) {
    let at = |number: u64| &corpus[usize::try_from(number % corpus.len() as u64).expect("below a length")];
    let mixed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ number;
    let ((name, base), (_, other)) = (at(number), at(mixed >> 7));
    (name, mutant_of(base, other, mixed))
}

fn run_one(target: &Target, bytes: &[u8], meter: Option<Meter>, outcome: &mut Outcome) -> Result<bool, String> {
    let before = meter.map(|meter| {
        (meter.restart)();
        (meter.in_use)()
    });
    let accepted = catch_unwind(AssertUnwindSafe(|| (target.run)(bytes))).map_err(|panic| message_of(&*panic))?;
    if let Some((meter, before)) = meter.zip(before) {
        let taken = (meter.peak)().saturating_sub(before);
        let beyond = taken.saturating_sub(target.fixed_bytes);
        let allowed = target.allowed_bytes(bytes.len());
        if taken > allowed {
            return Err(format!("{} bytes of input take {taken} bytes of memory, {allowed} are allowed", bytes.len()));
        }
        outcome.bytes_per_byte = outcome.bytes_per_byte.max(beyond.div_ceil(bytes.len().max(1)));
    }
    outcome.runs += 1;
    outcome.accepted += u64::from(accepted);
    Ok(accepted)
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without a message").to_owned()
}

/// Saves the input and says what to do with it.
fn report(target: &Target, broken: &Broken) -> String {
    let folder = corpora().with_file_name("artifacts").join(target.name);
    let file = folder.join(format!("broken-{}", &keccak256(&broken.input).to_string()[2..18]));
    let saved = fs::create_dir_all(&folder).and_then(|()| fs::write(&file, &broken.input));
    let place = match saved {
        Ok(()) => format!("saved as {}", file.display()),
        Err(error) => format!("not saved ({error}): {:02x?}", broken.input),
    };
    format!(
        "{}: {}\n  input: {}, {} bytes, {place}\n  again: MINUET_FUZZ_INPUT=FILE MINUET_FUZZ_ONLY={} make fuzz-corpora\n  \
         once it is mended: keep the file in fuzz/corpus/{}/",
        target.name,
        broken.reason,
        broken.origin,
        broken.input.len(),
        target.name,
        target.name
    )
}

fn read_corpus(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}: make it with UPDATE_CORPUS=1", folder.display()));
    let paths = entries.map(|entry| entry.expect("a folder that was opened is read").path());
    let files: BTreeMap<String, Vec<u8>> = paths
        .map(|path| {
            let name = path.file_name().expect("an entry has a name").to_string_lossy().into_owned();
            (name, fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        })
        .collect();
    assert!(!files.is_empty(), "{} is empty: make it with UPDATE_CORPUS=1", folder.display());
    files.into_iter().collect()
}

/// A corpus whose seeds are out of date tests something that is no more.
fn hold_against_seeds(target: &Target, corpus: &[(String, Vec<u8>)], seeds: &[Seed]) {
    let stored = |name: &str| name.starts_with("good-") || name.starts_with("bad-");
    let found: BTreeMap<&str, &Vec<u8>> =
        corpus.iter().filter(|(name, _)| stored(name)).map(|(name, bytes)| (name.as_str(), bytes)).collect();
    let wanted: BTreeMap<&str, &Vec<u8>> = seeds.iter().map(|seed| (seed.name.as_str(), &seed.bytes)).collect();
    let differs = |name: &&&str| found.get(**name) != wanted.get(**name);
    let different: BTreeSet<_> = found.keys().chain(wanted.keys()).filter(differs).collect();
    assert!(
        different.is_empty(),
        "{}: the corpus is not what the seeds say, in {different:?}: if that is meant, write it with UPDATE_CORPUS=1",
        target.name
    );
}

fn write_seeds(folder: &Path, seeds: &[Seed]) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with("good-") || name.starts_with("bad-") {
            fs::remove_file(path)?;
        }
    }
    seeds.iter().try_for_each(|seed| fs::write(folder.join(&seed.name), &seed.bytes))
}

/// Ends the process, and says where it was, when a run has no end.
struct Watch {
    ended: Arc<AtomicU64>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    fn start(target: &'static str, seed: u64) -> Self {
        let ended = Arc::new(AtomicU64::new(0));
        let (stop, stopped) = channel();
        let counter = Arc::clone(&ended);
        let watch = move || {
            let mut before = u64::MAX;
            while stopped.recv_timeout(LONGEST_RUN) == Err(RecvTimeoutError::Timeout) {
                let now = counter.load(Ordering::Relaxed);
                if now == before {
                    eprintln!("{target}: run {now} of seed {seed} has no end: counted from the corpus' files on");
                    std::process::abort();
                }
                before = now;
            }
        };
        Self { ended, stop: Some(stop), thread: Some(std::thread::spawn(watch)) }
    }

    fn ended(&self) {
        self.ended.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It only waits.
            _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(run: fn(&[u8]) -> bool) -> Target {
        Target { name: "sample", run, seeds: Vec::new, fixed_bytes: 0, bytes_per_byte: 0, mutants: 10 }
    }

    fn corpus() -> Vec<(String, Vec<u8>)> {
        ["good-one", "bad-two"].map(|name| (name.to_owned(), name.as_bytes().to_vec())).to_vec()
    }

    #[test]
    fn a_broken_property_is_reported_with_its_input_and_again_with_the_same_seed() {
        let picky = target(|bytes| {
            assert!(!bytes.contains(&0xff), "no {:02x} may stand there", 0xff);
            bytes.starts_with(b"good")
        });
        let found = run(&picky, &corpus(), &Plan::fixed(10_000, 3), None).unwrap_err();
        assert!(found.reason == "no ff may stand there" && found.input.contains(&0xff), "{found:?}");
        assert!(found.origin.contains("of seed 3"), "{}", found.origin);
        assert_eq!(run(&picky, &corpus(), &Plan::fixed(10_000, 3), None).unwrap_err(), found);
        assert_ne!(run(&picky, &corpus(), &Plan::fixed(10_000, 4), None).unwrap_err(), found);
    }

    #[test]
    fn a_value_that_is_refused_and_a_broken_one_that_is_read_are_reported() {
        for (all, name) in [(true, "bad-two"), (false, "good-one")] {
            let run_all: fn(&[u8]) -> bool = if all { |_| true } else { |_| false };
            let found = run(&target(run_all), &corpus(), &Plan::fixed(5, 1), None).unwrap_err();
            assert_eq!(found.origin, name);
        }
        let outcome = run(&target(|bytes| bytes.starts_with(b"good")), &corpus(), &Plan::fixed(5, 1), None).unwrap();
        assert_eq!((outcome.files, outcome.runs), (2, 7));
    }

    #[test]
    #[should_panic(expected = "is not what the seeds say, in {\"good-one\"}")]
    fn a_corpus_whose_seeds_have_changed_is_reported() {
        let seeds = [Seed::good("one", *b"another"), Seed::bad("two", *b"bad-two")];
        hold_against_seeds(&target(|_| true), &corpus(), &seeds);
    }
}
