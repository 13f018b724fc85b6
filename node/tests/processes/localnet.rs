//! Six real processes, started and used as a stranger would: through the program alone.

use crate::harness::{LIMIT, Log, MINUET, RPC_OFFSET, VALIDATORS, free_base_port, minuet, output, signal, spawn, turn};
use serde_json::Value;
use std::fs::{self, File};
use std::io::Read as _;
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

/// Ends the network even if the test fails: its validators stop when their parent is gone.
struct Localnet(Child);

impl Drop for Localnet {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(dir: &Path, base: u16) -> Localnet {
    let mut command = Command::new(MINUET);
    command.args(["localnet", "--json", "--accounts", "10", "--recipients", "20", "--dir"]).arg(dir);
    command.args(["--base-port", &base.to_string()]).stdout(Stdio::piped()).stderr(Stdio::piped());
    Localnet(spawn(&mut command))
}

#[test]
fn a_chain_that_signs_with_bls_is_final_too_and_shows_what_was_signed() {
    let _turn = turn();
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(MINUET);
    command.args(["localnet", "--for", "3", "--statement-scheme", "bls", "--trace-received", "--accounts", "2"]);
    command
        .args(["--recipients", "2", "--json", "--base-port", &free_base_port().to_string(), "--dir"])
        .arg(dir.path());
    let ended = output(&mut command);
    let summary: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert!(ended.status.success() && summary["finalized_blocks"].as_u64().unwrap() > 3, "{summary}");
    let genesis = dir.path().join("genesis.json");
    let shown = minuet(&["genesis", "show", genesis.to_str().unwrap()]);
    assert_eq!(shown["statement_scheme"], "bls");
    let traces = (0..VALIDATORS).map(|index| dir.path().join(format!("validator-{index}/received.jsonl")));
    let traces: Vec<String> = traces.map(|path| path.to_str().unwrap().to_owned()).collect();
    let names: Vec<&str> = traces.iter().map(String::as_str).collect();
    let report = minuet(&[&["trace", "check"], &names[..], &["--genesis", genesis.to_str().unwrap()]].concat());
    assert_eq!(
        (&report["contradictions"], &report["invalid"]),
        (&Value::Array(vec![]), &Value::Array(vec![])),
        "{report}"
    );
    assert!(report["statements"].as_u64().unwrap() > 18, "{report}");
}

#[test]
fn six_processes_finalize_a_transfer_on_every_node_and_stop_on_request() {
    let _turn = turn();
    let dir = tempfile::tempdir().unwrap();
    let base = free_base_port();
    let mut network = start(dir.path(), base);
    Log::of(network.0.stderr.take().unwrap()).says("6/6 nodes");

    let home = dir.path().to_str().unwrap();
    let node = |index: u16| format!("http://127.0.0.1:{}", base + RPC_OFFSET + index);
    let to = "0x00000000000000000000000000000000000000aa";
    let transfer = |account: u16, at: u16| {
        let (account, url) = (account.to_string(), node(at));
        minuet(&["transfer", "--dev-account", &account, "--dir", home, "--to", to, "--value", "1ether", "--node", &url])
    };
    let first = transfer(0, 0);
    assert_eq!(first["status"], "succeeded");
    let hash = first["hash"].as_str().unwrap();
    for index in 1..VALIDATORS {
        // Sent after the first was final, so whoever has this one has the first.
        assert_eq!(transfer(index, index)["status"], "succeeded");
        let seen = minuet(&["tx", hash, "--node", &node(index)]);
        assert_eq!(seen["block_hash"], first["block_hash"], "node {index}");
    }
    let balance = minuet(&["account", "balance", to, "--node", &node(VALIDATORS - 1)]);
    assert_eq!(balance["balance"], "6000000000000000000");

    let load = ["load", "--rate", "50", "--duration", "2", "--senders", "10", "--dir", home];
    let load = minuet(&load);
    assert_eq!((&load["submitted"], &load["finalized"]), (&100.into(), &100.into()), "{load}");

    signal("TERM", network.0.id());
    let mut summary = String::new();
    network.0.stdout.take().unwrap().read_to_string(&mut summary).unwrap();
    assert!(network.0.wait().unwrap().success());
    let summary: Value = serde_json::from_str(&summary).unwrap();
    assert_eq!((&summary["ok"], &summary["validators"]), (&true.into(), &6.into()), "{summary}");
    assert!(summary["finalized_blocks"].as_u64().unwrap() > 0);
}

#[test]
fn a_validator_that_ends_is_reported_and_none_outlives_its_localnet() {
    let _turn = turn();
    let dir = tempfile::tempdir().unwrap();
    let mut network = start(dir.path(), free_base_port());
    let log = Log::of(network.0.stderr.take().unwrap());
    log.says("6/6 nodes");
    let lock = |index: u16| dir.path().join(format!("validator-{index}/data/LOCK"));
    let victim = fs::read_to_string(lock(2)).unwrap();
    signal("KILL", victim.trim().parse().unwrap());
    log.says("validator 2 ended: signal: 9");
    log.says("the node runs");
    log.says("5/6 nodes");

    network.0.kill().unwrap();
    network.0.wait().unwrap();
    let locks: Vec<File> = (0..VALIDATORS).map(|index| File::open(lock(index)).unwrap()).collect();
    let (gone, all_gone) = mpsc::channel();
    std::thread::spawn(move || {
        locks.iter().for_each(|lock| lock.lock().unwrap());
        gone.send(()).unwrap();
    });
    all_gone.recv_timeout(LIMIT).expect("each process lets go of its data directory");
}

#[test]
fn ports_in_use_are_named_before_anything_starts() {
    let dir = tempfile::tempdir().unwrap();
    let base = free_base_port();
    let taken = UdpSocket::bind(("127.0.0.1", base + 2)).unwrap();
    let mut command = Command::new(MINUET);
    command.args(["localnet", "--for", "1", "--recipients", "1", "--dir"]).arg(dir.path());
    let output = output(command.args(["--base-port", &base.to_string()]));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(7), "{text}");
    assert!(text.contains("validator 2") && text.contains(&taken.local_addr().unwrap().to_string()), "{text}");
}
