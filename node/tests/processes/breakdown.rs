//! Where the time goes: what real nodes record of transfers and views, and the tables of it.

use crate::harness::{Lone, MINUET, Node, View, free_base_port, minuet, text, turn};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Files below a directory whose name has this part.
fn named(part: &str, dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(named(part, &entry));
        } else if entry.file_name().unwrap().to_string_lossy().contains(part) {
            found.push(entry);
        }
    }
    found
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("a number: {value}"))
}

#[test]
fn the_breakdown_of_a_short_run_has_every_stage_of_every_transfer_and_every_part_of_a_view() {
    let _turn = turn();
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("run");
    let base_port = free_base_port().to_string();
    let run = ["--rate", "20", "--duration", "4", "--warmup", "1", "--senders", "20", "--recipients", "50"];
    let report = minuet(&[&["breakdown", "--dir", text(&dir), "--base-port", &base_port], &run[..]].concat());

    let transfers = &report["transfers"];
    let (measured, whole) = (number(&transfers["measured"]), number(&transfers["p50_ms"]));
    assert!(measured >= 75.0, "{transfers}");
    let stages = transfers["stages"].as_array().unwrap();
    let shares: f64 = stages.iter().map(|stage| number(&stage["share_percent"])).sum();
    assert!(stages.len() > 12 && (shares - 100.0).abs() < 1.0, "{transfers}");
    // What takes time takes some.
    for name in ["submission", "admission", "build", "proposal journal", "proposal", "vote journal", "quorum", "commit"]
    {
        let stage = stages.iter().find(|stage| stage["stage"] == name).unwrap_or_else(|| panic!("{name}: {transfers}"));
        assert!(number(&stage["p99_ms"]) > 0.0 && number(&stage["p50_ms"]) <= whole, "{stage}");
    }
    // The load has timed the same transfers by its own clock.
    let by_load = number(&report["load"]["p50_ms"]);
    assert!((by_load - whole).abs() <= 2.0 + by_load / 4.0, "{by_load} ms by the load, {whole} ms by the moments");

    let views = &report["views"];
    assert!(number(&views["count"]) > 10.0, "{views}");
    for part in views["parts"].as_array().unwrap() {
        let (count, missing) = (number(&part["count"]), number(&part["missing"]));
        assert!(count > 10.0 && missing <= count, "{part}");
    }
    for work in report["durations"].as_array().unwrap() {
        assert!(number(&work["count"]) > 10.0 && number(&work["p99_ms"]) > 0.0, "{work}");
    }
    let threads: Vec<&str> =
        report["threads"].as_array().unwrap().iter().filter_map(|row| row["thread"].as_str()).collect();
    for name in ["minuet-consensu", "minuet-ledger", "minuet-journal", "minuet-mempool", "all validators"] {
        assert!(threads.contains(&name), "{name}: {threads:?}");
    }
    assert_eq!((&report["lost_moments"], &report["unreadable_lines"]), (&0.into(), &0.into()));
    assert_eq!(named("spans.jsonl", &dir).len(), 7, "of six nodes and the load");
}

#[test]
fn moments_are_written_only_if_asked_for() {
    let lone = Lone::new();
    lone.run_for(3);
    assert_eq!(named("spans", lone.dir.path()), Vec::<PathBuf>::new());

    // A fresh chain: blocks that the first run left in its journal would be final here without being built here.
    let lone = Lone::new();
    let file = lone.path("spans.jsonl");
    let flags = ["--spans", text(&file)];
    let node = Node::spawn_by(Command::new(MINUET), &lone.config, &flags, View::at(lone.rpc));
    node.says("the node runs");
    node.view.goes_on(3);
    assert!(node.stop().success());
    let written = fs::read_to_string(&file).unwrap();
    let views = |name: &str| written.lines().filter(|line| line.contains(&format!("\"name\":\"{name}\""))).count();
    // What the API told of is on the disk, whatever was told after the node's end.
    for name in ["entered", "asked", "built", "proposed", "notarized", "finalized", "stored", "told"] {
        assert!(views(name) >= 3, "{name}: {} lines", views(name));
    }
}
