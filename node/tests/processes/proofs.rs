//! What a client that trusts no node can check with the genesis alone.

use crate::harness::{MINUET, Network, Node, attempt, minuet, output, refused, text};
use std::fs;
use std::path::Path;
use std::process::Command;

fn genesis(network: &Network) -> String {
    text(&network.dir().join("genesis.json")).to_owned()
}

/// Flips one bit of a file's middle into another file.
fn damaged(from: &Path, to: &Path) {
    let mut bytes = fs::read(from).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(to, bytes).unwrap();
}

#[test]
fn every_block_is_proven_against_the_genesis_and_kept_proofs_without_any_node() {
    let mut network = Network::start();
    let (home, url) = (text(network.dir()).to_owned(), network.view(0).url);
    let to = "0x00000000000000000000000000000000000000aa";
    let sent =
        minuet(&["transfer", "--dev-account", "0", "--dir", &home, "--to", to, "--value", "1ether", "--node", &url]);
    let (height, hash) = (sent["height"].as_u64().unwrap().to_string(), sent["block_hash"].as_str().unwrap());
    let (genesis, kept) = (genesis(&network), network.dir().join("proof"));

    let check = ["block", &height, "--verify", "--genesis", &genesis, "--node", &url];
    let shown = minuet(&[&check[..], &["--transactions", "--save-proof", text(&kept)]].concat());
    assert_eq!((&shown["verified"], &shown["hash"]), (&true.into(), &hash.into()), "{shown}");
    assert_eq!((&shown["transactions_verified"], &shown["transaction_hashes"][0]), (&true.into(), &sent["hash"]));
    assert!(shown["finalization_signers"].as_u64().unwrap() >= 5, "{shown}");
    for which in ["0", "1", "latest", hash] {
        let shown = minuet(&["block", which, "--verify", "--genesis", &genesis, "--node", &url]);
        assert_eq!(shown["verified"], true, "{which}");
    }

    network.take_all().into_iter().for_each(|node| assert!(node.stop().success()));
    let offline = minuet(&["block", &height, "--genesis", &genesis, "--proof", text(&kept)]);
    assert_eq!((&offline["hash"], &offline["state_root"]), (&shown["hash"], &shown["state_root"]));

    let bad = network.dir().join("bad");
    damaged(&kept, &bad);
    let message = refused(15, &["block", "--genesis", &genesis, "--proof", text(&bad)]);
    assert!(message.contains("not proven"), "{message}");
    let message = refused(15, &["block", "1000000", "--genesis", &genesis, "--proof", text(&kept)]);
    assert!(message.contains(&format!("the proof is of block {height}")), "{message}");
    let other = network.dir().join("other.json");
    let changed = fs::read_to_string(&genesis).unwrap().replace("\"chain_id\": 31109", "\"chain_id\": 31110");
    fs::write(&other, changed).unwrap();
    let message = refused(15, &["block", "--genesis", text(&other), "--proof", text(&kept)]);
    assert!(message.contains("the genesis is another chain's"), "{message}");
    let mut command = Command::new(MINUET);
    command.args(["block", "--json", "--genesis", text(&other), "--proof", text(&kept)]);
    let answer: serde_json::Value = serde_json::from_slice(&output(&mut command).stdout).unwrap();
    assert_eq!((&answer["ok"], &answer["exit_code"]), (&false.into(), &15.into()), "{answer}");
    assert_eq!(attempt(&["block", "--verify"]).status.code(), Some(2), "a genesis is always named");
}

#[test]
fn a_block_without_a_certificate_of_its_own_is_proven_by_a_descendants() {
    let mut network = Network::start();
    let genesis = genesis(&network);
    network.view(0).goes_on(3);
    Node::kill_all(vec![network.take(1), network.take(4)]);
    // Blocks are notarized and none is final, until the two are back: then a later one's certificate is for all of them.
    network.view(0).turns(12);
    let before = network.view(0).height();
    network.start_one(1);
    network.start_one(4);
    let height = network.view(0).goes_on(12);
    network.agrees_up_to(height);

    let bare = network.all().find_map(|(_, view)| {
        let mut blocks = view.blocks(before + 1..=height).into_iter();
        blocks.find(|block| block.finalization.is_none()).map(|block| (view, block))
    });
    let (view, block) = bare.expect("a block that a later one's certificate made final");
    let bare = block.height.to_string();
    let shown = minuet(&["block", &bare, "--verify", "--genesis", &genesis, "--node", &view.url]);
    assert!(shown["certificate_height"].as_u64().unwrap() > block.height, "{shown}");
    assert!(shown["proof_headers"].as_u64().unwrap() > 1, "{shown}");
    assert_eq!(shown["hash"], format!("{}", minuet_core::B256::from_slice(&block.hash)));
}
