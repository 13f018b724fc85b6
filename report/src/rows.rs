//! The table of figures: what a peer reached, what is to be reached, what was measured, and whether that is enough.
//!
//! Invariant: what was not measured is "not measured" and reaches nothing; it is never shown as a number.

use crate::measure::{Spread, spread};
use crate::page::words::{NOT_MEASURED, bytes, count, factor, ms, with_spread, yes_or_no};
use crate::results::{Closed, Disk, Limits, Load, Measured, Part, Results};

mod parts;

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What.
    pub what: &'static str,
    /// The nearest peer's figure.
    pub peer: &'static str,
    /// What is to be reached.
    pub reach: String,
    /// In words; [`NOT_MEASURED`] if it was not.
    pub measured: String,
    /// `None`: not measured, or nothing to be reached.
    pub reached: Option<bool>,
    /// What measures it.
    pub command: String,
}

const fn missing(what: &'static str, peer: &'static str, reach: String) -> Row {
    Row { what, peer, reach, measured: String::new(), reached: None, command: String::new() }
}

impl Row {
    fn found(mut self, measured: String, reached: Option<bool>, command: String) -> Self {
        (self.measured, self.reached, self.command) = (measured, reached, command);
        self
    }

    /// The line of the table.
    #[must_use]
    pub fn line(&self) -> String {
        let measured = if self.measured.is_empty() { NOT_MEASURED } else { &self.measured };
        let command = if self.command.is_empty() { "–".to_owned() } else { format!("`{}`", self.command) };
        let reached = yes_or_no(self.reached);
        format!("| {} | {} | {} | {measured} | {reached} | {command} |", self.what, self.peer, self.reach)
    }
}

/// All rows, in the order of the page.
#[must_use]
pub fn all(results: &Results) -> Vec<Row> {
    let healthy = results.steady.as_ref().and_then(|steady| steady.over(|load| load.p50_ms));
    let mut rows = vec![
        closed(results.closed.as_ref()),
        latency("10 tx/s, submit → final, p50 / p99", "220 / 582 ms", [12.0, 40.0], results.steady.as_ref()),
        latency(
            "1,000 tx/s, submit → final, p50 / p99",
            "cannot (saturates at 882, 4.7 s)",
            [40.0, 150.0],
            results.thousand.as_ref(),
        ),
        idle_finality(results),
        dead(results.dead.as_ref(), healthy),
        outage(results),
    ];
    rows.extend(parts::rows(results));
    rows.extend([memory_idle(results), memory_loaded(results), disk(results.disk.as_ref()), empty_blocks(results)]);
    rows.extend([
        idle_cpu(results),
        throughput_ratio(results),
        finality_ratio(results),
        finality_ratio_with_bls(results),
        finality_ratio_at_rest(results),
    ]);
    rows.extend([wide(results), large(results)]);
    rows
}

/// p50 and p99 of all runs.
fn latencies(loads: &[Load]) -> Option<(Spread, Spread)> {
    Some((spread(loads.iter().map(|load| load.p50_ms))?, spread(loads.iter().map(|load| load.p99_ms))?))
}

/// How the transfers of all runs ended.
fn ends<'a>(loads: impl Iterator<Item = &'a Load> + Clone) -> String {
    let sum = |of: fn(&Load) -> u64| count(loads.clone().map(of).sum::<u64>() as f64);
    format!(
        "{} of {} final, {} rejected, {} lost, {} twice",
        sum(|load| load.finalized),
        sum(|load| load.submitted),
        sum(|load| load.rejected),
        sum(|load| load.lost),
        sum(|load| load.duplicated)
    )
}

fn two(p50: Spread, p99: Spread) -> String {
    let medians = format!("{} / {} ms", ms(p50.median), ms(p99.median));
    if p50.runs < 2 {
        return medians;
    }
    let range = |spread: Spread| format!("{}–{}", ms(spread.low), ms(spread.high));
    format!("{medians} ({} / {} in {} runs)", range(p50), range(p99), p50.runs)
}

fn latency(what: &'static str, peer: &'static str, at_most: [f64; 2], loads: Option<&Measured<Load>>) -> Row {
    let row = missing(what, peer, format!("≤ {} / {} ms, each final exactly once", at_most[0], at_most[1]));
    let Some((measured, (p50, p99))) = loads.and_then(|loads| Some((loads, latencies(&loads.runs)?))) else {
        return row;
    };
    let exact = measured.runs.iter().all(Load::is_exact);
    let reached = p50.median <= at_most[0] && p99.median <= at_most[1] && exact;
    row.found(format!("{}; {}", two(p50, p99), ends(measured.runs.iter())), Some(reached), measured.command())
}

