//! The tables below the figures.

use super::words::{NOT_MEASURED, bytes, count, ms, ns, with_spread};
use crate::measure::median;
use crate::results::{Disk, Load, Results, Simulated};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Medians over the runs for each value of what was varied.
fn medians<'a, T: 'a>(
    runs: impl Iterator<Item = &'a T>,
    key: impl Fn(&T) -> u64,
    figures: &[fn(&T) -> f64],
) -> Vec<(u64, Vec<f64>)> {
    let mut by_key: BTreeMap<u64, Vec<&T>> = BTreeMap::new();
    runs.for_each(|item| by_key.entry(key(item)).or_default().push(item));
    let row =
        |items: &[&T]| figures.iter().filter_map(|figure| median(items.iter().map(|item| figure(item)))).collect();
    by_key.into_iter().map(|(key, items)| (key, row(&items))).collect()
}

fn command(out: &mut String, command: &str) {
    let _ = writeln!(out, "\n`{command}`");
}

pub fn curve(out: &mut String, results: &Results) {
    let Some(curve) = &results.curve else { return };
    out.push_str("\n| offered, tx/s | final, tx/s | p50, ms | p99, ms |\n|---|---|---|---|\n");
    let rows = medians(
        curve.runs.iter().flatten(),
        |point| point.rate.round() as u64,
        &[|point| point.load.tps, |point| point.load.p50_ms, |point| point.load.p99_ms],
    );
    for (rate, cells) in rows {
        if let [tps, p50, p99] = cells[..] {
            let _ = writeln!(out, "| {} | {} | {} | {} |", count(rate as f64), count(tps), ms(p50), ms(p99));
        }
    }
    command(out, &curve.command());
}

pub fn returns(out: &mut String, results: &Results) {
    let Some(returns) = &results.returns else { return };
    let sum = |of: fn(&Load) -> u64| count(returns.runs.iter().map(|run| of(&run.load)).sum::<u64>() as f64);
    let worst = returns
        .over(|run| run.load.max_ms)
        .map_or_else(|| NOT_MEASURED.to_owned(), |worst| with_spread(worst, |value| format!("{} ms", ms(value))));
    let _ = writeln!(
        out,
        "\n{} of {} transfers final, {} lost, {} twice; the slowest took {worst}.",
        sum(|load| load.finalized),
        sum(|load| load.submitted),
        sum(|load| load.lost),
        sum(|load| load.duplicated),
    );
    command(out, &returns.command());
}

pub fn blocks(out: &mut String, results: &Results) {
    let Some(blocks) = &results.blocks else { return };
    out.push_str(
        "\n| largest block | final, tx/s | transfers in a block, mean | p50, ms | p99, ms |\n|---|---|---|---|---|\n",
    );
    let rows = medians(
        blocks.runs.iter().flatten(),
        |point| point.max_block_bytes,
        &[
            |point| point.load.tps,
            |point| point.load.finalized_in_window as f64 / point.load.blocks.max(1) as f64,
            |point| point.load.p50_ms,
            |point| point.load.p99_ms,
        ],
    );
    for (size, cells) in rows {
        if let [tps, in_block, p50, p99] = cells[..] {
            let (size, tps, in_block) = (bytes(size as f64), count(tps), count(in_block));
            let _ = writeln!(out, "| {size} | {tps} | {in_block} | {} | {} |", ms(p50), ms(p99));
        }
    }
    command(out, &blocks.command());
}

const PARTS_OF_A_MEAN: &str = "propagation + bandwidth + processing, ms";

pub fn committee(out: &mut String, results: &Results) {
    let Some(committee) = &results.committee else { return };
    let _ = writeln!(
        out,
        "\n| validators | next view, mean / p99, ms | {PARTS_OF_A_MEAN} | final, mean / p99, ms | {PARTS_OF_A_MEAN} |\n|---|---|---|---|---|"
    );
    let figures: [fn(&Simulated) -> f64; 10] = [
        |point| point.view_ms[0],
        |point| point.view_ms[1],
        |point| point.view_causes_ms[0],
        |point| point.view_causes_ms[1],
        |point| point.view_causes_ms[2],
        |point| point.finality_ms[0],
        |point| point.finality_ms[1],
        |point| point.finality_causes_ms[0],
        |point| point.finality_causes_ms[1],
        |point| point.finality_causes_ms[2],
    ];
    for (validators, cells) in medians(committee.runs.iter().flatten(), |point| point.validators, &figures) {
        let cells: Vec<String> = cells.into_iter().map(ms).collect();
        if let [view, view_p99, view_a, view_b, view_c, last, last_p99, last_a, last_b, last_c] = &cells[..] {
            let _ = writeln!(
                out,
                "| {validators} | {view} / {view_p99} | {view_a} + {view_b} + {view_c} | {last} / {last_p99} | \
                 {last_a} + {last_b} + {last_c} |"
            );
        }
    }
    command(out, &committee.command());
}

