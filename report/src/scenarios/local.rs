//! Six healthy validators: idle, at a rate, as fast as they can.

use super::of_runs;
use crate::cli::Plan;
use crate::measure::rounded;
use crate::network::{Network, VALIDATORS};
use crate::results::{Closed, Idle, Offered, Results};
use crate::stage::Stage;
use crate::trouble::Trouble;
use std::time::{Duration, Instant};

/// Transfers per second of the curve, until less than this share of them becomes final in the window.
const RATES: [u32; 11] = [10, 100, 500, 1_000, 2_000, 4_000, 6_000, 8_000, 10_000, 13_000, 17_000];
const SATURATED_BELOW: f64 = 0.9;

pub fn idle_seconds(plan: &Plan) -> u64 {
    of_runs(plan, plan.seconds(20, 3), 6)
}

pub fn idle(stage: &mut Stage, results: &mut Results) -> Result<(), Trouble> {
    stage.end_network();
    let seconds = stage.plan.seconds(20, 3);
    let runs = stage.repeat(|stage, _| {
        let mut network = Network::launch(stage, "idle", &format!("--for {seconds}"))?;
        let mut rss_mib = Vec::new();
        // Nobody asks the nodes for anything meanwhile.
        while !network.localnet().ends_within(Duration::from_millis(500))? {
            let now = network.rss_mib();
            if now.len() == VALIDATORS {
                rss_mib = now;
            }
        }
        let summary = network.localnet().result(Duration::ZERO)?;
        let idle: Idle = serde_json::from_value(summary.clone())
            .map_err(|error| network.localnet().trouble(&format!("has no figures ({error}): {summary}")))?;
        Ok(Idle { rss_mib, ..idle })
    })?;
    results.idle = stage.measured(&[format!("localnet --for {seconds} --json")], runs);
    Ok(())
}

fn rate_line(rate: u32, seconds: u64) -> String {
    format!("load --rate {rate} --duration {seconds} --json")
}

pub fn steady_seconds(plan: &Plan) -> u64 {
    of_runs(plan, plan.seconds(40, 4), 3) + 6
}

pub fn steady(stage: &mut Stage, results: &mut Results) -> Result<(), Trouble> {
    let line = rate_line(10, stage.plan.seconds(40, 4));
    let runs = stage.repeat(|stage, _| Ok(stage.load(&line)?.0))?;
    results.steady = stage.measured(&[line], runs);
    Ok(())
}

pub fn thousand_seconds(plan: &Plan) -> u64 {
    of_runs(plan, plan.seconds(20, 3), 3)
}

pub fn thousand(stage: &mut Stage, results: &mut Results) -> Result<(), Trouble> {
    let line = rate_line(1000, stage.plan.seconds(20, 3));
    let runs = stage.repeat(|stage, _| Ok(stage.load(&line)?.0))?;
    results.thousand = stage.measured(&[line], runs);
    Ok(())
}

pub fn curve_seconds(plan: &Plan) -> u64 {
    of_runs(plan, 8 * (plan.seconds(6, 2) + 3), 0)
}

pub fn curve(stage: &mut Stage, results: &mut Results) -> Result<(), Trouble> {
    let seconds = stage.plan.seconds(6, 2);
    let runs = stage.repeat(|stage, _| {
        let mut points = Vec::new();
        for rate in RATES {
            let load = stage.load(&rate_line(rate, seconds))?.0;
            let saturated = load.tps < f64::from(rate) * SATURATED_BELOW;
            points.push(Offered { rate: f64::from(rate), load });
            if saturated {
                break;
            }
        }
        Ok(points)
    })?;
    results.curve = stage.measured(&[format!("load --rate RATE --duration {seconds} --json")], runs);
    Ok(())
}

pub fn closed_seconds(plan: &Plan) -> u64 {
    of_runs(plan, plan.seconds(45, 5), 4)
}

/// Transfers under way in the closed loop, twelve of each sender: with more of them it is no faster.
const UNDER_WAY: u32 = 12_000;

pub fn closed(stage: &mut Stage, results: &mut Results) -> Result<(), Trouble> {
    let line = format!("load --max --in-flight {UNDER_WAY} --duration {} --json", stage.plan.seconds(45, 5));
    let runs = stage.repeat(|stage, _| {
        let before = stage.network()?.cpu_s();
        let begun = Instant::now();
        let mut child = stage.start_load(&line, "net")?;
        let load = stage.finish_load(&mut child)?.0;
        let wall_s = begun.elapsed().as_secs_f64();
        let six_cpu_s = stage.network()?.cpu_s() - before;
        stage.transfers += load.finalized;
        Ok(Closed { load, six_cpu_s: rounded(six_cpu_s), wall_s: rounded(wall_s) })
    })?;
    results.closed = stage.measured(&[line], runs);
    Ok(())
}