fn closed(closed: Option<&Measured<Closed>>) -> Row {
    let row = missing("closed loop, finalized TPS", "882", "≥ 10,000".to_owned());
    let Some((closed, tps)) = closed.and_then(|closed| Some((closed, closed.over(|run| run.load.tps)?))) else {
        return row;
    };
    let loads = closed.runs.iter().map(|run| &run.load);
    let [six, client] = [Closed::six_us_per_transfer, Closed::client_us_per_transfer]
        .map(|figure| closed.over(figure).map_or_else(|| NOT_MEASURED.to_owned(), |us| format!("{:.0} µs", us.median)));
    let p50 = closed.over(|run| run.load.p50_ms).map_or(0.0, |p50| p50.median);
    let whole = loads.clone().all(|load| load.lost == 0 && load.duplicated == 0);
    let measured = format!(
        "{}; processor time for each: {six} by the six, {client} by the client; p50 {} ms; {}",
        with_spread(tps, count),
        ms(p50),
        ends(loads)
    );
    row.found(measured, Some(tps.median >= 10_000.0 && whole), closed.command())
}

fn idle_finality(results: &Results) -> Row {
    let row = missing("idle, proposal → final on every node, p50", "91–98 ms", "≤ 8 ms".to_owned());
    let Some(idle) = &results.idle else { return row };
    let Some(p50) = idle.over(|run| run.finality_p50_ms) else { return row };
    let p99 = idle.over(|run| run.finality_p99_ms).map_or(0.0, |p99| p99.median);
    let blocks: u64 = idle.runs.iter().map(|run| run.finalized_blocks).sum();
    let nullified: u64 = idle.runs.iter().map(|run| run.nullified_views).sum();
    let measured = format!(
        "{}; p99 {} ms, {} blocks, {nullified} views nullified",
        with_spread(p50, |value| format!("{} ms", ms(value))),
        ms(p99),
        count(blocks as f64)
    );
    row.found(measured, Some(p50.median <= 8.0), idle.command())
}

fn dead(dead: Option<&Measured<Load>>, healthy: Option<Spread>) -> Row {
    let reach = match healthy {
        Some(healthy) => format!("≤ 1.5 × / 10 × the healthy p50 ({} ms)", ms(healthy.median)),
        None => "≤ 1.5 × / 10 × the healthy p50".to_owned(),
    };
    let row = missing("one of six dead, 10 tx/s, p50 / p99", "2.6 / 5.9 s", reach);
    let Some((dead, (p50, p99))) = dead.and_then(|dead| Some((dead, latencies(&dead.runs)?))) else { return row };
    let exact = dead.runs.iter().all(Load::is_exact);
    let reached =
        healthy.map(|healthy| p50.median <= 1.5 * healthy.median && p99.median <= 10.0 * healthy.median && exact);
    let times = healthy.map_or_else(String::new, |healthy| {
        format!(" ({} / {})", factor(p50.median / healthy.median), factor(p99.median / healthy.median))
    });
    row.found(format!("{}{times}; {}", two(p50, p99), ends(dead.runs.iter())), reached, dead.command())
}

fn outage(results: &Results) -> Row {
    let row = missing("all six killed at once under load, restarted", "–", "the same chain goes on ≤ 10 s".to_owned());
    let Some(outage) = &results.outage else { return row };
    let Some(recovered) = outage.over(|run| run.recovered_ms) else { return row };
    let same = outage.runs.iter().all(|run| run.same_block);
    let exact = outage.runs.iter().all(|run| run.load.is_exact());
    let measured = format!(
        "{} from the start of the processes to a new final block; blocks final before unchanged on all: {}; {}",
        with_spread(recovered, |value| format!("{} ms", ms(value))),
        if same { "yes" } else { "NO" },
        ends(outage.runs.iter().map(|run| &run.load))
    );
    row.found(measured, Some(recovered.high <= 10_000.0 && same && exact), outage.command())
}

/// Of the validator that has most.
fn largest(rss_mib: &[f64]) -> Option<f64> {
    rss_mib.iter().copied().reduce(f64::max)
}

