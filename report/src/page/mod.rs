//! The page: Markdown from the results, always with the same layout.

mod tables;
pub mod words;

use crate::plots::{self, Plot};
use crate::results::{Results, Taken};
use crate::rows;
use std::fmt::Write as _;

const INTRODUCTION: &str = "\
# Benchmarks

<!-- Written by 'make bench-report' from docs/benchmarks/results.json. A test compares them: do not edit this page. -->

`make bench-report` measures what is here and writes this page, its plots and [the raw results](benchmarks/results.json) of every run.
Compare figures of one run on one machine only; the ratios travel, the milliseconds do not.

One default configuration as `minuet localnet` writes it: `empty_block_delay` 200 ms, Δ from 100 ms, all checks, roots and syncs on,
metrics and dashboards too, 1,000 funded senders, 100,000 existing recipients. Six validator processes and the load generator share the
machine. Final means final on all live nodes; latencies count from the moment a transfer was due and are those of the last node. Each
figure is the median of its runs, with the smallest and the largest beside it. The peer's figures are those of the nearest other
implementation on a machine of the same kind, not measured in the same run.
";

const OTHERS: &str = "\
## More

Written by hand, each with the command behind it:

- [Crashes, catch-up, a hostile validator](benchmarks/crashes.md)
- [A crowd in front of a dashboard](benchmarks/dashboard.md)
- [Earlier figures and notes to them](benchmarks/earlier.md)

How the wide-area simulation is made: [testing.md](testing.md#wide-area).

Not measured: machines of their own for each validator, real networks, hours instead of minutes.
";

/// The whole page.
#[must_use]
pub fn page(results: &Results) -> String {
    let mut out = INTRODUCTION.to_owned();
    head(&mut out, results);
    out.push_str("\n## Figures\n\n| | peer | to reach | measured | reached | command |\n|---|---|---|---|---|---|\n");
    for row in rows::all(results) {
        let _ = writeln!(out, "{}", row.line());
    }
    out.push_str("\nCommands leave out `--dir` and `--base-port`; `minuet load` and `kill` want a `minuet localnet` that runs in another terminal.\n");
    let plots = plots::all(results);
    let picture = |out: &mut String, name: &str| {
        let plot = plots.iter().find(|plot| plot.name == name);
        out.push_str(&plot.map(shown).unwrap_or_default());
    };
    out.push_str("\n## Latency against offered load\n\n");
    picture(&mut out, plots::CURVE);
    tables::curve(&mut out, results);
    out.push_str("\n## A validator is killed and returns\n\n");
    picture(&mut out, plots::RETURNS);
    tables::returns(&mut out, results);
    out.push_str("\n## Throughput against block size\n\n");
    picture(&mut out, plots::BLOCKS);
    tables::blocks(&mut out, results);
    out.push_str("\n## Committees across the world\n\n");
    picture(&mut out, plots::COMMITTEE);
    tables::committee(&mut out, results);
    tables::large(&mut out, results);
    out.push_str("\n## State root against accounts\n\n");
    picture(&mut out, plots::STATE_ROOT);
    out.push_str("\n## What a transfer leaves on the disk\n\n");
    tables::disk(&mut out, results);
    out.push_str("\n## Parts\n\n");
    tables::parts(&mut out, results);
    out.push_str("\n## Runs\n\n");
    tables::runs(&mut out, results);
    out.push('\n');
    out.push_str(OTHERS);
    out
}

fn shown(plot: &Plot) -> String {
    match plot.svg {
        Some(_) => format!("![{}]({})\n", plot.alt, plot.path()),
        None => format!("{}: {}.\n", plot.alt, words::NOT_MEASURED),
    }
}

/// The machine of the newest scenario, and what makes the figures worse than they could be.
fn head(out: &mut String, results: &Results) {
    let taken = results.taken();
    let Some((_, newest, _)) = taken.iter().max_by(|left, right| left.1.date.cmp(&right.1.date)) else {
        out.push_str("\nNothing was measured yet.\n");
        return;
    };
    let Taken { machine, commit, date, load_before, .. } = newest;
    let _ = writeln!(out, "\n{date}, {machine}; commit {commit}; load average before {load_before:.2}.");
    let others = taken.iter().filter(|(_, other, _)| other != newest).count();
    if others > 0 {
        let _ = writeln!(out, "\n{others} of {} scenarios are from other runs: see [below](#runs).", taken.len());
    }
    let quick: Vec<&str> = taken.iter().filter(|(_, taken, _)| taken.quick).map(|(name, ..)| *name).collect();
    let busy: Vec<&str> = taken.iter().filter(|(_, taken, _)| is_busy(taken)).map(|(name, ..)| *name).collect();
    let which = |names: &[&str]| {
        if names.len() == taken.len() { "everything here".to_owned() } else { names.join(", ") }
    };
    if !quick.is_empty() {
        let _ = writeln!(
            out,
            "\n**From a quick run (`--quick`: a tenth of the durations), to try the report out: {}. No figures to rely on.**",
            which(&quick)
        );
    }
    if !busy.is_empty() {
        let _ = writeln!(
            out,
            "\n**Measured while the machine was busy with other work: {}. The figures show that.**",
            which(&busy)
        );
    }
}

/// Half a processor in use by others makes a difference.
fn is_busy(taken: &Taken) -> bool {
    taken.load_before >= 0.5
}
