//! Which plots there are, and what of the results they show.

use crate::measure::spread;
use crate::page::words::{bytes, count};
use crate::plot::{Axis, Chart, Mark, Scale, Series};
use crate::results::{BlockSize, Load, Measured, Offered, Part, Results, Return, Second, Simulated};
use std::collections::BTreeMap;

/// One picture.
#[derive(Clone, Debug)]
pub struct Plot {
    /// Of its file, without the ending.
    pub name: &'static str,
    /// For those who cannot see it.
    pub alt: &'static str,
    /// `None` if nothing was measured.
    pub svg: Option<String>,
}

impl Plot {
    /// Its file within the folder of the page.
    #[must_use]
    pub fn path(&self) -> String {
        format!("images/benchmarks/{}.svg", self.name)
    }
}

/// Latency against offered load.
pub const CURVE: &str = "latency-load";
/// Latency while a validator is killed and returns.
pub const RETURNS: &str = "validator-returns";
/// Throughput against block size.
pub const BLOCKS: &str = "block-size";
/// Simulated latency against the number of validators.
pub const COMMITTEE: &str = "committee-size";
/// Time of a state root against accounts.
pub const STATE_ROOT: &str = "state-root";

/// All of them, in the order of the page.
#[must_use]
pub fn all(results: &Results) -> Vec<Plot> {
    let plot = |name, alt, chart: Option<Chart>| Plot { name, alt, svg: chart.and_then(|chart| chart.draw()) };
    vec![
        plot(CURVE, "Latency from submission to finality against the offered load", results.curve.as_ref().map(curve)),
        plot(
            RETURNS,
            "Latency over time while one of six validators is killed and returns",
            results.returns.as_ref().and_then(returns),
        ),
        plot(BLOCKS, "Throughput against the largest block", results.blocks.as_ref().map(blocks)),
        plot(
            COMMITTEE,
            "Simulated view latency and finality of 6 to 101 validators in ten regions",
            results.committee.as_ref().map(committee),
        ),
        plot(STATE_ROOT, "Time of a state root against the number of accounts", results.parts.as_ref().map(state_root)),
    ]
}

/// Gathers what all runs say of one x.
fn series<T>(
    name: &str,
    color: usize,
    dashed: bool,
    items: impl Iterator<Item = T>,
    x: impl Fn(&T) -> u64,
    y: impl Fn(&T) -> f64,
) -> Series {
    let mut by_x: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    items.for_each(|item| by_x.entry(x(&item)).or_default().push(y(&item)));
    let points = by_x.into_iter().filter_map(|(x, ys)| spread(ys).map(|ys| (x as f64, ys.low, ys.median, ys.high)));
    Series { name: name.to_owned(), color, dashed, points: points.collect() }
}

fn runs(count: usize) -> String {
    if count < 2 {
        "one run".to_owned()
    } else {
        format!("median of {count} runs, shaded from the smallest to the largest")
    }
}

fn curve(measured: &Measured<Vec<Offered>>) -> Chart {
    let of = |name: &str, color: usize, y: fn(&Load) -> f64| {
        let points = measured.runs.iter().flatten();
        series(name, color, false, points, |point| point.rate.round() as u64, |point| y(&point.load))
    };
    Chart {
        title: "Latency against offered load".to_owned(),
        subtitle: format!("six validators and the client on one machine; {}", runs(measured.runs.len())),
        x: Axis::new("transfers offered per second", Scale::Log),
        y: Axis::new("submission → final, ms", Scale::Log),
        series: vec![of("median", 0, |load| load.p50_ms), of("99th percentile", 1, |load| load.p99_ms)],
        marks: Vec::new(),
    }
}

