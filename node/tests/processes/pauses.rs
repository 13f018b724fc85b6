//! Validators that stand still for a while and then go on as if nothing had been: SIGSTOP and SIGCONT.

use crate::harness::{Load, Network, Witness, each_final_once, same_everywhere};

#[test]
fn a_validator_that_stood_still_comes_back_level_and_the_others_did_not_wait() {
    let network = Network::start();
    let witness = Witness::of(&network);
    network.view(0).goes_on(2);
    network.node(3).pause();
    // Not to the one that stands still: to it a call is not answered, and never refused either.
    let urls: Vec<String> = network.all().filter(|(index, _)| *index != 3).map(|(_, view)| view.url).collect();
    let load = Load::with(network.dir(), &["--rate", "20", "--duration", "4", "--nodes", &urls.join(",")]);
    // Longer than its peers keep a silent connection.
    each_final_once(&load.finish());
    let height = network.view(0).goes_on(5);

    network.node(3).resume();
    network.view(3).reaches(height);
    // It leads again, and the others take its blocks.
    network.view(0).first_final(None, |block| block.proposer == 3);
    same_everywhere(&network, witness);
}

#[test]
fn with_two_of_six_standing_still_nothing_becomes_final_until_they_go_on() {
    let network = Network::start();
    let witness = Witness::of(&network);
    each_final_once(&Load::start(network.dir(), 20, 1).finish());
    [1, 4].iter().for_each(|index| network.node(*index).pause());
    // Votes of the two may still be under way for the views in which they stopped, and for none after those.
    let moving = [0, 2, 3, 5];
    moving.iter().for_each(|index| network.view(*index).turns(4));
    let heights = moving.map(|index| network.view(index).height());
    moving.iter().for_each(|index| network.view(*index).turns(6));
    assert_eq!(heights, moving.map(|index| network.view(index).height()), "final without L votes");

    [1, 4].iter().for_each(|index| network.node(*index).resume());
    network.all().for_each(|(_, view)| view.reaches(heights[0] + 5));
    same_everywhere(&network, witness);
}
