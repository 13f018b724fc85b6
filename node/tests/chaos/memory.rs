//! A key without its memory, with an older memory, and in two places, at any moment and under load. What is right in
//! which case, `processes/copies.rs` says.

use crate::chance::{Chance, pass};
use crate::harness::{Load, Network, Node, VALIDATORS, View, Witness, copy, each_final_once, same_everywhere};
use crate::setting;
use std::fs;
use std::time::{Duration, Instant};

const DOUBLED: i32 = 13;

fn load(network: &Network) -> Load {
    Load::with(network.dir(), &["--rate", "40", "--duration", "12", "--settle", "60"])
}

pub fn without_data(chance: &mut Chance) -> String {
    let mut network = Network::start();
    let witness = Witness::of(&network);
    let load = load(&network);
    let victim = 1 + chance.index(VALIDATORS - 1);
    network.view(0).carries(40);
    chance.moment(0..3_000);
    network.take(victim).kill();
    fs::remove_dir_all(network.home(victim).join("data")).unwrap();
    witness.forgives(victim);
    chance.moment(0..3_000);
    let begun = Instant::now();
    network.start_one(victim);
    network.view(victim).reaches(witness.highest());
    let took = begun.elapsed();
    network.node(victim).says("This node only follows");
    each_final_once(&load.finish());
    assert_eq!(network.view(victim).status().proposed_blocks, 0, "it signed");
    let top = same_everywhere(&network, witness);
    format!("validator {victim} follows, level after {} ms; {top} blocks", took.as_millis())
}

/// Whether it stopped as doubled rather than came level.
fn stops_or_comes_level(node: &mut Node, others: &View) -> bool {
    let target = others.height();
    let view = node.view.clone();
    loop {
        if node.has_ended() {
            return true;
        }
        // It may end while it is asked: then it gives no answer.
        if view.try_height().is_some_and(|height| height >= target) {
            return false;
        }
        pass(Duration::from_millis(20));
    }
}

/// Ends by itself, with the exit code of its own.
fn is_doubled(node: Node) {
    let (status, text) = node.wait();
    assert_eq!(status.code(), Some(DOUBLED), "{text}");
}

pub fn older_copy(chance: &mut Chance) -> String {
    let rounds = setting("MINUET_CHAOS_COPIES", 4);
    let (mut stopped, mut went_on, mut blocks) = (0, 0, 0);
    for round in 1..=rounds {
        let mut network = Network::start();
        let witness = Witness::of(&network);
        let load = load(&network);
        let victim = 1 + chance.index(VALIDATORS - 1);
        let (data, copied) = (network.home(victim).join("data"), network.home(victim).join("copied"));
        chance.moment(0..2_000);
        network.take(victim).kill();
        copy(&data, &copied);
        network.start_one(victim);
        chance.moment(1_000..4_000);
        network.take(victim).kill();
        fs::remove_dir_all(&data).unwrap();
        fs::rename(&copied, &data).unwrap();
        witness.forgives(victim);
        chance.moment(0..2_000);
        network.launch(victim);
        let mut node = network.take(victim);
        if stops_or_comes_level(&mut node, &network.view(0)) {
            is_doubled(node);
            stopped += 1;
            fs::remove_dir_all(&data).unwrap();
        } else {
            // What stops it may still come; what it says until then contradicts nothing.
            drop(node);
            went_on += 1;
        }
        eprintln!("chaos: copy {round} of {rounds}: {stopped} stopped, {went_on} came level");
        witness.forgives(victim);
        network.start_one(victim);
        each_final_once(&load.finish());
        blocks += same_everywhere(&network, witness);
    }
    format!("{rounds} copies: {stopped} stopped with exit code {DOUBLED}, {went_on} came level; {blocks} blocks")
}

pub fn doubled(chance: &mut Chance) -> String {
    let mut network = Network::start();
    let witness = Witness::of(&network);
    let load = load(&network);
    let (victim, down) = (1, 1 + chance.index(VALIDATORS - 1));
    let victim = if down == victim { 2 } else { victim };
    network.view(0).carries(20);
    // With five left every certificate needs all five: the original's vote is in all that the second one sees.
    network.take(down).kill();
    chance.moment(0..2_000);
    let begun = Instant::now();
    is_doubled(network.double(victim));
    let took = begun.elapsed();
    network.start_one(down);
    each_final_once(&load.finish());
    let top = same_everywhere(&network, witness);
    format!("the second process of validator {victim} stopped {} ms after its start; {top} blocks", took.as_millis())
}
