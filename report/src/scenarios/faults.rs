//! Validators that die, one or all.

use super::of_runs;
use crate::cli::Plan;
use crate::measure::rounded;
use crate::network::Network;
use crate::results::{Outage, Results, Return};
use crate::stage::Stage;
use crate::trouble::Trouble;
use std::time::{Duration, Instant};

/// Who is killed: not the one whose blocks bring the load their transactions' hashes.
const VICTIM: usize = 3;
/// While it is gone and comes back.
const RETURN_RATE: u32 = 200;
/// Blocks under load before all are killed.
const BLOCKS_BEFORE: u64 = 20;

pub fn dead_seconds(plan: &Plan) -> u64 {
    of_runs(plan, plan.seconds(40, 4), 5)
}

pub fn dead(stage: &mut Stage, results: &mut Results) -> Result<(), Trouble> {
    let line = format!("load --rate 10 --duration {} --json", stage.plan.seconds(40, 4));
    let runs = stage.repeat(|stage, _| {
        stage.network()?.kill(VICTIM)?;
        let load = stage.load(&line)?.0;
        bring_back(stage)?;
        Ok(load)
    })?;
    results.dead = stage.measured(&[line], runs).map(|mut measured| {
        measured.commands.insert(0, format!("kill -9 $(cat localnet/validator-{VICTIM}/data/LOCK)"));
        measured
    });
    Ok(())
}

/// Starts the victim again and waits until it has all blocks.
fn bring_back(stage: &mut Stage) -> Result<(), Trouble> {
    let mut network = stage.shared.take().ok_or_else(|| Trouble::new("the network is gone"))?;
    let result = network.restart(stage, VICTIM).and_then(|()| network.wait_until_ready(stage));
    stage.shared = Some(network);
    result
}

pub fn returns_seconds(plan: &Plan) -> u64 {
    of_runs(plan, plan.seconds(40, 12), 4)
}

pub fn returns(stage: &mut Stage, results: &mut Results) -> Result<(), Trouble> {
    let seconds = stage.plan.seconds(40, 12);
    let line = format!("load --rate {RETURN_RATE} --duration {seconds} --timeline --json");
    let runs = stage.repeat(|stage, _| {
        stage.network()?;
        let begun = Instant::now();
        let mut child = stage.start_load(&line, "net")?;
        let after = |seconds: u64| Duration::from_secs(seconds).saturating_sub(begun.elapsed());
        child.goes_on_for(after(seconds / 4))?;
        stage.network()?.kill(VICTIM)?;
        let killed_s = begun.elapsed().as_secs_f64();
        child.goes_on_for(after(seconds * 5 / 8))?;
        let back_s = begun.elapsed().as_secs_f64();
        bring_back(stage)?;
        let (load, mut value) = stage.finish_load(&mut child)?;
        stage.transfers += load.finalized;
        let timeline = serde_json::from_value(value["timeline"].take())
            .map_err(|error| child.trouble(&format!("has no timeline ({error})")))?;
        Ok(Return {
            rate: f64::from(RETURN_RATE),
            killed_s: rounded(killed_s),
            back_s: rounded(back_s),
            load,
            timeline,
        })
    })?;
    results.returns = stage.measured(&[line], runs).map(|mut measured| {
        measured.commands = vec![goes_on_while(&measured.commands, seconds / 4)];
        measured.commands.push(format!("kill -9 $(cat localnet/validator-{VICTIM}/data/LOCK)"));
        measured.commands.push(format!("sleep {}", seconds * 3 / 8));
        measured.commands.push(format!("minuet node --config localnet/validator-{VICTIM}/config.toml"));
        measured
    });
    Ok(())
}

/// As one types it: the load in the background, and so long a wait before what comes next.
fn goes_on_while(load: &[String], wait_s: u64) -> String {
    format!("{} & sleep {wait_s}", load.join("; "))
}

pub fn outage_seconds(plan: &Plan) -> u64 {
    of_runs(plan, plan.seconds(20, 8), 8)
}

pub fn outage(stage: &mut Stage, results: &mut Results) -> Result<(), Trouble> {
    let seconds = stage.plan.seconds(20, 8);
    let line = format!("load --rate 100 --duration {seconds} --settle 60 --json");
    let runs = stage.repeat(|stage, _| one_outage(stage, &line))?;
    results.outage = stage.measured(&[line], runs).map(|mut measured| {
        measured.commands = vec![goes_on_while(&measured.commands, seconds / 4)];
        measured.commands.push("kill -9 $(cat localnet/validator-*/data/LOCK)".to_owned());
        measured.commands.push("minuet localnet".to_owned());
        measured
    });
    Ok(())
}

fn one_outage(stage: &mut Stage, line: &str) -> Result<Outage, Trouble> {
    stage.network()?;
    let mut network = stage.shared.take().ok_or_else(|| Trouble::new("the network is gone"))?;
    let mut load = stage.start_load(line, "net")?;
    let mut first = None;
    let mut height = 0;
    network.wait(stage, "blocks become final under load", |heights| {
        height = heights.iter().min().copied().unwrap_or(0);
        height >= first.get_or_insert(height).saturating_add(BLOCKS_BEFORE)
    })?;
    let before = network.hashes(stage, height)?;
    network.kill_all();
    // The localnet's own process sees that, and ends.
    network.end();

    let begun = Instant::now();
    let mut network = Network::launch(stage, "net", "")?;
    // What was final and stored but not shown yet may be above: the first new block is above what the nodes come back with.
    let mut stored = None;
    network.wait(stage, "a new block is final", |heights| match heights.iter().max() {
        None => false,
        Some(newest) => *newest > (*stored.get_or_insert(*newest)).max(height),
    })?;
    let recovered_ms = begun.elapsed().as_secs_f64() * 1000.0;
    network.wait_until_ready(stage)?;
    let after = network.hashes(stage, height)?;
    let same_block = before.iter().chain(&after).all(|hash| hash.is_some() && *hash == before[0]);
    stage.shared = Some(network);
    let load = stage.finish_load(&mut load)?.0;
    stage.transfers += load.finalized;
    Ok(Outage { recovered_ms: rounded(recovered_ms), height, same_block, load })
}
