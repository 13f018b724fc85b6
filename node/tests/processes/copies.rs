//! A key without its memory, with an older memory, and in two places: three ways for an operator to make a validator
//! contradict itself, of which none may become the network's problem.
//!
//! What is right in which case:
//! - No data directory: the node cannot know what its key said. It follows and signs nothing (D-WIPED).
//! - An older copy, and the others hold certificates with this key's votes of later views: the first that arrives stops
//!   the node (D-OWN-SIG).
//! - An older copy, and the others have gone on without it since: whatever the key said in between is about views that
//!   are final by now, about which nobody signs or counts anything again. It comes level and votes on, contradicting
//!   nothing.
//! - Two processes: whichever sees the other's vote stops (D-OWN-SIG); the rest never depends on either.

use crate::harness::{Load, Network, Node, Witness, copy, each_final_once, same_everywhere};
use std::fs;

const DOUBLED: i32 = 13;

/// Ends with the exit code and message of its own.
fn ends_as_doubled(node: Node) {
    let (status, text) = node.wait();
    assert_eq!(status.code(), Some(DOUBLED), "{text}");
    for part in ["is not in its journal", "the same key runs elsewhere", "old copy", "make sure that the key runs once"]
    {
        assert!(text.contains(part), "'{part}' is missing in: {text}");
    }
}

/// Whether a validator's vote is in the certificate of any final block in this range.
fn voted(network: &Network, index: u16, from: u64, to: u64) -> bool {
    let certificates = network.view(0).blocks(from..=to).into_iter().filter_map(|block| block.finalization);
    certificates.into_iter().any(|certificate| certificate.signer_bitmap[0] >> index & 1 == 1)
}

#[test]
fn a_validator_without_its_data_directory_gets_the_chain_again_and_signs_nothing() {
    let mut network = Network::start();
    let witness = Witness::of(&network);
    let load = Load::start(network.dir(), 20, 6);
    network.view(0).carries(20);
    network.take(4).kill();
    fs::remove_dir_all(network.home(4).join("data")).unwrap();
    witness.forgives(4);
    network.start_one(4);
    network.node(4).says("This node only follows");
    each_final_once(&load.finish());

    // Two rounds of leaders.
    let back = network.view(0).height();
    let last = network.view(0).goes_on(12);
    network.view(4).reaches(last);
    assert!(!voted(&network, 4, back + 1, last), "it signed");
    assert_eq!(network.view(4).status().proposed_blocks, 0);
    same_everywhere(&network, witness);
}

/// Stops a validator, keeps a copy of its data, lets it vote on, stops it and puts the copy in place.
fn put_older_copy_in_place(network: &mut Network, witness: &Witness, index: u16) {
    let (data, copied) = (network.home(index).join("data"), network.home(index).join("copied"));
    assert_eq!(network.take(index).stop().code(), Some(0));
    copy(&data, &copied);
    network.start_one(index);
    let from = network.view(0).goes_on(6);
    let to = network.view(0).goes_on(12);
    assert!(voted(network, index, from, to), "it does not vote: the copy is not older than what it said");
    assert_eq!(network.take(index).stop().code(), Some(0));
    fs::remove_dir_all(&data).unwrap();
    fs::rename(&copied, &data).unwrap();
    witness.forgives(index);
}

#[test]
fn an_older_copy_stops_at_the_first_certificate_with_a_vote_that_it_does_not_know() {
    let mut network = Network::start();
    let witness = Witness::of(&network);
    each_final_once(&Load::start(network.dir(), 20, 1).finish());
    // With five left every certificate needs all five: the newest one has its vote.
    network.take(5).kill();
    put_older_copy_in_place(&mut network, &witness, 3);
    network.launch(3);
    ends_as_doubled(network.take(3));
    // And again: the copy does not become better by having been tried.
    network.launch(3);
    ends_as_doubled(network.take(3));

    network.start_one(5);
    network.view(5).goes_on(3);
    fs::remove_dir_all(network.home(3).join("data")).unwrap();
    witness.forgives(3);
    network.start_one(3);
    network.node(3).says("This node only follows");
    same_everywhere(&network, witness);
}

#[test]
fn an_older_copy_that_the_others_have_left_behind_votes_on_and_contradicts_nothing() {
    let mut network = Network::start();
    let witness = Witness::of(&network);
    each_final_once(&Load::start(network.dir(), 20, 1).finish());
    put_older_copy_in_place(&mut network, &witness, 3);
    let alone = network.view(0).goes_on(12);
    network.launch(3);
    network.node(3).says("the node runs");
    network.view(3).reaches(alone);
    let led = network.view(0).first_final(None, |block| block.proposer == 3);
    assert!(led.height > alone);
    same_everywhere(&network, witness);
}

#[test]
fn a_key_that_runs_twice_stops_one_of_the_two_and_the_chain_goes_on() {
    let mut network = Network::start();
    let witness = Witness::of(&network);
    each_final_once(&Load::start(network.dir(), 20, 1).finish());
    // With five left every certificate needs all five: the original's vote is in all that the second one sees.
    network.take(5).kill();
    network.view(0).goes_on(3);
    let double = network.double(3);
    ends_as_doubled(double);

    network.view(0).goes_on(6);
    network.start_one(5);
    network.view(5).goes_on(6);
    same_everywhere(&network, witness);
}
