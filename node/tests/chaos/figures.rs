//! What the network takes to come back, and what it costs: each a row of docs/benchmarks/crashes.md.

use crate::chance::{Chance, pass};
use crate::harness::{Load, Network, Node, View, Witness, each_final_once, same_everywhere};
use crate::kills::{self, SteadyLoad};
use crate::setting;
use minuet_core::Height;
use minuet_rpc::proto::TransactionDetail;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

pub const MIB: u64 = 1 << 20;

/// A row: what, what is to be reached, what was measured, whether it was reached, the command.
pub fn row(what: &str, target: &str, measured: &str, reached: bool, name: &str, settings: &str) -> String {
    let reached = if reached { "yes" } else { "NO" };
    let settings = if settings.is_empty() { String::new() } else { format!("{settings} ") };
    let command = format!("{settings}MINUET_CHAOS_ONLY={name} scripts/figures-chaos.sh");
    format!("| {what} | {target} | {measured} | {reached} | `{command}` |")
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// How long until a block becomes final by this validator's vote, since a moment.
fn votes_again(view: &View, index: u16, since: Instant) -> Duration {
    view.ask(async |mut client| {
        let mut events = client.subscribe_blocks(None, false).await?;
        loop {
            let event = events.message().await?.expect("the node runs");
            let now = since.elapsed();
            let block = client.block_at(Height(event.height), TransactionDetail::Unspecified).await?;
            let bitmap = block.finalization.map(|certificate| certificate.signer_bitmap).unwrap_or_default();
            if bitmap.first().is_some_and(|bits| bits >> index & 1 == 1) {
                return Ok(now);
            }
        }
    })
}

pub fn restart(chance: &mut Chance) -> String {
    let times_wanted = setting("MINUET_CHAOS_RESTARTS", 10);
    let mut network = Network::start();
    let witness = Witness::of(&network);
    let mut load = SteadyLoad::start(&network, 40);
    let mut times = Vec::new();
    for _ in 0..times_wanted {
        load.goes_on();
        let victim = 1 + chance.index(5);
        network.view(0).carries(20);
        network.take(victim).kill();
        chance.moment(2_000..6_000);
        let begun = Instant::now();
        network.launch(victim);
        times.push(votes_again(&network.view(0), victim, begun));
    }
    load.finish();
    same_everywhere(&network, witness);
    times.sort_unstable();
    let (middle, longest) = (times[times.len() / 2], times[times.len() - 1]);
    let measured = format!(
        "start of the process until its vote is in a finalization: median {}, longest {} of {times_wanted}, under 40 transfers/s",
        seconds(middle),
        seconds(longest)
    );
    row("killed validator restarted", "voting again ≤ 5 s", &measured, longest <= Duration::from_secs(5), "restart", "")
}

fn bytes_below(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}

pub fn two_down(_: &mut Chance) -> String {
    let (first, then) = (setting("MINUET_CHAOS_FIRST_SECONDS", 60), setting("MINUET_CHAOS_DOWN_SECONDS", 600));
    let mut network = Network::start();
    let witness = Witness::of(&network);
    each_final_once(&Load::start(network.dir(), 20, 2).finish());
    Node::kill_all(vec![network.take(1), network.take(4)]);
    let living = [0, 2, 3, 5];
    living.iter().for_each(|index| network.view(*index).turns(4));
    let halted_at = witness.highest();
    let memory = |network: &Network| living.map(|index| network.node(index).memory().0);
    pass(Duration::from_secs(first));
    let (before, view_before) = (memory(&network), network.view(0).status().view);
    let mut grown = 0;
    for passed in 1..=then {
        pass(Duration::from_secs(1));
        let now = memory(&network);
        grown = now.iter().zip(before).map(|(now, before)| now.saturating_sub(before)).max().unwrap();
        if passed.is_multiple_of(30) {
            let view = network.view(0).status().view;
            let journal = bytes_below(&network.home(0).join("data/journal")) / MIB;
            eprintln!("chaos: {passed} s: view {view}, most grown {} kB, journal {journal} MiB", grown >> 10);
        }
    }
    let silent = witness.highest() == halted_at;
    let views = network.view(0).status().view - view_before;
    let journal = bytes_below(&network.home(0).join("data/journal")) / MIB;
    let begun = Instant::now();
    network.start_all();
    let back = kills::recovered(&network, begun);
    same_everywhere(&network, witness);
    let measured = format!(
        "nothing final shown: {}; RSS +{:.1} MiB over {then} s after the first {first} s ({views} views, journal of {journal} MiB); \
         new block on all {} after the start of both",
        if silent { "yes" } else { "NO" },
        grown as f64 / MIB as f64,
        seconds(back)
    );
    let reached = silent && grown <= 16 * MIB && back <= Duration::from_secs(10);
    let target =
        "no finality shown, RSS +≤ 16 MiB over 10 minutes after the first, final again ≤ 10 s after both return";
    row("two of six killed", target, &measured, reached, "two", "")
}

pub fn all_down(chance: &mut Chance) -> String {
    let count = setting("MINUET_CHAOS_OUTAGES", 20);
    let (mut times, top) = kills::outages(chance, count, 100);
    times.sort_unstable();
    let (middle, longest) = (times[times.len() / 2], times[times.len() - 1]);
    let measured = format!(
        "{count} outages under 100 transfers/s, start until a new block on all: median {}, longest {}; {top} blocks, equal on \
         all; no view with two final blocks; every transfer final exactly once; balances add up on all",
        seconds(middle),
        seconds(longest)
    );
    let target = "same chain goes on ≤ 10 s each time; no view with two final blocks; balances add up";
    row("all six killed at once under load, 20 times", target, &measured, longest <= Duration::from_secs(10), "all", "")
}

/// Levels when its newest block is no older than this many of another's.
const LEVEL_BLOCKS: u64 = 3;

const DEFAULT_BEHIND: u64 = 5_000;

pub fn behind(_: &mut Chance) -> String {
    let (blocks, rate) = (setting("MINUET_CHAOS_BLOCKS", DEFAULT_BEHIND), 200);
    let mut network = Network::with(&["--set", "consensus.empty_block_delay_ms=1"]);
    let witness = Witness::of(&network);
    let mut load = SteadyLoad::start(&network, rate);
    network.view(5).carries(200);
    let usual = network.node(5).memory().0;
    assert_eq!(network.take(5).stop().code(), Some(0));
    let left_at = network.view(0).height();
    while network.view(0).height() < left_at + blocks {
        load.goes_on();
        pass(Duration::from_millis(100));
    }
    load.goes_on();
    let begun = Instant::now();
    network.launch(5);
    network.node(5).says("the node runs");
    let lag = network.view(0).height() - left_at;
    let (mut took, mut tip) = (Duration::ZERO, 0);
    while took.is_zero() {
        assert!(begun.elapsed() < Duration::from_secs(300), "it does not come level");
        load.goes_on();
        let others = network.view(0).height();
        let own = network.view(5).height();
        if own + LEVEL_BLOCKS >= others {
            (took, tip) = (begun.elapsed(), own);
        } else {
            pass(Duration::from_millis(20));
        }
    }
    let most = network.node(5).memory().1.saturating_sub(usual);
    load.finish();
    same_everywhere(&network, witness);
    let measured = format!(
        "{lag} blocks behind, level at height {tip} {} after the start of the process, under {rate} transfers/s; most memory on \
         the way {:.0} MiB more than before ({:.0} MiB)",
        seconds(took),
        most as f64 / MIB as f64,
        usual as f64 / MIB as f64
    );
    let reached = took <= Duration::from_secs(30) && most <= 200 * MIB;
    let target = "level with the tip ≤ 30 s, memory +≤ 200 MiB";
    let settings = if blocks == DEFAULT_BEHIND { String::new() } else { format!("MINUET_CHAOS_BLOCKS={blocks}") };
    row(&format!("{blocks} blocks behind, under {rate} tx/s"), target, &measured, reached, "behind", &settings)
}
