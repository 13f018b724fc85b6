//! `minuet config`.

use super::prepare::{Files, read_files};
use super::{NodeConfig, load};
use crate::cli::{ConfigCommand, Global};
use crate::datadir::DataDir;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use serde_json::json;
use std::net::{TcpListener, UdpSocket};

/// Runs `config check` or `config show`.
///
/// # Errors
/// The first thing that would keep a node with this configuration from starting.
pub fn run(command: &ConfigCommand, global: &Global) -> Result<Output, Failure> {
    let (file, overrides) = match command {
        ConfigCommand::Check { config, overrides } | ConfigCommand::Show { config, overrides } => (config, overrides),
    };
    let config = load(file, std::env::vars(), overrides, global.log())?;
    match command {
        ConfigCommand::Show { .. } => {
            let text = toml::to_string_pretty(&config).map_err(Failure::config)?;
            Ok(Output::new(text.trim_end(), json!(config)))
        }
        ConfigCommand::Check { .. } => check(&config),
    }
}

fn check(config: &NodeConfig) -> Result<Output, Failure> {
    let Files { genesis, validator, .. } = read_files(config)?;
    let data = DataDir::check(&config.data_dir, genesis.chain_id(), genesis.fingerprint())?;
    if validator.is_some() {
        crate::journal::marker::refuse_exported(&config.data_dir)?;
    }
    let ports = ports(config);
    let quorums = genesis.committee().quorums();
    let role =
        validator.map_or("follower (its keys are not in the genesis)".to_owned(), |index| format!("validator {index}"));
    // A follower needs one validator to dial, not all of them.
    let missing = validator.map_or(Vec::new(), |index| missing_peers(config, quorums.n(), index.0));
    let mut lines = vec![
        format!("role       {role} of {}, tolerates {} faulty", quorums.n(), quorums.f()),
        format!("chain      id {}, genesis {}", genesis.chain_id(), genesis.fingerprint()),
        format!("data_dir   {} ({data})", config.data_dir.display()),
        format!("p2p        {}/udp, {} peers named", config.p2p.listen_address, config.p2p.peers.len()),
        format!("api        http://{}", config.rpc.listen_address),
    ];
    if config.metrics.enabled {
        lines.push(format!("metrics    http://{}/metrics", config.metrics.listen_address));
    }
    lines.extend(ports.iter().map(|warning| format!("warning    {warning}")));
    if !missing.is_empty() {
        lines.push(format!(
            "warning    p2p.peers names no address for validators {missing:?}: they must connect to this node"
        ));
    }
    if quorums.f() == 0 {
        lines.push("warning    fewer than 6 validators: no fault is tolerated".to_owned());
    }
    let json = json!({
        "ok": true, "role": role, "validator": validator.map(|index| index.0), "validators": quorums.n(),
        "chain_id": genesis.chain_id(), "genesis": genesis.fingerprint(), "data_dir": config.data_dir,
        "p2p_listen_address": config.p2p.listen_address, "rpc_listen_address": config.rpc.listen_address,
        "peers_without_address": missing, "warnings": ports,
    });
    Ok(Output::new(lines.join("\n"), json))
}

/// A taken port is only a warning here: the node may be running right now.
fn ports(config: &NodeConfig) -> Vec<String> {
    let p2p = UdpSocket::bind(config.p2p.listen_address).err();
    let rpc = TcpListener::bind(config.rpc.listen_address).err();
    let metrics = config.metrics.enabled.then(|| TcpListener::bind(config.metrics.listen_address).err()).flatten();
    let named = [
        ("metrics.listen_address", config.metrics.listen_address, metrics),
        ("p2p.listen_address", config.p2p.listen_address, p2p),
        ("rpc.listen_address", config.rpc.listen_address, rpc),
    ];
    let dashboard = config.visualizer.enabled.then(|| TcpListener::bind(config.visualizer.listen_address).err());
    let dashboard = dashboard.map(|error| ("visualizer.listen_address", config.visualizer.listen_address, error));
    named
        .into_iter()
        .chain(dashboard)
        .filter_map(|(key, address, error)| error.map(|error| format!("{key} {address} cannot be bound now: {error}")))
        .collect()
}

fn missing_peers(config: &NodeConfig, n: usize, own: u16) -> Vec<u16> {
    (0u16..).take(n).filter(|index| *index != own && config.p2p.peers.iter().all(|peer| peer.index != *index)).collect()
}

/// The failure for an address that a node cannot listen on.
#[must_use]
pub fn cannot_listen(key: &str, address: impl std::fmt::Display, error: &std::io::Error) -> Failure {
    let advice = match error.kind() {
        std::io::ErrorKind::AddrInUse => "another process uses it: stop that one or choose another port",
        std::io::ErrorKind::PermissionDenied => "ports below 1024 need privileges: choose a higher one",
        _ => "check the address",
    };
    Failure::new(Exit::Network, format!("cannot listen on {key} {address}: {error}; {advice}"))
}
