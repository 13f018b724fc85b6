//! Files that are gone or damaged: a node must not sign what it cannot remember, nor go on with what is wrong.

use crate::harness::{Lone, Network, Node};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

fn first_segment(journal: &Path) -> PathBuf {
    let entries = fs::read_dir(journal).unwrap().map(|entry| entry.unwrap().path());
    let is_segment = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with("segment-");
    entries.filter(is_segment).min().expect("a journal has a segment")
}

#[test]
fn a_validator_whose_journal_is_gone_follows_and_signs_nothing_while_the_others_go_on() {
    let mut network = Network::start();
    network.view(0).goes_on(3);
    assert_eq!(network.take(4).stop().code(), Some(0));
    fs::remove_dir_all(network.home(4).join("data/journal")).unwrap();
    network.start_one(4);
    network.node(4).says("This node only follows");

    // Three rounds of leaders.
    let back = network.view(0).height();
    let mut last = 0;
    network.view(0).first_final(Some(back + 1), |block| {
        assert_ne!(block.proposer, 4, "height {}", block.height);
        last = block.height;
        block.height >= back + 18
    });
    network.agrees_up_to(last);
    let status = network.view(4).status();
    assert_eq!((status.validator_index, status.proposed_blocks), (None, 0));
    for block in network.view(0).blocks(back + 1..=last) {
        let signers = block.finalization.map_or(0, |certificate| certificate.signer_bitmap[0]);
        assert_eq!(signers & 1 << 4, 0, "it signed height {}", block.height);
    }
}

#[test]
fn a_journal_damaged_in_both_copies_stops_the_start_and_is_named() {
    let lone = Lone::new();
    lone.run_for(20);
    let segment = first_segment(&lone.path("data/journal"));
    let file = OpenOptions::new().read(true).write(true).open(&segment).unwrap();
    // One byte in every sector of a stretch behind the header, which holds whole groups: both copies of each.
    for sector in 4..32 {
        let mut byte = [0];
        file.read_exact_at(&mut byte, sector * 512 + 100).unwrap();
        file.write_all_at(&[!byte[0]], sector * 512 + 100).unwrap();
    }
    let message = lone.refused(6, &[]);
    assert!(message.contains(segment.to_str().unwrap()) && message.contains("damaged at byte"), "{message}");
    assert_eq!(message, lone.refused(6, &[]), "a second start says the same");
}

#[test]
fn a_damaged_database_is_named_and_stops_the_start() {
    let lone = Lone::new();
    lone.run_for(2);
    fs::write(lone.path("data/db/CURRENT"), "nonsense").unwrap();
    let message = lone.refused(6, &[]);
    assert!(message.contains("data/db") && message.contains("CURRENT"), "{message}");
}

#[test]
fn a_node_whose_database_is_gone_gets_the_chain_from_its_peers() {
    let mut network = Network::start();
    network.view(0).goes_on(3);
    assert_eq!(network.take(5).stop().code(), Some(0));
    fs::remove_dir_all(network.home(5).join("data/db")).unwrap();
    let config = network.home(5).join("config.toml");
    let node = Node::spawn(&config, network.view(5));
    node.says("the node runs");
    let height = network.view(0).goes_on(3);
    network.agrees_up_to(height);
    drop(node);
}
