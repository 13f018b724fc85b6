//! Nodes that keep only so many blocks: what they show, and whom they still bring up.

use crate::harness::{Network, attempt, refused, text};
use std::fs;

/// The least that may be kept.
const RETAINED: u64 = 1000;

/// Keeps the least, with empty blocks as fast as they come.
fn configure(network: &Network, index: u16) {
    let path = network.home(index).join("config.toml");
    let config = fs::read_to_string(&path).unwrap();
    let changed = config
        .replace("retain_blocks = 0", &format!("retain_blocks = {RETAINED}"))
        .replace("empty_block_delay_ms = 200", "empty_block_delay_ms = 0");
    assert_ne!(config, changed);
    fs::write(path, changed).unwrap();
}

#[test]
fn nodes_without_old_blocks_say_so_and_bring_up_a_peer_that_is_behind() {
    let mut network = Network::start();
    network.take_all().into_iter().for_each(|node| assert!(node.stop().success()));
    network.all().for_each(|(index, _)| configure(&network, index));
    network.start_all();
    network.view(0).reaches(RETAINED - 200);
    assert!(network.take(5).stop().success());
    network.view(0).reaches(RETAINED + 100);

    let view = network.view(0);
    let oldest = view.status().oldest_height;
    assert!(oldest >= 100, "{oldest}");
    let message = refused(12, &["block", "50", "--node", &view.url]);
    assert!(message.contains("no longer kept") && message.contains("(pruned)"), "{message}");
    let genesis = network.dir().join("genesis.json");
    for which in [0, oldest + 50, RETAINED] {
        let which = which.to_string();
        let proven = ["block", &which, "--verify", "--genesis", text(&genesis), "--node", &view.url];
        assert!(attempt(&proven).status.success(), "block {which}");
    }
    let message = refused(12, &["block", "50", "--verify", "--genesis", text(&genesis), "--node", &view.url]);
    assert!(message.contains("(pruned)"), "{message}");

    network.start_one(5);
    network.view(5).reaches(RETAINED + 110);
    let same = |height: u64| assert_eq!(network.view(5).block(height).hash, view.block(height).hash);
    [RETAINED, RETAINED + 110].into_iter().for_each(same);
    assert!(network.take(0).stop().success());
    network.start_one(0);
    assert!(network.view(0).status().oldest_height >= oldest, "what has gone stays away");
    assert!(refused(12, &["block", "50", "--node", &view.url]).contains("(pruned)"));
}

#[test]
fn many_nodes_are_shown_at_a_glance_and_one_that_is_gone_by_its_reason() {
    let mut network = Network::start();
    network.view(0).goes_on(3);
    let urls: Vec<String> = network.all().map(|(_, view)| view.url).collect();
    let answer = crate::harness::minuet(&["status", "--all", "--nodes", &urls.join(",")]);
    assert_eq!(
        (&answer["ok"], &answer["answered"], &answer["fork"]),
        (&true.into(), &6.into(), &false.into()),
        "{answer}"
    );
    assert!(
        answer["nodes"].as_array().unwrap().iter().all(|node| node["disk_free_bytes"].as_u64() > Some(0)),
        "{answer}"
    );

    network.take(2).kill();
    let answer = crate::harness::minuet(&["status", "--all", "--dir", text(network.dir())]);
    assert_eq!((&answer["ok"], &answer["answered"]), (&false.into(), &5.into()), "{answer}");
    let table = attempt(&["status", "--nodes", &urls.join(",")]);
    let table = String::from_utf8(table.stdout).unwrap();
    let down = table.lines().find(|line| line.contains("DOWN")).unwrap();
    assert!(down.starts_with(urls[2].trim_start_matches("http://")) && down.contains("cannot connect"), "{table}");
}
