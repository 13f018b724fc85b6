//! A validator that moves to another directory, and one whose journal is lost: never two that sign, and one again.

use crate::harness::{Lone, Network, Node, VALIDATORS, minuet, refused, text};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Another home with the same keys and configuration, and no data.
fn second_home(network: &Network, index: u16, name: &str) -> PathBuf {
    let home = network.dir().join(name);
    fs::create_dir(&home).unwrap();
    for file in ["bls.key", "network.key", "config.toml"] {
        fs::copy(network.home(index).join(file), home.join(file)).unwrap();
    }
    home.join("config.toml")
}

fn export<'a>(config: &'a Path, out: &'a Path) -> [&'a str; 6] {
    ["journal", "export", "--config", text(config), "--out", text(out)]
}

fn import<'a>(config: &'a Path, file: &'a Path) -> [&'a str; 6] {
    ["journal", "import", "--config", text(config), "--file", text(file)]
}

fn show(config: &Path) -> Value {
    minuet(&["journal", "show", "--config", text(config)])
}

fn has(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "'{part}' is missing in: {message}");
    }
}

/// Views of final blocks in these heights whose own certificate names this validator.
fn signed_views(network: &Network, heights: std::ops::RangeInclusive<u64>, index: u16) -> Vec<u64> {
    let bit = |bitmap: &[u8]| bitmap[usize::from(index / 8)] >> (index % 8) & 1 == 1;
    let blocks = network.view(0).blocks(heights).into_iter();
    let named = blocks.filter(|block| block.finalization.as_ref().is_some_and(|found| bit(&found.signer_bitmap)));
    named.map(|block| block.view).collect()
}

/// Waits until it leads a block that becomes final; its height.
fn leads_again(network: &Network, index: u16) -> u64 {
    let from = network.view(0).height();
    network
        .view(0)
        .first_final(Some(from), |block| block.proposer == u32::from(index) && block.height > from + 6)
        .height
}

fn nobody_equivocated(network: &Network, but: u16) {
    for index in (0..VALIDATORS).filter(|index| *index != but) {
        assert!(!network.node(index).has_said("EQUIVOCATION"), "validator {index} saw two votes of one key");
    }
}

#[test]
fn a_moved_validator_votes_and_leads_at_its_new_place_and_never_starts_at_the_old_one_again() {
    let mut network = Network::start();
    network.view(0).goes_on(12);
    let (old, new) = (network.home(4).join("config.toml"), second_home(&network, 4, "moved"));
    let file = network.dir().join("journal-of-4");
    has(&refused(5, &export(&old, &file)), &["in use by process", &network.node(4).pid().to_string()]);
    assert!(!file.exists());

    assert_eq!(network.take(4).stop().code(), Some(0));
    let held = show(&old);
    assert!(held["highest_view"].as_u64().unwrap() > 10 && held["exported"] == false, "{held}");
    let exported = minuet(&export(&old, &file));
    assert_eq!((&exported["records"], &exported["highest_view"]), (&held["records"], &held["highest_view"]));
    let again = network.dir().join("again");
    minuet(&export(&old, &again));
    assert_eq!(fs::read(&file).unwrap(), fs::read(&again).unwrap(), "the same export again");
    has(&refused(5, &["node", "--config", text(&old)]), &["moved away", text(&again), "journal import"]);
    has(&refused(5, &["config", "check", "--config", text(&old)]), &["moved away"]);

    let other = second_home(&network, 3, "other");
    has(&refused(5, &import(&other, &file)), &[text(&file), "another validator"]);
    let imported = minuet(&import(&new, &file));
    assert_eq!(imported["records"], held["records"]);
    let third = second_home(&network, 4, "third");
    has(&refused(5, &import(&third, &file)), &[text(&file), "imported already"]);
    has(&refused(5, &["journal", "new", "--config", text(&old), "--above-view", "9999"]), &["moved away"]);

    let node = Node::start(&new, network.view(4));
    let from = network.view(0).height();
    let height = leads_again(&network, 4);
    assert!(!signed_views(&network, from + 1..=height, 4).is_empty(), "no certificate has its vote");
    network.agrees_up_to(height);
    assert_eq!(network.view(4).status().validator_index, Some(4));
    nobody_equivocated(&network, 4);
    assert!(node.stop().success());
    assert!(show(&new)["highest_view"].as_u64() > held["highest_view"].as_u64());
    refused(5, &["node", "--config", text(&old)]);
}

