//! `minuet simulate --regions`: validators across the world, and Minimmit beside other protocols there.

use crate::exit::{Exit, Failure};
use crate::output::Output;
use clap::{Args, ValueEnum};
use minuet_simulator::wan::{self, Conditions, Options, Placement, Protocol, Regions};
use std::path::PathBuf;

/// Megabits per second with `--real`, unless named.
const REAL_BANDWIDTH_MBIT: f64 = 1_000.0;
/// Bytes of a block with `--real`, unless named.
const REAL_BLOCK_BYTES: u32 = 32 * 1024;

/// Options of a study of regions.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Validators across the world")]
pub struct RegionsArgs {
    /// Place validators in AWS regions: global (50 in ten), us (50 in four), six (one each in six), local (six in one), or a
    /// list such as us-east-1:13,us-west-1:13
    #[arg(long, value_name = "PRESET|LIST")]
    pub regions: Option<String>,
    /// What to compare; may be a list
    #[arg(long, value_enum, value_delimiter = ',', default_value = "all", requires = "regions")]
    pub protocol: Vec<ProtocolArg>,
    /// Views of each chain
    #[arg(long, default_value_t = 200, requires = "regions", value_parser = clap::value_parser!(u32).range(10..=100_000))]
    pub views: u32,
    /// Times that every validator proposes a view of its own; by default as many as give 500 proposals
    #[arg(long, requires = "regions", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub passes: Option<u32>,
    /// Bytes of transactions in a block: 0 by default, 32768 with --real
    #[arg(long, value_name = "BYTES", requires = "regions", value_parser = clap::value_parser!(u32).range(0..=4_194_304))]
    pub block_bytes: Option<u32>,
    /// Megabits per second of each validator, both ways: no limit by default, 1000 with --real
    #[arg(long, value_name = "MBIT", requires = "regions", value_parser = above_zero)]
    pub bandwidth_mbit: Option<f64>,
    /// Count headers of the wire and measured processing time too, and say what each cause adds
    #[arg(long, requires = "regions")]
    pub real: bool,
    /// Δ at its base, for the production rules' time-outs
    #[arg(long, default_value_t = 250, requires = "regions", value_parser = clap::value_parser!(u64).range(1..=60_000))]
    pub delta_ms: u64,
    /// Cut delays down to whole milliseconds, as the public estimator does
    #[arg(long, requires = "regions")]
    pub whole_ms: bool,
    /// Draw the chain's figures into this SVG file; an existing one is replaced
    #[arg(long, value_name = "FILE", requires = "regions")]
    pub plot: Option<PathBuf>,
}

/// A protocol, or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProtocolArg {
    /// Everything below
    All,
    /// Minimmit: the production rules, restated, and with the public estimator's thresholds
    Minimmit,
    /// Simplex: 67 %, and a second round of 67 %
    Simplex,
    /// Two-phase HotStuff: votes to the next leader
    Hotstuff,
    /// Kudzu's rules: 61 %, then 81 % or a second round of 61 %
    Kudzu,
}

impl ProtocolArg {
    const fn includes(self, protocol: Protocol) -> bool {
        match self {
            Self::All => true,
            Self::Minimmit => matches!(protocol, Protocol::Minimmit | Protocol::Restated | Protocol::Estimator),
            Self::Simplex => matches!(protocol, Protocol::Simplex),
            Self::Hotstuff => matches!(protocol, Protocol::HotStuff),
            Self::Kudzu => matches!(protocol, Protocol::Kudzu),
        }
    }
}

fn above_zero(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| format!("'{text}' is not a number"))?;
    if value > 0.0 && value <= 1_000_000.0 { Ok(value) } else { Err("must be above 0 and at most 1000000".to_owned()) }
}

/// Runs the study in these regions; with a number of validators, spread evenly over them.
pub fn run(regions: &str, args: &RegionsArgs, validators: Option<u16>, seed: u64) -> Result<Output, Failure> {
    let table = Regions::load();
    let placement = Placement::parse(&table, regions, validators.map(usize::from))
        .map_err(|error| Failure::new(Exit::Usage, format!("--regions: {error}")))?;
    let real_or = |real: u32| if args.real { real } else { 0 };
    let options = Options {
        table,
        placement,
        protocols: Protocol::ALL.into_iter().filter(|p| args.protocol.iter().any(|arg| arg.includes(*p))).collect(),
        conditions: Conditions {
            block_bytes: args.block_bytes.unwrap_or_else(|| real_or(REAL_BLOCK_BYTES)) as usize,
            bandwidth_mbit: args.bandwidth_mbit.or(args.real.then_some(REAL_BANDWIDTH_MBIT)),
            real: args.real,
        },
        views: args.views as usize,
        passes: args.passes.map(|passes| passes as usize),
        seed,
        delta_ms: args.delta_ms,
        whole_ms: args.whole_ms,
    };
    let report = wan::study(&options);
    if let Some(file) = &args.plot {
        let failed = |error| Failure::new(Exit::Generic, format!("--plot {}: {error}", file.display()));
        std::fs::write(file, wan::plot(&report)).map_err(failed)?;
    }
    let json = serde_json::to_value(&report)
        .map_err(|error| Failure::new(Exit::Bug, format!("the report has no JSON form: {error}")))?;
    Ok(Output::new(wan::text(&report), json))
}
