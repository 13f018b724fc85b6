//! What `minuet limits` takes.

use clap::Args;
use std::path::PathBuf;

/// What all of it means, behind the short help.
const METHOD: &str = "\
It runs the production code, one thing at a time, on one thread, and counts processor time where work is meant and time \
where waiting is. From that, for n validators that share C cores at R blocks a second:

  V       = n · (check of M votes + check of L votes + sign + record)      the votes on a block
  c_tx    = signature + network + hash + execution + state root + write    a transaction on one validator
  TPS_lim = (C − R·V) / (n·c_tx + c_client)
  T_fin   = build + transfer + hop + block check + sign + record + hop + quorum check
  T_rest  = build + leader's record + transfer + messages + block check + sign + records + quorum check + final block stored

What all validators do at the same time takes n/C times as long in T_fin. T_rest is that of a chain at rest, with what T_fin \
leaves out: one message from each to each is worked on, and journals and databases of all validators write at once, after a \
pause and woken before. Nothing is counted twice, nothing waits in a queue, \
and pool, API and dashboard cost nothing: a bound, not a forecast. The ratios are E_tps = TPS / TPS_lim, E_fin = T_fin / \
measured p50, E_bls the same with BLS votes in T_fin, E_rest = T_rest / measured p50 and E_cpu = n·c_tx·TPS / cores used.

Run it on a quiet machine. Stop it with Ctrl-C at any time: its files go.";

/// `minuet limits`
#[derive(Clone, Debug, Args)]
#[command(after_long_help = METHOD)]
pub struct LimitsArgs {
    /// Validators that share this machine
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..=512))]
    pub validators: u16,
    /// Blocks that they make each second
    #[arg(long, value_name = "R", default_value_t = 10.0, value_parser = rate)]
    pub blocks_per_second: f64,
    /// Measure the disk of this directory; what is written there is removed. By default that of ./localnet if it is there,
    /// else of the current directory
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// The last measured figures; docs/benchmarks/figures.json if it is there
    #[arg(long, value_name = "FILE")]
    pub figures: Option<PathBuf>,
    /// A tenth of the time and of the accounts, to try it out; no figures to rely on
    #[arg(long)]
    pub quick: bool,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| format!("'{text}' is not a number"))?;
    if rate > 0.0 && rate <= 1_000.0 { Ok(rate) } else { Err("must be above 0 and at most 1000".to_owned()) }
}
