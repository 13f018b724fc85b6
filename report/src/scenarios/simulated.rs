//! What the simulator says of committees across the world. Runs differ in their seed alone, so any machine gives the same.

use super::of_runs;
use crate::cli::Plan;
use crate::measure::rounded;
use crate::results::{Results, Simulated, Wide};
use crate::stage::{Stage, args};
use crate::trouble::Trouble;
use serde_json::Value;

/// Committees of the plot.
const COMMITTEES: [u64; 8] = [6, 11, 21, 31, 41, 51, 76, 101];
const REFERENCE: &str = "simulate --regions global --protocol minimmit";

fn missing(what: &str) -> Trouble {
    Trouble::new(format_args!("'minuet simulate' gives no {what}"))
}

/// The production rules' report.
fn production(answer: &Value) -> Result<&Value, Trouble> {
    let protocols = answer["protocols"].as_array().into_iter().flatten();
    let mut production = protocols.filter(|protocol| protocol["id"] == "minimmit");
    production.next().ok_or_else(|| missing("figures of the production rules"))
}

fn number(value: &Value, what: &str) -> Result<f64, Trouble> {
    value.as_f64().map(rounded).ok_or_else(|| missing(what))
}

fn four(value: &Value, what: &str) -> Result<[f64; 4], Trouble> {
    let mut cells = [0.0; 4];
    for (place, cell) in cells.iter_mut().enumerate() {
        *cell = number(&value[place], what)?;
    }
    Ok(cells)
}

pub fn wide_seconds(plan: &Plan) -> u64 {
    of_runs(plan, 4, 0)
}

pub fn wide(stage: &mut Stage, results: &mut Results) -> Result<(), Trouble> {
    stage.end_network();
    let runs = stage.repeat(|stage, round| {
        let seed = round as u64 + 1;
        let answer = stage.ask_well(&args(&format!("{REFERENCE} --seed {seed} --json")))?;
        let reference = &production(&answer)?["reference"];
        Ok(Wide {
            seed,
            ours_ms: four(&reference["ours_ms"], "comparison with the reference")?,
            reference_ms: four(&reference["reference_ms"], "reference")?,
        })
    })?;
    results.wide = stage.measured(&[format!("{REFERENCE} --seed SEED --json")], runs);
    Ok(())
}

/// Runs one committee.
fn simulate(stage: &mut Stage, line: &str, validators: u64, seed: u64) -> Result<Simulated, Trouble> {
    let answer = stage.ask_well(&args(&format!("{line} --validators {validators} --seed {seed} --json")))?;
    let report = production(&answer)?;
    let mean_and_p99 = |name: &str| {
        let summary = &report["single"][name];
        Ok::<_, Trouble>([number(&summary["mean_ms"], name)?, number(&summary["p99_ms"], name)?])
    };
    let causes = |of: &str| {
        let all = report["causes"].as_array().into_iter().flatten();
        let causes = all.into_iter().find(|causes| causes["of"] == of).ok_or_else(|| missing(of))?;
        let cause = |name: &str| number(&causes[name], of);
        Ok::<_, Trouble>([cause("propagation_ms")?, cause("serialization_ms")?, cause("processing_ms")?])
    };
    Ok(Simulated {
        validators: answer["validators"].as_u64().ok_or_else(|| missing("number of validators"))?,
        seed,
        view_ms: mean_and_p99("view")?,
        finality_ms: mean_and_p99("finality")?,
        interval_ms: number(&report["steady"]["interval"]["mean_ms"], "interval")?,
        view_causes_ms: causes("one view, view latency")?,
        finality_causes_ms: causes("one view, finality")?,
        interval_causes_ms: causes("chain, block interval")?,
    })
}

fn committee_line(plan: &Plan) -> String {
    format!("simulate --regions global --protocol minimmit --real --views {} --passes 1", plan.seconds(20, 10))
}

pub fn committee_seconds(plan: &Plan) -> u64 {
    of_runs(plan, plan.seconds(40, 30), 0)
}

pub fn committee(stage: &mut Stage, results: &mut Results) -> Result<(), Trouble> {
    stage.end_network();
    let line = committee_line(&stage.plan);
    let runs = stage.repeat(|stage, round| {
        COMMITTEES.iter().map(|validators| simulate(stage, &line, *validators, round as u64 + 1)).collect()
    })?;
    results.committee = stage.measured(&[format!("{line} --validators N --seed SEED --json")], runs);
    Ok(())
}

pub fn large_seconds(plan: &Plan) -> u64 {
    of_runs(plan, plan.seconds(25, 20), 0)
}

pub fn large(stage: &mut Stage, results: &mut Results) -> Result<(), Trouble> {
    stage.end_network();
    let line = format!("{} --block-bytes 1000000 --bandwidth-mbit 1000", committee_line(&stage.plan));
    let runs = stage.repeat(|stage, round| simulate(stage, &line, 101, round as u64 + 1))?;
    results.large = stage.measured(&[format!("{line} --validators 101 --seed SEED --json")], runs);
    Ok(())
}
