//! `minuet-report`: see the library.

use clap::Parser as _;
use minuet_report::child::Stop;
use minuet_report::cli::{Args, Plan};
use minuet_report::machine;
use minuet_report::output::{RESULTS_FILE, keep, write};
use minuet_report::results::Results;
use minuet_report::scenarios::{Scenario, choose};
use minuet_report::stage::Stage;
use minuet_report::trouble::Trouble;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let args = Args::parse();
    let outcome = if args.render_only { render(&args.folder()) } else { measure(&args) };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Trouble::Stopped) => {
            say("bench-report: told to stop; what was measured until then is kept");
            ExitCode::from(130)
        }
        Err(trouble) => {
            say(&format!("bench-report: {trouble}"));
            ExitCode::FAILURE
        }
    }
}

/// For people; if nobody can read it, the work goes on all the same.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

fn render(folder: &Path) -> Result<(), Trouble> {
    let results = Results::read(&folder.join(RESULTS_FILE))?;
    for path in write(&results, folder)? {
        say(&format!("wrote {}", path.display()));
    }
    Ok(())
}

/// What was measured before, if anything.
fn last(folder: &Path) -> Result<Results, Trouble> {
    let path = folder.join(RESULTS_FILE);
    if path.exists() { Results::read(&path) } else { Ok(Results::default()) }
}

fn measure(args: &Args) -> Result<(), Trouble> {
    let minuet = args.program()?;
    let chosen = choose(&args.only)?;
    let plan = Plan::new(args);
    let folder = args.folder();
    let mut results = last(&folder)?;
    let place = Place::new(args)?;
    let stop = Stop::listen()?;
    let taken = machine::taken(&place.path, &minuet, args.quick);
    if taken.load_before >= 0.5 {
        say(&format!("the machine is busy (load average {}): the figures will show it", taken.load_before));
    }
    let mut stage = Stage {
        minuet,
        dir: place.path.clone(),
        base_port: args.base_port,
        plan,
        taken,
        stop,
        target: args.target(),
        folder: folder.clone(),
        shared: None,
        transfers: 0,
        say,
        started: 0,
    };
    let outcome = run(&chosen, &mut stage, &mut results, &folder);
    stage.end_network();
    // What is kept is what is shown, also after a failure.
    render(&folder)?;
    if matches!(outcome, Err(Trouble::Failed(_))) {
        place.keep();
    }
    outcome
}

/// One after the other. One that fails leaves its earlier result and does not keep the others from being measured.
fn run(chosen: &[Scenario], stage: &mut Stage, results: &mut Results, folder: &Path) -> Result<(), Trouble> {
    let mut left: u64 = chosen.iter().map(|scenario| (scenario.seconds)(&stage.plan)).sum();
    let begun = Instant::now();
    let mut failed = Vec::new();
    keep(results, folder)?;
    for scenario in chosen {
        let seconds = (scenario.seconds)(&stage.plan);
        let so_far = begun.elapsed().as_secs();
        say(&format!(
            "{}: {}; about {seconds} s, {left} s until the end, {so_far} s so far",
            scenario.name, scenario.what
        ));
        left = left.saturating_sub(seconds);
        match (scenario.run)(stage, results) {
            Ok(()) => keep(results, folder)?,
            Err(Trouble::Stopped) => return Err(Trouble::Stopped),
            Err(Trouble::Failed(words)) => {
                // Whatever is wrong with the network, the next begins with a new start of it.
                stage.end_network();
                say(&format!("    {} failed: {words}", scenario.name));
                failed.push(scenario.name);
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(Trouble::new(format_args!("not measured: {}", failed.join(", ")))) }
}

/// The directory of the networks.
struct Place {
    path: PathBuf,
    own: Option<tempfile::TempDir>,
}

impl Place {
    fn new(args: &Args) -> Result<Self, Trouble> {
        let target = args.target();
        let parent = args.dir.as_deref().unwrap_or(&target);
        let failed = |error: std::io::Error| Trouble::new(format_args!("{} cannot be used: {error}", parent.display()));
        std::fs::create_dir_all(parent).map_err(failed)?;
        let own = tempfile::Builder::new().prefix("bench-report.").tempdir_in(parent).map_err(failed)?;
        let path = std::fs::canonicalize(own.path()).map_err(failed)?;
        std::fs::create_dir_all(path.join("logs")).map_err(failed)?;
        Ok(Self { path, own: Some(own) })
    }

    /// Logs of what failed are worth having.
    fn keep(mut self) {
        if let Some(own) = self.own.take() {
            say(&format!("kept: {}", own.keep().display()));
        }
    }
}
