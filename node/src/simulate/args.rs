//! What `minuet simulate` takes.

use clap::Args;
use minuet_core::scheme::StatementScheme;

/// `minuet simulate`
#[derive(Clone, Debug, Args)]
pub struct SimulateArgs {
    /// The first seed; the same seed gives the same run
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// So many seeds, on every core, until one breaks an invariant
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub seeds: u64,
    /// Virtual milliseconds until the faults stop; then the chain must go on
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    pub chaos_ms: u64,
    /// One key runs twice
    #[arg(long)]
    pub twins: bool,
    /// Real signatures instead of keyed hashes: much slower, with 'bls' more so than with 'ed25519'
    #[arg(long, value_name = "SCHEME", value_parser = crate::genesis::scheme)]
    pub signatures: Option<StatementScheme>,
    /// Classes of faults, for all seeds; without it each seed draws its own. 'none' for none
    #[arg(long, value_delimiter = ',')]
    pub faults: Option<Vec<String>>,
    /// Print a line an event
    #[arg(long)]
    pub trace: bool,
    /// Size of the committee: 6 by default, 4 to 101; with --regions spread evenly over these
    #[arg(long, value_parser = clap::value_parser!(u16).range(2..=512))]
    pub validators: Option<u16>,
    /// Validators across the world instead.
    #[command(flatten)]
    pub regions: super::regions::RegionsArgs,
}
