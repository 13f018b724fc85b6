//! The command line.

use crate::trouble::Trouble;
use clap::Parser;
use std::path::PathBuf;

/// Measures the built program with real processes and writes docs/benchmarks.md with its plots.
#[derive(Clone, Debug, Parser)]
#[command(name = "minuet-report", disable_help_subcommand = true, after_help = "Scenarios:\n".to_owned() + &crate::scenarios::list())]
pub struct Args {
    /// A tenth of the durations, one run each, to try it out; written beside the build unless --out is named
    #[arg(long)]
    pub quick: bool,
    /// Only these scenarios; the others keep their last results
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Measure nothing: write page and plots again from the kept results
    #[arg(long, conflicts_with_all = ["quick", "only", "long"])]
    pub render_only: bool,
    /// Memory after a million transfers instead of after what the other scenarios sent: several minutes more
    #[arg(long)]
    pub long: bool,
    /// Runs of each scenario, of which the median is shown: 3 by default, 1 with --quick
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=99))]
    pub runs: Option<u8>,
    /// Folder of benchmarks.md, with benchmarks/ and images/benchmarks/ in it
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// The program to measure; by default the release build
    #[arg(long, value_name = "FILE")]
    pub minuet: Option<PathBuf>,
    /// Where the networks live, on a real disk; by default a new directory beside the build, deleted at the end
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Ports of the networks, as in 'minuet localnet'
    #[arg(long, value_name = "PORT", default_value_t = 27_000, value_parser = clap::value_parser!(u16).range(1..=65_000))]
    pub base_port: u16,
}

/// How long and how often everything runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Durations are divided by this.
    pub divisor: u64,
    /// Runs of each scenario.
    pub runs: usize,
    /// Memory after a million transfers.
    pub long: bool,
}

impl Plan {
    /// As asked for.
    #[must_use]
    pub fn new(args: &Args) -> Self {
        let runs = args.runs.unwrap_or(if args.quick { 1 } else { 3 });
        Self { divisor: if args.quick { 10 } else { 1 }, runs: usize::from(runs), long: args.long }
    }

    /// A duration of the plan, never below `least`.
    #[must_use]
    pub fn seconds(&self, whole: u64, least: u64) -> u64 {
        whole.div_ceil(self.divisor).max(least)
    }
}

impl Args {
    /// Where build outputs are.
    #[must_use]
    pub fn target(&self) -> PathBuf {
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from)
    }

    /// The program, which must be there.
    ///
    /// # Errors
    /// It is not.
    pub fn program(&self) -> Result<PathBuf, Trouble> {
        let path = self.minuet.clone().unwrap_or_else(|| self.target().join("release/minuet"));
        let missing =
            || Trouble::new(format_args!("no program at {}: 'make build', or name it with --minuet", path.display()));
        if path.is_file() { std::fs::canonicalize(&path).map_err(|_| missing()) } else { Err(missing()) }
    }

    /// The folder that is written.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        let beside_the_build = || if self.quick { self.target().join("bench-report") } else { PathBuf::from("docs") };
        self.out.clone().unwrap_or_else(beside_the_build)
    }
}