pub fn large(out: &mut String, results: &Results) {
    let Some(large) = &results.large else { return };
    out.push_str("\n101 validators, blocks of 1 MB, 1 Gbit/s:\n");
    let _ = writeln!(out, "\n| mean | all, ms | {PARTS_OF_A_MEAN} |\n|---|---|---|");
    type Causes = fn(&Simulated) -> [f64; 3];
    let means: [(&str, Causes); 3] = [
        ("proposal → next view", |run| run.view_causes_ms),
        ("proposal → final", |run| run.finality_causes_ms),
        ("one proposal → the next", |run| run.interval_causes_ms),
    ];
    for (name, causes) in means {
        let cells = [0, 1, 2].map(|cause| median(large.runs.iter().map(|run| causes(run)[cause])));
        if let [Some(first), Some(second), Some(third)] = cells {
            let all = ms(first + second + third);
            let _ = writeln!(out, "| {name} | {all} | {} + {} + {} |", ms(first), ms(second), ms(third));
        }
    }
    out.push_str(
        "\nThe leader sends the whole block to each of the 100 others over its own link, which takes 0.8 s. The plan past it: bodies in\n\
         erasure-coded shards of which any 2f + 1 = 41 restore the block, and every validator passes its own on, so that the leader\n\
         sends 101 / 41 = 2.5 times a block instead of 100 times.\n",
    );
    command(out, &large.command());
}

pub fn disk(out: &mut String, results: &Results) {
    let Some(disk) = &results.disk else {
        let _ = writeln!(out, "{NOT_MEASURED}");
        return;
    };
    out.push_str("| column | bytes for each transfer | |\n|---|---|---|\n");
    let columns = disk.runs.first().map(|run| run.columns().map(str::to_owned).collect::<Vec<_>>()).unwrap_or_default();
    for column in columns {
        if let Some(growth) = disk.over(|run| run.growth(&column)) {
            let kind = if Disk::is_history(&column) { "history" } else { "state" };
            let _ = writeln!(out, "| {column} | {:.1} | {kind} |", growth.median);
        }
    }
    let before = disk.runs.last().map_or(0, |run| run.directory_bytes);
    let after = disk.runs.last().map_or(0, |run| run.after.values().sum::<u64>());
    let _ = writeln!(
        out,
        "\nTable files of one validator's database, compacted before and after each load. After the last, its whole data directory held\n\
         {} before compaction, with journal and logs, which do not grow with the chain; the compacted columns hold {}.",
        bytes(before as f64),
        bytes(after as f64)
    );
    command(out, &disk.command());
}

pub fn parts(out: &mut String, results: &Results) {
    let found = results.parts.as_ref().and_then(|parts| Some((parts, parts.runs.last()?)));
    let Some((parts, list)) = found else {
        let _ = writeln!(out, "{NOT_MEASURED}: `make bench` first");
        return;
    };
    out.push_str("| | median | confidence interval |\n|---|---|---|\n");
    for part in list {
        let (low, high) = (ns(part.low_ns), ns(part.high_ns));
        let _ = writeln!(out, "| `{}` | {} | {low} to {high} |", part.name, ns(part.median_ns));
    }
    command(out, &parts.command());
}

pub fn runs(out: &mut String, results: &Results) {
    out.push_str("| scenario | runs | date | commit | load average before | |\n|---|---|---|---|---|---|\n");
    let taken = results.taken();
    for scenario in crate::scenarios::ALL {
        let name = scenario.name;
        let what = scenario.what;
        match taken.iter().find(|(taken, ..)| *taken == name) {
            Some((_, taken, runs)) => {
                let quick = if taken.quick { "quick" } else { "" };
                let (date, commit, load) = (&taken.date, &taken.commit, taken.load_before);
                let _ = writeln!(out, "| `{name}`: {what} | {runs} | {date} | {commit} | {load:.2} | {quick} |");
            }
            None => {
                let _ = writeln!(out, "| `{name}`: {what} | {NOT_MEASURED} | | | | |");
            }
        }
    }
    out.push_str("\n`make bench-report ARGS='--only NAME'` measures one of them anew.\n");
}
