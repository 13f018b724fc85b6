use super::*;
use crate::exit::Exit;
use std::path::Path;
use toml::{Table, Value};

const EXAMPLE: &str = include_str!("../../../config.example.toml");

fn load_text(text: &str, environment: &[(&str, &str)], overrides: &Overrides) -> Result<NodeConfig, String> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.toml");
    std::fs::write(&file, text).unwrap();
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    load(&file, environment, overrides, (None, None)).map_err(|failure| {
        assert_eq!(failure.exit, Exit::Config);
        failure.message
    })
}

fn refusal(text: &str, environment: &[(&str, &str)]) -> String {
    load_text(text, environment, &Overrides::default()).unwrap_err()
}

fn leaves(table: &Table, prefix: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (key, value) in table {
        match value {
            Value::Table(inner) => names.extend(leaves(inner, &format!("{prefix}{key}."))),
            _ => names.push(format!("{prefix}{key}")),
        }
    }
    names
}

#[test]
fn the_example_names_every_option_with_its_default() {
    assert_eq!(toml::from_str::<NodeConfig>(EXAMPLE).unwrap(), NodeConfig::default());
    let written = leaves(&toml::from_str(EXAMPLE).unwrap(), "");
    let defaults = leaves(&Table::try_from(NodeConfig::default()).unwrap(), "");
    assert_eq!(written, defaults);
}

#[test]
fn every_option_of_the_example_has_a_comment_above_it() {
    let lines: Vec<&str> = EXAMPLE.lines().collect();
    for (place, line) in lines.iter().enumerate() {
        if line.contains(" = ") && !line.starts_with('#') {
            assert!(place > 0 && lines[place - 1].starts_with('#'), "undocumented: {line}");
        }
    }
}

#[test]
fn an_unknown_key_is_an_error_that_names_it() {
    let message = refusal("[p2p]\nlisten_adress = \"127.0.0.1:1\"\n", &[]);
    assert!(message.contains("listen_adress") && message.contains("config.toml"), "{message}");
    let message = refusal("colour = 3\n", &[]);
    assert!(message.contains("colour"), "{message}");
    let message = refusal("[[p2p.peers]]\nindex = 1\naddress = \"a:1\"\nweight = 2\n", &[]);
    assert!(message.contains("weight"), "{message}");
}

#[test]
fn the_environment_overrides_the_file_and_flags_override_both() {
    let text = "[consensus]\nempty_block_delay_ms = 150\n[p2p]\nlisten_address = \"127.0.0.1:7000\"\n";
    let environment = [
        ("NODE_P2P__LISTEN_ADDRESS", "127.0.0.1:7001"),
        ("NODE_CONSENSUS__DELTA_BASE_MS", "300"),
        ("NODE_P2P__PEERS", "[{index = 2, address = \"host:9002\"}]"),
        ("NODE_METRICS__LISTEN_ADDRESS", "127.0.0.1:7002"),
        ("HOME", "/nowhere"),
        ("NODE_EXTRA_CA_CERTS", "/etc/ssl/ca.crt"),
    ];
    let overrides =
        Overrides { set: vec!["consensus.delta_base_ms=400".to_owned()], metrics: true, ..Overrides::default() };
    let config = load_text(text, &environment, &overrides).unwrap();
    assert_eq!(config.consensus.empty_block_delay_ms, 150);
    assert_eq!(config.p2p.listen_address.port(), 7001);
    assert_eq!(config.consensus.delta_base_ms, 400);
    assert_eq!((config.metrics.enabled, config.metrics.listen_address.port()), (true, 7002));
    assert_eq!(config.p2p.peers, [PeerConfig { index: 2, address: "host:9002".to_owned() }]);
}

#[test]
fn an_unknown_variable_or_flag_is_an_error_that_names_it() {
    let message = refusal("", &[("NODE_P2P__LISTEN_ADRESS", "127.0.0.1:1")]);
    assert!(message.contains("NODE_P2P__LISTEN_ADRESS") && message.contains("p2p.listen_adress"), "{message}");
    assert!(refusal("", &[("NODE_P2P", "x")]).contains("is a section"));
    assert!(refusal("", &[("NODE_DATA_DIR__X", "x")]).contains("unknown configuration key"));
    let overrides = Overrides { set: vec!["mempool.size=3".to_owned()], ..Overrides::default() };
    assert!(load_text("", &[], &overrides).unwrap_err().contains("'mempool.size'"));
}

