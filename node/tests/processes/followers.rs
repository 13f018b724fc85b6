//! Full nodes: no validator's key, the same chain, the same API, read-only.

use crate::harness::{Lone, Network, Node, View, minuet, refused, text};
use minuet_rpc::proto::Block;
use std::fs;
use std::path::{Path, PathBuf};

/// Makes a directory with a network key alone and a configuration that dials these addresses.
fn make(dir: &Path, rpc: u16, peers: &[(u16, u16)]) -> (PathBuf, View) {
    let home = dir.join("follower");
    minuet(&["keys", "generate", "--dir", text(&home)]);
    for name in ["bls.key", "bls.key.unused", "validator.json"] {
        fs::remove_file(home.join(name)).unwrap();
    }
    let peers = peers.iter().map(|(index, port)| format!("{{ index = {index}, address = \"127.0.0.1:{port}\" }}"));
    let peers = peers.collect::<Vec<_>>().join(", ");
    let config = home.join("node.toml");
    let written = format!(
        "genesis = \"../genesis.json\"\n[p2p]\nlisten_address = \"127.0.0.1:0\"\npeers = [{peers}]\n\
         [rpc]\nlisten_address = \"127.0.0.1:{rpc}\"\n"
    );
    fs::write(&config, written).unwrap();
    (config, View::at(rpc))
}

fn has_the_same_chain(follower: &View, validator: &View, height: u64) {
    follower.reaches(height);
    let named = |block: Block| (block.height, block.hash, block.state_root, block.receipts_root);
    let chain = |view: &View| view.blocks(0..=height).into_iter().map(named).collect::<Vec<_>>();
    assert_eq!(chain(follower), chain(validator));
}

#[test]
fn a_full_node_that_starts_late_has_the_whole_chain_takes_no_transfer_and_survives_a_kill() {
    let network = Network::start();
    network.view(0).goes_on(30);
    minuet(&[
        "transfer",
        "--dev-account",
        "0",
        "--to",
        "0x000000000000000000000000000000000000dEaD",
        "--value",
        "1ether",
        "--dir",
        text(network.dir()),
        "--node",
        &network.view(0).url,
    ]);
    let peers: Vec<_> = (0..6).map(|index| (index, network.p2p_port(index))).collect();
    let (config, view) = make(network.dir(), network.rpc_port(6), &peers);
    let node = Node::start(&config, view.clone());
    node.says("catching up: ");
    node.says("level with the peers");
    has_the_same_chain(&view, &network.view(0), network.view(0).height());
    let status = view.status();
    assert_eq!((status.role.as_str(), status.validator_index, status.proposed_blocks), ("follower", None, 0));
    assert_eq!(network.view(3).status().role, "validator");
    let balance = minuet(&["account", "balance", "0x000000000000000000000000000000000000dEaD", "--node", &view.url]);
    assert_eq!(balance["balance"], "1000000000000000000");

    let transfer = ["transfer", "--dev-account", "1", "--to", "0x000000000000000000000000000000000000dEaD"];
    let transfer = [&transfer[..], &["--value", "1ether", "--dir", text(network.dir()), "--node", &view.url]].concat();
    let message = refused(11, &transfer);
    assert!(message.contains("submit to a validator"), "{message}");

    node.kill();
    network.view(0).goes_on(10);
    let node = Node::start(&config, view.clone());
    has_the_same_chain(&view, &network.view(0), network.view(0).height());
    view.goes_on(10);
    assert!(!config.with_file_name("data").join("journal").exists(), "it says nothing that it would have to remember");
    assert!(node.stop().success());
}

#[test]
fn a_validator_that_takes_no_followers_refuses_one_and_both_logs_say_why() {
    let lone = Lone::new();
    let settings = fs::read_to_string(&lone.config).unwrap();
    fs::write(&lone.config, settings.replace("[p2p]\n", "[p2p]\nmax_followers = 0\n")).unwrap();
    let validator = lone.start();
    let (config, view) = make(lone.dir.path(), lone.rpc + 1, &[(0, lone.p2p)]);
    let follower = Node::start(&config, view.clone());
    validator.says("this node takes no followers (p2p.max_followers is 0)");
    follower.says("this node takes no followers (p2p.max_followers is 0)");
    validator.view.goes_on(3);
    assert_eq!(view.height(), 0);
}

#[test]
fn a_full_node_with_nobody_to_dial_and_a_validator_without_its_signing_key_do_not_start() {
    let lone = Lone::new();
    let (config, _) = make(lone.dir.path(), lone.rpc + 1, &[]);
    let message = refused(3, &["node", "--config", text(&config)]);
    assert!(message.contains("this node only follows") && message.contains("p2p.peers"), "{message}");
    fs::remove_file(lone.path("bls.key")).unwrap();
    let message = lone.refused(4, &[]);
    assert!(message.contains("bls.key"), "{message}");
}
