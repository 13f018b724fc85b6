use super::*;
use crate::cli::LocalnetArgs;
use crate::config::{P2P_PORT, RPC_PORT};
use crate::localnet::prepare;

fn args(dir: &Path) -> LocalnetArgs {
    LocalnetArgs {
        validators: Some(2),
        dir: dir.to_owned(),
        reset: false,
        for_seconds: None,
        base_port: Some(20_000),
        accounts: Some(1),
        recipients: Some(1),
        statement_scheme: None,
        trace_received: false,
        observe: true,
    }
}

#[test]
fn where_prometheus_is_missing_the_refusal_says_how_to_install_it() {
    let dir = tempfile::tempdir().unwrap();
    let refusal = find_in(dir.path().as_os_str()).unwrap_err();
    assert!(refusal.exit == Exit::Usage && refusal.message.contains("apt-get install prometheus"), "{refusal}");
    // A file of that name that cannot be run is no program.
    let program = dir.path().join(PROGRAM);
    fs::write(&program, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(find_in(dir.path().as_os_str()).is_err());
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(find_in(dir.path().as_os_str()).unwrap(), program);
}

#[test]
fn its_port_is_beside_the_validators_and_never_one_of_theirs() {
    let dir = tempfile::tempdir().unwrap();
    let mut manifest = prepare(&args(dir.path())).unwrap();
    assert_eq!(address(&manifest).unwrap().port(), 20_250);
    manifest.validators = 64;
    assert_eq!(address(&manifest).unwrap().port(), 20_264);
    manifest.validators = 150;
    let prometheus = address(&manifest).unwrap();
    assert!(prometheus > manifest.metrics_address(149) && prometheus < manifest.dashboard(0), "{prometheus}");
    (manifest.p2p_port, manifest.rpc_port, manifest.validators) = (P2P_PORT, RPC_PORT, 6);
    assert_eq!(address(&manifest).unwrap().port(), 9091);
    (manifest.p2p_port, manifest.rpc_port) = (65_400, 65_500);
    assert!(address(&manifest).unwrap_err().message.contains("--base-port"));
}

#[test]
fn it_scrapes_what_the_configurations_name_and_a_reset_leaves_nothing_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = prepare(&args(dir.path())).unwrap();
    let config = home(dir.path(), 1).join("config.toml");
    let text = fs::read_to_string(&config).unwrap();
    let moved = text.replace("127.0.0.1:20201", "127.0.0.1:20777");
    assert_ne!(text, moved);
    fs::write(&config, &moved).unwrap();
    let expected = "- targets: [\"127.0.0.1:20200\"]\n  labels: { node: \"0\" }\n\
                    - targets: [\"127.0.0.1:20777\"]\n  labels: { node: \"1\" }\n";
    assert!(targets(dir.path(), &manifest).unwrap().ends_with(expected));

    let folder = dir.path().join(FOLDER);
    fs::create_dir_all(folder.join(RULES)).unwrap();
    fs::create_dir_all(folder.join(DATA).join("wal")).unwrap();
    for name in ["prometheus.yml", "rules/alerts.yml", TARGETS_FILE, LOG_FILE] {
        fs::write(folder.join(name), "").unwrap();
    }
    prepare(&LocalnetArgs { reset: true, ..args(dir.path()) }).unwrap();
    assert!(!folder.exists());

    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("notes.txt"), "mine").unwrap();
    let refusal = prepare(&LocalnetArgs { reset: true, ..args(dir.path()) }).unwrap_err();
    assert!(refusal.message.contains("no localnet made"), "{refusal}");
    assert_eq!(fs::read_to_string(folder.join("notes.txt")).unwrap(), "mine");
}

#[test]
fn a_validator_without_metrics_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = prepare(&args(dir.path())).unwrap();
    let config = home(dir.path(), 1).join("config.toml");
    let text = fs::read_to_string(&config).unwrap();
    let (before, after) = text.split_once("[metrics]").unwrap();
    fs::write(&config, format!("{before}[metrics]{}", after.replacen("enabled = true", "enabled = false", 1))).unwrap();
    let refusal = targets(dir.path(), &manifest).unwrap_err();
    assert!(refusal.message.contains("validator-1") && refusal.message.contains("metrics.enabled"), "{refusal}");
}
