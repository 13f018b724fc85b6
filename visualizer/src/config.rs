//! Settings and the errors of starting.

use minuet_core::store::StoreError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use thiserror::Error;

/// Local settings of the dashboard, section `[visualizer]` of the node's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VisualizerConfig {
    /// Whether there is one.
    pub enabled: bool,
    /// Where to listen. Port 0 takes a free one. There is no authentication: keep it on the loopback or behind a proxy.
    pub listen_address: SocketAddr,
    /// The validators whose dashboards this one watches.
    pub fleet: Vec<FleetEntry>,
}

/// `[[visualizer.fleet]]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FleetEntry {
    /// Its place in the genesis.
    pub index: u16,
    /// Its dashboard: `http://host:port`.
    pub url: String,
}

impl Default for VisualizerConfig {
    fn default() -> Self {
        let listen_address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
        Self { enabled: false, listen_address, fleet: Vec::new() }
    }
}

impl VisualizerConfig {
    /// # Errors
    /// The first setting that cannot work, by its name.
    pub fn check(&self) -> Result<(), String> {
        let mut indexes = BTreeSet::new();
        for entry in &self.fleet {
            let place = format!("visualizer.fleet: validator {}", entry.index);
            if entry.authority().is_none() {
                return Err(format!("{place}: '{}' is not http://host:port", entry.url));
            }
            if !indexes.insert(entry.index) {
                return Err(format!("{place} is named twice"));
            }
        }
        Ok(())
    }
}

impl FleetEntry {
    /// `host:port`.
    pub(crate) fn authority(&self) -> Option<&str> {
        let authority = self.url.strip_prefix("http://")?;
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        let (host, port) = authority.rsplit_once(':')?;
        let is_host = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-._:[]".contains(c));
        let is_port = port.parse::<u16>().is_ok_and(|port| port > 0);
        (is_host && is_port).then_some(authority)
    }
}

/// Why there is no dashboard.
#[derive(Debug, Error)]
pub enum VisualizerError {
    /// A setting cannot work.
    #[error("{0}")]
    Config(String),
    /// The address cannot be listened on.
    #[error("cannot listen on visualizer.listen_address {address}: {source}; choose another address or port")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The chain cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system gives no thread.
    #[error("the dashboard's thread cannot be started: {0}")]
    Thread(std::io::Error),
}
