//! `minuet simulate`: seeds through the deterministic simulator, on every core.

mod args;
pub mod regions;

pub use args::SimulateArgs;

use crate::exit::{Exit, Failure};
use crate::output::Output;
use indicatif::{ProgressBar, ProgressStyle};
use minuet_simulator::{Coverage, Options, Outcome, Signatures, Swarm, run as simulate};
use serde_json::json;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// Sums over all seeds.
#[derive(Default)]
struct Sums {
    seeds: u64,
    views: u64,
    blocks: u64,
    transactions: u64,
    events: u64,
    both_signed: u64,
    coverage: Coverage,
    failed: Option<(Options, Outcome)>,
}

impl Sums {
    fn add(&mut self, options: Options, outcome: Outcome) {
        self.seeds += 1;
        self.views += outcome.views;
        self.blocks += outcome.blocks;
        self.transactions += outcome.transactions;
        self.events += outcome.events;
        self.both_signed += u64::from(outcome.both_signed);
        self.coverage.add(&outcome.coverage);
        let is_earlier = self.failed.as_ref().is_none_or(|(known, _)| options.seed < known.seed);
        if outcome.violation.is_some() && is_earlier {
            self.failed = Some((options, outcome));
        }
    }
}

/// Runs the seeds and sums up.
///
/// # Errors
/// Flags that do not fit together. A violation is a result with a failure.
pub fn run(args: &SimulateArgs) -> Result<Output, Failure> {
    let usage = |reason: String| Failure::new(Exit::Usage, reason);
    let swarm = match &args.faults {
        None => None,
        Some(names) => {
            Some(Swarm::named(names.iter().map(String::as_str)).map_err(|e| usage(format!("--faults: {e}")))?)
        }
    };
    if args.trace && args.seeds > 1 {
        return Err(usage("--trace shows one run: name it with --seed, without --seeds".to_owned()));
    }
    let validators = usize::from(args.validators.unwrap_or(6));
    if !(4..=101).contains(&validators) {
        return Err(usage(format!("--validators {validators}: 4 to 101 are simulated")));
    }
    let options = |seed| Options {
        seed,
        validators,
        signatures: args.signatures.map_or(Signatures::Mock, Signatures::Real),
        swarm: swarm.clone(),
        twins: args.twins,
        chaos_ms: args.chaos_ms,
        trace: args.trace,
    };
    let begun = Instant::now();
    if args.seeds == 1 {
        let options = options(args.seed);
        let mut outcome = simulate(&options);
        let (hash, trace) = (outcome.hash, std::mem::take(&mut outcome.trace));
        let mut sums = Sums::default();
        sums.add(options, outcome);
        let mut output = report(sums, begun, 1, Some(hash));
        if args.trace {
            output.text = format!("{}\n{}", trace.join("\n"), output.text);
            output.json["trace"] = trace.into();
        }
        return Ok(output);
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let sums = all(args, &options, cores);
    Ok(report(sums, begun, cores, None))
}

fn all(args: &SimulateArgs, options: &(impl Fn(u64) -> Options + Sync), cores: usize) -> Sums {
    let (next, stop, sums) = (AtomicU64::new(0), AtomicBool::new(false), Mutex::new(Sums::default()));
    let bar = ProgressBar::new(args.seeds);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} seeds  {msg}") {
        bar.set_style(style);
    }
    let work = || {
        while !stop.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= args.seeds {
                return;
            }
            let options = options(args.seed.saturating_add(number));
            let outcome = simulate(&options);
            if outcome.violation.is_some() {
                stop.store(true, Ordering::Relaxed);
            }
            let mut sums = sums.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            sums.add(options, outcome);
            bar.set_position(sums.seeds);
            bar.set_message(format!("{} views", sums.views));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(work);
        }
    });
    bar.finish_and_clear();
    sums.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn report(sums: Sums, begun: Instant, cores: usize, hash: Option<u64>) -> Output {
    let seconds = begun.elapsed().as_secs_f64();
    // Of this process alone: other work on the machine makes it wait, not slower.
    let cpu_seconds = crate::localnet::usage(std::process::id()).cpu_ms as f64 / 1000.0;
    let per_core = sums.views as f64 / cpu_seconds.max(0.01);
    let missing = sums.coverage.missing();
    let mut text = format!(
        "{} seeds, {} views, {} final blocks with {} transfers, {} events\n\
         {seconds:.1} s on {cores} cores, {cpu_seconds:.1} s of processor time: {per_core:.0} views a second and core",
        sums.seeds, sums.views, sums.blocks, sums.transactions, sums.events
    );
    if sums.both_signed > 0 {
        text.push_str(&format!("\n{} seeds in which one key said two things in one view", sums.both_signed));
    }
    if let Some(hash) = hash {
        text.push_str(&format!("\nevent hash {hash:016x}"));
    }
    if sums.seeds > 1 {
        match missing.as_slice() {
            [] => text.push_str("\nevery rule was seen at work"),
            missing => text.push_str(&format!("\nnever seen at work: {}", missing.join(", "))),
        }
    }
    let failure = sums.failed.as_ref().and_then(|(options, outcome)| {
        let violation = outcome.violation.as_ref()?;
        let liars = outcome.liars.iter().map(|liar| format!("\n  {liar}")).collect::<String>();
        let reason = format!(
            "{} is broken with seed {}: {}\n  faults: {}{liars}\n  repeat it with: {}",
            violation.invariant,
            options.seed,
            violation.what,
            outcome.faults.join(", "),
            options.command()
        );
        Some(Failure::new(Exit::Violation, reason))
    });
    let json = json!({
        "ok": failure.is_none(), "seeds": sums.seeds, "views": sums.views, "blocks": sums.blocks,
        "transactions": sums.transactions, "events": sums.events, "both_signed": sums.both_signed,
        "seconds": seconds, "cores": cores, "cpu_seconds": cpu_seconds, "views_per_second_and_core": per_core, "never_seen": missing,
        "event_hash": hash.map(|hash| format!("{hash:016x}")),
        "violation": sums.failed.as_ref().and_then(|(_, outcome)| outcome.violation.as_ref())
            .map(|violation| json!({"invariant": violation.invariant, "what": violation.what})),
        "failing_seed": sums.failed.as_ref().map(|(options, _)| options.seed),
    });
    Output { text, json, failure }
}