#[test]
fn values_of_a_wrong_type_or_range_are_refused_by_name() {
    assert!(refusal("", &[("NODE_CONSENSUS__DELTA_BASE_MS", "soon")]).contains("'soon' is not a whole number"));
    assert!(refusal("", &[("NODE_CONSENSUS__DELTA_MAX_MS", "-5")]).contains("delta_max_ms"));
    assert!(refusal("[consensus]\ndelta_max_ms = 10\n", &[]).contains("consensus.delta_max_ms"));
    assert!(refusal("[consensus]\nmax_block_bytes = 99999999\n", &[]).contains("consensus.max_block_bytes"));
    assert!(refusal("[rpc]\nlisten_address = \"here\"\n", &[]).contains("listen_address"));
    assert!(refusal("[log]\nlevel = \"=loud=\"\n", &[]).contains("log.level"));
    assert!(refusal("[metrics]\nready_stale_after_ms = 0\n", &[]).contains("metrics.ready_stale_after_ms"));
    assert!(refusal("", &[("NODE_METRICS__ENABLED", "yes")]).contains("'yes' is not true or false"));
}

#[test]
fn peers_must_have_addresses_and_be_named_once() {
    let peers = |one: &str, two: &str| format!("[p2p]\npeers = [{one}, {two}]\n");
    let good = "{index = 1, address = \"a:9001\"}";
    assert!(refusal(&peers(good, "{index = 1, address = \"b:9001\"}"), &[]).contains("named twice"));
    assert!(refusal(&peers(good, "{index = 2, address = \"a:9001\"}"), &[]).contains("also another peer's"));
    assert!(refusal(&peers(good, "{index = 2, address = \"a\"}"), &[]).contains("is not host:port"));
    assert!(refusal(&peers(good, "{index = 2, address = \"a:0\"}"), &[]).contains("is not host:port"));
    // The socket that listens, on the loopback unless set, is the one that dials.
    let far = peers(good, "{index = 2, address = \"10.0.0.2:9000\"}");
    let message = refusal(&far, &[]);
    assert!(message.contains("validator 2 at 10.0.0.2:9000") && message.contains("0.0.0.0:9000"), "{message}");
    let near = peers("{index = 1, address = \"127.0.0.2:9000\"}", "{index = 2, address = \"[::1]:9000\"}");
    for (text, address) in [(&far, "0.0.0.0:9000"), (&near, "127.0.0.1:9000")] {
        let listens = [("NODE_P2P__LISTEN_ADDRESS", address)];
        load_text(text, &listens, &Overrides::default()).unwrap();
    }
}

#[test]
fn relative_paths_resolve_against_the_files_directory() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.toml");
    std::fs::write(&file, "data_dir = \"here\"\ngenesis = \"/abs/genesis.json\"\n").unwrap();
    let config = load(&file, [], &Overrides::default(), (None, None)).unwrap();
    assert_eq!(config.data_dir, dir.path().join("here"));
    assert_eq!(config.genesis, Path::new("/abs/genesis.json"));
    assert_eq!(config.keys.bls, dir.path().join("bls.key"));
}

mod with_files {
    use super::*;
    use crate::config::prepare::read_files;
    use crate::genesis::tests::small_genesis;

    fn node(dir: &Path, bls_of: usize, network_of: usize, peer: u16) -> Result<(), String> {
        small_genesis(dir, 2);
        let config = NodeConfig {
            genesis: dir.join("genesis.json"),
            data_dir: dir.join("data"),
            keys: KeysConfig {
                bls: dir.join(format!("{bls_of}/bls.key")),
                network: dir.join(format!("{network_of}/network.key")),
            },
            p2p: P2pConfig {
                peers: vec![PeerConfig { index: peer, address: "a:1".to_owned() }],
                ..P2pConfig::default()
            },
            ..NodeConfig::default()
        };
        read_files(&config).map_err(|failure| failure.message)?;
        let held = Prepared::new(config.clone()).map_err(|failure| failure.message)?;
        assert_eq!(held.validator.unwrap().0 as usize, bls_of);
        let second = Prepared::new(config).unwrap_err();
        assert_eq!(second.exit, Exit::DataDirectory);
        Ok(())
    }

    #[test]
    fn a_complete_configuration_prepares_once_at_a_time() {
        node(tempfile::tempdir().unwrap().path(), 1, 1, 0).unwrap();
    }

    #[test]
    fn keys_of_two_validators_are_refused() {
        let message = node(tempfile::tempdir().unwrap().path(), 0, 1, 0).unwrap_err();
        assert!(message.contains("both must be of one validator"), "{message}");
    }

    #[test]
    fn peers_outside_the_genesis_and_oneself_are_refused() {
        assert!(node(tempfile::tempdir().unwrap().path(), 0, 0, 9).unwrap_err().contains("does not exist"));
        assert!(node(tempfile::tempdir().unwrap().path(), 0, 0, 0).unwrap_err().contains("this node itself"));
    }
}
