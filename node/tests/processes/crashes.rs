//! Validators that are killed while the network works, and come back from their directories.

use crate::harness::{Load, Network, Node, Witness, each_final_once, same_everywhere};

/// Blocks after this height whose own certificate names this validator.
fn signed(network: &Network, after: u64, up_to: u64, index: u16) -> usize {
    let bit = |bitmap: &[u8]| bitmap[usize::from(index / 8)] >> (index % 8) & 1 == 1;
    let blocks = network.view(0).blocks(after + 1..=up_to).into_iter();
    blocks.filter_map(|block| block.finalization).filter(|certificate| bit(&certificate.signer_bitmap)).count()
}

#[test]
fn a_killed_validator_costs_no_transfer_and_comes_back_to_the_same_chain_and_votes() {
    let mut network = Network::start();
    let witness = Witness::of(&network);
    let load = Load::start(network.dir(), 20, 5);
    network.view(0).carries(20);
    network.take(3).kill();
    let load = load.finish();
    each_final_once(&load);
    assert_eq!((&load["submitted"], &load["nodes_at_end"]), (&100.into(), &5.into()), "{load}");

    let tip = network.view(0).height();
    network.start_one(3);
    network.agrees_up_to(tip);
    let back = network.view(0).height();
    let led = network.view(0).first_final(Some(back), |block| block.proposer == 3 && block.height > back + 12);
    assert!(network.view(3).status().proposed_blocks > 0);
    assert!(signed(&network, back, led.height, 3) > 0, "no certificate has its vote");
    assert!(same_everywhere(&network, witness) >= led.height);
}

#[test]
fn all_killed_at_once_under_load_go_on_with_the_same_chain_and_the_same_transfers() {
    let mut network = Network::start();
    let witness = Witness::of(&network);
    let load = Load::start(network.dir(), 20, 8);
    network.view(0).carries(40);
    let shown: Vec<_> = network.all().map(|(_, view)| view.latest()).collect();
    Node::kill_all(network.take_all());

    network.start_all();
    for ((index, view), before) in network.all().zip(&shown) {
        let after = view.block(before.height);
        let named = |block: &minuet_rpc::proto::Block| (block.hash.clone(), block.state_root.clone());
        assert_eq!(named(&after), named(before), "validator {index} at height {}", before.height);
    }
    let load = load.finish();
    each_final_once(&load);
    assert_eq!(load["submitted"], 160, "{load}");
    network.view(0).goes_on(5);
    same_everywhere(&network, witness);
}

#[test]
fn one_after_the_other_is_killed_and_started_again_while_the_load_goes_on() {
    let mut network = Network::start();
    let witness = Witness::of(&network);
    let load = Load::start(network.dir(), 20, 14);
    for index in [4, 0, 2] {
        network.view(1).carries(10);
        network.take(index).kill();
        network.view(1).carries(10);
        network.start_one(index);
        network.view(index).reaches(network.view(1).height());
    }
    each_final_once(&load.finish());
    network.view(0).goes_on(5);
    same_everywhere(&network, witness);
}

#[test]
fn with_two_of_six_gone_nothing_becomes_final_until_they_are_back() {
    let mut network = Network::start();
    network.view(0).goes_on(3);
    Node::kill_all(vec![network.take(1), network.take(4)]);
    // Votes of the two may still be under way for the views in which they died, and for none after those.
    let living = [0, 2, 3, 5];
    living.iter().for_each(|index| network.view(*index).turns(4));
    let heights = living.map(|index| network.view(index).height());
    living.iter().for_each(|index| network.view(*index).turns(6));
    assert_eq!(heights, living.map(|index| network.view(index).height()), "final without L votes");

    network.start_one(1);
    network.start_one(4);
    let height = network.view(0).goes_on(5);
    assert!(height >= heights[0] + 5);
    network.agrees_up_to(height);
}
