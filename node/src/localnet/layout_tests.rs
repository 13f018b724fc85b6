use super::*;
use crate::config::{Overrides, Prepared, load};

fn args(dir: &Path) -> LocalnetArgs {
    LocalnetArgs {
        validators: Some(3),
        dir: dir.to_owned(),
        reset: false,
        for_seconds: None,
        base_port: None,
        accounts: Some(4),
        recipients: Some(10),
        statement_scheme: None,
        trace_received: false,
        observe: false,
    }
}

#[test]
fn a_new_localnet_is_complete_and_every_node_of_it_prepares() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = prepare(&args(dir.path())).unwrap();
    for index in 0..3 {
        let file = home(dir.path(), index).join("config.toml");
        let config = load(&file, [], &Overrides::default(), (None, None)).unwrap();
        assert_eq!(config.rpc.listen_address.port(), RPC_PORT + index);
        let port = [9090, 9092, 9093][usize::from(index)];
        assert_eq!((config.metrics.enabled, config.metrics.listen_address.port()), (true, port), "9091 is Prometheus'");
        assert!(config.visualizer.enabled && config.visualizer.listen_address.port() == VISUALIZER_PORT + index);
        assert_eq!(config.visualizer.fleet.len(), 3);
        assert_eq!(config.visualizer.fleet[2].url, "http://127.0.0.1:8082");
        let node = Prepared::new(config).unwrap();
        assert_eq!(node.validator.unwrap().0, index);
        assert_eq!(node.genesis.file().accounts.len(), 14);
        let seed = DevSeed::read(dir.path()).unwrap();
        assert!(node.genesis.file().accounts.contains_key(&seed.sender_address(3)));
        assert!(node.genesis.file().accounts.contains_key(&seed.recipient(9)));
    }
    assert_eq!(Manifest::read(dir.path()).unwrap(), manifest);
}

#[test]
fn an_existing_localnet_is_reused_and_its_ports_can_move() {
    let dir = tempfile::tempdir().unwrap();
    prepare(&args(dir.path())).unwrap();
    let genesis = fs::read(dir.path().join(GENESIS_FILE)).unwrap();
    let again = LocalnetArgs { validators: None, accounts: None, base_port: Some(20_000), ..args(dir.path()) };
    let manifest = prepare(&again).unwrap();
    assert_eq!((manifest.p2p_port, manifest.rpc_port), (20_000, 20_100));
    assert_eq!(fs::read(dir.path().join(GENESIS_FILE)).unwrap(), genesis);
    let config = load(&home(dir.path(), 1).join("config.toml"), [], &Overrides::default(), (None, None)).unwrap();
    assert_eq!((config.p2p.listen_address.port(), config.metrics.listen_address.port()), (20_001, 20_201));
    assert_eq!(config.p2p.peers[1].address, "127.0.0.1:20002");
    assert_eq!(config.visualizer.listen_address.port(), 20_301);
    assert_eq!(config.visualizer.fleet[0].url, "http://127.0.0.1:20300");
}

#[test]
fn statements_are_signed_as_asked_and_with_ed25519_unless_there_are_many() {
    let dir = tempfile::tempdir().unwrap();
    let scheme = || read_genesis(&dir.path().join(GENESIS_FILE)).unwrap().committee().scheme();
    prepare(&args(dir.path())).unwrap();
    assert_eq!(scheme(), StatementScheme::Ed25519);
    let other = LocalnetArgs { statement_scheme: Some(StatementScheme::Bls), ..args(dir.path()) };
    let refusal = prepare(&other).unwrap_err();
    assert_eq!(refusal.exit, Exit::Config);
    assert!(refusal.message.contains("--statement-scheme bls") && refusal.message.contains("--reset"), "{refusal}");
    prepare(&LocalnetArgs { reset: true, ..other }).unwrap();
    assert_eq!(scheme(), StatementScheme::Bls);
    prepare(&LocalnetArgs { reset: true, validators: Some(33), ..args(dir.path()) }).unwrap();
    assert_eq!(scheme(), StatementScheme::Bls);
    let short = Some(StatementScheme::Ed25519);
    let many = LocalnetArgs { reset: true, validators: Some(33), statement_scheme: short, ..args(dir.path()) };
    let refusal = prepare(&many).unwrap_err();
    assert!(refusal.message.contains("at most 32 can sign with Ed25519, take BLS"), "{refusal}");
    assert_eq!(scheme(), StatementScheme::Bls, "what is there was not deleted");
}

#[test]
fn asking_for_another_network_than_the_one_there_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    prepare(&args(dir.path())).unwrap();
    let refusal = prepare(&LocalnetArgs { validators: Some(6), ..args(dir.path()) }).unwrap_err();
    assert!(refusal.message.contains("--validators 6") && refusal.message.contains("--reset"), "{refusal}");
}

#[test]
fn reset_deletes_only_what_a_localnet_made() {
    let dir = tempfile::tempdir().unwrap();
    prepare(&args(dir.path())).unwrap();
    let before = fs::read(dir.path().join(GENESIS_FILE)).unwrap();
    fs::write(dir.path().join("notes.txt"), "mine").unwrap();
    prepare(&LocalnetArgs { reset: true, ..args(dir.path()) }).unwrap();
    assert_ne!(fs::read(dir.path().join(GENESIS_FILE)).unwrap(), before);
    assert_eq!(fs::read_to_string(dir.path().join("notes.txt")).unwrap(), "mine");
}

#[test]
fn a_directory_with_other_files_is_refused_even_for_reset() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("notes.txt"), "mine").unwrap();
    let refusal = prepare(&LocalnetArgs { reset: true, ..args(dir.path()) }).unwrap_err();
    assert!(refusal.message.contains("no localnet"), "{refusal}");
    assert!(Manifest::read(dir.path()).unwrap_err().message.contains("minuet localnet"));
}

#[test]
fn an_interrupted_making_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let mut manifest = prepare(&args(dir.path())).unwrap();
    manifest.complete = false;
    write_manifest(dir.path(), &manifest).unwrap();
    fs::remove_file(dir.path().join(GENESIS_FILE)).unwrap();
    assert!(prepare(&args(dir.path())).unwrap().complete);
}

#[test]
fn a_manifest_of_another_version_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    prepare(&args(dir.path())).unwrap();
    let path = dir.path().join(MANIFEST_FILE);
    let text = fs::read_to_string(&path).unwrap();
    for (version, more) in [(0, ""), (2, ""), (2, "followers = 3\n")] {
        let other = text.replace("version = 1", &format!("version = {version}"));
        fs::write(&path, other + more).unwrap();
        let refusal = Manifest::read(dir.path()).unwrap_err();
        assert!(refusal.message.contains(&format!("format version {version}, this program reads 1")), "{refusal}");
    }
}