fn memory_idle(results: &Results) -> Row {
    let row = missing("memory of a validator, idle", "42 MB", "≤ 64 MB".to_owned());
    let Some(idle) = &results.idle else { return row };
    let Some(most) = spread(idle.runs.iter().filter_map(|run| largest(&run.rss_mib))) else { return row };
    let measured = format!("{}, the one that has most", with_spread(most, |mib| format!("{mib:.0} MiB")));
    row.found(measured, Some(most.median * MIB <= 64e6), idle.command())
}

const MIB: f64 = 1_048_576.0;
const MANY: u64 = 1_000_000;
/// Growth over the second half of a million transfers that still counts as flat.
const FLAT: f64 = 1.1;

fn memory_loaded(results: &Results) -> Row {
    let row = missing(
        "memory of a validator after 1 million transfers",
        "72 MB (after 44 thousand)",
        "≤ 200 MB, flat".to_owned(),
    );
    let Some(memory) = &results.memory else { return row };
    let samples = memory.runs.iter().flat_map(|run| &run.samples);
    let samples: Vec<(u64, f64)> = samples.filter_map(|(sent, rss)| Some((*sent, largest(rss)?))).collect();
    let Some((sent, _)) = samples.last().copied() else { return row };
    let most_until =
        |until: u64| samples.iter().filter(|(sent, _)| *sent <= until).map(|(_, mib)| *mib).reduce(f64::max);
    let Some(mib) = most_until(sent) else { return row };
    let (half, fits) = (most_until(sent / 2), mib * MIB <= 200e6);
    let is_flat = half.map(|half| mib <= half * FLAT);
    let after = format!("at most {mib:.0} MiB until {} transfers, the one that has most", count(sent as f64));
    let (measured, reached) = match is_flat {
        _ if sent < MANY => (format!("{after}: fewer than a million (`--long` sends them)"), (!fits).then_some(false)),
        Some(flat) => (format!("{after}; {:.0} MiB until half way", half.unwrap_or(mib)), Some(fits && flat)),
        None => (format!("{after}; not looked at half way"), (!fits).then_some(false)),
    };
    row.found(measured, reached, memory.command())
}

fn disk(disk: Option<&Measured<Disk>>) -> Row {
    let row = missing("disk for each transfer, after compaction", "~1 KB", "≤ 400 B plus state".to_owned());
    let Some((disk, history)) = disk.and_then(|disk| Some((disk, disk.over(Disk::history)?))) else { return row };
    let state = disk.over(Disk::state).map_or(0.0, |state| state.median);
    let transfers: u64 = disk.runs.iter().map(|run| run.transfers).sum();
    let measured = format!(
        "{}, and {state:.1} B of state; {} transfers in a closed loop",
        with_spread(history, |value| format!("{value:.0} B")),
        count(transfers as f64)
    );
    row.found(measured, Some(history.median <= 400.0), disk.command())
}

fn empty_blocks(results: &Results) -> Row {
    let row = missing("written to disk per validator and empty block", "290 KB", "≤ 16 KB".to_owned());
    let Some(idle) = &results.idle else { return row };
    let Some(written) = idle.over(|run| run.disk_bytes_per_block as f64) else { return row };
    row.found(with_spread(written, bytes), Some(written.median <= 16_384.0), idle.command())
}

fn idle_cpu(results: &Results) -> Row {
    let row = missing("processor of six idle validators", "168–184 %", "≤ 15 %".to_owned());
    let Some(idle) = &results.idle else { return row };
    let Some(percent) = idle.over(|run| run.cpu_percent_total) else { return row };
    let measured = format!("{} of one processor", with_spread(percent, |value| format!("{value:.1} %")));
    row.found(measured, Some(percent.median <= 15.0), idle.command())
}

fn throughput_ratio(results: &Results) -> Row {
    let row = missing("E_tps: closed loop against `minuet limits`", "0.05", "≥ 0.5".to_owned());
    let Some((limits, closed)) = results.limits.as_ref().zip(results.closed.as_ref()) else { return row };
    let bound = limits.over(|run| run.tps_limit);
    let Some((bound, ours)) = bound.zip(closed.over(|run| run.load.tps)) else { return row };
    let ratio = ours.median / bound.median;
    let measured = format!("{ratio:.2}: {} of {} transfers/s", count(ours.median), count(bound.median));
    row.found(measured, Some(ratio >= 0.5), limits.command())
}

