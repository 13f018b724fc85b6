//! `minuet chaos` in small: kills of one and of all, and a network that fails. More on demand (docs/testing.md).

use crate::harness::{MINUET, attempt, free_base_port, output, text, turn};
use serde_json::Value;
use std::process::Command;

/// Runs with these arguments; what it printed as JSON.
fn chaos(arguments: &[&str]) -> Value {
    let _turn = turn();
    let dir = tempfile::tempdir().unwrap();
    let (files, base) = (dir.path().join("chaos"), free_base_port().to_string());
    let ended = output(
        Command::new(MINUET).args(["chaos", "--json", "--base-port", &base, "--dir"]).arg(&files).args(arguments),
    );
    let (result, said) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    if !ended.status.success() {
        let _kept = dir.keep();
        panic!("{arguments:?}: {result} {said}");
    }
    assert!(!files.exists(), "the files stay although nothing was wrong");
    serde_json::from_str(&result).unwrap()
}

fn count(report: &Value, time: &str) -> u64 {
    report["times"][time]["count"].as_u64().unwrap_or(0)
}

#[test]
fn ten_single_kills_and_three_of_all_six_lose_nothing_and_nobody_contradicts_itself() {
    let report = chaos(&["--seed", "1", "--kills", "10", "--outages", "3"]);
    assert_eq!((count(&report, "kill: voting again"), count(&report, "outage: final again")), (10, 3), "{report}");
    assert_eq!((&report["equivocations"], &report["lost_finals"]), (&0.into(), &0.into()), "{report}");
    assert!(report["messages"].as_u64().unwrap() > 1000 && report["transfers"].as_u64().unwrap() > 100, "{report}");
}

#[test]
fn a_network_that_splits_and_loses_packets_costs_no_transfer_and_forks_nothing() {
    let report = chaos(&["--seed", "2", "--partitions", "6", "--pauses", "1", "--rate", "20"]);
    assert_eq!(count(&report, "network fault: all level"), 6, "{report}");
    assert!(report["packets_lost"].as_u64().unwrap() > 0, "{report}");
}

#[test]
fn a_directory_that_is_there_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let refused = attempt(&["chaos", "--kills", "1", "--dir", text(dir.path())]);
    assert_eq!(refused.status.code(), Some(5));
    assert!(dir.path().exists());
}