fn returns(measured: &Measured<Return>) -> Option<Chart> {
    let first = measured.runs.first()?;
    let of = |name: &str, color: usize, y: fn(&Second) -> f64| {
        let seconds = measured.runs.iter().flat_map(|run| &run.timeline).filter(|second| second.transfers > 0);
        series(name, color, false, seconds, |second| second.second, |second| y(second))
    };
    let moment =
        |of: fn(&Return) -> f64, text: &str| Some(Mark { x: measured.over(of)?.median, text: text.to_owned() });
    let marks = [moment(|run| run.killed_s, "killed"), moment(|run| run.back_s, "started again")];
    Some(Chart {
        title: "One of six validators is killed and returns".to_owned(),
        subtitle: format!(
            "{} transfers per second, by the second in which they were due; {}",
            count(first.rate),
            runs(measured.runs.len())
        ),
        x: Axis::new("seconds", Scale::Linear),
        y: Axis::new("submission → final, ms", Scale::Log),
        series: vec![
            of("median", 0, |second| second.p50_ms),
            of("90th percentile", 2, |second| second.p90_ms),
            of("99th percentile", 1, |second| second.p99_ms),
        ],
        marks: marks.into_iter().flatten().collect(),
    })
}

fn blocks(measured: &Measured<Vec<BlockSize>>) -> Chart {
    let points = || measured.runs.iter().flatten();
    let sizes: std::collections::BTreeSet<u64> = points().map(|point| point.max_block_bytes).collect();
    let ticks = sizes.into_iter().map(|size| (size as f64, bytes(size as f64))).collect();
    let tps = |point: &&BlockSize| point.load.tps;
    Chart {
        title: "Throughput against block size".to_owned(),
        subtitle: format!("closed loop with some blocks' worth under way; {}", runs(measured.runs.len())),
        x: Axis::new("consensus.max_block_bytes", Scale::Log).with_ticks(ticks),
        y: Axis::new("transfers final per second", Scale::Linear),
        series: vec![series("transfers per second", 0, false, points(), |point| point.max_block_bytes, tps)],
        marks: Vec::new(),
    }
}

fn committee(measured: &Measured<Vec<Simulated>>) -> Chart {
    let points = || measured.runs.iter().flatten();
    let of = |name: &str, color: usize, dashed: bool, y: fn(&Simulated) -> f64| {
        series(name, color, dashed, points(), |point| point.validators, move |point| y(point))
    };
    let sizes: std::collections::BTreeSet<u64> = points().map(|point| point.validators).collect();
    let ticks = sizes.into_iter().map(|size| (size as f64, count(size as f64))).collect();
    Chart {
        title: "Latency against the number of validators".to_owned(),
        subtitle: "simulated, spread over ten regions, blocks of 32 KiB at 1 Gbit/s, mean from the proposal; dashed: delays alone"
            .to_owned(),
        x: Axis::new("validators", Scale::Linear).with_ticks(ticks),
        y: Axis::new("ms", Scale::Linear),
        series: vec![
            of("next view", 0, false, |point| point.view_ms[0]),
            of("next view, delays alone", 0, true, |point| point.view_causes_ms[0]),
            of("final", 1, false, |point| point.finality_ms[0]),
            of("final, delays alone", 1, true, |point| point.finality_causes_ms[0]),
        ],
        marks: Vec::new(),
    }
}

/// Criterion's figures of state roots by accounts, with what else tells them apart.
fn state_root(measured: &Measured<Vec<Part>>) -> Chart {
    let mut by_operation: BTreeMap<&str, BTreeMap<u64, &Part>> = BTreeMap::new();
    for part in measured.runs.last().into_iter().flatten() {
        let is_root =
            part.operation().contains("root") && part.key("transfers").is_none_or(|transfers| transfers == 1000);
        if let Some(accounts) = part.key("accounts").filter(|_| is_root) {
            by_operation.entry(part.operation()).or_default().insert(accounts, part);
        }
    }
    let series = by_operation.into_iter().enumerate().map(|(place, (operation, parts))| {
        let point = |(accounts, part): (u64, &Part)| {
            (accounts as f64, part.low_ns / 1e6, part.median_ns / 1e6, part.high_ns / 1e6)
        };
        Series {
            name: operation.to_owned(),
            color: place,
            dashed: false,
            points: parts.into_iter().map(point).collect(),
        }
    });
    Chart {
        title: "State root after 1,000 transfers".to_owned(),
        subtitle: "criterion, median with its confidence interval".to_owned(),
        x: Axis::new("accounts", Scale::Log),
        y: Axis::new("ms", Scale::Linear),
        series: series.collect(),
        marks: Vec::new(),
    }
}