fn finality_ratio(results: &Results) -> Row {
    let row = missing("E_fin: `minuet limits` against idle finality, p50", "0.03", "≥ 0.4".to_owned());
    let Some((limits, ratio, measured)) = of_idle_finality(results, |run| Some(run.finality_limit_ms)) else {
        return row;
    };
    row.found(measured, Some(ratio >= 0.4), limits.command())
}

/// By the bound that the peer's figure and what is to be reached are of: votes were BLS signatures when both were set.
fn finality_ratio_with_bls(results: &Results) -> Row {
    let row = missing("E_bls: the same by the bound with BLS votes, as when 0.4 was set", "0.03", "≥ 0.4".to_owned());
    let Some((limits, ratio, measured)) = of_idle_finality(results, |run| run.finality_with_bls_limit_ms) else {
        return row;
    };
    row.found(measured, Some(ratio >= 0.4), limits.command())
}

/// Not what is to be reached, but why E_fin is what it is.
fn finality_ratio_at_rest(results: &Results) -> Row {
    let row = missing(
        "E_rest: the same with what the first bound leaves out, the disk at rest among it",
        "–",
        "–".to_owned(),
    );
    let Some((limits, _, measured)) = of_idle_finality(results, |run| run.finality_at_rest_limit_ms) else {
        return row;
    };
    row.found(measured, None, limits.command())
}

/// One of the bounds against idle finality, and in words.
fn of_idle_finality(
    results: &Results,
    bound: impl Fn(&Limits) -> Option<f64>,
) -> Option<(&Measured<Limits>, f64, String)> {
    let limits = results.limits.as_ref()?;
    let bound = limits.over(|run| bound(run).unwrap_or(f64::NAN))?;
    let ours = results.idle.as_ref()?.over(|run| run.finality_p50_ms)?;
    let ratio = bound.median / ours.median;
    Some((limits, ratio, format!("{ratio:.2}: {} of {} ms", ms(bound.median), ms(ours.median))))
}

fn wide(results: &Results) -> Row {
    let row = missing(
        "simulated, 50 validators in ten regions, view / finality, mean",
        "118 / 208 ms (the reference)",
        "≤ +5 % of the reference".to_owned(),
    );
    let Some(wide) = &results.wide else { return row };
    let cell =
        |cell: usize| Some((wide.over(|run| run.ours_ms[cell])?, wide.over(|run| run.difference_percent(cell))?));
    let Some(((view, view_off), (finality, finality_off))) = cell(0).zip(cell(2)) else { return row };
    let measured = format!(
        "{} / {} ms ({:+.1} / {:+.1} %)",
        ms(view.median),
        ms(finality.median),
        view_off.median,
        finality_off.median
    );
    row.found(measured, Some(view_off.median <= 5.0 && finality_off.median <= 5.0), wide.command())
}

fn large(results: &Results) -> Row {
    let row = missing(
        "simulated, 101 validators, blocks of 1 MB, 1 Gbit/s, view / finality / interval, mean",
        "–",
        "reported, with what bounds it".to_owned(),
    );
    let Some(large) = &results.large else { return row };
    let means =
        [large.over(|run| run.view_ms[0]), large.over(|run| run.finality_ms[0]), large.over(|run| run.interval_ms)];
    let [Some(view), Some(finality), Some(interval)] = means else { return row };
    let causes = large.runs.first().map_or([0.0; 3], |run| run.interval_causes_ms);
    let names = ["propagation", "bandwidth", "processing"];
    let most = (0..3).max_by(|left, right| causes[*left].total_cmp(&causes[*right])).unwrap_or(0);
    let measured = format!(
        "{} / {} / {} ms; bound by {}: {} of the interval's {} ms",
        ms(view.median),
        ms(finality.median),
        ms(interval.median),
        names[most],
        ms(causes[most]),
        ms(causes.iter().sum())
    );
    row.found(measured, None, large.command())
}

/// A part of criterion's by its operation and the values of some keys.
fn find<'a>(parts: &'a [Part], operation: &str, keys: &[(&str, u64)]) -> Option<&'a Part> {
    parts
        .iter()
        .find(|part| part.operation() == operation && keys.iter().all(|(key, value)| part.key(key) == Some(*value)))
}