#[test]
fn exports_that_are_damaged_used_of_another_chain_or_in_the_way_are_refused_by_name() {
    let lone = Lone::new();
    lone.run_for(5);
    let good = lone.path("good");
    minuet(&export(&lone.config, &good));
    let bytes = fs::read(&good).unwrap();
    let bad = lone.path("bad");
    let into = |target: &str, file: &Path| {
        let target = lone.path(target);
        [&import(&lone.config, file)[..], &["--data-dir", text(&target)]]
            .concat()
            .iter()
            .map(|part| (*part).to_owned())
            .collect::<Vec<_>>()
    };
    let refuse = |target: &str, file: &Path| {
        let arguments = into(target, file);
        refused(5, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let mut damaged = bytes.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    for (content, reason) in [(&bytes[..middle], "cut off"), (&damaged[..], "damaged"), (b"nonsense", "no file that")] {
        fs::write(&bad, content).unwrap();
        has(&refuse("fresh", &bad), &[text(&bad), reason]);
        assert!(!lone.path("fresh").exists(), "nothing was made");
    }
    has(&refuse("data", &good), &["there is a journal with", "name another data directory"]);
    fs::write(lone.path("taken"), "something else").unwrap();
    let taken = lone.path("taken");
    has(&refused(5, &export(&lone.config, &taken)), &[text(&taken), "another file"]);

    lone.make_genesis("other.json", 8);
    lone.configure("genesis = \"other.json\"");
    has(&refuse("fresh", &good), &[text(&good), "belongs to the chain"]);
    lone.configure("");
    let arguments = into("fresh", &good);
    let imported = minuet(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let fresh = lone.path("fresh");
    let shown = minuet(&["journal", "show", "--config", text(&lone.config), "--data-dir", text(&fresh)]);
    assert_eq!((&shown["records"], &shown["highest_view"]), (&imported["records"], &imported["highest_view"]));
    has(&refuse("fresher", &good), &["imported already"]);
}

#[test]
fn a_validator_whose_data_directory_is_gone_votes_again_above_the_view_that_its_operator_names() {
    let mut network = Network::start();
    network.view(0).goes_on(6);
    let config = network.home(2).join("config.toml");
    assert_eq!(network.take(2).stop().code(), Some(0));
    fs::remove_dir_all(network.home(2).join("data")).unwrap();
    // However often it is started.
    for _ in 0..2 {
        network.start_one(2);
        network.node(2).says("This node only follows");
        let height = network.view(0).goes_on(2);
        network.view(2).reaches(height);
        assert_eq!(network.view(2).status().validator_index, None);
        assert_eq!(network.take(2).stop().code(), Some(0));
    }
    let from = network.view(0).height();
    let highest = network.all().filter(|(index, _)| *index != 2).map(|(_, view)| view.status().view).max().unwrap();
    let above = (highest + 25).to_string();
    let begin = ["journal", "new", "--config", text(&config), "--above-view", &above];
    assert_eq!(minuet(&begin)["floor"], highest + 25);
    has(&refused(5, &begin), &["there is a journal"]);
    assert_eq!(show(&config)["floor"], highest + 25);

    network.start_one(2);
    has(&refused(5, &begin), &["in use by process"]);
    let led = network.view(0).first_final(Some(from), |block| block.proposer == 2 && block.view > highest + 25);
    network.agrees_up_to(led.height);
    let height = network.view(0).goes_on(12);
    let signed = signed_views(&network, from + 1..=height, 2);
    assert!(!signed.is_empty() && signed.iter().all(|view| *view > highest + 25), "{signed:?} above {above}");
    assert!(network.view(2).status().proposed_blocks > 0);
    nobody_equivocated(&network, 2);
}
