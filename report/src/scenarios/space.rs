//! Memory, disk, and the size of blocks.

use super::of_runs;
use crate::cli::Plan;
use crate::network::Network;
use crate::proc::directory_bytes;
use crate::results::{BlockSize, Disk, Memory, Results};
use crate::stage::Stage;
use crate::trouble::Trouble;
use std::collections::BTreeMap;
use std::time::Duration;

/// What `--long` goes on to.
const MANY_TRANSFERS: u64 = 1_000_000;
/// How often memory is looked at under load.
const MEMORY_LOOK: Duration = Duration::from_secs(1);
/// Largest blocks that are tried, in bytes.
const SIZES: [u64; 5] = [4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20];
/// An encoded transfer.
const TRANSFER_BYTES: u64 = 149;

pub fn memory_seconds(plan: &Plan) -> u64 {
    if plan.long { 150 } else { 30 }
}

pub fn memory(stage: &mut Stage, results: &mut Results) -> Result<(), Trouble> {
    let line = format!("load --max --duration {} --json", stage.plan.seconds(20, 5));
    let mut memory = Memory { samples: Vec::new() };
    while memory.samples.is_empty() || (stage.plan.long && stage.transfers < MANY_TRANSFERS) {
        let (finalized, most) = watched_load(stage, &line)?;
        if finalized == 0 {
            return Err(Trouble::new("no transfer becomes final any more"));
        }
        memory.samples.push((stage.transfers, most));
        (stage.say)(&format!("    {} of {MANY_TRANSFERS} transfers", stage.transfers));
    }
    results.memory = stage.measured(&[line], vec![memory]).map(|mut measured| {
        measured.commands.push("grep VmHWM /proc/$(cat localnet/validator-0/data/LOCK)/status".to_owned());
        if stage.plan.long {
            measured.commands = vec!["make bench-report ARGS='--only memory --long'".to_owned()];
        }
        measured
    });
    Ok(())
}

/// Runs a load; its final transfers, and the most that each validator had meanwhile. Memory rises until memtables are
/// written out and falls then, so that single looks would find any height of it.
fn watched_load(stage: &mut Stage, line: &str) -> Result<(u64, Vec<f64>), Trouble> {
    let mut most = stage.network()?.rss_mib();
    let mut child = stage.start_load(line, "net")?;
    while !child.ends_within(MEMORY_LOOK)? {
        let now = stage.network()?.rss_mib();
        most.iter_mut().zip(now).for_each(|(most, now)| *most = most.max(now));
    }
    let finalized = stage.finish_load(&mut child)?.0.finalized;
    stage.transfers += finalized;
    Ok((finalized, most))
}

pub fn disk_seconds(plan: &Plan) -> u64 {
    of_runs(plan, plan.seconds(15, 4), 10) + 10
}

pub fn disk(stage: &mut Stage, results: &mut Results) -> Result<(), Trouble> {
    stage.end_network();
    let line = format!("load --max --duration {} --json", stage.plan.seconds(15, 4));
    let mut network = Network::start(stage, "disk")?;
    network.end();
    let dir = network.dir().to_owned();
    let mut before = columns(stage, &dir)?;
    let runs = stage.repeat(|stage, _| {
        let mut network = Network::start(stage, "disk")?;
        let mut child = stage.start_load(&line, "disk")?;
        let load = stage.finish_load(&mut child)?.0;
        network.end();
        let directory = directory_bytes(&dir.join("validator-0/data"));
        let after = columns(stage, &dir)?;
        let before = std::mem::replace(&mut before, after.clone());
        Ok(Disk { transfers: load.finalized, before, after, directory_bytes: directory })
    })?;
    results.disk = stage.measured(&[line], runs).map(|mut measured| {
        measured.commands.insert(0, "minuet localnet & sleep 10".to_owned());
        measured.commands.push("kill $!; wait".to_owned());
        measured.commands.push("minuet compact --config localnet/validator-0/config.toml --json".to_owned());
        measured
    });
    Ok(())
}

fn columns(stage: &mut Stage, dir: &std::path::Path) -> Result<BTreeMap<String, u64>, Trouble> {
    let columns = Network::compacted(stage, dir)?;
    serde_json::from_value(columns)
        .map_err(|error| Trouble::new(format_args!("'minuet compact' names no columns: {error}")))
}

pub fn blocks_seconds(plan: &Plan) -> u64 {
    of_runs(plan, SIZES.len() as u64 * (plan.seconds(8, 2) + 3), 0) + SIZES.len() as u64 * 8
}

pub fn blocks(stage: &mut Stage, results: &mut Results) -> Result<(), Trouble> {
    stage.end_network();
    // Made once, so that there are configurations to change.
    Network::start(stage, "blocks")?.end();
    let dir = stage.dir.join("blocks");
    let mut runs: Vec<Vec<BlockSize>> = vec![Vec::new(); stage.plan.runs];
    let seconds = stage.plan.seconds(8, 2);
    for max_block_bytes in SIZES {
        Network::set_max_block_bytes(&dir, max_block_bytes)?;
        (stage.say)(&format!("    blocks of at most {max_block_bytes} bytes"));
        let network = Network::start(stage, "blocks")?;
        // Some blocks' worth, so that there is always enough for the next.
        let in_flight = (4 * max_block_bytes / TRANSFER_BYTES).clamp(200, 10_000);
        let line = format!("load --max --in-flight {in_flight} --warmup 1 --duration {seconds} --json");
        let loads = stage.repeat(|stage, _| {
            let mut child = stage.start_load(&line, "blocks")?;
            Ok(stage.finish_load(&mut child)?.0)
        })?;
        drop(network);
        for (run, load) in runs.iter_mut().zip(loads) {
            run.push(BlockSize { max_block_bytes, load });
        }
    }
    let line = format!("load --max --in-flight TRANSFERS --warmup 1 --duration {seconds} --json");
    results.blocks = stage.measured(&[line], runs).map(|mut measured| {
        let size = "sed -i 's/^max_block_bytes.*/max_block_bytes = BYTES/' localnet/validator-*/config.toml";
        measured.commands.splice(0..0, [size.to_owned(), "minuet localnet & sleep 10".to_owned()]);
        measured.commands.push("kill $!; wait".to_owned());
        measured
    });
    Ok(())
}
