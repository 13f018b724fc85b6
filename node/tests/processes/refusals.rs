//! Starts that must not happen: each says what is wrong and what to do, and has its exit code.

use crate::harness::{Lone, MINUET, free_base_port, output, refused, text};
use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

fn has(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "'{part}' is missing in: {message}");
    }
}

#[test]
fn a_data_directory_of_another_chain_is_refused_and_left_alone() {
    let lone = Lone::new();
    lone.run_for(1);
    lone.make_genesis("other.json", 8);
    lone.configure("genesis = \"other.json\"");
    has(&lone.refused(5, &[]), &["data directory", "another chain (id 7", "use another data_dir"]);
    lone.configure("");
    lone.run_for(1);
}

#[test]
fn a_data_directory_in_use_is_refused_and_its_holder_named() {
    let lone = Lone::new();
    let node = lone.start();
    let base = free_base_port();
    let (p2p, rpc) = (format!("127.0.0.1:{base}"), format!("127.0.0.1:{}", base + 1));
    let message = lone.refused(5, &["--p2p-listen-address", &p2p, "--rpc-listen-address", &rpc]);
    has(&message, &["in use by process", &node.pid().to_string(), "stop that one first"]);
    node.view.goes_on(2);
}

#[test]
fn ports_in_use_are_named() {
    let lone = Lone::new();
    let taken = UdpSocket::bind(("127.0.0.1", lone.p2p)).unwrap();
    has(&lone.refused(7, &[]), &["UDP", &taken.local_addr().unwrap().to_string(), "in use"]);
    drop(taken);
    let taken = TcpListener::bind(("127.0.0.1", lone.rpc)).unwrap();
    has(&lone.refused(7, &[]), &["rpc.listen_address", &taken.local_addr().unwrap().to_string(), "in use"]);
    drop(taken);
    lone.run_for(1);
}

#[test]
fn a_key_file_that_others_can_read_is_refused_with_the_command_that_helps() {
    for name in ["bls.key", "network.key"] {
        let lone = Lone::new();
        let key = lone.path(name);
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
        has(&lone.refused(4, &[]), &["0644", &format!("chmod 600 {}", text(&key))]);
        assert!(!lone.path("data").exists(), "nothing was made");
    }
}

#[test]
fn unknown_settings_are_named_wherever_they_come_from() {
    let lone = Lone::new();
    lone.configure("data_dri = \"x\"");
    has(&lone.refused(3, &[]), &["data_dri", text(&lone.config), "data_dir"]);
    lone.configure("");
    has(&lone.refused(3, &["--set", "p2p.port=1"]), &["p2p.port", "listen_address"]);

    let mut command = Command::new(MINUET);
    command.args(["node", "--config", text(&lone.config)]).env("NODE_P2P__LISTEN_ADRESS", "127.0.0.1:1");
    let output = output(&mut command);
    assert_eq!(output.status.code(), Some(3));
    has(&String::from_utf8_lossy(&output.stderr), &["NODE_P2P__LISTEN_ADRESS", "p2p.listen_adress", "listen_address"]);
    assert!(lone.is_accepted());
}

#[test]
fn a_genesis_with_the_same_validator_twice_is_refused() {
    let lone = Lone::new();
    let (entry, out) = (lone.path("validator.json"), lone.path("twice.json"));
    let message = refused(
        3,
        &["genesis", "new", "--validator", text(&entry), text(&entry), "--chain-id", "7", "--out", text(&out)],
    );
    has(&message, &["validator"]);
    assert!(!out.exists());

    let good = fs::read_to_string(lone.path("genesis.json")).unwrap();
    let mut genesis: serde_json::Value = serde_json::from_str(&good).unwrap();
    let validators = genesis["validators"].as_array_mut().unwrap();
    validators.push(validators[0].clone());
    fs::write(lone.path("genesis.json"), genesis.to_string()).unwrap();
    has(&lone.refused(3, &[]), &["genesis.json", "validator"]);
}
