//! Processes that end or stand still at any moment, under a constant load.

use crate::chance::Chance;
use crate::harness::{Load, Network, Node, VALIDATORS, Witness, each_final_once, same_everywhere};
use crate::setting;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A load that goes on until it is told to stop, whatever becomes of the nodes meanwhile.
pub struct SteadyLoad(Load);

impl SteadyLoad {
    pub fn start(network: &Network, rate: u32) -> Self {
        let rate = rate.to_string();
        Self(Load::with(network.dir(), &["--rate", &rate, "--duration", "86400", "--settle", "60"]))
    }

    /// That it has not given up.
    pub fn goes_on(&mut self) {
        assert!(!self.0.has_ended(), "the load ended by itself");
    }

    /// Over the whole time every transfer was final exactly once.
    pub fn finish(mut self) {
        self.goes_on();
        self.0.stop();
        each_final_once(&self.0.finish());
    }
}

/// Waits until every node has a block that none had before; how long it took since a moment.
pub fn recovered(network: &Network, since: Instant) -> Duration {
    let highest = network.all().map(|(_, view)| view.height()).max().unwrap();
    network.all().for_each(|(_, view)| view.reaches(highest + 1));
    since.elapsed()
}

/// The middle one and the longest.
pub fn spread(times: &mut [Duration]) -> String {
    times.sort_unstable();
    match times {
        [] => "none".to_owned(),
        _ => format!("{} ms, at most {} ms", times[times.len() / 2].as_millis(), times[times.len() - 1].as_millis()),
    }
}

#[derive(Clone, Copy)]
enum How {
    Kill,
    Terminate,
    Pause,
}

/// Takes some down, waits for any moment, brings them back; how long it took until all had a new block.
fn strike(network: &mut Network, chance: &mut Chance, how: How, victims: &[u16]) -> Duration {
    let begun = match how {
        How::Kill => {
            Node::kill_all(victims.iter().map(|index| network.take(*index)).collect());
            chance.moment(0..4_000);
            let begun = Instant::now();
            network.start_all();
            begun
        }
        How::Terminate => {
            for index in victims {
                assert_eq!(network.take(*index).stop().code(), Some(0), "validator {index}");
            }
            chance.moment(0..2_000);
            let begun = Instant::now();
            network.start_all();
            begun
        }
        How::Pause => {
            victims.iter().for_each(|index| network.node(*index).pause());
            chance.moment(0..6_000);
            let begun = Instant::now();
            victims.iter().for_each(|index| network.node(*index).resume());
            begun
        }
    };
    recovered(network, begun)
}

/// Restarts, pauses and kills of any number, in any mix.
pub fn rounds(chance: &mut Chance) -> String {
    let count = setting("MINUET_CHAOS_ROUNDS", 30);
    let mut network = Network::start();
    let witness = Witness::of(&network);
    let mut load = SteadyLoad::start(&network, 40);
    let mut times: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    for round in 1..=count {
        load.goes_on();
        chance.moment(0..2_000);
        let victims = match chance.below(4) {
            0 => VALIDATORS,
            1 => 2,
            _ => 1,
        };
        let (name, how) = [("killed", How::Kill), ("told to stop", How::Terminate), ("paused", How::Pause)]
            [usize::from(chance.index(3))];
        let victims = chance.some(victims, VALIDATORS);
        let took = strike(&mut network, chance, how, &victims);
        eprintln!("chaos: round {round} of {count}: {victims:?} {name}, all on after {} ms", took.as_millis());
        times.entry(name).or_default().push(took);
        witness.is_content();
    }
    load.finish();
    let top = same_everywhere(&network, witness);
    let times: Vec<String> = times.iter_mut().map(|(name, times)| format!("{name}: {}", spread(times))).collect();
    format!("{count} rounds, {top} blocks; back until a new block on all: {}", times.join("; "))
}

/// All at once, as a power cut does.
pub fn all_at_once(chance: &mut Chance) -> String {
    let count = setting("MINUET_CHAOS_OUTAGES", 8);
    let (times, top) = outages(chance, count, 40);
    format!("{count} outages, {top} blocks; start until a new block on all: {}", spread(&mut times.clone()))
}

/// Kills all so many times under load; how long each start took until all had a new block, and the last height.
pub fn outages(chance: &mut Chance, count: u64, rate: u32) -> (Vec<Duration>, u64) {
    let mut network = Network::start();
    let witness = Witness::of(&network);
    let mut load = SteadyLoad::start(&network, rate);
    let mut times = Vec::new();
    for round in 1..=count {
        load.goes_on();
        network.view(0).carries(10);
        chance.moment(0..1_000);
        Node::kill_all(network.take_all());
        let begun = Instant::now();
        network.start_all();
        let took = recovered(&network, begun);
        eprintln!("chaos: outage {round} of {count}: all on after {} ms", took.as_millis());
        times.push(took);
        witness.is_content();
    }
    load.finish();
    (times, same_everywhere(&network, witness))
}
