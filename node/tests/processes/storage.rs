//! Writes that the kernel refuses while a node runs (D-FAIL-STOP): it stops with its own exit code, names the file, and
//! has everything that it showed when it starts again.

use crate::harness::{Lone, Node};
use std::fs;
use std::path::{Path, PathBuf};

const STORAGE: i32 = 6;
const MIB: u64 = 1 << 20;

fn files(directory: &Path, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|path| wanted(path.file_name().unwrap().to_str().unwrap())).collect();
    files.sort();
    files
}

/// Bytes of the database's write-ahead log.
fn database_log(lone: &Lone) -> u64 {
    let logs = files(&lone.path("data/db"), |name| name.ends_with(".log"));
    fs::metadata(logs.last().expect("a database has a log")).unwrap().len()
}

/// Where the next group of the journal goes: behind the last byte that is not zero.
fn journal_end(lone: &Lone) -> u64 {
    let segments = files(&lone.path("data/journal"), |name| name.starts_with("segment-"));
    let bytes = fs::read(segments.last().expect("a journal has a segment")).unwrap();
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1)
}

fn stops(node: Node, parts: &[&str]) {
    let (status, text) = node.wait();
    assert_eq!(status.code(), Some(STORAGE), "{text}");
    for part in parts {
        assert!(text.contains(part), "'{part}' is missing in: {text}");
    }
}

/// It starts, has what it showed, and goes on.
fn goes_on_from(lone: &Lone, shown: &minuet_rpc::proto::Block) {
    let node = lone.start();
    assert_eq!(node.view.block(shown.height).hash, shown.hash);
    node.view.goes_on(10);
    assert!(node.stop().success());
}

#[test]
fn a_journal_write_that_fails_stops_the_node_names_the_file_and_loses_nothing() {
    let lone = Lone::new();
    let node = lone.start();
    // The journal, which holds everything twice, is ahead of the database's log.
    let mut shown = node.view.latest();
    while journal_end(&lone) < 2 * database_log(&lone) + MIB / 4 {
        node.view.goes_on(20);
        shown = node.view.latest();
    }
    node.limit_file_size(journal_end(&lone).saturating_sub(MIB / 8));
    stops(node, &["data/journal/segment-", "write failed", "File too large", "nothing is signed"]);
    goes_on_from(&lone, &shown);
}

#[test]
fn a_database_write_that_fails_stops_the_node_names_the_file_and_loses_nothing() {
    let lone = Lone::new();
    // No write to a journal file reaches as far as the database's log does.
    lone.configure("storage = { journal_segment_mb = 1 }");
    let node = lone.start();
    while database_log(&lone) < MIB {
        node.view.goes_on(50);
    }
    let shown = node.view.latest();
    node.limit_file_size(MIB);
    stops(node, &["data/db", ".log", "File too large"]);
    goes_on_from(&lone, &shown);
}

#[test]
fn when_nothing_can_be_written_any_more_the_node_stops_and_comes_back_whole() {
    let lone = Lone::new();
    for _ in 0..3 {
        let node = lone.start();
        node.view.goes_on(5);
        let shown = node.view.latest();
        node.limit_file_size(0);
        stops(node, &[text_of(&lone.path("data")), "File too large"]);
        goes_on_from(&lone, &shown);
    }
}

fn text_of(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_start_that_may_not_write_says_so() {
    let lone = Lone::new();
    lone.run_for(2);
    let mut command = std::process::Command::new("prlimit");
    command.args(["--fsize=0:0", crate::harness::MINUET]);
    let node = Node::spawn_by(command, &lone.config, &[], crate::harness::View::at(lone.rpc));
    let (status, text) = node.wait();
    assert_eq!(status.code(), Some(5), "{text}");
    assert!(text.contains("cannot write LOCK") && text.contains("File too large"), "{text}");
    lone.run_for(2);
}
